"""What a caller names a person by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AddressKind(StrEnum):
    """The kinds of name a person is addressed by."""

    PROFILE = "profile"
    USERNAME = "username"
    PHONE = "phone"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class Address:
    """One name of a person. Stored only as a keyed hash beside devices, so that equality can be searched without reading the name."""

    kind: AddressKind
    value: str
