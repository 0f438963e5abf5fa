"""The only place that builds adapters: once per instance, at the first request, never at import (gunicorn forks after importing main)."""

from __future__ import annotations

from fanfare.adapters.answer_window import MemoryAnswerWindow
from fanfare.adapters.blind_index import BlindIndex
from fanfare.adapters.cipher import FieldCipher
from fanfare.adapters.cloud_tasks import CloudTaskQueue
from fanfare.adapters.deployment_keys import CURSOR_KEY, DeploymentKeys
from fanfare.adapters.fcm_credentials import FcmCredentials
from fanfare.adapters.fcm_sender import FcmEndpoint, FcmPushSender
from fanfare.adapters.firebase_users import CERTIFICATES_URL, FirebaseUserAuthenticator
from fanfare.adapters.firestore.audit import FirestoreAuditStore
from fanfare.adapters.firestore.client import open_client, probe
from fanfare.adapters.firestore.clients import FirestoreClientStore
from fanfare.adapters.firestore.devices import FirestoreDeviceStore
from fanfare.adapters.firestore.idempotency import FirestoreIdempotencyStore
from fanfare.adapters.firestore.limits import FirestoreRateLimiter
from fanfare.adapters.firestore.notifications import FirestoreNotificationStore
from fanfare.adapters.firestore.origins import FirestoreOriginStore
from fanfare.adapters.firestore.poison import FirestorePoisonStore
from fanfare.adapters.firestore.profiles import FirestoreProfileStore
from fanfare.adapters.firestore.refusals import FirestoreRefusalCounter
from fanfare.adapters.firestore.templates import FirestoreTemplateStore
from fanfare.adapters.firestore.tenants import FirestoreTenantStore
from fanfare.adapters.google_oidc import AllowedCaller, GoogleCallAuthenticator, GoogleCertificates
from fanfare.adapters.health import CachedHealth
from fanfare.adapters.lifecycle import WorkerLifecycle
from fanfare.adapters.secret_manager import GoogleSecretStore
from fanfare.adapters.structured_log import StructuredLog
from fanfare.adapters.system import SystemClock, SystemIdentifiers, random_bytes
from fanfare.adapters.template_engine import MinijinjaRenderer
from fanfare.config import Settings
from fanfare.domain.edge import EdgeRules
from fanfare.ports import Deps


def build_deps(settings: Settings) -> Deps:
    """Build one of each."""
    clock, identifiers, log = SystemClock(), SystemIdentifiers(), StructuredLog(settings.log_level)
    firestore = open_client(settings)
    secrets = GoogleSecretStore(settings.project, settings.secret_manager_endpoint)
    keys = DeploymentKeys(secrets)
    tenants = FirestoreTenantStore(firestore, clock, identifiers, keys, random_bytes)
    cipher, index = FieldCipher(tenants, random_bytes), BlindIndex(keys, tenants)
    sender = FcmPushSender(FcmEndpoint(settings.fcm_endpoint, settings.fcm_ca_bundle), FcmCredentials(secrets, settings.oauth_token_uri))
    tasks = CloudTaskQueue(settings, log)
    probes = {
        "firestore": lambda: probe(firestore),
        "tasks": tasks.probe,
        "secrets": lambda: secrets.probe(CURSOR_KEY),
        "fcm": sender.probe,
    }
    return Deps(
        clock=clock,
        identifiers=identifiers,
        clients=FirestoreClientStore(firestore, clock, identifiers),
        tenants=tenants,
        origins=FirestoreOriginStore(firestore, clock),
        profiles=FirestoreProfileStore(firestore, identifiers, index),
        devices=FirestoreDeviceStore(firestore, identifiers, index, cipher),
        templates=FirestoreTemplateStore(firestore, clock, identifiers),
        renderer=MinijinjaRenderer(),
        notifications=FirestoreNotificationStore(firestore, identifiers, cipher),
        idempotency=FirestoreIdempotencyStore(firestore, identifiers, cipher),
        audit=FirestoreAuditStore(firestore, identifiers),
        rates=FirestoreRateLimiter(firestore, clock),
        refusals=FirestoreRefusalCounter(firestore),
        edge=EdgeRules(settings.trusted_proxy_hops, settings.allowed_hosts, settings.cors_origins),
        credentials=secrets,
        tasks=tasks,
        sender=sender,
        receipt_keys=keys,
        cursor_keys=keys,
        index_versions=keys,
        call_authenticator=GoogleCallAuthenticator(GoogleCertificates(settings.oidc_certs_url, clock), _callers(settings), clock),
        users=FirebaseUserAuthenticator(GoogleCertificates(CERTIFICATES_URL, clock), clock, unsigned=bool(settings.auth_emulator_host)),
        poison=FirestorePoisonStore(firestore),
        answers=MemoryAnswerWindow(),
        lifecycle=WorkerLifecycle(),
        health=CachedHealth(clock, probes),
        log=log,
    )


def _callers(settings: Settings) -> dict[str, AllowedCaller]:
    """Who may call each of the internal functions: Cloud Tasks or Cloud Scheduler."""
    return {
        "send": AllowedCaller(settings.send_url, settings.tasks_service_account),
        "fanout": AllowedCaller(settings.fanout_url, settings.tasks_service_account),
        "schedule": AllowedCaller(settings.schedule_url, settings.scheduler_service_account),
        "rollup": AllowedCaller(settings.rollup_url, settings.scheduler_service_account),
    }
