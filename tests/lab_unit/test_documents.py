"""Merging, TOML, addresses, state: what the lab writes and reads."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconform.lab import LabError, UnknownName, network
from aiconform.lab import state as states
from aiconform.lab.layout import NODES, SLOTS, Addresses, Folder, folder_of
from aiconform.lab.merge import merge
from aiconform.lab.toml import dump_toml

KEYS = st.text(min_size=1, max_size=8)
PLAIN = st.one_of(st.text(max_size=20), st.booleans(), st.integers(-(2**62), 2**62))
TABLES = st.recursive(
    st.dictionaries(KEYS, st.one_of(PLAIN, st.lists(PLAIN, max_size=3)), max_size=4),
    lambda below: st.dictionaries(KEYS, st.one_of(PLAIN, below), max_size=4),
    max_leaves=12,
)


@given(TABLES)
def test_toml_is_read_back_as_it_was(document: dict[str, Any]) -> None:
    assert tomllib.loads(dump_toml(document)) == document


def test_toml_refuses_what_it_cannot_write() -> None:
    with pytest.raises(TypeError, match="no TOML form"):
        dump_toml({"a": object()})


def test_merge_goes_down_replaces_and_removes() -> None:
    base = {"a": {"b": 1, "c": 2}, "d": [1, 2], "e": 3}
    assert merge(base, {"a": {"c": None, "f": {"g": 4}}, "d": [9], "e": None}) == {
        "a": {"b": 1, "f": {"g": 4}},
        "d": [9],
    }
    assert base == {"a": {"b": 1, "c": 2}, "d": [1, 2], "e": 3}


@given(TABLES)
def test_merging_nothing_changes_nothing(document: dict[str, Any]) -> None:
    assert merge(document, {}) == document


def test_no_two_slots_share_an_address() -> None:
    every = [Addresses(slot=slot) for slot in range(SLOTS)]
    networks = [(a.slot, net) for a in every for net in (a.nodes, a.pods, a.services)]
    for (one, left), (other, right) in combinations(networks, 2):
        assert not left.overlaps(right), (one, other)
    assert len({a.link for a in every}) == SLOTS
    assert all(len(a.link) <= 15 for a in every)
    for addresses in every:
        for name in NODES:
            assert addresses.pod_subnet(name).startswith("10.250.")
            assert network.ipaddress.IPv4Network(addresses.pod_subnet(name)).subnet_of(addresses.pods)


def test_a_subnet_in_use_is_named() -> None:
    used = [network.ipaddress.IPv4Network("10.249.0.0/16"), network.ipaddress.IPv4Network("0.0.0.0/0")]
    assert network.collision(Addresses(slot=3), used) == "10.249.48.0/20 overlaps with 10.249.0.0/16"
    assert network.collision(Addresses(slot=3), used[1:]) is None


@pytest.mark.parametrize("name", ["", "A", "a/b", "..", "-a", "a-", "x" * 31])
def test_names_that_cannot_be_folders_are_refused(name: str) -> None:
    with pytest.raises(UnknownName, match="not usable"):
        folder_of(name)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("AICONFORM_LAB_ROOT", str(tmp_path))
    yield tmp_path


def state(slot: int) -> states.State:
    return states.State(
        name="one",
        slot=slot,
        boot_id=states.boot_id(),
        cache="/cache",
        accelerators=4,
        kwok_nodes=0,
        ports={"etcd": 1},
        device_major=4,
        device_minors={"lab-node-1": 20},
    )


def test_state_survives_the_disk(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    saved = state(3)
    saved.fault = states.ActiveFault(id="f", path="/f.yaml", undo=[states.Undo(kind="delete", objects=[{"a": 1}])])
    saved.changes.args["kube-scheduler"] = {"v": None}
    states.save(folder, saved)
    assert states.load(folder) == saved
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_half_written_state_counts_as_none(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.state.write_text('{"name": "one", "slo')
    assert states.load(folder) is None


def test_slots_of_other_labs_are_taken(place: Path) -> None:
    for name, slot in (("one", 3), ("two", 5)):
        (place / name).mkdir()
        states.save(Folder(place / name), state(slot))
    assert states.slots_taken("one") == {5}
    assert states.slots_taken("three") == {3, 5}


def test_a_path_too_long_for_sockets_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICONFORM_LAB_ROOT", str(tmp_path / ("x" * 60)))
    with pytest.raises(LabError, match="AICONFORM_LAB_ROOT"):
        folder_of("one")
