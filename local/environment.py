"""Environments of the stack's children."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from local.addresses import LOOPBACK, Addresses
from local.firebase import PROJECT
from local.settings import ROOT, StackSettings

REGION = "us-central1"
TASKS_SERVICE_ACCOUNT = f"tasks@{PROJECT}.iam.gserviceaccount.com"
SCHEDULER_SERVICE_ACCOUNT = f"scheduler@{PROJECT}.iam.gserviceaccount.com"
_HOSTING_PORT = 5000

# Whatever of this a shell has set is about something else than this stack: another project, another emulator, another server.
_NOT_INHERITED = frozenset(
    {
        "CLOUDSDK_CORE_PROJECT",
        "DEBUG",
        "FIREBASE_CONFIG",
        "GCLOUD_PROJECT",
        "GCP_PROJECT",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_CLOUD_QUOTA_PROJECT",
        "HOST",
        "KMS_KEY",
        "PORT",
    },
)
_NOT_INHERITED_PREFIXES = ("FANFARE_", "FCM_", "FLASK_", "FUNCTION_", "K_")
_NOT_INHERITED_SUFFIXES = ("_EMULATOR_HOST",)


def inherited_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the children may see of the environment in which the stack was started."""
    kept = {
        name: value
        for name, value in environment.items()
        if name not in _NOT_INHERITED and not name.startswith(_NOT_INHERITED_PREFIXES) and not name.endswith(_NOT_INHERITED_SUFFIXES)
    }
    # A proxy is for distant hosts; every client reads one of the two spellings.
    without_proxy = ",".join(filter(None, [kept.get("no_proxy") or kept.get("NO_PROXY"), LOOPBACK, "localhost"]))
    # `python -m local.…` and the tests' measurements must find the checkout from any folder.
    return {**kept, "no_proxy": without_proxy, "NO_PROXY": without_proxy, "PYTHONPATH": str(ROOT)}


def service_environment(addresses: Addresses, settings: StackSettings, *, ca_bundle: Path) -> dict[str, str]:
    """Return the settings by which the functions find the stack."""
    cloud = f"http://{LOOPBACK}:{addresses.cloud}"
    fcm_ca_bundle = (settings.fcm_ca_bundle or "") if settings.fcm_endpoint else str(ca_bundle)
    environment = {
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "FANFARE_REGION": REGION,
        "FIRESTORE_DATABASE": "(default)",
        "FIRESTORE_EMULATOR_HOST": f"{LOOPBACK}:{addresses.firestore}",
        "FIREBASE_AUTH_EMULATOR_HOST": f"{LOOPBACK}:{addresses.auth}",
        "CLOUD_TASKS_ENDPOINT": cloud,
        "SECRET_MANAGER_ENDPOINT": cloud,
        "FCM_ENDPOINT": settings.fcm_endpoint or f"https://{LOOPBACK}:{addresses.fcm_tls}",
        "FCM_CA_BUNDLE": fcm_ca_bundle,
        # A real service account is known to Google alone.
        "OAUTH_TOKEN_URI": "" if settings.credentials else f"{cloud}/token",
        "OIDC_CERTS_URL": f"{cloud}/oauth2/v1/certs",
        "SEND_URL": addresses.function_url("send"),
        "FANOUT_URL": addresses.function_url("fanout"),
        "SCHEDULE_URL": addresses.function_url("schedule"),
        "ROLLUP_URL": addresses.function_url("rollup"),
        "CLEANUP_URL": addresses.function_url("cleanup"),
        "KEEPALIVE_URL": addresses.function_url("keepalive"),
        "WEBHOOK_URL": addresses.function_url("webhook"),
        "SCHEDULER_SERVICE_ACCOUNT": SCHEDULER_SERVICE_ACCOUNT,
        "TASKS_SERVICE_ACCOUNT": TASKS_SERVICE_ACCOUNT,
        # Whoever binds the gateway to the network is known there by names that nobody told us.
        "ALLOWED_HOSTS": f"{LOOPBACK},localhost" if settings.host == LOOPBACK else "",
        # The console as firebase-tools serves it.
        "CORS_ORIGINS": f"http://localhost:{_HOSTING_PORT},http://{LOOPBACK}:{_HOSTING_PORT}",
        "LOG_LEVEL": "INFO",
    }
    return {name: value for name, value in environment.items() if value}
