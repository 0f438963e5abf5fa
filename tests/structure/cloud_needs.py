"""What the code needs of the cloud: entry points, queues, keys and log lines, read from its source."""

from __future__ import annotations

import ast
import re

from fanfare.adapters import cloud_tasks
from fanfare.adapters.deployment_keys import BLIND_INDEX_KEY, CURSOR_KEY, DATA_KEY, RECEIPT_KEY
from tests.structure.source import Module, modules_of

KEYS_OF_PORTS = {"receipt_keys": {RECEIPT_KEY}, "cursor_keys": {CURSOR_KEY}, "index_versions": {BLIND_INDEX_KEY}}


def entry_points() -> set[str]:
    """The functions of `main.py`: what takes a request under a public name."""
    main = next(module for module in modules_of("functions") if module.name == "main")
    return {function.name for function in main.functions if not function.name.startswith("_") and function in main.tree.body}


def queue_names() -> set[str]:
    """The queues that the adapter names."""
    return {value for name, value in vars(cloud_tasks).items() if name.endswith("_QUEUE")}


def reachable(name: str) -> set[Module]:
    """The modules that a module imports, and those that they import, and so on."""
    known = {module.name: module for module in modules_of("functions")}
    found: set[str] = set()
    left = [name]
    while left:
        current = left.pop()
        if current in known and current not in found:
            found.add(current)
            left += [origin for imported in known[current].imports for origin in (imported.name, imported.name.rpartition(".")[0])]
    return {known[name] for name in found if name.startswith(("fanfare.services", "fanfare.web"))}


def queues_of(method: str) -> set[str]:
    """The queues that a method of the adapter puts tasks into, by itself or by another one that it calls or hands on."""
    adapter = next(module for module in modules_of("functions") if module.name == cloud_tasks.__name__)
    bodies = {function.name: ast.unparse(function) for function in adapter.functions}
    named = {getattr(cloud_tasks, name) for name in re.findall(r"\b[A-Z_]+_QUEUE\b", bodies[method])}
    called = set(re.findall(r"self\.(_enqueue_\w+)", bodies[method])) - {method}
    return named | {queue for name in called for queue in queues_of(name)}


def queues_used(modules: set[Module]) -> set[str]:
    """The queues that modules put tasks into, by the methods that they call."""
    called = {method for module in modules for method in re.findall(r"\.tasks\.(enqueue_\w+)\(", module.text)}
    return {queue for method in called for queue in queues_of(method)}


def keys_of_stores() -> dict[str, set[str]]:
    """The keys that each store needs, told by what it is built of: a cipher needs the data key, an index its own."""
    wiring = next(module for module in modules_of("functions") if module.name == "fanfare.wiring")
    build = next(function for function in wiring.functions if function.name == "build_stores")
    made_of = {"cipher": {DATA_KEY}, "index": {BLIND_INDEX_KEY}}
    for line in build.body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            made_of[line.targets[0].id] = _keys_in(line.value, made_of)
    stores = next(line.value for line in build.body if isinstance(line, ast.Return) and isinstance(line.value, ast.Call))
    return {str(store.arg): _keys_in(store.value, made_of) for store in stores.keywords}


def _keys_in(expression: ast.expr, made_of: dict[str, set[str]]) -> set[str]:
    named = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
    return {key for name in named for key in made_of.get(name, ())}


def wraps_data_keys(modules: set[Module]) -> bool:
    """Tell whether modules have data keys made, or wrapped anew; all others only unwrap them."""
    return any(re.search(r"\.tenants\.(create|add_data_key|settle_data_keys)\(", module.text) for module in modules)


def ports_used(modules: set[Module]) -> set[str]:
    """The ports that modules ask for something."""
    return {port for module in modules for port in re.findall(r"\bdeps(?:\(\))?\.(\w+)", module.text)}


def words_logged() -> set[str]:
    """Every line that the functions can write."""
    return {word for module in modules_of("functions") for word in re.findall(r"log\.(?:info|warning|error)\(\s*\"(\w+)\"", module.text)}
