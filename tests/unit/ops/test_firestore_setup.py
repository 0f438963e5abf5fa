"""What gcloud has no command for: rules, and the indexes of single fields."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote

from ops.firestore_fields import set_fields
from ops.firestore_rules import publish_rules
from ops.google_call import GoogleApi

GROUPS = "projects/shop-dev/databases/(default)/collectionGroups"
OVERRIDES: list[Mapping[str, Any]] = [
    {"collectionGroup": "limits", "fieldPath": "expires_at", "ttl": True, "indexes": []},
    {"collectionGroup": "chunks", "fieldPath": "next_check_at", "indexes": [{"queryScope": "COLLECTION_GROUP", "order": "ASCENDING"}]},
    {"collectionGroup": "devices", "fieldPath": "tags", "indexes": [{"queryScope": "COLLECTION", "arrayConfig": "CONTAINS"}]},
    {"collectionGroup": "devices", "fieldPath": "model", "indexes": []},
]


class MemoryRules(GoogleApi):
    """The rules' API: rulesets by name, and the one that each release has in force."""

    def __init__(self) -> None:
        super().__init__("https://rules.example", "shop-dev", "token")
        object.__setattr__(self, "rulesets", {})
        object.__setattr__(self, "releases", {})

    rulesets: dict[str, str]
    releases: dict[str, str]

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        assert body is not None
        if path.endswith("/rulesets"):
            name = f"{path}/{len(self.rulesets)}"
            self.rulesets[name] = body["source"]["files"][0]["content"]
            return {"name": name}
        release = body["release"] if method == "PATCH" else body
        if method == "PATCH" and path not in self.releases:
            raise HTTPError(path, 404, "Not Found", Message(), None)
        self.releases[release["name"]] = self.rulesets[release["rulesetName"]]
        return {}


class MemoryFields(GoogleApi):
    """The fields' API: the configured ones, in pages of two."""

    def __init__(self) -> None:
        super().__init__("https://firestore.example", "shop-dev", "token")
        object.__setattr__(self, "fields", {})

    fields: dict[str, dict[str, Any]]

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        name, _, query = path.partition("?")
        if method == "PATCH":
            assert body is not None
            assert query == "updateMask=indexConfig,ttlConfig"
            self.fields[name] = dict(body)
            return {}
        assert "filter=indexConfig.usesAncestorConfig:false OR ttlConfig:*" in unquote(query)
        start = int(query.partition("pageToken=")[2] or "0")
        page = list(self.fields.values())[start : start + 2]
        return {"fields": page, **({"nextPageToken": str(start + 2)} if start + 2 < len(self.fields) else {})}


def test_rules_are_in_force_the_first_time_and_when_they_change() -> None:
    api = MemoryRules()
    for text in ("first", "second"):
        publish_rules(api, text)
        assert api.releases == {"projects/shop-dev/releases/cloud.firestore": text}


def test_fields_become_as_the_file_wants_them() -> None:
    api = MemoryFields()
    assert set_fields(api, "(default)", OVERRIDES) == 4
    assert api.fields[f"{GROUPS}/limits/fields/expires_at"]["ttlConfig"] == {}
    assert api.fields[f"{GROUPS}/devices/fields/model"] == {"name": f"{GROUPS}/devices/fields/model", "indexConfig": {"indexes": []}}
    assert api.fields[f"{GROUPS}/chunks/fields/next_check_at"]["indexConfig"] == {
        "indexes": [{"queryScope": "COLLECTION_GROUP", "fields": [{"fieldPath": "next_check_at", "order": "ASCENDING"}]}]
    }


def test_fields_that_are_so_already_are_left_alone() -> None:
    api = MemoryFields()
    set_fields(api, "(default)", OVERRIDES)
    # Google tells the state of a policy too.
    api.fields[f"{GROUPS}/limits/fields/expires_at"]["ttlConfig"] = {"state": "ACTIVE"}
    assert set_fields(api, "(default)", OVERRIDES) == 0


def test_a_field_that_somebody_has_changed_is_brought_back() -> None:
    api = MemoryFields()
    set_fields(api, "(default)", OVERRIDES)
    del api.fields[f"{GROUPS}/limits/fields/expires_at"]["ttlConfig"]
    api.fields[f"{GROUPS}/devices/fields/model"]["indexConfig"] = {"indexes": [{"queryScope": "COLLECTION", "fields": [{"order": "ASCENDING"}]}]}
    assert set_fields(api, "(default)", OVERRIDES) == 2
    assert set_fields(api, "(default)", OVERRIDES) == 0
