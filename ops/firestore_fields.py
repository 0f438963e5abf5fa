"""`python3 -m ops.firestore_fields PROJECT DATABASE firestore.indexes.json`: exempt fields from indexes, index single ones and let documents expire.

With an access token on standard input. A field that is as the file wants it is left alone; Google works on the others in the background.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ops.google_call import GoogleApi, run

API = "https://firestore.googleapis.com/v1"
_CONFIGURED = quote("indexConfig.usesAncestorConfig:false OR ttlConfig:*")
_PAGE = 300


def set_fields(api: GoogleApi, database: str, overrides: list[Mapping[str, Any]]) -> int:
    """Bring every field up to the file; returns how many had to be changed."""
    groups = f"projects/{api.project}/databases/{database}/collectionGroups"
    present = {field["name"]: _state(field) for field in _configured(api, groups)}
    changed = 0
    for override in overrides:
        name = f"{groups}/{override['collectionGroup']}/fields/{override['fieldPath']}"
        if present.get(name) != wanted(override):
            api.call("PATCH", f"{name}?updateMask=indexConfig,ttlConfig", _document(name, override))
            changed += 1
    return changed


def wanted(override: Mapping[str, Any]) -> tuple[frozenset[tuple[str, str]], bool]:
    """What a field of the file is to have: its indexes by scope and kind, and whether documents expire by it."""
    return frozenset((index["queryScope"], index.get("order") or index["arrayConfig"]) for index in override["indexes"]), bool(override.get("ttl"))


def _document(name: str, override: Mapping[str, Any]) -> dict[str, Any]:
    indexes = [
        {
            "queryScope": index["queryScope"],
            "fields": [{"fieldPath": override["fieldPath"], **{key: index[key] for key in index if key != "queryScope"}}],
        }
        for index in override["indexes"]
    ]
    return {"name": name, "indexConfig": {"indexes": indexes}, **({"ttlConfig": {}} if override.get("ttl") else {})}


def _configured(api: GoogleApi, groups: str) -> Iterator[dict[str, Any]]:
    page: str | None = ""
    while page is not None:
        token = f"&pageToken={quote(page)}" if page else ""
        answer = api.call("GET", f"{groups}/__all__/fields?filter={_CONFIGURED}&pageSize={_PAGE}{token}")
        yield from answer.get("fields", [])
        page = answer.get("nextPageToken") or None


def _state(field: Mapping[str, Any]) -> tuple[frozenset[tuple[str, str]], bool]:
    indexes = field.get("indexConfig", {}).get("indexes", [])
    kinds = ((index["queryScope"], index["fields"][0].get("order") or index["fields"][0].get("arrayConfig", "")) for index in indexes)
    return frozenset(kinds), "ttlConfig" in field


def main(project: str, database: str, file: str, url: str = API) -> int:
    """Set the fields of a file."""
    api = GoogleApi(url, project, sys.stdin.read().strip())
    overrides = json.loads(Path(file).read_text(encoding="utf-8"))["fieldOverrides"]
    return run("Setting the fields' indexes", lambda: f"Fields changed: {set_fields(api, database, overrides)} of {len(overrides)}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
