"""The clauses that ask what changes: new pods, broken ones, and those whose registration is taken back. Pure."""

from aiconform.checks.ai_service_metrics import told
from aiconform.checks.ai_service_metrics.samples import host, named, nonces, target
from aiconform.judging import failed, not_applicable, passed, unable, unknown, window
from aiconform.judging.metrics import Sample
from aiconform.model import Finding, Recording

_FIRST, _NEW, _CLOSED, _KEPT = "first", "second", "closed", "kept"
# Answers without `up` that count as its absence: of several replicas one may be behind.
_SILENT = 3


def finds_a_new_pod(rec: Recording) -> Finding:
    """The second pod's nonce comes, without anything but the pod having been made."""
    tried = unable(rec, "second")
    if tried:
        return tried
    value, found = told.nonce(rec, _NEW), told.answers(rec, "second")
    if value is None or not found:
        return unknown("there was no second pod", code="not-tried")
    page, opened = told.shown(rec, _NEW)[1], window(rec, "second").opened
    sight = told.first_sight(found, value)
    if sight is not None:
        took = sight[0].t - (opened.t if opened else 0.0)
        return passed(f"the series of the second pod came after {took:.0f} s", cites=(page, sight[0].seq))
    last, cites = told.latest(found)
    if last is None:
        return unknown("the store did not answer at the end", code="no-reachable-address")
    if told.nonce(rec, _FIRST) not in nonces(last):
        because = "the series of the first pod were gone, too, so that the second one's are missing proves nothing"
        return unknown(because, code="control-did-not-run", cites=cites)
    if not told.waited(window(rec, "second"), rec.deadline("second")):
        return unknown("the suite did not wait until the deadline", code="deadline", cites=cites)
    because = (
        f"a second pod of the registered group showed its metrics, but in {window(rec, 'second').seconds:.0f} s its "
        "series did not come, while those of the first are there"
    )
    return failed(because, cites=(page, *cites))


def shows_a_broken_target(rec: Recording) -> Finding:
    """`up` is 0 for the pod whose port is closed; where the good pod has none, there is nothing to judge."""
    tried = unable(rec, "broken")
    if tried:
        return tried
    found = [a for a in told.other_answers(rec, "broken") if a.samples is not None]
    if not found:
        return unknown("the store was not asked for `up`", code="not-tried")
    telling = [a for a in found if any(_ups(rec, a.samples or (), role) for role in (_FIRST, _CLOSED))]
    if not telling:
        cites = tuple(a.seq for a in found)
        if len(found) < _SILENT:
            return unknown("the store was asked for `up` too few times", code="deadline", cites=cites)
        return not_applicable("the store has no `up`, which is Prometheus' own series", cites=cites)
    last, cites = telling[-1].samples or (), (telling[-1].seq,)
    good, bad = (_ups(rec, last, role) for role in (_FIRST, _CLOSED))
    if bad:
        if max(bad) == 0:
            return passed("`up` is 0 for the pod whose port is closed", cites=cites)
        return failed(f"`up` is {max(bad):g} for a pod whose port is closed", cites=cites)
    if max(good) < 1:
        return unknown("`up` is not 1 for the pod that answers", code="control-did-not-run", cites=cites)
    if told.latest(told.answers(rec, "second"))[0] is not None and not told.first_sight(
        told.answers(rec, "second"), told.nonce(rec, _NEW)
    ):
        because = "new pods are not found at all, so that a broken one is not shown says nothing more"
        return unknown(because, code="control-did-not-run", cites=cites)
    if not told.waited(window(rec, "broken"), rec.deadline("broken")):
        return unknown("the suite did not wait until the deadline", code="deadline", cites=cites)
    because = "`up` is there for the pod that answers, but not for the registered one whose port is closed"
    return failed(because, cites=cites)


def _ups(rec: Recording, seen: tuple[Sample, ...], role: str) -> list[float]:
    name, address = told.names(rec)["pods"][role], host(told.address(rec, role))
    return [
        s.value
        for s in seen
        if named(s, "up")
        and (name in s.labels.values() or (address and s.labels.get("instance", "").startswith(f"{address}:")))
    ]


def forgets(rec: Recording) -> Finding:
    """The series of the unregistered group are gone at the end, and those of the other group are not."""
    tried = unable(rec, "forget")
    if tried:
        return tried
    win, found = window(rec, "forget"), told.answers(rec, "forget")
    last, cites = told.latest(found)
    mine = {told.nonce(rec, role) for role in (_FIRST, _NEW)} - {None}
    if win.opened is None or not found or not mine:
        return unknown("the registration was not taken back", code="not-tried")
    if last is None or not win.whole:
        return unknown("the store did not answer at the end", code="no-reachable-address", cites=win.cites())
    times = _times(rec)
    if told.nonce(rec, _KEPT) not in nonces(last) or not _fresh(times):
        because = "the series of the group that is still registered went, too, so the store may have lost everything"
        return unknown(because, code="control-did-not-run", cites=cites)
    if mine & set(nonces(last)):
        return _stays(rec, times, (*win.cites(), *cites))
    early = told.unasked(rec)
    page = told.shown(rec, _FIRST)[1]
    if early is None and page < (win.closed.seq if win.closed else 0):
        because = "the pod did not show its metrics any more, so that they went says nothing"
        return unknown(because, code="control-did-not-run", cites=cites)
    because = f"the series went stale {win.seconds:.0f} s later, while those of the group still registered stayed"
    return passed(because, cites=(*win.cites(), *cites, *(() if early else (page,))))


def _times(rec: Recording) -> list[tuple[int, dict[str, float]]]:
    """(seq, target -> time of its newest sample by the store's clock), when it was asked first and last.

    Of several stores one may have the series and another one not: all their answers count together.
    """
    by_place: dict[str, list[told.Answer]] = {}
    for a in told.answers(rec, "forget", told.names(rec).get("times", "")):
        by_place.setdefault(a.place, []).append(a)
    if not any(len(found) > 1 for found in by_place.values()):
        return []
    return [_newest([found[i] for found in by_place.values()]) for i in (0, -1)]


def _newest(found: list[told.Answer]) -> tuple[int, dict[str, float]]:
    newest: dict[str, float] = {}
    for s in (s for a in found for s in a.samples or ()):
        newest[target(s)] = max(s.value, newest.get(target(s), 0.0))
    return max(a.seq for a in found), newest


def _fresh(times: list[tuple[int, dict[str, float]]]) -> bool:
    """Whether the kept group's samples went on after the registration of the other was taken back."""
    return len(times) > 1 and times[-1][1].get(_KEPT, 0.0) > times[0][1].get(_KEPT, float("inf"))


def _stays(rec: Recording, times: list[tuple[int, dict[str, float]]], cites: tuple[int, ...]) -> Finding:
    """Still there. Either it is still scraped, or the store looks back at its last sample."""
    if not told.waited(window(rec, "forget"), rec.deadline("stale")):
        return unknown("the suite did not wait until the deadline", code="deadline", cites=cites)
    start, (seq, end) = times[0][1][_KEPT], times[-1]
    newest = max(end.get(_FIRST, 0.0), end.get(_NEW, 0.0))
    if end[_KEPT] - newest < 0.25 * (end[_KEPT] - start):
        because = (
            f"the pods are still scraped {window(rec, 'forget').seconds:.0f} s after their registration was removed"
        )
        return failed(because, cites=(*cites, seq))
    because = "the pods are not scraped any more, but the store still looks back at their last samples"
    return unknown(because, code="deadline", cites=(*cites, seq))
