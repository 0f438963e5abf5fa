"""The Terraform of `infra/` as the structure tests read it: its tables (`locals`) and its resources, as Python values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import hcl2
from hcl2 import SerializationOptions

from tests.structure.source import ROOT

Block = Mapping[str, Any]


@cache
def tables() -> Block:
    """Every local value by its name. Literals are Python's; what Terraform works out stays text, `${…}`."""
    return {name: value for block in _blocks("locals") for name, value in block.items()}


@cache
def variables() -> Block:
    """Every variable by its name."""
    return {name: body for block in _blocks("variable") for name, body in block.items()}


@cache
def resources(kind: str, block: str = "resource") -> Mapping[str, Block]:
    """Every resource of one type by its name; `block` may be `ephemeral` or `data` instead."""
    return {name: body for found in _blocks(block) for name, body in found.get(kind, {}).items()}


def block_of(body: Block, *path: str) -> Block:
    """The one nested block at a path; an empty one says that there is none."""
    for name in path:
        found = body.get(name, [])
        body = found[0] if len(found) == 1 else {}
    return body


def read(text: str) -> Block:
    """Parse a text: strings lose their quotes, blocks the parser's mark."""
    return dict(_plain(hcl2.loads(text if text.endswith("\n") else f"{text}\n", serialization_options=SerializationOptions(with_comments=False))))


@cache
def _files() -> tuple[Block, ...]:
    return tuple(read(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "infra").glob("*.tf")))


def _blocks(kind: str) -> list[Block]:
    return [block for file in _files() for block in file.get(kind, [])]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_unquoted(key): _plain(inner) for key, inner in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return _unquoted(value) if isinstance(value, str) else value


def _unquoted(text: str) -> str:
    return text[1:-1].replace('\\"', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text
