"""Metrics as text and as answers of a store."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconform.judging.metrics import OPENMETRICS, Malformed, Sample, parse, vector

TEXT = """\
# HELP gpu_util Share of time.
# TYPE gpu_util gauge
gpu_util{UUID="GPU-1",name="a \\"b\\" {c}, d"} 42.5
gpu_util{UUID="GPU-2"} NaN 1700000000000
# a remark
# TYPE requests counter
requests 7

{"hw.gpu.utilization","hw.id"="x"} 0.5
"""


def test_samples_keep_their_names_labels_and_times() -> None:
    found = parse(TEXT)
    assert found.declared == {"gpu_util", "requests"}
    first, second, third, fourth = found.samples
    assert first == Sample("gpu_util", {"UUID": "GPU-1", "name": 'a "b" {c}, d'}, 42.5)
    assert math.isnan(second.value) and second.at == 1_700_000_000.0
    assert third == Sample("requests", {}, 7.0)
    assert fourth == Sample("hw.gpu.utilization", {"hw.id": "x"}, 0.5)


@pytest.mark.parametrize(
    "line",
    [
        "gpu_util 42%",
        "gpu_util",
        'gpu_util{UUID="GPU-1} 4',
        'gpu_util{UUID="GPU-1"} ',
        "gpu_util{UUID=GPU-1} 4",
        'gpu_util{UUID="a",UUID="b"} 4',
        "gpu util 4",
        "gpu-util 4",
        "gpu_util 1 2 3",
        "gpu_util 1 later",
        "# TYPE gpu_util gouge",
        "<html><body>not found</body></html>",
        '{"error": "not json metrics"}',
        "gpu_util 1_000",
    ],
)
def test_what_is_malformed_names_its_line(line: str) -> None:
    with pytest.raises(Malformed, match="line 2"):
        parse(f"good 1\n{line}\n")


def test_openmetrics_must_be_whole() -> None:
    whole = '# TYPE a counter\na_total 5 1700000000.5 # {trace="x"} 1 2\n# EOF\n'
    (sample,) = parse(whole, f"{OPENMETRICS}; version=1.0.0").samples
    assert sample == Sample("a_total", {}, 5.0, 1_700_000_000.5)
    with pytest.raises(Malformed, match="EOF"):
        parse(whole.replace("# EOF\n", ""), OPENMETRICS)
    with pytest.raises(Malformed, match="after"):
        parse(whole + "b 1\n", OPENMETRICS)
    assert len(parse(whole.replace(" # {", " ").split(" ")[0] + "\n").samples) == 0


label_values = st.text(st.characters(codec="utf-8", exclude_characters="\r\n", exclude_categories=("Cs", "Cc", "Zl")))


@given(label_values, st.floats(allow_nan=False))
def test_any_label_value_survives(text: str, value: float) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    (sample,) = parse(f'm{{l="{escaped}"}} {value!r}\n').samples
    assert sample.labels == {"l": text} and sample.value == value


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse(text)
        parse(text, OPENMETRICS)
        vector(text)
    except Malformed:
        pass


def test_answers_of_a_store() -> None:
    row = {"metric": {"__name__": "m", "pod": "p"}, "value": [1700000000.1, "3.5"]}
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [row]}})
    assert vector(body) == (Sample("m", {"pod": "p"}, 3.5),)
    with pytest.raises(Malformed, match="bad_data: parse error"):
        vector(json.dumps({"status": "error", "errorType": "bad_data", "error": "parse error"}))
    for wrong in ("[]", "<html>", '{"status": "success"}', '{"status": "success", "data": {"result": [{}]}}'):
        with pytest.raises(Malformed):
            vector(wrong)
