"""The stack's child processes: what each one runs, what it finds in its environment and when it is ready."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local.addresses import LOOPBACK, Addresses
from local.certificates import Certificates
from local.environment import inherited_environment, service_environment
from local.firebase import firebase_command, firebase_environment, write_config
from local.functions import FUNCTIONS, Function, function_command, function_environment
from local.java import find_sdk_jar
from local.readiness import accepts_connections, answers_http, is_written
from local.settings import ROOT, StackSettings

START_SECONDS = 60.0
# Without a Google Cloud SDK firebase-tools downloads the emulator, some 140 MB, once.
DOWNLOAD_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True)
class Service:
    """How to run one child of the stack."""

    command: list[str]
    environment: dict[str, str]
    folder: Path
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
        command=firebase_command(write_config(plan.folder, plan.addresses), emulators),
        environment=firebase_environment(plan.folder, plan.inherited),
        folder=plan.folder,
        is_ready=lambda: all(answers_http(port) for port in ports),
        start_seconds=START_SECONDS if find_sdk_jar(plan.inherited) else DOWNLOAD_SECONDS,
    )


def _module_service(plan: StackPlan, module: str, ready_file: Path, arguments: list[str]) -> Service:
    return Service(
        command=[sys.executable, "-m", module, "--host", LOOPBACK, *arguments, "--ready-file", str(ready_file)],
        environment={**plan.inherited, "PYTHONUNBUFFERED": "1"},
        folder=ROOT,
        is_ready=partial(is_written, ready_file),
    )


def fcm_service(plan: StackPlan) -> Service:
    """Return the FCM simulator."""
    ports = ["--tls-port", str(plan.addresses.fcm_tls), "--http-port", str(plan.addresses.fcm_http)]
    files = ["--certificate", str(plan.certificates.certificate), "--private-key", str(plan.certificates.private_key)]
    return _module_service(plan, "local.fcm", plan.folder / "fcm.ready", [*ports, *files])


def cloud_service(plan: StackPlan) -> Service:
    """Return the stand-in for Cloud Tasks, Secret Manager, Scheduler and the OAuth token server."""
    return _module_service(plan, "local.cloud", plan.folder / "cloud.ready", ["--port", str(plan.addresses.cloud)])


def function_service(plan: StackPlan, function: Function) -> Service:
    """Return one function. It is ready when it listens: functions-framework has loaded `main.py` by then."""
    port = plan.addresses.functions[function.name]
    return Service(
        command=function_command(function, plan.settings.functions_folder, port),
        environment={**plan.inherited, **plan.service_environment, **function_environment(function)},
        folder=ROOT,
        is_ready=partial(accepts_connections, port),
    )


def gateway_service(plan: StackPlan) -> Service:
    """Return the gateway in front of the functions."""
    host, port = plan.settings.host, plan.addresses.gateway
    functions = [part for name in plan.addresses.functions for part in ("--function", f"{name}={plan.addresses.function_url(name)}")]
    return Service(
        command=[sys.executable, "-m", "local.gateway", "--host", host, "--port", str(port), *functions],
        environment={**plan.inherited, "PYTHONUNBUFFERED": "1"},
        folder=ROOT,
        is_ready=partial(accepts_connections, port, LOOPBACK if host in {"0.0.0.0", ""} else host),  # noqa: S104 - compared, not bound
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
