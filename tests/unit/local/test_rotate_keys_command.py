"""`make rotate-keys`: which tenants it begins, when it is done, and what it says when it can't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.rotate_keys import Platform, RotationError, main, rotate

HERE = {"FANFARE_URL": "http://127.0.0.1:1", "FANFARE_PLATFORM_CLIENT_ID": "platform-1", "FANFARE_PLATFORM_CLIENT_TOKEN": "platform-1.secret"}


class ScriptedPlatform(Platform):
    """Tenants whose rotations go through phases, one at each look; only the platform's own has none."""

    def __init__(self, phases: dict[str, list[str]], *, page: int = 2) -> None:
        self.left = {tenant: list(named) for tenant, named in phases.items()}
        self.begun: list[str] = []
        self.page = page

    def call(self, method: str, path: str, **query: str) -> dict[str, Any] | None:
        if path == "/apps":
            names, start = sorted(self.left), int(query.get("cursor", "0"))
            end = start + self.page
            return {"items": [{"id": name} for name in names[start:end]], "next_cursor": str(end) if end < len(names) else None}
        tenant = path.split("/")[2]
        if tenant not in self.left:
            return None
        if method == "POST":
            self.begun.append(tenant)
            return {"id": tenant}
        return {"phase": self.left[tenant].pop(0) if self.left[tenant] else None, "done": 0}


def _no_sleep(_: float) -> None:
    """A test does not wait."""


def test_every_tenant_is_begun_and_watched_until_it_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    platform = ScriptedPlatform({"acme": ["announced", "switched"], "globex": ["announced", "announced", "announced"], "third": []})
    rotate(platform, "", sleep=_no_sleep)
    assert sorted(platform.begun) == ["acme", "globex", "third"]
    assert not any(platform.left.values())
    told = capsys.readouterr().out
    assert [told.count(f"{tenant}: done") for tenant in ("acme", "globex", "third")] == [1, 1, 1]
    assert told.count("globex: waiting until every instance knows the new keys") == 1, "only what is news is told"


def test_one_tenant_is_begun_alone() -> None:
    platform = ScriptedPlatform({"acme": [], "globex": []})
    rotate(platform, "acme", sleep=_no_sleep)
    assert platform.begun == ["acme"]


@pytest.mark.parametrize(("tenants", "asked", "said"), [({}, "", "There is no tenant"), ({"acme": []}, "nobody", "'nobody'")])
def test_nothing_to_rotate_is_an_error(tenants: dict[str, list[str]], asked: str, said: str) -> None:
    with pytest.raises(RotationError, match=said):
        rotate(ScriptedPlatform(tenants), asked, sleep=_no_sleep)


@pytest.mark.parametrize("missing", list(HERE))
def test_missing_setting_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str) -> None:
    assert main({name: value for name, value in HERE.items() if name != missing}, tmp_path / "stack.env") == 1
    assert missing in capsys.readouterr().err


def test_settings_come_from_the_stack_where_the_environment_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack_file = tmp_path / "stack.env"
    stack_file.write_text("FANFARE_URL=http://127.0.0.1:1\nFANFARE_PLATFORM_CLIENT_ID='platform-1'\n", encoding="utf-8")
    assert main({}, stack_file) == 1
    assert "Set FANFARE_PLATFORM_CLIENT_TOKEN," in capsys.readouterr().err
