"""`python3 -m ops.composite_indexes firestore.indexes.json`: what gcloud has to be told so that the indexes over several fields are there.

One index a line, its arguments between tabs. Standard library alone: it runs before anything is installed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def arguments_of(index: Mapping[str, Any]) -> list[str]:
    """Return the arguments of `gcloud firestore indexes composite create` for one index of the file."""
    scope = index["queryScope"].lower().replace("_", "-")
    fields = [f"--field-config=field-path={field['fieldPath']},{_order(field)}" for field in index["fields"]]
    return [f"--collection-group={index['collectionGroup']}", f"--query-scope={scope}", *fields]


def _order(field: Mapping[str, Any]) -> str:
    return f"array-config={field['arrayConfig'].lower()}" if "arrayConfig" in field else f"order={field['order'].lower()}"


if __name__ == "__main__":
    for wanted in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["indexes"]:
        print("\t".join(arguments_of(wanted)))
