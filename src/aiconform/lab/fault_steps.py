"""What the steps of a fault file do."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import addons, control_plane, node, processes, versions, yaml_files
from . import state as states
from .errors import LabError
from .fault_files import Fault
from .kube import Kube, Object, condition
from .layout import MODES, Folder, known_node
from .merge import merge
from .node import process_name
from .node_config import RUNTIME
from .restart import restart
from .state import State, Undo

ADMISSION = {
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
}


def settle_admission() -> None:
    """Wait for the API server to take up admission objects: it looks once a second and tells nobody."""
    time.sleep(2)


@dataclass(kw_only=True)
class Step:
    """One fault being done to one lab."""

    folder: Folder
    state: State
    kube: Kube
    fault: Fault
    report: Callable[[str], None]

    def do(self, kind: str, body: Any) -> None:
        """Do one step. Raises KeyError, TypeError, ValueError for a badly formed one."""
        steps: dict[str, Callable[[Any], None]] = {
            "component": self.component,
            "scheduler_config": self.scheduler_config,
            "simaccel": self.simaccel,
            "kubelet": self.kubelet,
            "containerd": self.containerd,
            "apply": self.apply,
            "controller": self.controller,
            "node_exec": self.node_exec,
            "node": self.node,
            "addon": self.addon,
        }
        steps[kind](body)

    def _will(self, *undo: Undo) -> None:
        """Write down how to take back what comes next."""
        assert self.state.fault is not None
        self.state.fault.undo += undo
        states.save(self.folder, self.state)

    def _restart(self, *components: str) -> None:
        self._will(*(Undo(kind="restart", component=component) for component in components))
        for component in components:
            self.report(f"restarting {component}")
        # Nodes do not wait for each other.
        with ThreadPoolExecutor(len(components)) as pool:
            for done in [pool.submit(restart, self.folder, self.state, component) for component in components]:
                done.result()

    def _nodes(self, body: dict[str, Any]) -> list[str]:
        """The nodes that a step names, and their like: what is wrong with one is wrong with all of its mode."""
        modes = {MODES[known_node(name, self.state.nodes)] for name in body.get("nodes", self.state.nodes)}
        return [name for name in self.state.nodes if MODES[name] in modes]

    @staticmethod
    def _only(body: dict[str, Any], *allowed: str) -> None:
        unknown = set(body) - set(allowed)
        if unknown:
            raise ValueError(f"unknown key {', '.join(sorted(unknown))}; known are {', '.join(allowed)}")

    def addon(self, body: dict[str, Any] | str) -> None:
        """Bring an addon up if it is not there (it stays over `mend`); change its flags or stop it (that does not)."""
        body = {"name": body} if isinstance(body, str) else body
        self._only(body, "name", "args", "env", "stop")
        name = body["name"]
        addons.add(self._site(), [name])
        if change := {key: value for key, value in body.items() if key != "name"}:
            before = self.state.changes.addons.get(name)
            # null stays in the change: it removes a part of what is sound.
            self.state.changes.addons[name] = merge(before, change) if before else change
            self._will(Undo(kind="restart", component=f"{addons.PREFIX}/{name}"))
            addons.restart(self._site(), name)

    def _site(self) -> addons.Site:
        return addons.Site(folder=self.folder, state=self.state, kube=self.kube, report=self.report)

    def component(self, body: dict[str, Any]) -> None:
        """Flags of a control plane process (null removes one), its feature gates, the API versions that it serves."""
        self._only(body, "name", "args", "gates", "apis")
        name, minor = body["name"], self.state.kubernetes
        if name not in control_plane.COMPONENTS:
            raise ValueError(f"no control plane process {name!r}")
        flags = {flag: None if value is None else _flag(value) for flag, value in (body.get("args") or {}).items()}
        if wanted := body.get("gates"):
            flags["feature-gates"] = versions.changed_gates(minor, name, wanted)
        if wanted := body.get("apis"):
            flags["runtime-config"] = versions.changed_apis(minor, wanted)
        self.state.changes.args[name] = {**self.state.changes.args.get(name, {}), **flags}
        self._restart(name)

    def scheduler_config(self, body: dict[str, Any]) -> None:
        """Fields of KubeSchedulerConfiguration."""
        self.state.changes.scheduler = merge(self.state.changes.scheduler, body)
        self._restart("kube-scheduler")

    def simaccel(self, body: dict[str, Any]) -> None:
        """Flags of simaccel on some nodes, or its end."""
        self._only(body, "nodes", "args", "stop")
        nodes = self._nodes(body)
        for name in nodes:
            change = {**self.state.changes.simaccel.get(name, {}), **(body.get("args") or {})}
            if body.get("stop"):
                change["stop"] = True
            self.state.changes.simaccel[name] = change
        self._restart(*(process_name(name, "simaccel") for name in nodes))

    def kubelet(self, body: dict[str, Any]) -> None:
        """Fields of KubeletConfiguration on some nodes."""
        self._only(body, "nodes", "config")
        nodes = self._nodes(body)
        for name in nodes:
            # null stays in the merged change: it removes a field of the sound configuration.
            self.state.changes.kubelet[name] = {**self.state.changes.kubelet.get(name, {}), **body["config"]}
        self._restart(*(process_name(name, "kubelet") for name in nodes))

    def containerd(self, body: dict[str, Any]) -> None:
        """containerd's configuration on some nodes, or a program in the place of runc."""
        self._only(body, "nodes", "toml", "runc_wrapper", "runtime")
        nodes = self._nodes(body)
        change: dict[str, Any] = body.get("toml") or {}
        if script := body.get("runc_wrapper"):
            handler = {"runtime_type": "io.containerd.runc.v2", "options": {"BinaryName": self._wrapper(script)}}
            runtimes = {"runtimes": {body.get("runtime", "runc"): handler}}
            change = merge(change, {"plugins": {RUNTIME: {"containerd": runtimes}}})
        for name in nodes:
            self.state.changes.containerd[name] = merge(self.state.changes.containerd.get(name, {}), change)
        self._restart(*(process_name(name, "containerd") for name in nodes))

    def _wrapper(self, script: str) -> str:
        """Copy a script into the lab (nodes see only that) and make it a program; AICONFORM_RUNC names the real one."""
        place = self.folder.root / "faults"
        place.mkdir(exist_ok=True)
        copy = place / self._file(script).name
        # Scripts may share modules.
        for module in self.fault.folder.glob("*.py"):
            shutil.copyfile(module, place / module.name)
        runc = shutil.which("runc", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        launcher = copy.with_suffix(".sh")
        launcher.write_text(f'#!/bin/sh\nAICONFORM_RUNC={runc} exec {node.python()} {copy} "$@"\n')
        launcher.chmod(0o755)
        return str(launcher)

    def _file(self, name: str) -> Path:
        path = self.fault.folder / name
        if not path.is_file():
            raise LabError(f"{self.fault.path} names {name}, which is not beside it: correct the file")
        return path

    def apply(self, body: list[Object] | str) -> None:
        """Objects, or a file of them."""
        objects = yaml_files.many(self._file(body).read_text()) if isinstance(body, str) else body
        objects = [versions.spoken(self.state.kubernetes, document) for document in objects if document]
        references = [
            {
                "apiVersion": document["apiVersion"],
                "kind": document["kind"],
                "metadata": {
                    key: document["metadata"][key] for key in ("name", "namespace") if key in document["metadata"]
                },
            }
            for document in objects
        ]
        self._will(Undo(kind="delete", objects=references))
        for document in objects:
            self.kube.apply(document)
            self._wait_applied(document)
        if any(document["kind"] in ADMISSION for document in objects):
            settle_admission()

    def _wait_applied(self, document: Object) -> None:
        """Wait for what later steps build on: established kinds, available deployments."""
        awaited = {"CustomResourceDefinition": "Established", "Deployment": "Available"}.get(document["kind"])
        if awaited is None:
            return
        collection, _, name = self.kube.path(document).rpartition("/")
        self.kube.wait(
            collection,
            lambda items: any(condition(item, awaited) for item in items),
            60,
            f"{document['kind']} {name}",
            fieldSelector=f"metadata.name={name}",
        )

    def controller(self, body: dict[str, Any]) -> None:
        """A process beside the lab; the step is done when it prints a line `ready`."""
        self._only(body, "script", "args")
        script = self._file(body["script"])
        name = f"fault/{script.stem}"
        self._will(Undo(kind="process", component=name))
        log = self.folder.logs / f"fault.{script.stem}.log"
        log.unlink(missing_ok=True)
        environment = {"KUBECONFIG": str(self.folder.kubeconfig), "PYTHONUNBUFFERED": "1"}
        processes.start(self.folder, name, [node.python(), str(script), *map(str, body.get("args") or [])], environment)

        def ready() -> bool:
            return "ready" in log.read_text(errors="replace").splitlines()

        control_plane.wait_until(self.folder, name, ready, 60)

    def node_exec(self, body: dict[str, Any]) -> None:
        """A shell command in some nodes, and the one that takes it back."""
        self._only(body, "nodes", "run", "undo")
        nodes = self._nodes(body)
        self._will(Undo(kind="node_exec", nodes=nodes, run=body["undo"]))
        for name in nodes:
            done = node.run_in(self.folder, name, ["sh", "-c", body["run"]])
            if done.returncode != 0:
                raise LabError(
                    f"{self.fault.path}: `{body['run']}` on {name} ended with {done.returncode} "
                    f"({done.stderr.strip()[-300:]}): correct the file, then `aiconform lab mend`"
                )

    def node(self, body: dict[str, Any]) -> None:
        """Labels (null removes one) and further taints of a node."""
        self._only(body, "name", "labels", "taints")
        path = f"/api/v1/nodes/{body['name']}"
        now = self.kube.request("GET", path)
        labels, taints = body.get("labels") or {}, body.get("taints") or []
        had = now["metadata"].get("labels", {})
        saved = {"name": body["name"], "labels": {key: had.get(key) for key in labels}, "taints": taints}
        self._will(Undo(kind="node", objects=[saved]))
        change: dict[str, Any] = {"metadata": {"labels": labels}}
        if taints:
            change["spec"] = {"taints": [*(now["spec"].get("taints") or []), *taints]}
        self.kube.patch(path, change)


def _flag(value: Any) -> str:
    """A flag's value as the program reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
