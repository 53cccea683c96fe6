"""Follows links as the gate does: HEAD, then GET, and only the status counts. Politely: few at a time, and honest.

The only part of this package that uses the network.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

import httpx2

from aiconform import __version__

USER_AGENT = f"aiconform/{__version__} (follows the links of an AI conformance submission, as its gate does)"
_HEADERS = {"User-Agent": USER_AGENT, "Accept": "text/html,*/*;q=0.8", "Accept-Language": "en"}

# refused: 401 or 403; busy: 429 to the end; dead: any other answer from 400 on; silent: no answer at all.
State = Literal["alive", "refused", "busy", "dead", "silent"]


@dataclass(frozen=True, kw_only=True)
class Manners:
    """Times are in seconds. `wait` is the pause before a second try, doubled each time; a server may ask for more.

    `timeout` is for each step, `whole` for a try with all its steps: a server may send a byte now and then for ever.
    """

    timeout: float = 30.0
    whole: float = 90.0
    at_once: int = 8
    per_host: int = 2
    tries: int = 3
    wait: float = 2.0
    longest_wait: float = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a link: `said` is half a sentence, such as "answers 404"."""

    state: State
    said: str


class NoNetwork(Exception):
    """Not one link answered anything: the fault is more likely here. One sentence."""


def follow(urls: Iterable[str], manners: Manners | None = None) -> dict[str, Answer]:
    """Each address once. Raises NoNetwork if none of several answers at all."""
    wanted = list(dict.fromkeys(urls))
    answers = asyncio.run(_all(wanted, manners or Manners()))
    if len(wanted) > 1 and all(a.state == "silent" for a in answers.values()):
        said = next(iter(answers.values())).said
        raise NoNetwork(f"none of {len(wanted)} links answered ({said}); go online, or check with --offline")
    return answers


def fetch(url: str, largest: int, manners: Manners | None = None) -> bytes:
    """A file's bytes. Raises NoNetwork with one sentence."""
    try:
        timeout = (manners or Manners()).timeout
        response = httpx2.get(url, headers=_HEADERS, timeout=timeout, follow_redirects=True)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NoNetwork(f"{url} cannot be fetched: {_why(error)}") from None
    if response.status_code != 200 or len(response.content) > largest:
        raise NoNetwork(f"{url} answers {response.status_code} with {len(response.content)} bytes")
    return response.content


async def _all(urls: list[str], manners: Manners) -> dict[str, Answer]:
    at_once = asyncio.Semaphore(manners.at_once)
    hosts: dict[str, asyncio.Semaphore] = {}
    async with httpx2.AsyncClient(
        headers=_HEADERS, timeout=manners.timeout, follow_redirects=True, max_redirects=10
    ) as client:

        async def one(url: str) -> Answer:
            try:
                host = urlsplit(url).netloc
            except ValueError:
                return Answer("silent", "is no web address")
            # The host's turn first: waiting for a slow host must not hold up the others.
            async with hosts.setdefault(host, asyncio.Semaphore(manners.per_host)), at_once:
                return await _patiently(client, url, manners)

        answers = await asyncio.gather(*(one(u) for u in urls))
    return dict(zip(urls, answers, strict=True))


async def _patiently(client: httpx2.AsyncClient, url: str, manners: Manners) -> Answer:
    """Again after 429, 5xx and no answer: such things pass."""
    wait = manners.wait
    for attempt in range(manners.tries):
        answer, asked = await _once(client, url, manners.whole)
        passing = answer.state in ("busy", "silent") or answer.said.startswith("answers 5")
        if not passing or attempt == manners.tries - 1:
            return answer
        await asyncio.sleep(min(max(wait, asked), manners.longest_wait))
        wait *= 2
    return answer


async def _once(client: httpx2.AsyncClient, url: str, whole: float) -> tuple[Answer, float]:
    """An answer, and for how many seconds the server asks to be left alone."""
    try:
        async with asyncio.timeout(whole):
            response = await client.head(url)
            if response.status_code >= 400:
                # Many servers do not know HEAD. The body is not read.
                async with client.stream("GET", url) as response:
                    return _answer(response.status_code), _retry_after(response.headers.get("retry-after", ""))
            return _answer(response.status_code), 0.0
    except httpx2.InvalidURL as error:
        return Answer("dead", f"is no web address ({error})"), 0.0
    except httpx2.TooManyRedirects:
        return Answer("dead", "redirects without end"), 0.0
    except httpx2.UnsupportedProtocol:
        return Answer("dead", "leads to no web address"), 0.0
    except (httpx2.HTTPError, TimeoutError, UnicodeError, ValueError) as error:
        return Answer("silent", f"does not answer ({_why(error)})"), 0.0


def _answer(status: int) -> Answer:
    states: dict[int, State] = {401: "refused", 403: "refused", 429: "busy"}
    state: State = "alive" if status < 400 else states.get(status, "dead")
    return Answer(state, f"answers {status}")


def _retry_after(value: str) -> float:
    if value.isdecimal():
        return float(value)
    try:
        # A date: what it is now, the server says better than this machine's clock; a fixed pause will do.
        return 10.0 if value and parsedate_to_datetime(value) else 0.0
    except ValueError:
        return 0.0


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx2.RemoteProtocolError):
        return "it speaks no HTTP"
    return str(error).strip().rstrip(".") or type(error).__name__
