"""The Firestore and Auth emulators of firebase-tools, told all their ports and kept from phoning home."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from local.addresses import LOOPBACK, Addresses
from local.errors import StackError
from local.java import find_sdk_jar, java_environment, write_runnable_jar
from local.settings import ROOT

PROJECT = "fanfare-local"
_COMMAND = ROOT / "node_modules/.bin/firebase"

# Found in the sources of firebase-tools: each of these keeps it from one way of asking a person or a distant host.
_QUIET = {
    "CI": "true",  # no message of the day, no prompt
    "NO_UPDATE_NOTIFIER": "1",
    "METADATA_SERVER_DETECTION": "none",  # no search for a cloud machine's credentials
    "NODE_NO_WARNINGS": "1",
}


def firebase_command(config: Path, emulators: Collection[str], *, imported: Path | None = None) -> list[str]:
    """Return the command that runs these emulators in the foreground, with the data that an export has left where it is given."""
    if not shutil.which("node"):
        raise StackError("Node 20 or newer is needed, and no `node` was found on the PATH.")
    if not _COMMAND.exists():
        raise StackError("The Node modules are not installed: run `make setup`.")
    only = ",".join(name for name in ("firestore", "auth") if name in emulators)
    data = ["--import", str(imported)] if imported else []
    return [str(_COMMAND), "emulators:start", "--only", only, "--project", PROJECT, "--config", str(config), "--non-interactive", *data]


def write_config(folder: Path, addresses: Addresses) -> Path:
    """Write the project's firebase.json with this stack's ports; the rules and indexes stay where they are, and are watched."""
    config = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    firestore = {key: str(ROOT / config["firestore"][key]) for key in ("rules", "indexes")}
    emulators = {
        "singleProjectMode": False,
        "ui": {"enabled": False},
        "firestore": {"host": LOOPBACK, "port": addresses.firestore, "websocketPort": addresses.firestore_websocket},
        "auth": {"host": LOOPBACK, "port": addresses.auth},
        "hub": {"host": LOOPBACK, "port": addresses.hub},
        "logging": {"host": LOOPBACK, "port": addresses.logging},
    }
    file = folder / "firebase.json"
    file.write_text(json.dumps({"firestore": firestore, "emulators": emulators}, indent=2), encoding="utf-8")
    return file


def firebase_environment(folder: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of firebase-tools; its own files stay in `folder`."""
    environment = {**inherited, **_QUIET, **java_environment(folder, inherited)}
    # It leaves a note about the running emulators in the temporary folder, by project: stacks side by side would share it.
    # Its store of a person's login and consent to be counted is not for us.
    environment |= {"TMPDIR": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    jar = find_sdk_jar(inherited)
    if jar:
        environment["FIRESTORE_EMULATOR_BINARY_PATH"] = str(write_runnable_jar(jar, folder / "firestore-emulator.jar"))
    return environment
