"""The stack's child processes: what each one runs, what it finds in its environment and when it is ready."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path

from local.addresses import LOOPBACK, Addresses
from local.certificates import Certificates
from local.environment import inherited_environment, service_environment
from local.firebase import firebase_command, firebase_environment, write_config
from local.functions import FUNCTIONS, Function, function_command, function_environment
from local.java import find_sdk_jar
from local.kept import KeptData, kept_data
from local.readiness import accepts_connections, answers_http, is_written
from local.settings import ROOT, StackSettings

START_SECONDS = 60.0
# Without a Google Cloud SDK firebase-tools downloads the emulator, some 140 MB, once.
DOWNLOAD_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True)
class Service:
    """How to run one child of the stack. `listens_on` are the hosts and ports that callers know it by."""

    command: list[str]
    environment: dict[str, str]
    folder: Path
    listens_on: Sequence[tuple[str, int]]
    is_ready: Callable[[], bool]
    start_seconds: float = START_SECONDS


@dataclass(frozen=True, kw_only=True)
class StackPlan:
    """Everything that the services of one stack are made from; `environment` is the one that the stack was started in."""

    settings: StackSettings
    folder: Path
    addresses: Addresses
    certificates: Certificates
    environment: Mapping[str, str]

    @property
    def kept(self) -> KeptData | None:
        """What the run before has left and the next one is to find; None where nothing is kept."""
        return kept_data(self.settings, self.folder)

    @property
    def inherited(self) -> dict[str, str]:
        """What every child may see of the environment that the stack was started in."""
        return inherited_environment(self.environment)

    @property
    def service_environment(self) -> dict[str, str]:
        """The settings by which a function finds this stack."""
        return service_environment(self.addresses, self.settings, ca_bundle=self.certificates.ca)


def emulator_service(plan: StackPlan, emulators: frozenset[str]) -> Service:
    """Return the Firestore emulator, and the Auth emulator where it is asked for."""
    ports = [plan.addresses.firestore, *([plan.addresses.auth] if "auth" in emulators else [])]
    return Service(
        command=firebase_command(write_config(plan.folder, plan.addresses), emulators, imported=plan.kept.importable() if plan.kept else None),
        environment=firebase_environment(plan.folder, plan.inherited),
        folder=plan.folder,
        listens_on=[(LOOPBACK, port) for port in ports],
        is_ready=lambda: all(answers_http(port) for port in ports),
        start_seconds=START_SECONDS if find_sdk_jar(plan.inherited) else DOWNLOAD_SECONDS,
    )


def _module_service(plan: StackPlan, module: str, ready_file: Path, ports: Mapping[str, int], files: Mapping[str, Path]) -> Service:
    arguments = [part for name, value in {**ports, **files}.items() for part in (name, str(value))]
    return Service(
        command=[sys.executable, "-m", module, "--host", LOOPBACK, *arguments, "--ready-file", str(ready_file)],
        environment={**plan.inherited, "PYTHONUNBUFFERED": "1"},
        folder=ROOT,
        listens_on=[(LOOPBACK, port) for port in ports.values()],
        is_ready=partial(is_written, ready_file),
    )


def fcm_service(plan: StackPlan) -> Service:
    """Return the FCM simulator."""
    ports = {"--tls-port": plan.addresses.fcm_tls, "--http-port": plan.addresses.fcm_http}
    files = {"--certificate": plan.certificates.certificate, "--private-key": plan.certificates.private_key}
    return _module_service(plan, "local.fcm", plan.folder / "fcm.ready", ports, files)


def cloud_service(plan: StackPlan) -> Service:
    """Return the stand-in for Cloud Tasks, Secret Manager, Scheduler and the OAuth token server."""
    files = {"--secrets-file": plan.kept.secrets} if plan.kept else {}
    return _module_service(plan, "local.cloud", plan.folder / "cloud.ready", {"--port": plan.addresses.cloud}, files)


def function_service(plan: StackPlan, function: Function) -> Service:
    """Return one function. It is ready when its worker answers.

    The framework listens as soon as it has loaded `main.py`, and only then starts the worker. No function has anything at this path.
    """
    port = plan.addresses.functions[function.name]
    return Service(
        command=function_command(function, plan.settings.functions_folder, port),
        environment={**plan.inherited, **plan.service_environment, **function_environment(function)},
        folder=ROOT,
        listens_on=[(LOOPBACK, port)],
        is_ready=partial(answers_http, port, path="/robots.txt", status=HTTPStatus.NOT_FOUND),
    )


def gateway_service(plan: StackPlan) -> Service:
    """Return the gateway in front of the functions."""
    host, port = plan.settings.host, plan.addresses.gateway
    called = LOOPBACK if host in {"0.0.0.0", ""} else host  # noqa: S104 - compared, not bound
    functions = [part for name in plan.addresses.functions for part in ("--function", f"{name}={plan.addresses.function_url(name)}")]
    return Service(
        command=[sys.executable, "-m", "local.gateway", "--host", host, "--port", str(port), *functions],
        environment={**plan.inherited, "PYTHONUNBUFFERED": "1"},
        folder=ROOT,
        listens_on=[(called, port)],
        is_ready=partial(accepts_connections, port, called),
    )


def services_of(plan: StackPlan, parts: frozenset[str]) -> dict[str, Service]:
    """Return the services of these parts in the order in which they start."""
    services: dict[str, Service] = {}
    emulators = parts & {"firestore", "auth"}
    if emulators:
        services["firestore"] = emulator_service(plan, emulators | {"firestore"})
    if "fcm" in parts and not plan.settings.fcm_endpoint:
        services["fcm"] = fcm_service(plan)
    if "cloud" in parts:
        services["cloud"] = cloud_service(plan)
    services |= {function.name: function_service(plan, function) for function in FUNCTIONS if function.name in parts}
    if "gateway" in parts:
        services["gateway"] = gateway_service(plan)
    return services
