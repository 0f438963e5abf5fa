"""The query fields of every list that is read page by page."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fanfare.web.schema import Query


class PageQuery(Query):
    """Paging."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=512)] | None = None
