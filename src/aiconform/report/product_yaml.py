"""PRODUCT.yaml: the official checklist, filled in. Pure.

The file is edited at the places of its values, as a person would: every byte outside the metadata's values and
each row's status, evidence and notes stays the official one. (One exception: a metadata field that the gate asks for
and a version's template forgets, k8sConformanceUrl, becomes a line of its own.) What only a human has claimed is never
written as proved, and a row that was not proved keeps its blank status, with a note of what is missing.

Sources: docs/AIConformance-<version>.yaml and the validator of cncf/k8s-ai-conformance.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from aiconform.model import Assessment, Outcome, Row

REQUIRED = (
    "kubernetesVersion", "platformName", "platformVersion", "vendorName", "websiteUrl", "documentationUrl",
    "productLogoUrl", "description", "contactEmailAddress", "k8sConformanceUrl",
)  # fmt: skip
OPTIONAL = ("repoUrl",)
# The only MUST that the programme lets a product answer with N/A.
MAY_BE_NA = ("cluster_autoscaling",)
# What a claim says, in any case, to be written as N/A.
SAY_NA = ("NOT_APPLICABLE", "N/A")
FILLED = ("status", "evidence", "notes")
_OURS = re.compile(r"Not (proved|settled): |(Proved|Seen) by aiconform |Stated by .*, not tested: |By upstream's suite")


class TemplateError(Exception):
    """The template or the metadata cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True)
class Answer:
    """What is written into one row. A `status` of "" leaves the row blank."""

    status: str
    evidence: tuple[str, ...]
    notes: str


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    text: str


def render(
    template_text: str,
    assessment: Assessment,
    metadata: Mapping[str, str],
    evidence_links: Mapping[str, Sequence[str]],
    answers: Mapping[str, Answer] | None = None,
) -> str:
    """The template with metadata, and with each row's answer.

    `metadata` is by the official names, in camelCase or snake_case. `evidence_links` are by requirement; see
    `links`. `answers`, by requirement, take the place of `answer` for the rows that they have. A row that is not
    proved is left as it is if somebody has answered it by hand; what an earlier run wrote is written anew.
    TemplateError if the template is none, is of another version than the assessment, or if the metadata has unknown
    fields.
    """
    root = _compose(template_text)
    head, spec = _child(root, "metadata"), _child(root, "spec")
    if not isinstance(head, MappingNode) or not isinstance(spec, MappingNode):
        raise TemplateError("the template has no metadata and spec: it is no checklist of the programme")
    _check_version(head, assessment)
    rows = {r.requirement: r for r in assessment.rows}
    edits = [*_metadata(template_text, head, metadata)]
    for entry in _entries(spec):
        name = _text(_child(entry, "id"))
        given = (answers or {}).get(name) or answer(rows.get(name), assessment, evidence_links.get(name, ()))
        edits += _row(template_text, entry, name, given)
    for edit in sorted(edits, key=lambda e: e.start, reverse=True):
        template_text = template_text[: edit.start] + edit.text + template_text[edit.end :]
    return template_text


def links(assessment: Assessment) -> dict[str, tuple[str, ...]]:
    """Requirement -> evidence of every row that passed: our own test by name in each artifact, and its page."""
    return {
        r.requirement: (
            f"junit.xml#{r.requirement}",
            f"e2e.log#aiconform/{r.requirement}",
            f"results.json#aiconform/{r.requirement}",
            f"evidence/{r.requirement}.md",
        )
        for r in assessment.rows
        if r.outcome is Outcome.PASS
    }


def answer(row: Row | None, assessment: Assessment, evidence: Sequence[str]) -> Answer:
    """What a row may say. Only PASS becomes Implemented."""
    if row is None:
        return Answer("", (), "Not proved: this release of aiconform does not know this row.")
    by = f"aiconform {assessment.facts.get('suite') or assessment.judged_by.version}, run {assessment.run}"
    if row.outcome is Outcome.PASS:
        limits = f" Limits: {'; '.join(row.limits)}." if row.limits else ""
        return Answer("Implemented", tuple(evidence), f"Proved by {by}: {row.because.rstrip('.')}.{limits}")
    claim = next((c for c in row.claims if c.says.upper() in SAY_NA), None)
    allowed = row.level == "SHOULD" or row.requirement in MAY_BE_NA
    if row.outcome is Outcome.NOT_APPLICABLE and allowed:
        return Answer("N/A", (), f"Seen by {by}: {row.because}")
    missing = f"Not proved: {row.outcome}{f' ({row.code})' if row.code else ''}: {row.because}"
    if claim is None or row.outcome is Outcome.FAIL:
        return Answer("", (), missing)
    layer = f" Provided by: {claim.layer}." if claim.layer else ""
    said = f"Stated by {claim.who} on {claim.when}, not tested: {claim.why}{layer}"
    return Answer("N/A", (), said) if allowed else Answer("", (), f"{missing} ({said})")


def stated(text: str) -> dict[str, str]:
    """Requirement -> status, of every row that has one."""
    spec = _child(_compose(text), "spec")
    rows = _entries(spec) if isinstance(spec, MappingNode) else ()
    return {_text(_child(e, "id")): s for e in rows if (s := _text(_child(e, "status")))}


def unfilled(text: str) -> tuple[str, ...]:
    """The metadata that the gate asks for and would refuse: absent, empty, no text, or a placeholder in brackets."""
    head = _child(_compose(text), "metadata")
    out = []
    for key in REQUIRED:
        node = _child(head, key) or _child(head, _snake(key))
        value = _text(node)
        is_text = isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:str"
        if not is_text or not value.strip() or (value.startswith("[") and value.endswith("]")):
            out.append(key)
    return tuple(out)


def _metadata(text: str, head: MappingNode, metadata: Mapping[str, str]) -> Iterator[_Edit]:
    known = {**{_snake(k): k for k in (*REQUIRED, *OPTIONAL)}, **{k: k for k in (*REQUIRED, *OPTIONAL)}}
    absent = []
    for key, value in metadata.items():
        if key not in known:
            fields = ", ".join((*REQUIRED, *OPTIONAL))
            raise TemplateError(f"there is no metadata field {key!r}: the fields are {fields}")
        if not isinstance(value, str):
            raise TemplateError(f"metadata {key} must be a text: put {value!r} in quotes")
        node = _child(head, known[key]) or _child(head, _snake(known[key]))
        if node is None:
            absent.append((known[key], value))
        else:
            yield _replace(text, node, quoted(value))
    if absent:
        # The line after the last metadata value: where a person would add a field, too.
        last = head.value[-1][1]
        end = text.find("\n", _end(text, last))
        end = len(text) if end < 0 else end
        newline = "\r\n" if text[end - 1 : end] == "\r" else "\n"
        at = end - len(newline) + 1
        indent = " " * head.value[0][0].start_mark.column
        yield _Edit(at, at, "".join(f"{newline}{indent}{key}: {quoted(value)}" for key, value in absent))


def _row(text: str, entry: MappingNode, name: str, given: Answer) -> Iterator[_Edit]:
    fields = {key: _child(entry, key) for key in FILLED}
    for key, node in fields.items():
        if node is None:
            raise TemplateError(f"row {name} of the template has no {key}")
    filled = any((isinstance(n, SequenceNode) and n.value) or _text(n) for n in fields.values())
    if filled and not given.status and not _OURS.match(_text(fields["notes"])):
        return  # somebody's own answer: not ours to remove
    listed = f"[{', '.join(quoted(e) for e in given.evidence)}]"
    new = {"status": quoted(given.status), "evidence": listed, "notes": quoted(given.notes)}
    for key, node in fields.items():
        blank = node is not None and not node.value
        # A blank field that stays blank keeps the template's own way of writing it.
        if node is not None and not (blank and new[key] in ('""', "[]")):
            yield _replace(text, node, new[key])


def quoted(value: str) -> str:
    """A text as a YAML scalar in double quotes, on one line, in ASCII control characters escaped."""
    body = json.dumps(value, ensure_ascii=False)[1:-1]
    return '"' + re.sub(r"[^\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]|[\u2028\u2029]", _escaped, body) + '"'


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _replace(text: str, node: Node, value: str) -> _Edit:
    start = node.start_mark.index
    # `status:` with nothing behind it has its empty value right at the colon.
    space = " " if start and not text[start - 1].isspace() else ""
    return _Edit(start, max(start, _end(text, node)), space + value)


def _end(text: str, node: Node) -> int:
    """Where a value ends; a block's end mark lies at the next token, beyond blanks."""
    start: int = node.start_mark.index
    return start + len(text[start : node.end_mark.index].rstrip())


def _compose(text: str) -> MappingNode:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise TemplateError(f"the template is no YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(root, MappingNode):
        raise TemplateError("the template is no checklist: it holds no metadata and no spec")
    return root


def _entries(spec: MappingNode) -> Iterator[MappingNode]:
    for _, section in spec.value:
        for entry in section.value if isinstance(section, SequenceNode) else ():
            if isinstance(entry, MappingNode) and _child(entry, "id") is not None:
                yield entry


def _child(node: Node | None, key: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((v for k, v in node.value if _text(k) == key), None)


def _text(node: Node | None) -> str:
    return str(node.value) if isinstance(node, ScalarNode) else ""


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda m: "_" + m.group(1).lower(), name)


def _check_version(head: MappingNode, assessment: Assessment) -> None:
    version = _text(_child(head, "kubernetesVersion") or _child(head, "kubernetes_version"))
    if re.match(r"v?(\d+\.\d+)", version) and version.removeprefix("v") != assessment.checklist.removeprefix("v"):
        raise TemplateError(
            f"the template is for {version}, and the run was assessed against checklist {assessment.checklist}; "
            "give the template of that version, or choose with --checklist"
        )
