"""A small implementation of Gateway API that is sound, or wrong or unusual in chosen ways. Runs beside the lab.

Arguments: modes, see below. Serves the class `toy`, for which it listens on the lab's host address. One request a
connection. Prints "ready" when the class is accepted. It looks several times a second.

sound               as it should be
ignores-weights     every backend gets the same
takes-turns         weights without chance: 7 here, 3 there
sticky              a client always gets the backend of its first request
feeds-weight-zero   one request in forty goes to a backend of weight zero
ignores-headers     a rule's headers are not looked at
programs-once       what a route said first stays, also when it is changed
keeps-deleted       a deleted route goes on
ignores-grants      sends to other namespaces without being allowed to, and says that it does not
guesses-backends    where a Service is missing it takes another one, and says that all is well
says-resolved       says of every route that its references are in order
any-host            hosts that no route names get the first route that has a backend
takes-credentials   removes the Authorization header
cuts-bodies         changes what is sent
buffers             holds answers back until they are whole
slow                takes up changes five seconds late
never-programs      accepts Gateways and does not program them
silent              accepts the class and nothing else
says-only           there is no data plane: its address is closed
dead-address        there is no data plane: its address leads nowhere
not-found           the data plane answers 404 to everything
by-service          no address is assigned; a Service with the usual label leads to it
by-name             the address is a host name
other-port          port 80 is not available, only 8000 is
"""

import asyncio
import itertools
import os
import random
import re
import sys
import time
from pathlib import Path
from typing import Any

import yaml
from lightkube import ApiError, AsyncClient
from lightkube.generic_resource import create_global_resource, create_namespaced_resource
from lightkube.types import PatchType

GROUP, CONTROLLER, CLASS = "gateway.networking.k8s.io", "aiconform.dev/toy-gateway", "toy"
GatewayClass = create_global_resource(GROUP, "v1", "GatewayClass", "gatewayclasses")
Gateway = create_namespaced_resource(GROUP, "v1", "Gateway", "gateways")
HTTPRoute = create_namespaced_resource(GROUP, "v1", "HTTPRoute", "httproutes")
ReferenceGrant = create_namespaced_resource(GROUP, "v1beta1", "ReferenceGrant", "referencegrants")
Service = create_namespaced_resource("", "v1", "Service", "services")
EndpointSlice = create_namespaced_resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
LABEL = f"{GROUP}/gateway-name"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def condition(obj: Any, kind: str, good: bool, reason: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": "True" if good else "False",
        "reason": reason,
        "message": f"the toy says {reason}",
        "observedGeneration": obj["metadata"]["generation"],
        "lastTransitionTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


class Rule:
    """Headers (name -> value) and backends [(ClusterIP or "", weight)]."""

    def __init__(self, headers: dict[str, str], backends: list[tuple[str, int]]) -> None:
        self.headers, self.backends = headers, backends
        whole = [ip for ip, weight in backends for _ in range(weight // 10 or bool(weight))]
        self.turns = itertools.cycle(whole or [""])


class Toy:
    def __init__(self, modes: set[str], host: str) -> None:
        self.modes, self.host = modes, host
        self.client = AsyncClient()
        self.routes: dict[str, tuple[str, list[Rule]]] = {}
        self.plans: list[tuple[float, dict[str, tuple[str, list[Rule]]]]] = []
        self.clients: dict[str, str] = {}
        self.servers: dict[int, asyncio.Server] = {}
        self.said: dict[str, Any] = {}

    # -- control plane ---------------------------------------------------------------------------------------

    async def run(self) -> None:
        told = False
        while True:
            try:
                await self.look()
                if not told and self.said:
                    print("ready", flush=True)
                    told = True
            except ApiError as error:
                print(error, flush=True)
            await asyncio.sleep(0.3)

    async def all(self, kind: Any) -> list[Any]:
        where = {} if kind is GatewayClass else {"namespace": "*"}
        return [o async for o in self.client.list(kind, **where)]

    async def look(self) -> None:
        for one in await self.all(GatewayClass):
            if one["spec"]["controllerName"] == CONTROLLER:
                await self.say(one, {"conditions": [condition(one, "Accepted", True, "Accepted")]})
        if "silent" in self.modes:
            return
        gateways = {
            (g["metadata"]["namespace"], g["metadata"]["name"]): g
            for g in await self.all(Gateway)
            if g["spec"]["gatewayClassName"] == CLASS
        }
        services = {(s.metadata.namespace, s.metadata.name): s["spec"]["clusterIP"] for s in await self.all(Service)}
        grants = [(g["metadata"]["namespace"], g["spec"]) for g in await self.all(ReferenceGrant)]
        for gateway in gateways.values():
            await self.gateway(gateway)
        now: dict[str, tuple[str, list[Rule]]] = {}
        for route in await self.all(HTTPRoute):
            parent = (route["metadata"]["namespace"], route["spec"]["parentRefs"][0]["name"])
            if parent in gateways:
                now[route["metadata"]["uid"]] = await self.route(route, services, grants)
        self.take_up(now)

    def take_up(self, now: dict[str, tuple[str, list[Rule]]]) -> None:
        """Gives the data plane its routes, at once or late, all of them or not."""
        if self.modes & {"keeps-deleted", "programs-once"}:
            now = self.routes | now
        if "programs-once" in self.modes:
            now = now | self.routes
        self.plans.append((time.monotonic() + (5 if "slow" in self.modes else 0), now))
        while self.plans and self.plans[0][0] <= time.monotonic():
            self.routes = self.plans.pop(0)[1]

    async def say(self, obj: Any, status: dict[str, Any]) -> None:
        """Writes a status, once for each thing that it says."""
        key = f"{obj['kind']}/{obj['metadata']['uid']}"
        plain = re.sub(r"'lastTransitionTime': '[^']*'", "", str(status))
        if self.said.get(key) == plain:
            return
        meta = obj["metadata"]
        where = {"namespace": meta["namespace"]} if meta.get("namespace") else {}
        kind = {"GatewayClass": GatewayClass, "Gateway": Gateway, "HTTPRoute": HTTPRoute}[obj["kind"]]
        await self.client.patch(kind.Status, meta["name"], {"status": status}, patch_type=PatchType.MERGE, **where)
        self.said[key] = plain

    async def gateway(self, obj: Any) -> None:
        port = obj["spec"]["listeners"][0]["port"]
        if "other-port" in self.modes and port != 8000:
            listener = self.listener(obj, [condition(obj, "Accepted", False, "PortUnavailable")])
            conditions = [condition(obj, k, False, "ListenersNotValid") for k in ("Accepted", "Programmed")]
            await self.say(obj, {"conditions": conditions, "listeners": [listener]})
            return
        if not self.modes & {"says-only", "dead-address"} and port not in self.servers:
            self.servers[port] = await asyncio.start_server(self.serve, self.host, port, reuse_address=True)
        programmed = condition(obj, "Programmed", True, "Programmed")
        if "never-programs" in self.modes:
            programmed = condition(obj, "Programmed", False, "Invalid")
        address: list[dict[str, str]] = [{"type": "IPAddress", "value": self.host}]
        if "dead-address" in self.modes:
            # TEST-NET-1 of RFC 5737.
            address = [{"type": "IPAddress", "value": "192.0.2.80"}]
        if self.modes & {"by-service", "by-name"}:
            await self.lead_here(obj, port)
            name = f"{obj['metadata']['name']}.{obj['metadata']['namespace']}.svc.cluster.local"
            address = [{"type": "Hostname", "value": name}]
        if "by-service" in self.modes:
            address, programmed = [], condition(obj, "Programmed", False, "AddressNotAssigned")
        listener = self.listener(obj, [condition(obj, k, True, k) for k in ("Accepted", "Programmed")])
        conditions = [condition(obj, "Accepted", True, "Accepted"), programmed]
        await self.say(obj, {"addresses": address, "conditions": conditions, "listeners": [listener]})

    @staticmethod
    def listener(obj: Any, conditions: list[dict[str, Any]]) -> dict[str, Any]:
        kinds = [{"group": GROUP, "kind": "HTTPRoute"}]
        name = obj["spec"]["listeners"][0]["name"]
        return {"name": name, "attachedRoutes": 0, "supportedKinds": kinds, "conditions": conditions}

    async def lead_here(self, obj: Any, port: int) -> None:
        """A Service of the Gateway's own that leads to this process."""
        own, name = obj["metadata"], obj["metadata"]["name"]
        if f"service/{own['uid']}" in self.said:
            return
        owner = {"apiVersion": f"{GROUP}/v1", "kind": "Gateway", "name": name, "uid": own["uid"]}
        meta = {"name": name, "namespace": own["namespace"], "labels": {LABEL: name}, "ownerReferences": [owner]}
        ports = [{"name": "http", "port": port, "targetPort": port}]
        await self.client.create(Service(apiVersion="v1", kind="Service", metadata=meta, spec={"ports": ports}))
        slices = EndpointSlice(
            apiVersion="discovery.k8s.io/v1",
            kind="EndpointSlice",
            metadata=meta | {"labels": {"kubernetes.io/service-name": name}},
            addressType="IPv4",
            endpoints=[{"addresses": [self.host], "conditions": {"ready": True}}],
            ports=[{"name": "http", "port": port, "protocol": "TCP"}],
        )
        await self.client.create(slices)
        self.said[f"service/{own['uid']}"] = True

    async def route(self, obj: Any, services: dict[tuple[str, str], str], grants: list[Any]) -> tuple[str, list[Rule]]:
        """(host, rules) for the data plane; says what it thinks of the route's references."""
        home, reason, rules = obj["metadata"]["namespace"], "ResolvedRefs", []
        for rule in obj["spec"]["rules"]:
            backends = []
            for ref in rule["backendRefs"]:
                namespace = ref.get("namespace", home)
                address = services.get((namespace, ref["name"]), "")
                if namespace != home and not self.allowed(home, namespace, grants):
                    reason = "RefNotPermitted"
                    address = address if "ignores-grants" in self.modes else ""
                elif not address:
                    reason = "BackendNotFound"
                    if "guesses-backends" in self.modes:
                        address, reason = services.get((home, "one"), ""), "ResolvedRefs"
                backends.append((address, ref.get("weight", 1)))
            matches = (rule.get("matches") or [{}])[0]
            rules.append(Rule({h["name"].lower(): h["value"] for h in matches.get("headers") or []}, backends))
        if "says-resolved" in self.modes:
            reason = "ResolvedRefs"
        conditions = [
            condition(obj, "Accepted", True, "Accepted"),
            condition(obj, "ResolvedRefs", reason == "ResolvedRefs", reason),
        ]
        parent = {"name": obj["spec"]["parentRefs"][0]["name"]}
        status = {"parents": [{"parentRef": parent, "controllerName": CONTROLLER, "conditions": conditions}]}
        await self.say(obj, status)
        return obj["spec"]["hostnames"][0], rules

    @staticmethod
    def allowed(home: str, namespace: str, grants: list[Any]) -> bool:
        return any(n == namespace and any(f["namespace"] == home for f in g["from"]) for n, g in grants)

    # -- data plane ------------------------------------------------------------------------------------------

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            address = self.choose(head.decode("latin-1"), writer.get_extra_info("peername")[0])
            if address is None:
                writer.write(NOT_FOUND)
            elif not address:
                writer.write(ERROR)
            else:
                await self.forward(self.changed(head), address, reader, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def choose(self, head: str, client: str) -> str | None:
        """The backend's address; "" for an error, None where no route fits."""
        lines = [line.partition(":") for line in head.split("\r\n")[1:]]
        headers = {name.strip().lower(): value.strip() for name, _, value in lines}
        wanted = [rules for host, rules in self.routes.values() if host == headers.get("host")]
        if not wanted and "any-host" in self.modes:
            wanted = [rules for _, rules in self.routes.values() if any(ip for ip, _ in rules[0].backends)]
        if not wanted or "not-found" in self.modes:
            return None
        for rule in wanted[0]:
            if "ignores-headers" in self.modes or rule.headers.items() <= headers.items():
                return self.weigh(rule, client)
        return None

    def weigh(self, rule: Rule, client: str) -> str:
        if "ignores-weights" in self.modes:
            return random.choice(rule.backends)[0]
        if "feeds-weight-zero" in self.modes and random.random() < 0.025:
            return next((ip for ip, weight in rule.backends if not weight), rule.backends[0][0])
        if "takes-turns" in self.modes:
            return next(rule.turns)
        if not sum(w for _, w in rule.backends):
            return ""
        chosen = random.choices([ip for ip, _ in rule.backends], [w for _, w in rule.backends])[0]
        if "sticky" in self.modes and len(rule.backends) > 1:
            there = {ip for ip, weight in rule.backends if weight}
            if self.clients.get(client) not in there:
                self.clients[client] = rule.backends[0][0] if rule.backends[0][1] else chosen
            return self.clients[client]
        return chosen

    def changed(self, head: bytes) -> bytes:
        if "takes-credentials" in self.modes:
            head = re.sub(rb"(?i)\r\nauthorization:[^\r]*", b"", head)
        return head

    async def forward(
        self, head: bytes, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        back_reader, back_writer = await asyncio.open_connection(address, 80)
        back_writer.write(head)
        up = asyncio.create_task(self.pipe(reader, back_writer, "cuts-bodies" in self.modes))
        held = b""
        while part := await back_reader.read(65536):
            held += part
            if "buffers" not in self.modes or b"chunked" not in held[:300] or held.endswith(b"0\r\n\r\n"):
                writer.write(held)
                await writer.drain()
                held = b""
        up.cancel()
        back_writer.close()

    @staticmethod
    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cuts: bool) -> None:
        try:
            while part := await reader.read(65536):
                writer.write(part.replace(b"temperature", b"Temperature") if cuts else part)
                await writer.drain()
        finally:
            # The client has gone: so must the way to the backend.
            writer.close()


def main() -> None:
    with Path(os.environ["KUBECONFIG"]).open() as file:
        server = yaml.safe_load(file)["clusters"][0]["cluster"]["server"]
    asyncio.run(Toy(set(sys.argv[1:]), server.split("//")[1].rpartition(":")[0]).run())


if __name__ == "__main__":
    main()
