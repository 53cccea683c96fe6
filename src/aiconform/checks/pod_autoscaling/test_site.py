"""Reading the metrics API while the way to it comes and goes."""

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from aiconform.checks.pod_autoscaling import register
from aiconform.checks.pod_autoscaling import site as module
from aiconform.checks.pod_autoscaling.site import Site
from aiconform.checks.pod_autoscaling.via import mechanisms
from aiconform.cluster.api import Cluster
from aiconform.cluster.errors import ApiLost, Refused
from aiconform.cluster.transport import Recording
from aiconform.model import Accelerator

ITEM = {"describedObject": {"name": "load-1"}, "value": "37"}
SHOWN = httpx2.Response(200, content=json.dumps({"items": [ITEM]}))
BROKEN = httpx2.Response(500, content=json.dumps({"kind": "Status", "message": "no samples"}))


class Api(httpx2.AsyncBaseTransport):
    """Answers in this order; None is nobody there. After the last one nobody is."""

    def __init__(self, *answers: httpx2.Response | None) -> None:
        self.answers, self.asked = list(answers), 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            raise httpx2.ConnectTimeout("", request=request)
        return httpx2.Response(answer.status_code, content=answer.content)


def reading(api: Api) -> tuple[Site, list[dict[str, Any]]]:
    """A site that reads from this API, and the facts that it records."""
    told: list[dict[str, Any]] = []
    facts = {"served": ["custom.metrics.k8s.io/v1beta2"], "prometheus": ""}
    box: Any = SimpleNamespace(
        cluster=Cluster(Recording(api, "0"), "http://fake"),
        attempt=SimpleNamespace(facts=facts),
        fact=lambda name, body, **_: told.append({"name": name, **body}),
    )
    mechanism = next(m for m in mechanisms() if m.product == "pods-metric")
    accelerator = Accelerator(
        id="x", vendor="unknown", form="device-plugin", resource="x/y", nodes={}, recognised=False
    )
    return Site(box=box, mechanism=mechanism, accelerator=accelerator, own="own", other="other"), told


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "_PACE", 0.01)
    monkeypatch.setattr(module, "_INSIST", 0.2)
    yield


def test_a_connection_that_fails_once_is_tried_again_and_recorded() -> None:
    site, told = reading(Api(None, SHOWN, SHOWN))
    assert asyncio.run(site.read()) == {"load-1": "37"}
    (fact,) = told
    assert (fact["name"], fact["status"], fact["tries"]) == ("metric", 200, 2)
    asyncio.run(site.read())
    assert "tries" not in told[-1] and told[-1]["values"] == fact["values"]


def test_an_answer_is_never_asked_for_again_even_if_it_is_an_error() -> None:
    api = Api(BROKEN, SHOWN)
    site, told = reading(api)
    assert asyncio.run(site.read()) == {} and api.asked == 1
    assert (told[0]["status"], told[0]["message"], site.blank) == (500, "no samples", 1)
    assert "tries" not in told[0]


def test_an_api_server_that_stays_away_is_lost() -> None:
    api = Api()
    site, told = reading(api)
    with pytest.raises(ApiLost):
        asyncio.run(site.read())
    assert api.asked > 2 and told == [] and site.blank == 0


class Listing:
    """A cluster whose collectors can be listed, or not; counts how often they were."""

    def __init__(self, refused: bool = False) -> None:
        self.refused, self.listed, self.notes = refused, 0, 0
        self.attempt = SimpleNamespace(facts={"monitors": ["podmonitors.monitoring.coreos.com/v1"]})

    async def list(self, *_: str) -> list[dict[str, Any]]:
        self.listed += 1
        if self.refused:
            raise Refused("list", "prometheuses", "no")
        selectors = {"podMonitorSelector": {"matchLabels": {"release": "x"}}, "podMonitorNamespaceSelector": {}}
        return [{"spec": selectors}]

    async def create(self, manifest: dict[str, Any], **_: Any) -> Any:
        assert (manifest["metadata"]["labels"] == {"release": "x"}) != self.refused
        return SimpleNamespace(ok=True)

    def fact(self, *_: Any, **__: Any) -> None:
        pass

    def note(self, *_: Any) -> None:
        self.notes += 1


@pytest.mark.parametrize("refused", [False, True])
def test_collectors_are_listed_once(refused: bool) -> None:
    site, _ = reading(Api())
    box: Any = Listing(refused)
    site.box = box

    async def both() -> None:
        assert await register.namespace_labels(site) == {}
        assert await register.register(site, "podmonitors.monitoring.coreos.com/v1")

    asyncio.run(both())
    assert (box.listed, box.notes) == (1, int(refused))
