"""Makes a key and a self-signed certificate with the standard library alone, so that the key never leaves its pod.

For a test server that lives for minutes: ECDSA on P-256 (FIPS 186-5), X.509 v3 (RFC 5280), key as in RFC 5915.
"""

import base64
import datetime
import hashlib
import http.server
import json
import secrets
import ssl
import tempfile

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
EC_KEY = bytes.fromhex("06072a8648ce3d0201")
CURVE = bytes.fromhex("06082a8648ce3d030107")
ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")
COMMON_NAME = bytes.fromhex("0603550403")
KEY_USAGE = bytes.fromhex("0603551d0f")
ALTERNATIVE_NAME = bytes.fromhex("0603551d11")
CONSTRAINTS = bytes.fromhex("0603551d13")
EXTENDED_USAGE = bytes.fromhex("0603551d25")
SERVER = bytes.fromhex("06082b06010505070301")
SEQUENCE, SET, INTEGER, BITS, OCTETS, TEXT, TIME, TRUE = 0x30, 0x31, 0x02, 0x03, 0x04, 0x0C, 0x17, b"\x01\x01\xff"


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    rise, run = (3 * a[0] * a[0] - 3, 2 * a[1]) if a == b else (b[1] - a[1], b[0] - a[0])
    slope = rise * pow(run, -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k, point):
    out = None
    while k:
        if k & 1:
            out = add(out, point)
        point, k = add(point, point), k >> 1
    return out


def sign(key, data):
    digest = int.from_bytes(hashlib.sha256(data).digest(), "big")
    while True:
        k = 1 + secrets.randbelow(N - 1)
        r = times(k, G)[0] % N
        s = pow(k, -1, N) * (digest + r * key) % N
        if r and s:
            return der(SEQUENCE, number(r), number(s))


def der(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(length)]) + length + body


def number(n):
    return der(INTEGER, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def extension(kind, value, *critical):
    return der(SEQUENCE, kind, *critical, der(OCTETS, value))


def pem(title, data):
    lines = base64.encodebytes(data).decode().replace("\n", "")
    rows = "\n".join(lines[i : i + 64] for i in range(0, len(lines), 64))
    return f"-----BEGIN {title}-----\n{rows}\n-----END {title}-----\n"


def issue(name):
    """(certificate, key) for a DNS name, both PEM."""
    key = 1 + secrets.randbelow(N - 1)
    x, y = times(key, G)
    public = der(BITS, b"\x00\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    who = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(TEXT, b"aiconform test server"))))
    now = datetime.datetime.now(datetime.timezone.utc)
    # Clocks of nodes may differ.
    ends = [(now + datetime.timedelta(days=d)).strftime("%y%m%d%H%M%SZ").encode() for d in (-1, 2)]
    algorithm = der(SEQUENCE, ECDSA_SHA256)
    extensions = der(
        SEQUENCE,
        extension(CONSTRAINTS, der(SEQUENCE), TRUE),
        extension(KEY_USAGE, der(BITS, b"\x07\x80"), TRUE),
        extension(EXTENDED_USAGE, der(SEQUENCE, SERVER)),
        extension(ALTERNATIVE_NAME, der(SEQUENCE, der(0x82, name.encode()))),
    )
    content = der(
        SEQUENCE,
        der(0xA0, number(2)),
        number(secrets.randbits(120) | 1),
        algorithm,
        who,
        der(SEQUENCE, *(der(TIME, e) for e in ends)),
        who,
        der(SEQUENCE, der(SEQUENCE, EC_KEY, CURVE), public),
        der(0xA3, extensions),
    )
    certificate = der(SEQUENCE, content, algorithm, der(BITS, b"\x00" + sign(key, content)))
    private = der(SEQUENCE, number(1), der(OCTETS, key.to_bytes(32, "big")), der(0xA0, CURVE), der(0xA1, public))
    return pem("CERTIFICATE", certificate), pem("EC PRIVATE KEY", private)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def finish_request(self, request, client_address):
        # The handshake is done in the connection's own thread: a silent client must hold up nobody.
        request.settimeout(self.patience)
        super().finish_request(self.tls.wrap_socket(request, server_side=True), client_address)

    def handle_error(self, request, client_address):
        pass


def serve(probe, port, name, handler, patience):
    """Prints {"probe", "certificate": PEM} as one line, then serves HTTPS for ever with a certificate of this name.

    A connection that is silent for `patience` seconds is closed.
    """
    server = Server(("", port), handler)
    server.patience = patience
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = issue(name)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(certificate + key)
        file.flush()
        server.tls.load_cert_chain(file.name)
    print(json.dumps({"probe": probe, "certificate": certificate}), flush=True)
    server.serve_forever()
