"""The client of a deployment, as it is opened where no emulator is: what the tests against the emulator never run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from grpc.experimental import ChannelOptions  # type: ignore[import-untyped]

from fanfare.adapters.firestore.one_thread import OneThreadClient


def test_a_deployments_channel_has_the_option_beside_the_clients_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    opened: list[dict[str, Any]] = []
    create = FirestoreGrpcTransport.create_channel

    def note(*args: Any, options: Sequence[tuple[str, Any]], **settings: Any) -> Any:
        opened.append(dict(options))
        return create(*args, options=options, **settings)

    monkeypatch.setattr(FirestoreGrpcTransport, "create_channel", note)
    client = OneThreadClient(project="acme", credentials=AnonymousCredentials())
    reference = client.collection("tenants").document("acme")
    assert client.batch() is not None
    assert client._firestore_api is not None
    assert reference.path == "tenants/acme"
    [options] = opened
    assert options[ChannelOptions.SingleThreadedUnaryStream] == 1
    assert options["grpc.keepalive_time_ms"] == 30_000
    client.close()
