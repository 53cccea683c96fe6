"""Archives: the same bytes for the same run, and nothing but plain files out of them."""

import gzip
import io
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from aiconform.evidence import seal
from aiconform.evidence.archive import Limits, pack, unpack
from aiconform.evidence.errors import EvidenceError
from aiconform.evidence.store import files

sys.path.insert(0, str(Path(__file__).parent))
from travelling import ATTEMPT, change, make_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


def tar(*entries: tuple[tarfile.TarInfo, bytes], format: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for info, data in entries:
            info.size = len(data) if info.isreg() else info.size
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def refused(tmp_path: Path, data: bytes, limits: Limits | None = None) -> str:
    path = tmp_path / "bad.tar"
    path.write_bytes(data)
    before = sorted(p for p in tmp_path.rglob("*"))
    with pytest.raises(EvidenceError) as caught:
        unpack(path, tmp_path / "out", limits=limits or Limits())
    assert sorted(p for p in tmp_path.rglob("*")) == before, "something was left behind"
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar"])
def test_what_is_packed_comes_out_again(run: Path, tmp_path: Path, name: str) -> None:
    (run / "claims.yaml").write_text("[]\n")
    (run / "derived").mkdir()
    (run / "derived" / "report.md").write_text("made again by judge")
    out = unpack(pack(run, tmp_path / name, run_id="k3x9"), tmp_path / "out")
    packed = {n: s for n, s in files(run).items() if not n.startswith("derived/")}
    assert files(out) == packed
    assert "claims.yaml" in packed and any("/blobs/" in n for n in packed)
    assert seal.verify(out / "recorded") == []


def test_equal_runs_give_equal_bytes_whatever_their_times_modes_and_order(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in sorted((p for p in run.rglob("*") if p.is_file()), reverse=True):
        target = other / path.relative_to(run)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        target.chmod(0o600)
        os.utime(target, (1, 1))
    first, second = (pack(r, tmp_path / f"{r.name}.tar.gz", run_id="k3x9").read_bytes() for r in (run, other))
    assert first == second
    # The header of gzip: no name, no time (RFC 1952).
    assert first[3:8] == b"\0" * 5


def test_entries_are_plain_sorted_and_anonymous(run: Path, tmp_path: Path) -> None:
    with tarfile.open(pack(run, tmp_path / "a.tar.gz", run_id="k3x9")) as archive:
        members = archive.getmembers()
    assert [m.name for m in members] == sorted(m.name for m in members)
    assert {(m.isreg(), m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {
        (True, 0, 0, 0, "", "", 0o644)
    }
    assert {m.name.partition("/")[0] for m in members} == {"aiconform-k3x9"}


def test_only_a_whole_sealed_run_is_packed(run: Path, tmp_path: Path) -> None:
    change(run / "recorded" / ATTEMPT / "end.json", b"complete", b"failed!!")
    with pytest.raises(EvidenceError, match=r"end\.json was changed after the seal"):
        pack(run, tmp_path / "a.tar.gz", run_id="k3x9")
    (run / "recorded" / "seal.json").unlink()
    with pytest.raises(EvidenceError, match="interrupted"):
        pack(run, tmp_path / "a.tar.gz", run_id="k3x9")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run"]


def test_links_and_strange_names_are_not_packed(run: Path, tmp_path: Path) -> None:
    (run / "claims.yaml").symlink_to("/etc/passwd")
    with pytest.raises(EvidenceError, match="link"):
        pack(run, tmp_path / "a.tar.gz", run_id="k3x9")
    (run / "claims.yaml").unlink()
    with pytest.raises(EvidenceError, match="no run id"):
        pack(run, tmp_path / "a.tar.gz", run_id="../../x")
    with pytest.raises(EvidenceError, match=r"must end in \.tar\.gz"):
        pack(run, tmp_path / "a.zip", run_id="k3x9")


def test_nothing_is_written_over(run: Path, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("mine")
    with pytest.raises(EvidenceError, match="there already"):
        pack(run, tmp_path / "a.tar", run_id="k3x9")
    made = pack(run, tmp_path / "b.tar", run_id="k3x9")
    (tmp_path / "out").mkdir()
    with pytest.raises(EvidenceError, match="there already"):
        unpack(made, tmp_path / "out")
    assert (tmp_path / "a.tar").read_text() == "mine"


@pytest.mark.parametrize(
    "name",
    [
        "r/../../evil", "r/recorded/../../../evil", "/etc/evil", "../evil", "r//etc/evil", "r/recorded/./x",
        "r/recorded\\..\\evil", "r/recorded/c:evil", "r/recorded/\x1b[31m", "r/elsewhere/x", "evil", "r/recorded/",
        "r/recorded/é",
    ],
)  # fmt: skip
def test_names_that_leave_the_folder_or_hide_are_refused(tmp_path: Path, name: str) -> None:
    assert "refused" in refused(tmp_path, tar((entry(name), b"x")))
    assert not Path("/etc/evil").exists()


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE,
        tarfile.GNUTYPE_SPARSE,
    ],
)  # fmt: skip
def test_only_plain_files_are_unpacked(tmp_path: Path, kind: bytes) -> None:
    assert "no plain file" in refused(tmp_path, tar((entry("r/recorded/x", kind, "/etc/passwd"), b"")))


def test_extensions_of_tar_are_refused_and_never_run(tmp_path: Path) -> None:
    long = entry("r/recorded/" + "x" * 300)
    assert "no plain file" in refused(tmp_path, tar((long, b"x"), format=tarfile.GNU_FORMAT))
    assert "no plain file" in refused(tmp_path, tar((long, b"x"), format=tarfile.PAX_FORMAT))


def test_bombs_are_refused_by_bytes_and_by_number(tmp_path: Path) -> None:
    one = tar((entry("r/recorded/a"), b"x" * 5000))
    two = tar((entry("r/recorded/a"), b"x" * 500), (entry("r/recorded/b"), b"x" * 600))
    assert "beyond" in refused(tmp_path, one, Limits(entry=4999))
    assert "beyond" in refused(tmp_path, two, Limits(total=1099))
    assert "beyond" in refused(tmp_path, two, Limits(files=1))
    bomb = gzip.compress(tar((entry("r/recorded/a"), b"\0" * 50_000_000)))
    assert "beyond" in refused(tmp_path, bomb, Limits(total=1 << 20))


def test_a_size_that_is_not_there_is_refused(tmp_path: Path) -> None:
    info = entry("r/recorded/a")
    info.size = 1 << 40
    header = info.tobuf(tarfile.USTAR_FORMAT) if info.size < 8 << 30 else info.tobuf(tarfile.GNU_FORMAT)
    assert "beyond" in refused(tmp_path, header + b"\0" * 1024)
    info.size = 9000
    assert "damaged" in refused(tmp_path, info.tobuf(tarfile.USTAR_FORMAT) + b"x" * 100)


def test_doubles_second_folders_and_hidden_tails_are_refused(tmp_path: Path) -> None:
    a = (entry("r/recorded/a"), b"x")
    assert "twice" in refused(tmp_path, tar(a, (entry("r/recorded/a"), b"y")))
    assert "twice" in refused(tmp_path, tar(a, (entry("s/recorded/b"), b"y")))
    assert "after its end" in refused(tmp_path, tar(a) + b"hidden")
    assert "unpacked" in refused(tmp_path, tar((entry("r/claims.yaml"), b""), (entry("r/claims.yaml/x"), b"")))


@pytest.mark.parametrize("data", [b"", b"not a tar file", b"\x1f\x8bnonsense", b"\0" * 1024, b"x" * 512])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    assert "archive" in refused(tmp_path, data)


def test_an_archive_that_was_cut_is_refused(run: Path, tmp_path: Path) -> None:
    whole = pack(run, tmp_path / "a.tar", run_id="k3x9").read_bytes()
    for length in (100, 512, 700, len(whole) // 2, len(whole) - 1024):
        refused(tmp_path, whole[:length])
    packed = gzip.compress(whole, mtime=0)
    for length in (3, 200, len(packed) - 4):
        refused(tmp_path, packed[:length])
