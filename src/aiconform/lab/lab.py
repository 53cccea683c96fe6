"""The lab as one object: up, down, status, break, mend, and a way into its nodes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import addons, binaries, control_plane, down, fault_files, faults, machine, node, processes, up
from . import state as states
from . import status as statuses
from .errors import LabError, UnknownName
from .layout import FEWEST, NODES, Folder, cache_folder, folder_of, known_node
from .locking import locked
from .restart import restart
from .state import State
from .status import LabStatus

Report = Callable[[str], None]


class Lab:
    """An embedded Kubernetes on this machine. Every method raises LabError with one sentence when it cannot."""

    def __init__(self, name: str = "default", cache: Path | None = None) -> None:
        self.name = name
        self.cache = cache or cache_folder()
        self.folder: Folder = folder_of(name)

    @property
    def kubeconfig(self) -> Path:
        """The admin's kubeconfig; its context is aiconform-lab-<name>."""
        return self.folder.kubeconfig

    def up(
        self,
        report: Report,
        kwok_nodes: int | None = None,
        accelerators: int | None = None,
        kubernetes: str | None = None,
        nodes: int | None = None,
    ) -> None:
        """Make the lab, repair it, or find it sound.

        None keeps what an existing lab has (else no KWOK nodes, 4 accelerators, the newest Kubernetes, 2 nodes). A lab
        that has fewer nodes than `nodes` gets the rest; one that has more keeps them.
        """
        machine.require_machine()
        if accelerators is not None and not 1 <= accelerators <= 8:
            raise UnknownName(f"{accelerators} accelerators a node are not possible: take 1 to 8")
        if nodes is not None and not FEWEST <= nodes <= len(NODES):
            raise UnknownName(f"{nodes} real nodes are not possible: take {FEWEST} to {len(NODES)}")
        _known_version(kubernetes)
        with locked(self.folder.root, create=True):
            state = states.load(self.folder)
            if state is not None and len(state.nodes) < (nodes or 0):
                state.nodes = list(NODES[:nodes])
                states.save(self.folder, state)
            if state is not None and self._keep(state, kwok_nodes, accelerators, kubernetes, report):
                return
            if state is not None:
                report(f"lab {self.name} cannot be kept as it is, making it anew")
                kwok_nodes = state.kwok_nodes if kwok_nodes is None else kwok_nodes
                accelerators = state.accelerators if accelerators is None else accelerators
                kubernetes = kubernetes or state.kubernetes
                nodes = len(state.nodes)
            down.remove(self.folder, self.name, lambda _: None, keep_folder=True)
            minor = kubernetes or binaries.NEWEST
            up.fresh(
                self.folder,
                self.name,
                self.cache,
                nodes=nodes or FEWEST,
                accelerators=accelerators or 4,
                kwok_nodes=kwok_nodes or 0,
                kubernetes=minor,
                report=report,
            )
            report(f"lab {self.name} is up: export KUBECONFIG={self.kubeconfig}")

    def _keep(
        self, state: State, kwok_nodes: int | None, accelerators: int | None, kubernetes: str | None, report: Report
    ) -> bool:
        if accelerators not in (None, state.accelerators) or kwok_nodes not in (None, state.kwok_nodes):
            return False
        if kubernetes not in (None, state.kubernetes):
            return False
        if not up.repair(self.folder, state, report):
            return False
        report(f"lab {self.name} is up: export KUBECONFIG={self.kubeconfig}")
        if state.fault is not None:
            report(f"note: fault {state.fault.id} is active; `aiconform lab mend` takes it back")
        return True

    def build(self, names: Sequence[str], report: Report, kubernetes: str | None = None) -> None:
        """Install and build what a lab with these addons needs, and start nothing. Raises UnknownName."""
        machine.require_machine()
        _known_version(kubernetes)
        groups = [group for name in addons.with_needs(names) if (group := addons.find(name).group) is not None]
        machine.prepare(self.cache, False, kubernetes or binaries.NEWEST, report)
        binaries.ensure_groups(self.cache, groups, report)

    def add(self, names: Sequence[str], report: Report) -> None:
        """Bring addons up in a lab that is up. Raises UnknownName."""
        for name in names:
            addons.find(name)
        with self._held() as state, up.client(self.folder, state) as kube:
            addons.add(addons.Site(folder=self.folder, state=state, kube=kube, report=report), names)

    def down(self, report: Report) -> None:
        """Remove the lab and everything it made; nothing happens when there is none."""
        machine.require_machine()
        with locked(self.folder.root, create=False) as there:
            if there:
                down.remove(self.folder, self.name, report)
            else:
                report(f"there is no lab {self.name}")

    def status(self) -> LabStatus:
        """What runs, what is Ready, and which fault is active."""
        return statuses.status(self.name, self.folder)

    def node_exec(self, name: str, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in a node's namespaces."""
        if (state := states.load(self.folder)) is not None:
            known_node(name, state.nodes)
        return node.run_in(self.folder, name, argv)

    def restart(self, component: str, args: Mapping[str, str | None] | None = None) -> None:
        """Restart a component with flags changed (null removes one; no flags: the sound ones). It waits for readiness.

        Components: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and NODE/kubelet and the like.
        """
        with self._held() as state:
            if component in control_plane.COMPONENTS:
                state.changes.args[component] = dict(args or {})
                states.save(self.folder, state)
            elif args:
                raise UnknownName(f"flags of {component!r} cannot be changed: only those of the control plane can")
            restart(self.folder, state, component)

    def break_(self, fault: str, report: Report) -> None:
        """Break the lab by a fault's id or file; an active fault is mended first."""
        found = fault_files.find(fault)
        with self._held() as state:
            faults.break_lab(self.folder, state, found, report)

    def mend(self, report: Report) -> None:
        """Take the active fault (and changed flags) back."""
        with self._held() as state:
            faults.mend_lab(self.folder, state, report)

    def running_kubeconfig(self) -> Path:
        """The kubeconfig of a lab that is up; raises LabError when it is not."""
        state = states.load(self.folder)
        if state is None or not state.complete or processes.running(self.folder, "kube-apiserver") is None:
            raise LabError(f"lab {self.name} is not up: make it with `aiconform lab up --name {self.name}` as root")
        return self.kubeconfig

    @contextmanager
    def _held(self) -> Iterator[State]:
        """The state of a lab that is up, with nobody else at work on it."""
        machine.require_machine()
        with locked(self.folder.root, create=False) as there:
            state = states.load(self.folder) if there else None
            if state is None or not state.complete:
                raise LabError(f"lab {self.name} is not up: make it with `aiconform lab up --name {self.name}`")
            yield state


def _known_version(minor: str | None) -> None:
    """Raise UnknownName for a minor version that the lab cannot have; None is the newest one."""
    if minor not in (None, *binaries.KUBERNETES):
        raise UnknownName(f"the lab has no Kubernetes {minor}: take {', '.join(binaries.KUBERNETES)}")
