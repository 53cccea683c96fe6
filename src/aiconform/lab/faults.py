"""Breaking the lab in one known way, and mending it.

What a step will change is written to the lab's state before it is done, so that `mend` takes it back from another
process and after a crash in the middle.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from . import addons, node, processes, up
from . import state as states
from .errors import LabError
from .fault_files import Fault
from .fault_steps import ADMISSION, Step, settle_admission
from .kube import Kube, Object
from .layout import Folder
from .node import process_name
from .restart import ORDER, restart
from .state import ActiveFault, Changes, State, Undo

Report = Callable[[str], None]


def break_lab(folder: Folder, state: State, fault: Fault, report: Report) -> None:
    """Do the fault's steps. A fault that is active is mended first; a step that fails leaves `mend` to be called."""
    if state.fault is not None:
        mend_lab(folder, state, report)
    report(f"{fault.kind} {fault.id}: {fault.title}")
    state.fault = ActiveFault(id=fault.id, path=fault.path)
    states.save(folder, state)
    with up.client(folder, state) as kube:
        # What a fault breaks may well end.
        kube.guard = None
        step = Step(folder=folder, state=state, kube=kube, fault=fault, report=report)
        for number, entry in enumerate(fault.lab, 1):
            kind, body = next(iter(entry.items()))
            try:
                step.do(kind, body)
            except (TypeError, AttributeError, KeyError, ValueError) as error:
                raise LabError(
                    f"{fault.path}: step {number} ({kind}) is not formed as it should be ({error!r}): correct the "
                    "file, then `aiconform lab mend`"
                ) from error
    state.fault.complete = True
    states.save(folder, state)
    report(f"{fault.id} is active")


def mend_lab(folder: Folder, state: State, report: Report) -> None:
    """Take everything back, in any state of it; safe to repeat."""
    undo = list(reversed(state.fault.undo)) if state.fault is not None else []
    for entry in undo:
        if entry.kind == "process":
            processes.stop(processes.running(folder, entry.component), grace=1)
    restarts = {entry.component for entry in undo if entry.kind == "restart"} | changed(state.changes)
    if not restarts and state.fault is None:
        report("nothing is broken")
        return
    state.changes = Changes()
    if state.fault is not None:
        # Kept until all is done: the next `mend` must restart the same processes.
        state.fault.undo += [Undo(kind="restart", component=name) for name in sorted(restarts)]
    states.save(folder, state)
    _restart_all(folder, state, restarts, report)
    with up.client(folder, state) as kube:
        for entry in undo:
            if entry.kind == "node_exec":
                _undo_exec(folder, entry, report)
            elif entry.kind == "delete":
                _delete(kube, entry.objects)
            elif entry.kind == "node":
                _restore_node(kube, entry.objects[0])
        up.apply_addons(kube, state)
        up.wait_sound(folder, state, kube, lambda _: None)
        addons.clean_all(addons.Site(folder=folder, state=state, kube=kube, report=report))
    if state.fault is not None:
        report(f"{state.fault.id} is mended")
    state.fault = None
    states.save(folder, state)


def changed(changes: Changes) -> set[str]:
    """Names of the processes that run with changes."""
    names = {component for component, flags in changes.args.items() if flags}
    if changes.scheduler:
        names.add("kube-scheduler")
    for daemon, by_node in (
        ("kubelet", changes.kubelet),
        ("containerd", changes.containerd),
        ("simaccel", changes.simaccel),
    ):
        names |= {process_name(name, daemon) for name, change in by_node.items() if change}
    return names | {f"{addons.PREFIX}/{name}" for name, change in changes.addons.items() if change}


def _restart_all(folder: Folder, state: State, names: set[str], report: Report) -> None:
    """The control plane one after another, the nodes side by side."""
    for component in (name for name in ORDER if name in names):
        report(f"restarting {component}")
        restart(folder, state, component)

    def restart_node(name: str) -> None:
        for daemon in ("containerd", "kubelet", "simaccel"):
            # A restarted kubelet restarts simaccel as well.
            after_kubelet = daemon == "simaccel" and process_name(name, "kubelet") in names
            if process_name(name, daemon) in names and not after_kubelet:
                report(f"restarting {process_name(name, daemon)}")
                restart(folder, state, process_name(name, daemon))

    with ThreadPoolExecutor(len(state.nodes)) as pool:
        for done in [pool.submit(restart_node, name) for name in state.nodes]:
            done.result()
    for name in sorted(name for name in names if name.startswith(f"{addons.PREFIX}/")):
        report(f"restarting {name}")
        restart(folder, state, name)


def _undo_exec(folder: Folder, entry: Undo, report: Report) -> None:
    for name in entry.nodes:
        done = node.run_in(folder, name, ["sh", "-c", entry.run])
        if done.returncode != 0:
            report(f"note: `{entry.run}` on {name} ended with {done.returncode}: {done.stderr.strip()[-200:]}")


def _delete(kube: Kube, objects: list[Object]) -> None:
    """Delete what a step applied, newest first, and wait until it is gone."""
    for reference in reversed(objects):
        try:
            path = kube.path(reference)
        except LabError:
            # Its kind is not served any more (or never was): nothing of it can be there.
            continue
        kube.delete(path, gracePeriodSeconds="0")
        collection, _, name = path.rpartition("/")
        kube.wait(
            collection,
            lambda items: not items,
            60,
            f"the end of {reference['kind']} {name}",
            fieldSelector=f"metadata.name={name}",
        )
    if any(reference["kind"] in ADMISSION for reference in objects):
        settle_admission()


def _restore_node(kube: Kube, saved: Object) -> None:
    """Give a node the labels that it had, and take away the taints that were added."""
    path = f"/api/v1/nodes/{saved['name']}"
    now = kube.request("GET", path)["spec"].get("taints") or []
    added = {(taint["key"], taint["effect"]) for taint in saved["taints"]}
    taints = [taint for taint in now if (taint["key"], taint["effect"]) not in added]
    kube.patch(path, {"metadata": {"labels": saved["labels"]}, "spec": {"taints": taints or None}})
