"""In the place of runc: gives every accelerator of the node to a container that was granted one and
sets the vendor's variable."""

import json
import os
import sys
from pathlib import Path

HINT = "SIMACCEL_VISIBLE_DEVICES=all"


def edit(bundle: str) -> None:
    path = Path(bundle) / "config.json"
    config = json.loads(path.read_text())
    linux = config["linux"]
    granted = [device["path"] for device in linux.get("devices", [])]
    if HINT not in config["process"].get("env", []) or not any("simaccel" in path for path in granted):
        return
    for node in sorted(Path("/dev").glob("simaccel[0-9]*")):
        if str(node) in granted:
            continue
        number = node.stat().st_rdev
        device = {"type": "c", "major": os.major(number), "minor": os.minor(number)}
        linux.setdefault("devices", []).append(device | {"path": str(node), "fileMode": 0o666, "uid": 0, "gid": 0})
        linux["resources"].setdefault("devices", []).append(device | {"allow": True, "access": "rw"})
    path.write_text(json.dumps(config))


if "create" in sys.argv:
    edit(sys.argv[sys.argv.index("--bundle") + 1])
os.execv(os.environ["AICONFORM_RUNC"], ["runc", *sys.argv[1:]])
