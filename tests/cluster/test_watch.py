"""Watches: nothing is missed, and where something could have been missed the recording says so."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_api import FakeApi, cluster_on, recorder, status

from aiconform.cluster.errors import ApiLost, Refused
from aiconform.cluster.watch import Watch
from aiconform.evidence import Recorder, load

Object = dict[str, Any]


def pod(name: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "namespace": "ns", "labels": {"aiconform.dev/run": "run1", **labels}}}


class Scene:
    """A watch on the pods of "ns" on a fake API, and what it recorded."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.api = FakeApi()
        self.changed = asyncio.Condition()
        self.rec: Recorder = recorder(folder)
        self.watch = Watch(cluster_on(self.api), "v1", "pods", "ns", changed=self.changed, rec=self.rec, **options)

    async def until(self, test: Callable[[], bool]) -> None:
        async with asyncio.timeout(3), self.changed:
            while not test():
                await self.changed.wait()

    async def until_async(self, test: Callable[[], bool]) -> None:
        """Lets the other tasks of this loop go on until the test holds."""
        async with asyncio.timeout(3):
            while not test():
                await asyncio.sleep(0)

    def names(self) -> set[str]:
        return {o["metadata"]["name"] for o in self.watch.objects.values()}

    def recorded(self) -> list[tuple[str, str, Any]]:
        done = load(self.rec.directory)
        assert not done.damage
        return [(o.kind, o.subject, o.body) for o in done.observations if o.kind.startswith("watch")]

    def kinds(self) -> list[str]:
        return [k if k != "watch" else f"{b['type']} {s.split('/')[-1]}" for k, s, b in self.recorded()]


def play(folder: Path, story: Callable[[Scene], Awaitable[None]], **options: Any) -> Scene:
    async def main() -> Scene:
        scene = Scene(folder, **options)
        await story(scene)
        await scene.watch.stop()
        return scene

    return asyncio.run(main())


def test_what_is_there_and_what_comes_is_recorded_in_order(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.api.put("pods", pod("a"))
        await s.watch.start()
        await s.api.put("pods", pod("b", **{"aiconform.dev/step": "canary"}))
        await s.until(lambda: s.names() == {"a", "b"})
        await s.api.delete("pods", "ns", "a")
        await s.until(lambda: s.names() == {"b"})

    scene = play(tmp_path, story)
    assert scene.kinds() == ["watch.start", "ADDED a", "ADDED b", "DELETED a", "watch.end"]
    start = scene.recorded()[0]
    assert start[1] == "pods/ns" and start[2]["resourceVersion"] == "101"
    assert [o.step for o in load(scene.rec.directory).observations if o.subject.endswith("/b")] == ["canary"]


def test_a_lost_connection_is_taken_up_where_it_was_without_a_gap(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.watch.start()
        await s.api.put("pods", pod("a"))
        await s.until(lambda: s.names() == {"a"})
        await s.api.cut_watches()
        await s.api.put("pods", pod("b"))
        await s.api.delete("pods", "ns", "b")
        await s.api.put("pods", pod("c"))
        await s.until(lambda: s.names() == {"a", "c"})

    scene = play(tmp_path, story)
    assert scene.kinds() == ["watch.start", "ADDED a", "ADDED b", "DELETED b", "ADDED c", "watch.end"]
    assert sum(1 for r in scene.api.requests if r.url.params.get("watch")) > 1


def test_a_version_that_is_too_old_is_a_gap_and_the_difference_is_recorded(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        for name in ("stays", "goes", "changes"):
            await s.api.put("pods", pod(name))
        await s.watch.start()
        await s.until(lambda: len(s.names()) == 3)
        s.api.deaf = True
        await s.api.delete("pods", "ns", "goes")
        await s.api.put("pods", s.api.objects["pods", "ns", "changes"])
        await s.api.put("pods", pod("new"))
        s.api.oldest, s.api.deaf = s.api.version, False
        s.api.events.clear()
        await s.api.cut_watches()
        await s.until(lambda: s.names() == {"stays", "changes", "new"})

    scene = play(tmp_path, story)
    kinds = scene.kinds()
    gap = kinds.index("watch.gap")
    assert sorted(kinds[gap + 1 : -1]) == ["ADDED new", "DELETED goes", "MODIFIED changes"]
    assert "410" in scene.recorded()[gap][2]["why"]


@pytest.mark.parametrize(
    "line",
    [
        b"{half an event\n",
        b'{"type":"ADDED","object":{"metadata":{"name":"x"}}}\n',
        b'{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}\n',
        b"[]\n",
    ],
)
def test_an_event_that_cannot_be_used_is_a_gap(tmp_path: Path, line: bytes) -> None:
    async def story(s: Scene) -> None:
        await s.watch.start()
        s.api.inject.append(line)
        await s.api.put("pods", pod("a"))
        await s.until(lambda: s.watch.gaps > 0 and s.names() == {"a"})
        await s.api.put("pods", pod("b"))
        await s.until(lambda: s.names() == {"a", "b"})

    kinds = play(tmp_path, story).kinds()
    assert kinds.count("watch.gap") == 1
    assert kinds.count("ADDED a") == 1 and kinds.count("ADDED b") == 1


def test_an_event_with_a_next_line_character_in_a_string_is_whole(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.watch.start()
        text = '{"type":"ADDED","object":{"metadata":{"name":"odd","namespace":"ns","uid":"u","resourceVersion":"101",'
        s.api.inject.append((text + '"annotations":{"a":"x\u0085y\u2028z"}}}}\n').encode())
        await s.api.put("pods", pod("a"))
        await s.until(lambda: "odd" in s.names())

    assert "watch.gap" not in play(tmp_path, story).kinds()


def test_bookmarks_move_the_version_and_are_not_recorded(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.watch.start()
        s.api.version = 500
        s.api.inject.append(b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"500"}}}\n')
        await s.until_async(lambda: not s.api.inject)
        await s.api.cut_watches()
        await s.api.put("pods", pod("a"))
        await s.until(lambda: s.names() == {"a"})

    scene = play(tmp_path, story)
    assert scene.kinds() == ["watch.start", "ADDED a", "watch.end"]
    asked = [r.url.params["resourceVersion"] for r in scene.api.requests if r.url.params.get("watch")]
    assert asked == ["100", "500"]


def test_an_api_server_that_stays_away_ends_the_watch_and_wakes_who_waits(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.watch.start()
        s.api.faults.append(lambda r: httpx2.ConnectError("no route to host"))
        await s.api.cut_watches()
        await s.until(lambda: s.watch.lost is not None)
        assert isinstance(s.watch.lost, ApiLost)

    scene = play(tmp_path, story, patience=0.3)
    assert scene.kinds() == ["watch.start", "watch.end"]
    assert "no route to host" in scene.recorded()[-1][2]["why"]


def test_a_long_silence_is_no_reason_to_give_up(tmp_path: Path) -> None:
    """Watches of events have no bookmarks: they are silent for as long as nothing happens."""

    async def story(s: Scene) -> None:
        stream = s.watch._stream
        silent = [True]

        async def once_silent(server_seconds: int) -> None:
            if silent.pop() if silent else False:
                s.watch._answered = time.monotonic()
                await asyncio.sleep(1.2)
                raise httpx2.ReadTimeout("")
            await stream(server_seconds)

        s.watch._stream = once_silent  # type: ignore[method-assign]
        await s.watch.start()
        await s.api.put("pods", pod("a"))
        await s.until(lambda: s.names() == {"a"})
        assert not silent and s.watch.lost is None

    scene = play(tmp_path, story, patience=0.3)
    assert scene.kinds() == ["watch.start", "ADDED a", "watch.end"]


def test_a_watch_that_may_no_longer_be_read_is_lost(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.watch.start()
        s.api.faults.append(lambda r: status(403, "Forbidden", "no") if r.url.params.get("watch") else None)
        await s.api.cut_watches()
        await s.until(lambda: s.watch.lost is not None)
        assert isinstance(s.watch.lost, Refused)

    play(tmp_path, story)


def test_server_errors_on_a_watch_are_tried_again(tmp_path: Path) -> None:
    answers = iter([status(503, "ServiceUnavailable", "busy"), status(429, "TooManyRequests", "slow down")])

    async def story(s: Scene) -> None:
        await s.watch.start()
        s.api.faults.append(lambda r: next(answers, None) if r.url.params.get("watch") else None)
        await s.api.cut_watches()
        await s.api.put("pods", pod("a"))
        await s.until(lambda: s.names() == {"a"})

    assert play(tmp_path, story).kinds() == ["watch.start", "ADDED a", "watch.end"]


def test_confirming_a_sound_watch_changes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.watch.start()
        await s.api.put("pods", pod("a"))
        assert await s.watch.confirm()
        assert s.names() == {"a"}
        await s.api.put("pods", pod("b"))
        await s.until(lambda: s.names() == {"a", "b"})

    assert play(tmp_path, story).kinds() == ["watch.start", "ADDED a", "ADDED b", "watch.end"]


def test_confirming_a_watch_whose_server_keeps_events_back_is_a_gap(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.api.put("pods", pod("goes"))
        await s.watch.start()
        s.api.deaf = True
        await s.api.put("pods", pod("a"))
        await s.api.delete("pods", "ns", "goes")
        assert not await s.watch.confirm()
        assert s.names() == {"a"}

    kinds = play(tmp_path, story).kinds()
    assert kinds.index("watch.gap") < kinds.index("ADDED a")
    assert "DELETED goes" in kinds


def test_confirming_without_the_api_server_is_no_confirmation(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.watch.start()
        s.api.faults.append(lambda r: httpx2.ReadError("gone") if r.url.params.get("watch") else None)
        assert not await s.watch.confirm(0.1)

    assert "watch.gap" in play(tmp_path, story).kinds()
