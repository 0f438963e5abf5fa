"""Who may import whom (docs/architecture.md): domain decides, services sequence, adapters touch, web translates."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.structure.source import Import, Module, is_within, modules_of, sample

VENDORS = frozenset({"cronsim", "cryptography", "google", "grpc", "minijinja", "opentelemetry", "pycurl", "requests", "sentry_sdk", "structlog"})
WEB_FRAMEWORK = frozenset({"flask", "flask_openapi", "pydantic", "structlog", "werkzeug"})


@dataclass(frozen=True)
class Room:
    """What the modules of a room may import at their top, beside the standard library, and what inside functions alone."""

    first_party: frozenset[str] = frozenset()
    third_party: frozenset[str] = frozenset()
    indented: frozenset[str] = frozenset()


def _fanfare(*names: str) -> frozenset[str]:
    return frozenset(f"fanfare.{name}" for name in names)


ROOMS = {
    "fanfare.domain": Room(_fanfare("domain")),
    "fanfare.ports": Room(_fanfare("ports", "domain")),
    "fanfare.config": Room(),
    "fanfare.services": Room(_fanfare("services", "ports", "domain")),
    "fanfare.adapters": Room(_fanfare("adapters", "ports", "domain", "config"), VENDORS),
    "fanfare.web": Room(_fanfare("web", "services", "ports", "domain"), WEB_FRAMEWORK),
    "fanfare.wiring": Room(_fanfare("adapters", "config", "ports", "domain"), indented=_fanfare("adapters")),
    "main": Room(_fanfare("config", "ports", "web.bodies"), frozenset({"flask"}), _fanfare("web", "wiring")),
}
NO_ROOM = Room()
EMPTY = "fanfare"


def room_of(module: str) -> Room | None:
    """Find a module's room."""
    return next((room for prefix, room in ROOMS.items() if is_within(module, prefix)), None)


def find_wrong_imports(modules: Iterable[Module]) -> list[str]:
    """Find imports that a room must not make, and modules in no room."""
    return [message for module in modules for message in _wrong_imports_of(module)]


def _wrong_imports_of(module: Module) -> list[str]:
    room = room_of(module.name)
    if room is None and module.name != EMPTY:
        return [module.at(1, "is in no room")]
    return [module.at(found.line, f"must not import {found.name}") for found in module.imports if not _is_allowed(found, room or NO_ROOM)]


def _is_allowed(found: Import, room: Room) -> bool:
    top = found.name.partition(".")[0]
    if top == "fanfare":
        allowed = room.first_party | room.indented if found.indented else room.first_party
        return any(is_within(found.name, prefix) for prefix in allowed)
    return top in sys.stdlib_module_names or top in room.third_party


def find_late_imports(modules: Iterable[Module]) -> list[str]:
    """Find imports inside functions where they are not for the cold start: first-party in main and wiring, third-party in adapters.

    What makes the OpenAPI document is loaded late in `web` as well.
    """
    return [module.at(found.line, f"imports {found.name} late") for module in modules for found in module.imports if _is_late(module, found)]


def _is_late(module: Module, found: Import) -> bool:
    top = found.name.partition(".")[0]
    if not found.indented or top in sys.stdlib_module_names:
        return False
    if top == "fanfare":
        return module.name not in {"main", "fanfare.wiring"} or (module.name == "main" and not _is_surface_or_wiring(found.name))
    return not is_within(module.name, "fanfare.web" if top == "flask_openapi" else "fanfare.adapters")


def _is_surface_or_wiring(name: str) -> bool:
    return is_within(name, "fanfare.wiring") or (is_within(name, "fanfare.web") and name.rpartition(".")[2].startswith(("build_", "PublicApi")))


def find_cycle(modules: Iterable[Module]) -> list[str]:
    """Find modules that import each other in a ring, the type checker's imports included."""
    known = {module.name: module for module in modules}
    try:
        TopologicalSorter({name: _imported(module, known) for name, module in known.items()}).prepare()
    except CycleError as error:
        ring: list[str] = error.args[1]
        return ring
    return []


def _imported(module: Module, known: Iterable[str]) -> set[str]:
    targets = set(known) - {module.name}
    names = [found.name for found in module.imports]
    return {target for name in names for target in (name, name.rpartition(".")[0]) if target in targets}


def test_rooms_import_only_what_they_may() -> None:
    assert find_wrong_imports(modules_of("functions")) == []


def test_every_room_holds_modules() -> None:
    names = [module.name for module in modules_of("functions")]
    assert [prefix for prefix in ROOMS if not any(is_within(name, prefix) for name in names)] == []


def test_late_imports_serve_the_cold_start_alone() -> None:
    assert find_late_imports(modules_of("functions")) == []


def test_no_module_imports_itself_through_others() -> None:
    assert find_cycle(modules_of("functions")) == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("fanfare.domain.x", "import structlog"),
        ("fanfare.domain.x", "from fanfare.ports import Clock"),
        ("fanfare.domain.x", "from fanfare import adapters"),
        ("fanfare.domain.x", "from . import adapters"),
        ("fanfare.domain.x", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from flask import Flask"),
        ("fanfare.domain.x", "try:\n    import json\nexcept ImportError:\n    import pydantic"),
        ("fanfare.services.x", "import flask"),
        ("fanfare.services.x", "from google.cloud import firestore"),
        ("fanfare.services.x", "from pydantic import BaseModel"),
        ("fanfare.services.x", "from fanfare.adapters.system import SystemClock"),
        ("fanfare.services.x", "from fanfare.web.schema import Out"),
        ("fanfare.services.x", "from fanfare.config import Settings"),
        ("fanfare.web.x", "from fanfare.adapters.system import SystemClock"),
        ("fanfare.web.x", "from fanfare.wiring import build_deps"),
        ("fanfare.web.x", "import requests"),
        ("fanfare.adapters.x", "from fanfare.services.sweep import sweep"),
        ("fanfare.adapters.x", "from fanfare.web.schema import Out"),
        ("fanfare.adapters.x", "import flask"),
        ("fanfare.adapters.x", "from local.settings import ROOT"),
        ("fanfare.ports", "from fanfare.services.sweep import sweep"),
        ("fanfare.ports", "import flask"),
        ("fanfare.config", "from fanfare.domain.device import Device"),
        ("fanfare.config", "import structlog"),
        ("fanfare.wiring", "from fanfare.web.api import build_api"),
        ("fanfare.wiring", "from google.cloud.firestore import Client"),
        ("main", "from fanfare.wiring import build_deps"),
        ("main", "from fanfare.web.api import build_api"),
        ("main", "def f():\n    from fanfare.services.sweep import sweep"),
        ("fanfare.helpers", "import json"),
        ("fanfare.domainish", "import json"),
        ("fanfare", "import flask"),
    ],
)
def test_a_wrong_import_is_caught(module: str, text: str) -> None:
    assert find_wrong_imports([sample(module, text)]) != []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("fanfare.domain.x", "import json\nfrom fanfare.domain.device import Device"),
        ("fanfare.adapters.x", "from google.cloud.firestore import Client\nfrom fanfare.config import Settings"),
        ("main", "from fanfare.web.bodies import LARGEST_BODY\ndef f():\n    from fanfare.web.api import build_api"),
    ],
)
def test_a_right_import_is_not_caught(module: str, text: str) -> None:
    assert find_wrong_imports([sample(module, text)]) == []
    assert find_late_imports([sample(module, text)]) == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("fanfare.services.x", "def f():\n    from fanfare.domain.device import Device"),
        ("fanfare.adapters.x", "class C:\n    def f(self):\n        from fanfare.config import Settings"),
        ("fanfare.web.x", "async def f():\n    import pydantic"),
        ("fanfare.wiring", "def f():\n    if True:\n        import requests"),
        ("main", "def f():\n    import flask"),
        ("main", "def f():\n    from fanfare.web.problems import problem"),
    ],
)
def test_a_late_import_is_caught(module: str, text: str) -> None:
    assert find_late_imports([sample(module, text)]) != []


def test_a_ring_of_imports_is_caught() -> None:
    first = sample("fanfare.domain.a", "from fanfare.domain.b import B")
    second = sample("fanfare.domain.b", "def f():\n    from fanfare.domain import c")
    third = sample("fanfare.domain.c", "import fanfare.domain.a")
    assert set(find_cycle([first, second, third])) == {"fanfare.domain.a", "fanfare.domain.b", "fanfare.domain.c"}
    assert find_cycle([first, second]) == []
