"""In the place of runc: its device rules allow every device in every container."""

import json
import os
import sys
from pathlib import Path

if "create" in sys.argv:
    path = Path(sys.argv[sys.argv.index("--bundle") + 1]) / "config.json"
    config = json.loads(path.read_text())
    config["linux"]["resources"]["devices"] = [{"allow": True, "access": "rwm"}]
    path.write_text(json.dumps(config))
os.execv(os.environ["AICONFORM_RUNC"], ["runc", *sys.argv[1:]])
