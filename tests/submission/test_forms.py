"""What is found, as people and programs read it."""

import json
import sys
from pathlib import Path

from aiconform.submission import checker, forms
from aiconform.submission.remark import RULES

sys.path.insert(0, str(Path(__file__).parent))
from products import product_yaml, write

ODD = "status: \"no%0A::error::x\\n\\e[31m\"\nevidence: ['a,b:c%.md']"


def found(tmp_path: Path) -> list[checker.Checked]:
    text = product_yaml(cluster_autoscaling="status: N/A\nnotes: The machines are fixed.", ai_inference=ODD)
    paths = [write(tmp_path, text, name="a,b:c"), write(tmp_path, product_yaml(), name="right")]
    return list(checker.check(paths, checker.Asked()))


def test_the_table_has_a_line_for_each_remark(tmp_path: Path) -> None:
    text = forms.table(found(tmp_path))
    lines = text.splitlines()
    assert lines[0].endswith("a,b:c/PRODUCT.yaml: the gate would refuse it (3 errors, 1 warning, 15 advice, 2 unknown)")
    assert any("error    ai_inference has status" in line and line.endswith("[status-unknown]") for line in lines)
    assert lines[-1] == "2 submissions: 1 open, 1 refused"
    # No text of a file can move a terminal's cursor or pass for a line of ours.
    assert "\x1b" not in text and not any(line.startswith("::error") for line in lines)


def test_json_has_everything(tmp_path: Path) -> None:
    data = json.loads(forms.as_json(found(tmp_path)))
    assert data["verdicts"] == {"refused": 1, "open": 1}
    assert data["files"][0]["counts"] == {"error": 3, "warning": 1, "advice": 15, "unknown": 2}
    wrong = next(r for r in data["files"][0]["remarks"] if r["rule"] == "status-unknown")
    assert (wrong["level"], wrong["row"], wrong["behind"]) == ("error", "ai_inference", False)
    assert wrong["line"] > 1 and wrong["column"] > 1 and wrong["message"] and wrong["remedy"]


def test_github_s_commands_are_escaped(tmp_path: Path) -> None:
    lines = forms.github(found(tmp_path)).splitlines()
    assert all(line.startswith(("::error file=", "::warning file=", "::notice file=")) for line in lines)
    error = next(line for line in lines if "title=status-unknown" in line)
    assert "a%2Cb%3Ac/PRODUCT.yaml,line=" in error
    assert "no%250A::error::x" in error
    # The second file has the 15 changed texts, and what was not looked at.
    assert len(lines) == (3 + 1 + 15 + 2) + (15 + 2)


def test_sarif_has_rules_and_places(tmp_path: Path) -> None:
    run = json.loads(forms.sarif(found(tmp_path), "1.2"))["runs"][0]
    assert [r["id"] for r in run["tool"]["driver"]["rules"]] == list(RULES)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        # The standard allows a level only for what is of kind "fail".
        assert (result["kind"] == "fail") == (result["level"] != "none")
        place = result["locations"][0]["physicalLocation"]
        assert place["region"]["startLine"] >= 1 and "," not in place["artifactLocation"]["uri"].replace("%2C", "")
