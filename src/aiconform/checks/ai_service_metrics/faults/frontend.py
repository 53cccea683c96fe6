"""A query frontend before a real Prometheus that is sound, or wrong in chosen ways. Runs in a pod (frontend_pod.py).

Arguments: one or more of the modes below.

sound          hands every question on
caches         answers for five seconds as it has answered before, which is sound
stale          answers as of the moment at which it first saw series of two pods of a test
rounded        rounds values to three digits
smoothed       answers with the mean of the newest value and of what it has answered before
wraps          counts to a hundred only, and begins again
hides-broken   leaves out series of `up` that are 0
all-up         says that every `up` is 1
remembers      answers with every series that it has seen before, too, and says that their samples are of now
looks-back     answers with the newest sample of the last hour, and tells truly how old it is
makes-up       answers every question for series with one, which never was
own-only       leaves out what does not come from the platform's own namespaces
drops-workload leaves out the labels that tell of the workload, and names itself as the instance
"""

import json
import random
import sys
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

UPSTREAM = "http://scraper.monitoring.svc.cluster.local:9090"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
OWN = ("kube-system", "monitoring", "observability", "")
CACHED = 5.0


class Frontend:
    def __init__(self, modes, upstream):
        self.modes, self.upstream = modes, upstream
        self.frozen = None
        self.seen = {}
        self.answers = {}
        self.changes = {
            "rounded": each(lambda _, value: f"{value:.3g}"),
            "smoothed": each(self.smoothed),
            "wraps": each(
                lambda r, value: value % 100 if r["metric"].get("__name__", "").endswith("_total") else value
            ),
            "hides-broken": lambda _, result: [r for r in result if not (is_up(r) and float(r["value"][1]) == 0)],
            "all-up": each(lambda r, value: 1 if is_up(r) else value),
            "remembers": self.remembered,
            "makes-up": made_up,
            "own-only": lambda _, result: [r for r in result if r["metric"].get("namespace", "") in OWN],
            "drops-workload": anonymous,
        }

    def get(self, path, query):
        if "stale" in self.modes and self.frozen and "query" in query:
            query = {**query, "time": [str(self.frozen)]}
        if "looks-back" in self.modes and query.get("query", [""])[0].startswith("{"):
            query = {**query, "query": [f"last_over_time({query['query'][0]}[1h])"]}
        text = urlencode({k: v[0] for k, v in query.items()})
        if "caches" not in self.modes:
            return self.ask(path, text, query)
        asked, answer = self.answers.get((path, text), (0.0, None))
        if time.time() - asked > CACHED:
            answer = self.ask(path, text, query)
            self.answers[path, text] = time.time(), answer
        return answer

    def ask(self, path, text, query):
        try:
            with OPENER.open(f"{self.upstream}{path}?{text}", timeout=10) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        if status == 200 and path.endswith("/query"):
            whole = json.loads(body)
            whole["data"]["result"] = self.change(query["query"][0], whole["data"]["result"])
            body = json.dumps(whole).encode()
        return status, body

    def change(self, query, result):
        pods = {r["metric"].get("aiconform_target") for r in result} - {None}
        if "stale" in self.modes and not self.frozen and len(pods) > 1:
            self.frozen = time.time()
        for mode in self.modes:
            result = self.changes[mode](query, result) if mode in self.changes else result
        return result

    def smoothed(self, r, value):
        if not r["metric"].get("__name__", "").endswith("_total"):
            return value
        key = json.dumps(r["metric"], sort_keys=True)
        self.seen[key] = (self.seen.get(key, 0.0) + value) / 2
        return self.seen[key]

    def remembered(self, query, result):
        known = self.seen.setdefault(query, {})
        known.update({json.dumps(r["metric"], sort_keys=True): r for r in result})
        if query.startswith("timestamp("):
            now = time.time()
            # Series that it has answered with have a time, too, even if nobody asked for it while they were there.
            for metric in self.nonces(query):
                known.setdefault(json.dumps(metric, sort_keys=True), {"metric": metric, "value": [now, ""]})
            for r in known.values():
                r["value"][1] = str(now)
        return list(known.values())

    def nonces(self, times):
        """The labels of remembered series of one number a pod, as timestamp() answers with them: without a name."""
        selectors = [query for query in self.seen if query.startswith("{") and query.strip("{}") in times]
        found = [r["metric"] for query in selectors for r in self.seen[query].values()]
        named = [metric for metric in found if metric.get("__name__", "").endswith("aiconform_nonce")]
        return [{k: v for k, v in metric.items() if k != "__name__"} for metric in named]


def each(new):
    """A change of every series' value by itself."""

    def change(_, result):
        for r in result:
            r["value"][1] = str(new(r, float(r["value"][1])))
        return result

    return change


def is_up(series):
    return series["metric"].get("__name__") == "up"


def made_up(query, result):
    if result or not query.startswith("{"):
        return result
    labels = dict(part.split("=", 1) for part in query.strip("{}").split(",") if "=" in part and "~" not in part)
    metric = {"__name__": "aiconform_nonce", "namespace": "default", **{k: v.strip('"') for k, v in labels.items()}}
    return [{"metric": metric, "value": [time.time(), str(random.randrange(10**8, 10**9))]}]


def anonymous(_, result):
    gone = ("namespace", "pod", "node", "container", "instance")
    for r in result:
        if not is_up(r):
            r["metric"] = {k: v for k, v in r["metric"].items() if k not in gone} | {"instance": "cluster"}
    return result


class Handler(BaseHTTPRequestHandler):
    frontend = None

    def do_GET(self):
        url = urlsplit(self.path)
        status, body = self.frontend.get(url.path, parse_qs(url.query))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


Handler.frontend = Frontend(sys.argv[1:], UPSTREAM)
ThreadingHTTPServer(("", 9090), Handler).serve_forever()
