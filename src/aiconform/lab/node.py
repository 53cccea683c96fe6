"""A node: one PID, mount, net and uts namespace in which kubelet, containerd and kube-proxy use their default paths.

Ending the process that holds the namespaces ends every container, shim and mount of the node.
"""

from __future__ import annotations

import select
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import cgroups, processes
from .errors import LabError
from .layout import Folder, known_node

# Run by PID 1 of the node. $1 node folder, $2 node name, then the folders that must stay visible.
# /var/lib, /var/log and /run become the node's own, so that no mount point has to be made on the host.
_SETUP = r"""
set -e
N=$1; NAME=$2; shift 2
hostname "$NAME"
mkdir -p "$N/dev" "$N/root/var/lib" "$N/root/var/log" "$N/root/run" "$N/sysctl"
mount -t tmpfs -o mode=755,nosuid tmpfs "$N/root/run"
mkdir -p "$N/root/var/lib/kubelet" "$N/root/var/lib/containerd" "$N/root/var/lib/cni" "$N/root/var/log/pods" \
  "$N/root/run/cdi" "$N/root/run/netns" "$N/root/run/lock" "$N/root/run/containerd"
mount -t tmpfs -o mode=755,nosuid,size=16m tmpfs "$N/dev"
for d in null zero full random urandom tty kmsg fuse net/tun; do
  if [ -e "/dev/$d" ]; then mkdir -p "$(dirname "$N/dev/$d")"; cp -a "/dev/$d" "$N/dev/$d"; fi
done
mkdir -p "$N/dev/pts" "$N/dev/shm" "$N/dev/mqueue"
mount --rbind /dev/pts "$N/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$N/dev/shm"
ln -s pts/ptmx "$N/dev/ptmx"; ln -s /proc/self/fd "$N/dev/fd"
ln -s /proc/self/fd/0 "$N/dev/stdin"; ln -s /proc/self/fd/1 "$N/dev/stdout"; ln -s /proc/self/fd/2 "$N/dev/stderr"
# The kubelet corrects kernel settings of the machine; files that hold what it wants keep it from that.
for s in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  f=${s%%=*}; copy=$N/sysctl/$(echo "$f" | tr / .)
  if [ -e "/proc/sys/$f" ]; then echo "${s#*=}" > "$copy"; mount --bind "$copy" "/proc/sys/$f"; fi
done
for keep in "$@"; do
  case "$keep" in /var/lib/*|/var/log/*|/run/*) mkdir -p "$N/root$keep"; mount --bind "$keep" "$N/root$keep";; esac
done
mount --rbind "$N/dev" /dev
for d in /var/log /run /var/lib; do mount --rbind "$N/root$d" "$d"; mount --make-rshared "$d"; done
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
echo ready
exec </dev/null >/dev/null 2>&1
trap "" TERM
while :; do sleep 100000 & wait $!; done
"""


def process_name(node: str, daemon: str) -> str:
    """Name of a node's process in the registry."""
    return f"{node}/{daemon}"


def start_switch(folder: Folder) -> int:
    """Start the process that holds the switch's network namespace; its pid."""
    old = processes.running(folder, "switch")
    if old is not None:
        return old.pid
    script = "echo ready; exec >/dev/null 2>&1; exec sleep infinity"
    holder = processes.start(folder, "switch", ["unshare", "--net", "sh", "-c", script], stdout=subprocess.PIPE)
    _wait_ready(folder, "switch", holder, 10)
    return holder.pid


def start_sandbox(folder: Folder, lab: str, node: str, visible: Sequence[Path]) -> int:
    """Make the node's namespaces and cgroups. Returns the pid (on the host) of the node's PID 1."""
    known_node(node)
    cgroups.make(lab, node)
    home = folder.node(node)
    home.mkdir(parents=True, exist_ok=True)
    name = process_name(node, "sandbox")
    argv = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child"]
    argv += ["--propagation", "private", "bash", "-c", _SETUP, "node", str(home), node, str(folder.root)]
    argv += [str(path) for path in visible]
    holder = processes.start(folder, name, argv, stdout=subprocess.PIPE)
    _wait_ready(folder, name, holder, 20)
    return pid_one(folder, node)


def _wait_ready(folder: Folder, name: str, holder: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for the line `ready` on the process's standard output, then close our end of it."""
    assert holder.stdout is not None
    with holder.stdout as out:
        readable, _, _ = select.select([out], [], [], seconds)
        line = out.readline() if readable else b""
    if line.strip() != b"ready":
        tail = processes.log_tail(folder, name)
        raise LabError(
            f"the namespaces of {name} could not be made ({tail or 'no message'}): the lab needs root with "
            "CAP_SYS_ADMIN and a kernel with overlay, bridge and br_netfilter (`modprobe br_netfilter overlay`)"
        )


def pid_one(folder: Folder, node: str) -> int:
    """Host pid of the node's PID 1. Raises LabError when the node does not run."""
    holder = processes.running(folder, process_name(node, "sandbox"))
    inside = processes.children(holder.pid) if holder else []
    if not inside:
        raise LabError(f"{node} does not run: repair the lab with `aiconform lab up`")
    return inside[0]


def enter(pid: int, argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` in the namespaces of the node whose PID 1 is `pid`."""
    return ["nsenter", "-t", str(pid), "-m", "-n", "-p", "-u", "--", *argv]


def start_daemon(
    folder: Folder, node: str, daemon: str, argv: Sequence[str], env: Mapping[str, str] | None = None
) -> None:
    """Start a daemon in the node."""
    processes.start(folder, process_name(node, daemon), enter(pid_one(folder, node), argv), env)


def run_in(folder: Folder, node: str, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in the node to its end; output is captured as text."""
    command = enter(pid_one(folder, known_node(node)), argv)
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def reset_disk(folder: Folder, node: str) -> None:
    """Throw away the disk of a node that does not run."""
    shutil.rmtree(folder.node(node), ignore_errors=True)


def python() -> str:
    """The interpreter that the lab's scripts run with."""
    return sys.executable
