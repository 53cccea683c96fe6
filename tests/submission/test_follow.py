"""Links are followed as the gate does, politely, against a server on this machine."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from aiconform.submission import checker, follow, links, members
from aiconform.submission.follow import Manners, NoNetwork

sys.path.insert(0, str(Path(__file__).parent))
from products import product_yaml, write

FAST = Manners(timeout=1.0, wait=0.01, longest_wait=0.05)


class Server(ThreadingHTTPServer):
    """Answers by the path: /404, /head-405 (HEAD only), /flaky-503 (once), /busy, /slow, /to/404, /loop, /alive..."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str]] = []
        self.agents: set[str] = set()
        self.now = self.most = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        server = self.server
        with server.lock:
            server.seen.append((self.command, self.path))
            server.agents.add(self.headers["User-Agent"])
            server.now += 1
            server.most = max(server.most, server.now)
            times = sum(path == self.path for _, path in server.seen)
        if self.path == "/drip":
            self.drip()
        if self.path.startswith("/slow"):
            time.sleep(3 if self.path == "/slow" else 0.05)
        with server.lock:
            server.now -= 1
        name = self.path.strip("/")
        status = int(name) if name.isdigit() else 200
        if name == "head-405" and self.command == "HEAD":
            status = 405
        # HEAD and GET of the first try, then it is well.
        if name == "flaky-503" and times <= 2:
            status = 503
        if name == "busy-once" and times <= 2:
            status = 429
        if name.startswith(("to/", "loop")):
            status = 302
        try:
            self.send_response(status)
            if status == 302:
                where = {"loop": "/loop", "to/file": "file:///etc/hostname"}.get(name, f"/{name.removeprefix('to/')}")
                self.send_header("Location", where)
            if status == 429:
                self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            self.end_headers()
        except OSError:
            pass

    def drip(self) -> None:
        """A byte of an endless header now and then: no step of it is ever late."""
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            for _ in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    it = Server()
    thread = threading.Thread(target=it.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield it
    it.shutdown()
    it.server_close()


@pytest.mark.parametrize(
    ("path", "state", "said", "requests"),
    [
        ("/alive", "alive", "answers 200", ["HEAD"]),
        ("/head-405", "alive", "answers 200", ["HEAD", "GET"]),
        ("/to/alive", "alive", "answers 200", ["HEAD"]),
        ("/404", "dead", "answers 404", ["HEAD", "GET"]),
        ("/to/404", "dead", "answers 404", ["HEAD", "GET"]),
        ("/403", "refused", "answers 403", ["HEAD", "GET"]),
        ("/401", "refused", "answers 401", ["HEAD", "GET"]),
        ("/429", "busy", "answers 429", ["HEAD", "GET"] * 3),
        ("/busy-once", "alive", "answers 200", ["HEAD", "GET", "HEAD"]),
        ("/500", "dead", "answers 500", ["HEAD", "GET"] * 3),
        ("/flaky-503", "alive", "answers 200", ["HEAD", "GET", "HEAD"]),
        ("/loop", "dead", "redirects without end", ["HEAD"] * 11),
        ("/to/file", "dead", "leads to no web address", ["HEAD"]),
    ],
)
def test_answers_are_told_apart(server: Server, path: str, state: str, said: str, requests: list[str]) -> None:
    found = follow.follow([server.url + path], FAST)[server.url + path]
    assert (found.state, found.said) == (state, said)
    assert [method for method, asked in server.seen if asked == path] == requests
    assert all(agent.startswith("aiconform/") for agent in server.agents)


@pytest.mark.parametrize(
    "url",
    ["/slow", "/loop", "http://127.0.0.1:1/", "http://no.such.host.invalid/", "http://[", "https://a b/", "http://"],
)
def test_what_does_not_answer_is_silent_or_no_address(server: Server, url: str) -> None:
    one = server.url + url if url.startswith("/") else url
    found = follow.follow([one, server.url + "/alive"], FAST)
    assert found[one].state in ("silent", "dead") and found[one].said
    assert found[server.url + "/alive"].state == "alive"


def test_a_server_that_sends_for_ever_is_left(server: Server) -> None:
    begun = time.monotonic()
    url = server.url + "/drip"
    found = follow.follow([url], Manners(timeout=1.0, whole=0.5, tries=1))[url]
    assert (found.state, found.said) == ("silent", "does not answer (no answer in time)")
    assert time.monotonic() - begun < 5


def test_each_address_is_asked_once_and_few_at_a_time(server: Server) -> None:
    urls = [f"{server.url}/slow-{i}" for i in range(12)] * 3
    follow.follow(urls, Manners(per_host=2, at_once=8))
    assert Counter(server.seen) == Counter({("HEAD", f"/slow-{i}"): 1 for i in range(12)})
    assert server.most <= 2


def test_without_a_network_nothing_is_called_dead() -> None:
    with pytest.raises(NoNetwork, match="none of 2 links answered"):
        follow.follow(["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"], FAST)
    with pytest.raises(NoNetwork, match="cannot be fetched"):
        follow.fetch("http://127.0.0.1:1/a", 10, FAST)
    assert follow.follow([], FAST) == {}


def test_a_file_is_fetched_up_to_its_limit(server: Server) -> None:
    assert follow.fetch(server.url + "/alive", 10, FAST) == b""
    with pytest.raises(NoNetwork, match="answers 404"):
        follow.fetch(server.url + "/404", members.LARGEST, FAST)


def test_links_become_remarks_at_their_places(server: Server, tmp_path: Path) -> None:
    text = product_yaml(
        ai_inference=f"status: Implemented\nevidence: ['{server.url}/404', '{server.url}/403', '{server.url}/alive']",
        pod_autoscaling=f"status: Implemented\nevidence: ['{server.url}/429', '{server.url}/404']",
    ).replace('"example.com"', f'"{server.url}/500"')
    path = write(tmp_path, text)
    asked = checker.Asked(advice=False, members=frozenset({"Example"}))
    before = next(iter(checker.check([path], asked)))
    assert before.verdict == "open"
    followed = [link for link in before.links if link.what != "k8sConformanceUrl"]
    answers = follow.follow([link.url for link in followed], FAST)
    answers |= {link.url: follow.Answer("alive", "") for link in before.links if link.url not in answers}
    after = checker.with_links(before, links.remarks(before, answers))
    said = [(r.level, r.rule, r.row, text.splitlines()[r.mark.line - 1].strip()[:9]) for r in after.remarks]
    assert said == [
        ("error", "link-dead", "", "websiteUr"),
        ("error", "link-dead", "ai_inference", "evidence:"),
        ("error", "link-refused", "ai_inference", "evidence:"),
        ("warning", "link-busy", "pod_autoscaling", "evidence:"),
        ("error", "link-dead", "pod_autoscaling", "evidence:"),
    ]
    assert after.verdict == "refused"


def test_all_alive_is_accepted(server: Server, tmp_path: Path) -> None:
    path = write(tmp_path, product_yaml())
    before = next(iter(checker.check([path], checker.Asked(advice=False, members=frozenset({"Example"})))))
    alive = {link.url: follow.Answer("alive", "answers 200") for link in before.links}
    assert checker.with_links(before, links.remarks(before, alive)).verdict == "accepted"
