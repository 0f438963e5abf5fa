"""Making a day's rows what its notifications say: what the rows lack, or have too much, is added to them.

What a notification has contributed and what the rows got by that are stored in one commit, so the deviation of the rows is the same at every instant
at which both are read together, whatever is tallied meanwhile: it may be found at one instant and taken away at a later one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from fanfare.domain.analytics import NOTHING, Amounts, Row, RowKey, difference, merge_rows, total


@dataclass(frozen=True, slots=True)
class Comparison:
    """What notifications of a day have contributed, and its rows and total as they were at the same instant.

    `revision` is the store's mark of the last correction, so that no deviation is taken away twice.
    """

    contributed: Sequence[Row]
    rows: Sequence[Row]
    total: Amounts
    revision: object = None


@dataclass(frozen=True, slots=True)
class Correction:
    """What is to be added to the rows of a day, and to its total."""

    rows: Sequence[Row]
    total: Amounts

    def __bool__(self) -> bool:
        """Tell whether anything is to be added."""
        return bool(self.rows) or bool(self.total)


def correct(compared: Comparison) -> Correction:
    """Find what makes rows and total right; what was cleaned is counted once, as it happens, and believed."""
    stored = [Row(row.key, difference(NOTHING, replace(row.amounts, cleaned=0))) for row in compared.rows if _is_of_notifications(row.key)]
    rows = merge_rows([*compared.contributed, *stored])
    right = total(row.amounts for row in (*compared.rows, *rows))
    return Correction(rows, difference(right, compared.total))


def _is_of_notifications(key: RowKey) -> bool:
    return key.client_id is not None


def first_kept_day(today: date, retention_days: Mapping[str, int]) -> date:
    """The first day whose notifications and chunks are all kept still: rows before it can't be recomputed."""
    return today - timedelta(days=min(retention_days[kind] for kind in ("notifications", "chunks")) - 1)
