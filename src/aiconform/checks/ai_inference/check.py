"""AI inference: Gateway API that really steers traffic.

## What it asks
The platform supports the Kubernetes Gateway API with an implementation for the traffic management that inference
services need: weighted splits, and routing by headers. A mesh integration is optional.

## How it is proved
For every accepted GatewayClass, in namespaces of the check. Backends are small servers that answer with their own
name; requests come from a client pod, each on a new connection, and every answer is recorded.

1. The client reaches every backend through its Service, without any gateway (the canary).
2. A Gateway of the class with one HTTP listener on port 80 (8000 or 8080 where the class says that this port is not
   available). It must be accepted and programmed at its current generation, and a route accepted and resolved.
3. The client looks for a way in: the addresses of the Gateway's status, then a Service that belongs to it (by the label
   gateway.networking.k8s.io/gateway-name, by its owner, or by a label with the Gateway's random name), then port 80
   of the node; where none of them answers, the addresses are tried from where aiconform runs.
4. Weights 70, 30 and 0, 500 requests: the shares must lie in the band that chance leaves in 99.9 % of such samples,
   and nothing may reach the third. Outside of the band, it is repeated up to three times with 1000 requests.
5. The weights become 0, 0 and 100: within the propagation time all requests must go to the third backend.
6. The header x-gateway-model-name chooses the backend: 50 requests each with value a, with value b, with another value,
   and without the header. The same with a POST that looks like a chat completion, whose body and Authorization header
   must arrive as they were sent.
7. A host that no route names, a route to a Service that does not exist, and a route to a Service of another namespace
   that has not allowed it (no ReferenceGrant): none may reach a backend. Then the other namespace allows it, and the
   same route must serve.
8. A route is deleted: within the propagation time its requests must stop reaching backends, while those of another
   route still do.

Beside that it records, without judging it, whether an answer in ten parts arrives in parts (server-sent events, as
models stream their tokens), and which features of meshes the class declares.

`--mechanism ai_inference=CLASS` tries one GatewayClass only. Classes that are known to be for meshes or for several
clusters are tried only so. `--mechanism ai_inference=CLASS:HOST:PORT` names a way in that the Gateway's status does not
tell, as where one proxy behind a port of the nodes serves every Gateway.

## What a FAIL means
The platform said that the Gateway or the route is in order, and requests were answered otherwise. Or the controller
took the Gateway and did not program it, and named no address as the reason.

## What it cannot see
Whether the load is spread well over the pods of one Service; TLS; how fast the gateway is. If no address can be
reached from the client or from where aiconform runs, the answer is UNKNOWN (no-reachable-address): a firewall looks
the same as a gateway that is not there. So it is (blocked-by) where network policies came with the new namespaces, or
other kinds of such policies are served, and the gateway does not reach the backends, or (mechanism-silent) if the
class was accepted once but nobody takes up the Gateway, unless the operator named the class. Hosts that no route
names may be answered by somebody else's route on a shared proxy: only our own backends count.

## References
Gateway API v1 (GatewayClass, Gateway, HTTPRoute), ReferenceGrant, GEP-1762 (label on generated resources), and its
conformance profile GATEWAY-HTTP.
"""

from aiconform.model import Check, Clause, Deadline, Permission

CLAUSES = (
    Clause(
        id="programs_a_gateway",
        sentence="A Gateway of the class, and a route on it, are accepted and programmed as they were last asked for.",
        remedy="Look at the conditions of the Gateway and at the log of the class's controller.",
    ),
    Clause(
        id="carries_requests_to_backends",
        sentence="Requests that are sent to the Gateway's address reach a backend of the route.",
        remedy="Check that the class has a data plane, and that the address in the Gateway's status leads to it.",
    ),
    Clause(
        id="splits_by_weight",
        sentence="Requests are split between backends in proportion to their weights.",
        remedy="Use an implementation that honours backendRefs[].weight; look for policies that rewrite HTTPRoutes.",
    ),
    Clause(
        id="sends_nothing_to_weight_zero",
        sentence="A backend of weight zero gets no request.",
        control="the same backend answered the client directly",
        remedy="Leave backends of weight 0 out of the data plane's configuration.",
    ),
    Clause(
        id="follows_a_change_of_weights",
        sentence="When the weights change, traffic follows.",
        remedy="Check that the controller still runs and that its data plane takes up new configuration.",
    ),
    Clause(
        id="routes_by_header",
        sentence="A header of the request chooses the backend; other values, or none, go to the default.",
        remedy="Use an implementation that honours matches[].headers; look for policies that rewrite HTTPRoutes.",
    ),
    Clause(
        id="passes_requests_unchanged",
        sentence="The body of an inference request and its Authorization header reach the backend as they were sent.",
        remedy="Look for filters or extensions of the gateway that change bodies, or take credentials away.",
    ),
    Clause(
        id="keeps_unknown_hosts_out",
        sentence="Requests for a host that no route names reach no backend.",
        control="requests for a host that a route names were served in the same moment",
        remedy="Honour HTTPRoute.spec.hostnames: a route may not serve hosts that it does not name.",
    ),
    Clause(
        id="refuses_missing_backends",
        sentence="A route to a Service that does not exist is not resolved, and its requests get an error.",
        control="requests of a route to a Service that does exist were served in the same moment",
        remedy="Set ResolvedRefs=False, and answer with an error of the server, where a backend is missing.",
    ),
    Clause(
        id="refuses_foreign_backends",
        sentence="A route cannot send requests to a Service of another namespace that has not allowed it.",
        control="with a ReferenceGrant the same route served from the same Service",
        remedy="Use an implementation that honours ReferenceGrant: else any tenant reaches any other's models.",
    ),
    Clause(
        id="stops_when_the_route_is_deleted",
        sentence="When a route is deleted, its requests stop reaching backends.",
        control="the same requests were served before, and those of another route still were",
        remedy="Check that the controller still runs and removes routes from its data plane.",
    ),
)

GATEWAY = "gateway.networking.k8s.io"
PERMISSIONS = (
    Permission(
        group="",
        resources=("namespaces",),
        verbs=("create", "delete"),
        scope="cluster",
        why="two namespaces of its own, to show that routes do not cross",
    ),
    Permission(group="", resources=("pods",), verbs=("create", "list", "watch", "delete"), why="backends and clients"),
    Permission(group="", resources=("pods/log",), verbs=("get",), why="the client's answers, the backends' logs"),
    Permission(group="", resources=("configmaps",), verbs=("create", "delete"), why="the scripts of both"),
    Permission(group="", resources=("services",), verbs=("create", "delete"), why="in front of the backends"),
    Permission(
        group="discovery.k8s.io",
        resources=("endpointslices",),
        verbs=("list", "delete"),
        why="Kubernetes makes them for the Services, with their labels: looked for and removed at the end",
    ),
    Permission(
        group="",
        resources=("services",),
        verbs=("list",),
        scope="cluster",
        why="a Service that an implementation made for the Gateway may lie in any namespace",
    ),
    Permission(
        group="",
        resources=("nodes",),
        verbs=("list",),
        scope="cluster",
        why="whether a closed address is a node's, where nothing could be reached",
    ),
    Permission(
        group="networking.k8s.io",
        resources=("networkpolicies",),
        verbs=("list",),
        why="whether some came with the namespaces, where no request gets through",
    ),
    Permission(
        group=GATEWAY,
        resources=("gateways", "httproutes"),
        verbs=("create", "list", "watch", "patch", "delete"),
        why="the Gateway and the routes under test",
    ),
    Permission(
        group=GATEWAY, resources=("referencegrants",), verbs=("create", "delete"), why="allows the foreign reference"
    ),
)

DEADLINES = {
    "canary": Deadline(seconds=180, reason="the probe image may have to be pulled on a cold node"),
    "programmed": Deadline(seconds=600, reason="load balancers of clouds take up to ten minutes"),
    "attached": Deadline(seconds=60, reason="a controller answers a route in seconds"),
    "reachable": Deadline(seconds=300, reason="names of new load balancers take minutes to resolve"),
    "propagation": Deadline(seconds=180, reason="global load balancers take minutes to follow a change"),
    "refused": Deadline(seconds=10, reason="everything else was programmed by then, from the same moment on"),
    "requests": Deadline(seconds=240, reason="1000 requests, each on a connection of its own, on a slow path"),
    "released": Deadline(seconds=180, reason="a load balancer should be given back before the namespace goes"),
}

CHECK = Check(
    requirement="ai_inference",
    title="Gateway API for AI inference",
    clauses=CLAUSES,
    over="some mechanism",
    permissions=PERMISSIONS,
    disruption="creates",
    deadlines=DEADLINES,
    minutes=3,
    accelerators=(0, 0),
    page=__doc__ or "",
)
