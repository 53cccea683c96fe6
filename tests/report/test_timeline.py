"""The picture, and the history that it is drawn from."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import report_sample as sample

from aiconform.report import timeline
from aiconform.report.history import history
from aiconform.report.records import cited


def test_a_pods_times_are_those_of_the_watch() -> None:
    rec, _ = sample.gang_recording(splits=True)
    pods = {p.name: p for s in history(rec).steps for p in s.pods}
    short = pods["short-0"]
    assert (short.created, short.bound, short.started, short.ended) == (41.2, 55, 58, 170)
    assert (short.role, short.step, short.node) == ("member", "short_gang", "lab-node-1")
    assert pods["plain-3"].bound is None
    assert pods["plain-3"].ended == 40.2


def test_windows_and_gaps_span_what_they_cover() -> None:
    rec, _ = sample.gang_recording(splits=True)
    past = history(rec)
    assert [(w.name, w.start, w.end, w.closed) for w in past.windows] == [("short_gang", 41, 131, True)]
    assert [(g.start, g.end) for g in past.gaps] == [(150.75, 152)]
    cut = replace(rec, observations=tuple(o for o in rec.observations if o.kind != "window.close"))
    assert [(w.end, w.closed) for w in history(cut).windows] == [(182.0, False)]


def test_pods_of_others_are_counted_and_not_drawn_unless_cited() -> None:
    h = sample.History()
    seq = h.pod(1, "", "stranger", "", "ADDED")
    h.pod(2, "canary", "canary", "canary", "ADDED")
    rec = replace(sample.gang_recording()[0], observations=tuple(h.seen))
    assert history(rec).unseen == 1
    assert history(rec, frozenset({seq})).unseen == 0


def picture(splits: bool) -> ET.Element:
    rec, cites = sample.gang_recording(splits=splits)
    by = cited(sample.gang_verdict(rec, cites, splits=splits))
    past = history(rec, frozenset(by))
    marks = {
        seq: timeline.Mark(
            t=past.by_seq[seq].t, href=f"r-{seq}", title=f"seq {seq}", fails=seq in cites.get("split", ())
        )
        for seq in by
    }
    return ET.fromstring(timeline.svg(past, marks, "p"))


def test_every_cited_observation_is_marked_and_failures_differ_in_shape() -> None:
    root = picture(splits=True)
    links = root.findall(".//a")
    titles = "; ".join(a.findtext("title") or "" for a in links)
    _, cites = sample.gang_recording(splits=True)
    for seq in cites["whole"] + cites["split"] + cites["release"]:
        assert f"seq {seq}" in titles.replace(";", " ").split("  ") or f"seq {seq}" in titles
    fails = [a for a in links if "fails" in a.get("class", "").split()]
    assert {a.get("href") for a in fails} == {f"#r-{s}" for s in cites["split"]}
    assert all(a.find("path") is not None for a in fails)
    assert all(a.find("path") is None for a in links if a not in fails)
    assert picture(splits=False).findall(".//a[@class='mark fails']") == []


def test_bars_lie_where_their_times_are() -> None:
    root = picture(splits=True)
    lane = next(g for g in root.iter("g") if (g.findtext("title") or "").startswith("short-0"))
    bound, runs = (next(r for r in lane.iter("rect") if r.get("class") == c) for c in ("bound", "runs"))
    scale = timeline.Scale(182)
    assert float(bound.get("x", "")) == round(scale.x(55), 1)
    assert float(runs.get("x", "")) == round(scale.x(58), 1)
    assert abs(float(runs.get("x", "")) + float(runs.get("width", "")) - scale.x(170)) < 0.2
    waits = next(g for g in root.iter("g") if (g.findtext("title") or "").startswith("plain-3"))
    assert "not bound" in [t.text for t in waits.iter("text")]


def test_too_many_pods_are_left_out_aloud_but_never_a_cited_one() -> None:
    h = sample.History()
    for i in range(200):
        last = h.pod(i / 10, "many", f"pod-{i}", "member", "ADDED")
    rec = replace(sample.gang_recording()[0], observations=tuple(h.seen))
    mark = timeline.Mark(t=19.9, href="r", title="the last", fails=False)
    text = timeline.svg(history(rec, frozenset({last})), {last: mark}, "p")
    assert "140 more pods are not drawn" in text
    assert "pod-199" in text
    assert 'href="#r"' in text


def test_an_empty_recording_gives_no_picture() -> None:
    rec = replace(sample.gang_recording()[0], observations=(), ending=None)
    assert timeline.svg(history(rec), {}, "p") == ""
