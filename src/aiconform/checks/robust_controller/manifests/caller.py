"""Calls the webhook canary from another pod, as the API server would. Python 3.9 or newer, standard library only.

Argument: JSON {"address", "port", "name", "certificate", "seconds"}. Prints one line of JSON:
{"probe": "caller/1", "text"} with what it answered, or {"probe": "caller/1", "error"} if it never did.
"""

import http.client
import json
import socket
import ssl
import sys
import time


def call(settings):
    context = ssl.create_default_context(cadata=settings["certificate"])
    # A certificate that signs itself is no authority, which only strict readers mind.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    plain = socket.create_connection((settings["address"], settings["port"]), timeout=5)
    with context.wrap_socket(plain, server_hostname=settings["name"]) as secure:
        secure.sendall(b"GET /healthz HTTP/1.1\r\nHost: canary\r\nConnection: close\r\n\r\n")
        answer = http.client.HTTPResponse(secure)
        answer.begin()
        return answer.read().decode()


def main():
    settings = json.loads(sys.argv[1])
    over = time.monotonic() + settings["seconds"]
    while True:
        try:
            said = {"text": call(settings)}
        except (OSError, http.client.HTTPException) as error:
            said = {"error": str(error) or type(error).__name__}
        if "text" in said or time.monotonic() > over:
            print(json.dumps({"probe": "caller/1", **said}), flush=True)
            return
        time.sleep(0.5)


main()
