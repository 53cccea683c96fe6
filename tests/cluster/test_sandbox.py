"""The sandbox on a fake API: labels, refusals, waits, windows, and an end that leaves nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_api import FakeApi, sandbox, status

from aiconform.cluster.errors import ApiLost, ClusterError, Refused
from aiconform.cluster.sandbox import Sandbox
from aiconform.evidence import load
from aiconform.model import Accelerator, Recording

Object = dict[str, Any]


def pod(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [{"name": "c"}]}}


def play(folder: Path, story: Callable[[Sandbox, FakeApi], Awaitable[None]]) -> tuple[FakeApi, Recording]:
    async def main() -> FakeApi:
        api = FakeApi()
        box = sandbox(api, folder)
        try:
            await story(box, api)
        finally:
            await box.close(seconds=1)
        return api

    return asyncio.run(main()), load(folder / "trial.native")


def seen(rec: Recording, kind: str) -> list[Any]:
    return [(o.subject, o.body) for o in rec.observations if o.kind == kind]


def test_everything_made_carries_the_labels_and_is_removed(tmp_path: Path) -> None:
    async def story(box: Sandbox, api: FakeApi) -> None:
        ns = await box.make_namespace(hint="a")
        assert ns.startswith("aiconform-trial-a-") and box.namespace == ns
        labels = api.objects["namespaces", "", ns]["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": {"spec": {}}}}
        sent = await box.create(job, step="s", role="r")
        assert sent.ok and sent.code == ""
        inner = sent.object["spec"]["template"]["metadata"]["labels"]
        assert inner["aiconform.dev/step"] == "s" and inner["aiconform.dev/role"] == "r"
        assert inner["aiconform.dev/run"] == "run1" and inner["aiconform.dev/attempt"] == "trial.native"
        queue = {"apiVersion": "example.org/v1", "kind": "Queue", "metadata": {"name": "q"}}
        assert (await box.create(queue, step="s")).ok
        await api.put("queues", {"metadata": {"name": "foreign", "labels": {"team": "x"}}})

    api, rec = play(tmp_path, story)
    assert [k for k in api.objects if k[0] in ("namespaces", "queues", "jobs")] == [("queues", "", "foreign")]
    deleted = [s for s, _ in seen(rec, "call") if s.startswith("DELETE")]
    kinds = [d.split()[1].split("/")[0] for d in deleted]
    assert kinds == ["jobs.batch", "queues.example.org", "namespaces"]
    posted = dict(seen(rec, "call"))["POST queues.example.org/q"]
    assert posted["status"] == 201 and posted["request"]["kind"] == posted["response"]["kind"] == "Queue"


def test_a_refusal_is_told_and_not_raised(tmp_path: Path) -> None:
    rbac = 'pods "p" is forbidden: User "u" cannot create resource "pods" in API group "" in the namespace "n"'
    quota = 'pods "p" is forbidden: exceeded quota: q, requested: pods=1'
    hook = 'admission webhook "validate.kyverno.svc-fail" denied the request: no'
    answers = iter([status(403, "Forbidden", rbac), status(403, "Forbidden", quota), status(400, "", hook)])

    async def story(box: Sandbox, api: FakeApi) -> None:
        await box.make_namespace()
        api.faults.append(lambda r: next(answers, None) if r.method == "POST" else None)
        codes = [(await box.create(pod("p"), step="s")).code for _ in range(3)]
        assert codes == ["rbac-denied", "admission-denied", "admission-denied"]
        unknown = {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "Workload", "metadata": {"name": "w"}}
        sent = await box.create(unknown, step="s")
        assert (sent.ok, sent.status, sent.code) == (False, 404, "not-served")

    _, rec = play(tmp_path, story)
    assert [b["message"] for _, b in seen(rec, "call") if b["status"] in (400, 403)] == [rbac, quota, hook]


def test_a_namespace_that_may_not_be_made_is_raised_with_its_code(tmp_path: Path) -> None:
    said = 'namespaces is forbidden: User "u" cannot create resource "namespaces" in API group "" at the cluster scope'

    async def story(box: Sandbox, api: FakeApi) -> None:
        api.faults.append(lambda r: status(403, "Forbidden", said) if r.method == "POST" else None)
        with pytest.raises(Refused) as e:
            await box.make_namespace()
        assert (e.value.code, e.value.verb, e.value.resource) == ("rbac-denied", "create", "namespaces")

    play(tmp_path, story)


def test_nothing_is_created_or_deleted_outside(tmp_path: Path) -> None:
    async def story(box: Sandbox, api: FakeApi) -> None:
        await box.make_namespace()
        with pytest.raises(ValueError, match="no namespace of this sandbox"):
            await box.create(pod("p"), step="s", namespace="kube-system")
        theirs = await api.put("pods", pod("p") | {"metadata": {"name": "p", "namespace": "kube-system"}})
        with pytest.raises(ValueError, match="not made by this sandbox"):
            await box.delete(theirs, step="s")
        node = await api.put("nodes", {"metadata": {"name": "n"}})
        with pytest.raises(ValueError, match="not made by this sandbox"):
            await box.delete(node)

    api, _ = play(tmp_path, story)
    assert ("pods", "kube-system", "p") in api.objects


def test_an_answer_that_is_lost_is_looked_up(tmp_path: Path) -> None:
    async def story(box: Sandbox, api: FakeApi) -> None:
        ns = await box.make_namespace()
        lost = iter([True])

        def fault(request: httpx2.Request) -> Exception | None:
            return httpx2.ReadError("reset") if request.method == "POST" and next(lost, False) else None

        api.faults.append(fault)
        with pytest.raises(ApiLost):
            await box.create(pod("never-arrived"), step="s")
        lost = iter([True])
        made = pod("arrived")
        made["metadata"] |= {"namespace": ns, "labels": box.labels}
        await api.put("pods", made)
        assert (await box.create(pod("arrived"), step="s")).ok

    play(tmp_path, story)


def test_until_wakes_at_events_and_ends_at_the_deadline(tmp_path: Path) -> None:
    async def story(box: Sandbox, api: FakeApi) -> None:
        ns = await box.make_namespace()
        said: list[tuple[str, float | None]] = []
        box.progress = lambda text, deadline: said.append((text, deadline))
        await box.create(pod("a"), step="s")
        start = time.monotonic()
        assert not await box.until(lambda: len(box.pods()) == 2, "short", "two pods")
        assert 0.15 < time.monotonic() - start < 1
        waiting = asyncio.create_task(box.until(lambda: len(box.pods(step="s")) == 2, "long"))
        await box.create(pod("b"), step="s")
        assert await waiting
        assert said[0] == ("two pods", 0.2)
        await api.put("pods", {"metadata": {"name": "unlabelled", "namespace": ns}})
        assert await box.until(lambda: box.pod("unlabelled") is not None, "long")
        assert {p["metadata"]["name"] for p in box.pods()} == {"a", "b"}

    play(tmp_path, story)


def test_waiting_ends_when_the_watch_is_lost(tmp_path: Path) -> None:
    async def story(box: Sandbox, api: FakeApi) -> None:
        await box.make_namespace()
        api.faults.append(lambda r: status(403, "Forbidden", "no") if r.url.params.get("watch") else None)
        await api.cut_watches()
        with pytest.raises(Refused):
            await box.until(lambda: False, "long")

    play(tmp_path, story)


def test_hold_keeps_a_window_open_and_stops_early(tmp_path: Path) -> None:
    async def story(box: Sandbox, api: FakeApi) -> None:
        await box.make_namespace()
        await box.hold("quiet", "short", "nothing may start")
        await box.hold("early", 30, "nothing may start", stop=lambda: True)
        with pytest.raises(RuntimeError):
            async with box.window("broken", "why"):
                raise RuntimeError

    _, rec = play(tmp_path, story)
    opened = {o.step: o.t for o in rec.observations if o.kind == "window.open"}
    closed = {o.step: o.t for o in rec.observations if o.kind == "window.close"}
    assert set(opened) == {"quiet", "early", "broken"} and set(closed) == {"quiet", "early"}
    assert closed["quiet"] - opened["quiet"] >= 0.2 and closed["early"] - opened["early"] < 5


def test_gone_waits_for_the_very_object(tmp_path: Path) -> None:
    async def story(box: Sandbox, api: FakeApi) -> None:
        ns = await box.make_namespace()
        group = {"apiVersion": "example.org/v1", "kind": "Group", "metadata": {"name": "g"}}
        one, other = await box.create(pod("a"), step="s"), await box.create(group, step="s")
        assert not await box.gone([one.object, other.object], "short")
        waiting = asyncio.create_task(box.gone([one.object, other.object], "long"))
        await box.delete(one.object, step="s")
        await api.delete("groups", ns, "g")
        await api.put("groups", {"metadata": {"name": "g", "namespace": ns}})
        assert await waiting
        await box.delete(one.object, step="s")

    play(tmp_path, story)


def test_what_does_not_go_is_reported_and_recorded(tmp_path: Path) -> None:
    async def main() -> tuple[str, ...]:
        api = FakeApi()
        box = sandbox(api, tmp_path)
        ns = await box.make_namespace()
        api.sticky |= {"stuck", ns}
        await box.create(pod("stuck"), step="s")
        left = await box.close(seconds=0.2)
        assert left == (f"namespaces/{ns}", f"pods/{ns}/stuck")
        return left

    left = asyncio.run(main())
    rec = load(tmp_path / "trial.native")
    assert tuple(s for s, _ in seen(rec, "leftover")) == left


def test_closing_without_an_api_server_reports_and_does_not_raise(tmp_path: Path) -> None:
    async def main() -> tuple[str, ...]:
        api = FakeApi()
        box = sandbox(api, tmp_path)
        ns = await box.make_namespace()
        api.faults.append(lambda r: httpx2.ConnectError("down"))
        assert await box.close(seconds=0.2) == (f"namespaces/{ns}",)
        return ()

    asyncio.run(main())


def test_an_attempt_that_made_nothing_asks_nothing_at_the_end(tmp_path: Path) -> None:
    async def story(box: Sandbox, api: FakeApi) -> None:
        box.unable("plan", "no-accelerator", "there is none")

    api, rec = play(tmp_path, story)
    assert api.requests == []
    assert seen(rec, "unable") == [("plan", {"code": "no-accelerator", "because": "there is none"})]


def test_the_last_json_line_of_a_log_is_the_probe(tmp_path: Path) -> None:
    log = 'starting\n{"old": 1}\n{"new": [1]}\n{broken\nbye\n'

    async def story(box: Sandbox, api: FakeApi) -> None:
        ns = await box.make_namespace()
        await box.create(pod("p"), step="look")
        assert await box.until(lambda: bool(box.pods()), "long")
        text = [log]
        api.faults.append(lambda r: httpx2.Response(200, text=text[0]) if r.url.path.endswith("/log") else None)
        assert await box.probe("p") == {"new": [1]}
        assert await box.logs("p") == log
        text[0] = "nothing here"
        assert await box.probe("p") is None
        assert ns

    _, rec = play(tmp_path, story)
    ((subject, body),) = seen(rec, "probe")
    assert subject.endswith("/p/c") and body == {"new": [1]}
    assert "nothing here" in next(b["text"] for s, b in seen(rec, "note") if s == "no-probe")
    assert [o.step for o in rec.observations if o.kind in ("probe", "log")] == ["look", "look"]


def test_a_watch_that_fell_silent_is_taken_up_again(tmp_path: Path) -> None:
    async def story(box: Sandbox, api: FakeApi) -> None:
        await box.make_namespace()
        api.deaf = True
        await box.create(pod("p"), step="look")
        assert not await box.until(lambda: bool(box.pods()), 0.2)
        api.deaf = False
        await box.take_up("v1", "pods")
        assert box.pods()

    _, rec = play(tmp_path, story)
    assert seen(rec, "watch.gap") == []


def test_free_units_of_both_kinds(tmp_path: Path) -> None:
    plugin = Accelerator(id="p", vendor="v", form="device-plugin", resource="x.dev/a", nodes={"n": 4}, recognised=True)
    dra = Accelerator(
        id="d", vendor="v", form="dra", driver="drv", device_class="c", nodes={"n": 2}, recognised=True,
        selector="device.attributes['drv'].type == 'gpu'",
    )  # fmt: skip

    async def story(box: Sandbox, api: FakeApi) -> None:
        await api.put("nodes", {"metadata": {"name": "n"}, "status": {"allocatable": {"x.dev/a": "4"}}})
        spec = {"nodeName": "n", "containers": [{"resources": {"requests": {"x.dev/a": "3"}}}]}
        await api.put("pods", {"metadata": {"name": "theirs", "namespace": "other"}, "spec": spec})
        slices = {"driver": "drv", "nodeName": "n", "pool": {"name": "n", "generation": 1, "resourceSliceCount": 1}}
        kinds = {"d0": "gpu", "d1": "gpu", "part": "mig"}
        devices = [{"name": n, "attributes": {"type": {"string": k}}} for n, k in kinds.items()]
        await api.put("resourceslices", {"metadata": {"name": "s"}, "spec": slices | {"devices": devices}})
        result = {"driver": "drv", "pool": "n", "device": "d1", "request": "r"}
        taken = {"allocation": {"devices": {"results": [result]}}}
        await api.put("resourceclaims", {"metadata": {"name": "c", "namespace": "other"}, "status": taken})
        assert await box.free_units(plugin, "n") == 1
        assert await box.free_units(dra, "n") == 1

    _, rec = play(tmp_path, story)
    facts = [(s, b) for s, b in seen(rec, "fact") if s == "free/n"]
    assert facts[0][1] == {"accelerator": "p", "free": 1, "advertised": 4, "held": 3}
    assert facts[1][1] == {"accelerator": "d", "free": 1, "advertised": 2, "held": 1}


def test_reads_that_are_not_allowed_name_verb_and_resource(tmp_path: Path) -> None:
    async def story(box: Sandbox, api: FakeApi) -> None:
        api.faults.append(lambda r: status(403, "Forbidden", "no") if "resource.k8s.io" in r.url.path else None)
        with pytest.raises(Refused) as e:
            await box.list("resource.k8s.io/v1", "resourceclaims", "*")
        assert (e.value.verb, e.value.resource, e.value.code) == (
            "list", "resourceclaims.resource.k8s.io", "rbac-denied",
        )  # fmt: skip
        assert await box.get("v1", "nodes", "none") is None
        with pytest.raises(ClusterError) as missing:
            await box.list("none.org/v1", "things")
        assert missing.value.code == "not-served"

    play(tmp_path, story)


def test_a_call_through_the_proxy_keeps_its_query_and_its_patience(tmp_path: Path) -> None:
    async def story(box: Sandbox, api: FakeApi) -> None:
        asked: list[str] = []

        def store(request: httpx2.Request) -> httpx2.Response | None:
            if "/proxy/" not in request.url.path:
                return None
            asked.append(f"{request.url.path}?{request.url.query.decode()}")
            return httpx2.Response(503, text="no endpoints")

        api.faults.append(store)
        got = await box.http(
            "GET", "services/web:9090/api/v1/query", step="s", namespace="n", params={"query": "a b"}, patience=0
        )
        assert got.status == 503 and got.body == "no endpoints"
        assert asked == ["/api/v1/namespaces/n/services/web:9090/proxy/api/v1/query?query=a+b"]

    _, rec = play(tmp_path, story)
    assert [s for s, _ in seen(rec, "http")] == ["GET services/web:9090/api/v1/query?query=a+b"]
