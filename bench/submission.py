"""How long `aiconform submission check` takes over many submissions, beside reading and parsing them alone.

    python bench/submission.py DIR [TIMES]

DIR is a checkout of the programme's repository, or a part of it. Each figure is the best of TIMES fresh processes
(default 5), start of Python included: wall time, and processor time, which a busy machine spoils less. The ratio is of
processor times, and is what to compare between machines.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

ALONE = """
import sys, yaml
from pathlib import Path
loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
for path in sorted(Path(sys.argv[1]).rglob("PRODUCT.yaml")):
    yaml.load(path.read_bytes(), Loader=loader)
"""


def best(command: list[str], times: int) -> tuple[float, float]:
    """Least wall time and least processor time of some runs, in seconds."""
    walls, processors = [], []
    for _ in range(times):
        begun, used = time.perf_counter(), processor()
        done = subprocess.run(command, capture_output=True, check=False)
        walls.append(time.perf_counter() - begun)
        processors.append(processor() - used)
        if done.returncode not in (0, 1):
            sys.exit(done.stderr.decode())
    return min(walls), min(processors)


def processor() -> float:
    """Processor time of all children so far, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Prints a line for each figure."""
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder, times = sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 5
    print(f"submissions: {sum(1 for _ in Path(folder).rglob('PRODUCT.yaml'))}")
    program = [sys.executable, "-m", "aiconform", "submission", "check"]
    figures = {
        "read and parse alone": best([sys.executable, "-c", ALONE, folder], times),
        "start of the command": best([*program, "--help"], times),
        "submission check": best([*program, folder], times),
    }
    for name, (wall, used) in figures.items():
        print(f"{name}: {wall:.2f} s, of a processor {used:.2f} s")
    print(f"check over read and parse: {figures['submission check'][1] / figures['read and parse alone'][1]:.1f}")


if __name__ == "__main__":
    main()
