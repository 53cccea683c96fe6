"""What a container can see of devices, as one line of JSON. Standard library only, Python 3.9 or later.

Arguments: the name of the variable in which the driver names the granted devices ("-" if there is none), then
patterns of the vendor's device nodes. Prints {devices: [{path, type, major, minor, opens}], env: [names],
mounts: [paths], identities: [...] or null}, then makes the file that the startup probe looks for, and waits
until it is told to end. `opens` is true, false, or null for nodes that no pattern matches: those are left alone.
"""

import errno
import fnmatch
import json
import os
import signal
import stat
import sys

READY = "/dev/shm/aiconform-ready"


def opens(path, patterns):
    """Whether the device rules let it be opened; a device that answers with an error of its own was reached."""
    if not any(fnmatch.fnmatchcase(path, p) for p in patterns):
        return None
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY))
    except OSError as e:
        return e.errno not in (errno.EPERM, errno.EACCES)
    return True


def device_nodes(patterns):
    """Character and block devices below /dev, without links."""
    found = []
    for folder, below, names in os.walk("/dev"):
        below[:] = [b for b in below if os.path.join(folder, b) not in ("/dev/pts", "/dev/shm", "/dev/mqueue")]
        for name in names:
            path = os.path.join(folder, name)
            try:
                info = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
                kind = "c" if stat.S_ISCHR(info.st_mode) else "b"
                number = {"major": os.major(info.st_rdev), "minor": os.minor(info.st_rdev)}
                found.append({"path": path, "type": kind, **number, "opens": opens(path, patterns)})
    return sorted(found, key=lambda d: d["path"])


def mounts():
    """Mount points, as the container sees them."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as lines:
        return sorted({line.split()[4] for line in lines})


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else "-"
    told = os.environ.get(name)
    answer = {
        "devices": device_nodes(sys.argv[2:]),
        "env": sorted(os.environ),
        "mounts": mounts(),
        "identities": None if told is None else [t for t in told.split(",") if t],
    }
    print(json.dumps(answer), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open(READY, "w", encoding="ascii"):
        pass
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
