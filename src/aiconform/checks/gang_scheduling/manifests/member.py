"""A member of a gang. It finds the others at the meeting point, exchanges a message with each, and ends.

Arguments: NAME GANG SIZE MEETING-ADDRESS STAY. Its own address comes from the variable POD_IP. Each time
something changes it prints one JSON line: {"name", "gang", "of", "met": [names], "trouble": "..."}. After all
members have reported that they met all others it stays for STAY seconds and ends with 0. Until then it waits,
like a distributed job that cannot begin: it ends with 3 only after PATIENCE seconds.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

MEETING_PORT, PORT = 7800, 7801
PATIENCE = 3600

name, gang, size, meeting, stay = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], float(sys.argv[5])
address = os.environ["POD_IP"]
began = time.monotonic()
report: dict[str, Any] = {"name": name, "gang": gang, "of": size, "met": [], "trouble": ""}
printed = ""


def say(**changes: Any) -> None:
    """Prints the report if it changed."""
    global printed
    report.update(changes)
    line = json.dumps(report, sort_keys=True)
    if line != printed:
        printed = line
        print(line, flush=True)


def serve() -> None:
    """Answers everybody who names themself with our name."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.create_server(("", PORT), family=family)
    while True:
        peer, _ = server.accept()
        threading.Thread(target=answer, args=(peer,), daemon=True).start()


def answer(peer: socket.socket) -> None:
    try:
        with peer:
            peer.settimeout(10)
            if peer.makefile().readline():
                peer.sendall((name + "\n").encode())
    except OSError:
        pass


def gather(stage: str) -> dict[str, str]:
    """Waits at the meeting point until all members have come to this stage; gives their addresses."""
    said = {"gang": gang, "name": name, "address": address, "of": size, "stage": stage}
    while time.monotonic() - began < PATIENCE:
        try:
            with socket.create_connection((meeting, MEETING_PORT), timeout=3) as point:
                point.settimeout(None)
                point.sendall((json.dumps(said) + "\n").encode())
                answered = point.makefile().readline()
            if answered:
                say(trouble="")
                found: dict[str, str] = json.loads(answered)["members"]
                return found
            say(trouble="the meeting point hung up")
        except OSError as error:
            say(trouble=f"the meeting point at {meeting}:{MEETING_PORT}: {error}")
        time.sleep(1)
    sys.exit(3)


def meet(members: dict[str, str]) -> None:
    """Exchanges a message with every other member, and with itself at its pod's address."""
    met: set[str] = set()
    while met != set(members) and time.monotonic() - began < PATIENCE:
        for other in sorted(set(members) - met):
            try:
                with socket.create_connection((members[other], PORT), timeout=3) as peer:
                    peer.settimeout(3)
                    peer.sendall((name + "\n").encode())
                    if peer.makefile().readline().strip() == other:
                        met.add(other)
            except OSError as error:
                say(trouble=f"{other} at {members[other]}:{PORT}: {error}")
        say(met=sorted(met - {name}) if size > 1 else sorted(met))
        if met != set(members):
            time.sleep(1)
    say(trouble="")


signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
say()
threading.Thread(target=serve, daemon=True).start()
meet(gather("join"))
gather("met")
time.sleep(stay)
