"""When an attempt says, in its cleanup, that what it held is free again: as soon as that is sure, and never before."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_api import FakeApi, sandbox

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}}
GROUP = {"apiVersion": "example.org/v1", "kind": "Group", "metadata": {"name": "g"}}


def freed(folder: Path, *made: dict[str, Any], holds: tuple[str, ...] = ("accelerators/n",), late: bool = False) -> Any:
    """Kinds of objects that were there when the attempt said so; None if it never did. `late`: a pod comes since."""

    async def main() -> list[str] | None:
        api, told = FakeApi(), []
        box = sandbox(api, folder)
        box.attempt = replace(box.attempt, holds=holds)
        await box.make_namespace()
        for manifest in made:
            assert (await box.create(manifest, step="s")).ok
        if late:
            # Not labelled: whatever made it knows nothing of the run.
            await api.put("pods", {"metadata": {"name": "late", "namespace": box.namespace}})
        box.turn.free = lambda: told.append(sorted(p for p, _, _ in api.objects if p != "serviceaccounts"))
        await box.close(seconds=1)
        assert len(told) <= 1 and not [k for k in api.objects if k[0] == "namespaces"]
        return told[0] if told else None

    return asyncio.run(main())


def test_it_is_said_before_the_namespace_goes_and_after_the_pods(tmp_path: Path) -> None:
    assert freed(tmp_path, POD) == ["namespaces"]


@pytest.mark.parametrize(
    ("made", "more"),
    [((POD, GROUP), {}), ((POD,), {"late": True}), ((POD,), {"holds": ()})],
    ids=["a custom resource may make pods until it goes", "a pod is left", "nothing was held"],
)
def test_it_is_not_said_where_it_is_not_sure(tmp_path: Path, made: Any, more: Any) -> None:
    assert freed(tmp_path, *made, **more) is None
