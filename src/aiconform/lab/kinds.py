"""CustomResourceDefinitions of addons: applied when they are not there as they should be, and waited for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from . import state as states
from .addons.framework import Site
from .kube import Object, condition

_KIND = "CustomResourceDefinition"
_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def apply(site: Site, documents: Iterable[Object]) -> bool:
    """Apply the kinds among these that were not applied so before or were changed since; wait until they are served.

    Returns whether there were any. They are applied without the prose of their schemas, which is most of their
    megabyte and is work for the API server whenever it starts or is asked for its schemas.
    """
    wanted = [_mute(d) for d in documents if d["kind"] == _KIND]
    there = {item["metadata"]["name"]: item["metadata"] for item in site.kube.metadata(_PATH)}
    new = [kind for kind in wanted if site.state.kinds.get(_name(kind)) != _mark(kind, there.get(_name(kind), {}))]
    marks = {_name(kind): _mark(kind, site.kube.apply(kind)["metadata"]) for kind in new}
    for kind in new:
        site.kube.wait(
            _PATH,
            lambda items: any(condition(item, "Established") for item in items),
            60,
            f"the kind {_name(kind)}",
            fieldSelector=f"metadata.name={_name(kind)}",
        )
    if new:
        site.state.kinds.update(marks)
        states.save(site.folder, site.state)
    return bool(new)


def loose(versions: Iterable[Object]) -> list[Object]:
    """Versions of a kind that take any fields, for kinds that a lab only has to know."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return [{**version, "schema": schema} for version in versions]


def _name(kind: Object) -> str:
    return str(kind["metadata"]["name"])


def _mark(kind: Object, there: Object) -> str:
    """Says what was applied and what came of it: the generation grows with each change by anybody."""
    text = hashlib.sha256(json.dumps(kind, sort_keys=True).encode()).hexdigest()
    return f"{there.get('uid', '')} {there.get('generation', 0)} {text}"


def _mute(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_mute(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    return {k: _mute(v) for k, v in schema.items() if not (k == "description" and isinstance(v, str))}
