"""A model server's metrics without a model: what it serves is counted, and nothing else.

Argument: JSON {"port": N, "run": text, "target": text, "listen": bool}. With listen false it only waits, so that its
port is closed. GET /metrics answers in the Prometheus text format 0.0.4; GET /drive?until=N&waiting=W makes it send
requests to itself, one after the other, until it has served N (so that asking twice does no harm), and answers
{"served": N}. Every sample has the labels aiconform_run and aiconform_target; one more, aiconform:claimed, has labels
that claim another pod's name. Python 3.9 or newer, standard library only.
"""

import http.client
import json
import random
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
# Latencies that are told, not taken: exact in binary, so that sums can be compared to the last digit.
LATENCIES = (0.03125, 0.0625, 0.1875, 0.375, 0.75, 2.0)


class Counts:
    """What was served; one lock for all, so that a scrape never sees half a request."""

    def __init__(self, run, target):
        self.own = f'aiconform_run="{run}",aiconform_target="{target}"'
        self.nonce = random.SystemRandom().randrange(10**8, 10**9)
        self.lock = threading.Lock()
        self.served, self.waiting, self.sum = 0, 0, 0.0
        self.buckets = [0] * len(BUCKETS)

    def serve(self):
        with self.lock:
            latency = LATENCIES[self.served % len(LATENCIES)]
            self.served += 1
            self.sum += latency
            for i, bound in enumerate(BUCKETS):
                self.buckets[i] += latency <= bound

    def text(self):
        with self.lock:
            return "\n".join(self.lines()) + "\n"

    def lines(self):
        own, latency = self.own, "aiconform:e2e_request_latency_seconds"
        yield "# TYPE aiconform_nonce gauge"
        yield f"aiconform_nonce{{{own}}} {self.nonce}"
        yield "# TYPE aiconform:request_success_total counter"
        yield f'aiconform:request_success_total{{{own},finished_reason="stop"}} {self.served}'
        yield "# TYPE aiconform:num_requests_waiting gauge"
        yield f"aiconform:num_requests_waiting{{{own}}} {self.waiting}"
        yield f"# TYPE {latency} histogram"
        for i, bound in enumerate(BUCKETS):
            yield f'{latency}_bucket{{{own},le="{bound}"}} {self.buckets[i]}'
        yield f'{latency}_bucket{{{own},le="+Inf"}} {self.served}'
        yield f"{latency}_sum{{{own}}} {self.sum}"
        yield f"{latency}_count{{{own}}} {self.served}"
        yield "# TYPE aiconform:claimed gauge"
        yield f'aiconform:claimed{{{own},namespace="aiconform-claimed",pod="aiconform-claimed"}} 1'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    counts = None

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/metrics":
            self.answer("text/plain; version=0.0.4; charset=utf-8", self.counts.text())
        elif url.path == "/v1/completions":
            self.counts.serve()
            self.answer("application/json", "{}")
        elif url.path == "/drive":
            query = parse_qs(url.query)
            self.drive(int(query["until"][0]), int(query["waiting"][0]))
        else:
            self.send_error(404)

    def drive(self, until, waiting):
        link = http.client.HTTPConnection("localhost", self.server.server_port, timeout=30)
        while self.counts.served < until:
            link.request("GET", "/v1/completions")
            link.getresponse().read()
        link.close()
        self.counts.waiting = waiting
        self.answer("application/json", json.dumps({"served": self.counts.served}))

    def answer(self, kind, text):
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    address_family = socket.AF_INET6

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class Server4(ThreadingHTTPServer):
    daemon_threads = True


def serve(port):
    try:
        server = Server(("::", port), Handler)
    except OSError:
        server = Server4(("", port), Handler)
    server.serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    asked = json.loads(sys.argv[1])
    if not asked["listen"]:
        while True:
            signal.pause()
    Handler.counts = Counts(asked["run"], asked["target"])
    serve(asked["port"])
