"""An admission webhook that denies one ConfigMap and allows the others. Python 3.9 or newer, standard library only.

Argument: JSON {"port", "word", "name"}. `word` is put into every denial: nobody else knows it. `name` is the DNS name
that its certificate is for; it makes key and certificate itself (selfsigned.py), and no other process gets the key.
First it prints {"probe": "webhook/1", "certificate": PEM}, then after each request {"probe": "webhook/1", "reviewed":
[names], "count"}, each as one line of JSON.
"""

import http.server
import json
import sys

import selfsigned

SETTINGS = json.loads(sys.argv[1])
DENIED = "deny"
reviewed = []


def say():
    print(json.dumps({"probe": "webhook/1", "reviewed": reviewed[-20:], "count": len(reviewed)}), flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"ok " + SETTINGS["word"].encode(), "text/plain")

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = review["request"]
        name = request.get("name") or request["object"]["metadata"].get("name", "")
        reviewed.append(name)
        say()
        response = {"uid": request["uid"], "allowed": not name.startswith(DENIED)}
        if not response["allowed"]:
            response["status"] = {"code": 403, "message": "the canary says no: " + SETTINGS["word"]}
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        self.answer(json.dumps(body).encode(), "application/json")

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    selfsigned.serve("webhook/1", SETTINGS["port"], SETTINGS["name"], Handler, 20)


if __name__ == "__main__":
    main()
