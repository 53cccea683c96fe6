"""A server outside the cluster that the user names by its URL: GET only, with a bearer token from a file.

The token is read anew for every call (it may be renewed meanwhile) and never recorded.
"""

import ssl
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx2

from aiconform.cluster.errors import ClusterError
from aiconform.cluster.talking import Http
from aiconform.cluster.transport import reason_of
from aiconform.evidence import Recorder

_SECONDS = 30.0


class Outside:
    """One such server. `url` is the base that paths are put after; credentials in it are refused."""

    def __init__(self, url: str, token_file: str = "") -> None:
        self.url = checked_url(url)
        self.token_file = token_file

    async def get(self, rec: Recorder, path: str, params: dict[str, str], step: str) -> Http:
        """One call, recorded as `http`. A server that cannot be reached answers with status 0 and the reason.

        ClusterError if the token's file cannot be read.
        """
        headers = {"Accept": "*/*"} | ({"Authorization": f"Bearer {self._token()}"} if self.token_file else {})
        url = f"{self.url}/{path}"
        try:
            async with httpx2.AsyncClient(timeout=_SECONDS, verify=ssl.create_default_context()) as client:
                answer = await client.get(url, params=params, headers=headers)
            got = Http(answer.status_code, dict(answer.headers), answer.text)
        except httpx2.HTTPError as error:
            got = Http(0, {}, reason_of(error))
        body = {"status": got.status, "headers": got.headers, "body": got.body}
        rec.observe("http", f"GET {url}?{urlencode(params)}", body, step)
        return got

    def _token(self) -> str:
        try:
            token = Path(self.token_file).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            said = getattr(error, "strerror", None) or "it is no text"
            raise ClusterError(
                f"the token file {self.token_file} cannot be read: {said}; see --metrics-token-file",
                "no-reachable-address",
            ) from None
        if not token or not token.isascii() or any(c.isspace() for c in token):
            raise ClusterError(
                f"{self.token_file} holds no bearer token (one word); see --metrics-token-file", "no-reachable-address"
            )
        return token


def checked_url(url: str) -> str:
    """The URL without a slash at its end. ValueError, with a sentence, for anything that is no plain base URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no http or https URL")
    if parts.username or parts.password:
        raise ValueError("the URL must hold no user name or password, since it is recorded; put a token into a file")
    if parts.query or parts.fragment:
        raise ValueError("the URL must be the base of the API, without a query: what is before /api/v1/query")
    return url.rstrip("/")
