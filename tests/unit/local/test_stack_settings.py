from __future__ import annotations

from pathlib import Path

import pytest

from local.errors import StackError
from local.settings import StackSettings


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    file = tmp_path / ".env"
    file.write_text("PORT=9000\nFCM_ENDPOINT=https://fcm.example\nGOOGLE_APPLICATION_CREDENTIALS=\n", encoding="utf-8")
    return file


def test_without_settings_the_gateway_listens_on_loopback_port_8080(tmp_path: Path) -> None:
    assert StackSettings.from_environment({}, dotenv=tmp_path / "none") == StackSettings(host="127.0.0.1", port=8080)


def test_dotenv_is_read_and_an_empty_value_is_not_set(dotenv: Path) -> None:
    settings = StackSettings.from_environment({}, dotenv=dotenv)
    assert (settings.port, settings.fcm_endpoint, settings.credentials) == (9000, "https://fcm.example", None)


def test_the_environment_wins_over_dotenv(dotenv: Path) -> None:
    settings = StackSettings.from_environment({"PORT": "9001", "HOST": "0.0.0.0", "FCM_CA_BUNDLE": "ca.pem"}, dotenv=dotenv)  # noqa: S104
    assert (settings.port, settings.host, settings.fcm_ca_bundle) == (9001, "0.0.0.0", "ca.pem")  # noqa: S104


@pytest.mark.parametrize(("text", "keep"), [("1", True), ("0", False), ("", False)])
def test_data_is_kept_where_that_is_asked_for(tmp_path: Path, text: str, keep: bool) -> None:  # noqa: FBT001 - a table
    assert StackSettings.from_environment({"KEEP": text}, dotenv=tmp_path / "none").keep is keep


@pytest.mark.parametrize("text", ["yes", "true", "2"])
def test_a_switch_that_is_none_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(StackError, match="KEEP must be 1 or 0"):
        StackSettings.from_environment({"KEEP": text}, dotenv=tmp_path / "none")


@pytest.mark.parametrize("port", ["http", "-1", "0", "65536", "80.5", "٨٠"])
def test_a_port_that_is_none_is_refused_by_name(tmp_path: Path, port: str) -> None:
    with pytest.raises(StackError, match="PORT must be a number"):
        StackSettings.from_environment({"PORT": port}, dotenv=tmp_path / "none")
