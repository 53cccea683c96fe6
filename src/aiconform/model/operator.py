"""An operator (a controller with kinds of its own) as data: what to create, and what must come of it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]
PARAMETERS = ("name", "namespace", "run", "image", "command", "node_selector", "tolerations")
"""What manifests may hold as ${...}. `command`, `node_selector` and `tolerations` stand for a whole value."""
_PLACE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of objects: apiVersion as in a manifest, and the plural of its resource."""

    api: str
    plural: str


@dataclass(frozen=True, kw_only=True)
class State:
    """A state of the resource: one of these conditions is True, or a field of it has a value.

    `path` names the field with dots, list entries by number: "status.replicatedJobsStatus.0.ready".
    """

    conditions: tuple[str, ...] = ()
    path: str = ""
    equals: Any = None


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A resource that the operator must refuse: a JSON merge patch on the sound one, and what is wrong with it.

    `kind` is set if the patch is for one of the `prepare` objects instead.
    """

    why: str
    change: Manifest
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Update:
    """A change to the living resource (or to the `prepare` object of `kind`), as a JSON merge patch, and how many
    pods it must come to.
    """

    change: Manifest
    pods: int
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """How an operator is tried. Manifests may hold the PARAMETERS as ${...}.

    `prepare` is created first. `valid` lives until it is deleted, with `pods` pods of the probe image; `makes` are the
    kinds that the operator makes for it, owned by it, and `between` further kinds in the chain of owners from it to
    its pods. `ready` is its state then. `remakes` names the one of `makes` that is taken away to see it come again
    ("": the first). `finish` is the state that it reaches if its pods end at once; only where ${command} is used.
    `failed` are conditions by which it may say that it gives up. `reports` are reasons of events by which an operator
    refuses without a webhook. `own_pods` are label selectors of the operator itself. `takes` is for kinds that are not
    the operator's own: the state into which it puts a resource that it takes on, however short; without it nothing
    shows that it is meant to act on this kind here. `adopts`: its webhooks see the kinds of other operators, too.
    """

    name: str
    valid: Manifest
    makes: tuple[Kind, ...]
    pods: int
    ready: State
    wrong: tuple[Wrong, ...]
    updates: tuple[Update, ...]
    prepare: tuple[Manifest, ...] = ()
    between: tuple[Kind, ...] = ()
    remakes: str = ""
    finish: State | None = None
    failed: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    own_pods: tuple[str, ...] = ()
    takes: State | None = None
    adopts: bool = False


def used(node: Any) -> frozenset[str]:
    """The names that stand as ${...} anywhere in a manifest."""
    if isinstance(node, dict):
        return used(list(node)) | used(list(node.values()))
    if isinstance(node, list | tuple):
        return frozenset().union(*(used(n) for n in node))
    return frozenset(_PLACE.findall(node)) if isinstance(node, str) else frozenset()


def mistakes(operator: Operator) -> list[str]:
    """What is wrong with a description, one sentence each."""
    said = []
    whole = [operator.valid, *operator.prepare]
    for manifest in whole:
        if not {"apiVersion", "kind"} <= set(manifest) or "name" not in (manifest.get("metadata") or {}):
            said.append("every manifest needs apiVersion, kind and metadata.name")
    changes = [w.change for w in operator.wrong] + [u.change for u in operator.updates]
    for name in sorted(used([*whole, *changes]) - set(PARAMETERS)):
        said.append(f"${{{name}}} is unknown: manifests may hold {', '.join('${' + p + '}' for p in PARAMETERS)}")
    kinds = {str(m.get("kind")) for m in whole} | {""}
    meant = {w.kind for w in operator.wrong} | {u.kind for u in operator.updates}
    for kind in sorted(meant - kinds):
        said.append(f"there is no manifest of kind {kind}, which a change is meant for")
    if not operator.makes or operator.pods < 1:
        said.append("`makes` must name a kind, and `pods` must be at least 1")
    if not operator.wrong or not operator.updates:
        said.append("`wrong` and `updates` must hold at least one change each")
    states = [operator.ready] + ([operator.finish] if operator.finish else [])
    if any(not s.conditions and not s.path for s in states):
        said.append("a state needs `conditions`, or `path` and `equals`")
    if operator.finish and "command" not in used(operator.valid) | used(list(operator.prepare)):
        said.append("`finish` needs ${command} in the manifest, which then ends at once")
    return list(dict.fromkeys(said))


def reached(obj: Manifest, state: State) -> bool:
    """Whether an object is in this state now."""
    for c in (obj.get("status") or {}).get("conditions") or []:
        if c.get("type") in state.conditions and c.get("status") == "True":
            return True
    return bool(state.path) and value_at(obj, state.path) == state.equals


def value_at(obj: Any, path: str) -> Any:
    """The value at a dotted path; None if there is none."""
    for part in path.split("."):
        if isinstance(obj, list):
            obj = obj[int(part)] if part.isdigit() and int(part) < len(obj) else None
        elif isinstance(obj, dict):
            obj = obj.get(part)
        else:
            return None
    return obj


def groups(operator: Operator) -> frozenset[str]:
    """The API groups of its own kinds, as far as the description names them."""
    named = {str(m["apiVersion"]).rpartition("/")[0] for m in (operator.valid, *operator.prepare)}
    return frozenset(g for g in named if not built_in(g))


def built_in(group: str) -> bool:
    """Whether an API group is one of Kubernetes itself: webhooks for those are anybody's."""
    return "." not in group or (group.endswith(".k8s.io") and not group.endswith(".x-k8s.io"))


def registers(operator: Operator, others: Iterable[str]) -> bool:
    """Whether a webhook configuration is the operator's own, going by all groups (`others`) that it is for.

    One that is also for kinds of another domain belongs to somebody who adopts the kinds of many operators.
    """
    return operator.adopts or {_domain(g) for g in others} <= {_domain(g) for g in groups(operator)}


def _domain(group: str) -> str:
    return ".".join(group.split(".")[-2:])
