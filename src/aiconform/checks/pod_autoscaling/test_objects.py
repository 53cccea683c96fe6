"""The manifests of pod_autoscaling, and its probe."""

import json
import subprocess
import sys
import urllib.request
from importlib import resources
from typing import Any

from aiconform.checks.pod_autoscaling import history, objects
from aiconform.checks.pod_autoscaling.site import shows

NODES = [
    {"hostname": "a", "taints": [{"key": "x", "effect": "NoSchedule", "value": "y"}]},
    {"hostname": "b", "taints": [{"key": "x", "effect": "NoSchedule", "value": "y"}]},
]


def test_pods_may_run_on_the_chosen_nodes_only_and_tolerate_their_taints_once() -> None:
    made = objects.pod("load", "image", ["8080"], NODES, annotations=objects.ANNOTATIONS)
    (term,) = made["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    assert term["matchExpressions"][0]["values"] == ["a", "b"]
    assert len(made["spec"]["tolerations"]) == 1
    scaled = objects.deployment(made)["spec"]
    assert scaled["template"]["metadata"]["annotations"] == objects.ANNOTATIONS
    assert scaled["selector"]["matchLabels"].items() <= scaled["template"]["metadata"]["labels"].items()


def test_monitors_select_all_pods_of_the_suite_and_carry_the_labels_that_are_asked_for() -> None:
    made = objects.monitor("podmonitors.monitoring.coreos.com/v1", {"release": "stack"})
    assert (made["apiVersion"], made["kind"]) == ("monitoring.coreos.com/v1", "PodMonitor")
    assert made["metadata"]["labels"] == {"release": "stack"}
    made = objects.monitor("vmpodscrapes.operator.victoriametrics.com/v1beta1", {})
    assert (made["apiVersion"], made["kind"]) == ("operator.victoriametrics.com/v1beta1", "VMPodScrape")
    made = objects.monitor("podmonitorings.monitoring.googleapis.com/v1", {})
    assert (made["apiVersion"], made["kind"]) == ("monitoring.googleapis.com/v1", "PodMonitoring")
    assert made["spec"]["endpoints"][0]["port"] == objects.PORT_NAME


def test_the_labels_that_selectors_ask_for_are_found() -> None:
    selector: dict[str, Any] = {
        "matchLabels": {"release": "stack"},
        "matchExpressions": [
            {"key": "team", "operator": "In", "values": ["ai", "web"]},
            {"key": "hidden", "operator": "DoesNotExist"},
        ],
    }
    found = objects.selecting([{"spec": {"podMonitorSelector": selector}}, {"spec": {}}], "podMonitorSelector")
    assert found == {"release": "stack", "team": "ai"}


def test_judge_and_observer_compare_in_the_same_way() -> None:
    cases = [
        ({"a": "90"}, {"a": "90.0"}, False),
        ({"a": "90", "b": "0"}, {"a": "90"}, False),
        ({"": "90"}, {"dial": "90"}, True),
        ({}, {}, True),
    ]
    for values, wanted, total in cases:
        assert shows(values, wanted, total=total) == history._equal(values, wanted, total)


def test_the_probe_exports_what_it_is_told_and_nothing_before() -> None:
    script = resources.files(objects.__package__).joinpath("manifests", objects.SCRIPT)
    config = json.dumps({"paths": ["/dev/null", "/dev/nonesuch*"], "target": "x"})
    code = (
        "import sys, runpy, http.server; sys.argv = sys.argv[1:]\n"
        "serve = http.server.ThreadingHTTPServer.serve_forever\n"
        "def told(self): print(self.server_address[1], flush=True); serve(self)\n"
        "http.server.ThreadingHTTPServer.serve_forever = told\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    argv = [sys.executable, "-c", code, str(script), "0", config]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as probe:
        assert probe.stdout is not None
        try:
            said = json.loads(probe.stdout.readline())
            assert said["probe"] == "load/1" and [o["path"] for o in said["opened"]] == ["/dev/null"]
            base = f"http://127.0.0.1:{int(probe.stdout.readline())}"
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

            def page() -> str:
                return str(opener.open(f"{base}/metrics", timeout=10).read().decode())

            assert "aiconform_load{" not in page()
            opener.open(urllib.request.Request(f"{base}/load", b'{"value": 37}'), timeout=10).read()
            assert 'aiconform_load{aiconform_target="x"} 37\n' in page()
            opener.open(urllib.request.Request(f"{base}/load", b'{"value": null}'), timeout=10).read()
            assert "aiconform_load{" not in page()
        finally:
            probe.terminate()
