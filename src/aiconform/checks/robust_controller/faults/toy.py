"""An operator for the kind Toy (spec: replicas, image, command, nodeSelector) that is wrong in chosen ways.

Runs beside the lab. Arguments: any of the words below. Prints "ready" when it watches.

hook            serve the webhook `toys`, which denies negative replicas; failurePolicy Fail
allows-all      ... and allows them
denies-all      ... and denies everything
status-only     makes nothing, and says that all is ready
no-owner        makes pods without an owner
no-repair       makes pods once, and never again
no-update       never looks at a changed spec
keeps           puts a finalizer into each Toy, and never takes it away
liar            says that it is ready as soon as there are pods, running or not
mute            never says anything
never-finished  says that it is ready, but not that it is finished
stale           writes the generation of the first spec for ever
slow            does everything five seconds late
"""

import asyncio
import base64
import datetime
import http.server
import ipaddress
import json
import os
import socket
import ssl
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlparse

import httpx2
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lightkube import ApiError, AsyncClient
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta, OwnerReference
from lightkube.resources.admissionregistration_v1 import ValidatingWebhookConfiguration
from lightkube.resources.core_v1 import Pod
from lightkube.types import PatchType

HOW = set(sys.argv[1:])
PEM, PRIVATE = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
GROUP = "toys.aiconform.dev"
Toy = create_namespaced_resource(GROUP, "v1", "Toy", "toys")


class Operator:
    """Level-triggered: after each event it looks at everything."""

    def __init__(self):
        self.client = AsyncClient()
        self.toys, self.pods, self.done, self.first = {}, {}, {}, {}
        self.changed = asyncio.Event()

    async def run(self):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.follow(Toy, self.toys))
            tasks.create_task(self.follow(Pod, self.pods))
            print("ready", flush=True)
            while True:
                await self.changed.wait()
                self.changed.clear()
                if "slow" in HOW:
                    await asyncio.sleep(5)
                for toy in list(self.toys.values()):
                    try:
                        await self.look(toy)
                    except ApiError as error:
                        print(error, flush=True)

    async def follow(self, kind, view):
        while True:
            # A kind that was just made known may answer 429 for a second.
            try:
                async for event, obj in self.client.watch(kind, namespace="*"):
                    if event == "DELETED":
                        view.pop(obj.metadata.uid, None)
                    else:
                        view[obj.metadata.uid] = obj
                    self.changed.set()
            except (ApiError, httpx2.HTTPError) as error:
                print(error, flush=True)
            await asyncio.sleep(0.5)

    async def look(self, toy):
        if toy.metadata.deletionTimestamp:
            return
        if "keeps" in HOW and not toy.metadata.finalizers:
            await self.patch(toy, {"metadata": {"finalizers": [f"{GROUP}/keep"]}})
        mine = [p for p in self.pods.values() if (p.metadata.labels or {}).get(GROUP) == toy.metadata.uid]
        if "status-only" not in HOW:
            await self.pods_of(toy, mine)
        if "mute" not in HOW:
            await self.say(toy, mine)

    async def pods_of(self, toy, mine):
        uid, spec = toy.metadata.uid, toy["spec"]
        wanted = self.first.setdefault(uid, spec["replicas"]) if "no-update" in HOW else spec["replicas"]
        there = {p.metadata.name for p in mine}
        for i in range(wanted):
            name = f"{toy.metadata.name}-{i}"
            if name in there or ("no-repair" in HOW and name in self.done.setdefault(uid, set())):
                continue
            self.done.setdefault(uid, set()).add(name)
            await self.client.create(self.pod(toy, name))

    def pod(self, toy, name):
        owner = OwnerReference(
            apiVersion=f"{GROUP}/v1", kind="Toy", name=toy.metadata.name, uid=toy.metadata.uid, controller=True
        )
        meta = ObjectMeta(
            name=name,
            namespace=toy.metadata.namespace,
            labels={GROUP: toy.metadata.uid},
            ownerReferences=[] if "no-owner" in HOW else [owner],
        )
        spec = {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "nodeSelector": toy["spec"].get("nodeSelector") or {},
            "containers": [
                {
                    "name": "main",
                    "image": toy["spec"]["image"],
                    "command": toy["spec"]["command"],
                    "imagePullPolicy": "IfNotPresent",
                }
            ],
        }
        return Pod.from_dict({"metadata": meta.to_dict(), "spec": spec})

    async def say(self, toy, mine):
        wanted = toy["spec"]["replicas"]
        running = sum(p.status.phase == "Running" for p in mine)
        ended = sum(p.status.phase == "Succeeded" for p in mine)
        ready = running >= wanted or "status-only" in HOW or ("liar" in HOW and len(mine) >= wanted)
        finished = ended >= wanted and "never-finished" not in HOW
        conditions = [
            {"type": "Ready", "status": str(ready)},
            {"type": "Finished", "status": str(finished)},
        ]
        seen = 0 if "stale" in HOW else toy.metadata.generation
        status = {"observedGeneration": seen, "conditions": conditions}
        if toy.get("status") != status:
            await self.client.patch(
                Toy.Status, toy.metadata.name, {"status": status}, namespace=toy.metadata.namespace,
                patch_type=PatchType.MERGE,
            )  # fmt: skip

    async def patch(self, toy, body):
        await self.client.patch(
            Toy, toy.metadata.name, body, namespace=toy.metadata.namespace, patch_type=PatchType.MERGE
        )


class Hook(http.server.BaseHTTPRequestHandler):
    """The webhook."""

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = review["request"]
        wrong = request["object"]["spec"].get("replicas", 0) < 0
        allowed = "denies-all" not in HOW and (not wrong or "allows-all" in HOW)
        response = {"uid": request["uid"], "allowed": allowed, "status": {"message": "replicas must not be negative"}}
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


def host():
    """The address that the API server of this kubeconfig listens on: it can call back there."""
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    return urlparse(config["clusters"][0]["cluster"]["server"]).hostname


def issue(address):
    """A self-signed certificate for an address, and the same with its key behind it. PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "toys")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
    certificate = made.add_extension(own, critical=False).sign(key, hashes.SHA256()).public_bytes(PEM)
    return certificate, certificate + key.private_bytes(PEM, PRIVATE, serialization.NoEncryption())


async def serve_hook():
    address = host()
    certificate, both = issue(address)
    server = http.server.ThreadingHTTPServer((address, 0), Hook, bind_and_activate=False)
    server.address_family = socket.AF_INET
    server.server_bind()
    server.server_activate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(both)
        file.flush()
        context.load_cert_chain(file.name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = {
        "url": f"https://{address}:{server.server_address[1]}/",
        "caBundle": base64.b64encode(certificate).decode(),
    }
    change = [
        {"op": "replace", "path": "/webhooks/0/clientConfig", "value": client},
        {"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Fail"},
    ]
    await AsyncClient().patch(ValidatingWebhookConfiguration, "toys", change, patch_type=PatchType.JSON)
    # The API server takes it up within a second or so.
    await asyncio.sleep(2)


async def main():
    if "hook" in HOW:
        await serve_hook()
    await Operator().run()


asyncio.run(main())
