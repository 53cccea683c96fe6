"""in-toto Statements (v1) over a run's seal: what was run, by which suite, when, and what came of it.

Two are made. `run` has this project's own predicate, with every outcome and every recording's digest. `test-result`
says the same in in-toto's test-result predicate (v0.1), for tools that know only that; it has no word for
UNKNOWN, so an unknown requirement is a warned test there, and a run whose best news is "unknown" is WARNED.

The subjects are the seal, which lists the sha256 of every recorded file, and claims.yaml if there is one. No
clock is read: equal runs give equal bytes. Sources: in-toto attestation framework v1, spec/v1/statement.md and
spec/predicates/test-result.md.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from aiconform.evidence import seal
from aiconform.evidence.errors import EvidenceError
from aiconform.evidence.store import digest, folders
from aiconform.model import Assessment, Outcome, Run, Verdict, encode

TYPE = "https://in-toto.io/Statement/v1"
RUN = "https://aiconform.dev/attestation/run/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
NAMES = {"run": RUN, "test-result": TEST_RESULT}

_NOT_COMPARED = ("signer", "judgedBy")
_SEAL = f"recorded/{seal.NAME}"


def build(
    run_dir: Path, *, run: Run, assessment: Assessment, verdicts: Iterable[Verdict], signer: str = ""
) -> dict[str, bytes]:
    """Name ("run", "test-result") -> the statement's bytes. `signer` is how the signer calls themselves.

    EvidenceError if the run has no seal.
    """
    subject = [{"name": n, "digest": {"sha256": sha}} for n, sha in subjects(run_dir).items()]
    predicates = {"run": _run(run_dir, run, assessment, verdicts, signer), "test-result": _test_result(run, assessment)}
    return {
        name: encode({"_type": TYPE, "subject": subject, "predicateType": NAMES[name], "predicate": predicate})
        for name, predicate in predicates.items()
    }


def subjects(run_dir: Path) -> dict[str, str]:
    """Name -> sha256 (hex) of what a statement speaks about."""
    found = {}
    for name in (_SEAL, "claims.yaml"):
        try:
            found[name] = hashlib.sha256((run_dir / name).read_bytes()).hexdigest()
        except FileNotFoundError:
            if name == _SEAL:
                raise EvidenceError(
                    f"{run_dir} has no {_SEAL}: the run was interrupted, and only a sealed run can be signed"
                ) from None
        except OSError as error:
            raise EvidenceError(f"{run_dir / name} cannot be read: {error.strerror}") from None
    return found


def _run(run_dir: Path, run: Run, assessment: Assessment, verdicts: Iterable[Verdict], signer: str) -> dict[str, Any]:
    return {
        "run": run.id,
        "startedAt": run.at,
        "signer": signer,
        "suite": run.suite,
        "judgedBy": assessment.judged_by,
        "platform": run.platform,
        "context": run.context,
        "kubernetes": run.server_version,
        "checklist": {"version": assessment.checklist, "officialSha256": assessment.official_sha256},
        "recordings": {d.name: digest(d) for d in folders(run_dir)},
        "requirements": {r.requirement: r.outcome for r in assessment.rows},
        "clauses": {
            f"{v.check}.{v.via}": {f.clause: f.outcome for f in v.findings}
            for v in sorted(verdicts, key=lambda v: (v.check, v.via))
        },
    }


def _test_result(run: Run, assessment: Assessment) -> dict[str, Any]:
    """Rows that the user left out are no tests. A failed SHOULD alone does not make the result FAILED."""
    rows = [r for r in assessment.rows if r.code not in ("not-selected", "no-check")]
    musts = {r.outcome for r in rows if r.level == "MUST"}
    result = "PASSED"
    if Outcome.FAIL in musts:
        result = "FAILED"
    elif Outcome.UNKNOWN in musts or not rows or any(r.outcome is Outcome.FAIL for r in rows):
        result = "WARNED"
    by = {o: [f"aiconform/{r.requirement}" for r in rows if r.outcome is o] for o in Outcome}
    return {
        "result": result,
        "configuration": [
            {"name": f"checklist {assessment.checklist}", "digest": {"sha256": assessment.official_sha256}},
            {"name": f"aiconform {run.suite.version}", "annotations": {"commit": run.suite.commit}},
        ],
        "passedTests": by[Outcome.PASS],
        "warnedTests": by[Outcome.UNKNOWN],
        "failedTests": by[Outcome.FAIL],
    }


def read(payload: bytes) -> dict[str, Any]:
    """The statement in these bytes. EvidenceError if they hold none, or one of a kind that is not ours."""
    try:
        content: Any = msgspec.json.decode(payload)
        known = content["_type"] == TYPE and content["predicateType"] in NAMES.values()
        whole = known and isinstance(content["predicate"], dict) and isinstance(_digests(content), dict)
    except (msgspec.DecodeError, KeyError, TypeError):
        whole = False
    if not whole:
        raise EvidenceError("what was signed is no in-toto statement about a run of aiconform")
    return dict(content)


def differences(payload: bytes, expected: bytes) -> list[str]:
    """What a statement says that is not so, one sentence each. `expected` is what `build` gives now.

    `signer` is the signer's own word, and another release may judge again: neither is compared.
    """
    said, now = read(payload), read(expected)
    out = []
    for name in sorted(_digests(said).keys() | _digests(now).keys()):
        if _digests(said).get(name) != _digests(now).get(name):
            out.append(f"{name} is not the file that was signed")
    theirs, ours = ({k: v for k, v in s["predicate"].items() if k not in _NOT_COMPARED} for s in (said, now))
    return out + _compare("", theirs, ours)


def _digests(statement: dict[str, Any]) -> dict[str, str]:
    return {s["name"]: s["digest"]["sha256"] for s in statement["subject"]}


def _compare(where: str, said: Any, now: Any) -> list[str]:
    if isinstance(said, dict) and isinstance(now, dict):
        keys = sorted(said.keys() | now.keys())
        return [s for k in keys for s in _compare(f"{where}.{k}" if where else k, said.get(k), now.get(k))]
    return [] if said == now else [f"the signed statement says {where} is {_short(said)}, and it is {_short(now)}"]


def _short(value: Any) -> str:
    text = "absent" if value is None else encode(value).decode()
    return text if len(text) <= 100 else text[:97] + "..."
