"""Submissions of strangers: nothing outside the folder is opened, nothing hangs, nothing raises."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiconform.submission import checker, files, forms
from aiconform.submission.beside import Beside

sys.path.insert(0, str(Path(__file__).parent))
import shared
from products import product_yaml, remarks, rules, write

pytestmark = pytest.mark.slow

GANG = "status: Implemented\nevidence: ['{0}']"


def test_links_out_of_the_folder_are_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "junit.xml"
    secret.write_text('<testsuite><testcase name="TestGangScheduling"><failure/></testcase></testsuite>')
    path = write(tmp_path, product_yaml(gang_scheduling=GANG.format("x/junit.xml")))
    (path.parent / "x").symlink_to(tmp_path)
    # The failed test in it is not seen, and nobody is told what is there.
    assert rules(path)[0] == "unknown evidence-not-followed gang_scheduling"
    assert "failed" not in str(remarks(path))
    (path.parent / "y").symlink_to(tmp_path / "nothing")
    (path.parent / "z").symlink_to("junit.xml")
    (path.parent / "loop").symlink_to("loop")
    beside = Beside(path.parent)
    assert {beside.state(name) for name in ("x/junit.xml", "x", "y")} == {"outside"}
    assert {beside.state(name) for name in ("loop", "junit.xml/x", "a\0b", "n" * 5000)} == {"unnoticed"}
    assert [beside.state(name) for name in ("z", "none", ".")] == ["file", "absent", "folder"]
    # The gate does not notice a link that points at itself: that is advice, and can be left out.
    path.write_text(product_yaml(gang_scheduling=GANG.format("loop")))
    assert "advice evidence-missing gang_scheduling" in rules(path, checker.Asked())
    assert not any(r.startswith("advice") for r in rules(path))


def test_a_pipe_does_not_hold_the_check_up(tmp_path: Path) -> None:
    path = write(tmp_path, product_yaml())
    (path.parent / "junit.xml").unlink()
    os.mkfifo(path.parent / "junit.xml")
    done: list[list[str]] = []
    thread = threading.Thread(target=lambda: done.append(rules(path)), daemon=True)
    thread.start()
    thread.join(20)
    assert done and "unknown evidence-not-followed" in done[0][0]
    path.unlink()
    os.mkfifo(path)
    found = next(iter(checker.check([path], checker.Asked())))
    assert found.verdict == "unreadable" and "no regular file" in found.remarks[0].message


def test_large_files_are_not_read(tmp_path: Path) -> None:
    path = write(tmp_path, product_yaml())
    with (path.parent / "junit.xml").open("wb") as file:
        file.truncate(100_000_000)
    assert rules(path)[0].startswith("unknown evidence-not-followed")
    with path.open("wb") as file:
        file.truncate(100_000_000)
    begun = time.monotonic()
    assert next(iter(checker.check([path], checker.Asked()))).verdict == "unreadable"
    assert time.monotonic() - begun < 5


def test_the_worst_file_of_the_size_that_is_read_ends(tmp_path: Path) -> None:
    row = b"{id: gang_scheduling, evidence: [x]},"
    rows = b"spec: {schedulingOrchestration: [" + row * (files.LARGEST // len(row) - 1) + b"]}"
    for data in (b"metadata: [" + b"a," * (files.LARGEST // 2 - 6) + b"]", rows, b"#" * files.LARGEST):
        path = write(tmp_path, "")
        path.write_bytes(data)
        begun = time.monotonic()
        found = next(iter(checker.check([path], checker.Asked())))
        assert found.remarks
        assert time.monotonic() - begun < 60


PIECES = (
    b"", b"&a ", b"*a", b"<<: *a\n", b"[", b"]", b"{", b"}", b"- ", b"\0", b"\xff", b"\t", b": ", b"'", b'"', b"|\n",
    b"\n---\n", b"N/A", b"../../x#y", b"\xef\xbb\xbf", b"!!binary ", b"? ",
)  # fmt: skip


@pytest.fixture(scope="module")
def published() -> list[bytes]:
    return [p.read_bytes() for p in files.find([shared.folder("registry")])]


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_to_a_published_file_raises(published: list[bytes], tmp_path: Path, data: st.DataObject) -> None:
    text = bytearray(data.draw(st.sampled_from(published)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text)))
        to = min(len(text), at + data.draw(st.integers(0, 40)))
        text[at:to] = data.draw(st.sampled_from(PIECES))
    path = write(tmp_path, "")
    path.write_bytes(bytes(text))
    found = list(checker.check([path], checker.Asked()))
    lines = bytes(text).count(b"\n") + bytes(text).count(b"\r") + 3
    assert all(1 <= r.mark.line <= lines and r.mark.column >= 1 for r in found[0].remarks)
    for form in (forms.table(found), forms.as_json(found), forms.github(found), forms.sarif(found, "1")):
        assert form.encode()


PARTS = (
    "..", "/", "junit.xml", "v1.37/example/", "v1.36/example/", "link", "secret", "#x", "file://", " ", ".", "\0", "~",
    "é", "%2e%2e", "JUNIT.XML", "\\", "*",
)  # fmt: skip


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.one_of(st.sampled_from(PARTS), st.text(max_size=5)), max_size=8))
def test_no_evidence_raises_or_leaves_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: list[str]
) -> None:
    link = "".join(f"\\U{ord(c):08x}" for c in "/".join(parts) if not 0xD800 <= ord(c) < 0xE000)
    path = write(tmp_path, product_yaml(gang_scheduling=f'status: Implemented\nevidence: ["{link}"]'))
    (tmp_path / "secret").mkdir(exist_ok=True)
    (tmp_path / "secret" / "junit.xml").write_text("<testsuite/>")
    if not (path.parent / "link").is_symlink():
        (path.parent / "link").symlink_to(tmp_path)
    opened: list[Path] = []

    def watched(file: Path, largest: int = files.LARGEST) -> bytes:
        opened.append(file.resolve())
        return files.read_bytes(file, largest)

    monkeypatch.setattr("aiconform.submission.beside.read_bytes", watched)
    found = next(iter(checker.check([path], checker.Asked())))
    assert found.verdict in ("refused", "open")
    assert all(file.is_relative_to(path.parent.resolve()) for file in opened)


def test_a_product_file_that_is_a_link_elsewhere_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.unlink()
    (tmp_path / "secret").write_text("metadata: {platformName: 7, platformVersion: secret}\n")
    path.symlink_to(tmp_path / "secret")
    found = next(iter(checker.check([path], checker.Asked())))
    assert found.verdict == "unreadable" and "out of its folder" in found.remarks[0].message
    (path.parent / "other.yaml").write_text(product_yaml())
    path.unlink()
    path.symlink_to("other.yaml")
    assert rules(path) == []
    path.unlink()
    path.symlink_to(path.name)
    assert next(iter(checker.check([path], checker.Asked()))).verdict == "unreadable"


def test_odd_names_of_folders_are_written_in_every_form(tmp_path: Path) -> None:
    odd = os.fsdecode(b"a\n::error::b\xff\x1b[31m")
    found = list(checker.check([write(tmp_path, product_yaml(), name=odd)], checker.Asked()))
    for form in (forms.table(found), forms.as_json(found), forms.github(found), forms.sarif(found, "1")):
        assert form.encode() and "\x1b" not in form
        assert not any(line.startswith("::error::") for line in form.splitlines())


def test_paths_are_found_once_and_named_without_dots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, product_yaml())
    monkeypatch.chdir(path.parent)
    assert len(list(files.find([Path("PRODUCT.yaml"), Path(".."), Path(), tmp_path, path]))) == 1
    (path.parent / "sub").mkdir()
    monkeypatch.chdir(path.parent / "sub")
    assert files.place(Path("../PRODUCT.yaml")) == ("v1.37", "example")
    (tmp_path / "v1.37" / "round").symlink_to(tmp_path)
    assert len(list(files.find([tmp_path]))) == 1
