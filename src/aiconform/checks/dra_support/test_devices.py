"""Devices out of slices, and the expressions about them."""

from typing import Any

from aiconform.checks.dra_support import devices as known
from aiconform.checks.dra_support.via import v1, v1beta1

D = "gpu.example.com"
NODE = {"metadata": {"name": "n", "labels": {"zone": "z"}}}


def body(n: int, **more: Any) -> dict[str, Any]:
    attributes = {"model": {"string": "m"}, "index": {"int": n}, "dra.net/bus": {"string": f"0000:{n}"}}
    return {"attributes": attributes, "capacity": {"memory": {"value": "1Gi"}}, **more}


def pool_slice(*found: dict[str, Any], count: int = 1, name: str = "p", **spec: Any) -> dict[str, Any]:
    pool = {"name": name, "generation": 1, "resourceSliceCount": count}
    return {"spec": {"driver": D, "nodeName": "n", "pool": pool, "devices": list(found)} | spec}


def device(n: int, **more: Any) -> dict[str, Any]:
    return {"name": f"d{n}", **body(n, **more)}


def read(*slices: dict[str, Any], claims: list[Any] | None = None) -> list[dict[str, Any]]:
    return known.on_node(list(slices), claims or [], D, NODE, v1.MECHANISM.device)


def test_a_pool_of_two_slices_counts_when_both_are_there() -> None:
    one, two = pool_slice(device(0), count=2), pool_slice(device(1), count=2)
    assert [d["name"] for d in read(one, two)] == ["d0", "d1"]
    assert read(one) == []


def test_slices_of_an_older_generation_do_not_count() -> None:
    """A driver that has published anew (after an upgrade) leaves the old slices there for a moment."""
    newest = {"name": "p", "generation": 2, "resourceSliceCount": 1}
    new, old = pool_slice(device(0), pool=newest), pool_slice(device(0, attributes={"model": {"string": "old"}}))
    for slices in ((new, old), (old, new)):
        assert [d["attributes"]["model"] for d in read(*slices)] == [{"string": "m"}]


def test_slices_for_other_nodes_and_drivers_do_not_count() -> None:
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["z"]}]}
    here = pool_slice(device(0), nodeName=None, nodeSelector={"nodeSelectorTerms": [term]})
    assert len(read(here)) == 1
    assert len(read(pool_slice(device(0), nodeName=None, allNodes=True))) == 1
    assert read(pool_slice(device(0), nodeName="other")) == []
    assert read(pool_slice(device(0), driver="nic.example.com")) == []


def test_who_holds_what_and_what_is_tainted() -> None:
    held = {"status": {"allocation": {"devices": {"results": [{"driver": D, "pool": "p", "device": "d0"}]}}}}
    found = read(pool_slice(device(0), device(1, taints=[{"effect": "NoSchedule"}]), device(2)), claims=[held])
    assert [(d["held"], d["tainted"]) for d in found] == [(True, False), (False, True), (False, False)]
    assert [d["name"] for d in known.free(found)] == ["d2"]


def test_a_rule_taints_devices() -> None:
    def tainted(selector: dict[str, Any] | None, effect: str = "NoSchedule") -> list[str]:
        found = read(pool_slice(device(0), device(1)))
        known.taint(found, D, [{"spec": {"deviceSelector": selector, "taint": {"effect": effect}}}])
        return [d["name"] for d in found if d["tainted"]]

    assert tainted({"driver": D, "pool": "p", "device": "d1"}) == ["d1"]
    assert tainted({"driver": D}) == ["d0", "d1"]
    assert tainted({"driver": "nic.example.com"}) == []
    assert tainted({"driver": D}, effect="None") == []


def test_the_oldest_beta_wraps_devices() -> None:
    wrapped = pool_slice({"name": "d0", "basic": body(0, taints=[{"effect": "NoExecute"}])})
    (found,) = known.on_node([wrapped], [], D, NODE, v1beta1.MECHANISM.device)
    assert found["attributes"]["index"] == {"int": 0} and found["capacity"] == {"memory": "1Gi"} and found["tainted"]


def test_what_all_devices_have_in_common() -> None:
    cel, asked = known.usual(D, read(pool_slice(device(0), device(1))))
    assert asked == {"attributes": {"model": {"string": "m"}}, "capacity": {"memory": ["1Gi"]}}
    assert f'device.attributes["{D}"].model == "m"' in cel and cel.startswith(f'device.driver == "{D}" && ')


def test_a_pin_names_one_device() -> None:
    two = read(pool_slice(device(0), device(1)))
    found = known.pin(D, two[1], two)
    assert found is not None
    assert found[1] == {"dra.net/bus": {"string": "0000:1"}}
    assert 'device.attributes["dra.net"].bus == "0000:1"' in found[0]
    twins = [{**two[0], "name": name} for name in ("x", "y")]
    assert known.pin(D, twins[0], twins) is None
    assert known.pin(D, twins[0], twins[:1]) is not None


def test_values_that_nobody_has() -> None:
    found = read(pool_slice(device(0), device(1)))
    nobody, much = known.nobody(D, found), known.too_much(D, found)
    assert nobody is not None and "aiconform-nobody-has-this" in nobody[0]
    assert much is not None and 'compareTo(quantity("1Gi")) > 0' in much[0]
    bare = [{**d, "attributes": {}, "capacity": {}} for d in found]
    assert known.nobody(D, bare) is None and known.too_much(D, bare) is None
    numbers = [{**d, "attributes": {"index": d["attributes"]["index"]}} for d in found]
    highest = known.nobody(D, numbers)
    assert highest is not None and highest[1] == {"index": {"int": 2}}


def test_more_than_there_are() -> None:
    assert (known.too_many(D, read(pool_slice(device(0)))) or (0,))[0] == 2
    many = read(pool_slice(*(device(n) for n in range(40))))
    few = known.too_many(D, many)
    assert few is not None and few[0] == 2 and "0000:0" in few[1]
    twins = [{**many[0], "name": str(n)} for n in range(40)]
    assert known.too_many(D, twins) is None


def test_lists_of_values_are_left_alone() -> None:
    odd = [{**d, "attributes": {"links": {"strings": ["a"]}}} for d in read(pool_slice(device(0), device(1)))]
    assert known.nobody(D, odd) is None
    assert known.usual(D, odd)[1]["attributes"] == {}
    assert known.pin(D, odd[0], odd) is None
