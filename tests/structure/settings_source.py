"""What the settings really read from the environment, found by letting them read a recorded one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fanfare.config import InvalidSettings, Settings
from local.settings import StackSettings

_MOST = 50
_OF_THEIR_OWN_FORM = {"KMS_KEY": "projects/kms-key/locations/global/keyRings/kms-key/cryptoKeys/kms-key"}
"""What the settings accept of a variable that is neither an address nor a number."""


class RecordedEnvironment(Mapping[str, str]):
    """An environment that remembers which variables were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        self.read.add(str(name))
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True)
class Setting:
    """One variable: the field that it fills (empty for one that is only looked at), and what holds without it."""

    field: str
    default: str
    required: bool

    @property
    def documented_default(self) -> str:
        """What the table of settings says about it."""
        return "required" if self.required else self.default or "none"


@cache
def settings_of_functions() -> dict[str, Setting]:
    """Every variable that the functions read, in the cloud and outside."""
    required = _required()
    outside, cloud = RecordedEnvironment(required), RecordedEnvironment({**required, "K_SERVICE": "api"})
    defaults = Settings.from_env(outside)
    Settings.from_env(cloud)
    fields = _fields(outside.read - {"K_SERVICE"})
    return {
        name: Setting(fields.get(name, ""), _text(getattr(defaults, fields[name])) if name in fields else "", name in required)
        for name in outside.read | cloud.read
    }


@cache
def settings_of_stack() -> dict[str, str]:
    """Every variable that `make run` reads, with its default."""
    environment = RecordedEnvironment({})
    defaults = StackSettings.from_environment(environment, dotenv=Path("/nonexistent/.env"))
    named = {"GOOGLE_APPLICATION_CREDENTIALS": "credentials"}
    return {name: str(getattr(defaults, named.get(name, name.lower())) or "none") for name in environment.read}


def _required() -> dict[str, str]:
    """Set what is asked for until nothing is: the refusal names the variable."""
    values: dict[str, str] = {}
    for _ in range(_MOST):
        try:
            Settings.from_env(values)
        except InvalidSettings as error:
            values[str(error).partition(" ")[0]] = "https://example.com"
        else:
            return values
    raise AssertionError("the refusals of the settings do not name the variable that is missing")


def _fields(names: set[str]) -> dict[str, str]:
    """Which field each variable fills, told by giving each a value of its own."""
    values = {name: _OF_THEIR_OWN_FORM.get(name, f"https://{name.lower()}.example.com") for name in names}
    settings = Settings.from_env(_with_numbers(values))
    by_value = {_text(value): field for field in Settings.__dataclass_fields__ for value in _values(getattr(settings, field))}
    return {name: by_value[value] for name, value in _with_numbers(values).items() if value in by_value}


def _values(value: object) -> Iterable[object]:
    """What a field holds: of a table, each of its values."""
    return value.values() if isinstance(value, Mapping) else [value]


def _with_numbers(values: dict[str, str]) -> dict[str, str]:
    """Give a number to whatever refuses a text: each its own, from 9 downwards."""
    given = dict(values)
    for number in range(9, 0, -1):
        try:
            Settings.from_env(given)
        except InvalidSettings as error:
            given[str(error).partition(" ")[0]] = str(number)
    return given


def _text(value: object) -> str:
    """A setting as it stands in the environment."""
    return ",".join(value) if isinstance(value, tuple) else str(value)
