"""One HTTP exchange as the application sees it, whichever protocol carried it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, unquote

JSON_TYPE = "application/json; charset=UTF-8"
HTML_TYPE = "text/html; charset=UTF-8"
MESSAGE_BODY_LIMIT_BYTES = 1 << 20
ADMIN_BODY_LIMIT_BYTES = 32 << 20
ADMIN_PREFIX = "/_sim/"
TOO_LARGE = "Request entity too large."


class Drop(StrEnum):
    """What is torn down instead of answering: the whole connection, or only the stream (HTTP/2)."""

    CONNECTION = "connection"
    STREAM = "stream"


@dataclass(slots=True)
class Request:
    """A complete request; header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    http_version: str

    @property
    def path(self) -> str:
        """The decoded path without the query."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """The query's fields; of a repeated one the last counts, as FCM documents."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


@dataclass(slots=True)
class Answer:
    """What is sent back, and how: after a delay, not at all, or with an invitation to leave the connection.

    `on_given` runs once the answer was handed to the network, so that an answer lost by a drop is never counted as given.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    delay_seconds: float = 0.0
    drop: Drop | None = None
    goaway: bool = False
    on_given: Callable[[], None] | None = None

    def header_fields(self) -> list[tuple[str, str]]:
        """The header fields with lower-case names, as HTTP/2 wants them and HTTP/1.1 allows them."""
        if self.status == 204:
            return list(self.headers)
        return [("content-type", self.content_type), ("content-length", str(len(self.body))), *self.headers]


def json_answer(status: int, value: object) -> Answer:
    """Build an answer whose body is the value as JSON."""
    return Answer(status, json.dumps(value).encode())


def transport_refusal(status: int, text: str) -> Answer:
    """Build the answer to a request that the protocol layer refuses itself."""
    return json_answer(status, {"error": {"code": status, "message": text, "status": "INVALID_ARGUMENT"}})


def body_limit_bytes(target: str) -> int:
    """Return how many bytes a body for this request target may have; a fault rule may name many thousand targets."""
    return ADMIN_BODY_LIMIT_BYTES if target.startswith(ADMIN_PREFIX) else MESSAGE_BODY_LIMIT_BYTES
