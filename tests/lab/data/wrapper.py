"""In the place of runc: notes that it was called, and calls it."""

import os
import sys
from pathlib import Path

with (Path(__file__).parents[1] / "wrapped").open("a") as log:
    log.write(" ".join(sys.argv[1:]) + "\n")
os.execv(os.environ["AICONFORM_RUNC"], ["runc", *sys.argv[1:]])
