"""The lab itself: that it is real, that nothing kills it for good, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from footprint import Footprint, footprint, left_behind, living, overlapping, survivors

from aiconform.lab import Lab, LabError, network, processes
from aiconform.lab import state as states
from aiconform.lab.images import PROBE_IMAGE
from aiconform.lab.layout import FEWEST, Addresses
from aiconform.lab.layout import NODES as POSSIBLE
from aiconform.lab.up import client

# The real nodes that a lab has if it is not told otherwise.
NODES = POSSIBLE[:FEWEST]
pytestmark = [pytest.mark.lab, pytest.mark.skipif(os.geteuid() != 0, reason="the lab needs root")]


def silent(_: str) -> None:
    """A report that nobody reads."""


@pytest.fixture
def core(worker_id: str) -> Iterator[Lab]:
    """A lab of this test's own, not up yet; whatever is left of it is removed afterwards."""
    lab = Lab(f"core-{worker_id}")
    lab.down(silent)
    yield lab
    lab.down(silent)


@pytest.fixture
def before(core: Lab) -> Footprint:
    """The machine before the lab."""
    return footprint(core)


def command(lab: Lab, *argv: str) -> list[str]:
    return [sys.executable, "-m", "aiconform", "lab", *argv, "--name", lab.name]


def kube(lab: Lab) -> Any:
    state = states.load(lab.folder)
    assert state is not None
    return client(lab.folder, state)


def pod(name: str, node: str, script: str, **container: Any) -> dict[str, Any]:
    """A pod that runs a script of the probe image's Python on a node."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "nodeSelector": {"kubernetes.io/hostname": node},
            "containers": [
                {"name": "c", "image": PROBE_IMAGE, "command": ["python3", "-c", script], **container},
            ],
        },
    }


def dead(lab: Lab) -> set[str]:
    """Names of the lab's processes that should live and do not."""
    return {component.name for component in lab.status().components if not component.alive}


def finished(lab: Lab, name: str) -> str:
    """Wait for a pod's end and return what it printed."""
    with kube(lab) as api:
        path = "/api/v1/namespaces/default/pods"

        def ended(items: list[dict[str, Any]]) -> bool:
            return any(item["status"].get("phase") in ("Succeeded", "Failed") for item in items)

        api.wait(path, ended, 60, f"the end of pod {name}", fieldSelector=f"metadata.name={name}")
        return str(api._http.get(f"{path}/{name}/log").text)


def start_default_account(lab: Lab) -> None:
    """Pods can be made once the controller made the namespace's service account."""
    with kube(lab) as api:
        api.wait("/api/v1/namespaces/default/serviceaccounts", bool, 30, "the default service account")


def test_it_is_a_real_cluster_and_leaves_nothing(core: Lab, before: Footprint) -> None:
    core.up(silent)
    status = core.status()
    assert status.state == "up"
    assert status.nodes == dict.fromkeys(NODES, True)
    assert 0 < status.rss_mib < 1536
    # A lab that is up gets more nodes.
    nodes = POSSIBLE[: FEWEST + 1]
    core.up(silent, nodes=len(nodes))
    assert core.status().nodes == dict.fromkeys(nodes, True)
    start_default_account(core)
    config = yaml.safe_load(core.kubeconfig.read_text())
    assert config["current-context"] == f"aiconform-lab-{core.name}"
    with kube(core) as api:
        for name in nodes:
            script = (
                "import socket,os;print(socket.gethostbyname('kubernetes.default.svc.cluster.local'));"
                "socket.create_connection(('kubernetes.default.svc.cluster.local',443),5);print(os.uname().nodename)"
            )
            api.apply(pod(f"probe-{name}", name, script))
            api.apply(pod(f"stays-{name}", name, "import time;time.sleep(1000)"))
    for name in nodes:
        assert f"probe-{name}" in finished(core, f"probe-{name}")
    core.break_(str(Path(__file__).parent / "data" / "every-step.yaml"), silent)
    started = [component.pid for component in core.status().components if component.pid is not None]
    assert {os.sched_getscheduler(pid) for pid in started} == {os.SCHED_BATCH}
    assert {Path(f"/proc/{pid}/timerslack_ns").read_text().strip() for pid in started} == {"10000000"}
    alive = living(core)
    assert len(alive.processes) > 20
    assert len(alive.namespaces) >= 9
    assert footprint(core).more_than(before).keys() >= {"links", "routes", "addresses", "cgroups", "files"}
    slot = states.load(core.folder).slot  # type: ignore[union-attr]
    core.down(silent)
    assert survivors(alive) == (set(), set())
    assert left_behind(core, before) == {}
    assert overlapping(Addresses(slot=slot)) == []
    assert core.status().state == "absent"


OPEN = """
import os, stat
def can(path):
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)); return "open"
    except OSError as e: return e.strerror
granted = sorted(n for n in os.listdir("/dev") if n.startswith("simaccel"))
for n in granted: print("granted", n, can("/dev/" + n))
own = {os.minor(os.stat("/dev/" + n).st_rdev) for n in granted}
for minor in range(%d, %d):
    if minor not in own:
        os.mknod("/tmp/n%%d" %% minor, 0o666 | stat.S_IFCHR, os.makedev(%d, minor))
        print("foreign", minor, can("/tmp/n%%d" %% minor))
"""


def test_accelerators_are_given_and_kept_apart(core: Lab) -> None:
    core.up(silent, kwok_nodes=3, accelerators=2)
    up_is_idempotent(core)
    state = states.load(core.folder)
    assert state is not None
    start_default_account(core)
    resources = {NODES[0]: "sim.aiconform.dev/accelerator-dra", NODES[1]: "sim.aiconform.dev/accelerator"}
    with kube(core) as api:
        for name, resource in resources.items():
            first = state.device_minors[name]
            script = OPEN % (first, first + 2, state.device_major)
            api.apply(pod(f"holder-{name}", name, script, resources={"limits": {resource: 1}}))
            api.apply(pod(f"plain-{name}", name, script))
    for name in NODES:
        holder = finished(core, f"holder-{name}").split("\n")
        assert [line.split()[0::2] for line in holder if line.startswith("granted")] == [["granted", "open"]], holder
        assert sum("Operation not permitted" in line for line in holder) == 1, holder
        plain = finished(core, f"plain-{name}")
        assert "granted" not in plain
        assert plain.count("Operation not permitted") == 2, plain


def up_is_idempotent(core: Lab) -> None:
    pids = {component.name: component.pid for component in core.status().components}
    assert core.status().nodes.keys() >= {"kwok-node-1", "kwok-node-2", "kwok-node-3"}
    core.up(silent)
    assert {component.name: component.pid for component in core.status().components} == pids
    with kube(core) as api:
        node = api.request("GET", "/api/v1/nodes/kwok-node-1")
    assert node["spec"]["taints"][0]["effect"] == "NoSchedule"


POINTS = ("starting the control plane", "nodes are Ready", "accelerators are")


@pytest.mark.parametrize("line", POINTS)
def test_up_may_be_killed_at_any_point_and_what_there_is_taken_down(core: Lab, before: Footprint, line: str) -> None:
    up_is_killed(core, line)
    nothing_is_left(core, before)


def test_up_may_be_killed_at_any_point_and_gone_on_with(core: Lab, before: Footprint) -> None:
    for line in POINTS:
        up_is_killed(core, line)
    core.up(silent)
    assert core.status().state == "up"
    nothing_is_left(core, before)


def up_is_killed(core: Lab, line: str) -> None:
    with subprocess.Popen(command(core, "up"), stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL) as up:
        assert up.stderr is not None
        said = []
        for text in up.stderr:
            said.append(text)
            if line in text:
                break
        else:
            pytest.fail(f"never said {line!r}: {said}")
        up.send_signal(signal.SIGKILL)
    assert core.status().state == "partial"


def nothing_is_left(core: Lab, before: Footprint) -> None:
    core.down(silent)
    assert left_behind(core, before) == {}
    assert processes.marked(core.folder) == []


@pytest.mark.parametrize("seconds", [0.6, 0.8, 1.0, 1.3, 2.0])
def test_up_may_be_killed_at_any_moment(core: Lab, before: Footprint, seconds: float) -> None:
    with subprocess.Popen(command(core, "up"), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as up:
        # The moment is arbitrary on purpose: no event marks it.
        time.sleep(seconds)
        up.send_signal(signal.SIGKILL)
    alive = processes.marked(core.folder)
    core.down(silent)
    assert [process for process in alive if processes.alive(process)] == []
    assert left_behind(core, before) == {}


def test_what_died_is_started_again_and_the_data_is_kept(core: Lab) -> None:
    core.up(silent)
    with kube(core) as api:
        api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "namespace": "default"}})
    for name in ("kube-scheduler", "etcd", "kube-apiserver", "lab-node-1/kubelet", "lab-node-2/sandbox"):
        process = processes.running(core.folder, name)
        assert process is not None
        processes.stop(process, grace=0)
    ends = {"kube-scheduler", "etcd", "lab-node-1/kubelet", "lab-node-2/sandbox", "lab-node-2/kubelet"}
    deadline = time.monotonic() + 20
    # The kernel ends what lived in a sandbox a moment after the sandbox itself.
    while not ends <= dead(core) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert ends <= dead(core)
    assert core.status().state == "partial"
    core.up(silent)
    assert core.status().state == "up"
    with kube(core) as api:
        assert api.request("GET", "/api/v1/namespaces/default/configmaps/kept")
        # DNS ran somewhere; after the repair it answers again, which `up` has checked.
        api.apply(pod("after", "lab-node-2", "print('works')"))
    assert finished(core, "after").strip() == "works"
    after_a_reboot_it_is_made_anew(core)


def after_a_reboot_it_is_made_anew(core: Lab) -> None:
    state = states.load(core.folder)
    assert state is not None
    # All processes gone and another boot: what a machine looks like after it lost its power.
    processes.kill_all(processes.marked(core.folder))
    state.boot_id = "another"
    states.save(core.folder, state)
    assert core.status().state == "partial"
    core.up(silent)
    assert core.status().state == "up"


def test_two_labs_and_a_taken_subnet_and_a_recycled_pid(core: Lab, before: Footprint) -> None:
    taken = network.choose_slot(states.slots_taken(core.name))
    subnet = Addresses(slot=taken).pods
    subprocess.run(["ip", "route", "add", "blackhole", str(subnet)], check=True)
    other = Lab(f"{core.name}-b")
    try:
        core.up(silent)
        state = states.load(core.folder)
        assert state is not None and state.slot != taken
        other.up(silent)
        assert other.status().state == "up"
        with with_the_pid_of_a_part_that_ended(core) as innocent:
            core.down(silent)
            assert innocent.poll() is None
        assert other.status().state == "up"
    finally:
        subprocess.run(["ip", "route", "del", "blackhole", str(subnet)], check=True)
        other.down(silent)
    assert left_behind(core, before) == {}


@contextmanager
def with_the_pid_of_a_part_that_ended(core: Lab) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose pid the lab's registry has for another one, of another start."""
    innocent = subprocess.Popen(["sleep", "1000"])
    try:
        stat = Path(f"/proc/{innocent.pid}/stat").read_text().strip().split(" ")
        stat[21] = "1"
        with core.folder.processes.open("a") as registry:
            registry.write(f"kube-scheduler\t{' '.join(stat)}\n")
        yield innocent
    finally:
        innocent.kill()
        innocent.wait()


def test_one_command_at_a_time(core: Lab) -> None:
    with subprocess.Popen(command(core, "up"), stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL) as up:
        assert up.stderr is not None
        for text in up.stderr:
            if "control plane" in text:
                break
        with pytest.raises(LabError, match="another aiconform command works on the lab"):
            core.down(silent)
        up.send_signal(signal.SIGKILL)


def test_a_broken_lab_is_mended_by_another_process(sound_lab: Lab) -> None:
    with kube(sound_lab) as api:
        nothing_is_leaving(api)
        sound = sight(api)
    broken = subprocess.run(
        command(sound_lab, "break", str(Path(__file__).parent / "data" / "every-step.yaml")),
        capture_output=True,
        text=True,
    )
    assert broken.returncode == 0, broken.stderr
    assert sound_lab.status().fault == "every-step"
    with kube(sound_lab) as api:
        assert sight(api) != sound
        assert api.request("GET", "/api/v1/namespaces/odd/configmaps/odd")["data"] == {"by": "fault"}
        assert api.request("GET", "/api/v1/nodes/lab-node-2")["status"]["allocatable"]["pods"] == "50"
    scheduler = processes.running(sound_lab.folder, "kube-scheduler")
    assert scheduler is not None
    flags = Path(f"/proc/{scheduler.pid}/cmdline").read_text().split("\0")
    assert "--feature-gates=GenericWorkload=false" in flags
    assert (sound_lab.folder.root / "wrapped").read_text().strip()
    mended = subprocess.run(command(sound_lab, "mend"), capture_output=True, text=True)
    assert mended.returncode == 0, mended.stderr
    assert sound_lab.status().fault is None
    with kube(sound_lab) as api:
        assert sight(api) == sound
    assert processes.running(sound_lab.folder, "fault/every_step") is None


def test_a_break_that_was_killed_is_mended(sound_lab: Lab) -> None:
    with kube(sound_lab) as api:
        nothing_is_leaving(api)
        sound = sight(api)
    argv = command(sound_lab, "break", str(Path(__file__).parent / "data" / "every-step.yaml"))
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as breaking:
        assert breaking.stderr is not None
        for text in breaking.stderr:
            if "kubelet" in text:
                break
        breaking.send_signal(signal.SIGKILL)
    assert sound_lab.status().fault == "every-step"
    sound_lab.mend(silent)
    assert sound_lab.status().state == "up"
    with kube(sound_lab) as api:
        assert sight(api) == sound


def nothing_is_leaving(api: Any) -> None:
    """Wait for the end of what an earlier test made and removed."""

    def ended(items: list[dict[str, Any]]) -> bool:
        return all("deletionTimestamp" not in item["metadata"] for item in items)

    api.wait("/api/v1/namespaces", ended, 60, "the end of namespaces that are deleted")


def sight(api: Any) -> str:
    """What a fault could change in the cluster and `mend` must restore."""
    nodes = [
        {
            "labels": item["metadata"]["labels"],
            # Kubernetes itself puts its own taints on a node that is slow to be Ready, and lifts them a moment later.
            "taints": [t for t in item["spec"].get("taints") or [] if not t["key"].startswith("node.kubernetes.io/")],
            "allocatable": item["status"]["allocatable"],
        }
        for item in api.items("/api/v1/nodes")
        if item["metadata"]["name"] in NODES
    ]
    spaces = [item["metadata"]["name"] for item in api.items("/api/v1/namespaces")]
    slices = [len(item["spec"]["devices"]) for item in api.items("/apis/resource.k8s.io/v1/resourceslices")]
    return json.dumps([nodes, spaces, slices], sort_keys=True)


# The interpreter may lie where only root can read: the right to read is kept.
AS_NOBODY = ["setpriv", "--reuid", "65534", "--clear-groups"]
AS_NOBODY += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


@pytest.mark.parametrize("what", ["up", "down", "mend"])
def test_not_root_is_one_sentence(what: str) -> None:
    argv = [*AS_NOBODY, sys.executable, "-m", "aiconform", "lab", what, "--name", "nobody"]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    assert "needs root" in done.stderr and "sudo" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
