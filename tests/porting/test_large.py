"""Many objects: the work grows with their number and not with its square, and every change is still in the diff."""

import cProfile
import json
import pstats
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from clusters import by_claim, by_plugin, cluster, dra, node, plugin

from aiconform.porting.port import Ported, port

CLAIM = """apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: c%d, namespace: n%d}
spec: {spec: {devices: {requests: [{name: g, exactly: {deviceClassName: gpu.nvidia.com}}]}}}
---
"""


def job(n: int, resources: str = "limits: {nvidia.com/gpu: 1}", claim: str = "[]") -> str:
    return f"""apiVersion: batch/v1
kind: Job
metadata: {{name: j{n}, namespace: n{n}}}   # number {n}
spec:
  template:
    spec:
      resourceClaims: {claim}
      containers:
        - name: main
          resources: {{{resources}}}
      volumes: [{{name: d, persistentVolumeClaim: {{claimName: d{n}}}}}]
"""


def documents(count: int) -> str:
    return "---\n".join(map(job, range(count)))


def items(count: int) -> str:
    jobs = "".join("- " + job(n).replace("\n", "\n  ").removesuffix("  ") for n in range(count))
    return f"apiVersion: v1\nkind: List\nitems:\n{jobs}"


def as_json(count: int) -> str:
    spec = {"template": {"spec": {"containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": 1}}}]}}}
    one = {"apiVersion": "batch/v1", "kind": "Job", "spec": spec}
    jobs = [{**one, "metadata": {"name": f"j{n}"}} for n in range(count)]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": jobs}, indent=1)


def claims(count: int) -> str:
    def using(n: int) -> str:
        return job(n, "claims: [{name: g}]", f"[{{name: g, resourceClaimTemplateName: c{n}}}]")

    return "---\n".join(CLAIM % (n, n) + using(n) for n in range(count))


def calls(make: Callable[[int], str], count: int) -> int:
    """How many calls porting so many objects takes: as good as time, and the same on every machine."""
    text = make(count)
    with cProfile.Profile() as profile:
        ported = moved(text, back=make is claims)
    assert sum(len(r.edits) for r in ported.report.rows) >= count
    found: int = pstats.Stats(profile).total_calls  # type: ignore[attr-defined]
    return found


def moved(text: str, *, back: bool = False) -> Ported:
    source, target = (by_claim(), by_plugin()) if back else (by_plugin(), by_claim())
    return port({"a.yaml": text.encode()}, source=source, target=target)


@pytest.mark.slow
@pytest.mark.parametrize("make", [documents, items, claims])
def test_the_work_grows_with_the_number_of_objects(make: Callable[[int], str]) -> None:
    few = calls(make, 20)
    assert calls(make, 160) < 9 * few


def test_the_work_grows_with_the_number_of_nodes() -> None:
    def size(count: int) -> int:
        places = {f"n{i}": 8 for i in range(count)}
        source = cluster([node(n, allocatable={"nvidia.com/gpu": "8"}) for n in places], [plugin(nodes=places)])
        target = cluster([node(n) for n in places], [dra(nodes=places)])
        with cProfile.Profile() as profile:
            port({"a.yaml": documents(5).encode()}, source=source, target=target)
        found: int = pstats.Stats(profile).total_calls  # type: ignore[attr-defined]
        return found

    assert size(400) < 9 * size(50)


@pytest.mark.slow
def test_the_diff_of_many_documents_is_whole_and_a_patch(tmp_path: Path) -> None:
    text = documents(1500)
    ported = moved(text)
    assert text.count("\n") + ported.files["a.yaml"].count(b"\n") > 20_000
    assert patched(tmp_path, text.encode(), ported.report.diff) == ported.files["a.yaml"]


@pytest.mark.parametrize("how", ["plain", "crlf", "no newline", "head", "odd line ends", "json", "claims"])
def test_the_diff_is_a_patch(tmp_path: Path, how: str) -> None:
    text = {
        "plain": documents(3),
        "crlf": documents(2).replace("\n", "\r\n"),
        "no newline": documents(1).rstrip(),
        "head": "\ufeff# before\n" + documents(2),
        "odd line ends": documents(1) + "# a\x85# b\u2028# c\n" + "# d\n" * 9 + "---\n" + job(1),
        "json": as_json(3),
        "claims": claims(3),
    }[how]
    ported = moved(text, back=how == "claims")
    assert patched(tmp_path, text.encode(), ported.report.diff) == ported.files["a.yaml"]


def patched(folder: Path, before: bytes, diff: str) -> bytes:
    """A file after `git apply` of a diff; new files in it are made, too."""
    (folder / "a.yaml").write_bytes(before)
    # git finds no file where a new one is said to be changed.
    command = ["git", "apply", "--include=a.yaml", "--unsafe-paths", "-"]
    done = subprocess.run(command, cwd=folder, input=diff.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return (folder / "a.yaml").read_bytes()
