"""An admission webhook for scripts of faults, which run beside the lab."""

from __future__ import annotations

import base64
import datetime
import http.server
import ipaddress
import json
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lightkube import Client
from lightkube.resources.admissionregistration_v1 import ValidatingWebhookConfiguration
from lightkube.types import PatchType

PEM, PRIVATE = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
#: Gets the `request` of an AdmissionReview (admission.k8s.io/v1); returns why it is refused, "" to allow it.
Decide = Callable[[dict[str, Any]], str]


def serve(configuration: str, decide: Decide) -> None:
    """Serve the first webhook of a ValidatingWebhookConfiguration of the fault file, from now on.

    The file has it with failurePolicy Ignore and an address that leads nowhere: `mend` deletes it with the rest.
    """
    change = [
        {"op": "replace", "path": "/webhooks/0/clientConfig", "value": _listen(decide)},
        {"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Fail"},
    ]
    Client().patch(ValidatingWebhookConfiguration, configuration, change, patch_type=PatchType.JSON)
    # The API server takes it up within a second or so, and tells nobody.
    time.sleep(2)


def _listen(decide: Decide) -> dict[str, str]:
    """A server on the address of KUBECONFIG's API server, which can call back there; returns its `clientConfig`."""
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    address = urlparse(config["clusters"][0]["cluster"]["server"]).hostname
    certificate, both = _issue(address)
    server = http.server.ThreadingHTTPServer((address, 0), _handler(decide))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(both)
        file.flush()
        context.load_cert_chain(file.name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    bundle = base64.b64encode(certificate).decode()
    return {"url": f"https://{address}:{server.server_address[1]}/", "caBundle": bundle}


def _handler(decide: Decide) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
            why = decide(request)
            response = {"uid": request["uid"], "allowed": not why, "status": {"message": why}}
            review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(review).encode())

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _issue(address: str) -> tuple[bytes, bytes]:
    """A self-signed certificate for an address, and the same with its key behind it. PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hook")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
    certificate = made.add_extension(own, critical=False).sign(key, hashes.SHA256()).public_bytes(PEM)
    return certificate, certificate + key.private_bytes(PEM, PRIVATE, serialization.NoEncryption())
