"""Which deployment a command is about: PROJECT, or the one that ENV was last deployed to from this checkout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REMEMBERED = Path(__file__).resolve().parent.parent / ".local" / "deployments"
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,30}")
_DEFAULT_REGION = "us-central1"


class TargetError(Exception):
    """It can't be told, or not be reached; the message says what to do."""


@dataclass(frozen=True)
class Target:
    """One deployment."""

    project: str
    region: str


def find_target(environment: Mapping[str, str], remembered: Path = REMEMBERED) -> Target:
    """Read PROJECT and REGION, or ENV; raises TargetError where they say nothing."""
    known = _read(environment.get("ENV", ""), remembered)
    project = environment.get("PROJECT") or known.get("PROJECT")
    if not project:
        raise TargetError("Which deployment? PROJECT=…, or ENV=… where `make deploy` has run in this checkout.")
    is_same = project == known.get("PROJECT")
    return Target(project, environment.get("REGION") or (known.get("REGION") if is_same else None) or _DEFAULT_REGION)


def _read(name: str, folder: Path) -> dict[str, str]:
    file = folder / name
    if not _ENVIRONMENT.fullmatch(name) or not file.is_file():
        return {}
    pairs = (line.partition("=") for line in file.read_text(encoding="utf-8").splitlines())
    return {key: value for key, _, value in pairs}
