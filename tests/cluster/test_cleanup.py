"""`clean`: what dead runs left goes, in order; living runs and everybody else's things stay."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_api import FakeApi, cluster_on, sandbox, status

from aiconform.cluster import labels
from aiconform.cluster.cleanup import CleanReport, clean
from aiconform.cluster.errors import Refused

DEAD = {labels.OWNER: json.dumps(json.loads(labels.owner()) | {"pid": 2**22 - 1})}
ALIVE = {labels.OWNER: labels.owner()}


def meta(name: str, run: str = "", namespace: str = "", notes: dict[str, str] | None = None) -> dict[str, Any]:
    marks = {"labels": {labels.RUN: run}} if run else {}
    return {"metadata": {"name": name, "namespace": namespace, "annotations": notes or {}, **marks}}


async def populated() -> FakeApi:
    api = FakeApi()
    for run, notes in (("dead", DEAD), ("alive", ALIVE)):
        await api.put("namespaces", meta(f"home-{run}", run, notes=notes))
        for plural in ("pods", "jobs", "configmaps", "resourceclaims", "groups"):
            await api.put(plural, meta("x", run, f"home-{run}"))
        await api.put("queues", meta(f"q-{run}", run, notes=notes))
    await api.put("namespaces", meta("theirs"))
    await api.put("pods", meta("p", "", "theirs"))
    await api.put("pods", meta("copied", "dead", "theirs"))
    await api.put("queues", meta("q"))
    return api


def names(api: FakeApi) -> set[str]:
    return {f"{p}/{n}/{x}" for p, n, x in api.objects if p not in ("serviceaccounts",)}


async def cleaned(api: FakeApi, run: str | None = None, **options: Any) -> CleanReport:
    return await clean(cluster_on(api), run, seconds=1, **options)


def test_a_machine_whose_clock_is_wrong_ends_no_living_run() -> None:
    """A run elsewhere gave a sign of life, by the API server's clock; this machine's is an hour ahead of it."""

    async def main() -> None:
        api = FakeApi()
        there = datetime.now(UTC) - timedelta(hours=1)
        api.faults.append(
            lambda r: (
                httpx2.Response(200, json={"gitVersion": "v1"}, headers={"Date": format_datetime(there)})
                if r.url.path == "/version"
                else None
            )
        )
        for run, ago in (("living", timedelta()), ("dead", timedelta(minutes=5))):
            notes = {labels.OWNER: "{}", labels.ALIVE_UNTIL: labels.alive_until(there - ago)}
            await api.put("namespaces", meta(f"home-{run}", run, notes=notes))
        cluster = cluster_on(api)
        await cluster.request("GET", "/version")
        report = await clean(cluster, seconds=1)
        assert (report.alive, report.found) == (("living",), ("namespaces/home-dead",))

    asyncio.run(main())


def test_dead_runs_go_and_everything_else_stays() -> None:
    async def main() -> None:
        api = await populated()
        before = names(api)
        report = await cleaned(api)
        gone = before - names(api)
        assert all("dead" in n for n in gone) and len(gone) == 7
        assert report.alive == ("alive",) and report.leftovers == () and report.problems == ()
        assert report.untouched == ("pods/theirs/copied",) and "pods/theirs/copied" in names(api)
        assert len(report.found) == 7 and "queues.example.org/q-dead" in report.found
        deleted = [r.url.path for r in api.requests if r.method == "DELETE"]
        order = ["jobs", "pods", "resourceclaims", "groups", "configmaps", "queues", "namespaces"]
        assert [p.split("/")[-2] for p in deleted] == order
        bodies = [json.loads(r.content) for r in api.requests if r.method == "DELETE"]
        assert all(b["preconditions"]["uid"] for b in bodies)
        assert (await cleaned(api)).found == ()

    asyncio.run(main())


def test_a_dry_run_changes_nothing() -> None:
    async def main() -> None:
        api = await populated()
        before = names(api)
        report = await cleaned(api, dry_run=True)
        assert len(report.found) == 7 and names(api) == before
        assert not any(r.method == "DELETE" for r in api.requests)

    asyncio.run(main())


def test_one_named_run_goes_even_if_it_lives_and_all_go_on_demand() -> None:
    async def main() -> None:
        api = await populated()
        report = await cleaned(api, "alive")
        assert report.alive == () and all("alive" in f for f in report.found)
        assert "namespaces//home-dead" in names(api)
        assert (await cleaned(await populated(), everything=True)).alive == ()

    asyncio.run(main())


def test_what_cannot_be_deleted_is_left_over_with_its_reason() -> None:
    async def main() -> None:
        api = await populated()
        api.sticky.add("q-dead")

        def no_pods(request: Any) -> Any:
            mine = request.method == "DELETE" and "/jobs/" in request.url.path
            return status(403, "Forbidden", "jobs is forbidden") if mine else None

        api.faults.append(no_pods)
        report = await cleaned(api)
        assert report.leftovers == ("queues.example.org/q-dead",)
        assert report.problems == ("jobs.batch/home-dead/x could not be deleted: jobs is forbidden",)

    asyncio.run(main())


def test_what_cannot_be_listed_is_said_and_no_namespaces_means_no_clean() -> None:
    async def main() -> None:
        api = await populated()
        api.faults.append(lambda r: status(403, "Forbidden", "no") if r.url.path.endswith("/queues") else None)
        report = await cleaned(api)
        assert any("queues.example.org" in u for u in report.unseen) and "queues//q-dead" in names(api)
        api.faults.append(lambda r: status(403, "Forbidden", "no") if r.url.path.endswith("/namespaces") else None)
        with pytest.raises(Refused):
            await cleaned(api)

    asyncio.run(main())


def test_a_run_in_this_process_is_alive_and_one_that_was_killed_is_not(tmp_path: Path) -> None:
    async def main() -> None:
        api = FakeApi()
        box = sandbox(api, tmp_path)
        ns = await box.make_namespace()
        await box.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}, step="s")
        assert (await cleaned(api)).alive == ("run1",)
        assert ("pods", ns, "p") in api.objects
        killed = json.loads(labels.owner()) | {"pid": os.getpid(), "started": "0"}
        api.objects["namespaces", "", ns]["metadata"]["annotations"][labels.OWNER] = json.dumps(killed)
        report = await cleaned(api)
        assert f"pods/{ns}/p" in report.found and report.leftovers == ()
        assert not [k for k in api.objects if k[0] in ("pods", "namespaces")]
        await box.close(seconds=1)

    asyncio.run(main())
