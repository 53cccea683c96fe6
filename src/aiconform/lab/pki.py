"""Certificates and kubeconfigs of a lab: two authorities, EC P-256 keys, one year.

Files are named as kubeadm names them where it has a name for them (https://kubernetes.io/docs/setup/best-practices/certificates/).
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .layout import CLUSTER_DOMAIN, NODES, Addresses, Folder
from .state import write_atomically

_DAYS = 365


@dataclass(frozen=True)
class Authority:
    """A certificate authority with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _builder(name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # An hour back: the clocks of containers and of the host need not agree to the second.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
    )


def authority(common_name: str) -> Authority:
    """Make a self-signed authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(True, False, True, False, False, True, True, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def issue(ca: Authority, common_name: str, organization: str = "", names: Sequence[str] = ()) -> tuple[bytes, bytes]:
    """Issue a certificate (client, and server as well when `names` holds DNS names or addresses): PEM, PEM key."""
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    parts.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH] + ([ExtendedKeyUsageOID.SERVER_AUTH] if names else [])
    builder = (
        _builder(x509.Name(parts), ca.certificate.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_alt(name) for name in names]), critical=False)
    return _pem(builder.sign(ca.key, hashes.SHA256())), _pem_key(key)


def _alt(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def kubeconfig(context: str, server: str, ca: bytes, certificate: bytes, key: bytes) -> bytes:
    """A kubeconfig with one context and everything embedded."""

    def text(data: bytes) -> str:
        return base64.b64encode(data).decode()

    user = {"client-certificate-data": text(certificate), "client-key-data": text(key)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": text(ca)}}],
        "users": [{"name": context, "user": user}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        "current-context": context,
    }
    return yaml.safe_dump(document, sort_keys=False).encode()


def _write_pair(folder: Path, name: str, pair: tuple[bytes, bytes]) -> None:
    write_atomically(folder / f"{name}.crt", pair[0])
    write_atomically(folder / f"{name}.key", pair[1], 0o600)


def make(folder: Folder, name: str, addresses: Addresses, api_port: int) -> None:
    """Make every certificate and kubeconfig of the lab below `folder.pki` (and the admin's at `folder.kubeconfig`)."""
    folder.pki.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca, front = authority(f"aiconform-lab-{name}"), authority(f"aiconform-lab-{name}-front-proxy")
    _write_pair(folder.pki, "ca", (_pem(ca.certificate), _pem_key(ca.key)))
    write_atomically(folder.pki / "front-proxy-ca.crt", _pem(front.certificate))
    server_names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost", "127.0.0.1"]
    server_names += [f"kubernetes.default.svc.{CLUSTER_DOMAIN}", addresses.host, addresses.kubernetes]
    _write_pair(folder.pki, "apiserver", issue(ca, "kube-apiserver", names=server_names))
    kubelet_client = issue(ca, "kube-apiserver-kubelet-client", "system:masters")
    _write_pair(folder.pki, "apiserver-kubelet-client", kubelet_client)
    _write_pair(folder.pki, "front-proxy-client", issue(front, "front-proxy-client"))
    # An authority of its own for etcd: a kubelet's certificate must not open the database.
    etcd = authority(f"aiconform-lab-{name}-etcd")
    write_atomically(folder.pki / "etcd-ca.crt", _pem(etcd.certificate))
    _write_pair(folder.pki, "etcd", issue(etcd, "etcd", names=["localhost", addresses.database]))
    service_accounts = ec.generate_private_key(ec.SECP256R1())
    write_atomically(folder.pki / "sa.key", _pem_key(service_accounts), 0o600)
    public = service_accounts.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write_atomically(folder.pki / "sa.pub", public)
    for node in NODES:
        _write_pair(folder.pki, node, issue(ca, f"system:node:{node}", names=[node, addresses.node(node)]))
    clients = {
        "admin": ("aiconform-lab-admin", "system:masters"),
        "kube-controller-manager": ("system:kube-controller-manager", ""),
        "kube-scheduler": ("system:kube-scheduler", ""),
        "kube-proxy": ("system:kube-proxy", ""),
        "simaccel": ("aiconform-lab:simaccel", ""),
        "kwok": ("aiconform-lab:kwok", "system:masters"),
        **{f"kubelet-{node}": (f"system:node:{node}", "system:nodes") for node in NODES},
    }
    server, ca_pem = f"https://{addresses.host}:{api_port}", _pem(ca.certificate)
    for client, (user, group) in clients.items():
        certificate, key = issue(ca, user, group)
        context = f"aiconform-lab-{name}" if client == "admin" else client
        path = folder.kubeconfig if client == "admin" else folder.client(client)
        if client == "admin":
            _write_pair(folder.pki, "admin", (certificate, key))
        write_atomically(path, kubeconfig(context, server, ca_pem, certificate, key), 0o600)
