"""Puts the figures of results.json into the README, between its markers. `--check` only compares."""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- figures: made by bench/readme.py -->", "<!-- end of figures -->"


def table(r: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    m, lab, run, judge, build = r["machine"], r["lab"], r["run"], r["judge"], r.get("build", {})
    fast = r.get("fast", {})
    others = " (the machine was not idle just before)" if m.get("load", m["cores"]) >= m["cores"] / 2 else ""
    full = r.get("full_lab", {})
    rows = [
        (
            "`lab up`, cold: everything built from source",
            f"{build['cold_up_s'] / 60:.0f} min" if build else "not measured",
        ),
        ("`lab up`, warm: two Ready nodes, accelerators, DNS", f"{lab['warm_up_s']:.1f} s"),
        ("memory of the lab (RSS)", f"{lab['rss_mib'] / 1024:.2f} GiB"),
        ("`lab down`", f"{lab['down_s']:.1f} s"),
        *(
            [
                (f"`lab up --profile full`, warm: {full['nodes']} nodes, every addon", f"{full['warm_up_s']:.0f} s"),
                ("memory of that lab (RSS)", f"{full['rss_mib'] / 1024:.2f} GiB"),
            ]
            if full
            else []
        ),
        (f"a run of every MUST of 1.37 on the full lab{others}", f"{run['wall_s']:.0f} s"),
        (
            "the same, over its longest attempt (what needs the same node waits for each other)",
            f"{run['wall_over_longest']:.2f}",
        ),
        ("judging that run again", f"{judge['judge_s']:.2f} s"),
    ]
    if fast:
        rows.insert(-1, ("the same run with `--fast`", f"{fast['wall_s']:.0f} s"))
    lines = [f"On {m['cores']} cores and {m['memory_gib']} GiB:", "", "| what | figure |", "|---|---|"]
    return "\n".join([*lines, *(f"| {what} | {figure} |" for what, figure in rows)])


def filled(text: str) -> str:
    """The README's text with the current figures."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    results = json.loads((HERE / "results.json").read_text())
    return f"{head}{BEGIN}\n{table(results)}\n{END}{tail}"


def main() -> None:
    """Raises SystemExit(1) in `--check` if the README is out of date."""
    text = README.read_text()
    new = filled(text)
    if "--check" in sys.argv[1:]:
        raise SystemExit(0 if new == text else "README.md does not show bench/results.json: run bench/readme.py")
    README.write_text(new)


if __name__ == "__main__":
    main()
