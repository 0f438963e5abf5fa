"""What is wrong with a field, described as Google's JSON front end does it.

A check knows only its own value; every level above prepends its name, so that a message without mistakes pays for no path.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake at `path`: its description is `before`, the quoted path if there is one, and `after`."""

    before: str
    after: str
    path: str = ""

    def under(self, name: str) -> Problem:
        """Return the problem as the object that holds field `name` sees it."""
        separator = "." if self.path and not self.path.startswith("[") else ""
        return replace(self, path=f"{name}{separator}{self.path}")

    def violation(self) -> tuple[str, str]:
        """Return (field, description)."""
        at = f" at '{self.path}'" if self.path else ""
        return self.path, f"{self.before}{at}{self.after}"


class Invalid(Exception):
    """A value that does not fit its schema; all its problems."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def unknown_name(name: str) -> Problem:
    """Describe a field that the schema does not have; the path is the holder's."""
    return Problem(f"Invalid JSON payload received. Unknown name {json.dumps(name)}", ": Cannot find field.")


def invalid_value(type_name: str, value: object) -> Problem:
    """Describe a value of the wrong type or outside the type's values."""
    return Problem("Invalid value", f" ({type_name}), {json.dumps(value)[:200]}")


def rejected(path: str, description: str) -> Problem:
    """Describe a well-formed field that one of FCM's own rules refuses."""
    return Described("", description, path)


class Described(Problem):
    """A problem whose description does not quote its path."""

    __slots__ = ()

    def violation(self) -> tuple[str, str]:
        """Return (field, description)."""
        return self.path, self.after
