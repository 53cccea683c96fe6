"""One file that holds a run, so that evidence can travel: packed the same way every time, unpacked with suspicion.

An archive is a tar file (ustar), plain or compressed with gzip, of `recorded/`, `claims.yaml` and `attestations/`
under one folder `aiconform-<run>`. Entries are sorted; mode, owner and times are fixed: equal runs give equal
tar bytes. (gzip's bytes depend on the version of zlib, too.) `derived/` does not travel: `judge` makes it again.

Unpacking takes plain files with plain names only, and counts what it writes: no path can leave the folder, no
link or device is made, and an archive that grows beyond the limits is refused.
"""

import gzip
import io
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tarfile import BLOCKSIZE
from typing import BinaryIO

from aiconform.evidence import seal
from aiconform.evidence.errors import EvidenceError

PARTS = ("recorded", "claims.yaml", "attestations")
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an archive may hold: bytes of all files, bytes of one file, number of files."""

    total: int = 8 << 30
    entry: int = 2 << 30
    files: int = 200_000


LIMITS = Limits()


def pack(run_dir: Path, out: Path, *, run_id: str) -> Path:
    """Writes the archive of a sealed run to `out` (.tar or .tar.gz) and returns its path.

    EvidenceError if the run is not sealed or was changed, if `out` exists, or if something in the run is
    neither a plain file nor a folder.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise EvidenceError(f"{run_dir} names its run {run_id!r}, which is no run id; was run.json changed by hand?")
    if problems := seal.verify(run_dir / "recorded"):
        raise EvidenceError(f"{run_dir} cannot be packed: {problems[0]}" + _more(problems))
    if not out.name.endswith((".tar", ".tar.gz", ".tgz")):
        raise EvidenceError(f"{out} must end in .tar.gz or .tar")
    entries = _entries(run_dir)
    fresh = out.with_name(out.name + ".part")
    if out.exists():
        raise EvidenceError(f"{out} is there already; remove it or choose another name")
    try:
        with fresh.open("wb") as file, _compressed(file, out.name) as stream:
            _write(stream, f"aiconform-{run_id}", entries)
        fresh.replace(out)
    except OSError as error:
        why = error.strerror or error
        raise EvidenceError(f"{out} cannot be written: {why}; check the folder and free space") from error
    finally:
        fresh.unlink(missing_ok=True)
    return out


def unpack(archive: Path, directory: Path, *, limits: Limits = LIMITS) -> Path:
    """Unpacks into `directory`, which must not exist, and returns it. Checks no seal and no signature.

    All or nothing: EvidenceError if any entry is not a plain file under the archive's one folder, or a limit
    is reached; then nothing is left behind.
    """
    if directory.exists():
        raise EvidenceError(f"{directory} is there already; name a folder that is not")
    fresh = directory.with_name(f".{directory.name}.unpacking")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        with archive.open("rb") as file, _decompressed(file) as stream:
            _read_all(stream, fresh, archive, limits)
        fresh.rename(directory)
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{archive} is damaged or no archive of evidence ({error}); fetch it again") from None
    except OSError as error:
        what = error.filename or archive
        raise EvidenceError(f"{archive} cannot be unpacked: {what}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return directory


def _more(problems: list[str]) -> str:
    return f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""


def _entries(run_dir: Path) -> list[tuple[str, Path]]:
    """(name, path) of every file that travels, sorted by name."""
    found: list[tuple[str, Path]] = []
    for part in PARTS:
        top = run_dir / part
        if top.is_symlink():
            raise EvidenceError(f"{top} is a link; evidence must be plain files")
        for path in [top] if top.is_file() else top.rglob("*"):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise EvidenceError(f"{path} is no plain file; evidence must be plain files")
            if path.is_file():
                found.append((path.relative_to(run_dir).as_posix(), path))
    return sorted(found)


@contextmanager
def _compressed(file: BinaryIO, name: str) -> Iterator[BinaryIO]:
    if name.endswith(".tar"):
        yield file
        return
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as stream:
        yield stream  # type: ignore[misc]  # a GzipFile is a binary stream in all but its type


@contextmanager
def _decompressed(file: BinaryIO) -> Iterator[BinaryIO]:
    magic = file.read(2)
    file.seek(0)
    if magic != _GZIP_MAGIC:
        yield file
        return
    with gzip.GzipFile(fileobj=file, mode="rb") as stream:
        yield stream  # type: ignore[misc]


def _write(stream: BinaryIO, root: str, entries: list[tuple[str, Path]]) -> None:
    for name, path in entries:
        with path.open("rb") as source:
            info = tarfile.TarInfo(f"{root}/{name}")
            info.size = os.fstat(source.fileno()).st_size
            info.mode = 0o644
            try:
                stream.write(info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict"))
            except ValueError as error:
                raise EvidenceError(f"{path} cannot be packed: {error}") from None
            copied = 0
            while chunk := source.read(_CHUNK):
                copied += len(chunk)
                stream.write(chunk)
            if copied != info.size:
                raise EvidenceError(f"{path} changed while it was packed; wait until the run has ended")
            stream.write(b"\0" * (-info.size % BLOCKSIZE))
    stream.write(b"\0" * (2 * BLOCKSIZE))


def _read_all(stream: BinaryIO, root: Path, archive: Path, limits: Limits) -> None:
    """Header by header, so that tarfile's extensions (long names, sparse files) never run on foreign bytes."""
    count = total = 0
    seen: set[str] = set()
    top = ""
    while (block := _exactly(stream, BLOCKSIZE)) != b"\0" * BLOCKSIZE:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        first, _, name = info.name.partition("/")
        _check(info, name, archive)
        if name in seen or (top and first != top):
            raise EvidenceError(f"{archive} is refused: {info.name!r} is there twice, or outside its one folder")
        top = first
        seen.add(name)
        count += 1
        total += info.size
        if count > limits.files or info.size > limits.entry or total > limits.total:
            raise EvidenceError(
                f"{archive} is refused: {info.name!r} takes it beyond {limits.files} files, {limits.entry} bytes "
                f"a file or {limits.total} bytes in all"
            )
        _store(stream, root / name, info.size)
    if not count:
        raise EvidenceError(f"{archive} is empty: it is no archive of evidence")
    # The end is two blocks of zeros; anything after them would travel unseen.
    rest = stream.read(_CHUNK)
    if rest.strip(b"\0") or len(rest) >= _CHUNK:
        raise EvidenceError(f"{archive} is refused: there is something after its end")


def _check(info: tarfile.TarInfo, name: str, archive: Path) -> None:
    if info.type != tarfile.REGTYPE:
        raise EvidenceError(f"{archive} is refused: {info.name!r} is no plain file (type {info.type!r})")
    parts = name.split("/")
    plain = name.isprintable() and name.isascii() and not re.search(r"[\\:]", name)
    if not plain or any(p in ("", ".", "..") for p in parts) or PurePosixPath(name).is_absolute():
        raise EvidenceError(f"{archive} is refused: {info.name!r} is no plain relative name")
    if parts[0] not in PARTS:
        raise EvidenceError(f"{archive} is refused: {info.name!r} is no part of a run ({', '.join(PARTS)})")
    if info.size < 0:
        raise EvidenceError(f"{archive} is refused: {info.name!r} has a negative size")


def _store(stream: BinaryIO, path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        left = size
        while left:
            chunk = _exactly(stream, min(left, _CHUNK))
            file.write(chunk)
            left -= len(chunk)
    _exactly(stream, -size % BLOCKSIZE)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    buffer = io.BytesIO()
    while (missing := size - buffer.tell()) > 0:
        chunk = stream.read(missing)
        if not chunk:
            raise EOFError("it ends in the middle")
        buffer.write(chunk)
    return buffer.getvalue()
