"""Lists that are read page by page: their query fields, and their answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from flask import Response, jsonify
from pydantic import Field

from fanfare.services.list_pages import Listed
from fanfare.web.schema import Query

T = TypeVar("T")


class PageQuery(Query):
    """Paging."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=512)] | None = None


def show_page(page: Listed[T], show: Callable[[T], dict[str, Any]]) -> Response:
    """Answer with a page of a list, each item as `show` has it, and the cursor of the next (null: this is the last)."""
    items, next_cursor = page
    return jsonify({"items": [show(item) for item in items], "next_cursor": next_cursor})
