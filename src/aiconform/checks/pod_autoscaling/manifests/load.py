"""Exports a load that is set from outside, and says which device nodes this container can open.

Arguments: the port; JSON {"paths": [glob patterns of device nodes], "target": text of the label}. At start it prints
{"probe": "load/1", "opened": [{"path", "major", "minor"}], "failed": {path: errno name}} as one line.
GET /metrics: Prometheus text; without a value the gauge is not there. GET /load: {"value"}. POST /load {"value": number
or null}: sets it. Python 3.9 or newer, standard library only.
"""

import errno
import glob
import json
import os
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATE = {"value": None, "requests": 0}


def look(patterns):
    opened, failed = [], {}
    for path in sorted({p for pattern in patterns for p in glob.glob(pattern)}):
        for mode in (os.O_RDWR, os.O_RDONLY):
            try:
                handle = os.open(path, mode | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                failed[path] = errno.errorcode.get(error.errno, str(error.errno))
                continue
            number = os.fstat(handle).st_rdev
            os.close(handle)
            failed.pop(path, None)
            opened.append({"path": path, "major": os.major(number), "minor": os.minor(number)})
            break
    return opened, failed


def page(target):
    label = '{aiconform_target="%s"}' % target
    lines = ["# TYPE aiconform_requests_total counter", "aiconform_requests_total%s %d" % (label, STATE["requests"])]
    if STATE["value"] is not None:
        lines += ["# TYPE aiconform_load gauge", "aiconform_load%s %s" % (label, STATE["value"])]
    return "\n".join(lines) + "\n"


class Handler(BaseHTTPRequestHandler):
    target = ""

    def do_GET(self):
        STATE["requests"] += 1
        if self.path.startswith("/metrics"):
            self.answer(page(self.target).encode(), "text/plain; version=0.0.4; charset=utf-8")
        else:
            self.answer(json.dumps({"value": STATE["value"]}).encode(), "application/json")

    def do_POST(self):
        STATE["requests"] += 1
        size = int(self.headers.get("Content-Length") or 0)
        STATE["value"] = json.loads(self.rfile.read(size))["value"]
        self.answer(json.dumps({"value": STATE["value"]}).encode(), "application/json")

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # Pods may have addresses of one family only, or of both.
    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET

    def server_bind(self):
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


if __name__ == "__main__":
    config = json.loads(sys.argv[2])
    found, refused = look(config["paths"])
    print(json.dumps({"probe": "load/1", "opened": found, "failed": refused}), flush=True)
    Handler.target = config["target"]
    Server(("", int(sys.argv[1])), Handler).serve_forever()
