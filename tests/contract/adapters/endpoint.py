"""A webhook's endpoint of a test's own, on a bare socket: it may answer anything, in pieces, or nothing."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Self

from local.addresses import LOOPBACK
from local.certificates import Certificates

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
Pieces = Callable[[threading.Event], Iterator[bytes]]


class Endpoint:
    """Answers each request by `answer`: bytes, or a function that yields them piece by piece until the event is set. `requests` keeps what came.

    `connections` counts them. It hangs up after each answer if `closes`.
    """

    def __init__(
        self, answer: bytes | Pieces = OK, *, host: str = LOOPBACK, port: int = 0, certificates: Certificates | None = None, closes: bool = False
    ) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.connections = 0
        self._closes = closes
        self._over = threading.Event()
        self._tls = _tls(certificates) if certificates is not None else None
        self._socket = socket.create_server((host, port))
        self.port = self._socket.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(timeout=10)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, bare: socket.socket) -> None:
        bare.settimeout(20)
        with suppress(OSError), bare:
            connection = self._tls.wrap_socket(bare, server_side=True) if self._tls is not None else bare
            with connection:
                while not self._over.is_set() and self._serve_one(connection):
                    continue

    def _serve_one(self, connection: socket.socket) -> bool:
        request = _read(connection)
        if not request:
            return False
        self.requests.append(request)
        pieces = iter([self.answer]) if isinstance(self.answer, bytes) else self.answer(self._over)
        for piece in pieces:
            connection.sendall(piece)
        return not self._closes


def _read(connection: socket.socket) -> bytes:
    """Read one request: its head, and as much of a body as that says."""
    read = b""
    while b"\r\n\r\n" not in read:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        read += piece
    head, _, body = read.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    left = int(lengths[0]) - len(body) if lengths else 0
    while left > 0:
        piece = connection.recv(left)
        read, left = read + piece, left - len(piece)
    return read


def _tls(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.private_key)
    return context
