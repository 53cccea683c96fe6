"""A small HTTPS server with certificates of its own, to connect to for real."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)
Answer = Callable[[dict[str, str], str], tuple[int, Any]]


@dataclass(frozen=True)
class Pair:
    """A certificate and its key as PEM texts."""

    cert: str
    key: str

    def save(self, folder: Path, name: str) -> tuple[Path, Path]:
        (folder / f"{name}.crt").write_text(self.cert)
        (folder / f"{name}.key").write_text(self.key)
        return folder / f"{name}.crt", folder / f"{name}.key"


class Authority:
    """A certificate authority for one test."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        now = dt.datetime.now(dt.UTC)
        builder = self._builder(self._name, self._key, now - DAY, now + DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
        )
        self.cert = _pem(builder.sign(self._key, hashes.SHA256()))

    def _builder(self, name: x509.Name, key: Any, start: dt.datetime, end: dt.datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
        )  # fmt: skip

    def issue(self, name: str, *, names: tuple[str, ...] = (), days: tuple[int, int] = (-1, 1)) -> Pair:
        """A certificate, valid between these days from now, for these DNS names and for 127.0.0.1 if none."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        who: list[x509.GeneralName] = [x509.DNSName(n) for n in names]
        who = who or [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = self._builder(subject, key, now + days[0] * DAY, now + days[1] * DAY)
        builder = builder.add_extension(x509.SubjectAlternativeName(who), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Pair(_pem(builder.sign(self._key, hashes.SHA256())), private.decode())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def version(_headers: dict[str, str], _path: str) -> tuple[int, Any]:
    """What /version of a 1.37 cluster says."""
    return 200, {"major": "1", "minor": "37", "gitVersion": "v1.37.1"}


@contextlib.asynccontextmanager
async def serve(
    folder: Path, authority: Authority, answer: Answer = version, *, names: tuple[str, ...] = (), mutual: bool = False
) -> AsyncIterator[str]:
    """Serves on 127.0.0.1 and yields the URL. `answer` gets lower-cased headers and the path. With `mutual`,
    the client's certificate is asked for, and its common name is the header "client-name".
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server", names=names).save(folder, "server"))
    if mutual:
        context.load_verify_locations(cadata=authority.cert)
        context.verify_mode = ssl.CERT_OPTIONAL

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
                peer = writer.get_extra_info("peercert") or {}
                for part in peer.get("subject", ()):
                    headers["client-name"] = part[0][1]
                code, body = answer(headers, first.split()[1])
                text = json.dumps(body).encode()
                top = f"HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
                writer.write(top.encode() + text)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
