"""The two listening ports of the simulator, from start to orderly end."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from local.fcm.application import Application
from local.fcm.connections import Connections
from local.fcm.faults import FaultBook
from local.fcm.http1 import Http1Connection
from local.fcm.http2 import Http2Connection
from local.fcm.inbox import Inbox

LEAVE_SECONDS = 2.0
BACKLOG = 1_024


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen and with what certificate; port 0 lets the system choose."""

    host: str
    tls_port: int
    http_port: int
    certificate: Path
    private_key: Path


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that are really listened on."""

    tls_port: int
    http_port: int


class TlsConnection(asyncio.Protocol):
    """Hands a fresh TLS connection over to the protocol that ALPN agreed on; without one it is HTTP/1.1."""

    def __init__(self, application: Application, connections: Connections) -> None:
        self._parts = (application, connections)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Replace this protocol by the one agreed on."""
        agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        protocol: asyncio.Protocol = Http2Connection(*self._parts) if agreed == "h2" else Http1Connection(*self._parts)
        cast("asyncio.Transport", transport).set_protocol(protocol)
        protocol.connection_made(transport)


class Simulator:
    """A running simulator."""

    def __init__(self, listening: Listening, *, keep_messages: int) -> None:
        self._listening = listening
        self._connections = Connections()
        self._application = Application(Inbox(keep_messages), FaultBook(), self._connections)
        self._servers: list[asyncio.Server] = []

    async def start(self) -> Ports:
        """Listen on both ports; raises OSError when one is taken or the certificate cannot be read."""
        tls = await self._listen(TlsConnection, self._listening.tls_port, _tls_context(self._listening))
        plain = await self._listen(Http1Connection, self._listening.http_port, None)
        return Ports(tls, plain)

    async def stop(self) -> None:
        """Refuse new connections, say GOAWAY, give what is in flight two seconds, then close everything."""
        for server in self._servers:
            server.close()
        await self._connections.end_all(LEAVE_SECONDS)

    async def _listen(self, protocol: type[TlsConnection | Http1Connection], port: int, tls: ssl.SSLContext | None) -> int:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: protocol(self._application, self._connections), self._listening.host, port, ssl=tls, backlog=BACKLOG
        )
        self._servers.append(server)
        return cast("int", server.sockets[0].getsockname()[1])


def _tls_context(listening: Listening) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(listening.certificate, listening.private_key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context
