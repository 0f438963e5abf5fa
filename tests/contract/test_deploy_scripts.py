"""The scripts of `infra/` against stand-ins for gcloud and Terraform that remember what was made: again, broken off, and taken down."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.settings import ROOT

STAND_INS = Path(__file__).with_name("deploy")
PROJECT = "demo-project"
KEYS = {"fanfare-data-key", "fanfare-blind-index-key", "fanfare-receipt-key", "fanfare-cursor-key"}


class Cloud:
    """A project that the stand-ins keep in a folder, and the scripts run against it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "checkout/.venv/bin/python"
        self.is_set_up = True
        self.chosen: dict[str, str] = {}
        (folder / "there").mkdir()
        (folder / "bin").mkdir()
        for name in ("gcloud", "python3", "terraform"):
            (folder / "bin" / name).symlink_to(STAND_INS / f"{name}.sh")
        self.write("token", "the-token\n")
        self.write("protection", "DELETE_PROTECTION_DISABLED\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def read(self, name: str) -> list[list[str]]:
        file = self.folder / name
        return [line.rstrip("\t").split("\t") for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []

    def run(self, script: str, *arguments: str, typed: str = "", env: str = "dev") -> subprocess.CompletedProcess[str]:
        """Run a script of a copy of the checkout's `infra/`, so that what it remembers stays here; what was called before is forgotten."""
        for name in ("calls", "terraform", "published", "migrated"):
            (self.folder / name).unlink(missing_ok=True)
        for name in ("infra", "ops", "functions", "firestore.indexes.json", "firestore.rules"):
            link = self.folder / "checkout" / name
            link.parent.mkdir(exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(ROOT / name)
        self.python.parent.mkdir(parents=True, exist_ok=True)
        if self.is_set_up and not self.python.exists():
            self.python.symlink_to(STAND_INS / "python3.sh")
        return subprocess.run(
            ["bash", str(self.folder / "checkout" / script), f"--project={PROJECT}", f"--env={env}", *arguments],
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            env={
                "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
                "FAKE": str(self.folder),
                "REAL_PYTHON": sys.executable,
                "RETRY_SECONDS": "0",
                **self.chosen,
            },
        )

    @property
    def there(self) -> set[str]:
        return {path.name for path in (self.folder / "there").iterdir()}

    def calls(self, *words: str) -> list[list[str]]:
        return [call for call in self.read("calls") if call[: len(words)] == list(words)]

    def changes(self) -> list[list[str]]:
        """The calls that make something new."""
        return [
            call for call in self.read("calls") if ("create" in call[:4] and "composite" not in call) or call[:3] == ["secrets", "versions", "add"]
        ]


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    """A project with nothing in it."""
    return Cloud(tmp_path)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """A project that was deployed to once; only to be looked at."""
    cloud = Cloud(tmp_path_factory.mktemp("first"))
    deploy(cloud)
    return cloud


@pytest.fixture
def deployed(first: Cloud, cloud: Cloud) -> Cloud:
    """A project like it, to do something to."""
    shutil.copytree(first.folder / "there", cloud.folder / "there", dirs_exist_ok=True)
    return cloud


def deploy(cloud: Cloud, **options: str) -> subprocess.CompletedProcess[str]:
    done = cloud.run("infra/gcloud/deploy.sh", **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_an_empty_project_is_deployed_by_the_commands_that_a_dry_run_shows(first: Cloud, cloud: Cloud) -> None:
    shown = cloud.run("infra/gcloud/deploy.sh", "--dry-run")
    assert cloud.read("calls") == []
    done = [call for call in first.read("calls") if not {"describe", "list"} & set(call[:4]) and call[0] != "auth"]
    printed = [line for line in shown.stdout.splitlines() if line.startswith(("gcloud ", "(32"))]
    # A role's rights are brought up to date once it is there, which a dry run does not know.
    assert len([call for call in done if call[:3] != ["iam", "roles", "update"]]) == len([line for line in printed if "| python3" not in line])
    assert [line.split()[:2] + line.split()[-1:] for line in (first.folder / "published").read_text(encoding="utf-8").splitlines()] == [
        ["-m", "ops.firestore_fields", "the-token"],
        ["-m", "ops.firestore_rules", "the-token"],
    ]


def test_a_second_deploy_makes_nothing_new_and_leaves_the_keys(deployed: Cloud) -> None:
    there = deployed.there
    deploy(deployed)
    assert deployed.changes() == []
    assert deployed.there == there
    assert len(deployed.calls("functions", "deploy")) == 9
    assert len(deployed.calls("tasks", "queues", "update")) == 4


def test_a_deployment_changes_over_to_kms_and_keeps_its_secret(deployed: Cloud) -> None:
    deployed.chosen = {"USE_KMS": "1", "KEEP_DATA_KEY": "1"}
    deploy(deployed)
    assert [call[:4] for call in deployed.changes()] == [["kms", "keyrings", "create", "fanfare"], ["kms", "keys", "create", "data-keys"]]
    deployed.chosen = {"USE_KMS": "1"}
    deploy(deployed)
    assert deployed.changes() == []
    assert "_secrets_fanfare-data-key" in deployed.there, "the secret is nobody's any more, and nothing has deleted it"


@pytest.mark.parametrize("step", [13, 111])
def test_a_deploy_that_was_broken_off_goes_on(first: Cloud, cloud: Cloud, step: int) -> None:
    cloud.write("fail_at", str(step))
    broken = cloud.run("infra/gcloud/deploy.sh")
    (cloud.folder / "fail_at").unlink()
    assert broken.returncode == 1
    assert "PERMISSION_DENIED" in broken.stderr
    assert cloud.there < first.there
    deploy(cloud)
    assert cloud.there == first.there


def test_a_right_that_is_refused_for_a_while_is_asked_for_again(first: Cloud, cloud: Cloud) -> None:
    [number] = [place for place, call in enumerate(first.read("calls"), 1) if call[:3] == ["artifacts", "repositories", "add-iam-policy-binding"]]
    cloud.write("fail_at", str(number))
    assert "Once more in 0 seconds" in deploy(cloud).stdout


def test_keys_are_random_and_in_no_argument(first: Cloud) -> None:
    values = {path.name: path.read_text(encoding="ascii") for path in (first.folder / "there").glob("_secrets_versions_*")}
    assert set(values) == {f"_secrets_versions_{key}" for key in KEYS}
    assert [len(base64.urlsafe_b64decode(value)) for value in values.values()] == [32] * 4
    assert len(set(values.values())) == 4
    said = (first.folder / "calls").read_text(encoding="utf-8")
    assert not [value for value in values.values() if value in said]


def test_who_is_not_logged_in_is_told_so_before_anything_is_changed(cloud: Cloud) -> None:
    (cloud.folder / "token").unlink()
    done = cloud.run("infra/gcloud/deploy.sh")
    assert (done.returncode, done.stderr) == (1, "Nobody is logged in: gcloud auth login\n")
    assert cloud.there == set()


SCRIPTS = ("infra/gcloud/deploy.sh", "infra/deploy.sh")
MIGRATION = f"{PROJECT} us-central1 -m ops.migrate"


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_is_stored_is_brought_to_the_deployed_form_once_everything_is_there(cloud: Cloud, script: str) -> None:
    assert cloud.run(script).returncode == 0
    assert (cloud.folder / "migrated").read_text(encoding="utf-8").splitlines() == [MIGRATION]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_migration_that_stops_stops_the_deploy_and_the_next_one_goes_on(cloud: Cloud, script: str) -> None:
    cloud.write("unmigrated", "")
    stopped = cloud.run(script)
    (cloud.folder / "unmigrated").unlink()
    assert stopped.returncode == 1
    assert "The migration stopped" in stopped.stderr
    assert "run the same command again" in stopped.stdout
    assert not (cloud.folder / "checkout/.local/deployments/dev").exists()
    assert cloud.run(script).returncode == 0


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_dry_run_shows_the_migration_and_does_none(cloud: Cloud, script: str) -> None:
    shown = cloud.run(script, "--dry-run")
    assert [line.split()[-4:] for line in shown.stdout.splitlines() if "ops.migrate" in line] == [["--", str(cloud.python), "-m", "ops.migrate"]]
    assert not (cloud.folder / "migrated").exists()


@pytest.mark.parametrize("script", SCRIPTS)
def test_who_cannot_migrate_is_told_so_before_anything_is_changed(cloud: Cloud, script: str) -> None:
    cloud.is_set_up = False
    done = cloud.run(script)
    assert (done.returncode, done.stderr) == (1, "The migrations need this checkout's Python environment: make setup\n")
    cloud.is_set_up = True
    cloud.write("no_default_login", "")
    done = cloud.run(script)
    assert done.returncode == 1
    assert "gcloud auth application-default login" in done.stderr
    assert cloud.there == set()
    assert cloud.read("terraform") == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--project=X"], "Name the Google Cloud project"),
        (["--env=test"], "--env=dev or --env=prod"),
        (["--region=here"], "--region"),
        (["--force"], "usage:"),
    ],
)
def test_wrong_arguments_are_one_sentence(cloud: Cloud, arguments: list[str], word: str) -> None:
    done = cloud.run("infra/gcloud/deploy.sh", *arguments)
    assert done.returncode == 1
    assert word in done.stderr
    assert cloud.read("calls") == []


def test_a_deployment_is_remembered_by_its_environment(first: Cloud) -> None:
    assert (first.folder / "checkout/.local/deployments/dev").read_text(encoding="utf-8") == f"PROJECT={PROJECT}\nREGION=us-central1\n"


@pytest.mark.parametrize("script", ["infra/gcloud/destroy.sh", "infra/destroy.sh"])
def test_nothing_is_taken_down_unless_the_project_is_typed(deployed: Cloud, script: str) -> None:
    there = deployed.there
    done = deployed.run(script, typed="yes\n")
    assert (done.returncode, done.stderr) == (1, "Nothing was changed.\n")
    assert deployed.there == there
    assert deployed.read("terraform") == []


def test_what_is_taken_down_leaves_the_database_and_the_secrets(deployed: Cloud) -> None:
    (deployed.folder / "there/_secrets_fanfare-fcm-acme").touch()
    assert deployed.run("infra/gcloud/destroy.sh", typed=f"{PROJECT}\n").returncode == 0
    assert {f"_secrets_{key}" for key in (*KEYS, "fanfare-fcm-acme")} | {"_firestore_databases"} <= deployed.there
    assert not [name for name in deployed.there if name.startswith(("_functions", "_tasks", "_scheduler", "_iam_service-accounts", "_artifacts"))]
    assert deployed.run("infra/gcloud/destroy.sh", typed=f"{PROJECT}\n").returncode == 0, "what is gone is no error"
    deploy(deployed)
    assert deployed.calls("secrets", "versions", "add") == []


def test_a_purge_deletes_them_too(deployed: Cloud) -> None:
    (deployed.folder / "there/_secrets_fanfare-fcm-acme").touch()
    assert deployed.run("infra/gcloud/destroy.sh", "--purge", typed=f"{PROJECT}\n").returncode == 0
    assert not [name for name in deployed.there if name.startswith(("_secrets_fanfare", "_firestore_databases"))]


@pytest.mark.parametrize("script", ["infra/gcloud/destroy.sh", "infra/destroy.sh"])
def test_what_is_protected_is_not_purged_by_half(deployed: Cloud, script: str) -> None:
    deployed.write("protection", "DELETE_PROTECTION_ENABLED\n")
    there = deployed.there
    done = deployed.run(script, "--purge", typed=f"{PROJECT}\n", env="prod")
    assert done.returncode == 1
    assert "protected from deletion" in done.stderr
    assert deployed.there == there
    assert deployed.read("terraform") == []


def terraform(cloud: Cloud, word: str) -> list[list[str]]:
    return [call[2:] for call in cloud.read("terraform") if call[1] == word]


def test_terraform_is_started_with_the_projects_state_and_applied(cloud: Cloud) -> None:
    assert cloud.run("infra/deploy.sh").returncode == 0
    assert terraform(cloud, "init") == [
        ["-reconfigure", "-input=false", f"-backend-config=bucket={PROJECT}-terraform", "-backend-config=prefix=fanfare/dev"]
    ]
    assert terraform(cloud, "apply") == [["-input=false", "-var-file=env/dev.tfvars", f"-var=project={PROJECT}", "-var=region=us-central1"]]
    assert f"_storage_buckets_gs:--{PROJECT}-terraform" in cloud.there


def test_yes_answers_terraforms_question(cloud: Cloud) -> None:
    assert cloud.run("infra/deploy.sh", "--yes").returncode == 0
    assert terraform(cloud, "apply")[0][-1] == "-auto-approve"


def test_terraform_takes_over_what_an_earlier_destroy_has_kept(deployed: Cloud) -> None:
    assert deployed.run("infra/deploy.sh").returncode == 0
    assert {"-var=adopt_kept=true", "-var=create_keys=false"} <= set(terraform(deployed, "apply")[0])


def test_terraform_makes_no_second_key_where_it_looks_after_the_database_alone(deployed: Cloud) -> None:
    deployed.write("state", "google_firestore_database.this\n")
    assert deployed.run("infra/deploy.sh").returncode == 0
    assert "-var=create_keys=false" in terraform(deployed, "apply")[0]
    assert "-var=adopt_kept=true" not in terraform(deployed, "apply")[0]


def test_terraform_that_looks_after_everything_is_told_nothing_more(deployed: Cloud) -> None:
    deployed.write("state", 'google_firestore_database.this\ngoogle_secret_manager_secret_version.key["fanfare-data-key"]\n')
    assert deployed.run("infra/deploy.sh").returncode == 0
    assert len(terraform(deployed, "apply")[0]) == 4


def test_a_database_without_its_keys_is_not_taken_over(deployed: Cloud) -> None:
    (deployed.folder / "there/_secrets_fanfare-blind-index-key").unlink()
    done = deployed.run("infra/deploy.sh")
    assert done.returncode == 1
    assert "its keys are not" in done.stderr
    assert terraform(deployed, "apply") == []


def test_terraform_takes_down_and_keeps_tenants_credentials(cloud: Cloud) -> None:
    (cloud.folder / "there/_secrets_fanfare-fcm-acme").touch()
    assert cloud.run("infra/destroy.sh", typed=f"{PROJECT}\n").returncode == 0
    assert [call[-1] for call in terraform(cloud, "destroy")] == ["-auto-approve"]
    assert terraform(cloud, "apply") == []
    assert "_secrets_fanfare-fcm-acme" in cloud.there


def test_a_purge_by_terraform_is_applied_before_it_is_done(cloud: Cloud) -> None:
    (cloud.folder / "there/_secrets_fanfare-fcm-acme").touch()
    assert cloud.run("infra/destroy.sh", "--purge", typed=f"{PROJECT}\n").returncode == 0
    assert [call[1] for call in cloud.read("terraform")] == ["init", "apply", "destroy"]
    assert all("-var=purge=true" in call for word in ("apply", "destroy") for call in terraform(cloud, word))
    assert "_secrets_fanfare-fcm-acme" not in cloud.there
