"""The probe script itself, run here as a container would run it."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "manifests" / "devices.py"
CONFIG: dict[str, Any] = {
    "paths": ["/dev/nul[a-z]"], "shared": ["/dev/zero"], "drivers": [], "identity_env": "SIM_VISIBLE",
    "identity_command": [], "numbers": [], "granted": True, "listen": 0, "tell": "", "hear": "",
}  # fmt: skip


def run(config: dict[str, Any], env: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), json.dumps(config)], env=env, capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.fixture
def probe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("devices", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_opens_what_the_patterns_name_and_nothing_else() -> None:
    answer = run(CONFIG, {"SIM_VISIBLE": "u0, u1", "SECRET": "not to be told"})
    nodes = {n["path"]: n for n in answer["nodes"]}
    assert nodes["/dev/null"]["kind"] == "device"
    assert nodes["/dev/null"]["open"] == "ok"
    assert nodes["/dev/zero"]["kind"] == "shared"
    assert all("open" not in n for n in answer["nodes"] if n["kind"] == "other")
    assert answer["told"]["identity"] == ["u0", "u1"]
    assert "SECRET" in answer["told"]["names"]
    assert "not to be told" not in json.dumps(answer)


def test_neighbours_tell_each_other_their_numbers(tmp_path: Path) -> None:
    fifo = str(tmp_path / "numbers")
    with subprocess.Popen(
        [sys.executable, "-I", str(SCRIPT), json.dumps(CONFIG | {"paths": [], "shared": [], "hear": fifo})],
        stdout=subprocess.PIPE,
        text=True,
    ) as neighbour:
        run(CONFIG | {"tell": fifo}, {})
        told = json.loads(neighbour.communicate(timeout=30)[0])
    assert {n["path"] for n in told["nodes"] if n["kind"] == "number"} == {"/dev/null", "/dev/zero"}


def test_misc_devices_are_never_guessed(probe: ModuleType) -> None:
    """Major 10 holds watchdogs: opening one reboots the node."""
    assert probe.candidates({(10, 130)}, {}) == [(10, 130)]
    around = probe.candidates({(4, 20)}, {})
    assert (4, 63) in around
    assert (4, 64) not in around
    render = probe.candidates({(226, 128)}, {226: "drm"})
    assert (226, 0) in render
    assert (226, 191) in render


def test_what_every_container_may_open_is_left_out(probe: ModuleType) -> None:
    assert not set(probe.candidates({(5, 9), (1, 9)}, {})) & probe.DEFAULTS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GPU 0: H200 (UUID: GPU-1)\nGPU 1: H200 (UUID: GPU-2)\n", ["GPU-1", "GPU-2"]),
        ("GPU 0: H200 (UUID: GPU-1)\n  MIG 1g.18gb Device 0: (UUID: MIG-7)\n", ["MIG-7"]),
        ("card-a\n\ncard-b\n", ["card-a", "card-b"]),
        ("", []),
    ],
)
def test_identities_from_a_tool(probe: ModuleType, text: str, expected: list[str]) -> None:
    assert probe.parsed(text) == expected
