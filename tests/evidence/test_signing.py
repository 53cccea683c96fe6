"""Keys, envelopes and statements; and a run that is checked by somebody who only has its archive."""

import base64
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from aiconform.engine import attest
from aiconform.evidence import archive, keyless, seal, signing, statement
from aiconform.evidence.errors import EvidenceError
from aiconform.model import Suite

sys.path.insert(0, str(Path(__file__).parent))
from travelling import ATTEMPT, change, make_run

JUDGE = Suite(version="0.1.0")


@pytest.fixture(params=signing.KINDS)
def key(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    signing.keygen(tmp_path / "key", request.param)
    return tmp_path / "key"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


def sign(run: Path, key: Path, signer: str = "Jo Example") -> None:
    attest.sign(run, judged_by=JUDGE, key=signing.load_private(key), signer=signer)


def check(run: Path, *keys: Path, judge: Suite = JUDGE) -> attest.Checked:
    trust = attest.Trust(keys=tuple(signing.load_public(k.with_name(k.name + ".pub")) for k in keys))
    return attest.check(run, judged_by=judge, trust=trust)


def test_a_key_is_private_never_written_over_and_can_be_locked(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = signing.keygen(path, "ed25519", b"secret")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(EvidenceError, match="never overwritten"):
        signing.keygen(path)
    with pytest.raises(EvidenceError, match="locked"):
        signing.load_private(path)
    with pytest.raises(EvidenceError, match="password is wrong"):
        signing.load_private(path, b"other")
    assert signing.key_id(signing.load_private(path, b"secret").public_key()) == made
    assert signing.key_id(signing.load_public(tmp_path / "key.pub")) == made


def test_keys_of_other_kinds_are_refused(tmp_path: Path) -> None:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    for made in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256K1())):
        path = tmp_path / "other"
        path.write_bytes(made.private_bytes(encoding, form, serialization.NoEncryption()))
        with pytest.raises(EvidenceError, match="neither ed25519 nor ECDSA"):
            signing.load_private(path)
    path.write_text("no key")
    for load in (signing.load_private, signing.load_public):
        with pytest.raises(EvidenceError, match="PEM"):
            load(path)
        with pytest.raises(EvidenceError, match="cannot be read"):
            load(tmp_path / "absent")


def test_an_envelope_is_dsse_and_the_same_each_time(key: Path) -> None:
    private, public = signing.load_private(key), signing.load_public(key.with_name("key.pub"))
    data = signing.sign(b'{"a":1}', private)
    assert data == signing.sign(b'{"a":1}', private)
    content = json.loads(data)
    assert content.keys() == {"payload", "payloadType", "signatures"}
    assert content["payloadType"] == "application/vnd.in-toto+json"
    # The example of the DSSE protocol, with our type: lengths are of bytes, in decimal.
    assert signing.pae(b"hello world") == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"
    assert signing.verify(data, public) == b'{"a":1}'


def test_ecdsa_signatures_are_those_that_any_library_checks(tmp_path: Path) -> None:
    signing.keygen(tmp_path / "key", "ecdsa")
    private = signing.load_private(tmp_path / "key")
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    signature = base64.b64decode(json.loads(signing.sign(b"x", private))["signatures"][0]["sig"])
    private.public_key().verify(signature, signing.pae(b"x"), ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("field", ["payload", "sig"])
def test_an_altered_envelope_does_not_hold(key: Path, field: str) -> None:
    content = json.loads(signing.sign(b'{"a":1}', signing.load_private(key)))
    place = content if field == "payload" else content["signatures"][0]
    raw = bytearray(base64.b64decode(place[field]))
    raw[-1] ^= 1
    place[field] = base64.b64encode(bytes(raw)).decode()
    with pytest.raises(EvidenceError, match="not by the key"):
        signing.verify(json.dumps(content).encode(), signing.load_public(key.with_name("key.pub")))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"payload":"!","payloadType":"application/vnd.in-toto+json"}'])
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError):
        signing.open_envelope(data)


def test_statements_say_what_was_run_when_and_by_which_suite(run: Path, key: Path) -> None:
    sign(run, key)
    said = {
        name: json.loads(signing.open_envelope((run / "attestations" / f"{name}.dsse.json").read_bytes()).payload)
        for name in statement.NAMES
    }
    for one in said.values():
        assert one["_type"] == "https://in-toto.io/Statement/v1"
        assert [s["name"] for s in one["subject"]] == ["recorded/seal.json"]
    predicate = said["run"]["predicate"]
    assert predicate["run"] == "k3x9" and predicate["startedAt"] == "2026-01-02T10:00:00Z"
    assert predicate["signer"] == "Jo Example" and predicate["suite"] == {"version": "0.1.0", "commit": "3f2c9ab"}
    assert list(predicate["recordings"]) == [ATTEMPT]
    assert predicate["requirements"]["gang_scheduling"] == "UNKNOWN"
    result = said["test-result"]["predicate"]
    # UNKNOWN has no word of its own there.
    assert result["result"] == "WARNED" and result["warnedTests"] == ["aiconform/gang_scheduling"]
    assert result["passedTests"] == result["failedTests"] == []


def test_a_reader_with_only_the_archive_sees_who_ran_what(run: Path, key: Path, tmp_path: Path) -> None:
    (run / "claims.yaml").write_text("[]\n")
    sign(run, key)
    packed = archive.pack(run, tmp_path / "a.tar.gz", run_id="k3x9")
    shutil.rmtree(run)
    found = check(archive.unpack(packed, tmp_path / "elsewhere"), key)
    assert found.problems == () and found.notes == ()
    about = found.about
    assert (about["run"], about["started"], about["signer"]) == ("k3x9", "2026-01-02T10:00:00Z", "Jo Example")
    assert about["signed_by"] == "key " + signing.key_id(signing.load_public(key.with_name("key.pub")))
    assert about["requirements"] == {"gang_scheduling": "UNKNOWN"}


def test_without_a_key_nobody_is_believed(run: Path, key: Path, tmp_path: Path) -> None:
    assert any("not signed" in n for n in check(run).notes)
    assert any("signed by whom you trust" in p for p in check(run, key).problems)
    sign(run, key)
    found = check(run)
    assert found.problems == () and found.about["signed_by"] == "" and found.about["signer"] == ""
    assert any("was not checked" in n for n in found.notes)
    signing.keygen(tmp_path / "stranger")
    assert any("not by the key" in p for p in check(run, tmp_path / "stranger").problems)


def reseal(run: Path) -> None:
    seal.write(run / "recorded")


def edit_observation(run: Path) -> None:
    change(run / "recorded" / ATTEMPT / "observations.jsonl", b"there is none", b"there is some")


def edit_and_reseal(run: Path) -> None:
    edit_observation(run)
    reseal(run)


def another_platform(run: Path) -> None:
    change(run / "recorded" / "run.json", b'"example"', b'"another"')
    reseal(run)


def drop_recording(run: Path) -> None:
    shutil.rmtree(run / "recorded" / ATTEMPT)
    reseal(run)


def drop_statement(run: Path) -> None:
    (run / "attestations" / "run.dsse.json").unlink()


def later_claim(run: Path) -> None:
    (run / "claims.yaml").write_text(
        "- {requirement: gang_scheduling, says: NOT_APPLICABLE, who: Jo, when: 2026-01-01, why: none}\n"
    )


def unreadable(run: Path) -> None:
    (run / "recorded" / "run.json").write_text("{")


def stranger(run: Path) -> None:
    (run / "attestations" / "note.txt").write_text("trust me")


def strange_checklist(run: Path) -> None:
    change(run / "recorded" / "run.json", b'"v1.37"', b'"v9.99"')
    reseal(run)


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (edit_observation, f"{ATTEMPT}/observations.jsonl was changed after the seal"),
        (edit_and_reseal, f"recordings.{ATTEMPT} is"),
        (edit_and_reseal, "recorded/seal.json is not the file that was signed"),
        (another_platform, 'says platform is "example", and it is "another"'),
        (drop_recording, f"recordings.{ATTEMPT} is"),
        (drop_statement, "no statement about the run"),
        (later_claim, "claims.yaml is not the file that was signed"),
        (unreadable, "run.json"),
        (stranger, "note.txt: it is no attestation"),
        (strange_checklist, "9.99"),
    ],
)
def test_a_tampered_archive_says_what_differs(
    run: Path, key: Path, tmp_path: Path, tamper: Callable[[Path], None], says: str
) -> None:
    sign(run, key)
    out = archive.unpack(archive.pack(run, tmp_path / "a.tar.gz", run_id="k3x9"), tmp_path / "out")
    assert check(out, key).problems == ()
    tamper(out)
    problems = check(out, key).problems
    assert any(says in p for p in problems), problems


def test_a_signed_lie_is_found_by_judging_again(run: Path, key: Path) -> None:
    sign(run, key)
    path = run / "attestations" / "run.dsse.json"
    said = json.loads(signing.open_envelope(path.read_bytes()).payload)
    said["predicate"]["requirements"]["gang_scheduling"] = "PASS"
    path.write_bytes(signing.sign(json.dumps(said).encode(), signing.load_private(key)))
    lie = 'says requirements.gang_scheduling is "PASS", and it is "UNKNOWN"'
    assert any(lie in p for p in check(run, key).problems)


def test_another_release_may_judge_again(run: Path, key: Path) -> None:
    sign(run, key)
    assert check(run, key, judge=Suite(version="9.9.9")).problems == ()


def test_a_changed_run_is_not_signed(run: Path, key: Path) -> None:
    edit_observation(run)
    with pytest.raises(EvidenceError, match="was changed after the seal"):
        sign(run, key)
    assert not (run / "attestations").exists()


def test_keyless_without_its_library_says_how_to_get_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sigstore", None)
    with pytest.raises(EvidenceError, match=r"aiconform\[sigstore\]"):
        keyless.sign({"run": b"{}"})
    with pytest.raises(EvidenceError, match=r"aiconform\[sigstore\]"):
        attest.sign(run, judged_by=JUDGE, key=None)
