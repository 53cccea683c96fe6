"""DSSE envelopes: statements signed with a local key, or without one through sigstore.

A local key is ed25519, or ECDSA on a NIST curve, in a PEM file. Both sign deterministically, so that signing twice
gives the same bytes. Envelopes lie in `attestations/<statement>.dsse.json`; a sigstore bundle, which is
self-contained and checked offline too, in `attestations/<statement>.sigstore.json`.

Sources: DSSE v1 (secure-systems-lab/dsse, protocol.md); in-toto attestation, spec/v1/envelope.md; RFC 6979.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from aiconform.evidence.errors import EvidenceError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
KINDS = ("ed25519", "ecdsa")

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey
_HASHES: dict[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """An opened envelope. `keys` are the ids of the keys that signed, as the envelope claims."""

    payload: bytes
    keys: tuple[str, ...]
    signatures: tuple[bytes, ...]


def keygen(path: Path, kind: str = "ed25519", password: bytes = b"") -> str:
    """Writes a private key (mode 0600) to `path` and its public key to `path`.pub; returns the key's id.

    EvidenceError if one of them exists: a key is never overwritten.
    """
    if kind not in KINDS:
        raise EvidenceError(f"there is no kind of key {kind!r}: choose {' or '.join(KINDS)}")
    key: PrivateKey
    key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    public = path.with_name(path.name + ".pub")
    for target in (path, public):
        if target.exists() or target.is_symlink():
            raise EvidenceError(f"{target} is there already, and a key is never overwritten; choose another name")
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        public.write_bytes(_public_pem(key.public_key()))
    except OSError as error:
        raise EvidenceError(f"{error.filename or path} cannot be written: {error.strerror}") from None
    return key_id(key.public_key())


def key_id(key: PublicKey) -> str:
    """ "sha256:" and the digest of the public key's SubjectPublicKeyInfo (DER)."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256:" + hashlib.sha256(der).hexdigest()


def load_private(path: Path, password: bytes = b"") -> PrivateKey:
    """A private key from a PEM file. EvidenceError says what is wrong with it."""
    try:
        key = serialization.load_pem_private_key(_read(path), password or None)
    except TypeError:
        why = "is locked: give its password" if not password else "is not locked: give no password"
        raise EvidenceError(f"{path} {why}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise EvidenceError(f"{path} is no private key in PEM, or the password is wrong") from None
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) or not _usable(key):
        raise EvidenceError(f"{path} is neither ed25519 nor ECDSA; `aiconform evidence keygen` makes a key")
    return key


def load_public(path: Path) -> PublicKey:
    """A public key from a PEM file. EvidenceError says what is wrong with it."""
    try:
        key = serialization.load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm):
        raise EvidenceError(f"{path} is no public key in PEM; give the file that ends in .pub") from None
    if not isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey) or not _usable(key):
        raise EvidenceError(f"{path} is neither ed25519 nor ECDSA; `aiconform evidence keygen` makes a key")
    return key


def sign(payload: bytes, key: PrivateKey) -> bytes:
    """The DSSE envelope (JSON) of an in-toto statement."""
    message = pae(payload)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(message)
    else:
        signature = key.sign(message, ec.ECDSA(_HASHES[key.key_size], deterministic_signing=True))
    one = {"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [one],
    }
    return msgspec.json.format(msgspec.json.encode(envelope), indent=2) + b"\n"


def open_envelope(data: bytes) -> Envelope:
    """The content of an envelope; verifies nothing. EvidenceError if it is none."""
    try:
        content: Any = msgspec.json.decode(data)
        if content["payloadType"] != PAYLOAD_TYPE:
            raise EvidenceError(f"an envelope holds {content['payloadType']!r}, not an in-toto statement")
        return Envelope(
            payload=base64.b64decode(content["payload"], validate=True),
            keys=tuple(str(s.get("keyid", "")) for s in content["signatures"]),
            signatures=tuple(base64.b64decode(s["sig"], validate=True) for s in content["signatures"]),
        )
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, binascii.Error, ValueError):
        raise EvidenceError("an envelope is no DSSE envelope (JSON with payload and signatures)") from None


def verify(data: bytes, key: PublicKey) -> bytes:
    """The payload of an envelope that this key has signed. EvidenceError if it has not."""
    envelope = open_envelope(data)
    if any(_holds(key, s, pae(envelope.payload)) for s in envelope.signatures):
        return envelope.payload
    named = ", ".join(envelope.keys) or "no key"
    raise EvidenceError(f"the signature is not by the key {key_id(key)} (the envelope names {named})")


def pae(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _holds(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        else:
            key.verify(signature, message, ec.ECDSA(_HASHES[key.key_size]))
    except InvalidSignature:
        return False
    return True


def _usable(key: PrivateKey | PublicKey) -> bool:
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return key.curve.name in ("secp256r1", "secp384r1", "secp521r1")
    return True


def _public_pem(key: PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read: {error.strerror}; name a key in PEM") from None
