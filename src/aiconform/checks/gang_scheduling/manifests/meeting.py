"""The meeting point: a plain pod outside any gang, where members learn each other's addresses.

No cluster DNS and no Service is needed. Each line is one JSON object over TCP. A member says
{"gang", "name", "address", "of", "stage"} and gets {"members": {name: address}} once `of` different names of
the gang have said the same stage; until then the connection is held. A member whose connection breaks
before that has left.
"""

import json
import os
import signal
import socket
import socketserver
import threading

PORT = 7800

Stage = tuple[str, str]  # gang, stage

waiting: dict[Stage, dict[str, tuple[str, int]]] = {}  # name -> address, number of the connection
done: dict[Stage, dict[str, str]] = {}  # name -> address, once all had come
turn = threading.Condition()


class Visit(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        line = self.rfile.readline()
        if not line:
            return
        said = json.loads(line)
        key, name = (said["gang"], said["stage"]), said["name"]
        with turn:
            here = waiting.setdefault(key, {})
            here[name] = (said["address"], id(self))
            if len(here) >= said["of"]:
                done[key] = {n: a for n, (a, _) in here.items()}
                waiting[key] = {}
                turn.notify_all()
        while name not in done.get(key, {}) or done[key][name] != said["address"]:
            with turn:
                turn.wait(1)
            if self.has_left():
                with turn:
                    if waiting.get(key, {}).get(name, ("", 0))[1] == id(self):
                        del waiting[key][name]
                return
        self.wfile.write((json.dumps({"members": done[key]}) + "\n").encode())

    def has_left(self) -> bool:
        try:
            self.request.setblocking(False)
            return not self.request.recv(1)
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.request.setblocking(True)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    if ":" in os.environ.get("POD_IP", ""):
        Server.address_family = socket.AF_INET6
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    with Server(("", PORT), Visit) as server:
        print(json.dumps({"listens": PORT}), flush=True)
        server.serve_forever()
