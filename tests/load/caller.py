"""Whom the traffic is sent to, and as which client: told by the environment, or by the file that a running stack has written."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STACK_FILE = Path(__file__).resolve().parents[2] / ".local/stack.env"


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of a deployment or of a local stack; without a simulator nobody but the API says what was delivered."""

    url: str
    client_id: str
    token: str
    simulator_url: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The credential."""
        return {"Client-ID": self.client_id, "Client-Token": self.token}

    @property
    def environment(self) -> dict[str, str]:
        """The variables that say the same."""
        return {
            "FANFARE_URL": self.url,
            "FANFARE_CLIENT_ID": self.client_id,
            "FANFARE_CLIENT_TOKEN": self.token,
            "FCM_SIMULATOR_URL": self.simulator_url,
        }


def read_caller(values: Mapping[str, str]) -> Caller | None:
    """The caller that some variables describe; None where an address or half of a credential is missing."""
    url, client_id, token = (values.get(f"FANFARE_{name}", "") for name in ("URL", "CLIENT_ID", "CLIENT_TOKEN"))
    return Caller(url.rstrip("/"), client_id, token, values.get("FCM_SIMULATOR_URL", "")) if url and client_id and token else None


def find_caller(environment: Mapping[str, str], stack_file: Path = STACK_FILE) -> Caller | None:
    """The caller of the environment, else that of the file; None where neither names one."""
    return read_caller(environment) or (read_caller(_values(stack_file)) if stack_file.is_file() else None)


def _values(file: Path) -> dict[str, str]:
    settings = (line.partition("=") for line in shlex.split(file.read_text(encoding="utf-8")))
    return {name: value for name, _, value in settings}
