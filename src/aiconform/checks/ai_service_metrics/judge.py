"""Judges a recording of ai_service_metrics. Pure: one function per clause; the sentences are for readers."""

from typing import Any

from aiconform.checks.ai_service_metrics import told
from aiconform.checks.ai_service_metrics.check import CHECK
from aiconform.checks.ai_service_metrics.judge_later import (
    finds_a_new_pod,
    forgets,
    shows_a_broken_target,
)
from aiconform.checks.ai_service_metrics.judge_missing import never_came
from aiconform.checks.ai_service_metrics.samples import (
    CLAIMED,
    COUNTER,
    NAMESPACES,
    PODS,
    differences,
    host,
    named,
    target,
    words,
)
from aiconform.judging import facts, failed, passed, unable, unknown, verdict, window
from aiconform.judging.findings import Judge
from aiconform.judging.metrics import Sample
from aiconform.model import Finding, Outcome, Recording, Suite, Verdict

_FIRST, _KEPT = "first", "kept"


def judge(rec: Recording, judged_by: Suite) -> Verdict:
    """The verdict."""
    judges: dict[str, Judge] = {
        "scrapes_a_registered_pod": scrapes_a_registered_pod,
        "stores_what_the_pod_shows": stores_what_the_pod_shows,
        "follows_the_counter": follows_the_counter,
        "tells_pods_apart": tells_pods_apart,
        "finds_a_new_pod_by_itself": finds_a_new_pod,
        "shows_a_broken_target": shows_a_broken_target,
        "forgets_an_unregistered_pod": forgets,
    }
    return verdict(CHECK, rec, judges, judged_by=judged_by, limits=_limits, facts=_facts)


def scrapes_a_registered_pod(rec: Recording) -> Finding:
    """The nonces of the first pods of both groups come into the store."""
    tried = unable(rec, "visible")
    if tried:
        return tried
    values = {role: told.nonce(rec, role) for role in (_FIRST, _KEPT)}
    if None in values.values():
        return unknown("no pod showed its metrics directly", code="not-tried")
    found = told.answers(rec, "visible")
    seen = {role: told.first_sight(found, value) for role, value in values.items()}
    missing = [role for role, sight in seen.items() if sight is None]
    if missing:
        return never_came(rec, missing)
    opened = window(rec, "visible").opened
    sights = [s[0] for s in seen.values() if s is not None]
    cites = (told.shown(rec, _FIRST)[1], *(s.seq for s in sights))
    if early := told.first_sight(told.answers(rec, "before"), values[_FIRST]):
        because = "the pod was scraped before anybody had registered it, and the store has its nonce"
        return passed(because, cites=(*cites, early[0].seq))
    if stranger := told.unasked(rec):
        because = "the series came, and so did those of a pod that nobody had registered"
        return passed(because, cites=(*cites, stranger[0].seq))
    if not any(a.samples is not None for a in told.answers(rec, "before")):
        because = "the store did not say whether it had the series before they were registered"
        return unknown(because, code="control-did-not-run", cites=cites)
    took = max(s.t for s in sights) - (opened.t if opened else 0.0)
    return passed(f"the series of both registered groups came {took:.0f} s after they were registered", cites=cites)


def stores_what_the_pod_shows(rec: Recording) -> Finding:
    """After the drives every series of the pod has the value that the pod shows."""
    tried = unable(rec, "grown")
    if tried:
        return tried
    want, page = told.shown(rec, _FIRST, _last(rec, "grown"))
    found = [a for a in told.answers(rec, "grown") if a.seq > page]
    if not want or not page or not found or not _driven(rec):
        return unknown("the pod was not made to serve", code="not-tried")
    agreeing = [a for a in found if a.samples is not None and not _wrong(a.samples, want)]
    if agreeing:
        count = f"{len(want)} series agree with what the pod shows, to the last digit"
        return passed(count, cites=(page, agreeing[0].seq))
    last, cites = told.latest(tuple(found))
    if last is None:
        return unknown("the store did not answer at the end", code="no-reachable-address")
    if not told.waited(window(rec, "grown"), rec.deadline("grown")):
        return unknown("the suite did not wait until the deadline", code="deadline", cites=cites)
    wrong = _wrong(last, want)
    # What is old and not wrong is the counter's clause to tell.
    if _as_before(rec, last, page):
        return unknown("the store shows an older state of the pod, so values cannot be compared", code="stale-values")
    return failed(f"the store differs from the pod: {'; '.join(wrong[:4])}", cites=(page, *cites))


def _wrong(seen: tuple[Sample, ...], want: tuple[Sample, ...]) -> list[str]:
    return differences([s for s in seen if target(s) == _FIRST], want)


def _as_before(rec: Recording, seen: tuple[Sample, ...], page: int) -> bool:
    """Whether the store shows exactly what the pod had shown at some time before."""
    while page:
        older, page = told.shown(rec, _FIRST, page - 1)
        if older and not _wrong(seen, older):
            return True
    return False


def _last(rec: Recording, step: str) -> int:
    return max((o.seq for o in rec.observations if o.step == step), default=0)


def _driven(rec: Recording) -> list[int]:
    return [int(o.body) for o in facts(rec, "driven")]


def follows_the_counter(rec: Recording) -> Finding:
    """The store's counter came to each number of requests that the pod had served."""
    tried = unable(rec, "grown")
    if tried:
        return tried
    numbers, found = _driven(rec), told.answers(rec, "grown")
    if not numbers or not found:
        return unknown("the pod was not made to serve", code="not-tried")
    cites = []
    for number in numbers:
        shown = _served(rec, number)
        if shown is None:
            return unknown(f"the pod itself did not show {number} requests", code="control-did-not-run")
        hit = next((a for a in found if a.seq > shown and number in _counters(a.samples)), None)
        if hit is None:
            return _stuck(rec, number, shown)
        cites += [shown, hit.seq]
    return passed(f"the counter in the store came to exactly {' and then '.join(map(str, numbers))}", cites=cites)


def _counters(samples: tuple[Sample, ...] | None) -> list[float]:
    return [s.value for s in samples or () if named(s, COUNTER) and target(s) == _FIRST]


def _served(rec: Recording, number: int) -> int | None:
    """The seq at which the pod first showed that it had served so many."""
    page, found = _last(rec, "grown"), None
    while page:
        samples, page = told.shown(rec, _FIRST, page)
        if number in _counters(samples):
            found = page
        page = page - 1 if page else 0
    return found


def _stuck(rec: Recording, number: int, shown: int) -> Finding:
    later = [a for a in told.answers(rec, "grown") if a.seq > shown]
    win = window(rec, "grown")
    closing = [o for o in rec.observations if o.step == "grown" and o.kind == "window.close" and o.seq > shown]
    if not closing or not later:
        return unknown("the suite did not wait for the counter", code="deadline", cites=win.cites())
    within = tuple(a for a in later if a.seq < closing[0].seq)
    last, cites = told.latest(within)
    if last is None:
        return unknown("the store did not answer at the end", code="no-reachable-address")
    if closing[0].t - later[0].t < max(0.9 * rec.deadline("grown"), 3 * told.interval(rec)):
        return unknown("the suite did not wait until the deadline", code="deadline", cites=cites)
    values = ", ".join(f"{v:g}" for v in _counters(last)) or "nothing"
    because = f"the pod had served {number} requests, and after {rec.deadline('grown'):g} s the store showed {values}"
    return failed(because, cites=(shown, *cites))


def tells_pods_apart(rec: Recording) -> Finding:
    """The first pod's nonce carries the names of its pod and namespace."""
    sight = told.first_sight(told.answers(rec, "visible"), told.nonce(rec, _FIRST))
    if sight is None:
        tried = unable(rec, "visible") or unable(rec, "grown")
        return tried or unknown("the series did not come", code="not-tried")
    answer, series = sight
    pod, namespace = told.names(rec)["pods"][_FIRST], told.namespace(rec, _FIRST)
    cites = (answer.seq,)
    wrong = [
        f"{key}={series.labels[key]!r}"
        for keys, right in ((NAMESPACES, namespace), (PODS, pod))
        for key in keys
        if series.labels.get(key, right) != right and right not in words(series)
    ]
    if wrong:
        return failed(f"the series of pod {namespace}/{pod} are booked to {', '.join(wrong)}", cites=cites)
    if pod in words(series) and namespace in words(series):
        keys = [k for k, v in series.labels.items() if v in (pod, namespace)]
        return passed(f"labels {' and '.join(sorted(keys))} name pod and namespace", cites=cites)
    address = told.address(rec, _FIRST)
    if pod in words(series) or (address and any(w.startswith((address, host(address))) for w in words(series))):
        return passed("the series carry the pod's name or address, though not both names", cites=cites)
    because = f"nothing in the series tells which pod they come from: {', '.join(sorted(series.labels)) or 'no labels'}"
    return failed(because, cites=cites)


def _limits(rec: Recording, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    said = []
    chosen, others = facts(rec, "collector"), facts(rec, "collectors")
    if chosen:
        more = [c["name"] for c in others[-1].body if c["name"] != chosen[-1].body["name"]] if others else []
        if more:
            said.append(f"only {chosen[-1].body['name']} was tried; there are also {', '.join(more)}")
        said.append(f"only this way of registering was tried: {_WAYS[chosen[-1].body['way']]}")
    if any(f.outcome is Outcome.PASS for f in findings) and told.unasked(rec):
        said.append("the platform scrapes pods that nobody has registered")
    sights = [s for a in told.answers(rec, "visible") for s in a.samples or ()]
    if any(named(s, CLAIMED) and s.labels.get("namespace") == "aiconform-claimed" for s in sights):
        said.append("a pod may give its series the labels of another pod (honor_labels)")
    if any(s.name and s.name != COUNTER for s in sights if named(s, COUNTER)):
        said.append("the platform changes the names of metrics")
    return tuple(said)


_WAYS = {
    "service": "a monitor of a Service",
    "pod": "a monitor of pods",
    "service-annotations": "annotations of a Service",
    "pod-annotations": "annotations of pods",
}


def _facts(rec: Recording) -> dict[str, Any]:
    collector = facts(rec, "collector")
    found: dict[str, Any] = {"mechanism": rec.facts.get("mechanism", rec.via)}
    if collector:
        found["collector"] = collector[-1].body["name"]
    opened = window(rec, "visible").opened
    sight = told.first_sight(told.answers(rec, "visible"), told.nonce(rec, _FIRST))
    if opened and sight:
        found["seconds_to_visible"] = round(sight[0].t - opened.t, 1)
    return found
