"""Names that two places must agree on: functions, queues, secrets and environment variables."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from fanfare.config import Settings
from local.addresses import Addresses
from local.environment import service_environment
from local.functions import FUNCTIONS
from local.settings import StackSettings
from tests.structure.settings_source import settings_of_functions
from tests.structure.source import Module, modules_of, sample

MOST_SETTINGS = 25


def entry_points(module: Module) -> set[str]:
    """The functions that Google may call: public, at the top level, with a Flask request."""
    functions = [node for node in module.tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    return {found.name for found in functions if [ast.unparse(argument.annotation or found) for argument in found.args.args] == ["Request"]}


def constants(module: Module) -> dict[str, object]:
    """The literal values that a module gives to names at its top, tuples of such names included."""
    found: dict[str, object] = {}
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = _value(node.value, found)
            found |= {} if value is None else {node.targets[0].id: value}
    return found


def named(module: Module, call: str) -> set[str]:
    """The `name` of every call of a class."""
    calls = [node for node in module.nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == call]
    return {str(word.value.value) for found in calls for word in found.keywords if word.arg == "name" and isinstance(word.value, ast.Constant)}


def _value(node: ast.expr, known: Mapping[str, object]) -> object:
    if isinstance(node, ast.Tuple):
        return tuple(_value(element, known) for element in node.elts)
    if isinstance(node, ast.Name):
        return known.get(node.id)
    return node.value if isinstance(node, ast.Constant) else None


def _module(folder: str, name: str) -> Module:
    return next(module for module in modules_of(folder) if module.name == name)


def _local_environment() -> dict[str, str]:
    addresses = Addresses(
        **dict.fromkeys(("firestore", "firestore_websocket", "auth", "hub", "logging", "fcm_tls", "fcm_http", "cloud", "gateway"), 1),
        functions={function.name: 2 for function in FUNCTIONS},
    )
    return service_environment(addresses, StackSettings(), ca_bundle=Path("ca.pem"))


def test_the_stack_runs_every_function_and_no_other() -> None:
    assert entry_points(_module("functions", "main")) == {function.name for function in FUNCTIONS}


def test_every_queue_is_created_and_used() -> None:
    queues = {value for name, value in constants(_module("functions", "fanfare.adapters.cloud_tasks")).items() if name.endswith("_QUEUE")}
    assert queues == named(_module("local", "queues"), "QueuePolicy")


def test_every_deployment_secret_is_created_and_used() -> None:
    keys = constants(_module("functions", "fanfare.adapters.deployment_keys"))["DEPLOYMENT_KEYS"]
    secrets = constants(_module("local", "deployment_secrets"))["DEPLOYMENT_SECRETS"]
    assert isinstance(keys, tuple)
    assert keys == secrets
    assert all(isinstance(key, str) for key in keys)


def test_the_stack_sets_only_what_the_functions_read() -> None:
    assert set(_local_environment()) - set(settings_of_functions()) == set()


def test_the_stack_sets_what_the_functions_require() -> None:
    settings = Settings.from_env(_local_environment())
    assert settings.function_urls["send"].startswith("http://")
    assert {name for name, setting in settings_of_functions().items() if setting.required} <= set(_local_environment())


def test_every_setting_is_one_variable() -> None:
    fields = [setting.field for setting in settings_of_functions().values() if setting.field]
    # The addresses of the functions are one table; every other variable is a field of its own.
    assert set(fields) == set(Settings.__dataclass_fields__)
    assert sorted(field for field in fields if field != "function_urls") == sorted(set(fields) - {"function_urls"})


def test_settings_stay_few() -> None:
    assert len(Settings.__dataclass_fields__) <= MOST_SETTINGS


def test_entry_points_are_recognised() -> None:
    text = "def api(request: Request): ...\ndef _own(request: Request): ...\ndef other(app: Flask): ...\ndef two(request: Request, app: Flask): ..."
    assert entry_points(sample("main", text)) == {"api"}


def test_constants_and_names_are_recognised() -> None:
    module = sample("a", "A = 'x'\nB = (A, 'y')\nC = f()\nD = (Policy(name='q', size=1), Policy(name='r'))")
    assert constants(module) == {"A": "x", "B": ("x", "y"), "D": (None, None)}
    assert named(module, "Policy") == {"q", "r"}
