"""Where a run may differ from another: the clock, randomness, the environment and the outside world have one place each."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.structure.source import Module, is_within, modules_of, sample

CLOCK_AND_RANDOMNESS = (
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "os.getrandom",
    "os.urandom",
    "random",
    "secrets",
    "time",
    "uuid",
)
OUTSIDE_WORLD = (
    "asyncio",
    "breakpoint",
    "concurrent",
    "ftplib",
    "glob",
    "http.client",
    "input",
    "io.open",
    "logging",
    "multiprocessing",
    "open",
    "os",
    "pathlib.Path",
    "print",
    "shutil",
    "signal",
    "smtplib",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "sys.argv",
    "sys.exit",
    "sys.stderr",
    "sys.stdin",
    "sys.stdout",
    "tempfile",
    "threading",
    "urllib.request",
    "warnings",
)
ENVIRONMENT = ("os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv")


def find_uses(modules: Iterable[Module], forbidden: Iterable[str]) -> list[str]:
    """Find uses of the forbidden names, however they are imported."""
    refused = tuple(forbidden)
    return [
        module.at(used.line, f"uses {used.name}")
        for module in modules
        for used in module.references
        if any(is_within(used.name, name) for name in refused)
    ]


def _all_but(*names: str) -> list[Module]:
    return [module for module in modules_of("functions") if module.name not in names]


def _domain() -> list[Module]:
    return [module for module in modules_of("functions") if is_within(module.name, "fanfare.domain")]


def test_domain_is_pure() -> None:
    assert find_uses(_domain(), (*CLOCK_AND_RANDOMNESS, *OUTSIDE_WORLD)) == []


def test_clock_and_randomness_come_from_one_adapter() -> None:
    assert find_uses(_all_but("fanfare.adapters.system"), CLOCK_AND_RANDOMNESS) == []


def test_environment_is_read_in_config_and_main_alone() -> None:
    assert find_uses(_all_but("fanfare.config", "main"), ENVIRONMENT) == []


def test_functions_never_print() -> None:
    assert find_uses(modules_of("functions"), ["print"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.time()",
        "from time import monotonic",
        "import random",
        "from secrets import token_bytes",
        "import uuid",
        "import os\nos.urandom(4)",
        "from os import urandom",
        "from datetime import datetime\ndatetime.now()",
        "from datetime import datetime as dt\ndt.utcnow()",
        "import datetime\ndatetime.date.today()",
        "import datetime as d\nclock = d.datetime.now",
        "def f():\n    import time as t\n    return t.monotonic()",
    ],
)
def test_a_clock_or_dice_is_caught(text: str) -> None:
    assert find_uses([sample("fanfare.services.x", text)], CLOCK_AND_RANDOMNESS) != []


@pytest.mark.parametrize(
    "text",
    ["open('x')", "print(1)", "import logging", "import os.path", "from threading import Lock", "import socket", "from pathlib import Path"],
)
def test_an_impure_domain_is_caught(text: str) -> None:
    assert find_uses([sample("fanfare.domain.x", text)], OUTSIDE_WORLD) != []


@pytest.mark.parametrize(
    "text",
    ["import os\nos.environ['A']", "from os import environ", "import os as o\no.getenv('A')", "from os import environ as e\ndict(e)"],
)
def test_a_reader_of_the_environment_is_caught(text: str) -> None:
    assert find_uses([sample("fanfare.adapters.x", text)], ENVIRONMENT) != []


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import datetime\ndef f(now: datetime) -> float:\n    return now.timestamp()",
        "clock.now()",
        "request.environ",
        "secrets = 1\nsecrets.access()",
        "reopen(1)",
    ],
)
def test_values_of_the_same_name_are_not_caught(text: str) -> None:
    assert find_uses([sample("fanfare.services.x", text)], (*CLOCK_AND_RANDOMNESS, *ENVIRONMENT, *OUTSIDE_WORLD)) == []
