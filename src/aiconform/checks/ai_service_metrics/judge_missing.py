"""Why the series of a registered pod did not come: what else may be the reason comes before a FAIL. Pure."""

from aiconform.checks.ai_service_metrics import told
from aiconform.checks.ai_service_metrics.samples import NONCE, named, target, words
from aiconform.judging import facts, failed, unknown, window
from aiconform.model import Finding, Recording

_FIRST = "first"


def never_came(rec: Recording, missing: list[str]) -> Finding:
    """The series did not come although the pod showed them: everything else that may be the reason comes first."""
    win = window(rec, "visible")
    last, cites = told.latest(told.answers(rec, "visible"))
    if not told.waited(win, rec.deadline("visible")):
        return unknown("the suite did not wait until the deadline for the series", code="deadline", cites=win.cites())
    if last is None:
        return unknown("the store did not answer at the end", code="no-reachable-address", cites=win.cites())
    by_name = _other_number(rec, missing) or _elsewhere(rec)
    if by_name is not None:
        return by_name
    for o in facts(rec, "network_policies"):
        if o.body:
            because = f"network policies came with the new namespace ({', '.join(o.body)}): they may keep scrapes out"
            return unknown(because, code="blocked-by", cites=(o.seq,))
    for o in facts(rec, "account"):
        if o.body["may"] is False:
            because = f"the collector's account {o.body['account']} may not list pods of a new namespace"
            return unknown(because, code="blocked-by", cites=(o.seq,))
    return _is_its_fault(rec, missing, (*win.cites(), *cites))


def _other_number(rec: Recording, missing: list[str]) -> Finding | None:
    """A pod's nonce is there by its labels, but with another value."""
    for a in reversed(told.answers(rec, "visible")):
        for s in a.samples or ():
            if named(s, NONCE) and target(s) in missing:
                page, wanted = told.shown(rec, target(s))[1], told.nonce(rec, target(s))
                because = f"the store has the random number that the pod shows, {wanted:.10g}, as {s.value:.10g}"
                return failed(f"{because}: it changes values, or makes them up", cites=(page, a.seq))
    return None


def _elsewhere(rec: Recording) -> Finding | None:
    """What the wider searches found: the series without their own labels, or the target's `up`.

    A collector that asks the pod, but not at the port that was registered, has nothing to excuse it.
    """
    value = told.nonce(rec, _FIRST)
    for a in told.other_answers(rec, "visible"):
        if told.first_sight((a,), value):
            because = "the pod's nonce is in the store, but the label that the pod gave its series is not"
            return failed(because, cites=(a.seq,))
        ups = [s for s in a.samples or () if named(s, "up") and told.names(rec)["pods"][_FIRST] in words(s)]
        if ups and max(s.value for s in ups) == 0 and not all(told.another_port(rec, _FIRST, s) for s in ups):
            because = "the collector found the pod and says that it cannot reach it (`up` is 0)"
            return unknown(because, code="blocked-by", cites=(a.seq,))
    return None


def _is_its_fault(rec: Recording, missing: list[str], cites: tuple[int, ...]) -> Finding:
    collector = facts(rec, "collector")
    if not (collector and collector[-1].body["sure"]) and not rec.facts.get("claimed"):
        because = "the series did not come, but nothing says that such a registration is what this collector goes by"
        return unknown(because, code="mechanism-ambiguous", cites=cites)
    counted = [a for a in told.other_answers(rec, "visible") if a.query.startswith("count(")]
    if not any(s.value > 0 for a in counted for s in a.samples or ()):
        because = "the store that was asked has no scraped series at all, so it may be the wrong one (--metrics-url)"
        return unknown(because, code="no-reachable-address", cites=(*cites, *(a.seq for a in counted)))
    if collector and (elsewhere := collector[-1].body.get("elsewhere")):
        because = f"the series are not in the stores that were asked, but {elsewhere}: name the store by --metrics-url"
        return unknown(because, code="no-reachable-address", cites=cites)
    direct = [told.shown(rec, role)[1] for role in missing]
    because = (
        f"the pod showed its metrics and was registered, and in {window(rec, 'visible').seconds:.0f} s its series did "
        "not come into the store, which answers and has others"
    )
    return failed(because, cites=(*direct, *cites, *(a.seq for a in counted)))
