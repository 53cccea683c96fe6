"""A client: sends requests, each on a new connection, and prints one line of JSON. Runs wherever python3 >= 3.9 is.

Argument: JSON {ways, find?, batches}.
  ways     [{host, port}] where the gateway may be reached
  find     {request, seconds}: every way is tried once a second until one leads to a backend, which is then taken;
           without one the batches are left out
  batches  [{name, cycle, rounds, times, every, until?}]: `rounds` rounds, `every` seconds apart, in each of which every
           request of `cycle` is sent `times` times. until {want: {request: [backend]}, rounds, seconds}: goes on until
           this many rounds in a row were answered as wanted ("" is: by no backend), for `seconds` at most.
           [{name, stream: request}]: one request, whose answer is timed part by part.
  request  {name, host, path, method, headers, body, to?, detail?}; `to` {host, port} goes past the gateway.

Answer: {"probe": "requests/1", found, ways, batches, sent}. A request is [name, ms since the start, local port, status,
backend, error] and, with `detail`, what the backend saw of it. status 0: there was no answer, and error says why.
"""

import hashlib
import http.client
import json
import socket
import sys
import time

BEGAN = time.monotonic()
PATIENCE = 10.0


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16] if text else ""


def now():
    return round((time.monotonic() - BEGAN) * 1000)


def why(error):
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "timeout"
    if isinstance(error, socket.gaierror):
        return "no such name"
    if isinstance(error, (ConnectionError, http.client.RemoteDisconnected)):
        return "closed"
    return f"{type(error).__name__}: {error}"


def opened(way, request, patience):
    link = http.client.HTTPConnection(way["host"], way["port"], timeout=patience)
    link.connect()
    body = request.get("body", "")
    link.putrequest(request.get("method", "GET"), request.get("path", "/"), skip_host=True, skip_accept_encoding=True)
    headers = {"Host": request["host"], "x-aiconform-case": request["name"], **request.get("headers", {})}
    if body:
        headers["Content-Type"] = "application/json"
        headers["Content-Length"] = str(len(body.encode()))
    for key, value in headers.items():
        link.putheader(key, value)
    link.endheaders(body.encode() if body else None)
    return link


def send(way, request, patience=PATIENCE):
    """[name, ms, port, status, backend, error] and what the backend saw."""
    at, port, status, seen, error, link = now(), 0, 0, {}, "", None
    try:
        link = opened(way, request, patience)
        port = link.sock.getsockname()[1]
        answer = link.getresponse()
        status = answer.status
        seen = json.loads(answer.read())
    except ValueError:
        pass  # an answer that no backend gave
    except (OSError, http.client.HTTPException) as e:
        error = why(e)
    finally:
        if link is not None:
            link.close()
    seen = seen if isinstance(seen, dict) and "backend" in seen else {}
    result = [request["name"], at, port, status, seen.get("backend", ""), error]
    if request.get("detail"):
        result.append({k: seen.get(k, "") for k in ("model", "credential", "body")})
    return result


def address(way):
    """The IP address behind a way; "" if its name has none."""
    try:
        return socket.getaddrinfo(way["host"], way["port"], type=socket.SOCK_STREAM)[0][4][0]
    except OSError:
        return ""


def find(ways, order):
    """(number of the way that leads to a backend, or -1; what each way came to)."""
    over = time.monotonic() + order["seconds"]
    while True:
        results = []
        for number, way in enumerate(ways):
            result = send(way, order["request"], 3.0)
            seen = {"status": result[3], "backend": result[4], "error": result[5], "peer": address(way)}
            results.append({**way, **seen})
            if result[4]:
                return number, results
        if time.monotonic() >= over:
            return -1, results
        time.sleep(1)


def as_wanted(results, want):
    return all(r[4] in want[r[0]] for r in results if r[0] in want)


def batch(way, order):
    results, right, until = [], 0, order.get("until")
    over = time.monotonic() + (until["seconds"] if until else 0)
    for _ in range(order["rounds"] if not until else sys.maxsize):
        next_round = time.monotonic() + order.get("every", 0)
        one = [send(request.get("to") or way, request) for request in order["cycle"] for _ in range(order["times"])]
        results += one
        if until:
            right = right + 1 if as_wanted(one, until["want"]) else 0
            if right >= until["rounds"] or time.monotonic() >= over:
                break
        time.sleep(max(next_round - time.monotonic(), 0))
    return results


def stream(way, request):
    """When the parts of one answer arrived: {status, arrivals: [ms]}."""
    arrivals, status, link = [], 0, None
    try:
        link = opened(way, request, PATIENCE)
        answer = link.getresponse()
        status = answer.status
        while answer.read1(65536):
            arrivals.append(now())
    except (OSError, http.client.HTTPException):
        pass
    finally:
        if link is not None:
            link.close()
    return {"status": status, "arrivals": arrivals}


def main():
    order = json.loads(sys.argv[1])
    out = {"probe": "requests/1", "found": 0, "ways": order["ways"], "batches": {}, "sent": {}}
    if order.get("find"):
        out["found"], out["ways"] = find(order["ways"], order["find"])
    if out["found"] < 0:
        order["batches"] = []
    way = order["ways"][out["found"]] if order["ways"] else None
    for one in order["batches"]:
        if "stream" in one:
            out["batches"][one["name"]] = stream(way, one["stream"])
            continue
        out["batches"][one["name"]] = batch(way, one)
        for request in one["cycle"]:
            if request.get("detail"):
                headers = request.get("headers", {})
                credential = digest(headers.get("Authorization", ""))
                out["sent"][request["name"]] = {"credential": credential, "body": digest(request.get("body", ""))}
    print(json.dumps(out), flush=True)


if __name__ == "__main__":
    main()
