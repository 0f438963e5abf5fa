"""A gRPC proxy before the Firestore emulator that loses the answers of commits which it let through, as a network does.

It forwards bytes and understands no message, so the client on one side and the emulator on the other are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

_COMMIT = "/google.firestore.v1.Firestore/Commit"
# A commit of any size reaches the emulator, whose own limit is to be met.
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0))


class FirestoreProxy(grpc.GenericRpcHandler):
    """`lose_next` answers of commits that were stored are lost, with `lose_refusals` also those of refused ones; `commits` counts all sendings.

    `after_loss` runs between a commit whose answer is lost and its next sending: what another writer does meanwhile.
    """

    def __init__(self, emulator: str) -> None:
        self.commits = 0
        self.lose_next = 0
        self.lose_refusals = False
        self.after_loss: Callable[[], object] | None = None
        self._channel = grpc.insecure_channel(emulator, options=_OPTIONS)

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        if call.method == _COMMIT:
            return grpc.unary_unary_rpc_method_handler(self._commit)
        forward = self._channel.unary_stream(call.method)
        return grpc.unary_stream_rpc_method_handler(lambda request, context: _stream(forward, request, context))

    def close(self) -> None:
        self._channel.close()

    def _commit(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.commits += 1
        try:
            answer: bytes = self._channel.unary_unary(_COMMIT)(request, metadata=_metadata(context))
        except grpc.RpcError as error:
            if self.lose_refusals:
                self._lose(context)
            _abort(context, error)
        self._lose(context)
        return answer

    def _lose(self, context: grpc.ServicerContext) -> None:
        if self.lose_next:
            self.lose_next -= 1
            if self.after_loss is not None:
                self.after_loss()
            context.abort(grpc.StatusCode.UNAVAILABLE, "the answer was lost")


@contextmanager
def firestore_proxy(emulator: str) -> Iterator[tuple[FirestoreProxy, str]]:
    """Run a proxy; the proxy and its host:port."""
    proxy = FirestoreProxy(emulator)
    server = grpc.server(ThreadPoolExecutor(8), handlers=[proxy], options=_OPTIONS)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield proxy, f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()
        proxy.close()


def _stream(forward: Any, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    try:
        yield from forward(request, metadata=_metadata(context))
    except grpc.RpcError as error:
        _abort(context, error)


def _metadata(context: grpc.ServicerContext) -> list[tuple[str, str | bytes]]:
    """What the emulator looks at: who calls, and which database is meant."""
    return [(key, value) for key, value in context.invocation_metadata() if key.startswith(("authorization", "x-goog", "google-cloud"))]


def _abort(context: grpc.ServicerContext, error: Any) -> None:
    context.abort(error.code(), error.details())
