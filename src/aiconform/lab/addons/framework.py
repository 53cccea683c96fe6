"""What an addon is, and how it comes, stays and is mended."""

from __future__ import annotations

import importlib
import json
import pkgutil
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from .. import binaries, images, node, node_daemons, processes, yaml_files
from .. import state as states
from ..errors import LabError, UnknownName
from ..kube import Kube, Object
from ..layout import Folder
from ..merge import merge
from ..state import State

PREFIX = "addon"
"""An addon's own process is called addon/NAME in the lab's registry."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """The lab that an addon comes into."""

    folder: Folder
    state: State
    kube: Kube
    report: Callable[[str], None]

    def change(self, name: str) -> dict[str, Any]:
        """What the active fault changes in an addon: args, env, stop."""
        return self.state.changes.addons.get(name, {})


def _nothing(_: Site) -> None:
    """An addon that leaves nothing behind."""


@dataclass(frozen=True, kw_only=True)
class Addon:
    """One third party.

    `start` applies its objects and starts its process (`run`); it is called again to repair and after a fault, must
    bear that, and returns when the addon works. `clean` removes what it made for its users (nodes, queues), so that
    `mend` gives the sound lab back. `process` is its name in the registry, "" for one that runs as a Deployment, which
    `stop` takes away.
    """

    name: str
    title: str
    group: binaries.Group | None
    start: Callable[[Site], None]
    clean: Callable[[Site], None] = _nothing
    stop: Callable[[Site], None] = _nothing
    needs: tuple[str, ...] = ()
    process: str = ""


@cache
def names() -> tuple[str, ...]:
    """Every addon, by its module in this folder."""
    folder = str(Path(__file__).parent)
    return tuple(
        sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules([folder]) if m.name not in ("framework", "crds"))
    )


def find(name: str) -> Addon:
    """Raises UnknownName."""
    if name not in names():
        raise UnknownName(f"the lab has no addon {name!r}: it has {', '.join(names())}")
    return cast(Addon, importlib.import_module(f"{__package__}.{name.replace('-', '_')}").ADDON)


def with_needs(wanted: Iterable[str]) -> list[str]:
    """The addons and what they need, needs first, each once."""
    out: list[str] = []
    for name in wanted:
        for one in (*with_needs(find(name).needs), name):
            if one not in out:
                out.append(one)
    return out


def expected(state: State) -> list[str]:
    """Names of the processes that the lab's addons should have."""
    here = [find(name) for name in state.addons if not state.changes.addons.get(name, {}).get("stop")]
    return [addon.process for addon in here if addon.process]


def add(site: Site, wanted: Sequence[str]) -> None:
    """Bring addons up that are not there; those that are there are repaired."""
    state = site.state
    todo = with_needs(wanted)
    groups = [group for name in todo if (group := find(name).group) is not None]
    programs = binaries.ensure_groups(Path(state.cache), groups, site.report)
    if not programs.items() <= state.binaries.items():
        state.binaries.update(programs)
        states.save(site.folder, state)
    for name in todo:
        addon = find(name)
        if name not in state.addons:
            site.report(f"addon {name}: {addon.title}")
            # Remembered first: `down` and `up` then know of it whatever happens.
            state.addons.append(name)
            states.save(site.folder, state)
        elif addon.process and processes.running(site.folder, addon.process) is not None:
            continue
        if not site.change(name).get("stop"):
            addon.start(site)


def start_all(site: Site) -> None:
    """Start again what ended."""
    add(site, list(site.state.addons))


def restart(site: Site, name: str) -> None:
    """Restart an addon with what the state's changes say; stopped if they say so."""
    if name not in site.state.addons:
        return
    addon = find(name)
    if addon.process:
        processes.stop(processes.running(site.folder, addon.process), grace=1)
    if site.change(name).get("stop"):
        addon.stop(site)
    else:
        addon.start(site)


def clean_all(site: Site) -> None:
    """Give the sound addons back: apply what a fault may have deleted, remove what they made for their users."""
    for name in site.state.addons:
        find(name).start(site)
    for name in reversed(site.state.addons):
        find(name).clean(site)


def run(site: Site, name: str, program: str, args: Mapping[str, str], env: Mapping[str, str] | None = None) -> None:
    """Start an addon's process (flags as --name=value) unless it runs; `change` is applied to flags and environment.

    KUBECONFIG is the admin's.
    """
    process = find(name).process
    if processes.running(site.folder, process) is not None:
        return
    change = site.change(name)
    flags = merge(dict(args), {k: None if v is None else str(v) for k, v in (change.get("args") or {}).items()})
    environment = {
        "KUBECONFIG": str(site.folder.kubeconfig),
        **(env or {}),
        **{k: str(v) for k, v in (change.get("env") or {}).items()},
    }
    argv = [site.state.binaries[program], *(f"--{k}={v}" for k, v in flags.items() if v is not None)]
    processes.start(site.folder, process, argv, environment)


def load_image(site: Site, program: str, image: str, path: str = "") -> None:
    """Give every node the image of one static program (see images.of_program) that does not have it yet."""
    ctr = [site.state.binaries["ctr"], "--namespace", "k8s.io", "images"]

    def load(name: str) -> None:
        there = node.run_in(site.folder, name, [*ctr, "list", "--quiet", f"name=={image}"])
        if image not in there.stdout.split():
            node_daemons.load_image(site.folder, site.state, name, archive)

    archive = images.of_program(Path(site.state.cache), Path(site.state.binaries[program]), image, path)
    with ThreadPoolExecutor(len(site.state.nodes)) as pool:
        list(pool.map(load, site.state.nodes))


def wait_rolled_out(site: Site, collection: str, names: Iterable[str], seconds: float, what: str) -> None:
    """Wait until these Deployments or StatefulSets run as they were last applied. Raises LabError naming `what`."""
    wanted = set(names)
    site.kube.wait(
        collection, lambda items: {i["metadata"]["name"] for i in items if _rolled_out(i)} >= wanted, seconds, what
    )


def _rolled_out(item: Object) -> bool:
    status, replicas = item.get("status") or {}, item["spec"]["replicas"]
    counts = {status.get(k, 0) for k in ("replicas", "updatedReplicas", "availableReplicas")}
    return status.get("observedGeneration") == item["metadata"]["generation"] and counts == {replicas}


def module_files(site: Site, group: binaries.Group) -> list[Object]:
    """The documents of the files that were kept from the addon's module (`Group.files`), by file name."""
    folder = binaries.files(Path(site.state.cache), group)
    found = [d for path in sorted(folder.glob("*.yaml")) for d in json.loads(_as_json(path, path.stat().st_mtime_ns))]
    if not found:
        raise LabError(f"{folder} holds no manifests: remove the folder above it, then repeat")
    return found


@cache
def _as_json(path: Path, _version: int) -> str:
    """The documents of a YAML file, which takes much longer to read. Each caller may change its own."""
    return json.dumps(yaml_files.many(path.read_text()))


def documents(name: str, **parameters: str) -> list[dict[str, Any]]:
    """The documents of a manifest beside this file. A parameter that is not given is a KeyError."""
    text = (Path(__file__).parent / name).read_text()
    return yaml_files.many(string.Template(text).substitute(parameters))
