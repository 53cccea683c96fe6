"""What the client is told to do (see manifests/client.py), and the hosts and backends it is about. Pure."""

import json
from typing import Any

Request = dict[str, Any]
Batch = dict[str, Any]

HEADER = "x-gateway-model-name"
# Backends of the check's own namespace, and the one of the other namespace.
BACKENDS = ("one", "two", "three")
FOREIGN = "foreign"
# Routes by name: the host's first label is the same.
ROUTES = ("split", "models", "missing", "foreign")
WEIGHTS = {"one": 70, "two": 30, "three": 0}
FIRST_SAMPLE, SAMPLE, SAMPLES = 500, 1000, 4
EACH = 50
# A wait ends when this many rounds of this many requests in a row were answered as wanted.
ROUNDS, TIMES = 5, 5
# Seconds from round to round.
PAUSE = 0.5


def host(name: str, nonce: str) -> str:
    """The host of a route, or of none (`unknown`). The top level is reserved for tests (RFC 6761)."""
    return f"{name}-{nonce}.aiconform.test"


def request(name: str, nonce: str, *, to_host: str = "", **more: Any) -> Request:
    return {"name": name, "host": host(to_host or name, nonce), **more}


def directly(addresses: dict[str, str]) -> Batch:
    """Every backend past the gateway. `addresses`: backend -> its Service's address."""
    cycle = [{"name": f"direct-{n}", "host": n, "to": {"host": a, "port": 80}} for n, a in addresses.items()]
    return until("direct", cycle, {f"direct-{n}": [n] for n in addresses}, 30, rounds=1)


def until(name: str, cycle: list[Request], want: dict[str, list[str]], seconds: float, rounds: int = ROUNDS) -> Batch:
    return {
        "name": name, "cycle": cycle, "rounds": 0, "times": TIMES, "every": PAUSE,
        "until": {"want": want, "rounds": rounds, "seconds": seconds},
    }  # fmt: skip


def sample(nonce: str, number: int) -> Batch:
    count = SAMPLE if number else FIRST_SAMPLE
    return {"name": f"sample-{number}", "cycle": [request("split", nonce)], "rounds": count, "times": 1}


def by_header(nonce: str) -> list[Batch]:
    """Each value of the header, then chat completions, then one answer in parts."""
    values = {"model-a": "a", "model-b": "b", "model-other": nonce, "model-none": ""}
    cycle = [
        request(name, nonce, to_host="models", headers={HEADER: value} if value else {})
        for name, value in values.items()
    ]
    chat = {
        "model": "a",
        "messages": [{"role": "user", "content": f"Do the weights hold, {nonce}? — answer in one word."}],
        "stream": False,
        "temperature": 0.0,
    }
    post = request(
        "chat", nonce, to_host="models", method="POST", path="/v1/chat/completions", detail=True,
        body=json.dumps(chat, ensure_ascii=False), headers={HEADER: "a", "Authorization": f"Bearer sk-{nonce}-{nonce}"},
    )  # fmt: skip
    streamed = request("stream", nonce, to_host="models", path="/stream")
    return [
        {"name": "models", "cycle": cycle, "rounds": EACH, "times": 1},
        {"name": "chat", "cycle": [post], "rounds": EACH, "times": 1},
        {"name": "stream", "stream": streamed},
    ]


def refusals(nonce: str, seconds: float) -> Batch:
    """What must reach nobody, and between it what must be served."""
    cycle = [request(n, nonce) for n in ("split", "unknown", "missing", "foreign")]
    return {"name": "refusals", "cycle": cycle, "rounds": max(round(seconds / PAUSE), 5), "times": 2, "every": PAUSE}
