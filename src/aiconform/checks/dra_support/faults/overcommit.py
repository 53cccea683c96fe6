"""A pretender: gives a device that is in use to every claim that waits. Standard library and PyYAML only.

With the name of a node it allocates in the scheduler's place: each claim gets the first device of that node's pool.
"""

import base64
import json
import os
import ssl
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import yaml

CLAIMS = "/apis/resource.k8s.io/v1/resourceclaims"
SLICES = "/apis/resource.k8s.io/v1/resourceslices"


def client():
    """(server, TLS context) of the kubeconfig."""
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]

    def path(data):
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(base64.b64decode(data))
        return file.name

    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    certificate, key = path(user["client-certificate-data"]), path(user["client-key-data"])
    context.load_cert_chain(certificate, key)
    Path(certificate).unlink()
    Path(key).unlink()
    return cluster["server"], context


SERVER, CONTEXT = client()


def call(method, where, body=None):
    request = urllib.request.Request(SERVER + where, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/merge-patch+json")
    return urllib.request.urlopen(request, context=CONTEXT)


def allocation(claim):
    return (claim.get("status") or {}).get("allocation")


def first_device(node):
    """The results of an allocation of the first device of a node's pool; None without a node."""
    if not node:
        return None
    with call("GET", SLICES) as answer:
        spec = next(s["spec"] for s in json.load(answer)["items"] if s["spec"]["pool"]["name"] == node)
    return [{"driver": spec["driver"], "pool": node, "device": spec["devices"][0]["name"]}]


def overcommit(known, always):
    """Gives the same to each claim of the class that waits: `always`, or what a claim in use has."""
    running = [c for c in known.values() if (c.get("status") or {}).get("reservedFor") and allocation(c)]
    results = always or (allocation(running[0])["devices"]["results"] if running else None)
    for claim in known.values():
        requests = claim["spec"]["devices"]["requests"]
        waits = not allocation(claim) and "deletionTimestamp" not in claim["metadata"]
        if not (results and waits and requests[0]["exactly"]["deviceClassName"] == "sim-accelerator"):
            continue
        meta = claim["metadata"]
        where = f"/apis/resource.k8s.io/v1/namespaces/{meta['namespace']}/resourceclaims/{meta['name']}/status"
        given = {"devices": {"results": [{**r, "request": requests[0]["name"]} for r in results]}}
        try:
            call("PATCH", where, {"status": {"allocation": given}}).close()
        except urllib.error.HTTPError as error:
            print(meta["name"], error.read().decode()[:300], flush=True)


def main():
    always = first_device("".join(sys.argv[1:]))
    with call("GET", CLAIMS) as answer:
        listed = json.load(answer)
    known = {c["metadata"]["uid"]: c for c in listed["items"]}
    with call("GET", f"{CLAIMS}?watch=1&resourceVersion={listed['metadata']['resourceVersion']}") as events:
        print("ready", flush=True)
        for line in events:
            event = json.loads(line)
            claim = event["object"]
            known[claim["metadata"]["uid"]] = claim
            if event["type"] == "DELETED":
                del known[claim["metadata"]["uid"]]
            overcommit(known, always)


if __name__ == "__main__":
    main()
