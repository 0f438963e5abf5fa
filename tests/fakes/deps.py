"""One fake of each port: what a service's test runs on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fanfare.adapters.answer_window import MemoryAnswerWindow
from fanfare.adapters.template_engine import MinijinjaRenderer
from fanfare.domain.edge import EdgeRules
from fanfare.ports import Deps
from tests.fakes.audit import MemoryAuditStore, MemoryRefusalCounter
from tests.fakes.authenticator import ScriptedCallAuthenticator, ScriptedUserAuthenticator
from tests.fakes.clients import MemoryClientStore
from tests.fakes.credentials import MemoryCredentialStore
from tests.fakes.devices import MemoryDeviceStore
from tests.fakes.health import FixedHealth
from tests.fakes.idempotency import MemoryIdempotencyStore
from tests.fakes.keys import FixedCursorKeys, FixedIndexVersions, FixedReceiptKeys
from tests.fakes.lifecycle import FixedLifecycle
from tests.fakes.limits import MemoryRateLimiter
from tests.fakes.log import RecordingLog
from tests.fakes.notifications import MemoryNotificationStore
from tests.fakes.origins import MemoryOriginStore
from tests.fakes.poison import MemoryPoisonStore
from tests.fakes.profiles import MemoryProfileStore
from tests.fakes.sender import ScriptedPushSender
from tests.fakes.system import FixedClock, SequentialIdentifiers
from tests.fakes.tasks import RecordingTaskQueue
from tests.fakes.templates import MemoryTemplateStore
from tests.fakes.tenants import MemoryTenantStore


def fake_deps(**overrides: Any) -> Deps:
    """Build fresh fakes; a test passes those that it wants to set up or look into."""
    clock = overrides.get("clock") or FixedClock()
    audit = overrides.get("audit") or MemoryAuditStore()
    tenants = overrides.get("tenants") or MemoryTenantStore(audit)
    deps = Deps(
        clock=clock,
        identifiers=SequentialIdentifiers(),
        clients=MemoryClientStore(audit),
        tenants=tenants,
        origins=MemoryOriginStore(tenants),
        profiles=MemoryProfileStore(audit),
        devices=MemoryDeviceStore(clock, audit),
        templates=MemoryTemplateStore(audit),
        renderer=MinijinjaRenderer(),
        notifications=MemoryNotificationStore(audit),
        idempotency=MemoryIdempotencyStore(),
        audit=audit,
        rates=MemoryRateLimiter(clock),
        refusals=MemoryRefusalCounter(),
        edge=EdgeRules(),
        credentials=MemoryCredentialStore(),
        tasks=RecordingTaskQueue(),
        sender=ScriptedPushSender(),
        receipt_keys=FixedReceiptKeys(),
        cursor_keys=FixedCursorKeys(),
        index_versions=FixedIndexVersions(),
        call_authenticator=ScriptedCallAuthenticator(),
        users=ScriptedUserAuthenticator(),
        poison=MemoryPoisonStore(),
        answers=MemoryAnswerWindow(),
        lifecycle=FixedLifecycle(),
        health=FixedHealth(),
        log=RecordingLog(),
    )
    return replace(deps, **overrides)
