"""The deployment's settings, read once from the environment. Policy numbers are code in `domain/`, not settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

GOOGLE_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, not a secret
FCM_ENDPOINT = "https://fcm.googleapis.com"
_LOCAL_ONLY = ("FIRESTORE_EMULATOR_HOST", "FIREBASE_AUTH_EMULATOR_HOST", "CLOUD_TASKS_ENDPOINT", "SECRET_MANAGER_ENDPOINT", "FCM_CA_BUNDLE")
_DEBUGGING = ("DEBUG", "FLASK_DEBUG")
"""What switches on the framework's debugger, which runs code for whoever meets an error, and Flask's."""
TASK_FUNCTIONS = ("send", "fanout", "webhook")
"""The functions that Cloud Tasks calls."""
SCHEDULED_FUNCTIONS = ("schedule", "rollup", "cleanup", "keepalive")
"""The functions that Cloud Scheduler calls."""
_URLS = {name: f"{name.upper()}_URL" for name in (*TASK_FUNCTIONS, *SCHEDULED_FUNCTIONS)}
_ENDPOINTS = ("FCM_ENDPOINT", "OAUTH_TOKEN_URI", "OIDC_CERTS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT", "SENTRY_DSN", *_URLS.values())
_KMS_KEY = re.compile(r"projects/[\w.:-]+/locations/[\w-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+", re.ASCII)


class InvalidSettings(ValueError):
    """The environment can't be run with; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment's variables; `function_urls` are those of the internal functions, by name. Empty endpoints mean Google's own."""

    project: str
    region: str
    firestore_database: str
    firestore_emulator_host: str
    auth_emulator_host: str
    cloud_tasks_endpoint: str
    secret_manager_endpoint: str
    fcm_endpoint: str
    fcm_ca_bundle: str
    oauth_token_uri: str
    oidc_certs_url: str
    function_urls: Mapping[str, str]
    tasks_service_account: str
    scheduler_service_account: str
    kms_key: str
    trusted_proxy_hops: int
    allowed_hosts: tuple[str, ...]
    cors_origins: tuple[str, ...]
    log_level: str
    otlp_endpoint: str
    sentry_dsn: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the environment; InvalidSettings names what is missing or must not be set in the cloud."""
        if "K_SERVICE" in env:
            _check_cloud(env)
        return cls(
            project=_required(env, "GOOGLE_CLOUD_PROJECT"),
            region=env.get("FANFARE_REGION", "us-central1"),
            firestore_database=env.get("FIRESTORE_DATABASE", "(default)"),
            firestore_emulator_host=env.get("FIRESTORE_EMULATOR_HOST", ""),
            auth_emulator_host=env.get("FIREBASE_AUTH_EMULATOR_HOST", ""),
            cloud_tasks_endpoint=env.get("CLOUD_TASKS_ENDPOINT", ""),
            secret_manager_endpoint=env.get("SECRET_MANAGER_ENDPOINT", ""),
            fcm_endpoint=env.get("FCM_ENDPOINT") or FCM_ENDPOINT,
            fcm_ca_bundle=env.get("FCM_CA_BUNDLE", ""),
            oauth_token_uri=env.get("OAUTH_TOKEN_URI") or GOOGLE_TOKEN_URI,
            oidc_certs_url=env.get("OIDC_CERTS_URL") or GOOGLE_CERTS_URL,
            function_urls={function: _required(env, name) for function, name in _URLS.items()},
            tasks_service_account=_required(env, "TASKS_SERVICE_ACCOUNT"),
            scheduler_service_account=_required(env, "SCHEDULER_SERVICE_ACCOUNT"),
            kms_key=_kms_key(env, "KMS_KEY"),
            trusted_proxy_hops=_count(env, "TRUSTED_PROXY_HOPS", default=1),
            allowed_hosts=_words(env, "ALLOWED_HOSTS"),
            cors_origins=_origins(env, "CORS_ORIGINS"),
            log_level=env.get("LOG_LEVEL", "INFO"),
            otlp_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            sentry_dsn=env.get("SENTRY_DSN", ""),
        )


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise InvalidSettings(f"{name} is not set")
    return value


def _count(env: Mapping[str, str], name: str, *, default: int) -> int:
    value = env.get(name) or str(default)
    if not (value.isascii() and value.isdecimal()) or len(value) > 1:
        raise InvalidSettings(f"{name} must be a number from 0 to 9")
    return int(value)


def _kms_key(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if value and not _KMS_KEY.fullmatch(value):
        raise InvalidSettings(f"{name} must be the full name of a key, projects/…/locations/…/keyRings/…/cryptoKeys/…")
    return value


def _words(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip().lower() for word in env.get(name, "").split(",") if word.strip())


def _origins(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Read the origins of web pages, spelled as browsers spell them: a slash at the end would never match anything."""
    origins = _words(env, name)
    for origin in origins:
        scheme, _, host = origin.partition("://")
        if scheme not in {"http", "https"} or not host or not set("/?#@*\\ ").isdisjoint(host):
            raise InvalidSettings(f"{name} must be origins such as https://console.example.com")
    return origins


def _check_cloud(env: Mapping[str, str]) -> None:
    """Refuse the local stack's exceptions in a deployed function: an emulator's tokens are unsigned, its data is nobody's; a debugger is a shell."""
    for name in (*_LOCAL_ONLY, *_DEBUGGING, *(name for name in env if name.endswith("_EMULATOR_HOST"))):
        if env.get(name):
            raise InvalidSettings(f"{name} must not be set in a deployed function")
    for name in _ENDPOINTS:
        if env.get(name) and not _is_public_https(env[name]):
            raise InvalidSettings(f"{name} must be an https address of another host in a deployed function")
    if not all(_is_public_https(origin) for origin in _words(env, "CORS_ORIGINS")):
        raise InvalidSettings("CORS_ORIGINS must be https origins of other hosts in a deployed function")


def _is_public_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme == "https" and host not in {"", "localhost", "::1"} and not host.startswith("127.")
