"""What a query asks for, as far as indexes are concerned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from google.cloud.firestore_v1.types import StructuredQuery

_FILTER = StructuredQuery.FieldFilter.Operator
_EQUAL = {_FILTER.EQUAL, _FILTER.IN}
_CONTAINS = {_FILTER.ARRAY_CONTAINS, _FILTER.ARRAY_CONTAINS_ANY}
_NAME = "__name__"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Equality filters (`in` is several of them), at most one array filter and one field with a range or an order.

    `newest` is that field where the order is descending; `everywhere` spans a collection group.
    """

    collection: str
    equal: tuple[str, ...] = ()
    contains: str = ""
    ordered: str = ""
    newest: str = ""
    everywhere: bool = False

    @property
    def scope(self) -> str:
        """Firestore's word for where it looks."""
        return "COLLECTION_GROUP" if self.everywhere else "COLLECTION"

    @property
    def fields(self) -> set[str]:
        """Every field that it names."""
        return {*self.equal, self.contains, self.ordered, self.newest} - {""}


class UnknownQuery(ValueError):
    """A query of a form that nobody has thought about here: what index it needs is not known."""


def read_query(query: StructuredQuery) -> Asked:
    """Read what a query asks for; UnknownQuery for a form beyond ours."""
    [source] = query.from_
    filters = list(_filters(query.where))
    equal = tuple(dict.fromkeys(name for name, operator in filters if operator in _EQUAL))
    contains = [name for name, operator in filters if operator in _CONTAINS]
    ranged = {name for name, operator in filters if operator not in _EQUAL | _CONTAINS}
    orders = {order.field.field_path: order.direction for order in query.order_by if order.field.field_path != _NAME}
    sorted_by = set(orders) | ranged
    if len(sorted_by) > 1 or len(contains) > 1:
        raise UnknownQuery(f"{source.collection_id}: sorted by {sorted(sorted_by)}, containing {contains}")
    field = next(iter(sorted_by), "")
    is_newest = orders.get(field) is StructuredQuery.Direction.DESCENDING
    return Asked(
        collection=source.collection_id,
        equal=equal,
        contains=contains[0] if contains else "",
        ordered="" if is_newest else field,
        newest=field if is_newest else "",
        everywhere=source.all_descendants,
    )


def _filters(where: StructuredQuery.Filter) -> Iterator[tuple[str, int]]:
    if "composite_filter" in where:
        if where.composite_filter.op is not StructuredQuery.CompositeFilter.Operator.AND:
            raise UnknownQuery("a query with OR")
        for part in where.composite_filter.filters:
            yield from _filters(part)
    elif "unary_filter" in where:
        # Compared with null or NaN: an equality, as far as indexes are concerned.
        yield where.unary_filter.field.field_path, _FILTER.EQUAL
    elif "field_filter" in where and where.field_filter.field.field_path != _NAME:
        yield where.field_filter.field.field_path, where.field_filter.op
