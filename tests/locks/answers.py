"""Answers made comparable: two that tell the same are equal, to the byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from werkzeug.test import TestResponse

_ID = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")
_REMAINING = re.compile(r";r=\d+;t=\d+")
_THING = "(thing)"
_SHORTEST_NAME = 6
_VARYING = {"Content-Length"}
"""Follows from the body, in which names of different lengths may stand."""


@dataclass(frozen=True)
class Told:
    """What an answer says: its status, its headers, its body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def __str__(self) -> str:
        return f"{self.status} {self.body[:300]!r} {dict(self.headers)}"


def exact(answer: TestResponse) -> Told:
    """An answer as it came."""
    return Told(answer.status_code, tuple(sorted(answer.headers)), answer.text)


def told(answer: TestResponse, named: Iterable[str]) -> Told:
    """What an answer tells of the things that its request named, whatever they are called; new ids, times and what is left of a limit aside."""
    # Longer ones first, because one may be a part of another; short ones are no names, and a part of anything.
    names = sorted((name for name in named if len(name) >= _SHORTEST_NAME), key=len, reverse=True)

    def plain(text: str) -> str:
        text = _REMAINING.sub("", _TIME.sub("(time)", text))
        for name in names:
            text = text.replace(name, _THING)
        return _ID.sub(_THING, text)

    headers = tuple(sorted((name, plain(value)) for name, value in answer.headers if name not in _VARYING))
    return Told(answer.status_code, headers, plain(answer.text))


def words_in(ask: object) -> set[str]:
    """Every text that a request holds, the names of its fields left out."""
    if isinstance(ask, Mapping):
        return {word for value in ask.values() for word in words_in(value)}
    if isinstance(ask, list | tuple):
        return {word for value in ask for word in words_in(value)}
    return {ask} if isinstance(ask, str) else set()
