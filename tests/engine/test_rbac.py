"""The least roles: everything that is declared, nothing else, in one fixed form."""

import itertools
import json
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from aiconform.engine import rbac, registry
from aiconform.inventory.survey import PERMISSIONS as SURVEY
from aiconform.model import Options, Permission

ALL = registry.names()


class Loaded:
    """A check with one permission, and an adapter with another."""

    def __init__(self, own: Permission, adapter: Permission | None = None) -> None:
        self.check = SimpleNamespace(permissions=(own,))
        self.adapters = [SimpleNamespace(product=name, permissions=(adapter,)) for name in ("x",) if adapter]

    def mechanisms(self) -> list[SimpleNamespace]:
        return [*self.adapters, SimpleNamespace(product="plain")]


def allowed(roles: tuple[rbac.Role, ...]) -> set[tuple[str, str, str, str]]:
    """(role, group, resource, verb) of everything that the roles allow."""
    return {
        (role.name, group, resource, verb)
        for role in roles
        for rule in (r.as_dict() for r in role.rules)
        for group, resource, verb in itertools.product(rule["apiGroups"], rule["resources"], rule["verbs"])
    }


def roles_for(*checks: str, **more: Any) -> tuple[rbac.Role, ...]:
    return rbac.roles(rbac.needs(checks, Options()), **more)


@pytest.mark.parametrize("check", ALL)
def test_everything_that_a_check_declares_is_allowed(check: str) -> None:
    made = allowed(roles_for(check))
    for p in registry.load(check).check.permissions:
        for resource, verb in itertools.product(p.resources, p.verbs):
            everywhere = (rbac.CLUSTER, p.group, resource, verb) in made
            # A right for the whole cluster holds inside every namespace, too.
            assert everywhere or (p.scope == "namespace" and (rbac.OWN, p.group, resource, verb) in made)


def test_nothing_else_is_allowed() -> None:
    asked = rbac.needs(ALL, Options())
    declared = {(p.group, r, v) for _, p in asked for r, v in itertools.product(p.resources, p.verbs)}
    assert {(g, r, v) for _, g, r, v in allowed(roles_for(*ALL))} == declared
    assert not any("*" in part for entry in allowed(roles_for(*ALL)) for part in entry)
    assert not any(r == "secrets" for _, _, r, _ in allowed(roles_for(*ALL)))


def test_without_a_check_only_the_survey_reads() -> None:
    (role,) = roles_for()
    assert role.name == rbac.CLUSTER
    declared = {(p.group, r, v) for p in SURVEY for r, v in itertools.product(p.resources, p.verbs)}
    assert {(g, r, v) for _, g, r, v in allowed((role,))} == declared
    assert {v for *_, v in allowed((role,))} == {"list"}


def test_what_a_check_creates_can_be_found_and_removed_again() -> None:
    for check in ALL:
        made = {(g, r, v) for _, g, r, v in allowed(roles_for(check))}
        # A review is a question: nothing of it is kept.
        created = {(g, r) for g, r, v in made if v == "create" and "/" not in r and not r.endswith("reviews")}
        assert created
        for group, resource in created:
            assert {(group, resource, v) for v in ("list", "watch", "delete")} <= made
        assert {("", "namespaces", v) for v in ("list", "watch", "patch", "delete")} <= made


def test_no_right_is_given_twice() -> None:
    made = allowed(roles_for(*ALL))
    own = {(g, r, v) for name, g, r, v in made if name == rbac.OWN}
    assert own and not own & {(g, r, v) for name, g, r, v in made if name == rbac.CLUSTER}
    for role in roles_for(*ALL):
        pairs = [(rule.group, r) for rule in role.rules for r in rule.resources]
        assert len(pairs) == len(set(pairs))


def test_the_order_of_asking_changes_nothing() -> None:
    asked = rbac.needs(ALL, Options())
    assert rbac.as_yaml(rbac.roles(asked)) == rbac.as_yaml(rbac.roles(tuple(reversed(asked))))
    p = Permission(group="", resources=("pods", "configmaps"), verbs=("list", "get"))
    q = Permission(group="", resources=("configmaps",), verbs=("create",))
    (role,) = rbac.roles([("a", q), ("a", p)])
    assert [(r.resources, r.verbs) for r in role.rules] == [
        (("configmaps",), ("get", "list", "create")),
        (("pods",), ("get", "list")),
    ]


def test_the_yaml_is_what_the_roles_are() -> None:
    roles = roles_for(*ALL, pull_secret="registry/mirror")
    text = rbac.as_yaml(roles)
    assert list(yaml.safe_load_all(text)) == [r.as_dict() for r in roles]
    assert "random names" in text, "a reader is told why a role for namespaces is bound for the whole cluster"
    for check in ALL:
        assert check in text, "each rule says who asks for it"
    json.dumps([r.as_dict() for r in roles])


def test_a_pull_secret_is_read_alone_and_secrets_are_never_listed() -> None:
    roles = roles_for(*ALL, pull_secret="registry/mirror")
    by_name = {r.name: r for r in roles}
    (rule,) = by_name["aiconform-pull-secret"].rules
    assert by_name["aiconform-pull-secret"].as_dict()["kind"] == "Role"
    assert by_name["aiconform-pull-secret"].namespace == "registry"
    assert (rule.resources, rule.names, rule.verbs) == (("secrets",), ("mirror",), ("get",))
    assert {(n, v) for n, _, r, v in allowed(roles) if r == "secrets"} == {
        ("aiconform-pull-secret", "get"),
        (rbac.OWN, "create"),
    }


def test_reviews_are_questions_and_nothing_to_clean_up(monkeypatch: pytest.MonkeyPatch) -> None:
    review = Permission(
        group="authorization.k8s.io", resources=("subjectaccessreviews",), verbs=("create",), scope="cluster"
    )
    asked = Loaded(review)
    monkeypatch.setattr(registry, "load", lambda _: asked)
    made = {(g, r, v) for _, g, r, v in allowed(roles_for("any")) if g == "authorization.k8s.io"}
    assert made == {("authorization.k8s.io", "subjectaccessreviews", "create")}


def test_an_adapter_adds_its_own_unless_another_one_is_insisted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Permission(group="q.io", resources=("queues",), verbs=("create",), scope="cluster")
    asked = Loaded(Permission(group="", resources=("pods",), verbs=("get",)), queue)
    monkeypatch.setattr(registry, "load", lambda _: asked)
    groups = {
        product: {g for _, g, _, _ in allowed(rbac.roles(rbac.needs(["any"], Options(mechanism=wanted))))}
        for product, wanted in (("", {}), ("x", {"any": "x"}), ("plain", {"any": "plain"}))
    }
    assert "q.io" in groups[""] and "q.io" in groups["x"] and "q.io" not in groups["plain"]


def test_bindings_name_the_roles_and_the_subject() -> None:
    roles = roles_for(*ALL, pull_secret="registry/mirror")
    bound = rbac.bindings(roles, "ServiceAccount", "ci/robot")
    assert [b["kind"] for b in bound] == ["ClusterRoleBinding", "ClusterRoleBinding", "RoleBinding"]
    assert bound[2]["metadata"] == {"name": "aiconform-pull-secret", "namespace": "registry"}
    for role, binding in zip(roles, bound, strict=True):
        assert binding["roleRef"] == {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": role.as_dict()["kind"],
            "name": role.name,
        }
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "robot", "namespace": "ci"}]
        assert "rules" not in binding
    (one, _, _) = rbac.bindings(roles, "User", "jo")
    assert one["subjects"] == [{"kind": "User", "name": "jo", "apiGroup": "rbac.authorization.k8s.io"}]


def test_what_the_cluster_makes_of_it_may_be_cleaned_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for group, made_from, made in (
        ("resource.k8s.io", "resourceclaimtemplates", "resourceclaims"),
        ("apps", "deployments", "replicasets"),
    ):
        own = Permission(group=group, resources=(made_from,), verbs=("create",))
        monkeypatch.setattr(registry, "load", lambda _, own=own: Loaded(own))
        inside = {(g, r, v) for name, g, r, v in allowed(roles_for("one")) if name == rbac.OWN}
        assert {(group, made, verb) for verb in ("delete", "list", "watch")} <= inside
        assert (group, made, "create") not in inside
