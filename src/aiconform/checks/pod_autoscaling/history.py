"""What the judges of this check look up in a recording, in one place. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aiconform.checks.pod_autoscaling import decisions
from aiconform.judging import Pod, Window, facts, pods, unable, unknown, window
from aiconform.model import Finding, Observation, Recording

APP, ROLE_LABEL = "load", "aiconform.dev/role"
_GROUND = ("first", "visible", "follow", "scaler")


@dataclass(frozen=True)
class Number:
    """How many replicas the Deployment was asked to have, from an observation on."""

    seq: int
    t: float
    count: int


def ground(rec: Recording, *steps: str) -> Finding | None:
    """UNKNOWN if what these steps build on, or one of them, could not be tried."""
    return unable(rec, *_GROUND, *steps)


def not_tried(what: str) -> Finding:
    """UNKNOWN, since something earlier had failed."""
    return unknown(what, code="not-tried")


def home(rec: Recording) -> str:
    """The namespace of the Deployment that is scaled; "" if it never was."""
    return next((o.body["object"]["metadata"]["namespace"] for o in _deployments(rec)), "")


def _deployments(rec: Recording) -> list[Observation]:
    return [
        o
        for o in rec.observations
        if o.kind == "watch"
        and o.subject.startswith("deployments.apps/")
        and o.body["object"]["metadata"]["name"] == APP
        and (o.body["object"]["metadata"].get("labels") or {}).get(ROLE_LABEL) == "replica"
    ]


def numbers(rec: Recording, since: int, until: int) -> tuple[Number, ...]:
    """The number of replicas at `since` (a seq), and every change until `until`."""
    found: list[Number] = []
    for o in _deployments(rec):
        now = Number(o.seq, o.t, int(o.body["object"]["spec"].get("replicas", 0)))
        if o.seq > until or o.body["type"] == "DELETED":
            break
        if o.seq <= since:
            found = [now]
        elif not found or found[-1].count != now.count:
            found.append(now)
    return tuple(found)


def in_step(rec: Recording, step: str) -> tuple[Number, ...]:
    """The numbers from a step's first command, or the opening of its window, to its window's close."""
    win, said = window(rec, step), facts(rec, "commanded", step)
    starts = [o.seq for o in (win.opened, *said) if o is not None]
    if not starts:
        return ()
    later = (o.seq for o in rec.observations if o.seq > min(starts) and o.step != step and _begins(o))
    end = win.closed.seq if win.closed else next(later, rec.observations[-1].seq)
    return numbers(rec, min(starts), end)


def _begins(o: Observation) -> bool:
    return o.kind == "window.open" or (o.kind == "fact" and o.subject == "commanded")


def commanded(rec: Recording, step: str) -> Observation | None:
    """The last loads that were set in a step."""
    found = facts(rec, "commanded", step)
    return found[-1] if found else None


def readings(rec: Recording, step: str, where: str = "own") -> tuple[Observation, ...]:
    """What the metrics API said in a step, after the last loads of the step were set."""
    said = commanded(rec, step)
    after = said.seq if said is not None and where == "own" else 0
    return tuple(o for o in facts(rec, "metric", step) if o.body["where"] == where and o.seq > after)


def matching(rec: Recording, step: str) -> Observation | None:
    """The first reading of a step that shows exactly what had been set."""
    said = commanded(rec, step)
    if said is None:
        return None
    wanted = said.body
    return next((o for o in readings(rec, step) if _equal(o.body["values"], wanted["values"], wanted["total"])), None)


def _equal(values: Mapping[str, str], wanted: Mapping[str, str], total: bool) -> bool:
    if total:
        return sorted(Decimal(v) for v in values.values()) == sorted(Decimal(v) for v in wanted.values())
    return {k: Decimal(v) for k, v in values.items()} == {k: Decimal(v) for k, v in wanted.items()}


def exported(rec: Recording, step: str) -> Observation | None:
    """The pod's own page, if it shows what had been set."""
    said = commanded(rec, step)
    for o in rec.observations:
        own = o.kind == "http" and o.step == step and o.subject.startswith("GET pods/")
        if own and said is not None and o.seq > said.seq and o.body["status"] == 200:
            lines = [line for line in str(o.body["body"]).splitlines() if line.startswith("aiconform_load{")]
            if [line.rpartition(" ")[2] for line in lines] == list(said.body["values"].values()):
                return o
    return None


def words(values: Mapping[str, str]) -> str:
    """Values for a reader: "37", or "96 and 48", or "nothing"."""
    return " and ".join(values.values()) or "nothing"


def replicas(rec: Recording) -> tuple[Pod, ...]:
    """The pods of the Deployment that is scaled, in order of arrival."""
    return pods(rec, role="replica", namespace=home(rec))


def disturbed(rec: Recording, step: str) -> Finding | None:
    """UNKNOWN if a replica went in a step before the number changed: the load that it exported went with it."""
    seen, win = in_step(rec, step), window(rec, step)
    first = next((n.seq for n in seen[1:]), win.closed.seq if win.closed else None)
    for pod in replicas(rec):
        went = pod.ended.seq if pod.ended else 0
        if seen and seen[0].seq < went and win.holds(went) and (first is None or went < first):
            because = f"replica {pod.name} went by itself, and its load with it"
            return unknown(because, code="capacity-changed", cites=(went,))
    return None


def blind(rec: Recording, win: Window, seconds: float, *, decided: bool = False) -> Finding | None:
    """UNKNOWN unless a window had its full length and its Deployment was watched in it without a gap.

    `decided`: the autoscaler was seen to decide often enough, so that the length says nothing more.
    """
    if not win.whole or (win.seconds < 0.99 * seconds and not decided):
        because = f"the suite did not look for the whole {seconds:g} s"
        return unknown(because, code="interrupted", cites=win.cites())
    if not win.watched(f"deployments.apps/{home(rec)}"):
        because = "the Deployment was not watched without a gap while it mattered"
        return unknown(because, code="api-lost", cites=win.cites())
    return None


def autoscalers(rec: Recording, since: int, until: int) -> tuple[Observation, ...]:
    """What was seen of the HorizontalPodAutoscaler of our Deployment between two seqs."""
    mine = f"horizontalpodautoscalers.autoscaling/{home(rec)}/"
    return tuple(
        o for o in rec.observations if o.kind == "watch" and o.subject.startswith(mine) and since <= o.seq <= until
    )


def decided(rec: Recording, step: str) -> tuple[int, ...]:
    """Where the autoscaler was seen to decide, after each load of a step, that the least number is right; () if not.

    A load after which it was not seen to is () for all.
    """
    end = window(rec, step).closed
    said = facts(rec, "commanded", step)
    bounds = [*(o.seq for o in said), end.seq if end else 0]
    found: list[int] = []
    for o, until in zip(said, bounds[1:], strict=True):
        load = sum(int(v) for v in o.body["values"].values())
        seen = (a for a in autoscalers(rec, o.seq, until) if decisions.keeps(a.body["object"], 1, load))
        hit = next(seen, None)
        if hit is None:
            return ()
        found.append(hit.seq)
    return tuple(found)


def refused(rec: Recording, win: Window) -> int:
    """How often in a window the autoscaler said that it has no metric."""
    start, end = (o.seq if o else 0 for o in (win.opened, win.closed))
    mine = autoscalers(rec, 0, end)
    if not mine:
        return 0
    name = str(mine[-1].body["object"]["metadata"]["name"])
    seen = [o for o in rec.observations if o.kind == "watch" and o.subject.startswith(f"events/{home(rec)}/")]
    before = decisions.failures([o.body["object"] for o in seen if o.seq < start], name)
    return decisions.more(before, decisions.failures([o.body["object"] for o in seen if o.seq <= end], name))


def conditions(rec: Recording, since: int, until: int) -> tuple[tuple[Observation, dict[str, Any]], ...]:
    """Conditions of the HorizontalPodAutoscaler in all observations between two seqs, with what shows each."""
    return tuple(
        (o, c)
        for o in autoscalers(rec, since, until)
        for c in (o.body["object"].get("status") or {}).get("conditions") or []
    )


def complaint(rec: Recording, win: Window) -> str:
    """What the autoscaler says last about why it does not scale; "" if it says nothing."""
    start, end = (o.seq if o else 0 for o in (win.opened, win.closed))
    last = {c["type"]: c for _, c in conditions(rec, start, end or rec.observations[-1].seq)}
    wrong = [c for kind, c in last.items() if kind in ("AbleToScale", "ScalingActive") and c["status"] != "True"]
    return "; ".join(f"{c.get('reason', '')}: {c.get('message', '')}" for c in wrong)
