"""The least permissions for a plan, put together from what checks, survey and cleanup declare. Pure.

Rules for a run's own namespaces come as a ClusterRole that is bound for the whole cluster, too: the namespaces have
random names, and RBAC can name none that does not exist yet.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aiconform.engine import registry
from aiconform.inventory.survey import PERMISSIONS as SURVEY
from aiconform.model import Options, Permission

Subject = Literal["User", "Group", "ServiceAccount"]
CLUSTER, OWN = "aiconform-cluster", "aiconform-own-namespaces"

# What cluster/sandbox.py, ending.py and sweep.py do for every check that creates something.
SANDBOX = (
    Permission(
        group="",
        resources=("namespaces",),
        verbs=("create", "get", "list", "watch", "patch", "delete"),
        scope="cluster",
        why="own namespaces: made, marked as alive each half minute, found again by label, removed",
    ),
    Permission(
        group="",
        resources=("serviceaccounts",),
        verbs=("list", "watch"),
        why="pods can be created when the default one is there",
    ),
    Permission(group="", resources=("pods",), verbs=("list", "watch"), why="followed from a namespace's birth"),
)
# Looking for what is left asks for these on everything that a check creates.
_CLEANUP = ("delete", "list", "watch")
# What the cluster makes out of something that a check creates carries the run's label, too.
_MADE_FROM = {"resourceclaimtemplates": "resourceclaims", "deployments": "replicasets"}
# Reviews are questions to the API server, not objects: there is nothing to clean up.
_REVIEWS = ("authorization.k8s.io", "authentication.k8s.io")
_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a role. `why` says who asks for it, for the reader."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        rule: dict[str, Any] = {"apiGroups": [self.group], "resources": [*self.resources]}
        if self.names:
            rule["resourceNames"] = [*self.names]
        return {**rule, "verbs": [*self.verbs]}


@dataclass(frozen=True, kw_only=True)
class Role:
    """A Role (with a namespace) or ClusterRole (without)."""

    name: str
    about: str
    rules: tuple[Rule, ...]
    namespace: str = ""

    def as_dict(self) -> dict[str, Any]:
        meta = {"name": self.name, **({"namespace": self.namespace} if self.namespace else {})}
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role" if self.namespace else "ClusterRole",
            "metadata": meta,
            "rules": [r.as_dict() for r in self.rules],
        }


def needs(checks: Iterable[str], options: Options) -> tuple[tuple[str, Permission], ...]:
    """(who asks, permission) for these checks, and for what every run does beside them."""
    asked: list[tuple[str, Permission]] = [("survey", p) for p in SURVEY]
    own: list[tuple[str, Permission]] = []
    for check in checks:
        loaded = registry.load(check)
        own += [(check, p) for p in loaded.check.permissions]
        wanted = {named.partition(":")[0] for named in options.mechanisms(check)}
        for m in loaded.mechanisms():
            if not wanted or m.product in wanted:
                own += [(f"{check} by {m.product}", p) for p in getattr(m, "permissions", ())]
    creating = [p for _, p in own if "create" in p.verbs]
    if creating:
        asked += [("every run", p) for p in SANDBOX]
        asked += [("cleanup", c) for c in map(_cleanup, creating) if c]
    return tuple(asked + own)


def roles(asked: Iterable[tuple[str, Permission]], *, pull_secret: str = "") -> tuple[Role, ...]:
    """The roles, the same for equal input: rules merged by group and verbs, sorted, none twice.

    `pull_secret` ("NAMESPACE/NAME") adds a Role to read that one Secret, and the right to copy it.
    """
    asked = list(asked)
    if pull_secret:
        # It goes with its namespace: to list Secrets for the cleanup would be to read all of them.
        asked.append(("--pull-secret", Permission(group="", resources=("secrets",), verbs=("create",))))
    everywhere = _granted(asked, "cluster")
    inside = _granted(asked, "namespace")
    for key, verbs in everywhere.items():
        if key in inside:
            # What is allowed in every namespace need not be said again for some of them.
            inside[key] = {v: who for v, who in inside[key].items() if v not in verbs}
    made = [
        Role(name=CLUSTER, about="What a run asks of the whole cluster.", rules=_rules(everywhere)),
        Role(name=OWN, about=_OWN_ABOUT, rules=_rules(inside)),
    ]
    if pull_secret:
        namespace, _, name = pull_secret.partition("/")
        rule = Rule(group="", resources=("secrets",), verbs=("get",), names=(name,), why="--pull-secret")
        about = "The pull secret, which a run copies into its own namespaces."
        made.append(Role(name="aiconform-pull-secret", namespace=namespace, about=about, rules=(rule,)))
    return tuple(r for r in made if r.rules)


_OWN_ABOUT = (
    "What a run does inside the namespaces that it makes. They have random names (aiconform-...), so this role, too, "
    "is bound for the whole cluster; aiconform writes in no other namespace."
)


def bindings(made: Sequence[Role], kind: Subject, name: str) -> list[dict[str, Any]]:
    """What gives the roles to somebody. A ServiceAccount is named "NAMESPACE/NAME"."""
    subject: dict[str, str] = {"kind": kind, "name": name}
    if kind == "ServiceAccount":
        namespace, _, account = name.partition("/")
        subject |= {"name": account, "namespace": namespace}
    else:
        subject["apiGroup"] = "rbac.authorization.k8s.io"
    out = []
    for role in made:
        obj = role.as_dict()
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": obj["kind"], "name": role.name}
        out.append({**obj, "kind": obj["kind"] + "Binding", "roleRef": ref, "subjects": [subject]})
        del out[-1]["rules"]
    return out


def as_yaml(made: Iterable[Role]) -> str:
    """YAML documents, each rule with a comment that says who asks for it."""
    documents = []
    for role in made:
        lines = [f"# {role.about}", "apiVersion: rbac.authorization.k8s.io/v1"]
        lines += [f"kind: {role.as_dict()['kind']}", "metadata:", f"  name: {role.name}"]
        lines += [f"  namespace: {role.namespace}"] if role.namespace else []
        lines.append("rules:")
        for rule in role.rules:
            parts = [f"{key}: {json.dumps(value)}" for key, value in rule.as_dict().items()]
            lines += [f"# {rule.why}"] if rule.why else []
            lines += ["- " + parts[0], *("  " + p for p in parts[1:])]
        documents.append("\n".join(lines) + "\n")
    return "---\n".join(documents)


def _cleanup(p: Permission) -> Permission | None:
    plain = tuple(r for r in p.resources if "/" not in r)
    if not plain or p.group in _REVIEWS:
        return None
    made = tuple(_MADE_FROM[r] for r in plain if r in _MADE_FROM)
    return Permission(group=p.group, resources=(*plain, *made), verbs=_CLEANUP, scope=p.scope)


_Granted = dict[tuple[str, str], dict[str, set[str]]]


def _granted(asked: Iterable[tuple[str, Permission]], scope: str) -> _Granted:
    """(group, resource) -> verb -> who asks."""
    found: _Granted = {}
    for who, p in asked:
        if p.scope == scope:
            for resource in p.resources:
                for verb in p.verbs:
                    found.setdefault((p.group, resource), {}).setdefault(verb, set()).add(who)
    return found


def _rules(granted: _Granted) -> tuple[Rule, ...]:
    """One rule for all resources of a group that need the same verbs for the same askers."""
    merged: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for (group, resource), verbs in granted.items():
        if verbs:
            why = ", ".join(sorted(set().union(*verbs.values())))
            merged.setdefault((group, tuple(sorted(verbs, key=_rank)), why), []).append(resource)
    rules = (
        Rule(group=group, resources=tuple(sorted(resources)), verbs=verbs, why=why)
        for (group, verbs, why), resources in merged.items()
    )
    return tuple(sorted(rules, key=lambda r: (r.group, r.resources, r.verbs)))


def _rank(verb: str) -> tuple[int, str]:
    return (_VERBS.index(verb) if verb in _VERBS else len(_VERBS), verb)
