"""Writes the expected verdicts of the kept recordings again: `python tests/checks/renew.py [CHECK ...]`.

For changes of wording and limits. Outcomes and codes must stay: where one would change, nothing is written.
"""

import sys
from pathlib import Path

import aiconform
from aiconform.engine import registry
from aiconform.evidence import store
from aiconform.model import Verdict, decode, encode_pretty


def says(verdict: Verdict) -> list[tuple[str, str, str]]:
    """What must not change."""
    return [("", verdict.outcome, ""), *((f.clause, f.outcome, f.code) for f in verdict.findings)]


def main() -> None:
    """Exit 1 if an outcome would change."""
    checks = Path(aiconform.__file__).parent / "checks"
    changed = 0
    for path in sorted(checks.glob("*/recordings/*/*/verdict.json")):
        recording = store.load(path.parent / "recording")
        if sys.argv[1:] and recording.check not in sys.argv[1:]:
            continue
        old = decode(path.read_bytes(), Verdict)
        new = registry.load(recording.check).judge(recording, old.judged_by)
        if says(old) != says(new):
            raise SystemExit(f"{path}: an outcome or a code would change; look at it by hand")
        if new != old:
            path.write_bytes(encode_pretty(new))
            changed += 1
    print(f"{changed} expected verdicts were written")


if __name__ == "__main__":
    main()
