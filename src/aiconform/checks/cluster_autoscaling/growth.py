"""The clauses about adding: does a node come, has it the accelerator, does the waiting pod run on it."""

import re

from aiconform.checks.cluster_autoscaling.history import (
    Life,
    before,
    blind,
    came,
    host,
    lives,
    reading,
    restless,
    strangers,
    untolerated,
    waiting,
)
from aiconform.judging import Pod, facts, failed, passed, unable, unknown, window
from aiconform.model import Finding, Outcome, Recording

# Taints that Kubernetes and Karpenter promise to take away when a node is ready.
_PASSING = re.compile(r"^node\.kubernetes\.io/|^node\.cloudprovider\.kubernetes\.io/uninitialized|^karpenter\.sh/unreg")
_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
# What the survey calls accelerators that are simulated themselves.
STAND_IN = "simulated"


def _ground(rec: Recording) -> Finding | None:
    """Whether a pod waited, for want of the accelerator, with nothing free on the nodes that were there."""
    tried = unable(rec, "canary", "fill", "grow")
    if tried:
        return tried
    old, pods = before(rec), waiting(rec)
    if old is None or not pods:
        return unknown("no pod was made to wait", code="not-tried")
    names = {life.name: life.uid for life in lives(rec).values() if life.came.seq and life.uid in old}
    early = [p for p in pods if p.bound and p.node in names]
    if early:
        because = f"units became free meanwhile: the pod that should have waited went to {early[0].node}"
        return unknown(because, code="capacity-changed", cites=(early[0].bound.seq,) if early[0].bound else ())
    return None


def _asked(rec: Recording) -> Finding | None:
    """What the scheduler said while the pod waited: only the accelerator may be the reason."""
    accelerator = rec.facts["accelerator"]
    said = _messages(rec)
    if not said:
        return unknown("the scheduler never said that the pod waits", code="deadline")
    names: tuple[str, ...] = ("claim",)
    if rec.settings.get("node_selector"):
        # Where only one group may be used and has no node yet, no node matches.
        names = (*names, "node affinity/selector")
    if accelerator["form"] != "dra":
        names = (*names, f"Insufficient {accelerator['resource']}", "extended resource")
    if any(n in text for text, _ in said for n in names) or host(rec) is not None:
        # A pod that at last ran on a new node waited for one, whatever filter of the scheduler spoke first.
        return None
    text, seq = said[0]
    return unknown(f"the pod waited for another reason: {text}", code="blocked-by", cites=(seq,))


def _messages(rec: Recording) -> list[tuple[str, int]]:
    """(message, seq) of the scheduler about the waiting pods."""
    mine = {p.uid for p in waiting(rec)}
    out = []
    for o in rec.observations:
        if o.kind != "watch" or not o.subject.startswith("pods/") or not isinstance(o.body, dict):
            continue
        obj = o.body["object"]
        if obj["metadata"].get("uid") not in mine:
            continue
        for c in (obj.get("status") or {}).get("conditions") or []:
            if c.get("type") == "PodScheduled" and c.get("status") == "False" and c.get("message"):
                out.append((str(c["message"]), o.seq))
    return out


def adds_a_node(rec: Recording) -> Finding:
    """A node with a new uid comes while the pod waits."""
    ground = _ground(rec) or _asked(rec)
    if ground:
        return ground
    new = came(rec, "grow")
    if new:
        start = window(rec, "grow").opened
        after = new[0].came.t - (start.t if start else 0.0)
        because = f"node {new[0].name} came {after:.0f} s after a pod had begun to wait"
        return passed(because, cites=(_messages(rec)[0][1], new[0].came.seq))
    return _none_came(rec)


def _none_came(rec: Recording) -> Finding:
    win, said, detected = window(rec, "grow"), reading(rec, "grow"), rec.facts["detected"]
    claimed = rec.facts["claimed"]
    if not detected["usable"] and not claimed["mechanism"] and not said.get("signs"):
        because = f"no node came, and nothing speaks for a cluster autoscaler ({detected['because']})"
        return unknown(because, code="mechanism-not-found", cites=win.cites())
    if not win.whole or win.seconds < 0.99 * rec.deadline("added"):
        because = "no node came, but the suite did not wait until the deadline"
        return unknown(because, code="deadline", cites=win.cites())
    missed = blind(win, "nodes")
    if missed:
        return missed
    if said.get("blocked"):
        return unknown(f"the autoscaler says why it adds none: {said['blocked'][0]}", code="blocked-by")
    if said.get("coming"):
        return unknown(f"no node came in time, but one may be on its way: {said['coming'][0]}", code="deadline")
    words = f": {said['refused'][0]}" if said.get("refused") else ", and said nothing of the pod"
    if not claimed["accelerator"]:
        because = f"the autoscaler added none{words}; name an accelerator that it scales with --accelerator"
        return unknown(because, code="mechanism-silent", cites=win.cites())
    because = f"no node came in {win.seconds:.0f} s although a pod waited for the accelerator; the autoscaler"
    return failed(f"{because} added none{words}", cites=(*win.cites(), _messages(rec)[0][1]))


def adds_the_right_kind(rec: Recording) -> Finding:
    """At least one node that came has the accelerator."""
    ground = _ground(rec)
    if ground:
        return ground
    new, name = came(rec, "grow"), rec.facts["accelerator"]["id"]
    if not new:
        return unknown("no node came, so nothing can be said of its kind", code="not-tried")
    right = [life for life in new if life.advertised]
    if right:
        seen = right[0].advertised
        return passed(f"node {right[0].name} advertises {name}", cites=(seen.seq,) if seen else ())
    used = host(rec)
    if used is not None:
        return passed(f"a pod that asks for {name} runs on node {used.name}", cites=(used.came.seq,))
    return _wrong_kind(rec, new)


def _wrong_kind(rec: Recording, new: list[Life]) -> Finding:
    win, patience = window(rec, "grow"), rec.deadline("advertised")
    ready = [life for life in new if life.ready]
    cites = [life.came.seq for life in new]
    if not ready:
        return unknown(f"node {new[0].name} came but was not Ready in time", code="deadline", cites=cites)
    if not win.whole or win.closed is None:
        return unknown("the suite did not wait to the end", code="interrupted")
    longest = max(win.closed.t - life.ready.t for life in ready if life.ready)
    if longest < 0.99 * patience:
        because = f"node {ready[0].name} was Ready for {longest:.0f} s only, without the accelerator"
        return unknown(because, code="deadline", cites=cites)
    others = strangers(rec, win)
    if others:
        because = f"node {ready[0].name} came without the accelerator, but it may be for pods of others that wait"
        return unknown(because, code="capacity-changed", cites=(*cites, *others))
    names = ", ".join(life.name for life in ready)
    because = f"nodes were added ({names}) and Ready, but none advertised {rec.facts['accelerator']['id']}"
    return restless(rec) or blind(win, "nodes") or failed(f"{because} within {longest:.0f} s", cites=cites)


def runs_the_pod(rec: Recording) -> Finding:
    """The waiting pod runs on a node that came, and opens its device where code runs."""
    ground = _ground(rec)
    if ground:
        return ground
    node = host(rec)
    if node is not None:
        return _device(rec, node)
    kind = adds_the_right_kind(rec)
    if kind.outcome is not Outcome.PASS:
        return unknown("no node with the accelerator came, so the pod could not run on it", code="not-tried")
    return _does_not_run(rec, next(life for life in came(rec, "grow") if life.advertised))


def _real(rec: Recording) -> bool:
    """Whether it is known to be an accelerator that exists, and not one that only stands for one, as the node does."""
    accelerator = rec.facts["accelerator"]
    return bool(accelerator.get("recognised")) and accelerator.get("vendor", STAND_IN) != STAND_IN


def _device(rec: Recording, node: Life) -> Finding:
    pod = next(p for p in waiting(rec) if p.running and p.node == node.name)
    cites = (pod.running.seq,) if pod.running else ()
    if node.simulated and _real(rec):
        because = (
            f"the pod that had waited is on node {node.name}, which is simulated: no code runs there, so it has no"
        )
        return unknown(f"{because} {rec.facts['accelerator']['vendor']} device", code="simulated-node", cites=cites)
    if node.simulated:
        return passed(f"the pod that had waited runs on node {node.name}, which is simulated", cites=cites)
    said = {o.step: o for o in rec.observations if o.kind == "probe" and _answers(o.body)}
    mine = said.get("grow")
    if mine is None:
        return unknown("the probe on the added node did not report", code="probe-missing", cites=cites)
    if mine.body["opened"]:
        because = f"the pod that had waited runs on node {node.name} and opened {mine.body['opened'][0]}"
        return passed(because, cites=(*cites, mine.seq))
    if not rec.facts["accelerator"].get("recognised"):
        because = f"the pod that had waited runs on node {node.name}; how its device looks is not known"
        return passed(because, cites=(*cites, mine.seq))
    control = said.get("fill")
    if control is None or not control.body["opened"]:
        because = "the pod runs on the added node, but the suite does not know how to open this accelerator"
        return unknown(because, code="probe-missing", cites=(*cites, mine.seq))
    because = f"the pod runs on node {node.name} but has no accelerator there; on the older nodes the same pod had one"
    return failed(because, cites=(mine.seq, control.seq))


def _answers(body: object) -> bool:
    return isinstance(body, dict) and body.get("probe") == "autoscaling/1"


def _does_not_run(rec: Recording, node: Life) -> Finding:
    win = window(rec, "grow")
    since = max((m.t for m in (node.ready, node.advertised) if m is not None), default=0.0)
    cites = (node.came.seq, *win.cites())
    if node.ready is None or not win.whole or win.closed is None:
        return unknown(f"node {node.name} was not Ready in time", code="deadline", cites=cites)
    if node.gone is not None and win.holds(node.gone.seq):
        because = f"node {node.name} came and went again while the pod waited for it"
        return blind(win, "nodes") or failed(because, cites=(*cites, node.gone.seq))
    if win.closed.t - since < 0.99 * rec.deadline("advertised"):
        return unknown(f"node {node.name} was ready too late to say that the pod does not run", code="deadline")
    free = [o for o in facts(rec, f"free/{node.name}") if o.seq > win.closed.seq]
    bound = [p for p in waiting(rec) if p.node == node.name]
    if free and free[-1].body["free"] == 0 and not bound:
        because = f"pods of others took the accelerators of node {node.name}"
        return unknown(because, code="capacity-changed", cites=(free[-1].seq,))
    if bound:
        return _stuck(bound[-1], node, cites)
    return _kept_away(rec, node, cites)


def _stuck(pod: Pod, node: Life, cites: tuple[int, ...]) -> Finding:
    states = [c.get("state") or {} for c in (pod.last.get("status") or {}).get("containerStatuses") or []]
    reasons = [str((s.get("waiting") or {}).get("reason", "")) for s in states]
    if any(r in _IMAGE for r in reasons):
        return unknown(f"the probe image cannot be pulled on node {node.name}", code="image-unavailable", cites=cites)
    said = ", ".join(r for r in reasons if r) or "nothing"
    return failed(f"the pod was given to node {node.name} and did not start there (it says {said})", cites=cites)


def _kept_away(rec: Recording, node: Life, cites: tuple[int, ...]) -> Finding:
    tolerations = [o.body for o in facts(rec, "tolerations", "grow")]
    taints = untolerated(node, tolerations[-1] if tolerations else [])
    startup = {(t.get("key"), t.get("effect")) for t in reading(rec, "grow").get("startup") or []}
    promised = [t for t in taints if _PASSING.search(t["key"]) or (t["key"], t["effect"]) in startup]
    if taints and len(promised) < len(taints):
        names = ", ".join(t["key"] for t in taints if t not in promised)
        because = f"node {node.name} has taints that the suite did not know of, and its pod does not tolerate: {names}"
        return unknown(because, code="blocked-by", cites=cites)
    if promised:
        names = ", ".join(t["key"] for t in promised)
        because = f"node {node.name} kept its startup taints ({names}), so that no pod can run on it"
        return failed(because, cites=cites)
    text, seq = _messages(rec)[-1]
    because = f"node {node.name} is Ready and has the accelerator, but the pod does not run on it: {text}"
    return failed(because, cites=(*cites, seq))
