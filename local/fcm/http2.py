"""One HTTP/2 connection over TLS: streams in, answers out, under the peer's flow control.

A graceful end sends GOAWAY and still answers the streams that were begun; h2 itself knows only the abrupt kind, so the frame
is written beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, RemoteSettingsChanged, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from local.fcm.application import Application
from local.fcm.connections import Connections
from local.fcm.exchange import TOO_LARGE, Answer, Drop, transport_refusal
from local.fcm.http2_stream import Stream

CONNECTION_WINDOW_BYTES = 16 << 20
LINGER_SECONDS = 0.25
SETTINGS = {
    SettingCodes.ENABLE_PUSH: 0,
    SettingCodes.MAX_CONCURRENT_STREAMS: 100,
    SettingCodes.INITIAL_WINDOW_SIZE: 1 << 20,
    SettingCodes.MAX_HEADER_LIST_SIZE: 1 << 16,
}


class Http2Connection(asyncio.Protocol):
    """Serves the application on one connection."""

    version = "h2"

    def __init__(self, application: Application, connections: Connections) -> None:
        self._application = application
        self._connections = connections
        self._streams: dict[int, Stream] = {}
        self._ended: list[int] = []
        self._given: list[Callable[[], None]] = []
        self._highest_stream = 0
        self._is_leaving = False
        self._closing: asyncio.TimerHandle | None = None
        self._h2 = H2Connection(H2Configuration(client_side=False, validate_outbound_headers=False, normalize_outbound_headers=False))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send our settings first, as the protocol wants it."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.opened(self)
        # Only initial values go out with the preface; a later update would count for us before the peer has heard of it.
        self._h2.local_settings = Settings(client=False, initial_values=SETTINGS)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW_BYTES)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the streams; answers that were waiting are never given."""
        del exc
        self._connections.closed(self)
        for stream in self._streams.values():
            stream.cancel()
        self._streams.clear()

    def pause_writing(self) -> None:
        """Stop taking requests while the peer does not read."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Take requests again."""
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Take in every frame that arrived, then answer the requests they completed in one write."""
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            self._flush()
            self._transport.close()
            return
        for event in events:
            self._take(event)
        self._connections.saw_streams(len(self._streams))
        ended, self._ended = self._ended, []
        for stream_id in ended:
            self._answer(stream_id)
        self._flush()

    def leave(self) -> None:
        """Send GOAWAY with the last stream taken; close soon after the last of them is answered.

        The pause lets a client that has just begun another stream read the GOAWAY, and so know that it may repeat it elsewhere.
        """
        if not self._is_leaving and not self._transport.is_closing():
            self._is_leaving = True
            self._flush()
            self._transport.write(GoAwayFrame(0, last_stream_id=self._highest_stream).serialize())
            self._close_when_idle()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived():
                self._on_request(event)
            case DataReceived():
                self._on_data(event)
            case StreamEnded() if event.stream_id in self._streams:
                self._ended.append(event.stream_id)
            case StreamReset():
                self._on_reset(event.stream_id)
            case WindowUpdated() | RemoteSettingsChanged():
                self._pump_all()
            case _:
                pass  # Acknowledgements and pings need no answer from here.

    def _on_request(self, event: RequestReceived) -> None:
        stream_id = event.stream_id
        if self._is_leaving:
            self._h2.reset_stream(stream_id, ErrorCodes.REFUSED_STREAM)
            return
        self._streams[stream_id] = Stream.opened(event.headers)
        self._highest_stream = stream_id

    def _on_data(self, event: DataReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream:
            stream.receive(event.data)
        with suppress(StreamClosedError):
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def _on_reset(self, stream_id: int) -> None:
        stream = self._streams.pop(stream_id, None)
        if stream:
            stream.cancel()
        self._close_when_idle()

    def _pump_all(self) -> None:
        for stream_id, stream in list(self._streams.items()):
            if stream.unsent:
                self._pump(stream_id, stream)

    def _answer(self, stream_id: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is None or self._transport.is_closing():
            return
        answer = transport_refusal(413, TOO_LARGE) if stream.is_over_limit else self._application.handle(stream.request())
        stream.body.clear()
        if answer.delay_seconds:
            stream.timer = asyncio.get_running_loop().call_later(answer.delay_seconds, self._give_late, stream_id, answer)
        else:
            self._give(stream_id, stream, answer)

    def _give_late(self, stream_id: int, answer: Answer) -> None:
        if not self._transport.is_closing():
            self._give(stream_id, self._streams[stream_id], answer)
            self._flush()

    def _give(self, stream_id: int, stream: Stream, answer: Answer) -> None:
        if answer.drop is Drop.CONNECTION:
            self._transport.abort()
        elif answer.drop is Drop.STREAM:
            self._h2.reset_stream(stream_id, ErrorCodes.INTERNAL_ERROR)
            self._streams.pop(stream_id)
        else:
            fields = [(":status", str(answer.status)), *answer.header_fields()]
            stream.unsent, stream.on_given = memoryview(answer.body), answer.on_given
            self._h2.send_headers(stream_id, fields, end_stream=not answer.body)
            self._pump(stream_id, stream)
        if answer.goaway:
            self.leave()

    def _pump(self, stream_id: int, stream: Stream) -> None:
        """Send as much of the body as the peer's windows allow; the rest follows a WINDOW_UPDATE."""
        while stream.unsent:
            size = min(self._h2.local_flow_control_window(stream_id), self._h2.max_outbound_frame_size, len(stream.unsent))
            if size <= 0:
                return
            chunk, stream.unsent = stream.unsent[:size], stream.unsent[size:]
            self._h2.send_data(stream_id, bytes(chunk), end_stream=not stream.unsent)
        self._streams.pop(stream_id)
        if stream.on_given:
            self._given.append(stream.on_given)

    def _flush(self) -> None:
        """Write what is due; only then do the answers in it count as given."""
        given, self._given = self._given, []
        if self._transport.is_closing():
            return
        if data := self._h2.data_to_send():
            self._transport.write(data)
        for on_given in given:
            on_given()
        self._close_when_idle()

    def _close_when_idle(self) -> None:
        if self._is_leaving and not self._streams and self._closing is None:
            self._closing = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.close)
