"""Request ids: accepted where they have a harmless form, made where they have not."""

from __future__ import annotations

import re

from fanfare.ports import Deps

_FORM = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def read_request_id(given: str, deps: Deps) -> str:
    """The given id if it may be logged and carried on as it is, else a new one."""
    return given if _FORM.match(given) else deps.identifiers.new_id()
