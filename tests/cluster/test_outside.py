"""A server that the user names by its URL: what is asked, what is recorded, and what is not."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from aiconform.cli.errors import Problem
from aiconform.cli.settings import make_options
from aiconform.cluster.errors import ClusterError
from aiconform.cluster.outside import Outside, checked_url
from aiconform.evidence import Recorder
from aiconform.model import FORMAT, Begin, Suite

TOKEN = "secret-word-of-the-user"


class Handler(BaseHTTPRequestHandler):
    asked: list[tuple[str, str]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization", "")))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status":"success"}')

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.asked.clear()
    made = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}/base/"
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def rec(tmp_path: Path) -> Recorder:
    begin = Begin(format=FORMAT, run="r", check="c", via="v", suite=Suite(version="0"), settings={}, facts={}, at="")
    return Recorder.create(tmp_path, begin)


def recorded(rec: Recorder) -> str:
    return (rec.directory / "observations.jsonl").read_text()


def test_the_token_is_sent_and_not_recorded(server: str, rec: Recorder, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    outside = Outside(server, str(tmp_path / "token"))
    got = asyncio.run(outside.get(rec, "api/v1/query", {"query": "up{a='b'}"}, "s"))
    assert got.status == 200
    assert Handler.asked == [("/base/api/v1/query?query=up%7Ba%3D%27b%27%7D", f"Bearer {TOKEN}")]
    assert "success" in recorded(rec) and "/base/api/v1/query?" in recorded(rec)
    assert TOKEN not in recorded(rec)


def test_a_server_that_is_not_there_is_an_answer_with_its_reason(rec: Recorder) -> None:
    got = asyncio.run(Outside("http://127.0.0.1:1").get(rec, "x", {}, "s"))
    assert got.status == 0 and got.body
    assert '"status":0' in recorded(rec)


@pytest.mark.parametrize("content", [None, "", "two words", "naïve"])
def test_a_token_that_cannot_be_used_is_said(content: str | None, rec: Recorder, tmp_path: Path) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ClusterError, match="--metrics-token-file"):
        asyncio.run(Outside("https://localhost:1", str(file)).get(rec, "x", {}, "s"))


@pytest.mark.parametrize(
    "url", ["prometheus:9090", "ftp://a", "https://", "https://u:p@a", "https://a/?x=1", "http://a#b"]
)
def test_what_is_no_plain_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        checked_url(url)
    with pytest.raises(Problem, match="--metrics-url"):
        make_options(metrics_url=url)


def test_a_token_needs_a_file_and_a_safe_way(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    with pytest.raises(Problem, match="https"):
        make_options(metrics_url="http://a", metrics_token_file=str(tmp_path / "token"))
    with pytest.raises(Problem, match="no file"):
        make_options(metrics_url="https://a", metrics_token_file=str(tmp_path / "none"))
    made = make_options(metrics_url="https://a", metrics_token_file=str(tmp_path / "token"))
    assert made.metrics_token_file
