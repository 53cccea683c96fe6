"""What the observation makes of a description's patches."""

from aiconform.checks.robust_controller.site import as_labelled


def test_a_change_keeps_the_labels_of_pod_templates() -> None:
    template = {"metadata": {"labels": {"run": "r1", "app": "old"}}, "spec": {"containers": [{"name": "main"}]}}
    stored = {"metadata": {"labels": {"run": "r1"}}, "spec": {"tasks": [{"replicas": 2, "template": template}]}}
    fresh = {"metadata": {"labels": {"app": "new"}}, "spec": {"containers": [{"name": "main"}]}}
    change = {"spec": {"tasks": [{"replicas": 3, "template": fresh}, {"replicas": 1}], "suspend": None}}
    made = as_labelled(change, stored)
    assert made["spec"]["tasks"][0]["template"]["metadata"]["labels"] == {"run": "r1", "app": "new"}
    assert made["spec"]["tasks"][0]["replicas"] == 3 and made["spec"]["tasks"][1] == {"replicas": 1}
    assert made["spec"]["suspend"] is None and "metadata" not in made
    assert as_labelled({"spec": {"replicas": 3}}, stored) == {"spec": {"replicas": 3}}
    assert as_labelled(change, {}) == change


def test_what_is_not_a_pod_template_gets_no_labels() -> None:
    assert as_labelled({"spec": {"a": 1}}, {"metadata": {"labels": {"run": "r1"}}, "spec": {"a": 0}}) == {
        "spec": {"a": 1}
    }
