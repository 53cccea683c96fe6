"""Recordings: written, read back, damaged, sealed."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.evidence import EvidenceError, Recorder, load, load_run, seal
from aiconform.model import FORMAT, Begin, Ending, Suite


def begin(check: str = "trial", via: str = "native", run: str = "run1") -> Begin:
    return Begin(
        format=FORMAT, run=run, check=check, via=via, suite=Suite(version="0"), settings={"deadlines": {"a": 1}},
        facts={}, at="2020-01-01T00:00:00.000Z",
    )  # fmt: skip


ENDING = Ending(how="complete", at="2020-01-01T00:00:01.000Z", t=1.0)


def whole(root: Path, *, via: str = "native") -> Path:
    rec = Recorder.create(root, begin(via=via))
    with rec.in_step("one"):
        rec.observe("fact", "a", 1)
        rec.observe("fact", "big", {"text": "x" * 70_000})
    rec.observe("fact", "b", {"ü": None}, step="two")
    rec.finish(ENDING)
    return rec.directory


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    directory = whole(tmp_path)
    assert directory == tmp_path / "trial.native"
    rec = load(directory)
    assert rec.damage == () and rec.ending == ENDING and rec.deadline("a") == 1.0
    assert [(o.seq, o.step, o.subject, o.body) for o in rec.observations] == [
        (1, "one", "a", 1), (2, "one", "big", {"text": "x" * 70_000}), (3, "two", "b", {"ü": None}),
    ]  # fmt: skip
    assert rec.observations[1].blob and (directory / "blobs" / rec.observations[1].blob).is_file()
    assert all(o.at.endswith("Z") and len(o.at) == 24 for o in rec.observations)
    assert [o.t for o in rec.observations] == sorted(o.t for o in rec.observations)


def test_every_line_is_there_before_the_recorder_is_finished(tmp_path: Path) -> None:
    rec = Recorder.create(tmp_path, begin())
    rec.observe("fact", "a", 1)
    so_far = load(rec.directory)
    assert len(so_far.observations) == 1 and so_far.ending is None and so_far.damage == ()


def test_a_recording_is_never_overwritten_nor_added_to(tmp_path: Path) -> None:
    rec = Recorder.create(tmp_path, begin())
    with pytest.raises(EvidenceError, match="already a recording"):
        Recorder.create(tmp_path, begin())
    rec.finish(ENDING)
    with pytest.raises(EvidenceError, match="finished"):
        rec.observe("fact", "late", 1)


def test_a_cut_off_last_line_means_interrupted(tmp_path: Path) -> None:
    directory = whole(tmp_path)
    (directory / "end.json").unlink()
    path = directory / "observations.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    rec = load(directory)
    assert rec.ending is None and rec.damage == () and len(rec.observations) == 2


def damaged(directory: Path) -> tuple[str, ...]:
    rec = load(directory)
    return rec.damage


def test_damage_is_listed_and_does_not_raise(tmp_path: Path) -> None:
    lines = whole(tmp_path / "a").joinpath("observations.jsonl").read_bytes().split(b"\n")
    cases: dict[str, bytes] = {
        "line 2 is unreadable": b"\n".join([lines[0], b"{}", lines[2], b""]),
        "lines were lost": b"\n".join([lines[0], lines[2], b""]),
        "line 1 is unreadable": b"\n".join([b"\xff\xfe", lines[1], lines[2], b""]),
        "line 3 was cut off": b"\n".join([lines[0], lines[1], lines[2][:-9]]),
    }
    for number, (said, content) in enumerate(cases.items()):
        directory = whole(tmp_path / str(number))
        (directory / "observations.jsonl").write_bytes(content)
        assert any(said in d for d in damaged(directory)), (said, damaged(directory))


def test_damaged_blobs_and_endings_are_listed(tmp_path: Path) -> None:
    directory = whole(tmp_path / "changed")
    (blob,) = (directory / "blobs").iterdir()
    blob.write_bytes(b"{}")
    assert "changed" in damaged(directory)[0]
    blob.unlink()
    assert "missing" in damaged(directory)[0]
    (directory / "end.json").write_text("{")
    assert any("end.json" in d for d in damaged(directory))
    (directory / "observations.jsonl").unlink()
    assert any("observations.jsonl" in d for d in damaged(directory))


def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path: Path) -> None:
    directory = whole(tmp_path)
    path = directory / "begin.json"
    content: dict[str, Any] = json.loads(path.read_bytes())
    for text, said in (
        (json.dumps(content | {"format": "aiconform.dev/recording/v9"}), "v9"),
        ("{", "not JSON"),
        (json.dumps(content | {"run": 3}), "not a valid begin.json"),
        ("[]", "format None"),
    ):
        path.write_text(text)
        with pytest.raises(EvidenceError, match=said):
            load(directory)
    path.unlink()
    with pytest.raises(EvidenceError, match=r"begin\.json is missing"):
        load(directory)


def test_the_digest_is_over_names_and_contents(tmp_path: Path) -> None:
    directory = whole(tmp_path)
    before = load(directory).sha256
    assert load(directory).sha256 == before
    (directory / "added").write_text("")
    assert load(directory).sha256 != before


def test_a_run_is_loaded_in_order_and_other_folders_are_left_out(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    for via in ("zeta", "alpha"):
        whole(recorded, via=via)
    (recorded / "something").mkdir()
    assert [r.via for r in load_run(tmp_path)] == ["alpha", "zeta"] == [r.via for r in load_run(recorded)]


class Full:
    """A file on a full disk that takes half of what it is given."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def write(self, data: memoryview) -> int:
        self.file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fileno(self) -> int:
        return int(self.file.fileno())


def test_a_full_disk_is_one_sentence_and_leaves_whole_lines(tmp_path: Path) -> None:
    rec = Recorder.create(tmp_path, begin())
    rec.observe("fact", "a", 1)
    real = rec._file
    rec._file = Full(real)  # type: ignore[assignment]
    with pytest.raises(EvidenceError, match=r"^the disk is full: observations.jsonl .* free some space and run again$"):
        rec.observe("fact", "b", 2)
    rec._file = real
    rec.observe("fact", "c", 3)
    rec.finish(ENDING)
    kept = load(rec.directory)
    assert [(o.seq, o.subject) for o in kept.observations] == [(1, "a")]
    assert kept.ending is None, "a recording with a hole must not look whole"
    assert rec.failure is not None


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match="could not be written"):
        Recorder.create(tmp_path / "file", begin())


def test_the_seal_notices_every_kind_of_change(tmp_path: Path) -> None:
    directory = whole(tmp_path)
    assert "no seal.json" in seal.verify(tmp_path)[0]
    seal.write(tmp_path)
    assert seal.verify(tmp_path) == []
    path = directory / "observations.jsonl"
    original = path.read_bytes()
    path.write_bytes(original.replace(b'"body":1', b'"body":2'))
    assert seal.verify(tmp_path) == ["trial.native/observations.jsonl was changed after the seal"]
    path.write_bytes(original)
    (directory / "extra").write_text("")
    (directory / "end.json").unlink()
    assert seal.verify(tmp_path) == [
        "trial.native/end.json is missing", "trial.native/extra was added after the seal",
    ]  # fmt: skip
    (tmp_path / "seal.json").write_text('{"format": "other"}')
    assert "not a seal" in seal.verify(tmp_path)[0]
    (tmp_path / "seal.json").write_text("{")
    assert "cannot be read" in seal.verify(tmp_path)[0]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(bodies=st.lists(json_values, max_size=5))
def test_any_json_survives(tmp_path_factory: pytest.TempPathFactory, bodies: list[Any]) -> None:
    rec = Recorder.create(tmp_path_factory.mktemp("r"), begin())
    written = [rec.observe("fact", "x", b) for b in bodies]
    rec.finish(ENDING)
    assert list(load(rec.directory).observations) == written
