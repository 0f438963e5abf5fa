"""CI, the deploy workflow and the hooks of a commit run the project's own commands, with code that is pinned and no more rights than they need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.structure.source import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
_PINNED = re.compile(r"uses: ([\w-]+/[\w.-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+")
_MAKE = re.compile(r"\bmake(?: --[\w-]+)* ([a-z][a-z-]*)")


def load(path: Path) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            yield f"{path.stem}/{name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs():
        for step in job.get("steps", []):
            yield name, step


def commands() -> list[str]:
    return [step["run"] for _, step in steps() if "run" in step]


def hooks() -> list[dict[str, Any]]:
    return [hook for repository in load(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repository["hooks"]]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_every_action_of_others_is_pinned_by_its_commit_and_says_its_version() -> None:
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        used = re.findall(r"^\s*(?:- )?(uses: .+)$", text, re.MULTILINE)
        assert [line for line in used if not line.startswith("uses: ./") and not _PINNED.fullmatch(line)] == []


def test_an_action_has_one_version() -> None:
    found = {match for path in WORKFLOWS for match in _PINNED.findall(path.read_text(encoding="utf-8"))}
    assert len({name for name, _ in found}) == len(found)


def test_workflows_may_read_and_only_the_deploy_may_ask_for_a_token_of_its_own() -> None:
    wide = {path.stem: load(path)["permissions"] for path in WORKFLOWS}
    assert wide == {"ci": {"contents": "read"}, "deploy": {}}
    narrow = {name: job["permissions"] for name, job in jobs() if "permissions" in job}
    assert narrow == {"deploy/check": {"contents": "read"}, "deploy/deploy": {"contents": "read", "id-token": "write"}}


def test_there_is_no_key_and_no_secret() -> None:
    for path in WORKFLOWS:
        assert "secrets." not in path.read_text(encoding="utf-8")
        assert "credentials_json" not in path.read_text(encoding="utf-8")
    logins = [step["with"] for _, step in steps() if str(step.get("uses", "")).startswith("google-github-actions/auth@")]
    assert [set(login) for login in logins] == [{"workload_identity_provider", "service_account"}]


def test_the_token_of_a_checkout_is_not_left_lying_about() -> None:
    checkouts = [step for _, step in steps() if str(step.get("uses", "")).startswith("actions/checkout@")]
    assert checkouts
    assert [step for step in checkouts if step["with"].get("persist-credentials") is not False] == []


def test_what_others_can_name_is_in_no_command() -> None:
    """A branch or a tag may be called anything: in a command it would be one."""
    assert [command for command in commands() if "${{" in command] == []


def test_every_job_ends_at_some_time() -> None:
    assert [name for name, job in jobs() if "steps" in job and "timeout-minutes" not in job] == []


def test_workflows_and_hooks_run_commands_that_exist() -> None:
    named = {target for command in [*commands(), *(hook["entry"] for hook in hooks())] for target in _MAKE.findall(command)}
    assert named == {"lint", "deploy", "test-unit"}
    assert named <= make_targets()
    assert ".ci/run" in commands()
    assert (ROOT / ".ci/run").stat().st_mode & 0o111


def test_a_deploy_comes_after_the_checks_and_into_an_environment_of_its_own() -> None:
    deploy = load(ROOT / ".github/workflows/deploy.yml")
    assert deploy["jobs"]["check"]["uses"] == "./.github/workflows/ci.yml"
    assert deploy["jobs"]["deploy"]["needs"] == "check"
    assert deploy["jobs"]["deploy"]["environment"] == deploy["jobs"]["deploy"]["steps"][-1]["env"]["ENV"]
    # YAML reads the word `on` as true.
    assert deploy[True]["push"] == {"tags": ["v*"]}
    assert deploy[True]["workflow_dispatch"]["inputs"]["environment"]["options"] == [
        path.stem for path in sorted((ROOT / "infra/env").glob("*.tfvars"))
    ]
    assert deploy["concurrency"]["cancel-in-progress"] is False


def test_hooks_are_ours_and_fetch_nothing() -> None:
    assert [repository["repo"] for repository in load(ROOT / ".pre-commit-config.yaml")["repos"]] == ["local"]
    assert {hook["language"] for hook in hooks()} == {"system"}


@pytest.mark.parametrize(("stage", "target"), [("pre-commit", "lint"), ("pre-push", "test-unit")])
def test_a_hook_runs_before_what_it_guards(stage: str, target: str) -> None:
    assert [_MAKE.findall(hook["entry"]) for hook in hooks() if hook["stages"] == [stage]] == [[target]]
