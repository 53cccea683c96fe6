"""Judges a recording of secure_accelerator_access. Pure: one function per clause; sentences are for readers."""

from typing import Any

from aiconform.checks.secure_accelerator_access import borrowing, holders, release
from aiconform.checks.secure_accelerator_access.check import CHECK, HINTING_HOLDER
from aiconform.checks.secure_accelerator_access.seen import (
    answer,
    form,
    free,
    got,
    holder_held,
    holder_ready,
    made_and_opened,
    own_kernel,
    place,
    refused_at_start,
    shared,
    units,
    unrecognised,
)
from aiconform.judging import facts, failed, not_applicable, passed, pods, unable, unknown, verdict
from aiconform.judging.devices import Container, containers, listing, numbered
from aiconform.model import Finding, Outcome, Recording, Suite, Verdict


def judge(rec: Recording, judged_by: Suite) -> Verdict:
    """One finding per clause. See check.py for what each one asks."""
    judges = {
        "gives_exactly_the_granted_device": holders.gives_exactly_the_granted_device,
        "gives_nothing_without_a_request": gives_nothing_without_a_request,
        "gives_nothing_to_the_neighbour_container": gives_nothing_to_the_neighbour_container,
        "gives_each_holder_its_own": holders.gives_each_holder_its_own,
        "denies_devices_made_by_hand": denies_devices_made_by_hand,
        "ignores_runtime_hints": ignores_runtime_hints,
        "refuses_admin_access": borrowing.refuses_admin_access,
        "keeps_claims_in_their_namespace": borrowing.keeps_claims_in_their_namespace,
        "gives_a_released_device_back": release.gives_a_released_device_back,
    }
    return verdict(CHECK, rec, judges, judged_by=judged_by, limits=_limits, facts=_facts)


def gives_nothing_without_a_request(rec: Recording) -> Finding:
    """A pod that asked for nothing, beside a holder on the same node."""
    return _nothing(rec, "plain", "plain", "a pod that asked for nothing")


def gives_nothing_to_the_neighbour_container(rec: Recording) -> Finding:
    """The holder's second container, which asked for nothing."""
    return _nothing(rec, "holder", "neighbour", "the container beside the holder, which asked for nothing,")


def _nothing(rec: Recording, step: str, name: str, who: str) -> Finding:
    unknown_vendor = unrecognised(rec)
    if unknown_vendor:
        return unknown_vendor
    seen = containers(rec, step=step, name=name)
    for c in seen:
        nodes = got(rec, c)
        if nodes:
            return failed(f"{who} could open {listing(nodes)}", cites=(c.seq,))
    if not seen:
        return unable(rec, step) or holder_ready(rec) or _silent(who)
    because = f"{who} could open no accelerator, while the holder's opened"
    return holder_held(rec, seen[-1].seq) or passed(because, cites=_with_holder(rec, seen))


def _silent(who: str) -> Finding:
    return unknown(f"the probe in {who.rstrip(',')} gave no answer", code="probe-failed")


def _with_holder(rec: Recording, seen: tuple[Container, ...]) -> tuple[int, ...]:
    holder = answer(rec, "holder", "holder")
    return (*([holder.seq] if holder else []), *(c.seq for c in seen))


def denies_devices_made_by_hand(rec: Recording) -> Finding:
    """Nodes made by hand for foreign numbers, in holders and in pods without a grant."""
    unknown_vendor = unrecognised(rec)
    if unknown_vendor:
        return unknown_vendor
    seen = _makers(rec)
    for c in seen:
        opened = made_and_opened(rec, c)
        if opened:
            numbers, results = [n for n, _ in opened], sorted({r for _, r in opened})
            because = f"container {c.name} made device nodes for {numbered(numbers)}, and opening them was not "
            return failed(f"{because}denied ({', '.join(results)})", cites=(c.seq,))
    blocked = holder_ready(rec)
    if blocked or not seen:
        return blocked or unknown("no probe answered", code="probe-failed")
    tested = [c for c in seen if c.can_make and not own_kernel(rec, c) and c.made()]
    if not tested:
        return _untested(rec, seen)
    where = ", ".join(dict.fromkeys(c.name for c in tested))
    tried = {n for c in tested for n, _ in c.made()}
    because = f"{len(tried)} foreign device numbers were tried (in {where}); opening each was denied"
    return passed(because, cites=(c.seq for c in tested))


def _makers(rec: Recording) -> tuple[Container, ...]:
    return tuple(c for step in ("holder", "plain", "second") for c in containers(rec, step=step))


def _untested(rec: Recording, seen: tuple[Container, ...]) -> Finding:
    if all(own_kernel(rec, c) for c in seen):
        because = "containers here have a kernel of their own, so that device numbers of the node mean nothing"
        return not_applicable(because, cites=(c.seq for c in seen))
    controls = {c.body["made"]["control"] for c in seen}
    if any(c.can_make for c in seen):
        return unknown("no device number is known that could be tried", code="probe-failed")
    because = f"containers here cannot make or open device nodes of their own ({', '.join(sorted(controls))})"
    return not_applicable(because, cites=(c.seq for c in seen))


def ignores_runtime_hints(rec: Recording) -> Finding:
    """Pods without a request that ask the runtime by the vendor's variable."""
    unknown_vendor = unrecognised(rec)
    if unknown_vendor:
        return unknown_vendor
    hints = rec.facts.get("accelerator", {}).get("hints", {}).get("hint_env")
    if rec.facts and not hints:
        return not_applicable("no variable is known with which an image could ask this vendor's runtime")
    said = ", ".join(f"{k}={v}" for k, v in sorted((hints or {}).items()))
    runtimes = {p.name: p.role for p in pods(rec, step="hint")}
    for c in containers(rec, step="hint"):
        role = runtimes.get(c.pod)
        if role is None:  # its pod was not seen, so it is not known what it had asked for
            continue
        found = _beyond(rec, c, role)
        same = answer(rec, "holder", "holder") if role == "holder" else answer(rec, "plain", "plain")
        if found and same is not None and _beyond(rec, same, role):
            because = "a pod without the variable could open too much as well, so the variable proves nothing"
            return unknown(because, code="control-failed", cites=(same.seq, c.seq))
        if found:
            who = "a holder of one unit" if role == "holder" else "a pod without a request"
            return failed(f"{who}, with {said} set, could open {found} ({_under(role)})", cites=(c.seq,))
    return _no_hint_worked(rec, said)


def _beyond(rec: Recording, c: Container, role: str) -> str:
    """What a container could open beyond what it had asked for, in words."""
    nodes, hand = got(rec, c), made_and_opened(rec, c)
    if role == "holder":
        nodes = c.opened("device") if units(rec, c) > 1 else ()
    return listing(nodes) or ("device nodes made by hand for " + numbered(n for n, _ in hand) if hand else "")


def _under(role: str) -> str:
    return "default runtime" if role in ("default", "holder") else f"RuntimeClass {role.removeprefix('class-')}"


def _no_hint_worked(rec: Recording, said: str) -> Finding:
    default = pods(rec, step="hint", role="default")
    names = {p.name for p in default}
    answers = [c for c in containers(rec, step="hint") if c.pod in names]
    if answers:
        because = f"pods with {said} and without a request could open no accelerator"
        return holder_held(rec, answers[-1].seq) or passed(because, cites=_with_holder(rec, tuple(answers)))
    plain = answer(rec, "plain", "plain")
    refused = next((r for r in map(refused_at_start, default) if r), "") or _refused_for_it(rec)
    if refused and plain is not None:
        blocked = holder_held(rec, plain.seq)
        return blocked or passed(f"a pod with {said} was refused: {refused}", cites=(plain.seq,))
    return unable(rec, "hint") or holder_ready(rec) or _silent(f"the pod with {said}")


def _refused_for_it(rec: Recording) -> str:
    """An admission rule's words, if they name the variable."""
    names = (rec.facts.get("accelerator", {}).get("hints") or {}).get("hint_env", {})
    said = [o.body["because"] for o in rec.observations if o.kind == "unable" and o.step == "hint"]
    return next((text for text in said if any(n in text for n in names)), "")


def _limits(rec: Recording, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    if not rec.facts or all(f.outcome is Outcome.UNKNOWN for f in findings):
        return ()
    out = [f"one node was tested: {place(rec)['node']}"]
    if shared(rec) or holders.replicas(rec):
        out.append("shared by design: units are shares of a device, so exclusiveness was not judged")
    by_clause = {f.clause: f for f in findings}
    for clause in ("gives_each_holder_its_own", "denies_devices_made_by_hand"):
        if by_clause[clause].outcome is Outcome.NOT_APPLICABLE:
            out.append(by_clause[clause].because)
    for p in pods(rec, step="hint"):
        if p.role.startswith("class-") and not any(c.pod == p.name for c in containers(rec, step="hint")):
            out.append(f"{_under(p.role)}: the pod with the variable did not run, so it was not judged")
    if (rec.facts["accelerator"].get("hints") or {}).get("hint_env") and 0 < free(rec) < HINTING_HOLDER:
        out.append(f"a holder that asks the runtime for more takes {HINTING_HOLDER} free units: not tried")
    if rec.facts.get("more_runtime_classes"):
        out.append(f"not tried with the variable: RuntimeClasses {', '.join(rec.facts['more_runtime_classes'])}")
    if facts(rec, "admission", step="setup"):
        out.append("pods are changed at admission so that level baseline refuses them: it was not enforced here")
    return (*out, *release.limits(rec))


def _facts(rec: Recording) -> dict[str, Any]:
    if not rec.facts:
        return {}
    a = rec.facts["accelerator"]
    said = {"accelerator": a["id"], "form": form(rec), "node": place(rec)["node"], "free units": free(rec)}
    more = {k: a[k] for k in ("resource", "device_class", "driver", "model") if a[k]}
    return said | more
