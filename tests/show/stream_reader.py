"""A reader of the stream that keeps each event's bytes (html.spec.whatwg.org, 9.2.6)."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import requests

from tests.e2e.harness import Api
from tests.show.outlet import FollowError, Outlet

PATIENCE_SECONDS = 30.0
"""A comment comes every fifteen seconds."""


class StreamReader:
    """One connection, open when this is made: no later event is missed."""

    def __init__(self, api: Api, outlet: Outlet) -> None:
        url = f"{api.url}/api/v1/events/stream/"
        self._outlet = outlet
        self._response = requests.get(url, headers=api.headers, stream=True, timeout=PATIENCE_SECONDS)
        if not self._response.ok:
            raise FollowError(f"The stream answers {self._response.status_code}: {self._response.text[:500]}")
        # Bytes: a line of text may end at characters that are none of the format's.
        self._lines: Iterator[bytes] = self._response.iter_lines(chunk_size=1)
        self._read_frame()

    def read(self, over: Event) -> None:
        """Hand on each event until the last one has come, or until it is over, which is seen at the next frame."""
        with self._response:
            while not (over.is_set() or self._outlet.is_complete.is_set()):
                frame = self._read_frame()
                if b"data" in frame:
                    self._outlet.take(frame[b"data"])

    def _read_frame(self) -> dict[bytes, bytes]:
        """The fields of the next frame; a comment's is without a name."""
        fields: dict[bytes, bytes] = {}
        for line in self._lines:
            if not line:
                return fields
            name, _, value = line.partition(b":")
            fields[name] = value.removeprefix(b" ")
        raise FollowError("The stream ended too early.")
