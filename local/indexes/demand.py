"""Demanding of every query of this process what Firestore demands: an index, or the query is refused as in production."""

from __future__ import annotations

import json
from functools import cache, wraps
from typing import Any

from google.api_core.exceptions import FailedPrecondition
from google.cloud.firestore_v1.base_query import BaseQuery
from google.cloud.firestore_v1.types import StructuredQuery

from local.indexes.asked import Asked, read_query
from local.indexes.served import is_served
from local.settings import ROOT


def demand_indexes() -> None:
    """Refuse from now on every query that no index of `firestore.indexes.json` serves; to ask twice is harmless."""
    build = BaseQuery._to_protobuf  # noqa: SLF001 - reads, aggregations and listeners are all built by it, and by nothing that is public
    if getattr(build, "demands_indexes", False):
        return

    @wraps(build)
    def build_served(query: Any) -> StructuredQuery:  # noqa: ANN401 - the client's own
        built = build(query)
        _check(read_query(built))
        return built

    build_served.demands_indexes = True  # type: ignore[attr-defined]
    BaseQuery._to_protobuf = build_served  # type: ignore[method-assign, assignment]  # noqa: SLF001 - see above


@cache
def _check(asked: Asked) -> None:
    spec = json.loads((ROOT / "firestore.indexes.json").read_text(encoding="utf-8"))
    if not is_served(asked, spec):
        raise FailedPrecondition(f"The query requires an index, which firestore.indexes.json does not have: {asked}")
