"""Whether the Gateway is programmed, and whether requests get through it. Pure."""

from typing import Any

from aiconform.checks.ai_inference.history import (
    condition,
    found_way,
    in_words,
    noted,
    route_condition,
    searches,
    stored,
)
from aiconform.judging import failed, passed, unable, unknown
from aiconform.model import Finding, Observation, Outcome, Recording

# The Gateway's own reasons for having no address; NoResources is a lack of load balancers or of room for proxies.
_ADDRESS = frozenset({"AddressNotAssigned", "AddressNotUsable", "UnsupportedAddress"})
# Redirects to TLS, and demands for credentials: a policy of the platform, which says nothing of its routes.
_BARRED = frozenset({301, 302, 303, 307, 308, 401, 403, 407, 429})
# From here on a gateway may say that it could not reach a backend; a 404 says that it knows no route.
_SERVER_ERROR = 500


def programs_a_gateway(rec: Recording) -> Finding:
    states = [(o, g) for o, g in stored(rec, "gateways") if not g["metadata"].get("deletionTimestamp")]
    if not states:
        return unable(rec, "gateway") or unknown("no Gateway was created", code="not-tried")
    seen, last = states[-1]
    conditions = (last.get("status") or {}).get("conditions")
    accepted, done = condition(last, conditions, "Accepted"), condition(last, conditions, "Programmed")
    if not accepted and not done:
        return _silent(rec, seen)
    if done.get("status") != "True":
        return _not_programmed(rec, seen, last, accepted, done)
    return _route(rec, seen)


def _silent(rec: Recording, seen: Observation) -> Finding:
    """Nobody took up the Gateway: is the controller gone, or not for Gateways at all?"""
    name = rec.facts["class"]["name"]
    because = f"the controller of class {name} said nothing of the Gateway in {rec.deadline('programmed'):.0f} s"
    if rec.facts.get("claimed"):
        return failed(f"{because}, and the operator named this class", cites=(seen.seq,))
    return unknown(f"{because}; it may not run any more", code="mechanism-silent", cites=(seen.seq,))


def _not_programmed(
    rec: Recording, seen: Observation, last: dict[str, Any], accepted: dict[str, Any], done: dict[str, Any]
) -> Finding:
    said = ", ".join(in_words(c) for c in (accepted, done) if c)
    if _port_unavailable(last):
        return unknown(f"the class can have none of the usual ports: {said}", code="no-port", cites=(seen.seq,))
    if done.get("reason") in _ADDRESS:
        way = found_way(rec)
        if way is not None and accepted.get("status") == "True":
            because = f"all but an address is there ({in_words(done)}), and requests got through by {way[1]['how']}"
            return passed(because, cites=(seen.seq, way[0].seq))
        return unknown(f"the Gateway got no address: {said}", code="no-reachable-address", cites=(seen.seq,))
    if done.get("reason") == "NoResources":
        return unknown(f"the platform has no room for the Gateway: {said}", code="blocked-by", cites=(seen.seq,))
    because = (
        f"the controller took the Gateway up, but in {rec.deadline('programmed'):.0f} s did not program it: {said}"
    )
    return failed(because, cites=(seen.seq,))


def _port_unavailable(last: dict[str, Any]) -> bool:
    listeners = (last.get("status") or {}).get("listeners") or []
    return any(
        condition(last, listener.get("conditions"), "Accepted").get("reason") == "PortUnavailable"
        for listener in listeners
    )


def _route(rec: Recording, seen: Observation) -> Finding:
    """The Gateway is programmed: its route must be accepted and resolved, too."""
    cites = [seen.seq]
    for kind in ("Accepted", "ResolvedRefs"):
        at, said = route_condition(rec, "split", kind)
        if at is None and not stored(rec, "httproutes", "split"):
            return unable(rec, "gateway") or unknown("no route was created", code="not-tried", cites=cites)
        if said.get("status") != "True":
            because = (
                f"the Gateway is programmed, but of a plain route to Services that are there it says: {in_words(said)}"
            )
            return failed(because, cites=cites)
        cites.append(at.seq if at else seen.seq)
    return passed("the Gateway is programmed, and the route accepted and resolved, as they were asked for", cites=cites)


def carries_requests_to_backends(rec: Recording) -> Finding:
    """A way in that leads to a backend; else what the Gateway's own addresses answered decides."""
    way = found_way(rec)
    if way is not None:
        seen, how = way
        return passed(f"a request to {how['host']}:{how['port']} ({how['how']}) reached a backend", cites=(seen.seq,))
    blocked = unable(rec, "gateway", "reach")
    looked = searches(rec)
    if blocked or not looked:
        return blocked or unknown("nobody looked for a way in", code="not-tried")
    said = "; ".join(f"{w['host']}:{w['port']} {w['status'] or w['error']}" for w in looked[0].body["ways"])
    programmed = programs_a_gateway(rec)
    if programmed.outcome is not Outcome.PASS:
        because = f"no address leads to a backend ({said}), and the Gateway is not programmed"
        return unknown(because, code=programmed.code or "not-programmed", cites=(looked[0].seq,))
    return _contradicted(rec, looked, said)


def _kept_out(rec: Recording) -> str:
    """Why a gateway that is sound may not reach our backends; "" if nothing is known."""
    if came := noted(rec, "network_policies"):
        return f"network policies came with the new namespaces ({', '.join(came)}): they may keep requests out"
    if others := rec.facts.get("policy_apis"):
        return f"policies of {', '.join(others)}, which were not read, may keep requests out"
    return ""


def _contradicted(rec: Recording, looked: tuple[Observation, ...], said: str) -> Finding:
    """Programmed, and not reached: its own address either speaks HTTP, or is closed, or cannot be reached.

    Only what pods saw counts: from elsewhere a private address may be somebody else's. So does a port of a node.
    """
    cites = [o.seq for o in looked]
    known_nodes, services = noted(rec, "nodes"), noted(rec, "services") or {}
    inside = [o for o in looked if o.subject.startswith("pods/")]
    stated = [w for o in inside for w in o.body["ways"] if w["how"] == "status"]
    own = [w for w in stated if known_nodes is not None and w["peer"] not in known_nodes]
    barred = sorted({w["status"] for w in own} & _BARRED)
    if barred:
        because = f"something stands before the gateway and answers with {', '.join(map(str, barred))}: {said}"
        return unknown(because, code="blocked-by", cites=cites)
    kept_out = _kept_out(rec)
    if kept_out and not any(0 < w["status"] < _SERVER_ERROR for w in own):
        return unknown(f"{kept_out}: {said}", code="blocked-by", cites=cites)
    if any(w["status"] and w["peer"] for w in own):
        because = f"the Gateway and the route are said to be in order, but their address never led to a backend: {said}"
        return failed(because, cites=cites)
    closed = own == stated and all(w["error"] == "refused" for w in own)
    if own and closed and services.get("listed"):
        because = f"the Gateway is said to be programmed, but nothing listens at its address: {said}"
        return failed(because, cites=cites)
    because = f"no address could be reached, from a pod or from here: {said}; name a way in with --mechanism"
    return unknown(because, code="no-reachable-address", cites=cites)
