"""Container images made without a container engine: OCI archives of one layer, written by the standard library.

The format is https://github.com/opencontainers/image-spec (layout 1.0.0). Archives are kept in <cache>/images.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import packages
from .binaries import remove_abandoned
from .errors import LabError
from .locking import waiting
from .node_config import PAUSE_IMAGE

PROBE_IMAGE = "aiconform.dev/probe:1"
COREDNS_IMAGE = "aiconform.dev/coredns:1"
#: Raise it when the way an image is made changes: old archives are then made again.
_RECIPE = "1"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DROP = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/info")


def write_archive(root: Path, target: Path, name: str, entrypoint: list[str]) -> None:
    """Write the folder `root` as an OCI archive whose image has the full name `name`."""
    with tempfile.TemporaryDirectory(prefix=".image-", dir=target.parent) as work:
        layer = Path(work, "layer.tar")
        with tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) as archive:
            archive.add(root, arcname=".", filter=_as_root)
        digest = _sha256(layer)
        config: dict[str, Any] = {
            "architecture": _architecture(),
            "os": "linux",
            "config": {"Env": [_PATH], "Entrypoint": entrypoint or None, "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
        blobs: dict[str, bytes] = {}
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _blob(blobs, config, "application/vnd.oci.image.config.v1+json"),
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar",
                    "digest": f"sha256:{digest}",
                    "size": layer.stat().st_size,
                }
            ],
        }
        entry = _blob(blobs, manifest, _MANIFEST)
        entry["annotations"] = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
        index = {"schemaVersion": 2, "manifests": [entry]}
        whole = Path(work, "image.tar")
        with tarfile.open(whole, "w") as archive:
            _member(archive, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
            _member(archive, "index.json", json.dumps(index).encode())
            for blob, data in blobs.items():
                _member(archive, f"blobs/sha256/{blob}", data)
            archive.add(layer, arcname=f"blobs/sha256/{digest}", filter=_as_root)
        whole.replace(target)


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = 0
    return member


def _architecture() -> str:
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _sha256(path: Path) -> str:
    stat = path.stat()
    return _sha256_of(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@functools.cache
def _sha256_of(path: Path, *_version: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _blob(blobs: dict[str, bytes], document: dict[str, Any], media_type: str) -> dict[str, Any]:
    data = json.dumps(document).encode()
    digest = hashlib.sha256(data).hexdigest()
    blobs[digest] = data
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def _member(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def ensure(cache: Path, binaries: dict[str, str], report: Callable[[str], None]) -> list[Path]:
    """The archives of pause, CoreDNS and the probe image, made where they are missing. The first one is pause's."""
    folder = cache / "images"
    # A program is told by its content: it may come from PATH.
    keys = {program: _sha256(Path(binaries[program]))[:12] for program in ("pause", "coredns")}
    keys["probe"] = f"{packages.probe_key()}-compiled"
    archives = {program: folder / f"{program}-{_RECIPE}-{key}.tar" for program, key in keys.items()}
    if all(archive.exists() for archive in archives.values()):
        return list(archives.values())
    try:
        with waiting(folder):
            remove_abandoned(folder)
            _make_missing(archives, binaries, report)
    except OSError as error:
        raise LabError(f"cannot write images in {folder}: {error.strerror}; free some space there") from error
    return list(archives.values())


def of_program(cache: Path, program: Path, image: str, path: str = "") -> Path:
    """The archive of an image (full name `image`) that holds one static program and nothing else, made if missing.

    `path` is where the program lies in the image, by default /NAME; it is the image's entrypoint.
    """
    folder = cache / "images"
    inside = path or f"/{program.name}"
    key = hashlib.sha256(f"{_sha256(program)} {image} {inside}".encode()).hexdigest()[:12]
    archive = folder / f"{program.name}-{_RECIPE}-{key}.tar"
    if archive.exists():
        return archive
    try:
        with waiting(folder):
            remove_abandoned(folder)
            if not archive.exists():
                _static_image(program, archive, image, inside)
    except OSError as error:
        raise LabError(f"cannot write images in {folder}: {error.strerror}; free some space there") from error
    return archive


def _make_missing(archives: dict[str, Path], binaries: dict[str, str], report: Callable[[str], None]) -> None:
    for program, image in (("pause", PAUSE_IMAGE), ("coredns", COREDNS_IMAGE)):
        if not archives[program].exists():
            _static_image(Path(binaries[program]), archives[program], image, f"/{program}")
    if not archives["probe"].exists():
        report("making the probe image from Debian packages: about 5 s and a download of 10 MB")
        _probe_image(archives["probe"])


def _static_image(program: Path, target: Path, image: str, inside: str) -> None:
    with tempfile.TemporaryDirectory(prefix=".root-", dir=target.parent) as root:
        copy = Path(root, inside.lstrip("/"))
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(program, copy)
        copy.chmod(0o755)
        write_archive(Path(root), target, image, [inside])


def _probe_image(target: Path) -> None:
    """Debian's Python with its whole standard library, and busybox as shell: about 40 MB."""
    with tempfile.TemporaryDirectory(prefix=".root-", dir=target.parent) as work:
        root = Path(work, "root")
        root.mkdir()
        for file in packages.download(packages.probe_packages(), Path(work)):
            subprocess.run(["dpkg-deb", "-x", str(file), str(root)], check=True, capture_output=True)
        for folder in _DROP:
            shutil.rmtree(root / folder, ignore_errors=True)
        for pattern in ("usr/lib/*/gconv", "usr/lib/python3*/lib2to3", "usr/lib/python3*/test", "usr/share/perl*"):
            for found in root.glob(pattern):
                shutil.rmtree(found)
        _finish_probe(root)
        _compile_library(root)
        write_archive(root, target, PROBE_IMAGE, [])


def _compile_library(root: Path) -> None:
    """Bytecode of the standard library, which the packages lack: without it each start compiles what it imports."""
    # By the image's own Python, and whatever the times of the sources are: the archive need not keep them.
    compiling = ["chroot", str(root), "python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    for library in sorted(root.glob("usr/lib/python3.*")):
        done = subprocess.run(
            [*compiling, f"/{library.relative_to(root)}"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1:]
            raise LabError(f"the probe image's library could not be compiled ({' '.join(last)}): run as root")


def _finish_probe(root: Path) -> None:
    """What the packages' install scripts would have done."""
    for folder, mode in (("tmp", 0o1777), ("proc", 0o555), ("sys", 0o555), ("dev", 0o755), ("root", 0o700)):
        (root / folder).mkdir(exist_ok=True)
        (root / folder).chmod(mode)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")
    for folder in ("bin", "usr/bin"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    python = next((path for path in sorted((root / "usr/bin").glob("python3.*")) if path.is_file()), None)
    if python is None:
        raise LabError("Debian's Python packages hold no interpreter: run `apt-get update`, then repeat")
    (root / "usr/bin/python3").unlink(missing_ok=True)
    (root / "usr/bin/python3").symlink_to(python.name)
    busybox = next(path for path in (root / "bin/busybox", root / "usr/bin/busybox") if path.exists())
    names = subprocess.run([str(busybox), "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        link = busybox.with_name(name)
        if not link.exists() and not link.is_symlink():
            link.symlink_to("busybox")
    if not (root / "bin/sh").exists():
        # Merged /usr: the packages hold usr/bin only.
        shutil.rmtree(root / "bin")
        (root / "bin").symlink_to("usr/bin")
