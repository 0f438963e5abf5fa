"""`infra/gcloud/deploy.sh` deploys what Terraform deploys, which is what the code is made of (`test_infra.py`)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from fanfare.adapters.deployment_keys import DATA_KEY, DEPLOYMENT_KEYS
from fanfare.config import Settings
from local.jobs import JOBS
from local.queues import QUEUES
from ops.composite_indexes import arguments_of
from tests.structure.gcloud_commands import NUMBER, PROJECT, Command, commands, those
from tests.structure.infra_source import read, resources, tables
from tests.structure.source import ROOT
from tests.structure.test_infra import environment

PUBLIC, TASKS, SCHEDULER = "public", "tasks", "scheduler"


def deployed(name: str = "dev") -> dict[str, Command]:
    return {command.words[2]: command for command in those("functions", "deploy", environment=name)}


def overridden(name: str) -> dict[str, Any]:
    """What an environment's file says about instances."""
    found: dict[str, Any] = read((ROOT / f"infra/env/{name}.tfvars").read_text(encoding="utf-8")).get("instances", {})
    return found


def queue_of(command: Command) -> dict[str, str]:
    return {flag: command[flag] for flag in ("--max-attempts", "--min-backoff", "--max-backoff", "--max-dispatches-per-second")}


def granted(role: str, *words: str, chosen: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    """Which function's account has a role on what."""
    found = [command for command in those(*words, chosen=chosen) if command["--role"] == role]
    return {(command.account.removeprefix("fanfare-"), command.words[len(words)]) for command in found}


def pairs(table: dict[str, list[str]]) -> set[tuple[str, str]]:
    return {(name, value) for name, values in table.items() for value in values}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_functions_are_those_of_terraform_and_as_large(name: str) -> None:
    wanted, override = tables()["functions"], overridden(name)
    assert {
        function: [command[flag] for flag in ("--entry-point", "--memory", "--concurrency", "--timeout")]
        for function, command in deployed(name).items()
    } == {function: [function, row["memory"], str(row["concurrency"]), f"{row['timeout']}s"] for function, row in wanted.items()}
    assert {function: (command["--min-instances"], command["--max-instances"]) for function, command in deployed(name).items()} == {
        function: (str(override.get(function, {}).get("min", 0)), str(override.get(function, {}).get("max", row["max_instances"])))
        for function, row in wanted.items()
    }


def test_functions_are_built_with_terraforms_runtime() -> None:
    build = resources("google_cloudfunctions2_function")["function"]["build_config"][0]
    assert {command["--runtime"] for command in deployed().values()} == {build["runtime"]}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_function_finds_what_terraform_sets_and_the_settings_accept_it(name: str) -> None:
    for function, command in deployed(name).items():
        found = command.environment
        assert set(found) == environment()
        assert (found["WORKERS"], found["THREADS"]) == ("1", command["--concurrency"])
        assert found["CLOUD_RUN_TIMEOUT_SECONDS"] == command["--timeout"].removesuffix("s")
        settings = Settings.from_env({**found, "K_SERVICE": function})
        assert settings.function_urls == {other: f"https://{other}-{NUMBER}.us-central1.run.app" for other in settings.function_urls}
        assert f"api-{NUMBER}.us-central1.run.app".lower() in settings.allowed_hosts


def test_only_the_public_functions_can_be_reached_and_called_by_everybody() -> None:
    callers = {command.words[3]: command["--member"] for command in those("run", "services", "add-iam-policy-binding")}
    accounts = {name: f"serviceAccount:fanfare-{name}@{PROJECT}.iam.gserviceaccount.com" for name in (TASKS, SCHEDULER)}
    wanted = {function: row["caller"] for function, row in tables()["functions"].items()}
    assert callers == {function: {PUBLIC: "allUsers", **accounts}[caller] for function, caller in wanted.items()}
    assert {function: command["--ingress-settings"] for function, command in deployed().items()} == {
        function: "all" if caller == PUBLIC else "internal-only" for function, caller in wanted.items()
    }


def test_each_function_runs_as_itself() -> None:
    accounts = {command.words[3] for command in those("iam", "service-accounts", "create")}
    assert {function: command["--service-account"] for function, command in deployed().items()} == {
        function: f"fanfare-{function}@{PROJECT}.iam.gserviceaccount.com" for function in tables()["functions"]
    }
    assert accounts == {f"fanfare-{name}" for name in (*tables()["functions"], TASKS, SCHEDULER, "build")}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_queues_are_those_of_the_code_and_leave_a_fifth_to_direct_sends(name: str) -> None:
    queues = {command.words[3]: command for command in those("tasks", "queues", "create", environment=name)}
    assert {queue: queue_of(command) for queue, command in queues.items()} == {
        policy.name: {
            "--max-attempts": str(policy.max_attempts),
            "--min-backoff": f"{policy.min_backoff_seconds}s",
            "--max-backoff": f"{policy.max_backoff_seconds}s",
            "--max-dispatches-per-second": f"{policy.dispatches_per_second:.0f}",
        }
        for policy in QUEUES
    }
    capacity = {function: int(command["--concurrency"]) * int(command["--max-instances"]) for function, command in deployed(name).items()}
    assert {queue: int(command["--max-concurrent-dispatches"]) for queue, command in queues.items()} == {
        "send": capacity["send"],
        "send-bulk": capacity["send"] * 4 // 5,
        "fanout": capacity["fanout"],
        "webhook": capacity["webhook"],
    }


def test_jobs_are_those_of_the_code_and_call_the_function_of_their_name() -> None:
    jobs = {command.words[4]: command for command in those("scheduler", "jobs", "create", "http")}
    assert {job: (command["--schedule"], command["--attempt-deadline"]) for job, command in jobs.items()} == {
        policy.name: (policy.cron, f"{policy.attempt_deadline_seconds}s") for policy in JOBS
    }
    for job, command in jobs.items():
        assert command["--uri"] == command["--oidc-token-audience"] == f"https://{job}-{NUMBER}.us-central1.run.app"
        assert command["--oidc-service-account-email"] == f"fanfare-{SCHEDULER}@{PROJECT}.iam.gserviceaccount.com"


def test_keys_are_those_of_the_code() -> None:
    assert [command.words[2] for command in those("secrets", "create")] == list(DEPLOYMENT_KEYS)


@pytest.mark.parametrize("chosen", [("USE_KMS",), ("USE_KMS", "KEEP_DATA_KEY")])
def test_kms_takes_the_place_of_the_data_key_unless_that_is_kept(chosen: tuple[str, ...]) -> None:
    keys = [key for key in DEPLOYMENT_KEYS if key != DATA_KEY or "KEEP_DATA_KEY" in chosen]
    assert [command.words[2] for command in those("secrets", "create", chosen=chosen)] == keys
    readers = {name: [key for key in read if key in keys] for name, read in tables()["reads_keys"].items()}
    assert granted("roles/secretmanager.secretAccessor", "secrets", "add-iam-policy-binding", chosen=chosen) == pairs(readers)


def test_rights_on_the_key_of_kms_are_those_that_terraform_gives() -> None:
    binding, chosen = ("kms", "keys", "add-iam-policy-binding"), ("USE_KMS",)
    unwraps = {name for name, keys in tables()["reads_keys"].items() if DATA_KEY in keys}
    wraps = set(re.findall(r'"(\w+)"', tables()["wraps"]))
    assert granted("roles/cloudkms.cryptoKeyEncrypterDecrypter", *binding, chosen=chosen) == {(name, "data-keys") for name in wraps}
    assert granted("roles/cloudkms.cryptoKeyDecrypter", *binding, chosen=chosen) == {(name, "data-keys") for name in unwraps - wraps}
    assert those(*binding) == those("kms") == []


def test_key_of_kms_is_terraforms_and_the_functions_are_told_its_name() -> None:
    (ring,), (key,) = (those("kms", kind, "create", chosen=("USE_KMS",)) for kind in ("keyrings", "keys"))
    place, made = resources("google_kms_key_ring")["fanfare"], resources("google_kms_crypto_key")["data_keys"]
    assert (ring.words[3], ring["--location"], key["--location"]) == (place["name"], place["location"], place["location"])
    assert (key.words[3], key["--keyring"], key["--purpose"]) == (made["name"], place["name"], "encryption")
    assert int(made["rotation_period"].removesuffix("s")) == 86_400 * int(key["--rotation-period"].removesuffix("d"))
    name = f"projects/{PROJECT}/locations/{place['location']}/keyRings/{place['name']}/cryptoKeys/{made['name']}"
    functions = those("functions", "deploy", chosen=("USE_KMS",))
    assert {Settings.from_env({**command.environment, "K_SERVICE": "api"}).kms_key for command in functions} == {name}
    assert {command.environment["KMS_KEY"] for command in those("functions", "deploy")} == {""}
    (enabled,), (usual,) = (those("services", "enable", chosen=chosen) for chosen in (("USE_KMS",), ()))
    assert set(enabled.words) - set(usual.words) == {"cloudkms.googleapis.com"}


def test_each_function_has_the_rights_that_terraform_gives_it() -> None:
    assert granted("roles/cloudtasks.enqueuer", "tasks", "queues", "add-iam-policy-binding") == pairs(tables()["publishes"])
    assert granted("roles/secretmanager.secretAccessor", "secrets", "add-iam-policy-binding") == pairs(tables()["reads_keys"])
    readers = [command for command in those("projects", "add-iam-policy-binding") if command["--role"] == "roles/secretmanager.secretAccessor"]
    assert {command.account for command in readers} == {
        f"fanfare-{name}" for name in re.findall(r"\w+", str(tables()["reads_credentials"])) if name in tables()["functions"]
    }
    assert all(f"/secrets/{tables()['credential_prefix']}" in command["--condition"] for command in readers)


def test_nobody_has_a_right_on_the_whole_project_without_a_condition_but_for_these() -> None:
    unconditional = {
        (command.account, command["--role"]) for command in those("projects", "add-iam-policy-binding") if command["--condition"] == "None"
    }
    assert unconditional == {
        ("fanfare-build", "roles/logging.logWriter"),
        ("fanfare-api", f"projects/{PROJECT}/roles/fanfareCredentialCreator"),
        ("fanfare-api", f"projects/{PROJECT}/roles/fanfareJobViewer"),
    }


def test_roles_of_our_own_are_those_of_terraform() -> None:
    roles = {command.words[3]: set(command["--permissions"].split(",")) for command in those("iam", "roles", "create")}
    assert roles == {role["role_id"]: set(role["permissions"]) for role in resources("google_project_iam_custom_role").values()}


def test_every_composite_index_of_the_file_is_made() -> None:
    file = json.loads((ROOT / "firestore.indexes.json").read_text(encoding="utf-8"))
    made = those("firestore", "indexes", "composite", "create")
    assert [command.flags[: len(command.flags) - 4] for command in made] == [Command.parse(arguments_of(index)).flags for index in file["indexes"]]
    assert all(command["--database"] == "(default)" for command in made)


def test_an_array_and_a_group_are_told_in_gclouds_words() -> None:
    fields = [{"fieldPath": "tags", "arrayConfig": "CONTAINS"}, {"fieldPath": "at", "order": "DESCENDING"}]
    assert arguments_of({"collectionGroup": "things", "queryScope": "COLLECTION_GROUP", "fields": fields}) == [
        "--collection-group=things",
        "--query-scope=collection-group",
        "--field-config=field-path=tags,array-config=contains",
        "--field-config=field-path=at,order=descending",
    ]


def test_prod_is_protected_and_dev_is_not() -> None:
    made = {name: those("firestore", "databases", "create", environment=name)[0] for name in ("dev", "prod")}
    assert {name: [flag for flag, _ in command.flags if "protection" in flag] for name, command in made.items()} == {
        "dev": ["--no-delete-protection"],
        "prod": ["--delete-protection"],
    }
    assert all("--enable-pitr" in dict(command.flags) for command in made.values())


def test_apis_are_those_that_terraform_always_switches_on() -> None:
    (enabled,) = those("services", "enable")
    text = (ROOT / "infra/apis.tf").read_text(encoding="utf-8").partition("],")[0]
    assert set(enabled.words[2:]) == set(re.findall(r"\"([a-z]+\.googleapis\.com)\"", text))


def test_every_command_names_the_project_and_asks_nothing() -> None:
    assert [command for command in commands() if command["--project"] != PROJECT or "--quiet" not in dict(command.flags)] == []
