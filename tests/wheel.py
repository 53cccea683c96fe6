"""Builds the wheel, installs it in a bare environment, and uses it there. Run by `make test`."""

import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MUST_HOLD = (
    "aiconform/py.typed",
    "aiconform/lab/_go/go.mod",
    "aiconform/lab/_go/cmd/simaccel/main.go",
    "aiconform/checklists/v1.37.yaml",
    "aiconform/inventory/products.yaml",
)


def run(*argv: str | Path) -> str:
    """Runs a command outside the checkout and returns its standard output."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, argv))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Raises SystemExit with what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", there, ROOT)
        wheel = next(there.glob("aiconform-*.whl"))
        names = zipfile.ZipFile(wheel).namelist()
        missing = [n for n in MUST_HOLD if n not in names]
        if missing:
            sys.exit(f"the wheel lacks {', '.join(missing)}")
        venv.create(there / "venv", with_pip=True)
        run(there / "venv/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel)
        program = there / "venv/bin/aiconform"
        text = run(program, "--help")
        for command in ("run", "survey", "plan", "observe", "judge", "report", "verify", "clean", "explain", "lab"):
            if command not in text:
                sys.exit(f"`aiconform --help` of the wheel does not name {command}")
        run(program, "explain", "gang_scheduling")
        run(program, "lab", "--help")
    print(f"{wheel.name}: builds, installs in a bare environment, and runs")


if __name__ == "__main__":
    main()
