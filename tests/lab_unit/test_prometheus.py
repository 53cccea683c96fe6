"""What faults do to the lab's Prometheus, and images of single programs."""

import dataclasses
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from aiconform.lab import addons, binaries, fault_files, images
from aiconform.lab.addons import prometheus


def jobs(**change: Any) -> dict[str, dict[str, Any]]:
    return {job["job_name"]: job for job in prometheus.configuration(change)["scrape_configs"]}


def test_jobs_are_merged_by_name_and_null_removes() -> None:
    assert set(jobs()) == {"prometheus", "pods", "accelerators"}
    changed = jobs(jobs={"accelerators": None, "pods": {"honor_labels": True}, "mine": {"static_configs": []}})
    assert set(changed) == {"prometheus", "pods", "mine"}
    assert changed["pods"] == {**jobs()["pods"], "honor_labels": True}


def test_rules_come_last_and_leave_the_sound_jobs_alone() -> None:
    rule = {"target_label": "a", "replacement": "b"}
    assert jobs(rules={"pods": [rule]})["pods"]["relabel_configs"] == [*jobs()["pods"]["relabel_configs"], rule]
    assert rule not in jobs()["pods"]["relabel_configs"]


def test_the_rest_of_the_configuration_can_be_changed() -> None:
    changed = prometheus.configuration({"config": {"global": {"scrape_interval": "1m"}}})
    assert changed["global"]["scrape_interval"] == "1m" and changed["global"]["scrape_timeout"] == "2s"


def test_every_fault_of_it_changes_something_that_there_is() -> None:
    for fault in fault_files.every():
        for step in fault.lab:
            change = step.get("addon")
            if isinstance(change, dict) and change["name"] == "prometheus":
                args = change.get("args") or {}
                assert set(args) <= {"config", "jobs", "rules", "flags", "service"}, fault.id
                assert prometheus.configuration(args) != prometheus.configuration({}) or set(args) <= {"service"}


def test_tags_make_another_program() -> None:
    group = addons.find("prometheus").group
    assert group is not None and group.tags
    there = binaries.cached(Path("/x"), group, "prometheus")
    assert there != binaries.cached(Path("/x"), dataclasses.replace(group, tags=""), "prometheus")


@pytest.mark.parametrize("path", ["", "/bin/other"])
def test_an_image_of_one_program(tmp_path: Path, path: str) -> None:
    program = tmp_path / "tool"
    program.write_bytes(b"\x7fELF")
    (tmp_path / "images").mkdir()
    archive = images.of_program(tmp_path, program, "example.dev/tool:1", path)
    assert images.of_program(tmp_path, program, "example.dev/tool:1", path) == archive
    with tarfile.open(archive) as whole:
        index = json.load(whole.extractfile("index.json"))  # type: ignore[arg-type]
        entry = index["manifests"][0]
        assert entry["annotations"]["io.containerd.image.name"] == "example.dev/tool:1"
        manifest = json.load(whole.extractfile(f"blobs/sha256/{entry['digest'][7:]}"))  # type: ignore[arg-type]
        config = json.load(whole.extractfile(f"blobs/sha256/{manifest['config']['digest'][7:]}"))  # type: ignore[arg-type]
    assert config["config"]["Entrypoint"] == [path or "/tool"]
