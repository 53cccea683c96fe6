"""Whatever a file holds: it is read as Kubernetes would, or there is one clear sentence; never a crash or silence."""

import contextlib
import json

import pytest
from clusters import by_claim, by_plugin

from aiconform.porting import yamltree
from aiconform.porting.errors import PortError
from aiconform.porting.manifests import MOST_BYTES, objects, read
from aiconform.porting.port import port

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - name: c
    resources:
      limits: {nvidia.com/gpu: 1}
"""
# The same document, written in ways that all mean the same.
ALIKE = {
    "documents that are empty": f"---\n---\n# nothing\n---\n{POD}---\n",
    "a list": "apiVersion: v1\nkind: List\nitems:\n" + "- " + POD.replace("\n", "\n  ").rstrip() + "\n",
    "a list in a list": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: PodList\n  items:\n  - "
    + POD.replace("\n", "\n    ").rstrip()
    + "\n",
    "CRLF": POD.replace("\n", "\r\n"),
    "a byte order mark": "\ufeff" + POD,
    "no newline at the end": POD.rstrip(),
    "an end mark": POD + "...\n",
    "a directive": "%YAML 1.1\n---\n" + POD,
    "an anchor": POD.replace("limits: {nvidia.com/gpu: 1}", "limits: &all {nvidia.com/gpu: 1}\n      requests: *all"),
    "a merge": POD.replace("limits: {nvidia.com/gpu: 1}", "limits:\n        <<: {nvidia.com/gpu: 1}"),
    "quotes": POD.replace("nvidia.com/gpu: 1", "'nvidia.com/gpu': \"1\""),
    "tabs between": POD.replace("kind: Pod", "kind:\tPod\t# a pod"),
    "letters of the world": POD.replace("kind: Pod", "kind: Pod  # Größe: 日本語 😀"),
}


def ported(text: str, name: str = "a.yaml") -> str:
    return port({name: text.encode()}, target=by_claim(), source=by_plugin()).files[name].decode()


@pytest.mark.parametrize("how", [k for k in ALIKE if k not in ("an anchor", "a merge")])
def test_it_is_ported_however_it_is_written(how: str) -> None:
    after = ported(ALIKE[how])
    (pod,) = [o for o in objects([read("a.yaml", after.encode())]) if o.kind == "Pod"]
    assert pod.data["spec"]["containers"][0]["resources"] == {"claims": [{"name": "gpu-nvidia-com"}]}
    assert ("\r\n" in after) == ("\r\n" in ALIKE[how]) and "\n" not in after.replace("\r\n", "") * ("\r" in after)
    assert after.startswith("\ufeff") == ALIKE[how].startswith("\ufeff")
    assert after == ported(after), "a second time changes something"


@pytest.mark.parametrize("how", ["an anchor", "a merge"])
def test_what_an_anchor_shares_is_edited_rightly_or_refused(how: str) -> None:
    try:
        after = ported(ALIKE[how])
    except PortError as error:
        assert "anchor" in str(error) and "a.yaml" in str(error)
        return
    (pod,) = [o for o in objects([read("a.yaml", after.encode())]) if o.kind == "Pod"]
    assert pod.data["spec"]["containers"][0]["resources"] == {"claims": [{"name": "gpu-nvidia-com"}]}


def test_json_stays_json_and_its_template_goes_beside_it() -> None:
    for indent in ("\t", 2, None):
        text = json.dumps(read("a", POD.encode()).documents[0].data, indent=indent)
        files = port({"d/a.json": text.encode()}, target=by_claim(), source=by_plugin()).files
        assert set(files) == {"d/a.json", "d/a-claims.yaml"}
        found = json.loads(files["d/a.json"])
        assert found["spec"]["containers"][0]["resources"] == {"claims": [{"name": "gpu-nvidia-com"}]}


BAD = {
    "an empty file": ("", "no Kubernetes object"),
    "only comments": ("# nothing\n", "no Kubernetes object"),
    "a key twice": (POD.replace("kind: Pod", "kind: Pod\nkind: Job"), "line 3: the key 'kind' is there twice"),
    "no YAML": ("a: [1,\nb: }", "line 2"),
    "tabs as indentation": ("a:\n\tb: 1\n", "line 2"),
    "a template": ("apiVersion: v1\nkind: {{ .Values.kind }}\n", "helm template"),
    "a values file": ("replicas: 3\nimage: x\n", "no apiVersion and kind"),
    "a Compose file": ("services: {web: {image: x}}\n", "Compose"),
    "a list of anything": ("- 1\n- 2\n", "no apiVersion and kind"),
    "one word": ("hello\n", "no apiVersion and kind"),
    "a Kustomization": ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", "kubectl kustomize"),
    "an alias bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{n}: &{n} [{','.join('*' + chr(ord(n) - 1) for _ in range(9))}]\n" for n in "bcdefghij"),
        "multiply without end",
    ),
    "an alias of itself": ("a: &a [*a]\n", "no anchor before it|multiply without end"),
    "an alias of nothing": ("a: *b\n", "has no anchor"),
    "deep nesting": ("[" * 5000 + "]" * 5000, "levels deep|nesting depth"),
    "deep mappings": ("".join(f"{' ' * n}a:\n" for n in range(300)), "levels deep"),
    "a list as key": ("? [a, b]\n: 1\n", "plain word"),
    "a merge of a word": ("apiVersion: v1\nkind: Pod\n<<: word\n", "<< needs a mapping"),
}


@pytest.mark.parametrize("how", BAD)
def test_anything_else_is_one_clear_sentence(how: str) -> None:
    text, says = BAD[how]
    with pytest.raises(PortError) as caught:
        port({"a.yaml": text.encode()}, target=by_claim())
    said = str(caught.value)
    assert any(s in said for s in says.split("|")), said
    assert "\n" not in said
    assert "a.yaml" in said or "manifests" in said


def test_bytes_that_are_no_text_and_files_that_are_too_large() -> None:
    for data, says in (
        (b"\xff\xfe\x00", "UTF-8"),
        (POD.encode("utf-16"), "UTF-8"),
        (b"#" * (50 * 2**20), "over 16 MiB"),
    ):
        with pytest.raises(PortError) as caught:
            read("a.yaml", data)
        assert says in str(caught.value) and "a.yaml" in str(caught.value)
    assert MOST_BYTES < 50 * 2**20


def test_a_file_of_too_many_values_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiconform.porting.yamltree._NODES", 1000)
    built: list[object] = []
    monkeypatch.setattr("aiconform.porting.yamltree._Composer.take", lambda _, event: built.append(event))
    with pytest.raises(PortError, match=r"a\.yaml: over 1000 values are too many"):
        read("a.yaml", b"a: [" + b"1," * 50_000 + b"]")
    assert len(built) <= 1001


def test_a_control_character_is_one_clear_sentence() -> None:
    with pytest.raises(PortError) as caught:
        read("a.yaml", b"a: 1\nb: \x00\n")
    assert str(caught.value) == "a.yaml, line 2: no YAML: control characters are not allowed"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 15),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1:30", "1:30"),
        ("2026-01-02", "2026-01-02"),
        ("'yes'", "yes"),
        ("!!str 12", "12"),
        ("1.2.3", "1.2.3"),
        ("y", "y"),
    ],
)
def test_scalars_are_read_as_kubernetes_reads_them(text: str, value: object) -> None:
    (tree,) = yamltree.parse(f"a: {text}\n", "t")
    assert tree.root is not None
    assert yamltree.plain(tree.root, "t") == {"a": value}


@pytest.mark.parametrize("value", ["null", "3", "word", "[]", "{}", "[null, 3, [x]]", "{a: null}"])
def test_odd_values_in_odd_places_are_no_crash(value: str) -> None:
    texts = [f"apiVersion: v1\nkind: Pod\n{place}: {value}\n" for place in ("metadata", "spec", "status")]
    names = "nodeSelector affinity tolerations volumes resourceClaims initContainers topologySpreadConstraints"
    texts += [POD + f"  {name}: {value}\n" for name in [*names.split(), "runtimeClassName", "schedulerName"]]
    holes = (f"resources: {value}", f"resources: {{limits: {value}}}", f"resources: {{claims: {value}}}")
    texts += [POD.split("    resources")[0] + f"    {hole}\n" for hole in holes]
    for text in texts:
        # What cannot be edited may be refused.
        with contextlib.suppress(PortError):
            port({"a.yaml": text.encode()}, target=by_claim(), source=by_plugin())
