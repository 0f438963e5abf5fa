"""What `infra/` deploys is what the code is made of: functions, queues, jobs, secrets, environment variables, indexes and rules are the same sets.

The tables of `infra/` are literal, so that this can be read from the files; what Terraform works out of them is a resource for each row (`for_each`).
"""

from __future__ import annotations

import re

from fanfare.adapters.deployment_keys import DATA_KEY, DEPLOYMENT_KEYS
from fanfare.config import SCHEDULED_FUNCTIONS, TASK_FUNCTIONS
from fanfare.domain.identifiers import decode_base64url
from local.deployment_secrets import DEPLOYMENT_SECRETS
from local.functions import FUNCTIONS, function_environment
from local.jobs import JOBS
from local.queues import QUEUES
from tests.structure.cloud_needs import entry_points, queue_names, words_logged
from tests.structure.infra_source import Block, block_of, read, resources, tables, variables
from tests.structure.settings_source import settings_of_functions
from tests.structure.source import ROOT

LOCAL_ALONE = frozenset(
    {
        "FIRESTORE_EMULATOR_HOST",
        "FIREBASE_AUTH_EMULATOR_HOST",
        "CLOUD_TASKS_ENDPOINT",
        "SECRET_MANAGER_ENDPOINT",
        "FCM_CA_BUNDLE",
        "DEBUG",
        "FLASK_DEBUG",
    },
)
"""What a deployed function refuses, or has no use for."""
GOOGLES_OWN = frozenset({"FCM_ENDPOINT", "OAUTH_TOKEN_URI", "OIDC_CERTS_URL"})
"""What has Google's address by itself."""
SET_BY_CLOUD_RUN = frozenset({"K_SERVICE"})
SET_BY_THE_BUILD = frozenset({"FUNCTION_TARGET"})
FOR_A_TERMINAL = frozenset({"PYTHONUNBUFFERED"})


def environment() -> set[str]:
    """The variables that a deployed function finds, apart from those that Google sets."""
    literal = set(re.findall(r"^\s*([A-Z][A-Z0-9_]+)\s*=", (ROOT / "infra/functions.tf").read_text(encoding="utf-8"), re.MULTILINE))
    return literal | {f"{name.upper()}_URL" for name, function in tables()["functions"].items() if function["caller"] != "public"}


def test_every_entry_point_is_deployed() -> None:
    functions = resources("google_cloudfunctions2_function")["function"]
    assert functions["for_each"] == "${local.functions}"
    assert functions["name"] == block_of(functions, "build_config")["entry_point"] == "${each.key}"
    assert set(tables()["functions"]) == entry_points() == {function.name for function in FUNCTIONS}


def test_a_function_takes_as_many_requests_as_it_has_threads() -> None:
    threads = {function.name: function.threads for function in FUNCTIONS}
    assert {name: function["concurrency"] for name, function in tables()["functions"].items()} == threads
    service = block_of(resources("google_cloudfunctions2_function")["function"], "service_config")
    assert service["max_instance_request_concurrency"] == "${each.value.concurrency}"
    assert "THREADS = tostring(each.value.concurrency)" in service["environment_variables"]


def test_more_requests_at_once_have_a_whole_processor() -> None:
    assert [name for name, function in tables()["functions"].items() if function["concurrency"] > 1 and float(function["cpu"]) < 1] == []


def test_functions_are_called_by_whom_their_code_lets_in() -> None:
    callers = {name: function["caller"] for name, function in tables()["functions"].items()}
    assert {name for name, caller in callers.items() if caller == "tasks"} == set(TASK_FUNCTIONS)
    assert {name for name, caller in callers.items() if caller == "scheduler"} == set(SCHEDULED_FUNCTIONS)
    assert {name for name, caller in callers.items() if caller == "public"} == {"api", "stream"}


def test_whoever_is_not_public_is_reached_from_inside_alone() -> None:
    service = block_of(resources("google_cloudfunctions2_function")["function"], "service_config")
    assert service["ingress_settings"] == '${each.value.caller == "public" ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"}'
    assert "allUsers" not in str([body for kind in ("member", "policy") for body in resources(f"google_cloud_run_v2_service_iam_{kind}").values()])


def test_variables_are_what_the_settings_read() -> None:
    runtime = set(function_environment(FUNCTIONS[0])) - SET_BY_THE_BUILD - FOR_A_TERMINAL
    assert environment() == set(settings_of_functions()) - LOCAL_ALONE - GOOGLES_OWN - SET_BY_CLOUD_RUN | runtime


def test_timeouts_are_those_of_the_local_stack() -> None:
    told = {function.name: function_environment(function)["CLOUD_RUN_TIMEOUT_SECONDS"] for function in FUNCTIONS}
    assert {name: str(function["timeout"]) for name, function in tables()["functions"].items()} == told


def test_queues_are_those_of_the_code() -> None:
    assert resources("google_cloud_tasks_queue")["queue"]["for_each"] == "${local.queues}"
    assert set(tables()["queues"]) == queue_names() == {queue.name for queue in QUEUES}


def test_queues_dispatch_and_retry_as_locally() -> None:
    body = resources("google_cloud_tasks_queue")["queue"]
    rates, retries = block_of(body, "rate_limits"), block_of(body, "retry_config")
    deployed = (rates["max_dispatches_per_second"], retries["min_backoff"], retries["max_backoff"], retries["max_attempts"])
    assert {
        (queue.dispatches_per_second, f"{queue.min_backoff_seconds}s", f"{queue.max_backoff_seconds}s", queue.max_attempts) for queue in QUEUES
    } == {deployed}


def test_chunks_leave_a_fifth_of_the_senders_to_direct_sends() -> None:
    assert tables()["queues"]["send-bulk"]["concurrent"] == '${max(1, floor(local.capacity["send"] * 4 / 5))}'
    assert tables()["capacity"].endswith("=> min(5000, local.max_instances[name] * function.concurrency)}}")


def test_jobs_are_those_of_the_code() -> None:
    job = resources("google_cloud_scheduler_job")["job"]
    assert {name: table["cron"] for name, table in tables()["jobs"].items()} == {job.name: job.cron for job in JOBS}
    assert {f"{job.attempt_deadline_seconds}s" for job in JOBS} == {job["attempt_deadline"]}
    assert set(tables()["jobs"]) == set(SCHEDULED_FUNCTIONS)


def test_a_jobs_token_is_for_the_address_that_it_calls() -> None:
    target = block_of(resources("google_cloud_scheduler_job")["job"], "http_target")
    assert target["uri"] == block_of(target, "oidc_token")["audience"] == "${local.urls[each.key]}"


def test_keys_are_those_of_the_code() -> None:
    assert resources("google_secret_manager_secret")["key"]["for_each"] == "${local.secrets}"
    assert set(tables()["keys"]) == set(DEPLOYMENT_KEYS) == set(DEPLOYMENT_SECRETS)


def test_secret_of_the_data_key_is_there_unless_kms_takes_its_place() -> None:
    assert tables()["data_key"] == DATA_KEY
    assert tables()["secrets"].endswith("if name != local.data_key || !var.use_kms || var.keep_data_key}}")
    key = block_of(resources("google_cloudfunctions2_function")["function"], "service_config")["environment_variables"]
    assert "local.environment" in key
    assert tables()["environment"].count('KMS_KEY = var.use_kms ? google_kms_crypto_key.data_keys[0].id : ""') == 1


def test_every_key_is_rotated_and_read_by_somebody() -> None:
    assert [name for name, key in tables()["keys"].items() if not 1 <= key["rotation_days"] <= 365] == []
    assert {key for keys in tables()["reads_keys"].values() for key in keys} == set(DEPLOYMENT_KEYS)


def test_keys_never_stand_in_the_state() -> None:
    version = resources("google_secret_manager_secret_version")["key"]
    assert version["secret_data_wo"].count("${ephemeral.random_password.") == 2
    assert "secret_data" not in version
    assert [kind for kind in ("random_password", "random_bytes", "random_id") if resources(kind)] == []


def test_indexes_are_read_from_the_one_file() -> None:
    assert tables()["index_file"] == '${jsondecode(file("${path.module}/../firestore.indexes.json"))}'
    assert {name: body["for_each"] for name, body in resources("google_firestore_index").items()} == {"composite": "${local.indexes}"}
    assert {name: body["for_each"] for name, body in resources("google_firestore_field").items()} == {"override": "${local.fields}"}


def test_a_key_that_terraform_makes_is_what_the_code_takes_for_one() -> None:
    beginning, end = (resources("random_password", "ephemeral")[name] for name in ("beginning", "end"))
    assert (beginning["length"], beginning["override_special"], end["length"]) == (42, "-_", 1)
    keys = {decode_base64url("A" * 42 + last) for last in end["override_special"]}
    assert (len(keys), {len(key) for key in keys}) == (16, {32})


def test_rules_are_the_one_file() -> None:
    files = block_of(resources("google_firebaserules_ruleset")["firestore"], "source", "files")
    assert files["content"] == '${file("${path.module}/../firestore.rules")}'


def test_alerts_and_metrics_look_for_lines_that_are_written() -> None:
    looked_for = {*tables()["alarming_lines"], *tables()["counted_lines"], "chunk_delivered"}
    assert looked_for - words_logged() == set()


def test_instances_can_be_chosen_for_every_function() -> None:
    allowed = re.findall(r'"(\w+)"', variables()["instances"]["validation"][0]["condition"])
    assert set(allowed) == set(tables()["functions"])


def test_tables_are_read_as_python_values() -> None:
    block: Block = read('locals {\n  a = { b = 1, c-d = ["x \\"y\\"", null] }\n  e = length(local.a)\n}\n')["locals"][0]
    assert block == {"a": {"b": 1, "c-d": ['x "y"', None]}, "e": "${length(local.a)}"}
