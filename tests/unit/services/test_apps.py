"""Tenants through their services: what is made, changed, refused and told in the audit log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fanfare.domain.audit import Change, Trail
from fanfare.domain.breaker import ALL, Breaker
from fanfare.domain.classification import Answer, Kind
from fanfare.domain.client import TENANT_SCOPES, Scope
from fanfare.domain.credential import ServiceAccount, parse_service_account
from fanfare.domain.dry_run import VALIDATION_TOPIC
from fanfare.domain.errors import Conflict, CredentialRefused, InvalidRequest, NotFound, Unavailable
from fanfare.domain.filters import TemplateFilter
from fanfare.domain.template import Template
from fanfare.domain.tenant import PLATFORM_TENANT, Tenant
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.ports import Deps
from fanfare.services.apps import NewApp, admit, create_app, get_app, update_app, verify_app
from tests.factories import NOW, a_call, a_client, a_tenant
from tests.fakes import MemoryAuditStore, MemoryCredentialStore, MemoryTemplateStore, MemoryTenantStore, RecordingLog, ScriptedPushSender, fake_deps
from tests.service_accounts import a_service_account

REFUSED = {VALIDATION_TOPIC: Answer(403, b"{}")}
DOWN = {VALIDATION_TOPIC: Answer(503)}


def account(project: str = "acme-app", **fields: Any) -> ServiceAccount:
    return parse_service_account(a_service_account(project, **fields))


class Fixture:
    """Fakes that a test looks into."""

    def __init__(self, sender: ScriptedPushSender | None = None) -> None:
        self.credentials, self.audit, self.log = MemoryCredentialStore(), MemoryAuditStore(), RecordingLog()
        self.sender = sender or ScriptedPushSender()
        self.deps: Deps = fake_deps(credentials=self.credentials, audit=self.audit, sender=self.sender, log=self.log)

    def app(self, **fields: Any) -> Tenant:
        return create_app(self.deps, a_call(tenant=PLATFORM_TENANT), NewApp("Acme", credential=account(), **fields))

    def enabled(self, tenant: Tenant) -> list[str]:
        return self.credentials.enabled(tenant.credential_secret)

    def actions(self, tenant: Tenant) -> list[str]:
        """What was done to the tenant itself, by its audit log; its first templates aside."""
        return [entry.action for owner, entry in self.audit.entries if owner == tenant.id and entry.resource == "app"]

    def stored(self, tenant: Tenant) -> Tenant:
        found = self.deps.tenants.get_fresh(tenant.id)
        assert found is not None
        return found


# Making one


def test_app_is_stored_with_its_credential_and_owns_its_project() -> None:
    fixture = Fixture()
    app = fixture.app(settings={"timezone": "Europe/Berlin"})
    assert fixture.stored(app) == app
    assert (app.credential_version, app.settings) == ("1", TenantSettings(timezone="Europe/Berlin"))
    assert fixture.deps.tenants.owner_of("acme-app") == app.id
    assert fixture.actions(app) == ["app.created"]
    assert [body["message"]["topic"] for _, body in fixture.sender.sent] == [VALIDATION_TOPIC]


def test_app_may_be_made_before_its_credential_is_known_and_owns_nothing_yet() -> None:
    fixture = Fixture()
    app = create_app(fixture.deps, a_call(), NewApp("Acme", "acme-app"))
    assert (app.firebase_project_id, app.credential_version) == ("acme-app", None)
    assert fixture.deps.tenants.owner_of("acme-app") is None
    assert fixture.credentials.versions == {}


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewApp("Acme"), "firebase_project_id"),
        (NewApp("Acme", "../acme"), "firebase_project_id"),
        (NewApp("Acme", "other-app", account()), "credential.project_id"),
        (NewApp("Acme", "acme-app", settings={"timezone": "Mars"}), "timezone"),
    ],
)
def test_app_that_is_wrong_is_refused_and_nothing_is_stored(new: NewApp, field: str) -> None:
    fixture = Fixture()
    with pytest.raises(InvalidRequest) as refused:
        create_app(fixture.deps, a_call(), new)
    assert [error.field for error in refused.value.errors] == [field]
    assert (fixture.deps.tenants.list(10, None).items, fixture.credentials.versions) == ([], {})


@pytest.mark.parametrize(("answers", "error"), [(REFUSED, InvalidRequest), (DOWN, Unavailable)])
def test_app_whose_credential_does_not_pass_is_not_made(answers: dict[str, Answer], error: type[Exception]) -> None:
    fixture = Fixture(ScriptedPushSender(answers))
    with pytest.raises(error):
        fixture.app()
    assert fixture.deps.tenants.list(10, None).items == []
    assert list(fixture.credentials.versions.values()) == [[b""]]
    assert fixture.deps.tenants.owner_of("acme-app") is None


def test_project_of_another_app_is_a_conflict_and_its_credential_is_not_even_stored() -> None:
    fixture = Fixture()
    first = fixture.app()
    with pytest.raises(Conflict):
        fixture.app()
    assert [app.id for app in fixture.deps.tenants.list(10, None).items] == [first.id]
    assert list(fixture.credentials.versions) == [first.credential_secret]


class _Oblivious(MemoryTenantStore):
    """An instance that has not seen yet who owns what."""

    def owner_of(self, project: str) -> str | None:
        return None


def test_of_two_who_make_an_app_of_one_project_the_second_leaves_nothing_behind() -> None:
    fixture = Fixture()
    deps = replace(fixture.deps, tenants=_Oblivious())
    first = create_app(deps, a_call(), NewApp("Acme", credential=account()))
    with pytest.raises(Conflict):
        create_app(deps, a_call(), NewApp("Globex", credential=account()))
    assert [app.id for app in deps.tenants.list(10, None).items] == [first.id]
    assert [versions for name, versions in fixture.credentials.versions.items() if name != first.credential_secret] == [[b""]]


def test_repeat_of_a_request_that_was_broken_off_finds_what_it_made() -> None:
    fixture = Fixture()
    first = create_app(fixture.deps, a_call("key"), NewApp("Acme", credential=account()))
    assert create_app(fixture.deps, a_call("key"), NewApp("Acme", credential=account())) == first
    assert fixture.enabled(first) == ["1"]
    with pytest.raises(Conflict):
        create_app(fixture.deps, a_call("another key"), NewApp("Acme", credential=account()))


class _BrokenOff(MemoryTemplateStore):
    """Breaks off after the first of a new tenant's templates."""

    def create(self, tenant: str, template: Template, audit: Trail) -> bool:
        if self._templates:
            raise Unavailable("Firestore does not answer.")
        return super().create(tenant, template, audit)


def test_new_app_has_the_starters_and_each_is_in_its_audit_log() -> None:
    fixture = Fixture()
    app = fixture.app()
    listed = fixture.deps.templates.list(app.id, TemplateFilter(), 100, None).items
    assert [template.name for template in listed] == ["call", "default", "keepalive", "message"]
    told = [entry.resource_ids for owner, entry in fixture.audit.entries if owner == app.id and entry.action == "template.created"]
    assert sorted(told) == [("call",), ("default",), ("keepalive",), ("message",)]


def test_repeat_of_a_request_that_was_broken_off_completes_the_starters() -> None:
    fixture = Fixture()
    with pytest.raises(Unavailable):
        create_app(replace(fixture.deps, templates=_BrokenOff()), a_call("key"), NewApp("Acme", credential=account()))
    app = create_app(fixture.deps, a_call("key"), NewApp("Acme", credential=account()))
    assert len(fixture.deps.templates.list(app.id, TemplateFilter(), 100, None).items) == 4


# Who may act


def test_platform_acts_on_every_app_and_an_admin_on_its_own() -> None:
    assert admit(a_client(scopes=frozenset({Scope.PLATFORM}), tenant=PLATFORM_TENANT), "globex") == "globex"
    assert admit(a_client(scopes=TENANT_SCOPES, tenant="acme"), "acme") == "acme"
    with pytest.raises(NotFound):
        admit(a_client(scopes=TENANT_SCOPES, tenant="acme"), "globex")


@pytest.mark.parametrize("tenant", ["unknown", PLATFORM_TENANT])
def test_platforms_own_tenant_is_no_app(tenant: str) -> None:
    deps = fake_deps()
    deps.tenants.create(a_tenant(id=PLATFORM_TENANT, credential_version=None))
    with pytest.raises(NotFound):
        get_app(deps, tenant)


# Settings


def test_settings_are_changed_one_by_one_and_told_in_the_audit_log() -> None:
    fixture = Fixture()
    app = fixture.app()
    changed = update_app(fixture.deps, a_call(), app.id, settings={"quota_per_minute": 5, "channels": [{"id": "orders"}]}, name="Acme Ltd")
    assert fixture.stored(app) == changed
    assert (changed.name, changed.settings.quota_per_minute, changed.settings.timezone) == ("Acme Ltd", 5, "UTC")
    _, entry = fixture.audit.entries[-1]
    assert entry.action == "app.updated"
    assert entry.changes == {
        "name": Change("Acme", "Acme Ltd"),
        "quota_per_minute": Change("600000", "5"),
        "channels": Change(None, "orders"),
    }


def test_change_that_changes_nothing_is_not_in_the_audit_log() -> None:
    fixture = Fixture()
    app = fixture.app()
    assert update_app(fixture.deps, a_call(), app.id, settings={"timezone": "UTC"}) == app
    assert fixture.actions(app) == ["app.created"]


def test_wrong_setting_is_refused_before_the_credential_is_tried() -> None:
    fixture = Fixture()
    app = fixture.app()
    with pytest.raises(InvalidRequest):
        update_app(fixture.deps, a_call(), app.id, settings={"timezone": "Mars"}, credential=account())
    assert fixture.stored(app) == app
    assert fixture.enabled(app) == ["1"]


def test_setting_that_a_hand_broke_is_mended_by_giving_it() -> None:
    deps = fake_deps()
    deps.tenants.create(a_tenant(defects={"timezone": "broken", "channels": "broken"}))
    assert update_app(deps, a_call(), "acme", settings={"timezone": "UTC"}).defects == {"channels": "broken"}


# The credential


def test_replaced_credential_is_used_and_the_old_one_is_disabled() -> None:
    fixture = Fixture()
    app = fixture.app()
    changed = update_app(fixture.deps, a_call(), app.id, settings={}, credential=account(private_key_id="key-2"))
    assert fixture.stored(app) == changed == replace(app, credential_version="2")
    assert fixture.enabled(app) == ["2"]
    assert fixture.actions(app) == ["app.created", "app.credential_replaced"]
    _, entry = fixture.audit.entries[-1]
    assert entry.facts == {"version": "2", "version_before": "1"}


def test_first_credential_of_an_app_makes_it_its_projects_owner() -> None:
    fixture = Fixture()
    app = create_app(fixture.deps, a_call(), NewApp("Acme", "acme-app"))
    assert update_app(fixture.deps, a_call(), app.id, settings={}, credential=account()).credential_version == "1"
    assert fixture.deps.tenants.owner_of("acme-app") == app.id


def test_first_credential_of_a_project_that_another_app_owns_is_a_conflict() -> None:
    fixture = Fixture()
    late = create_app(fixture.deps, a_call(), NewApp("Late", "acme-app"))
    fixture.app()
    with pytest.raises(Conflict):
        update_app(fixture.deps, a_call(), late.id, settings={}, credential=account())
    assert fixture.stored(late) == late
    assert fixture.enabled(late) == []


def test_credential_of_another_project_is_refused() -> None:
    fixture = Fixture()
    app = fixture.app()
    with pytest.raises(InvalidRequest) as refused:
        update_app(fixture.deps, a_call(), app.id, settings={}, credential=account("other-app"))
    assert [error.field for error in refused.value.errors] == ["credential.project_id"]
    assert fixture.enabled(app) == ["1"]


@pytest.mark.parametrize(("answers", "error"), [(REFUSED, InvalidRequest), (DOWN, Unavailable), ({VALIDATION_TOPIC: Answer(0)}, Unavailable)])
def test_credential_that_does_not_pass_changes_nothing(answers: dict[str, Answer], error: type[Exception]) -> None:
    fixture = Fixture()
    app = fixture.app()
    fixture.sender.answers = answers
    with pytest.raises(error):
        update_app(fixture.deps, a_call(), app.id, settings={"timezone": "Europe/Berlin"}, credential=account())
    assert fixture.stored(app) == app
    assert fixture.enabled(app) == ["1"]
    assert fixture.actions(app) == ["app.created"]


def test_account_that_google_refuses_is_refused_with_its_word() -> None:
    fixture = Fixture()
    app = fixture.app()
    fixture.sender.failure = CredentialRefused("CREDENTIAL_REFUSED")
    with pytest.raises(InvalidRequest) as refused:
        update_app(fixture.deps, a_call(), app.id, settings={}, credential=account())
    assert "CREDENTIAL_REFUSED" in refused.value.detail


def test_what_the_old_credential_broke_is_probed_with_the_next_tick() -> None:
    fixture = Fixture()
    app = fixture.app()
    broken = Breaker("UNAUTHENTICATED", NOW, NOW.replace(hour=23), 9)
    fixture.deps.tenants.update(app.id, lambda stored: replace(stored, breakers={ALL: broken}))
    assert update_app(fixture.deps, a_call(), app.id, settings={}, credential=account()).breakers == {ALL: replace(broken, probe_at=NOW)}


def test_of_two_who_replace_a_credential_at_once_one_wins_and_the_other_leaves_nothing() -> None:
    fixture = Fixture()
    app = fixture.app()

    def rival() -> None:
        fixture.sender.on_batch = lambda: None
        update_app(fixture.deps, a_call(), app.id, settings={}, credential=account(private_key_id="rival"))

    fixture.sender.on_batch = rival
    with pytest.raises(Conflict):
        update_app(fixture.deps, a_call(), app.id, settings={}, credential=account(private_key_id="slow"))
    assert fixture.stored(app).credential_version == "3"
    assert fixture.enabled(app) == ["3"]


class _Breaking(MemoryTenantStore):
    """Fails at an update, before or after it is stored."""

    def __init__(self) -> None:
        super().__init__()
        self.fail_before = self.fail_after = False

    def update(self, *arguments: Any, **options: Any) -> Tenant | None:
        if self.fail_before:
            raise Unavailable("Firestore does not answer.")
        stored = super().update(*arguments, **options)
        if self.fail_after:
            raise Unavailable("Firestore does not answer.")
        return stored


@pytest.mark.parametrize("when", ["fail_before", "fail_after"])
def test_switch_of_unknown_outcome_leaves_a_credential_that_works_and_its_repeat_finishes(when: str) -> None:
    fixture = Fixture()
    tenants = _Breaking()
    fixture.deps = replace(fixture.deps, tenants=tenants)
    app = fixture.app()
    setattr(tenants, when, True)
    with pytest.raises(Unavailable):
        update_app(fixture.deps, a_call(), app.id, settings={}, credential=account())
    setattr(tenants, when, False)
    assert fixture.stored(app).credential_version in fixture.enabled(app)
    assert update_app(fixture.deps, a_call(), app.id, settings={}, credential=account()).credential_version == "3"
    assert fixture.enabled(app) == ["3"]


class _Deaf(MemoryCredentialStore):
    """Takes new versions, and nothing else."""

    def destroy(self, name: str, version: str) -> None:
        raise Unavailable("Secret Manager does not answer.")

    def disable_older(self, name: str, version: str) -> None:
        raise Unavailable("Secret Manager does not answer.")


def test_old_credential_that_can_not_be_disabled_is_logged_and_the_new_one_is_used() -> None:
    fixture = Fixture()
    fixture.deps = replace(fixture.deps, credentials=_Deaf())
    app = fixture.app()
    assert update_app(fixture.deps, a_call(), app.id, settings={}, credential=account()).credential_version == "2"
    assert [record.event for record in fixture.log.records] == ["old_credential_still_enabled"]


def test_refused_credential_that_can_not_be_destroyed_is_refused_all_the_same() -> None:
    fixture = Fixture(ScriptedPushSender(REFUSED))
    fixture.deps = replace(fixture.deps, credentials=_Deaf())
    with pytest.raises(InvalidRequest):
        fixture.app()


# Verifying


def test_verification_says_what_fcm_said_and_is_audited() -> None:
    fixture = Fixture()
    app = fixture.app()
    assert verify_app(fixture.deps, a_call(), app.id).is_accepted
    fixture.sender.answers = REFUSED
    said = verify_app(fixture.deps, a_call(), app.id)
    assert (said.kind, said.code, said.http_status) == (Kind.PERMISSION_DENIED, "HTTP_403", 403)
    assert [entry.facts for _, entry in fixture.audit.entries if entry.action == "app.verified"] == [
        {"result": "accepted", "code": ""},
        {"result": "permission_denied", "code": "HTTP_403"},
    ]


def test_verification_asks_for_a_new_access_token() -> None:
    fixture = Fixture()
    app = fixture.app()
    fixture.sender.renewed.clear()
    verify_app(fixture.deps, a_call(), app.id)
    assert fixture.sender.renewed == [app.id]


def test_verification_that_nobody_answers_is_an_outage() -> None:
    fixture = Fixture()
    app = fixture.app()
    fixture.sender.answers = {VALIDATION_TOPIC: Answer(0)}
    with pytest.raises(Unavailable):
        verify_app(fixture.deps, a_call(), app.id)
