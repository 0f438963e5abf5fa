from __future__ import annotations

from pathlib import Path

from dotenv import dotenv_values

from fanfare.config import Settings
from fanfare.domain.client import hash_token, is_same_hash
from local.demo import find_or_create_demo
from tests.fakes import fake_deps
from tests.structure.settings_source import settings_of_functions

SETTINGS = Settings.from_env({name: "https://example.com" for name, setting in settings_of_functions().items() if setting.required})
ADDRESSES = {"FANFARE_URL": "http://127.0.0.1:1", "FCM_SIMULATOR_URL": "http://127.0.0.1:2"}
MOVED = {"FANFARE_URL": "http://127.0.0.1:3", "FCM_SIMULATOR_URL": "http://127.0.0.1:4"}


def clients_of(demo: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in demo.items() if "CLIENT" in name}


def test_the_next_run_uses_the_same_clients_at_its_own_addresses(tmp_path: Path) -> None:
    deps, kept = fake_deps(), {"KEPT_STACK_FILE": str(tmp_path / "kept/stack.env")}
    first = find_or_create_demo(deps, SETTINGS, {**ADDRESSES, **kept})
    second = find_or_create_demo(deps, SETTINGS, {**MOVED, **kept})
    assert clients_of(second) == clients_of(first)
    assert {name: second[name] for name in MOVED} == MOVED
    assert second.keys() == first.keys()
    assert (tmp_path / "kept/stack.env").stat().st_mode & 0o077 == 0


def test_clients_whose_data_is_gone_are_made_anew(tmp_path: Path) -> None:
    kept = {"KEPT_STACK_FILE": str(tmp_path / "stack.env")}
    find_or_create_demo(fake_deps(), SETTINGS, {**ADDRESSES, **kept})
    deps = fake_deps()
    second = find_or_create_demo(deps, SETTINGS, {**ADDRESSES, **kept})
    client = deps.clients.get_fresh(second["FANFARE_CLIENT_ID"])
    assert client is not None
    assert is_same_hash(client.token_hash, hash_token(second["FANFARE_CLIENT_TOKEN"]))
    assert clients_of({name: value or "" for name, value in dotenv_values(tmp_path / "stack.env").items()}) == clients_of(second)
