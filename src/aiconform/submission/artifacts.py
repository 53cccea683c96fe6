"""Test results that the gate parses: junit.xml, results.json (go test -json) and e2e.log (go test -v). Pure.

Source of the rules: scripts/validate.go of cncf/k8s-ai-conformance, and the readers of XML, JSON and lines that it
uses.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from xml.parsers import expat

Result = Literal["pass", "fail", "skip", ""]
# The gate gives up on longer lines.
_LONGEST_LINE = 16 << 20
# What the gate trims from a line of JSON: white space of Unicode, without the separators that Python adds.
_BLANK = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_SURROGATE = re.compile("[\ud800-\udfff]")
_RESULT = re.compile(rb"[\t\f\r ]*--- (PASS|FAIL|SKIP): ([^\t\n\f\r ]+)")


class BadArtifact(Exception):
    """The gate cannot read the file. The message is half a sentence: "is ...", "holds ..."."""


@dataclass
class Artifact:
    """Tests by name, and what failed in the order of the file (a package's failure as "package NAME")."""

    tests: dict[str, Result] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def record(self, name: str, result: Result) -> None:
        """A later result replaces an earlier one of the same name, but never a failure."""
        if self.tests.get(name) == "fail":
            return
        self.tests[name] = result
        if result == "fail":
            self.failures.append(name)

    def result(self, name: str) -> Result:
        """A test's result; of a test with subtests only: failed if one failed, skipped if all were. "" if unknown."""
        if name in self.tests:
            return self.tests[name]
        below = [r for n, r in self.tests.items() if n.startswith(name + "/")]
        if not below:
            return ""
        return "fail" if "fail" in below else "skip" if set(below) == {"skip"} else "pass"


def kind(path: str) -> str:
    """ "junit.xml", "results.json" or "e2e.log" if the gate parses a file of this name, else ""."""
    name = path.rpartition("/")[2].lower()
    return name if name in READERS else ""


def read(name: str, data: bytes) -> Artifact:
    """The file `name`, one of READERS. Raises BadArtifact."""
    found = READERS[name](data)
    if not found.tests and not found.failures:
        what = {"junit.xml": "testcase", "results.json": "event of a test", "e2e.log": "line `--- PASS: Name`"}[name]
        raise BadArtifact(f"holds no {what}")
    return found


def _e2e_log(data: bytes) -> Artifact:
    found = Artifact()
    for line in _lines(data):
        if match := _RESULT.match(line):
            result: Any = match[1].decode().lower()
            found.record(match[2].decode(errors="replace"), result)
    return found


def _results_json(data: bytes) -> Artifact:
    found, packages = Artifact(), []
    for number, line in enumerate(_lines(data), start=1):
        stripped = line.decode(errors="replace").strip(_BLANK)
        if not stripped:
            continue
        action, package, test = _event(stripped, number)
        if action not in ("pass", "fail", "skip"):
            continue
        if test:
            result: Any = action
            found.record(test, result)
        elif action == "fail":
            packages.append(package)
    if not found.failures:
        found.failures += [f"package {p}" for p in packages]
    return found


def _event(line: str, number: int) -> tuple[str, str, str]:
    where = f"is not the output of `go test -json`: line {number}"
    try:
        found = json.loads(line, parse_constant=_no_constant, parse_int=float)
    except (ValueError, RecursionError):
        raise BadArtifact(f"{where} is no JSON") from None
    if found is None:
        return "", "", ""
    if not isinstance(found, dict):
        raise BadArtifact(f"{where} is no JSON object")
    # The gate's reader takes names in any case, and the last of two.
    lowered = {k.casefold(): v for k, v in found.items()}
    given = (lowered.get(k) for k in ("action", "package", "test"))
    values = ["" if v is None else v for v in given]
    if not all(isinstance(v, str) for v in values):
        raise BadArtifact(f"{where} has an Action, Package or Test that is no text")
    action, package, test = (_SURROGATE.sub("\ufffd", v) for v in values)
    return action, package, test


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _lines(data: bytes) -> Iterator[bytes]:
    for line in data.split(b"\n"):
        if len(line) > _LONGEST_LINE:
            raise BadArtifact(f"has a line of more than {_LONGEST_LINE} bytes")
        yield line.removesuffix(b"\r")


@dataclass
class _Suite:
    """A suite's own cases come before those of the suites in it, wherever they stand in the file."""

    cases: list["_Case"] = field(default_factory=list)
    suites: list["_Suite"] = field(default_factory=list)


@dataclass(slots=True)
class _Case:
    """Small, as a file may hold millions."""

    name: str
    result: Result = "pass"

    def mark(self, child: str) -> None:
        """Takes note of an element in it; of a failure and a skip the failure counts."""
        if child in ("failure", "error"):
            self.result = "fail"
        elif child == "skipped" and self.result == "pass":
            self.result = "skip"


def _junit(data: bytes) -> Artifact:
    root = _Suite()
    reader = _Junit(root)
    # Without namespaces, so that a prefix that nobody declared is no error: it is none for the gate.
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    # Entities are how a small file becomes an endless one, or reads another; the gate's reader knows none.
    parser.EntityDeclHandler = _no_entity
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        # What stands behind the root's end is not read by the gate.
        if not reader.done:
            raise BadArtifact(f"is no XML: {expat.ErrorString(error.code)} in line {error.lineno}") from None
    found, todo = Artifact(), [root]
    while todo:
        suite = todo.pop()
        for case in suite.cases:
            found.record(case.name, case.result)
        todo += reversed(suite.suites)
    return found


class _Junit:
    """Follows the elements. Whatever the root is called, suites and cases count only directly below it or a suite."""

    def __init__(self, root: _Suite) -> None:
        self.root = root
        self.stack: list[_Suite | _Case | None] = []
        self.done = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        parent = self.stack[-1] if self.stack else None
        found: _Suite | _Case | None = None if self.stack else self.root
        if isinstance(parent, _Suite) and name == "testsuite":
            found = _Suite()
            parent.suites.append(found)
        elif isinstance(parent, _Suite) and name == "testcase":
            found = _Case(attributes.get("name", ""))
            parent.cases.append(found)
        elif isinstance(parent, _Case):
            parent.mark(name)
        self.stack.append(found)

    def end(self, _: str) -> None:
        self.stack.pop()
        self.done = not self.stack


def _no_entity(name: str, *_: object) -> None:
    raise BadArtifact(f"declares the XML entity {name}, and none are read")


READERS: dict[str, Callable[[bytes], Artifact]] = {
    "junit.xml": _junit,
    "results.json": _results_json,
    "e2e.log": _e2e_log,
}
