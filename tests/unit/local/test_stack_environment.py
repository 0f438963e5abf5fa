from __future__ import annotations

from pathlib import Path

from local.addresses import Addresses
from local.environment import inherited_environment, service_environment
from local.settings import StackSettings

ADDRESSES = Addresses(
    firestore=1,
    firestore_websocket=2,
    auth=3,
    hub=4,
    logging=5,
    fcm_tls=6,
    fcm_http=7,
    cloud=8,
    gateway=9,
    functions={"api": 10, "send": 11, "schedule": 12, "fanout": 13, "rollup": 14, "cleanup": 16, "keepalive": 15, "webhook": 17},
)
CA_BUNDLE = Path("/certificates/ca.pem")


def test_functions_are_told_every_address_of_the_stack() -> None:
    environment = service_environment(ADDRESSES, StackSettings(), ca_bundle=CA_BUNDLE)
    assert environment == {
        "GOOGLE_CLOUD_PROJECT": "fanfare-local",
        "FANFARE_REGION": "us-central1",
        "FIRESTORE_DATABASE": "(default)",
        "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
        "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:3",
        "CLOUD_TASKS_ENDPOINT": "http://127.0.0.1:8",
        "SECRET_MANAGER_ENDPOINT": "http://127.0.0.1:8",
        "FCM_ENDPOINT": "https://127.0.0.1:6",
        "FCM_CA_BUNDLE": "/certificates/ca.pem",
        "OAUTH_TOKEN_URI": "http://127.0.0.1:8/token",
        "OIDC_CERTS_URL": "http://127.0.0.1:8/oauth2/v1/certs",
        "SEND_URL": "http://127.0.0.1:11/",
        "SCHEDULE_URL": "http://127.0.0.1:12/",
        "FANOUT_URL": "http://127.0.0.1:13/",
        "ROLLUP_URL": "http://127.0.0.1:14/",
        "CLEANUP_URL": "http://127.0.0.1:16/",
        "KEEPALIVE_URL": "http://127.0.0.1:15/",
        "WEBHOOK_URL": "http://127.0.0.1:17/",
        "SCHEDULER_SERVICE_ACCOUNT": "scheduler@fanfare-local.iam.gserviceaccount.com",
        "TASKS_SERVICE_ACCOUNT": "tasks@fanfare-local.iam.gserviceaccount.com",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "CORS_ORIGINS": "http://localhost:5000,http://127.0.0.1:5000",
        "LOG_LEVEL": "INFO",
    }


def test_a_gateway_on_the_network_is_called_by_any_name() -> None:
    assert "ALLOWED_HOSTS" not in service_environment(ADDRESSES, StackSettings(host="0.0.0.0"), ca_bundle=CA_BUNDLE)  # noqa: S104


def test_another_fcm_is_not_checked_against_the_simulators_certificate() -> None:
    environment = service_environment(ADDRESSES, StackSettings(fcm_endpoint="https://fcm.example"), ca_bundle=CA_BUNDLE)
    assert environment["FCM_ENDPOINT"] == "https://fcm.example"
    assert "FCM_CA_BUNDLE" not in environment


def test_another_fcm_brings_its_own_certificates() -> None:
    settings = StackSettings(fcm_endpoint="https://fcm.example", fcm_ca_bundle="theirs.pem")
    assert service_environment(ADDRESSES, settings, ca_bundle=CA_BUNDLE)["FCM_CA_BUNDLE"] == "theirs.pem"


def test_children_inherit_no_credentials_emulators_or_other_projects() -> None:
    inherited = inherited_environment(
        {
            "PATH": "/bin",
            "COVERAGE_PROCESS_START": "pyproject.toml",
            "GOOGLE_APPLICATION_CREDENTIALS": "account.json",
            "GOOGLE_CLOUD_PROJECT": "production",
            "KMS_KEY": "projects/production/locations/global/keyRings/a/cryptoKeys/b",
            "PUBSUB_EMULATOR_HOST": "elsewhere:1",
            "K_SERVICE": "api",
            "FLASK_DEBUG": "1",
            "FCM_ENDPOINT": "https://fcm.example",
            "PORT": "80",
        },
    )
    assert set(inherited) == {"PATH", "COVERAGE_PROCESS_START", "PYTHONPATH", "NO_PROXY", "no_proxy"}


def test_a_proxy_is_kept_away_from_the_stack_itself() -> None:
    inherited = inherited_environment({"https_proxy": "http://proxy.example", "no_proxy": "intranet.example"})
    assert inherited["no_proxy"] == inherited["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"
