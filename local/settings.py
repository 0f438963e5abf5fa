"""What a person can set for the local stack, in the environment or in `.env`; the environment wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from local.addresses import LOOPBACK
from local.errors import StackError

ROOT = Path(__file__).resolve().parent.parent
_DEFAULT_PORT = 8080
_LAST_PORT = 65_535


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    """Settings of one stack.

    `port` is the gateway's, 0 for any free one. `fcm_endpoint` names another FCM, and then no simulator starts.
    `credentials` is a real service account's file, for the demo tenant alone. `keep` makes a run begin
    with what the one before has left. `functions_folder` holds `main.py`.
    """

    host: str = LOOPBACK
    port: int = 0
    fcm_endpoint: str | None = None
    fcm_ca_bundle: str | None = None
    credentials: str | None = None
    keep: bool = False
    functions_folder: Path = ROOT / "functions"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, dotenv: Path = ROOT / ".env") -> StackSettings:
        """Read the settings; an empty value counts as not set. Raises StackError for a value that is none."""
        written = dotenv_values(dotenv) if dotenv.is_file() else {}

        def value(name: str) -> str | None:
            return environment.get(name) or written.get(name) or None

        return cls(
            host=value("HOST") or LOOPBACK,
            port=_parse_port(value("PORT") or str(_DEFAULT_PORT)),
            fcm_endpoint=value("FCM_ENDPOINT"),
            fcm_ca_bundle=value("FCM_CA_BUNDLE"),
            credentials=value("GOOGLE_APPLICATION_CREDENTIALS"),
            keep=_parse_switch("KEEP", value("KEEP") or "0"),
        )


def _parse_port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _LAST_PORT):
        raise StackError(f"PORT must be a number from 1 to {_LAST_PORT}, not {text!r}.")
    return int(text)


def _parse_switch(name: str, text: str) -> bool:
    if text not in {"0", "1"}:
        raise StackError(f"{name} must be 1 or 0, not {text!r}.")
    return text == "1"
