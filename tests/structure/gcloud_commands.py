"""What `infra/gcloud/deploy.sh` tells gcloud, as the tests read it: the commands that its dry run prints."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from functools import cache

from tests.structure.source import ROOT

PROJECT = "demo-project"
NUMBER = "PROJECT_NUMBER"
"""What a dry run, which asks nobody, says for the project's number."""


@dataclass(frozen=True)
class Command:
    """One call of gcloud: its words, and its flags with their values (`--enable-pitr` has none)."""

    words: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, arguments: list[str]) -> Command:
        """Read the arguments behind `gcloud`."""
        flags = tuple((name, value) for name, _, value in (part.partition("=") for part in arguments if part.startswith("--")))
        return cls(tuple(part for part in arguments if not part.startswith("--")), flags)

    def __getitem__(self, flag: str) -> str:
        """The value of a flag; empty if it is not there."""
        return dict(self.flags).get(flag, "")

    def begins(self, *words: str) -> bool:
        """Tell whether these are its first words."""
        return self.words[: len(words)] == words

    @property
    def account(self) -> str:
        """The name of the account that it grants something to."""
        return self["--member"].removeprefix("serviceAccount:").partition("@")[0]

    @property
    def environment(self) -> dict[str, str]:
        """What it puts into a function's environment."""
        pairs = (pair.partition("=") for pair in self["--set-env-vars"].removeprefix("^;^").split(";"))
        return {name: value for name, _, value in pairs}


@cache
def commands(environment: str = "dev", chosen: tuple[str, ...] = ()) -> tuple[Command, ...]:
    """Every command of a dry run; `chosen` are the variables that are set to 1."""
    script = [str(ROOT / "infra/gcloud/deploy.sh"), f"--project={PROJECT}", f"--env={environment}", "--dry-run"]
    printed = subprocess.run(script, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin", **dict.fromkeys(chosen, "1")}).stdout
    lines = (shlex.split(line) for line in printed.splitlines() if line.startswith("gcloud ") and " | " not in line)
    return tuple(Command.parse(words[1:]) for words in lines)


def those(*words: str, environment: str = "dev", chosen: tuple[str, ...] = ()) -> list[Command]:
    """The commands that begin with these words."""
    return [command for command in commands(environment, chosen) if command.begins(*words)]
