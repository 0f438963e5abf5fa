"""A gRPC proxy before the Firestore emulator that counts what Firestore bills: documents read and written, and the calls for them.

It stands outside of the code under test, which is not touched for it: what is counted went over the wire.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.cloud.firestore_v1.types import BatchGetDocumentsResponse, CommitRequest, RunQueryResponse

_SERVICE = "/google.firestore.v1.Firestore/"
_METADATA = ("authorization", "x-goog", "google-cloud")


@dataclass
class Usage:
    """What some requests cost. A query that finds nothing is billed as one read, and so is a document that is not there."""

    read_calls: int = 0
    reads: int = 0
    commits: int = 0
    writes: int = 0


class CountingProxy(grpc.GenericRpcHandler):
    """Forwards every call of the client to the emulator; `usage` may be replaced to begin anew."""

    def __init__(self, emulator: str) -> None:
        self.usage = Usage()
        self._channel = grpc.insecure_channel(emulator)

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        name = call.method.removeprefix(_SERVICE)
        if name == "Commit":
            return grpc.unary_unary_rpc_method_handler(self._commit)
        return grpc.unary_stream_rpc_method_handler(lambda request, context: self._read(name, request, context))

    def close(self) -> None:
        self._channel.close()

    def _commit(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.usage.commits += 1
        self.usage.writes += len(CommitRequest.deserialize(request).writes)
        try:
            answer: bytes = self._channel.unary_unary(f"{_SERVICE}Commit")(request, metadata=_metadata(context))
        except grpc.RpcError as error:
            _abort(context, error)
        return answer

    def _read(self, name: str, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        usage = self.usage
        usage.read_calls += 1
        found = 0
        try:
            for answer in self._channel.unary_stream(f"{_SERVICE}{name}")(request, metadata=_metadata(context)):
                found += _documents(name, answer)
                yield answer
        except grpc.RpcError as error:
            _abort(context, error)
        finally:
            # By now the client has its answer, and the count may have been begun anew.
            usage.reads += max(found, 1)


@contextmanager
def counting_proxy(emulator: str) -> Iterator[tuple[CountingProxy, str]]:
    """Run a proxy; the proxy and its host:port."""
    proxy = CountingProxy(emulator)
    server = grpc.server(ThreadPoolExecutor(8), handlers=[proxy], options=(("grpc.so_reuseport", 0),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield proxy, f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()
        proxy.close()


def _documents(name: str, answer: bytes) -> int:
    """The documents that one answer of a stream stands for."""
    if name == "RunQuery":
        return int("document" in RunQueryResponse.deserialize(answer))
    if name == "BatchGetDocuments":
        response = BatchGetDocumentsResponse.deserialize(answer)
        return int("found" in response or "missing" in response)
    raise ValueError(f"{name} is a call that this test knows no price of")


def _metadata(context: grpc.ServicerContext) -> list[tuple[str, str | bytes]]:
    """What the emulator looks at: who calls, and which database is meant."""
    return [(key, value) for key, value in context.invocation_metadata() if key.startswith(_METADATA)]


def _abort(context: grpc.ServicerContext, error: Any) -> None:
    context.abort(error.code(), error.details())
