"""The local stack: every process of Fanfare on this machine, started together and stopped together.

`with Stack(StackSettings(), folder=folder) as stack:` starts everything; `parts` names a subset. Stacks run side by
side when their folders differ. Use it from a thread that outlives the block (see `launch.py`).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from local.addresses import LOOPBACK, Addresses, check_port_is_free, reachable_host
from local.certificates import write_certificates
from local.environment import REGION, SCHEDULER_SERVICE_ACCOUNT
from local.errors import StackError
from local.firebase import PROJECT
from local.functions import FUNCTIONS
from local.kept import KeptData, kept_data
from local.processes import ChildProcess
from local.readiness import accepts_connections, wait_until
from local.services import Service, StackPlan, services_of
from local.settings import StackSettings

_CLOSE_SECONDS = 3.0
ALL_PARTS = frozenset({"firestore", "auth", "fcm", "cloud", "gateway", *(function.name for function in FUNCTIONS)})


class Stack:
    """A running stack, as a context manager.

    Raises StackError when a part cannot start; what had started is stopped then. `environment` is the one that the
    stack is started in, the process's own unless given.
    """

    def __init__(
        self,
        settings: StackSettings,
        *,
        folder: Path,
        parts: Collection[str] = ALL_PARTS,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        unknown = set(parts) - ALL_PARTS
        if unknown:
            raise StackError(f"The stack has no part {', '.join(sorted(unknown))}.")
        self.settings = settings
        self.folder = folder.resolve()
        self._parts = frozenset(parts)
        self._started_in = dict(os.environ if environment is None else environment)
        self._addresses = Addresses.choose([function.name for function in FUNCTIONS], gateway_port=settings.port)
        self._services: dict[str, Service] = {}
        self._children: dict[str, ChildProcess] = {}
        # Those that should run: not the ones that a test has killed.
        self._expected: set[str] = set()
        self._stopping = ExitStack()
        # Only a whole run is kept: what stops amid its start has perhaps not even imported what was kept before.
        self._is_up = False

    def __enter__(self) -> Self:
        """Start the parts and wait until all are ready."""
        if "gateway" in self._parts:
            check_port_is_free(self.settings.host, self.settings.port)
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        self._services = services_of(self._plan(), self._parts)
        with ExitStack() as stopping:
            for name, service in self._services.items():
                child = self._children[name] = self._child(name, service)
                # Before the start: an interruption may come at any time.
                stopping.callback(child.stop)
                if name == "firestore":
                    # Stopping goes backwards: everything that writes has ended by then, and the secrets are in their file.
                    stopping.callback(self._keep_data)
                self._start(name)
            self._fill_cloud()
            for name in self._services:
                self._wait_until_ready(name)
            self._stopping = stopping.pop_all()
        self._is_up = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop the parts, the last one started first."""
        self._expected.clear()
        self._stopping.close()

    def _keep_data(self) -> None:
        if self._is_up and (kept := self.kept):
            kept.export(self._addresses.hub)

    @property
    def kept(self) -> KeptData | None:
        """What the run before has left and the next one is to find; None where nothing is kept."""
        return kept_data(self.settings, self.folder)

    def _plan(self) -> StackPlan:
        return StackPlan(
            settings=self.settings,
            folder=self.folder,
            addresses=self._addresses,
            certificates=write_certificates(self.folder / "certificates"),
            environment=self._started_in,
        )

    def _child(self, name: str, service: Service) -> ChildProcess:
        log = self.log(name)
        log.write_bytes(b"")
        return ChildProcess(service.command, environment=service.environment, folder=service.folder, log=log)

    def _start(self, name: str) -> None:
        self._ready_file(name).unlink(missing_ok=True)
        self._children[name].start()
        self._expected.add(name)

    def _ready_file(self, name: str) -> Path:
        return self.folder / f"{name}.ready"

    def _fill_cloud(self) -> None:
        """Create what Terraform creates when deployed, while the slower parts are still starting."""
        if "cloud" not in self._services:
            return
        # These clients cost half a second to import, which a stack without this part need not wait for.
        from local.deployment_secrets import create_deployment_secrets  # noqa: PLC0415
        from local.jobs import create_jobs  # noqa: PLC0415
        from local.queues import create_queues  # noqa: PLC0415

        self._wait_until_ready("cloud")
        address = f"{LOOPBACK}:{self._addresses.cloud}"
        create_queues(address, project=PROJECT, region=REGION)
        create_deployment_secrets(address, project=PROJECT)
        urls = {function.name: self._addresses.function_url(function.name) for function in FUNCTIONS}
        create_jobs(address, project=PROJECT, region=REGION, urls=urls, service_account=SCHEDULER_SERVICE_ACCOUNT)

    def _wait_until_ready(self, name: str) -> None:
        service = self._services[name]

        def ready() -> bool:
            self.check()
            return service.is_ready()

        if not wait_until(ready, timeout_seconds=service.start_seconds):
            log = self.log(name)
            raise StackError(f"{name} was not ready after {service.start_seconds:.0f} seconds; see {log}.")

    def check(self) -> None:
        """Raise StackError when a part has ended by itself."""
        for name in self._services:
            child = self._children.get(name)
            if name in self._expected and child and child.exit_status is not None:
                raise StackError(f"{name} ended with status {child.exit_status}; its log {self.log(name)} ends with: {child.last_line()}")

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one part: SIGKILL, SIGSTOP and SIGCONT to its whole process tree, others to its first process.

        Returns once nothing of the part is left and its ports refuse connections, after SIGKILL and SIGTERM, and once it stands still, after
        SIGSTOP. Raises StackError when that is not so in time.
        """
        if number not in {signal.SIGSTOP, signal.SIGCONT}:
            self._expected.discard(name)
        self._children[name].send_signal(number)
        if number in {signal.SIGKILL, signal.SIGTERM}:
            self._wait_until_closed(name)

    def restart(self, name: str) -> None:
        """Stop one part if it runs, start it again on the same port and wait until it is ready; Firestore comes back empty."""
        self._expected.discard(name)
        self._children[name].stop()
        self._wait_until_closed(name)
        self._start(name)
        self._wait_until_ready(name)

    def _wait_until_closed(self, name: str) -> None:
        """Wait until nobody can reach what has ended: its successor must not be taken for ready by an answer of somebody else."""
        addresses = self._services[name].listens_on
        if not wait_until(lambda: not any(accepts_connections(port, host) for host, port in addresses), timeout_seconds=_CLOSE_SECONDS):
            raise StackError(f"{name} has ended, and a port of it still accepts connections {_CLOSE_SECONDS:.0f} seconds later: {addresses}.")

    def log(self, name: str) -> Path:
        """The file that holds what this part has printed."""
        return self.folder / "logs" / f"{name}.log"

    def pid(self, name: str) -> int | None:
        """The process id of this part's first process while it runs."""
        return self._children[name].pid

    @property
    def environment(self) -> dict[str, str]:
        """The settings by which a function finds this stack."""
        return self._plan().service_environment

    @property
    def client_environment(self) -> dict[str, str]:
        """The same for a program that drives the stack from outside, with where the gateway and the FCM simulator are."""
        simulator = {"FCM_SIMULATOR_URL": self.fcm_url} if self.fcm_url else {}
        return {**self.environment, **simulator, "FANFARE_URL": self.urls["gateway"]}

    @property
    def urls(self) -> dict[str, str]:
        """The base URL, without a slash at the end, of the gateway and of each function's own process."""
        functions = {name: self._addresses.function_url(name).rstrip("/") for name in self._addresses.functions}
        return {"gateway": f"http://{reachable_host(self.settings.host)}:{self._addresses.gateway}", **functions}

    @property
    def firestore_host(self) -> str:
        """Where the Firestore emulator listens, as host:port."""
        return f"{LOOPBACK}:{self._addresses.firestore}"

    @property
    def auth_host(self) -> str:
        """Where the Auth emulator listens, as host:port."""
        return f"{LOOPBACK}:{self._addresses.auth}"

    @property
    def fcm_url(self) -> str | None:
        """The FCM simulator over plain HTTP/1.1; None when the stack uses another FCM."""
        return None if self.settings.fcm_endpoint else f"http://{LOOPBACK}:{self._addresses.fcm_http}"

    @property
    def cloud_url(self) -> str:
        """The stand-in for Cloud Tasks, Secret Manager and Scheduler."""
        return f"http://{LOOPBACK}:{self._addresses.cloud}"
