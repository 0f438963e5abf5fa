"""Each function may do in the cloud what its code does, and nothing else: the tables of `infra/access.tf` against the imports of the code."""

from __future__ import annotations

import re

import pytest

from fanfare.adapters.deployment_keys import BLIND_INDEX_KEY, DATA_KEY, DEPLOYMENT_KEYS, RECEIPT_KEY
from fanfare.config import SCHEDULED_FUNCTIONS, TASK_FUNCTIONS
from tests.structure.cloud_needs import KEYS_OF_PORTS, keys_of_stores, ports_used, queue_names, queues_used, reachable, wraps_data_keys
from tests.structure.infra_source import resources, tables
from tests.structure.source import modules_of, sample

READ_BY_NO_ROUTE = {"stream": {RECEIPT_KEY}}
"""Whoever checks a client's key could check a receipt's token too; a stream takes none."""
CREDENTIAL_PORTS = {"sender", "subscriber"}


def test_rights_are_given_to_each_function() -> None:
    functions = set(tables()["functions"])
    assert set(tables()["publishes"]) == set(tables()["reads_keys"]) == functions


@pytest.mark.parametrize("function", ["stream", *TASK_FUNCTIONS, *SCHEDULED_FUNCTIONS])
def test_a_function_may_put_tasks_where_its_code_does_and_nowhere_else(function: str) -> None:
    assert set(tables()["publishes"][function]) == queues_used(reachable(f"fanfare.web.{function}"))


@pytest.mark.parametrize("function", ["stream", *TASK_FUNCTIONS, *SCHEDULED_FUNCTIONS])
def test_a_function_reads_the_keys_that_its_code_needs_and_no_other(function: str) -> None:
    needs = {**keys_of_stores(), **KEYS_OF_PORTS}
    needed = {key for port in ports_used(reachable(f"fanfare.web.{function}")) for key in needs.get(port, ())}
    assert set(tables()["reads_keys"][function]) == needed - READ_BY_NO_ROUTE.get(function, set())


def test_kms_is_used_by_whoever_would_read_the_data_key_and_to_wrap_by_whoever_makes_keys() -> None:
    assert tables()["unwraps"] == "${toset([for name, keys in local.reads_keys : name if contains(keys, local.data_key)])}"
    others = ("stream", *TASK_FUNCTIONS, *SCHEDULED_FUNCTIONS)
    wrapping = {function for function in others if wraps_data_keys(reachable(f"fanfare.web.{function}"))}
    assert set(re.findall(r'"(\w+)"', tables()["wraps"])) == wrapping | {"api"}
    rights = resources("google_kms_crypto_key_iam_member")
    assert set(rights) == {"function"}
    assert rights["function"]["for_each"] == "${var.use_kms ? local.unwraps : toset([])}"
    assert re.findall(r'"(roles/[\w.]+)"', rights["function"]["role"]) == [
        "roles/cloudkms.cryptoKeyEncrypterDecrypter",
        "roles/cloudkms.cryptoKeyDecrypter",
    ]


def test_a_module_that_makes_data_keys_is_found() -> None:
    assert wraps_data_keys({sample("a", "deps.tenants.settle_data_keys(tenant, key, now)")})
    assert not wraps_data_keys({sample("a", "deps.tenants.update(tenant, decide)")})


def test_credentials_are_read_by_whoever_talks_to_fcm() -> None:
    others = ("stream", *TASK_FUNCTIONS, *SCHEDULED_FUNCTIONS)
    talking = {function for function in others if ports_used(reachable(f"fanfare.web.{function}")) & CREDENTIAL_PORTS}
    assert set(re.findall(r'"(\w+)"', tables()["reads_credentials"])) == talking | {"api"}


def test_the_api_may_put_tasks_into_every_queue() -> None:
    assert set(tables()["publishes"]["api"]) == queue_names()


def test_the_tenants_credentials_are_named_by_the_prefix_that_rights_are_bound_to() -> None:
    prefix = tables()["credential_prefix"]
    names = re.findall(r'credential_secret=f"([^"{]+)\{', "\n".join(module.text for module in modules_of("functions")))
    assert names == [prefix]
    assert not [key for key in DEPLOYMENT_KEYS if key.startswith(prefix)]


@pytest.mark.parametrize(
    ("call", "queues"),
    [
        ("enqueue_send(key, request)", {"send", "send-bulk"}),
        ("enqueue_chunks(tasks, request)", {"send-bulk"}),
        ("enqueue_compaction(tenant, request)", {"fanout"}),
        ("enqueue_webhook(key, request)", {"webhook"}),
        ("enqueue_webhooks(keys, request)", {"webhook"}),
    ],
)
def test_the_queue_of_a_call_is_found(call: str, queues: set[str]) -> None:
    assert queues_used({sample("a", f"deps.tasks.{call}")}) == queues


def test_the_keys_of_a_store_are_found_through_what_it_is_built_of() -> None:
    keys = keys_of_stores()
    assert {name: keys[name] for name in ("webhooks", "profiles", "retention", "clients")} == {
        "webhooks": {DATA_KEY},
        "profiles": {BLIND_INDEX_KEY},
        "retention": {DATA_KEY, BLIND_INDEX_KEY},
        "clients": set(),
    }


def test_a_queue_that_is_used_is_found_through_imports() -> None:
    assert queues_used({module for module in reachable("fanfare.web.cleanup") if module.name == "fanfare.web.cleanup"}) == set()
    assert "fanout" in queues_used(reachable("fanfare.web.cleanup"))
