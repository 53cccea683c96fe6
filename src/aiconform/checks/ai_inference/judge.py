"""Judges a recording of ai_inference. Pure: one function per clause; the sentences are for readers."""

from typing import Any

from aiconform.checks.ai_inference import band, orders
from aiconform.checks.ai_inference.check import CHECK
from aiconform.checks.ai_inference.history import (
    Batch,
    batch,
    batches,
    ended,
    found_way,
    lost_too_many,
    too_short,
    tried,
)
from aiconform.checks.ai_inference.judge_gateway import carries_requests_to_backends, programs_a_gateway
from aiconform.checks.ai_inference.judge_refusals import (
    keeps_unknown_hosts_out,
    refuses_foreign_backends,
    refuses_missing_backends,
    stops_when_the_route_is_deleted,
)
from aiconform.judging import failed, passed, probes, unknown, verdict
from aiconform.judging.findings import Judge
from aiconform.model import Finding, Outcome, Recording, Suite, Verdict


def judge(rec: Recording, judged_by: Suite) -> Verdict:
    """The verdict."""
    judges: dict[str, Judge] = {
        "programs_a_gateway": programs_a_gateway,
        "carries_requests_to_backends": carries_requests_to_backends,
        "splits_by_weight": splits_by_weight,
        "sends_nothing_to_weight_zero": sends_nothing_to_weight_zero,
        "follows_a_change_of_weights": follows_a_change_of_weights,
        "routes_by_header": routes_by_header,
        "passes_requests_unchanged": passes_requests_unchanged,
        "keeps_unknown_hosts_out": keeps_unknown_hosts_out,
        "refuses_missing_backends": refuses_missing_backends,
        "refuses_foreign_backends": refuses_foreign_backends,
        "stops_when_the_route_is_deleted": stops_when_the_route_is_deleted,
    }
    return verdict(CHECK, rec, judges, judged_by=judged_by, limits=_limits, facts=_facts)


def splits_by_weight(rec: Recording) -> Finding:
    """70 to 30: FAIL only if every sample lies outside of the band, on the same side."""
    samples = batches(rec, "sample-")
    blocked = tried(rec, "split")
    if not samples:
        return blocked or unknown("no sample of requests was taken", code="not-tried")
    for one in samples:
        lost = lost_too_many(one, "of a sample")
        if lost:
            return lost
    sides = [_side(s) for s in samples]
    said = "; ".join(_shares(s) for s in samples)
    cites = [s.seq for s in samples]
    if 0 in sides:
        return passed(f"70 % and 30 % were asked for: {said}", cites=cites)
    if len(samples) < orders.SAMPLES:
        because = f"outside of the band ({said}), and it was not tried {orders.SAMPLES} times"
        return blocked or unknown(because, code="interrupted", cites=cites)
    if len(set(sides)) > 1:
        because = f"outside of the band, but on changing sides: {said}"
        return unknown(because, code="unstable", cites=cites)
    width = 100 * band.half_width(0.7, orders.SAMPLE)
    because = f"70 % and 30 % were asked for, chance explains {width:.1f} % more or less, but it came to: {said}"
    return failed(because, cites=cites)


def _side(sample: Batch) -> int:
    return band.side(sample.backends["one"], orders.WEIGHTS["one"] / 100, sample.served)


def _shares(sample: Batch) -> str:
    parts = (f"{n} {100 * sample.backends[n] / sample.served:.1f} %" for n in orders.BACKENDS)
    return f"{', '.join(parts)} of {sample.served}"


def sends_nothing_to_weight_zero(rec: Recording) -> Finding:
    samples = batches(rec, "sample-")
    for one in samples:
        if one.backends["three"]:
            because = f"{one.backends['three']} of {one.served} requests reached the backend of weight 0"
            return failed(because, cites=(one.seq,))
    blocked = tried(rec, "split")
    if blocked or not samples:
        return blocked or unknown("no sample of requests was taken", code="not-tried")
    lost = next((f for f in (lost_too_many(s, "of a sample") for s in samples) if f), None)
    total = sum(s.served for s in samples)
    return lost or passed(f"none of {total} requests reached it", cites=[s.seq for s in samples])


def follows_a_change_of_weights(rec: Recording) -> Finding:
    blocked = tried(rec, "change")
    found = ended(rec, "change", "split")
    if blocked or found is None:
        return blocked or unknown("the weights were not changed", code="not-tried")
    part, last = found
    if len(last.answers) == orders.ROUNDS * orders.TIMES and last.backends["three"] == len(last.answers):
        return passed(f"all requests went to the third backend within {part.seconds:.0f} s", cites=(part.seq,))
    short = too_short(rec, part)
    if short:
        return short
    if not last.served and not last.statuses:
        because = f"the gateway did not answer any more when the weights had changed: {last.words()}"
        return unknown(because, code="gateway-lost", cites=(part.seq,))
    if last.backends["three"] == last.served and not last.statuses:
        # All that was carried went where it belongs: connections that are lost have nothing to do with weights.
        because = f"all requests that were answered went to the third backend: {last.words()}"
        return lost_too_many(last, "after the change") or passed(because, cites=(part.seq,))
    because = f"{part.seconds:.0f} s after all weight was given to the third backend, requests went to: {last.words()}"
    return failed(because, cites=(part.seq,))


_EXPECTED = {"model-a": "one", "model-b": "two", "model-other": "three", "model-none": "three"}


def routes_by_header(rec: Recording) -> Finding:
    """Exact: one request in a wrong place is a FAIL."""
    blocked, whole = tried(rec, "headers"), batch(rec, "models")
    if whole is None:
        return blocked or unknown("no request with the header was sent", code="not-tried")
    for name, wanted in _EXPECTED.items():
        part = whole.of(name)
        wrong = {b: c for b, c in part.backends.items() if b != wanted}
        if wrong:
            got = ", ".join(f"{c} to {b}" for b, c in sorted(wrong.items()))
            because = f"requests {_with(name)} belong to backend {wanted}, but of {part.served} went {got}"
            return failed(because, cites=(whole.seq,))
    for name in _EXPECTED:
        lost = lost_too_many(whole.of(name), _with(name))
        if lost:
            return lost
    return passed(f"{whole.served} requests with and without the header went where they belong", cites=(whole.seq,))


def _with(name: str) -> str:
    value = {"model-a": "with a", "model-b": "with b", "model-other": "with another value"}.get(name, "without value")
    return f"{value} in {orders.HEADER}"


def passes_requests_unchanged(rec: Recording) -> Finding:
    """Chat completions: by the backend that the header names, with the body and the credential that were sent."""
    blocked, part = tried(rec, "headers"), batch(rec, "chat")
    if part is None:
        return blocked or unknown("no chat completion was sent", code="not-tried")
    sent = part.sent["chat"]
    for key, what in (("body", "body"), ("credential", "Authorization header")):
        wrong = [a for a in part.answers if a.backend and a.seen.get(key) != sent[key]]
        if wrong:
            how = "did not arrive" if not wrong[0].seen.get(key) else "arrived changed"
            because = f"the {what} of {len(wrong)} of {part.served} chat completions {how}"
            return failed(because, cites=(part.seq,))
    elsewhere = sum(c for b, c in part.backends.items() if b != "one")
    if elsewhere:
        because = f"{elsewhere} of {part.served} chat completions reached a backend that their header does not name"
        return failed(because, cites=(part.seq,))
    because = f"{part.served} chat completions arrived with the body and the Authorization header that were sent"
    return lost_too_many(part, "that look like chat completions") or passed(because, cites=(part.seq,))


def _limits(rec: Recording, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    if not rec.facts or all(f.outcome is Outcome.UNKNOWN for f in findings):
        return ()
    out = ["one Gateway with one HTTP listener: TLS was not tried"]
    way = found_way(rec)
    if way is not None:
        seen, how = way
        if how["how"] == "service":
            out.append("the Gateway was reached by its Service inside the cluster, not by an address of its status")
        if how["how"] == "node":
            out.append("the Gateway was reached by a port of the node, not by an address of its status")
        if seen.subject.startswith("here/"):
            out.append("requests came from where aiconform ran: pods of the cluster could not reach the address")
    if _streaming(rec) == "buffered":
        out.append("answers that come in parts are held back until they are whole: models cannot stream their tokens")
    whole = batch(rec, "refusals")
    others = sorted(set(whole.of("unknown").statuses) - {404}) if whole else []
    if others:
        out.append(f"unknown hosts are answered with {', '.join(map(str, others))} and not with 404")
    return tuple(out)


def _streaming(rec: Recording) -> str:
    """Whether the parts of an answer arrived apart: "incremental", "buffered", or "" if it was not seen."""
    for o in probes(rec, "headers"):
        got = o.body.get("batches", {}).get("stream") if isinstance(o.body, dict) else None
        if got and got["status"] == 200 and got["arrivals"]:
            # The backend needs 1.8 s; held back, the parts come together.
            return "incremental" if got["arrivals"][-1] - got["arrivals"][0] > 900 else "buffered"
    return ""


def _facts(rec: Recording) -> dict[str, Any]:
    if not rec.facts:
        return {}
    about = rec.facts["class"]
    out: dict[str, Any] = {"class": about["name"], "controller": about["controller"], "node": rec.facts["node"]}
    way = found_way(rec)
    if way is not None:
        out["reached at"] = f"{way[1]['host']}:{way[1]['port']} ({way[1]['how']})"
    if _streaming(rec):
        out["answers in parts"] = _streaming(rec)
    meshes = [f for f in about.get("features", ()) if f.startswith("Mesh")]
    return out | ({"mesh features": ", ".join(meshes)} if meshes else {})
