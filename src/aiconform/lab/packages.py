"""Debian packages: those the lab needs on the machine, and those the probe image is made of."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from .errors import LabError

#: package -> how to see that it is there
_NEEDED = {
    "runc": ("runc",),
    "containernetworking-plugins": ("/usr/lib/cni/bridge", "/opt/cni/bin/bridge", "/usr/libexec/cni/bridge"),
    "nftables": ("nft",),
    "iproute2": ("ip",),
    "util-linux": ("unshare",),
}
_PROBE_ROOTS = ("ca-certificates", "busybox-static", "media-types")
# Needed to install packages, not to run Python.
_SKIP = re.compile(
    r"(perl|debconf|cdebconf|dpkg|tar$|tzdata|mailcap|mime-support|openssl$|gcc-\d+-base|python3(\.\d+)?$"
    r"|libselinux|install-info|readline-common)"
)


def _present(marks: tuple[str, ...]) -> bool:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return any(Path(mark).exists() if mark.startswith("/") else shutil.which(mark, path=path) for mark in marks)


def missing() -> list[str]:
    """Packages that the machine lacks."""
    return [package for package, marks in _NEEDED.items() if not _present(marks)]


def install(names: list[str], report: Callable[[str], None]) -> None:
    """Install packages with apt-get. Raises LabError where there is no apt-get or where it fails."""
    if not names:
        return
    listed = " ".join(names)
    if shutil.which("apt-get") is None:
        raise LabError(f"the lab needs {listed}, and this machine has no apt-get: install them, then repeat")
    report(f"installing {listed} with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Another installation may be under way: wait for it.
    argv = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-y", "--no-install-recommends", *names]
    for attempt in range(2):
        done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
        if done.returncode == 0:
            return
        if attempt == 0:
            subprocess.run(["apt-get", "update"], capture_output=True, env=environment, check=False)
    reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
    raise LabError(f"`apt-get install {listed}` failed ({' '.join(reason)}): install them by hand, then repeat")


@cache
def probe_packages() -> tuple[str, ...]:
    """Names of the packages that hold Python, its standard library and what they link, in this release."""
    if shutil.which("apt-cache") is None or shutil.which("dpkg-deb") is None:
        raise LabError(
            "the probe image is made of Debian packages, and this machine has no apt-cache or dpkg-deb: build the "
            "lab on Debian or Ubuntu, or copy a finished <cache>/images/probe-*.tar here"
        )
    found = None
    for update in (False, True):
        if update:
            subprocess.run(["apt-get", "update"], capture_output=True, check=False)
        found = re.search(r"(python3\.\d+)-minimal", _apt(["apt-cache", "depends", "python3-minimal"]))
        if found is not None:
            break
    if found is None:
        raise LabError("apt knows no python3-minimal: check /etc/apt/sources.list, run `apt-get update`, then repeat")
    level = {f"{found[1]}-minimal", f"lib{found[1]}-stdlib", *_PROBE_ROOTS}
    chosen = set(level)
    while level:
        answer = _apt(["apt-cache", "depends", *sorted(level)])
        below = re.findall(r"^ *(?:Pre)?Depends: ([a-z0-9][a-z0-9+.-]*)", answer, re.MULTILINE)
        level = {name for name in below if not _SKIP.match(name)} - chosen
        chosen |= level
    return tuple(sorted(chosen))


def _apt(argv: list[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def probe_key() -> str:
    """A hash of the distribution's release: another release makes another image."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    text = " ".join(release.get(key, "") for key in ("ID", "VERSION_ID", "VERSION_CODENAME"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def download(names: tuple[str, ...], folder: Path) -> list[Path]:
    """Download packages into a folder. Raises LabError when apt cannot."""
    target = folder / "debs"
    target.mkdir()
    # apt drops its rights for downloads; as root in a private folder that only gives a warning.
    argv = ["apt-get", "download", "-o", "APT::Sandbox::User=root", *names]
    for attempt in range(2):
        done = subprocess.run(argv, capture_output=True, text=True, cwd=target, check=False)
        if done.returncode == 0:
            return sorted(target.glob("*.deb"))
        if attempt == 0:
            subprocess.run(["apt-get", "update"], capture_output=True, check=False)
    reason = done.stderr.strip().splitlines()[-1:]
    raise LabError(f"cannot download the probe image's packages ({' '.join(reason)}): check the network and apt")
