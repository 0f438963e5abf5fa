"""Settings: what must be given, what stands in for what is not, and what a deployed function refuses."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.config import FCM_ENDPOINT, GOOGLE_CERTS_URL, GOOGLE_TOKEN_URI, InvalidSettings, Settings

REQUIRED = {
    "GOOGLE_CLOUD_PROJECT": "acme-push",
    "SEND_URL": "https://send.example.com",
    "SCHEDULE_URL": "https://schedule.example.com",
    "FANOUT_URL": "https://fanout.example.com",
    "ROLLUP_URL": "https://rollup.example.com",
    "CLEANUP_URL": "https://cleanup.example.com",
    "KEEPALIVE_URL": "https://keepalive.example.com",
    "WEBHOOK_URL": "https://webhook.example.com",
    "TASKS_SERVICE_ACCOUNT": "tasks@acme-push.iam.gserviceaccount.com",
    "SCHEDULER_SERVICE_ACCOUNT": "scheduler@acme-push.iam.gserviceaccount.com",
}
OPTIONAL = {
    "FANFARE_REGION": ("region", "us-central1"),
    "FIRESTORE_DATABASE": ("firestore_database", "(default)"),
    "FIRESTORE_EMULATOR_HOST": ("firestore_emulator_host", ""),
    "CLOUD_TASKS_ENDPOINT": ("cloud_tasks_endpoint", ""),
    "SECRET_MANAGER_ENDPOINT": ("secret_manager_endpoint", ""),
    "FCM_ENDPOINT": ("fcm_endpoint", FCM_ENDPOINT),
    "FCM_CA_BUNDLE": ("fcm_ca_bundle", ""),
    "OAUTH_TOKEN_URI": ("oauth_token_uri", GOOGLE_TOKEN_URI),
    "OIDC_CERTS_URL": ("oidc_certs_url", GOOGLE_CERTS_URL),
    "FIREBASE_AUTH_EMULATOR_HOST": ("auth_emulator_host", ""),
    "LOG_LEVEL": ("log_level", "INFO"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("otlp_endpoint", ""),
    "SENTRY_DSN": ("sentry_dsn", ""),
}
KMS_KEY = "projects/acme.com:acme-push/locations/global/keyRings/fanfare/cryptoKeys/data-keys"
PARSED = {
    "KMS_KEY": ("kms_key", "", KMS_KEY, KMS_KEY),
    "TRUSTED_PROXY_HOPS": ("trusted_proxy_hops", 1, "2", 2),
    "CORS_ORIGINS": (
        "cors_origins",
        (),
        "https://Console.example.com, http://localhost:5000,",
        ("https://console.example.com", "http://localhost:5000"),
    ),
    "ALLOWED_HOSTS": ("allowed_hosts", (), "Api.example.com, b.example.com,", ("api.example.com", "b.example.com")),
}
"""Settings that are no free text: the field, its usual value, a text, and what it means."""
CLOUD = {**REQUIRED, "K_SERVICE": "send"}
DEBUGGING = ["DEBUG", "FLASK_DEBUG"]
LOCAL_ONLY = ["FIRESTORE_EMULATOR_HOST", "FIREBASE_AUTH_EMULATOR_HOST", "CLOUD_TASKS_ENDPOINT", "SECRET_MANAGER_ENDPOINT"]
ENDPOINTS = [
    "FCM_ENDPOINT",
    "OAUTH_TOKEN_URI",
    "OIDC_CERTS_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "SENTRY_DSN",
    "SEND_URL",
    "FANOUT_URL",
    "SCHEDULE_URL",
    "ROLLUP_URL",
    "CLEANUP_URL",
    "KEEPALIVE_URL",
    "WEBHOOK_URL",
]


def refusal(env: dict[str, str]) -> str:
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_env(env)
    return str(refused.value)


def test_required_variables_suffice() -> None:
    settings = Settings.from_env(REQUIRED)
    for name, value in REQUIRED.items():
        assert _address(settings, name.removeprefix("GOOGLE_CLOUD_")) == value


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("env", [REQUIRED, CLOUD])
def test_missing_variable_is_named(name: str, env: dict[str, str]) -> None:
    assert name in refusal({other: value for other, value in env.items() if other != name})


@pytest.mark.parametrize("name", REQUIRED)
def test_empty_variable_is_a_missing_one(name: str) -> None:
    assert refusal({**REQUIRED, name: ""}) == f"{name} is not set"


@pytest.mark.parametrize(("name", "field", "usual"), [(name, *row) for name, row in OPTIONAL.items()])
def test_optional_variable_has_a_usual_value_and_may_be_given(name: str, field: str, usual: str) -> None:
    assert getattr(Settings.from_env(REQUIRED), field) == usual
    assert getattr(Settings.from_env({**REQUIRED, name: "http://127.0.0.1:9"}), field) == "http://127.0.0.1:9"


def test_every_setting_is_one_variable_of_these_tables_and_they_are_at_most_25() -> None:
    variables = len(REQUIRED) + len(OPTIONAL) + len(PARSED)
    addresses = len(Settings.from_env(REQUIRED).function_urls)
    assert len(fields(Settings)) == variables - addresses + 1 <= 25


@pytest.mark.parametrize(("name", "row"), PARSED.items())
def test_number_or_list_has_a_usual_value_and_is_read(name: str, row: tuple[str, object, str, object]) -> None:
    field, usual, text, meant = row
    assert getattr(Settings.from_env(REQUIRED), field) == usual
    assert getattr(Settings.from_env({**REQUIRED, name: ""}), field) == usual
    assert getattr(Settings.from_env({**REQUIRED, name: text}), field) == meant


@pytest.mark.parametrize("hops", ["-1", "10", "one", "1.0", "\u0661\u0661"])
def test_number_of_proxies_is_a_digit(hops: str) -> None:
    assert refusal({**REQUIRED, "TRUSTED_PROXY_HOPS": hops}) == "TRUSTED_PROXY_HOPS must be a number from 0 to 9"


@pytest.mark.parametrize(
    "name",
    [
        "data-keys",
        f"{KMS_KEY}/cryptoKeyVersions/1",
        f"//cloudkms.googleapis.com/{KMS_KEY}",
        KMS_KEY.replace("acme.com:acme-push", ""),
        KMS_KEY.replace("global", "../x"),
        f"{KMS_KEY} ",
        f"{KMS_KEY}\n",
        "https://cloudkms.googleapis.com",
    ],
)
def test_name_of_a_key_of_cloud_kms_is_a_full_one(name: str) -> None:
    assert refusal({**REQUIRED, "KMS_KEY": name}).startswith("KMS_KEY must be the full name of a key")


@pytest.mark.parametrize(
    "origin", ["*", "https://*.example.com", "console.example.com", "https://a.example.com/", "ftp://a", "null", "https://u@a", "https://"]
)
def test_page_that_is_no_origin_is_refused(origin: str) -> None:
    assert refusal({**REQUIRED, "CORS_ORIGINS": f"https://good.example.com,{origin}"}).startswith("CORS_ORIGINS must be origins")


@pytest.mark.parametrize("origin", ["http://console.example.com", "http://localhost:5000", "https://localhost", "https://127.0.0.1:5000"])
def test_page_without_tls_or_of_a_developer_is_refused_in_the_cloud_only(origin: str) -> None:
    assert refusal({**CLOUD, "CORS_ORIGINS": origin}).startswith("CORS_ORIGINS must be https")
    assert Settings.from_env({**REQUIRED, "CORS_ORIGINS": origin}).cors_origins == (origin,)


@pytest.mark.parametrize("name", DEBUGGING)
def test_debugger_is_refused_in_the_cloud(name: str) -> None:
    assert refusal({**CLOUD, name: "1"}) == f"{name} must not be set in a deployed function"


@pytest.mark.parametrize("name", LOCAL_ONLY)
def test_stand_in_of_the_local_stack_is_refused_in_the_cloud_only(name: str) -> None:
    assert name in refusal({**CLOUD, name: "localhost:8080"})
    assert Settings.from_env({**REQUIRED, name: "localhost:8080"}).project == "acme-push"


@pytest.mark.parametrize("name", LOCAL_ONLY)
def test_empty_stand_in_is_none(name: str) -> None:
    assert Settings.from_env({**CLOUD, name: ""}) == Settings.from_env(REQUIRED)


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    "address", ["http://fcm.example.com", "HTTP://fcm.example.com", "ftp://fcm.example.com", "fcm.example.com", "//fcm", "https"]
)
def test_address_without_https_is_refused_in_the_cloud_only(name: str, address: str) -> None:
    assert name in refusal({**CLOUD, name: address})
    assert _address(Settings.from_env({**REQUIRED, name: address}), name) == address


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("address", ["https://eu.example.com/x", "HTTPS://eu.example.com"])
def test_https_address_is_taken_in_the_cloud(name: str, address: str) -> None:
    assert _address(Settings.from_env({**CLOUD, name: address}), name) == address


def _address(settings: Settings, name: str) -> str:
    """What a variable that holds an address became: a field, or a function's entry in their table."""
    function, field = name.removesuffix("_URL").lower(), name.lower().removeprefix("otel_exporter_")
    return settings.function_urls[function] if function in settings.function_urls else str(getattr(settings, field))


def test_deployed_function_with_usual_values_talks_to_google() -> None:
    settings = Settings.from_env(CLOUD)
    assert (settings.fcm_endpoint, settings.oauth_token_uri, settings.oidc_certs_url) == (
        "https://fcm.googleapis.com",
        "https://oauth2.googleapis.com/token",
        "https://www.googleapis.com/oauth2/v1/certs",
    )


@given(
    st.dictionaries(
        st.sampled_from([*REQUIRED, *OPTIONAL, "K_SERVICE", "UNKNOWN"]), st.sampled_from(["", "x", "https://a.example.com", "http://[::1]"])
    )
)
def test_any_environment_is_read_or_refused_naming_a_variable(env: dict[str, str]) -> None:
    said = ""
    try:
        Settings.from_env(env)
    except InvalidSettings as refused:
        said = str(refused)
    is_whole = all(env.get(name) for name in REQUIRED)
    assert (said == "") <= is_whole
    assert said == "" or said.split()[0] in {*REQUIRED, *OPTIONAL}
