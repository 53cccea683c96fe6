"""Signs a run, and checks a run that came from elsewhere: seal, signatures, and the same verdicts again.

A seal shows that files agree with each other; a signature by a key that the reader knows shows who says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from aiconform.checklists import UnknownChecklist
from aiconform.engine.claims import ClaimsError
from aiconform.engine.judge import Judged, judge_run
from aiconform.engine.registry import UnknownCheck
from aiconform.evidence import keyless, seal, signing, statement
from aiconform.evidence.errors import EvidenceError
from aiconform.model import Outcome, Suite

FOLDER = "attestations"
_DSSE, _SIGSTORE = ".dsse.json", ".sigstore.json"


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Whose signatures count: these public keys, and this sigstore identity (vouched for by `issuer`)."""

    keys: tuple[signing.PublicKey, ...] = ()
    identity: str = ""
    issuer: str = ""

    @property
    def asked(self) -> bool:
        return bool(self.keys or self.identity)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What became of a check. `problems` are what differs; `notes` what a reader must know beside it.

    `about` says who ran what, when, with which suite; it is empty if the run cannot be read.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    about: dict[str, Any]


def sign(
    run_dir: Path, *, judged_by: Suite, key: signing.PrivateKey | None, token: str = "", signer: str = ""
) -> tuple[Path, ...]:
    """Signs a sealed run with a key, or through sigstore if `key` is None. Returns the files written.

    A run whose recordings were changed is not signed. Raises EvidenceError, ClaimsError, UnknownChecklist.
    """
    if problems := seal.verify(run_dir / "recorded"):
        raise EvidenceError(f"{run_dir} cannot be signed: {problems[0]}")
    payloads = _statements(run_dir, judge_run(run_dir, judged_by=judged_by), signer)
    if key is None:
        made = keyless.sign(payloads, token=token)
    else:
        made = {name: signing.sign(payload, key) for name, payload in payloads.items()}
    folder = run_dir / FOLDER
    out = []
    try:
        folder.mkdir(exist_ok=True)
        for name, data in made.items():
            path = folder / (name + (_SIGSTORE if key is None else _DSSE))
            path.write_bytes(data)
            out.append(path)
    except OSError as error:
        raise EvidenceError(f"{folder} cannot be written: {error.strerror}; check its permissions") from None
    return tuple(out)


def check(run_dir: Path, *, judged_by: Suite, trust: Trust) -> Checked:
    """Verifies seal and signatures, judges again, and compares. Never raises for bad evidence: it is listed."""
    problems = seal.verify(run_dir / "recorded")
    notes: list[str] = []
    try:
        judged = judge_run(run_dir, judged_by=judged_by)
        now = _statements(run_dir, judged, "")
    except (EvidenceError, ClaimsError, UnknownChecklist, UnknownCheck) as error:
        return Checked(problems=(*problems, str(error)), notes=(), about={})
    trusted: dict[str, str] = {}
    signer = ""
    for path in _attestations(run_dir):
        try:
            payload, by = _open(path, trust)
            said = statement.read(payload)
            differing = statement.differences(payload, now[_name(said)])
        except EvidenceError as error:
            problems.append(f"{FOLDER}/{path.name}: {error}")
            continue
        problems += [f"{FOLDER}/{path.name}: {d}" for d in differing]
        if by:
            trusted[_name(said)] = by
            signer = signer or str(said["predicate"].get("signer", ""))
        else:
            notes.append(f"{FOLDER}/{path.name}: whose signature this is was not checked; give --key or --identity")
    if not list(_attestations(run_dir)):
        notes.append("it is not signed: its files agree with each other, but nothing shows who made them")
    if trust.asked and "run" not in trusted:
        problems.append("no statement about the run is signed by whom you trust")
    about = _about(judged, signer, trusted.get("run", ""))
    return Checked(problems=tuple(dict.fromkeys(problems)), notes=tuple(dict.fromkeys(notes)), about=about)


def _statements(run_dir: Path, judged: Judged, signer: str) -> dict[str, bytes]:
    return statement.build(
        run_dir, run=judged.run, assessment=judged.assessment, verdicts=judged.verdicts, signer=signer
    )


def _attestations(run_dir: Path) -> Sequence[Path]:
    folder = run_dir / FOLDER
    return sorted(folder.iterdir()) if folder.is_dir() else ()


def _open(path: Path, trust: Trust) -> tuple[bytes, str]:
    """The statement in a file, and who signed it as far as that was proved ("" if nobody was asked for)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"it cannot be read: {error.strerror}") from None
    if path.name.endswith(_SIGSTORE):
        if trust.identity:
            return keyless.verify(data, identity=trust.identity, issuer=trust.issuer), trust.identity
        return signing.open_envelope(_inner(data)).payload, ""
    if not path.name.endswith(_DSSE):
        raise EvidenceError("it is no attestation; only .dsse.json and .sigstore.json belong here")
    envelope = signing.open_envelope(data)
    if not trust.keys:
        return envelope.payload, ""
    for key in trust.keys:
        if signing.key_id(key) in envelope.keys:
            return signing.verify(data, key), f"key {signing.key_id(key)}"
    return signing.verify(data, trust.keys[0]), f"key {signing.key_id(trust.keys[0])}"


def _inner(bundle: bytes) -> bytes:
    try:
        return msgspec.json.encode(msgspec.json.decode(bundle)["dsseEnvelope"])
    except (msgspec.DecodeError, KeyError, TypeError):
        raise EvidenceError("it is no sigstore bundle of a statement") from None


def _name(said: dict[str, Any]) -> str:
    return next(n for n, kind in statement.NAMES.items() if kind == said["predicateType"])


def _about(judged: Judged, signer: str, by: str) -> dict[str, Any]:
    run, rows = judged.run, judged.assessment.rows
    return {
        "run": run.id,
        "started": run.at,
        "signer": signer,
        "signed_by": by,
        "suite": run.suite.version,
        "commit": run.suite.commit,
        "judged_by": judged.assessment.judged_by.version,
        "platform": run.platform,
        "kubernetes": run.server_version,
        "checklist": judged.assessment.checklist,
        "recordings": len(judged.recordings),
        "requirements": {r.requirement: r.outcome for r in rows if r.outcome is not Outcome.UNKNOWN or r.via},
    }
