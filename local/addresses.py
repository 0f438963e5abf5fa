"""Ports of the local stack.

Ports are chosen here and not by each server, so that every process can be told all addresses before any has started
and so that a restarted process comes back where the others expect it.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Collection
from dataclasses import dataclass

from local.errors import StackError

LOOPBACK = "127.0.0.1"

# Below the range from which systems take the ports of outgoing connections, so that none can sit on a port between
# our choosing it and its server's start.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000
_ATTEMPTS = 200


def _can_bind(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as candidate:
        # Servers set this option too; without it a port in TIME_WAIT would look taken.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((host, port))
        except OSError:
            return False
    return True


def free_ports(count: int, *, taken: Collection[int] = ()) -> list[int]:
    """Choose `count` different loopback ports that nothing listens on."""
    chosen: list[int] = []
    # Random choice, so that stacks started side by side do not race for the same first free port.
    candidates = random.SystemRandom().sample(range(_FIRST_PORT, _LAST_PORT), _ATTEMPTS)
    for port in candidates:
        if len(chosen) == count:
            break
        if port not in taken and _can_bind(LOOPBACK, port):
            chosen.append(port)
    if len(chosen) < count:
        raise StackError(f"Only {len(chosen)} of {count} free ports were found between {_FIRST_PORT} and {_LAST_PORT}.")
    return chosen


def check_port_is_free(host: str, port: int) -> None:
    """Raise StackError when nothing can listen on this address."""
    if port and not _can_bind(host, port):
        raise StackError(f"Port {port} on {host} is taken or cannot be used: stop what listens there, or choose another with PORT=….")


def reachable_host(host: str) -> str:
    """Return the host to use in a URL for a server that listens on `host`, which may be a wildcard."""
    host = {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}.get(host, host)  # noqa: S104 - translated, not bound
    return f"[{host}]" if ":" in host else host


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Every port of one stack; all but the gateway's are on the loopback address."""

    firestore: int
    firestore_websocket: int
    auth: int
    hub: int
    logging: int
    fcm_tls: int
    fcm_http: int
    cloud: int
    gateway: int
    functions: dict[str, int]

    @classmethod
    def choose(cls, functions: Collection[str], *, gateway_port: int = 0) -> Addresses:
        """Choose free ports for everything; the gateway's is kept where it is given."""
        fixed = ("firestore", "firestore_websocket", "auth", "hub", "logging", "fcm_tls", "fcm_http", "cloud")
        ports = free_ports(len(fixed) + 1 + len(functions), taken={gateway_port})
        named = dict(zip(fixed, ports, strict=False))
        rest = ports[len(fixed) :]
        return cls(**named, gateway=gateway_port or rest[0], functions=dict(zip(functions, rest[1:], strict=True)))

    def function_url(self, name: str) -> str:
        """Return the base URL, ending in a slash, of one function's process."""
        return f"http://{LOOPBACK}:{self.functions[name]}/"
