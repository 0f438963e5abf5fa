"""Whether the indexes of `firestore.indexes.json` serve a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local.indexes.asked import Asked

Spec = Mapping[str, Sequence[Mapping[str, Any]]]
"""What `firestore.indexes.json` holds."""


def is_served(query: Asked, spec: Spec) -> bool:
    """Tell whether Firestore can answer: by merging single-field indexes for equality alone, else by a composite for the rest of it.

    Composites are merged where they end alike, in the same order by the same field.
    """
    wanted = ((query.contains, "CONTAINS"), (query.ordered, "ASCENDING"), (query.newest, "DESCENDING"))
    special = {need for need in wanted if need[0]}
    equal = {(field, "ASCENDING") for field in query.equal}
    if not special | equal:
        # Documents by their names alone: what every collection is kept by.
        return True
    if len(special | equal) == 1 or (not special and not query.everywhere):
        return all(_has_single(query, need, spec) for need in special | equal)
    indexes = [held for index in spec["indexes"] if _is_for(index, query) and special <= (held := _fields_of(index)) <= special | equal]
    if query.ordered or query.newest:
        return set().union(*indexes) == special | equal
    return any(_completes(held, equal, query, spec) for held in indexes)


def _completes(held: set[tuple[str, str]], equal: set[tuple[str, str]], query: Asked, spec: Spec) -> bool:
    return all(_has_single(query, need, spec) for need in equal - held)


def _is_for(index: Mapping[str, Any], query: Asked) -> bool:
    return bool(index["collectionGroup"] == query.collection and index["queryScope"] == query.scope)


def _fields_of(index: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(field["fieldPath"], field.get("arrayConfig") or field["order"]) for field in index["fields"]}


def _has_single(query: Asked, need: tuple[str, str], spec: Spec) -> bool:
    field, kind = need
    for override in spec["fieldOverrides"]:
        if (override["collectionGroup"], override["fieldPath"]) == (query.collection, field):
            wanted = (kind, query.scope)
            return any((index.get("arrayConfig") or index["order"], index.get("queryScope", "COLLECTION")) == wanted for index in override["indexes"])
    return not query.everywhere
