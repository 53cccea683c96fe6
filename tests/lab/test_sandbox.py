"""The sandbox on a real cluster: what a fake API cannot show."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from aiconform.cluster import asking
from aiconform.cluster.cleanup import clean
from aiconform.cluster.connect import connect
from aiconform.cluster.errors import ClusterError, Refused
from aiconform.cluster.sandbox import Sandbox
from aiconform.cluster.watch import Watch
from aiconform.evidence import Recorder, load
from aiconform.judging import pods, window
from aiconform.lab import Lab
from aiconform.model import FORMAT, Accelerator, Attempt, Begin, Recording, Suite

pytestmark = pytest.mark.lab

Object = dict[str, Any]
PROBE = "aiconform.dev/probe:1"
DRA = Accelerator(
    id="dra", vendor="simulated", form="dra", driver="accel.sim.aiconform.dev", device_class="sim-accelerator",
    nodes={}, recognised=True,
)  # fmt: skip
PLUGIN = Accelerator(
    id="plugin", vendor="simulated", form="device-plugin", resource="sim.aiconform.dev/accelerator", nodes={},
    recognised=True,
)  # fmt: skip


async def box_on(kubeconfig: Path, folder: Path, run: str = "labtest") -> Sandbox:
    cluster = await connect(str(kubeconfig), None, suite_version="0")
    attempt = Attempt(
        id="trial.native", check="trial", via="native", level="MUST", holds=(), settings={"deadlines": {"pod": 180}},
        facts={}, minutes=1, disruption="creates",
    )  # fmt: skip
    begin = Begin(
        format=FORMAT, run=run, check="trial", via="native", suite=Suite(version="0"), settings=attempt.settings,
        facts={}, at="",
    )  # fmt: skip
    return Sandbox(cluster, attempt, Recorder.create(folder, begin), run)


def play(lab: Lab, folder: Path, story: Callable[[Sandbox], Awaitable[None]]) -> Recording:
    async def main() -> None:
        box = await box_on(lab.kubeconfig, folder)
        try:
            await story(box)
        finally:
            left = await box.close(seconds=90)
            await box.cluster.close()
        assert left == ()

    asyncio.run(main())
    return load(folder / "trial.native")


def phase(box: Sandbox, name: str) -> str:
    pod = box.pod(name)
    return str(pod["status"].get("phase")) if pod else ""


def sleeper(name: str, node: str = "lab-node-1", **more: Any) -> Object:
    code = "import json, time; print(json.dumps({'up': True}), flush=True); time.sleep(600)"
    return asking.pod(name, PROBE, args=["python3", "-c", code], node=node, **more)


@pytest.mark.parametrize(("accelerator", "node"), [(DRA, "lab-node-1"), (PLUGIN, "lab-node-2")])
def test_a_pod_gets_what_it_asks_for_and_gives_it_back(
    lab: Lab, tmp_path: Path, accelerator: Accelerator, node: str
) -> None:
    async def story(box: Sandbox) -> None:
        await box.make_namespace()
        before = await box.free_units(accelerator, node)
        ask = asking.ask(accelerator, 2, "two")
        for obj in (*ask.objects, sleeper("holder", node, ask=ask)):
            sent = await box.create(obj, step="hold", role="holder")
            assert sent.ok, sent.message
        assert await box.until(lambda: phase(box, "holder") == "Running", "pod"), box.why_not_running("holder")
        assert await box.free_units(accelerator, node) == before - 2
        assert await box.until(lambda: phase(box, "holder") == "Running", "pod")
        got = await box.exec(
            "holder", "probe", ["sh", "-c", "ls /dev/simaccel* | wc -l; echo e >&2; exit 3"], step="hold"
        )
        assert (got.stdout.strip(), got.stderr, got.exit) == ("2", "e\n", 3)
        assert await box.probe("holder") == {"up": True}
        holder = box.pod("holder")
        assert holder is not None
        await box.delete(holder, step="hold")
        assert await box.gone([holder], 60)

    rec = play(lab, tmp_path, story)
    (history,) = pods(rec, step="hold", role="holder")
    assert history.bound and history.running and history.deleted and history.bound.seq < history.running.seq


def test_a_window_over_a_quiet_namespace_was_watched(lab: Lab, tmp_path: Path) -> None:
    homes: list[str] = []

    async def story(box: Sandbox) -> None:
        homes.append(await box.make_namespace())
        await box.hold("quiet", 1.0, "nothing may start here")

    rec = play(lab, tmp_path, story)
    assert window(rec, "quiet").watched(f"pods/{homes[0]}") and window(rec, "quiet").seconds >= 1.0
    assert rec.damage == ()


def test_why_pods_do_not_start(lab: Lab, tmp_path: Path) -> None:
    async def story(box: Sandbox) -> None:
        await box.make_namespace()
        no_image = sleeper("no-image")
        no_image["spec"]["containers"][0]["image"] = "localhost:1/none:1"
        too_many, claimed = asking.ask(PLUGIN, 50, "many"), asking.ask(DRA, 30, "claims")
        await box.create(no_image, step="s")
        await box.create(sleeper("too-many", "lab-node-2", ask=too_many), step="s")
        for obj in (*claimed.objects, sleeper("no-devices", ask=claimed)):
            await box.create(obj, step="s")
        assert await box.until(lambda: box.code_for("no-image") == "image-unavailable", 60)
        assert await box.until(lambda: box.code_for("too-many") == "too-few-accelerators", 60)
        assert await box.until(lambda: box.code_for("no-devices") == "too-few-accelerators", 60)
        privileged = sleeper("privileged")
        privileged["spec"]["containers"][0]["securityContext"] = {"privileged": True}
        assert (await box.create(privileged, step="s")).code == "admission-denied"
        quota = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "q"},
            "spec": {"hard": {"pods": "0"}},
        }
        made = await box.create(quota, step="s")
        kept = Watch(box.cluster, "v1", "resourcequotas", box.namespace, changed=box._changed)
        await kept.start()
        assert await box.until(lambda: any("hard" in o.get("status", {}) for o in kept.objects.values()), 30)
        await kept.stop()
        refused = await box.create(sleeper("over-quota"), step="s", dry_run=True)
        assert made.ok and refused.code == "admission-denied" and "exceeded quota" in refused.message

    play(lab, tmp_path, story)


def test_rights_that_are_missing_are_named(lab: Lab, tmp_path: Path) -> None:
    async def story(box: Sandbox) -> None:
        ns = await box.make_namespace()
        url = f"/api/v1/namespaces/{ns}/serviceaccounts/default/token"
        token = (await box.cluster.request("POST", url, body={"spec": {"expirationSeconds": 600}}, quiet=True)).body
        config = yaml.safe_load(lab.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token["status"]["token"]}
        path = tmp_path / "weak"
        path.write_text(yaml.safe_dump(config))
        weak = await box_on(path, tmp_path / "weak-run", run="weak")
        with pytest.raises(Refused) as e:
            await weak.make_namespace()
        assert (e.value.code, e.value.verb, e.value.resource) == ("rbac-denied", "create", "namespaces")
        with pytest.raises(Refused) as e:
            await weak.list("resource.k8s.io/v1", "resourceclaims", "*")
        assert e.value.code == "rbac-denied"
        assert await weak.close() == ()
        await weak.cluster.close()

    play(lab, tmp_path, story)


def test_patches_and_the_proxy_and_commands_that_fail(lab: Lab, tmp_path: Path) -> None:
    async def story(box: Sandbox) -> None:
        await box.make_namespace()
        serve = ["python3", "-m", "http.server", "8000"]
        made = await box.create(asking.pod("web", PROBE, args=serve, node="lab-node-1"), step="s")
        patched = await box.patch(made.object, {"metadata": {"labels": {"team": "x"}}}, step="s")
        assert patched.ok and patched.object["metadata"]["labels"]["team"] == "x"
        assert (await box.patch(made.object, {"spec": {"nodeName": "y"}}, step="s")).code == "refused"
        assert await box.until(lambda: phase(box, "web") == "Running", "pod")
        heard = await box.http("GET", "pods/web:8000/", step="s")
        while heard.status == 503:  # the container runs, but python does not listen yet
            heard = await box.http("GET", "pods/web:8000/", step="s")
        assert heard.status == 200 and "Directory listing" in heard.body
        with pytest.raises(ClusterError) as e:
            await box.exec("web", "probe", ["no-such-program"], step="s")
        assert e.value.code == "exec-failed" and "no-such-program" in e.value.message
        with pytest.raises(ClusterError) as e:
            await box.exec("web", "probe", ["sleep", "30"], step="s", timeout=1)
        assert e.value.code == "exec-failed"

    rec = play(lab, tmp_path, story)
    assert [o.body["status"] for o in rec.observations if o.kind == "http"][-1] == 200


KILLED = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from aiconform.cluster import asking
from test_sandbox import box_on, sleeper, phase
async def main():
    box = await box_on(Path({kubeconfig!r}), Path({record!r}), run="killed")
    await box.make_namespace()
    await box.create(sleeper("orphan"), step="s")
    await box.create(asking.merge(
        {{"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass"}},
        {{"metadata": {{"name": "aiconform-orphan"}}, "handler": "runc"}},
    ), step="s")
    assert await box.until(lambda: phase(box, "orphan") == "Running", "pod")
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def test_what_a_killed_run_left_is_found_by_label_and_removed(lab: Lab, tmp_path: Path) -> None:
    async def main() -> None:
        script = KILLED.format(
            folder=str(Path(__file__).parent), kubeconfig=str(lab.kubeconfig), record=str(tmp_path / "killed")
        )
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None and await process.stdout.readline() == b"ready\n"
        cluster = await connect(str(lab.kubeconfig), None, suite_version="0")
        beside = await clean(cluster, dry_run=True)
        assert "killed" in beside.alive and not any("orphan" in f for f in beside.found)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        report = await clean(cluster)
        assert any(f.endswith("/orphan") for f in report.found)
        assert "runtimeclasses.node.k8s.io/aiconform-orphan" in report.found
        assert report.leftovers == () and report.problems == ()
        assert (await clean(cluster, "killed", dry_run=True)).found == ()
        await cluster.close()

    asyncio.run(main())
    rec = load(tmp_path / "killed" / "trial.native")
    assert rec.ending is None and rec.damage == ()
