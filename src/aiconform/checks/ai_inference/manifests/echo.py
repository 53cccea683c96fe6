"""A backend: answers every request with its own name and what arrived. Runs in any image with python3 >= 3.9.

Argument: its name. Listens on port 8080. GET /stream answers in ten parts, 0.2 s apart, as server-sent events.
Each request with the header x-aiconform-case is printed as one line of JSON.
"""

import hashlib
import http.server
import json
import os
import socket
import sys
import time

PARTS, PAUSE = 10, 0.2


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16] if data else ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        # Head and body go out in two writes: without this the second may wait for an acknowledgement.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        case = self.headers.get("x-aiconform-case")
        if case:
            print(json.dumps({"case": case}), flush=True)
        if self.path.startswith("/stream"):
            self.stream()
            return
        said = {
            "backend": sys.argv[1],
            "pod": os.uname().nodename,
            "path": self.path,
            "model": self.headers.get("x-gateway-model-name") or "",
            "credential": digest((self.headers.get("Authorization") or "").encode()),
            "body": digest(body),
        }
        data = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for n in range(PARTS):
            part = f"data: {n}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()
            time.sleep(PAUSE)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    request_queue_size = 128

    def server_bind(self):
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


Server(("", 8080), Handler).serve_forever()
