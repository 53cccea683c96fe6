"""Any bytes become a Submission, with places, and what the gate could not load is said."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.submission import files
from aiconform.submission.nodes import Mark, scalar_kind
from aiconform.submission.parse import Submission, parse, snake

SMALL = b"""\
metadata:
  platformName: "A"   # first
  vendor_name: B
  platformVersion: 1.34
  repoUrl:
spec:
  security:
    - id: secure_accelerator_access
      level: MUST
      status: "Implemented"
      evidence:
        - "a.md"
        - 7
        -
      notes: |
        two
        lines
    - id: other
      evidence: N/A
"""


def test_values_have_kinds_and_places() -> None:
    found = parse(SMALL, version="v1.37", product="a")
    assert found.metadata is not None and found.sections == {"security": Mark(7, 3)}
    name = found.field("platformName")
    assert name is not None and (name.text, name.kind, name.mark) == ("A", "text", Mark(2, 17))
    assert found.text("vendorName") == "B"
    version = found.field("platformVersion")
    assert version is not None and version.kind == "number"
    assert found.field("repoUrl") is None
    row = found.row("secure_accelerator_access", "security")
    assert row is not None
    assert (row.status, row.notes, row.form) == ("Implemented", "two\nlines\n", "list")
    assert [(v.text, v.mark.line) for v in row.evidence] == [("a.md", 12), ("7", 13)]
    assert row.at("status") == Mark(10, 15)
    assert row.at("description") == row.mark == Mark(8, 7)
    odd = found.row("other")
    assert odd is not None and odd.form == "scalar" and [v.text for v in odd.evidence] == ["N/A"]
    assert [(b.message, b.mark) for b in found.breaks] == [
        ("evidence of other is a single text and no list", Mark(19, 17))
    ]


def test_a_null_in_camel_case_hides_snake_case() -> None:
    assert parse(b"metadata: {vendorName: , vendor_name: B}").field("vendorName") is None
    assert parse(b"metadata: {vendor_name: B}").text("vendorName") == "B"
    assert [snake(n) for n in ("k8sConformanceUrl", "repoUrl")] == ["k8s_conformance_url", "repo_url"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1.34", "number"), ("v1.34", "text"), ("1.35.0-gke.1", "text"), ("4.8.x", "text"), ("0x1f", "number"),
        ("1_000", "number"), ("1e3", "number"), ("1:30", "text"), ("yes", "text"), ("on", "text"), ("true", "bool"),
        ("~", "null"), ("", "null"), ("2026-01-31", "time"), ("2026-13-31", "text"), ("2026-01-31T10:00:00Z", "time"),
        ("-", "text"), ("+.inf", "number"), ("N/A", "text"), ("0o17", "number"), (".", "text"),
    ],
)  # fmt: skip
def test_scalars_are_what_yaml_1_2_makes_of_them(text: str, kind: str) -> None:
    assert scalar_kind(text, plain=True, tag=None) == kind
    assert scalar_kind(text, plain=False, tag=None) == "text"
    assert scalar_kind(text, plain=True, tag="tag:yaml.org,2002:str") == "text"


@pytest.mark.parametrize(
    ("data", "says", "line"),
    [
        (b"- 1", "no metadata and no spec", 1),
        (b"metadata: 3", "metadata is no map", 1),
        (b"\nspec: []", "spec is no map", 2),
        (b"spec:\n  a: text", "section a is no list", 2),
        (b"spec:\n  a: [x]", "a row of a is no map", 2),
        (b"spec:\n  a:\n  - id: x\n    notes: {a: b}", "notes is a map", 4),
        (b"spec:\n  a:\n  - id: x\n    evidence: {a: b}", "evidence of x is a map", 4),
        (b"spec:\n  a:\n  - id: x\n    evidence: ['y', {a: b}]", "evidence of x holds a map", 4),
        (b"spec:\n  a:\n  - id: x\n    id: y", "id is there twice", 4),
        (b"metadata:\n  a: 1\n  a: 2", "a is there twice", 3),
        (b"metadata:\n  ? [a]\n  : b", "a key is no text", 2),
        (b"metadata: &x {a: *x}", "points at what contains it", 1),
        (b"metadata: *x", "alias *x has no anchor", 1),
        (b"metadata: {", "is no YAML", 2),
        (b"metadata: \x00", "is no YAML", 1),
        (b'metadata: "\xff"', "is no YAML", 1),
        (b"a: " + b"[" * 1_000_000, "nest", 1),
        (b"- " * 100_000, "nested more than", 1),
        (b"{a: " * 100_000, "nested more than", 1),
    ],
)
def test_what_the_gate_cannot_load_is_said(data: bytes, says: str, line: int) -> None:
    found = parse(data)
    assert any(says in b.message and b.mark.line == line for b in found.breaks), found.breaks
    assert all(b.remedy for b in found.breaks)


@pytest.mark.parametrize("where", ["metadata", "spec"])
def test_a_bomb_of_aliases_is_refused_at_once(where: str) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    begun = time.monotonic()
    found = parse("\n".join([*lines, f"{where}: {{x: *a11}}"]).encode())
    assert any("aliases written out" in b.message for b in found.breaks)
    assert time.monotonic() - begun < 5


def test_merges_count_and_end() -> None:
    rows = b"base: &b {status: Implemented, <<: [*b, *b]}\nspec: {a: [{id: x, <<: *b}]}"
    found = parse(rows)
    assert found.row("x").status == "Implemented"  # type: ignore[union-attr]
    # A bomb of merges: each level names the one below many times.
    lines = ["b0: &b0 {k: v}"] + [f"b{i}: &b{i} {{<<: [{', '.join([f'*b{i - 1}'] * 5)}]}}" for i in range(1, 8)]
    assert parse(("\n".join(lines) + "\nmetadata: {<<: *b7}").encode()).text("k") == "v"


def test_only_the_first_document_counts() -> None:
    assert parse(b"metadata: {vendorName: A}\n---\nx: [").text("vendorName") == "A"
    assert parse(b"").metadata is None and parse(b"").breaks == ()


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(parse(data), Submission)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_no_damage_to_a_real_form_raises(data: st.DataObject) -> None:
    text = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(text)))
        to = data.draw(st.integers(at, min(at + 20, len(text))))
        text[at:to] = data.draw(
            st.sampled_from([b"", b"&a ", b"*a", b"<<: *a\n", b"[", b"{", b"- ", b"\0", b"\t", b": "])
        )
    found = parse(bytes(text))
    assert all(b.message and b.mark.line >= 1 for b in found.breaks)


def test_only_regular_files_of_a_usual_size_are_read(tmp_path: Path) -> None:
    product = tmp_path / "v1.36" / "x"
    product.mkdir(parents=True)
    file = product / "PRODUCT.yaml"
    file.write_bytes(SMALL)
    found = files.read(file)
    assert (found.version, found.product) == ("v1.36", "x")
    assert list(files.find([tmp_path])) == [file] == list(files.find([file]))
    assert files.place(tmp_path / "PRODUCT.yaml")[1] == tmp_path.name
    file.write_bytes(b"#" * (files.LARGEST + 1))
    with pytest.raises(files.Unreadable, match="are not read"):
        files.read(file)
    file.unlink()
    file.symlink_to("/dev/zero")
    with pytest.raises(files.Unreadable, match="link out of its folder"):
        files.read(file)
    with pytest.raises(files.Unreadable, match="does not exist"):
        list(files.find([tmp_path / "none"]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(files.Unreadable, match=r"holds no PRODUCT\.yaml"):
        list(files.find([tmp_path / "empty"]))
