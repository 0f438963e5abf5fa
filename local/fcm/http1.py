"""One HTTP/1.1 connection, plain or over TLS: requests one after the other, answers in their order."""

from __future__ import annotations

import asyncio
from typing import cast

import h11

from local.fcm.application import Application
from local.fcm.connections import Connections
from local.fcm.exchange import TOO_LARGE, Answer, Request, body_limit_bytes, transport_refusal


class Http1Connection(asyncio.Protocol):
    """Serves the application on one connection."""

    version = "h1"

    def __init__(self, application: Application, connections: Connections) -> None:
        self._application = application
        self._connections = connections
        self._h11 = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._is_answering = False
        self._is_leaving = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection in."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection out; an answer that was waiting is never given."""
        del exc
        self._connections.closed(self)
        if self._timer:
            self._timer.cancel()

    def pause_writing(self) -> None:
        """Stop taking requests while the peer does not read."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Take requests again."""
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Take in bytes and answer every request they complete; a pipelined one waits for its turn inside h11."""
        self._h11.receive_data(data)
        self._advance()

    def leave(self) -> None:
        """Close once the request in progress, if any, is answered."""
        self._is_leaving = True
        if self._head is None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _advance(self) -> None:
        while not self._is_answering and not self._transport.is_closing():
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as problem:
                self._refuse(problem.error_status_hint)
                return
            if self._h11.they_are_waiting_for_100_continue:
                self._write(h11.InformationalResponse(status_code=100, headers=[]))
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return
            self._take(event)

    def _take(self, event: object) -> None:
        match event:
            case h11.Request():
                self._head = event
            case h11.Data():
                self._body += event.data
                if self._head and len(self._body) > body_limit_bytes(self._head.target.decode("latin-1")):
                    self._refuse(413)
            case h11.EndOfMessage() if self._head:
                self._answer(self._head)
            case h11.ConnectionClosed():
                self._transport.close()
            case _:
                self._transport.abort()

    def _answer(self, head: h11.Request) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        request = Request(head.method.decode(), head.target.decode("latin-1"), headers, bytes(self._body), head.http_version.decode())
        self._body.clear()
        answer = self._application.handle(request)
        self._is_answering = True
        if answer.delay_seconds:
            self._timer = asyncio.get_running_loop().call_later(answer.delay_seconds, self._give_late, answer)
        else:
            self._give(answer)

    def _give_late(self, answer: Answer) -> None:
        self._give(answer)
        self._advance()

    def _give(self, answer: Answer) -> None:
        if answer.drop:
            self._transport.abort()
            return
        self._respond(answer, closes=answer.goaway or self._is_leaving)
        if answer.on_given:
            answer.on_given()
        self._head, self._is_answering = None, False
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
        else:
            self._transport.close()

    def _respond(self, answer: Answer, *, closes: bool) -> None:
        headers = answer.header_fields() + ([("connection", "close")] if closes else [])
        self._write(h11.Response(status_code=answer.status, headers=headers))
        if answer.body and self._head and self._head.method != b"HEAD":
            self._write(h11.Data(data=answer.body))
        self._write(h11.EndOfMessage())

    def _refuse(self, status: int) -> None:
        """Answer what is no request, or too large a one, and close: the rest of its bytes cannot be told apart."""
        if self._h11.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            answer = transport_refusal(status, TOO_LARGE if status == 413 else "Bad request.")
            self._write(h11.Response(status_code=status, headers=[*answer.header_fields(), ("connection", "close")]))
            self._write(h11.Data(data=answer.body))
        self._transport.close()

    def _write(self, event: h11.Event) -> None:
        if data := self._h11.send(event):
            self._transport.write(data)
