"""What every route reads from a request: the JSON body, the update mask, the page of a list."""

from __future__ import annotations

import base64
import binascii
import copy
import json
from collections.abc import Callable, Iterable
from typing import TypeVar

from aiohttp import web

from local.cloud.errors import invalid_argument
from local.cloud.wire import Document, parse_integer, section

Item = TypeVar("Item")


async def read_document(request: web.Request) -> Document:
    """Return the JSON object of the body; an empty body is an empty object."""
    body = await request.read()
    try:
        document = json.loads(body) if body else {}
    except ValueError as error:
        raise invalid_argument("Invalid JSON payload received.") from error
    if not isinstance(document, dict):
        raise invalid_argument("The body must be a JSON object")
    return document


def read_mask(request: web.Request) -> list[str]:
    """Return the update mask's paths in lowerCamelCase; empty means every field."""
    return [_camel(path) for path in request.query.get("updateMask", "").split(",") if path]


def apply_mask(current: Document, incoming: Document, paths: list[str]) -> Document:
    """Return ``current`` with the masked paths taken from ``incoming``; a masked field that is missing there is cleared."""
    merged = copy.deepcopy(current)
    for path in paths or list(incoming):
        parent, _, leaf = path.rpartition(".")
        source = section(incoming, parent) if parent else incoming
        goal = merged.setdefault(parent, {}) if parent else merged
        if leaf in source:
            goal[leaf] = source[leaf]
        else:
            goal.pop(leaf, None)
    return merged


def read_page(request: web.Request, items: Iterable[Item], name: Callable[[Item], str]) -> tuple[list[Item], str]:
    """Return the asked page of ``items`` in the order of their names, and the token of the next one ("" after the last)."""
    size = parse_integer(request.query.get("pageSize", "0"), "pageSize", 0, 1_000_000) or 1000
    after = _read_token(request.query.get("pageToken", ""))
    rest = sorted((item for item in items if name(item) > after), key=name)
    page = rest[:size]
    return page, base64.urlsafe_b64encode(name(page[-1]).encode()).decode() if len(rest) > size else ""


def _read_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid_argument("The page token is invalid") from error


def _camel(path: str) -> str:
    head, *tail = path.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in tail)
