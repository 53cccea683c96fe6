"""The clause about the accelerator of a replica that the autoscaler added. Pure."""

from aiconform.checks.pod_autoscaling.history import ground, in_step, replicas
from aiconform.judging import Pod, failed, passed, unknown, window
from aiconform.model import Finding, Observation, Outcome, Recording

_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")


def gives_new_replicas_accelerators(rec: Recording) -> Finding:
    """The second replica, beside the first."""
    seen = in_step(rec, "up")
    opened = window(rec, "up").opened
    if opened is None or not any(n.count > 1 for n in seen):
        return ground(rec, "up") or unknown("no replica was added", code="not-tried")
    found = _ran(rec, opened.seq, "replica")
    if found.code != "too-few-accelerators":
        return found
    # The one that came from none had the only unit.
    woken = replica_from_none(rec)
    return woken if woken.outcome in (Outcome.PASS, Outcome.FAIL) else found


def replica_from_none(rec: Recording) -> Finding:
    """The replica that the autoscaler made where there was none."""
    opened = window(rec, "wake").opened
    if opened is None or not any(n.count > 0 for n in in_step(rec, "wake")):
        return ground(rec) or unknown("no replica came from none", code="not-tried")
    return _ran(rec, opened.seq, "woken")


def _ran(rec: Recording, since: int, step: str) -> Finding:
    """The first replica that came after `since`, and answered in this step."""
    added = [p for p in replicas(rec) if p.created and p.created.seq > since]
    answer = next((o for o in rec.observations if _answers(o, step)), None)
    if answer is None:
        return _did_not_run(rec, added[0] if added else None, step)
    mine = next((p for p in added if p.name == answer.subject.split("/")[2]), None)
    if mine is None:
        return unknown("the replica that answered was not one that had been added", code="capacity-changed")
    return _device(rec, mine, answer)


def _answers(o: Observation, step: str) -> bool:
    return o.kind == "probe" and o.step == step and isinstance(o.body, dict) and o.body.get("probe") == "load/1"


def _device(rec: Recording, added: Pod, answer: Observation) -> Finding:
    accelerator = rec.facts["accelerator"]
    cites = (*((added.running.seq,) if added.running else ()), answer.seq)
    if not accelerator.get("recognised") or not accelerator.get("hints"):
        because = f"replica {added.name} runs on {added.node}; how its device looks is not known"
        return passed(because, cites=cites)
    # The last one: the first replica comes anew when its template gets annotations.
    control = next((o for o in rec.observations[::-1] if _answers(o, "first") or _answers(o, "visible")), None)
    if control is None or not control.body["opened"]:
        because = "the first replica could open no device either: that is the driver's business"
        return unknown(because, code="grant-not-usable", cites=(*((control.seq,) if control else ()), answer.seq))
    if not answer.body["opened"]:
        because = f"replica {added.name} runs on {added.node} without an accelerator; the first one opened its own"
        return failed(because, cites=(control.seq, *cites))
    shared = sorted(_numbers(control) & _numbers(answer))
    first = next((p for p in replicas(rec) if p.name == control.subject.split("/")[2]), None)
    # Where there was none before, the device of the one that had gone may be taken again.
    beside = answer.step == "replica" and first is not None and first.node == added.node
    if shared and not accelerator.get("shared") and beside:
        names = ", ".join(f"{major}:{minor}" for major, minor in shared)
        because = f"replica {added.name} has the same device ({names}) as the first one, which still runs"
        return failed(because, cites=(control.seq, *cites))
    because = f"replica {added.name} runs on {added.node} and opened {answer.body['opened'][0]['path']}"
    return passed(because, cites=(control.seq, *cites))


def _numbers(o: Observation) -> set[tuple[int, int]]:
    return {(n["major"], n["minor"]) for n in o.body["opened"]}


def _did_not_run(rec: Recording, added: Pod | None, step: str) -> Finding:
    win = window(rec, step)
    free = sum({o.subject: int(o.body["free"]) for o in rec.observations if _counts(o, "first")}.values())
    if free < 2 and step == "replica":
        because = f"only {free} unit was free, so that no second replica could run"
        return unknown(
            because, code="too-few-accelerators", cites=[o.seq for o in rec.observations if _counts(o, "first")]
        )
    if added is None:
        because = "the Deployment was asked for another replica, and no pod came"
        return unknown(because, code="deadline", cites=win.cites())
    if not added.node:
        because = f"the new replica found no node: {added.why_waiting() or 'the scheduler says nothing'}"
        return unknown(because, code="capacity-changed", cites=win.cites())
    reasons = _reasons(added)
    if any(r in _IMAGE for r in reasons):
        because = f"the probe image cannot be pulled on {added.node}"
        return unknown(because, code="image-unavailable", cites=win.cites())
    if added.started is not None:
        because = f"the probe of replica {added.name} did not report"
        return unknown(because, code="probe-missing", cites=(added.started.seq,))
    if not win.whole or win.seconds < 0.99 * rec.deadline("start"):
        return unknown("the suite did not wait for the new replica", code="interrupted", cites=win.cites())
    first = next((p for p in replicas(rec) if p.running is not None), None)
    if first is None or first.node != added.node:
        because = f"the new replica did not start on {added.node}, where none had run before"
        return unknown(because, code="control-failed", cites=win.cites())
    said = ", ".join(reasons) or "nothing"
    because = f"replica {added.name} was given to {added.node} and did not start there (it says {said})"
    return failed(because, cites=(*win.cites(), *((added.bound.seq,) if added.bound else ())))


def _counts(o: Observation, step: str) -> bool:
    return o.kind == "fact" and o.step == step and o.subject.startswith("free/")


def _reasons(pod: Pod) -> list[str]:
    states = [c.get("state") or {} for c in (pod.last.get("status") or {}).get("containerStatuses") or []]
    return [r for s in states if (r := str((s.get("waiting") or {}).get("reason", "")))]
