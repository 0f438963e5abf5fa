"""One call of a Google API with somebody's access token. Standard library alone: it runs before anything is installed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

SECONDS = 60


@dataclass(frozen=True)
class GoogleApi:
    """One API at its address, for one project, which also bears the quota. The token is in no message."""

    url: str
    project: str
    token: str

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call a path and return the answer; raises HTTPError for a refusal and URLError when nobody answers."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "X-Goog-User-Project": self.project}
        data = None if body is None else json.dumps(body).encode("utf-8")
        request = Request(f"{self.url}/{path}", data, headers, method=method)  # noqa: S310 - an address of our own
        with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - an address of our own
            content: dict[str, Any] = json.load(answer)
        return content


def run(what: str, act: Callable[[], str]) -> int:
    """Act and print what came of it; 1 with Google's own word where it was refused."""
    try:
        print(act())
    except HTTPError as error:
        with error:
            print(f"{what} failed: {error.code} {error.read().decode('utf-8', 'replace')[:500]}", file=sys.stderr)
        return 1
    except URLError as error:
        print(f"{what} failed: {error.reason}", file=sys.stderr)
        return 1
    return 0
