"""The client and the backend, run here as containers would run them."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aiconform.checks.ai_inference import band, orders

FOLDER = Path(__file__).parent / "manifests"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture(scope="module")
def backend() -> Iterator[int]:
    """A backend called one; its port."""
    port = free_port()
    text = (FOLDER / "echo.py").read_text().replace('Server(("", 8080)', f'Server(("", {port})')
    process = subprocess.Popen([sys.executable, "-c", text, "one"], stdout=subprocess.DEVNULL)
    for _ in range(200):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port
    process.kill()
    process.wait()


def client(port: int, *batches: dict[str, Any], **more: Any) -> dict[str, Any]:
    order = {"ways": [{"host": "127.0.0.1", "port": port}], "batches": list(batches), **more}
    argv = [sys.executable, "-I", str(FOLDER / "client.py"), json.dumps(order)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_every_request_has_a_connection_of_its_own(backend: int) -> None:
    request = {"name": "r", "host": "h"}
    got = client(backend, {"name": "b", "cycle": [request], "rounds": 20, "times": 1})["batches"]["b"]
    assert {r[4] for r in got} == {"one"} and {r[3] for r in got} == {200}
    assert len({r[2] for r in got}) > 15


def test_what_arrived_is_compared_with_what_was_sent(backend: int) -> None:
    batches = [b for b in orders.by_header("n") if b["name"] == "chat"]
    got = client(backend, *[b | {"rounds": 1} for b in batches])
    (answer,) = got["batches"]["chat"]
    assert {k: answer[6][k] for k in ("body", "credential")} == got["sent"]["chat"]
    assert answer[6]["model"] == "a"


def test_parts_of_an_answer_are_timed(backend: int) -> None:
    got = client(backend, {"name": "s", "stream": {"name": "s", "host": "h", "path": "/stream"}})["batches"]["s"]
    assert got["status"] == 200 and got["arrivals"][-1] - got["arrivals"][0] > 1500


def test_a_wait_ends_when_enough_rounds_were_right(backend: int) -> None:
    wait = orders.until("w", [{"name": "r", "host": "h"}], {"r": ["one"]}, 30, rounds=2)
    assert len(client(backend, wait | {"every": 0})["batches"]["w"]) == 2 * orders.TIMES
    never = orders.until("w", [{"name": "r", "host": "h"}], {"r": [""]}, 0.5, rounds=2)
    # A busy machine may leave time for one round only.
    assert len(client(backend, never | {"every": 0.3})["batches"]["w"]) in (5, 10, 15)


def test_the_first_way_that_leads_to_a_backend_is_taken(backend: int) -> None:
    closed = {"host": "127.0.0.1", "port": free_port()}
    ways = [closed, {"host": "127.0.0.1", "port": backend}]
    find = {"request": {"name": "r", "host": "h"}, "seconds": 0}
    got = client(0, ways=ways, find=find)
    assert got["found"] == 1 and [w["error"] for w in got["ways"]] == ["refused", ""]
    got = client(0, ways=[closed], find=find)
    assert got["found"] == -1 and got["ways"][0]["status"] == 0


def test_a_closed_port_is_an_answer_too() -> None:
    got = client(free_port(), {"name": "b", "cycle": [{"name": "r", "host": "h"}], "rounds": 1, "times": 1})
    assert got["batches"]["b"][0][3:] == [0, "", "refused"]


@pytest.mark.parametrize(("seen", "count", "side"), [(317, 500, 0), (383, 500, 0), (316, 500, -1), (384, 500, 1)])
def test_the_band_is_that_of_999_samples_in_a_thousand(seen: int, count: int, side: int) -> None:
    assert band.side(seen, 0.7, count) == side
