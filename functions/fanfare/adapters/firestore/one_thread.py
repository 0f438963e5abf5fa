"""Firestore's client with streams that are read by the thread that waits for them.

Documents read together and the results of queries come as streams, and gRPC gives each stream a thread of its own. Two documents cost a third of
the CPU without it (docs/performance.md). gRPC's option for that is given with the channel, which the client opens itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.cloud.firestore import Client
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from grpc.experimental import ChannelOptions  # type: ignore[import-untyped]

_ONE_THREAD = (ChannelOptions.SingleThreadedUnaryStream, 1)
_ANY_SIZE = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))


class OneThreadClient(Client):
    """A client of a deployment, or of the emulator, which it finds by its own environment variable."""

    def _firestore_api_helper(self, transport: object, client_class: object, client_module: object) -> object:  # noqa: ARG002
        return super()._firestore_api_helper(_Transport, client_class, client_module)

    def _emulator_channel(self, transport: object) -> object:  # noqa: ARG002
        return grpc.insecure_channel(self._emulator_host, options=[*_ANY_SIZE, _ONE_THREAD])


class _Transport(FirestoreGrpcTransport):
    @classmethod
    def create_channel(cls, *args: Any, options: Sequence[tuple[str, Any]] = (), **settings: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return super().create_channel(*args, options=[*options, _ONE_THREAD], **settings)
