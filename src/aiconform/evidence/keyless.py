"""Signing without a key, and checking such signatures, through sigstore's own library (the extra `sigstore`).

Signing needs the network and an identity: that of the CI job that runs it, or one from a browser. Checking uses the
trusted root that the library keeps, and with `offline` it asks nobody.
"""

import importlib
from collections.abc import Mapping
from typing import Any

from aiconform.evidence.errors import EvidenceError
from aiconform.evidence.signing import PAYLOAD_TYPE


def sign(payloads: Mapping[str, bytes], *, token: str = "") -> dict[str, bytes]:
    """Name -> sigstore bundle (JSON) of each in-toto statement.

    `token` is an OpenID Connect token; without one the CI's ambient identity is taken, else a browser opened.
    EvidenceError if the library is missing, or if sigstore cannot be reached or refuses.
    """
    sign_module, models, oidc, dsse = (_library(m) for m in ("sign", "models", "oidc", "dsse"))
    error = _library("errors").Error
    try:
        config = models.ClientTrustConfig.production()
        raw = token or oidc.detect_credential()
        identity = (
            oidc.IdentityToken(raw) if raw else oidc.Issuer(config.signing_config.get_oidc_url()).identity_token()
        )
        context = sign_module.SigningContext.from_trust_config(config)
        with context.signer(identity) as signer:
            bundles = {n: signer.sign_dsse(dsse.Statement(p)) for n, p in payloads.items()}
    except (error, OSError, ValueError) as why:
        raise EvidenceError(f"sigstore did not sign ({_one_line(why)}); try again online, or sign with --key") from why
    return {name: str(bundle.to_json()).encode() + b"\n" for name, bundle in bundles.items()}


def verify(data: bytes, *, identity: str, issuer: str = "", offline: bool = True) -> bytes:
    """The payload of a bundle signed by `identity` (an address or URI), vouched for by `issuer` if given.

    EvidenceError if it is not, or if it cannot be checked.
    """
    verify_module, models = (_library(m) for m in ("verify", "models"))
    error = _library("errors").Error
    try:
        bundle = models.Bundle.from_json(data)
        policy = verify_module.policy.Identity(identity=identity, issuer=issuer or None)
        kind, payload = verify_module.Verifier.production(offline=offline).verify_dsse(bundle, policy)
    except (error, OSError, ValueError) as why:
        raise EvidenceError(f"the sigstore signature does not hold for {identity}: {_one_line(why)}") from why
    if kind != PAYLOAD_TYPE:
        raise EvidenceError(f"the sigstore bundle holds {kind!r}, not an in-toto statement")
    return bytes(payload)


def _library(module: str) -> Any:
    try:
        return importlib.import_module(f"sigstore.{module}")
    except ImportError:
        raise EvidenceError(
            "this needs sigstore's library: `pip install 'aiconform[sigstore]'`, or sign with --key"
        ) from None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
