"""The recording transport: signs, counts, retries what may be retried, records each call once."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_api import FakeApi, cluster_on, recorder, status

from aiconform.cluster.api import Cluster
from aiconform.cluster.errors import ApiLost
from aiconform.cluster.transport import SCOPE, Recording, Scope, subject_of
from aiconform.evidence import load
from aiconform.model import Observation


def play(
    folder: Path, faults: list[Any], story: Callable[[Cluster, Scope], Awaitable[None]], patience: float = 2.0
) -> tuple[FakeApi, tuple[Observation, ...], Scope]:
    """Runs a story on an API whose first answers are `faults` (None: the real one)."""

    async def main() -> tuple[FakeApi, Scope]:
        api, left = FakeApi(), iter(faults)
        api.faults.append(lambda r: next(left, None))
        scope = Scope("run1", "trial.native", recorder(folder))
        SCOPE.set(scope)
        await story(cluster_on(api, patience=patience), scope)
        return api, scope

    api, scope = asyncio.run(main())
    return api, load(folder / "trial.native").observations, scope


async def read(cluster: Cluster, scope: Scope) -> None:
    assert await cluster.list("v1", "nodes") == []


async def write(cluster: Cluster, scope: Scope) -> None:
    answer = await cluster.request("POST", "/api/v1/nodes", body={"metadata": {"name": "n"}}, step="s")
    assert answer.status == 201


class Broken(httpx2.AsyncByteStream):
    """The body of an answer whose connection breaks in its middle."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"kind": "No'
        raise httpx2.RemoteProtocolError("peer closed connection without sending complete message body")


BUSY = status(429, "TooManyRequests", "slow", {"Retry-After": "1"})
DOWN = status(503, "ServiceUnavailable", "down")


def test_a_call_is_recorded_once_with_what_was_sent_and_stored(tmp_path: Path) -> None:
    api, seen, scope = play(tmp_path, [], write)
    (call,) = seen
    assert (call.kind, call.subject, call.step) == ("call", "POST nodes/n", "s")
    assert call.body["status"] == 201 and call.body["ms"] >= 0 and "tries" not in call.body
    assert call.body["request"] == {"metadata": {"name": "n"}} and call.body["response"]["kind"] == "Node"
    assert api.requests[0].headers["User-Agent"] == "aiconform/0 (run1/trial.native)"
    assert scope.counts["requests"] == 1 and scope.counts["bytes_sent"] > 0 and scope.counts["bytes_received"] > 0


def test_of_a_read_only_its_size_is_kept(tmp_path: Path) -> None:
    _, (call,), _ = play(tmp_path, [], read)
    assert call.subject == "GET nodes" and set(call.body) == {"status", "ms", "size"}


@pytest.mark.parametrize(
    "faults",
    [
        [BUSY], [DOWN, DOWN], [status(500, "", "")], [status(504, "", "")], [httpx2.ConnectError("x")],
        [httpx2.ReadError("x"), BUSY], [httpx2.ReadTimeout("x")], [httpx2.RemoteProtocolError("x")],
        [httpx2.Response(200, stream=Broken())],
    ],
)  # fmt: skip
def test_reads_are_tried_again(tmp_path: Path, faults: list[Any]) -> None:
    _, (call,), scope = play(tmp_path, faults, read)
    assert call.body["status"] == 200 and call.body["tries"] == len(faults) + 1
    assert scope.counts["retries"] == len(faults) and scope.counts["requests"] == 1


@pytest.mark.parametrize("fault", [BUSY, httpx2.ConnectError("x"), httpx2.ConnectTimeout("x")])
def test_a_post_that_was_surely_not_done_is_tried_again(tmp_path: Path, fault: Any) -> None:
    _, (call,), _ = play(tmp_path, [fault], write)
    assert call.body["tries"] == 2


@pytest.mark.parametrize(
    "fault", [httpx2.ReadError("reset"), httpx2.ReadTimeout("late"), httpx2.Response(201, stream=Broken())]
)
def test_a_post_that_may_have_been_done_is_not_sent_twice(tmp_path: Path, fault: Any) -> None:
    async def story(cluster: Cluster, scope: Scope) -> None:
        with pytest.raises(ApiLost, match="tried 1 times"):
            await write(cluster, scope)

    api, seen, _ = play(tmp_path, [fault], story)
    assert len(api.requests) == 1 and seen == ()


def test_a_post_that_the_server_failed_is_not_sent_twice(tmp_path: Path) -> None:
    async def story(cluster: Cluster, scope: Scope) -> None:
        assert (await cluster.request("POST", "/api/v1/nodes", body={})).status == 503

    api, (call,), _ = play(tmp_path, [DOWN], story)
    assert len(api.requests) == 1 and call.body["message"] == "down" and call.body["reason"] == "ServiceUnavailable"


def test_json_patches_are_not_repeated_and_merge_patches_are(tmp_path: Path) -> None:
    async def story(cluster: Cluster, scope: Scope) -> None:
        for kind, tries in (("json-patch", 1), ("merge-patch", 2)):
            before = scope.counts["retries"]
            await cluster.request("PATCH", "/api/v1/nodes/n", body=[], content_type=f"application/{kind}+json")
            assert scope.counts["retries"] - before == tries - 1

    play(tmp_path, [DOWN, DOWN], story)


def test_patience_ends(tmp_path: Path) -> None:
    async def story(cluster: Cluster, scope: Scope) -> None:
        with pytest.raises(ApiLost, match=r"fake could not be reached \(no route\)") as e:
            await read(cluster, scope)
        assert e.value.code == "api-lost"
        assert (await cluster.request("GET", "/api/v1/nodes")).status == 503

    play(tmp_path, [httpx2.ConnectError("no route"), DOWN], story, patience=0.0)


def test_watches_are_counted_and_neither_recorded_nor_retried(tmp_path: Path) -> None:
    async def story(cluster: Cluster, scope: Scope) -> None:
        with pytest.raises(httpx2.ReadError):
            await cluster.http.get("/api/v1/pods", params={"watch": "1"})
        assert scope.counts["requests"] == 1

    _, seen, _ = play(tmp_path, [httpx2.ReadError("x")], story)
    assert seen == ()


def test_two_attempts_side_by_side_are_kept_apart(tmp_path: Path) -> None:
    async def main() -> None:
        cluster = cluster_on(FakeApi())

        async def one(name: str) -> int:
            rec = recorder(tmp_path / name)
            SCOPE.set(Scope("run1", name, rec))
            for _ in range(3):
                await cluster.list("v1", "nodes")
            return len(load(rec.directory).observations)

        assert await asyncio.gather(asyncio.create_task(one("a")), asyncio.create_task(one("b"))) == [3, 3]

    asyncio.run(main())


def test_lists_are_read_page_by_page_and_begun_again_when_the_page_is_too_old() -> None:
    async def main() -> None:
        api = FakeApi()
        for i in range(1200):
            api.objects["nodes", "", f"n{i}"] = {"kind": "Node", "metadata": {"name": f"n{i}", "uid": str(i)}}
        cluster = cluster_on(api)
        items, version = await cluster.list_at("v1", "nodes")
        assert len(items) == 1200 and len(api.requests) == 3 and version == "100"
        assert items[0]["kind"] == "Node" and items[0]["apiVersion"] == "v1"
        old = iter([None, status(410, "Expired", "the continue token is too old")])
        api.faults.append(lambda r: next(old, None))
        api.requests.clear()
        assert len(await cluster.list("v1", "nodes")) == 1200
        assert "limit" not in api.requests[-1].url.params

    asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "name", "subject"),
    [
        ("/api/v1/namespaces/ns/pods/p", "", "pods/ns/p"),
        ("/api/v1/namespaces/ns/pods/p/log", "", "pods/ns/p/log"),
        ("/api/v1/namespaces/ns/pods", "made", "pods/ns/made"),
        ("/apis/scheduling.k8s.io/v1beta1/namespaces/ns/podgroups", "", "podgroups.scheduling.k8s.io/ns"),
        ("/api/v1/namespaces", "n", "namespaces/n"),
        ("/api/v1/namespaces/n", "", "namespaces/n"),
        ("/apis/node.k8s.io/v1/runtimeclasses/r", "", "runtimeclasses.node.k8s.io/r"),
        ("/version", "", "/version"),
        ("/apis", "", "/apis"),
    ],
)
def test_subjects(path: str, name: str, subject: str) -> None:
    assert subject_of(path, name) == subject


def test_a_fault_can_be_put_below_the_recording() -> None:
    async def main() -> None:
        def handler(request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(200, json={"gitVersion": "v1.40.0"})

        cluster = Cluster(Recording(httpx2.MockTransport(handler), "0"), "https://fake")
        assert json.loads((await cluster.request("GET", "/version")).text) == {"gitVersion": "v1.40.0"}

    asyncio.run(main())
