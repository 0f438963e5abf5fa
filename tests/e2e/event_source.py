"""A reader of server-sent events as the HTML standard wants one (9.2.6), which knows where to go on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import requests

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Received:
    """One event of a stream."""

    id: str
    kind: str
    body: dict[str, Any]


class EventSource:
    """One connection. `last_id` is where the next one goes on; `comments` are what was said to keep the connection alive."""

    def __init__(self, url: str, headers: Mapping[str, str], *, last_id: str = "", **query: Any) -> None:
        sent = {**headers, **({"Last-Event-ID": last_id} if last_id else {})}
        self.last_id = last_id
        self.comments: list[str] = []
        self.response = requests.get(url, headers=sent, params=query, stream=True, timeout=PATIENCE_SECONDS)
        # One iterator for all who read: an iterator of requests that is dropped takes the connection with it.
        # Bytes: as text, a line would also end at U+2028, which a body may hold.
        self._lines = (line.decode("utf-8") for line in self.response.iter_lines(chunk_size=1))

    def events(self) -> Iterator[Received]:
        """The events until the stream ends; a broken connection raises."""
        fields: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(":")
            if line and name:
                fields[name] = value.removeprefix(" ")
            elif line:
                self.comments.append(value.strip())
            else:
                # An id counts even where no event comes with it.
                self.last_id = fields.get("id", self.last_id)
                if "data" in fields:
                    yield Received(self.last_id, fields["event"], json.loads(fields["data"]))
                fields = {}

    def take(self, count: int) -> list[Received]:
        """The next events, as many as are expected."""
        found: list[Received] = []
        for event in self.events():
            found.append(event)
            if len(found) == count:
                break
        return found

    def opened(self) -> Self:
        """Wait for the first frame, from which on nothing is missed."""
        for line in self._lines:
            if line.startswith("id: "):
                self.last_id = line.removeprefix("id: ")
            if not line:
                break
        return self

    def close(self) -> None:
        """Cut the connection."""
        self.response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
