"""Secrets are compared in a time that does not depend on how much of one is right: with `hmac.compare_digest`, and never with `==` or `in`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from tests.structure.source import Module, modules_of, sample

_SECRET = re.compile(r"(?:^|_)(?:token|secret|password|hash|mac|hmac|digest|signature|bearer|private_key)(?:s|_hash)?$")
_COMPARING = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
NO_SECRETS = {
    "by_hash": "a table by the keyed hashes of people's names: its keys came back from a query for them",
    "request_hash": "names a request's body, which its caller knows, to tell a repeat from another request; it opens nothing",
}
"""Names that look like a secret's and are none, with the reason."""


def find_plain_comparisons(modules: Iterable[Module]) -> list[str]:
    """Find comparisons of something that is named like a secret; with None or a written value there is nothing to be guessed."""
    return [
        module.at(node.lineno, f"{ast.unparse(node)} compares what may be a secret; use hmac.compare_digest")
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.Compare) and any(isinstance(operator, _COMPARING) for operator in node.ops) and _is_of_secrets(node)
    ]


def _is_of_secrets(node: ast.Compare) -> bool:
    sides = [node.left, *node.comparators]
    if any(_is_written(side) for side in sides):
        return False
    return any(_SECRET.search(name) and name not in NO_SECRETS for side in sides for name in _names(side))


def _is_written(side: ast.expr) -> bool:
    """A literal in the source is no secret, nor is a collection of literals."""
    parts = side.elts if isinstance(side, ast.Tuple | ast.List | ast.Set) else [side]
    return all(isinstance(part, ast.Constant) for part in parts)


def _names(side: ast.expr) -> Iterator[str]:
    """What an operand is called: a variable, an attribute, or the function that makes it."""
    for part in ast.walk(side):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def test_secrets_are_compared_in_constant_time() -> None:
    assert find_plain_comparisons(modules_of("functions")) == []


@pytest.mark.parametrize("name", ["fanfare.domain.client", "fanfare.domain.rotation", "fanfare.domain.listing"])
def test_whoever_compares_secrets_uses_compare_digest(name: str) -> None:
    (module,) = [module for module in modules_of("functions") if module.name == name]
    assert {"hmac.compare_digest", "fanfare.domain.client.is_same_hash"} & {reference.name for reference in module.references}


@pytest.mark.parametrize("name", NO_SECRETS)
def test_every_exception_is_needed(name: str) -> None:
    assert any(name in module.text for module in modules_of("functions"))


@pytest.mark.parametrize(
    "text",
    [
        "token == stored",
        "client.token_hash != hash_token(token)",
        "hash_token(given) == client.previous_token_hash",
        "mac[:16] == expected",
        "given in (client.token_hash, client.previous_token_hash)",
        "raw[:16] != _mac(key, query, after)",
        "bearer not in accepted",
        "x == y == signature",
    ],
)
def test_a_plain_comparison_is_caught(text: str) -> None:
    assert len(find_plain_comparisons([sample("a", text)])) == 1


@pytest.mark.parametrize(
    "text",
    [
        "hmac.compare_digest(token, stored)",
        "token is None",
        "kind == 'token'",
        "name in ('token', 'fid')",
        "token == ''",
        "stored.request_hash != attempt.request_hash",
        "machine == other",
        "len(parts) == 3",
    ],
)
def test_other_comparisons_are_not_caught(text: str) -> None:
    assert find_plain_comparisons([sample("a", text)]) == []
