"""A run as a user meets it: killed, interrupted, refused, short of disk, altered afterwards."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import lightkube
import pytest
from lightkube.config.kubeconfig import KubeConfig
from platforms import aiconform, prove

from aiconform.lab import Lab

pytestmark = pytest.mark.lab
FAST = ["--timeout-factor", "0.5", "--deadline", "gang_scheduling.window=10"]


def ours(lab: Lab) -> list[str]:
    """Everything in the cluster that carries the run label, by kind and name."""
    done = aiconform("clean", "--lab", lab.name, "--dry-run", "--all")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def begin(lab: Lab, runs: Path, check: str = "gang_scheduling") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "aiconform", "run", "--lab", lab.name, "--runs", str(runs), "--only", check]
    return subprocess.Popen([*command, *FAST], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_pods(lab: Lab, process: subprocess.Popen[str]) -> None:
    """Returns when the run has made pods: the middle of it."""
    assert process.stderr is not None
    for line in process.stderr:
        if "together" in line or "beside" in line:
            return
    raise AssertionError("the run ended before it made pods")


def the_run(runs: Path) -> Path:
    (folder,) = runs.glob("*/*")
    return folder


def test_killed_in_the_middle_then_clean_leaves_no_object(lab: Lab, tmp_path: Path) -> None:
    process = begin(lab, tmp_path)
    wait_for_pods(lab, process)
    process.kill()
    process.wait()
    assert ours(lab), "the killed run left nothing, so this proves nothing"
    done = aiconform("clean", "--lab", lab.name)
    assert done.returncode == 0, done.stderr
    assert ours(lab) == []
    judged = aiconform("judge", str(the_run(tmp_path)), "-o", "json")
    rows = {r["requirement"]: r for r in json.loads(judged.stdout)["rows"]}
    assert rows["gang_scheduling"]["outcome"] == "UNKNOWN"
    assert judged.returncode == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cleans_up_and_the_recording_reads_as_interrupted(
    lab: Lab, tmp_path: Path, number: signal.Signals
) -> None:
    process = begin(lab, tmp_path)
    wait_for_pods(lab, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    assert ours(lab) == []
    end = json.loads((the_run(tmp_path) / "recorded/gang_scheduling.native/end.json").read_text())
    assert end["how"] == "interrupted"
    assert aiconform("judge", str(the_run(tmp_path))).returncode == 2


def test_a_second_signal_leaves_at_once_and_says_what_is_left(lab: Lab, tmp_path: Path) -> None:
    process = begin(lab, tmp_path)
    wait_for_pods(lab, process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)  # two presses of a key, not a wait for anything
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "aiconform clean" in err
    assert aiconform("clean", "--lab", lab.name).returncode == 0
    assert ours(lab) == []


def test_the_next_run_removes_what_a_killed_one_left_and_can_be_verified(lab: Lab, tmp_path: Path) -> None:
    """A quick run after one that was killed. What it recorded can be judged anywhere, and no change goes unseen."""
    process = begin(lab, tmp_path / "first")
    wait_for_pods(lab, process)
    process.kill()
    process.wait()
    few = ("--accelerator", "simulated-dra", "--deadline", "secure_accelerator_access.pending_window=3")
    second = prove(lab.name, tmp_path / "second", ["secure_accelerator_access"], *few)
    assert "an earlier run had left" in second.log
    assert second.row("secure_accelerator_access")["outcome"] == "PASS", second.story()
    assert second.code == 0
    assert ours(lab) == []
    verify_agrees_on_another_machine_without_a_cluster(second.directory, tmp_path / "copy")
    for name in ("run.json", "inventory.json", "observations.jsonl", "begin.json", "end.json"):
        verify_catches_one_changed_byte(second.directory, tmp_path / name, name)
    verify_catches_an_added_and_a_missing_file_and_an_edited_verdict(second.directory, tmp_path)


def verify_agrees_on_another_machine_without_a_cluster(recorded: Path, elsewhere: Path) -> None:
    shutil.copytree(recorded, elsewhere)
    done = aiconform("verify", str(elsewhere))
    assert done.returncode == 0, done.stderr
    shutil.rmtree(elsewhere / "derived")
    assert aiconform("judge", str(elsewhere)).returncode == 0
    for path in sorted((recorded / "derived").iterdir()):
        assert (elsewhere / "derived" / path.name).read_bytes() == path.read_bytes(), path.name


def verify_catches_one_changed_byte(recorded: Path, altered: Path, name: str) -> None:
    shutil.copytree(recorded, altered)
    path = next((altered / "recorded").rglob(name))
    data = bytearray(path.read_bytes())
    where = data.index(b"aiconform" if b"aiconform" in data else b"t") + 1
    data[where] ^= 1
    path.write_bytes(data)
    done = aiconform("verify", str(altered))
    assert done.returncode == 3, done.stdout
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def verify_catches_an_added_and_a_missing_file_and_an_edited_verdict(recorded: Path, folder: Path) -> None:
    for n, change in enumerate(
        (
            lambda d: (d / "recorded" / "extra.json").write_text("{}"),
            lambda d: next((d / "recorded").rglob("end.json")).unlink(),
            lambda d: (d / "recorded" / "seal.json").unlink(),
            lambda d: (d / "derived" / "verdicts.json").write_text("[]"),
        )
    ):
        altered = folder / str(n)
        shutil.copytree(recorded, altered)
        change(altered)
        done = aiconform("verify", str(altered))
        assert done.returncode == 3, n
        assert "Traceback" not in done.stderr and done.stderr.strip(), n


def test_an_image_that_cannot_be_pulled_is_unknown_and_says_so(lab: Lab, tmp_path: Path) -> None:
    result = prove(
        lab.name,
        tmp_path,
        ["secure_accelerator_access", "gang_scheduling"],
        "--probe-image",
        "127.0.0.1:1/none:1",
        "--timeout-factor",
        "0.1",
    )
    for check in ("secure_accelerator_access", "gang_scheduling"):
        row = result.row(check)
        assert (row["outcome"], row["code"]) == ("UNKNOWN", "image-unavailable"), result.story()
        assert "127.0.0.1:1/none:1" in row["because"]
    assert result.code == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_one_clear_error_and_leaves_nothing_in_the_cluster(lab: Lab, small_disk: Path) -> None:
    arguments = ["--only", "secure_accelerator_access", "--accelerator", "simulated-dra", "--timeout-factor", "0.3"]
    done = aiconform("run", "--lab", lab.name, "--runs", str(small_disk), *arguments, timeout=300)
    assert done.returncode == 3, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert "disk is full" in last and "Traceback" not in done.stderr, done.stderr
    assert ours(lab) == []


def test_without_permissions_the_row_names_verb_and_resource(lab: Lab, tmp_path: Path) -> None:
    kubeconfig = _without_rights(lab, tmp_path)
    runs = tmp_path / "runs"
    done = aiconform("run", "--kubeconfig", str(kubeconfig), "--runs", str(runs), "-o", "json")
    assert done.returncode == 2, done.stderr
    rows = {r["requirement"]: r for r in json.loads(done.stdout)["rows"]}
    row = rows["gang_scheduling"]
    assert (row["outcome"], row["code"]) == ("UNKNOWN", "rbac-denied"), row
    assert "Traceback" not in done.stderr
    assert "nodes" in json.dumps(rows), rows


def _without_rights(lab: Lab, tmp_path: Path) -> Path:
    """A kubeconfig that acts as a user who may do nothing but discover the API."""
    import yaml

    admin = yaml.safe_load(Path(lab.kubeconfig).read_text())
    admin["users"][0]["user"]["as"] = "nobody-in-particular"
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(admin))
    return path


def test_namespaces_that_forbid_the_pods_are_unknown_and_say_so(lab: Lab, tmp_path: Path) -> None:
    client = lightkube.Client(config=KubeConfig.from_file(str(lab.kubeconfig)))
    from lightkube.resources.admissionregistration_v1 import (
        ValidatingAdmissionPolicy,
        ValidatingAdmissionPolicyBinding,
    )

    name = "forbids-every-new-pod"
    policy = ValidatingAdmissionPolicy.from_dict(
        {
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {
                    "resourceRules": [
                        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                    ]
                },
                "validations": [{"expression": "false", "message": "no pods from you"}],
            },
        }
    )
    binding = ValidatingAdmissionPolicyBinding.from_dict(
        {
            "metadata": {"name": name},
            "spec": {
                "policyName": name,
                "validationActions": ["Deny"],
                "matchResources": {
                    "namespaceSelector": {"matchExpressions": [{"key": "aiconform.dev/run", "operator": "Exists"}]}
                },
            },
        }
    )
    client.create(policy)
    client.create(binding)
    try:
        time.sleep(1.0)  # the API server loads policies by an informer and shows no sign when it has
        result = prove(lab.name, tmp_path, ["secure_accelerator_access", "gang_scheduling"])
    finally:
        client.delete(ValidatingAdmissionPolicyBinding, name)
        client.delete(ValidatingAdmissionPolicy, name)
        time.sleep(2.0)  # nor when it has forgotten them: the next test makes pods
    for check in ("secure_accelerator_access", "gang_scheduling"):
        row = result.row(check)
        assert (row["outcome"], row["code"]) == ("UNKNOWN", "admission-denied"), result.story()
        assert "no pods from you" in row["because"]


def test_two_runs_side_by_side_do_not_remove_each_others_objects(lab: Lab, tmp_path: Path) -> None:
    first = begin(lab, tmp_path / "first", "secure_accelerator_access")
    wait_for_pods(lab, first)
    listed = aiconform("clean", "--lab", lab.name, "--dry-run")
    assert "still going on" in listed.stderr and not listed.stdout.strip()
    _, err = first.communicate(timeout=300)
    assert first.returncode in (0, 2), err
    assert any((tmp_path / "first").iterdir())
