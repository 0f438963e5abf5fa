"""The only place that builds adapters: once per instance, at the first request, never at import (gunicorn forks after importing main)."""

from __future__ import annotations

from dataclasses import fields

from fanfare.adapters.answer_window import MemoryAnswerWindow
from fanfare.adapters.blind_index import BlindIndex
from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.cloud_scheduler import CloudSchedulerJobs
from fanfare.adapters.cloud_tasks import CloudTaskQueue
from fanfare.adapters.cron_table import CronsimTable
from fanfare.adapters.deployment_keys import CURSOR_KEY, DeploymentKeys
from fanfare.adapters.endpoint_slots import MemoryEndpointSlots
from fanfare.adapters.fcm_credentials import FcmCredentials
from fanfare.adapters.fcm_lane import FcmEndpoint
from fanfare.adapters.fcm_sender import FcmPushSender
from fanfare.adapters.fcm_topics import FcmTopicSubscriber
from fanfare.adapters.firebase_custom_tokens import FirebaseCustomTokens
from fanfare.adapters.firebase_users import CERTIFICATES_URL, FirebaseUserAuthenticator
from fanfare.adapters.firestore.analytics import FirestoreAnalyticsStore
from fanfare.adapters.firestore.audience import FirestoreAudienceStore
from fanfare.adapters.firestore.audit import FirestoreAuditStore
from fanfare.adapters.firestore.broadcasts import FirestoreBroadcastStore
from fanfare.adapters.firestore.chunks import FirestoreChunkStore
from fanfare.adapters.firestore.client import Firestore, open_client, probe
from fanfare.adapters.firestore.clients import FirestoreClientStore
from fanfare.adapters.firestore.devices import FirestoreDeviceStore
from fanfare.adapters.firestore.ended import FirestoreEndedStore
from fanfare.adapters.firestore.event_feed import FirestoreEventFeed
from fanfare.adapters.firestore.events import FirestoreEventStore
from fanfare.adapters.firestore.idempotency import FirestoreIdempotencyStore
from fanfare.adapters.firestore.keepalive import FirestoreKeepaliveStore
from fanfare.adapters.firestore.limits import FirestoreRateLimiter
from fanfare.adapters.firestore.metrics import FirestoreMetricsStore
from fanfare.adapters.firestore.notifications import FirestoreNotificationStore
from fanfare.adapters.firestore.origins import FirestoreOriginStore
from fanfare.adapters.firestore.pacing import FirestorePacingStore
from fanfare.adapters.firestore.poison import FirestorePoisonStore
from fanfare.adapters.firestore.profiles import FirestoreProfileStore
from fanfare.adapters.firestore.progress import FirestoreProgressStore
from fanfare.adapters.firestore.receipt_sums import FirestoreReceiptSumStore
from fanfare.adapters.firestore.receipts import FirestoreReceiptStore
from fanfare.adapters.firestore.recipients import FirestoreRecipientStore
from fanfare.adapters.firestore.refusals import FirestoreRefusalCounter
from fanfare.adapters.firestore.retention import FirestoreRetentionStore
from fanfare.adapters.firestore.schedules import FirestoreScheduleStore
from fanfare.adapters.firestore.segments import FirestoreSegmentStore
from fanfare.adapters.firestore.subscriptions import FirestoreSubscriptionStore
from fanfare.adapters.firestore.templates import FirestoreTemplateStore
from fanfare.adapters.firestore.tenants import FirestoreTenantStore
from fanfare.adapters.firestore.topics import FirestoreTopicStore
from fanfare.adapters.firestore.webhook_deliveries import FirestoreWebhookDeliveryStore
from fanfare.adapters.firestore.webhooks import FirestoreWebhookStore
from fanfare.adapters.google_oidc import AllowedCaller, GoogleCallAuthenticator, GoogleCertificates
from fanfare.adapters.health import CachedHealth, Probe
from fanfare.adapters.instance import ThisInstance
from fanfare.adapters.instance_limits import InstanceRateLimiter
from fanfare.adapters.kms import CloudKms
from fanfare.adapters.lifecycle import WorkerLifecycle
from fanfare.adapters.reading_window import MemoryReadingWindow
from fanfare.adapters.secret_manager import GoogleSecretStore
from fanfare.adapters.structured_log import StructuredLog
from fanfare.adapters.system import SystemClock, SystemIdentifiers, random_bytes
from fanfare.adapters.telemetry import RequestTelemetry
from fanfare.adapters.template_engine import MinijinjaRenderer
from fanfare.adapters.webhook_poster import HardenedWebhookPoster
from fanfare.config import SCHEDULED_FUNCTIONS, TASK_FUNCTIONS, Settings
from fanfare.domain.edge import EdgeRules
from fanfare.ports import Clock, Deps, Identifiers, PushSender, Stores
from fanfare.ports.migrations import MigrationStore


def build_deps(settings: Settings) -> Deps:
    """Build one of each."""
    clock, identifiers = SystemClock(), SystemIdentifiers()
    log, telemetry = _observe(settings, clock)
    firestore = open_client(settings)
    secrets = GoogleSecretStore(settings.project, settings.secret_manager_endpoint)
    keys = DeploymentKeys(secrets, CloudKms(settings.kms_key, settings.project))
    stores = build_stores(firestore, clock, identifiers, keys)
    endpoint, accounts = FcmEndpoint(settings.fcm_endpoint, settings.fcm_ca_bundle), FcmCredentials(secrets, settings.oauth_token_uri)
    sender, tasks = FcmPushSender(endpoint, accounts), CloudTaskQueue(settings, log, telemetry=telemetry)
    probes: dict[str, Probe] = {
        "firestore": lambda: probe(firestore),
        "tasks": tasks.probe,
        "secrets": lambda: secrets.probe(CURSOR_KEY),
        "fcm": sender.probe,
        "scheduler": CloudSchedulerJobs(settings).probe,
    }
    return Deps(
        **{field.name: getattr(stores, field.name) for field in fields(stores)},
        clock=clock,
        identifiers=identifiers,
        renderer=MinijinjaRenderer(),
        cron=CronsimTable(),
        edge=EdgeRules(settings.trusted_proxy_hops, settings.allowed_hosts, settings.cors_origins),
        credentials=secrets,
        tasks=tasks,
        bearer_rates=InstanceRateLimiter(clock),
        sender=_traced(sender, telemetry) if settings.otlp_endpoint else sender,
        subscriber=FcmTopicSubscriber(endpoint, accounts, clock),
        poster=HardenedWebhookPoster(clock, local=bool(settings.firestore_emulator_host)),
        slots=MemoryEndpointSlots(),
        receipt_keys=keys,
        cursor_keys=keys,
        index_versions=keys,
        call_authenticator=GoogleCallAuthenticator(GoogleCertificates(settings.oidc_certs_url, clock), _callers(settings), clock),
        users=FirebaseUserAuthenticator(GoogleCertificates(CERTIFICATES_URL, clock), clock, unsigned=bool(settings.auth_emulator_host)),
        custom_tokens=FirebaseCustomTokens(settings.project, settings.firestore_database, unsigned=bool(settings.auth_emulator_host)),
        answers=MemoryAnswerWindow(),
        readings=MemoryReadingWindow(),
        lifecycle=WorkerLifecycle(),
        health=CachedHealth(clock, probes),
        instance=ThisInstance(clock),
        log=log,
        telemetry=telemetry,
    )


def build_stores(firestore: Firestore, clock: Clock, identifiers: Identifiers, keys: DeploymentKeys) -> Stores:
    """Build what is kept, all of it in one database."""
    tenants = FirestoreTenantStore(firestore, clock, identifiers, keys, random_bytes)
    cipher, index = FieldCipher(tenants, random_bytes), BlindIndex(keys, tenants)
    devices = FirestoreDeviceStore(firestore, identifiers, index, cipher)
    events = FirestoreEventStore(firestore, identifiers)
    return Stores(
        clients=FirestoreClientStore(firestore, clock, identifiers),
        tenants=tenants,
        origins=FirestoreOriginStore(firestore, clock),
        profiles=FirestoreProfileStore(firestore, identifiers, index),
        devices=devices,
        keepalive=FirestoreKeepaliveStore(firestore, clock, identifiers, cipher),
        topics=FirestoreTopicStore(firestore, identifiers),
        subscriptions=FirestoreSubscriptionStore(firestore, clock, identifiers, devices),
        templates=FirestoreTemplateStore(firestore, clock, identifiers, tenants.config_version),
        segments=FirestoreSegmentStore(firestore, identifiers),
        schedules=FirestoreScheduleStore(firestore, identifiers, cipher),
        audience=FirestoreAudienceStore(firestore, identifiers, cipher),
        analytics=FirestoreAnalyticsStore(firestore, identifiers),
        metrics=FirestoreMetricsStore(firestore, identifiers),
        notifications=FirestoreNotificationStore(firestore, identifiers, cipher),
        chunks=FirestoreChunkStore(firestore, identifiers, cipher),
        progress=FirestoreProgressStore(firestore, clock, identifiers, cipher),
        recipients=FirestoreRecipientStore(firestore, identifiers, cipher),
        receipts=FirestoreReceiptStore(firestore, identifiers),
        receipt_sums=FirestoreReceiptSumStore(firestore, identifiers),
        broadcasts=FirestoreBroadcastStore(firestore, identifiers),
        pacing=FirestorePacingStore(firestore, identifiers),
        idempotency=FirestoreIdempotencyStore(firestore, identifiers, cipher),
        audit=FirestoreAuditStore(firestore, identifiers),
        events=events,
        feed=FirestoreEventFeed(firestore, events, clock),
        webhooks=FirestoreWebhookStore(firestore, identifiers, cipher, tenants.forget),
        deliveries=FirestoreWebhookDeliveryStore(firestore, identifiers, cipher),
        rates=FirestoreRateLimiter(firestore, clock),
        refusals=FirestoreRefusalCounter(firestore),
        poison=FirestorePoisonStore(firestore),
        ended=FirestoreEndedStore(firestore, identifiers),
        retention=FirestoreRetentionStore(firestore, devices),
    )


def build_migrations(settings: Settings) -> MigrationStore:
    """Build what an operator's migration needs; no function does."""
    from fanfare.adapters.firestore.migrations import FirestoreMigrationStore  # noqa: PLC0415 - an instance of a function never needs it

    return FirestoreMigrationStore(open_client(settings), SystemIdentifiers())


def _observe(settings: Settings, clock: Clock) -> tuple[StructuredLog, RequestTelemetry]:
    """Build what tells of the work, with those of its receivers that the settings name."""
    errors = recorder = None
    if settings.sentry_dsn:
        from fanfare.adapters.error_tracking import SentryErrors  # noqa: PLC0415 - an instance that tracks no errors never needs it

        errors = SentryErrors(settings.sentry_dsn, clock)
    if settings.otlp_endpoint:
        from fanfare.adapters.otlp_traces import OtlpRecorder  # noqa: PLC0415 - an instance that records no spans never needs it

        recorder = OtlpRecorder(settings.otlp_endpoint, clock)
    log = StructuredLog(settings.log_level, settings.project, errors=errors)
    outboxes = [receiver.outbox for receiver in (errors, recorder) if receiver is not None]
    return log, RequestTelemetry(log, random_bytes, recorder=recorder, outboxes=outboxes)


def _traced(sender: PushSender, telemetry: RequestTelemetry) -> PushSender:
    from fanfare.adapters.traced_sender import TracedPushSender  # noqa: PLC0415 - an instance that records no spans never needs it

    return TracedPushSender(sender, telemetry)


def _callers(settings: Settings) -> dict[str, AllowedCaller]:
    """Who may call each of the internal functions: Cloud Tasks or Cloud Scheduler."""
    tasks = {name: AllowedCaller(settings.function_urls[name], settings.tasks_service_account) for name in TASK_FUNCTIONS}
    return tasks | {name: AllowedCaller(settings.function_urls[name], settings.scheduler_service_account) for name in SCHEDULED_FUNCTIONS}
