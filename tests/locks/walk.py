"""The walk: every lock of a door is tried, and what gets in or learns something is a breach, told in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from werkzeug.test import TestResponse

from fanfare.web.gate import Access
from tests.locks.answers import Told, exact, told, words_in
from tests.locks.asking import Ask, garbled, send
from tests.locks.credentials import client_locks, colleague, key_locks, scope_locks, user_locks
from tests.locks.door import Door
from tests.locks.doors import DOORS
from tests.locks.home import Home, words_of
from tests.locks.prepared import Pair, Prepared, Users, prepare
from tests.locks.world import Headers, Snapshot, World

_FOR_THE_KNOWN = frozenset({"RateLimit", "RateLimit-Policy", "Access-Control-Allow-Origin", "Client-Token-Expires", "Retry-After"})


class Walk:
    """Tries locks in one world. `tried` counts them by name, `refusals` keeps what was answered to whoever did not get in."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tried: Counter[str] = Counter()
        self.refusals: list[str] = []
        self._client_locks, self._user_locks, self._colleague = client_locks(world), user_locks(world), colleague(world)
        self._scoped: dict[tuple[str, ...], Mapping[str, Headers]] = {}
        # What a client of one tenant has called its own things is no longer the other one's word alone.
        self._said: set[str] = set()
        self._found: dict[str, list[str]] = {}

    def breaches(self, door: Door) -> list[str]:
        """Everything that is wrong with a door's locks; each door is walked through once."""
        if door.route not in self._found:
            self._found[door.route] = self._try_all(door)
        return self._found[door.route]

    def finish(self) -> None:
        """Walk through the doors that are left: what was answered, logged and stored meanwhile is looked through as a whole."""
        for door in DOORS:
            self.breaches(door)

    def _try_all(self, door: Door) -> list[str]:
        ready = prepare(self.world, door)
        self._scopes(ready.access)
        before = self.world.snapshot()
        found = [f"{door.route} with {breach}" for breach in self._shut(ready)]
        found += self._written(door, before, before_all := self.world.snapshot(), "refused requests")
        found += [f"{door.route} with {breach}" for breach in self._open(ready)]
        found += self._written(door, before_all, after := self.world.snapshot(), "what another tenant was let do", of=self.world.globex)
        found += [f"{door.route} with {breach}" for breach in self._borrowed_by_another_tenant(ready)]
        return found + self._written(door, after, self.world.snapshot(), "a repeated idempotency key", of=self.world.acme)

    def _shut(self, ready: Prepared) -> Iterator[str]:
        """What must open nothing."""
        yield from self._alike(ready, {**self._client_locks, **key_locks(self.world, self._client_locks, ready.access)}, ready.good)
        yield from self._unknown_otherwise(ready)
        yield from self._heads(ready)
        yield from self._unscoped(ready)
        for name, pair in ready.paths.items():
            yield from self._same(ready, f"another tenant's {name} in the path", pair, ready.owner, ready.door.refusal)
        if ready.door.admins_for_others:
            pair = Pair(ready.good, ready.paths["id"].nobodys)
            yield from self._same(ready, "a colleague's id, asked for by no admin", pair, self._colleague, 404)
        yield from self._strange_cursors(ready)
        if ready.users is not None:
            yield from self._as_users(ready, ready.users)

    def _open(self, ready: Prepared) -> Iterator[str]:
        """What is let in and must learn nothing; at the end the good request, which every lock was tried with."""
        for name, pair in ready.mentions.items():
            yield from self._same(ready, f"another tenant's {name} in query or body", pair, ready.owner, None)
        yield from self._borrowed_by_a_colleague(ready)
        yield from self._welcome(ready, "a good credential", ready.owner, ready.good)
        if ready.access.access_key:
            yield from self._welcome(ready, "a good access key", {"X-Access-Key": ready.owner["Client-Token"]}, ready.good)
        if ready.access.bearer_token:
            yield from self._welcome(ready, "a good token as bearer", {"Authorization": f"Bearer {ready.owner['Client-Token']}"}, ready.good)
        if ready.users is not None:
            yield from self._welcome(ready, "a good ID token", ready.users.headers, ready.users.good)
        yield from self._spoiled(ready)

    def _alike(self, ready: Prepared, locks: Mapping[str, Headers], ask: Ask) -> Iterator[str]:
        """Credentials that must all be answered the same, to the byte, and with nothing that belongs to a caller who is known."""
        first: Told | None = None
        for name, headers in locks.items():
            answer = exact(self._try(name, ready, ask, headers))
            first = first or answer
            if answer.status != 401 or not _FOR_THE_KNOWN.isdisjoint(dict(answer.headers)):
                yield f"{name}: {answer}"
            elif answer != first:
                yield f"{name}: {answer} is not {first}"

    def _unknown_otherwise(self, ready: Prepared) -> Iterator[str]:
        """What stands in a query is in logs of proxies: it is no credential, nor a half of one. And nobody's body is read."""
        expected = exact(self._try("no credential", ready, ready.good, {}))
        in_query, broken = ready.good.with_query(**ready.owner), replace(ready.good, broken=b'{"title": ')
        ways: list[tuple[str, Ask, Headers]] = [
            ("a credential in the query", in_query, {}),
            ("a token in the query", in_query, {"Client-ID": ready.owner["Client-ID"]}),
            ("no credential and a broken body", broken, {}),
        ]
        for name, ask, headers in ways:
            answer = exact(self._try(name, ready, ask, headers))
            if answer != expected:
                yield f"{name}: {answer} is not {expected}"

    def _heads(self, ready: Prepared) -> Iterator[str]:
        """A route that shows something also takes HEAD."""
        if not ready.door.route.startswith("GET "):
            return
        unscoped = self._scopes(ready.access)["no scope at all"]
        for name, headers, status in (("no credential, by HEAD", {}, 401), ("no scope at all, by HEAD", unscoped, 403)):
            answer = self._try(name, ready, ready.good, headers, method="HEAD")
            if answer.status_code != status:
                yield f"{name}: {exact(answer)}"

    def _unscoped(self, ready: Prepared) -> Iterator[str]:
        """Who lacks the scope is told so, and nothing of what the path names."""
        asks = [ready.good, *(ask for pair in ready.paths.values() for ask in (pair.theirs, pair.nobodys))]
        for name, headers in self._scopes(ready.access).items():
            answers = [told(self._try(f"a missing scope: {name}", ready, ask, headers), ()) for ask in asks]
            if answers[0].status != 403:
                yield f"{name} instead of the scope: {answers[0]}"
            if any(answer != answers[0] for answer in answers):
                yield f"{name} instead of the scope: {[str(answer) for answer in answers]} are not the same"

    def _strange_cursors(self, ready: Prepared) -> Iterator[str]:
        first: Told | None = None
        for name, ask in ready.cursors.items():
            answer = told(self._try(name, ready, ask, ready.owner), ())
            first = first or answer
            if answer.status != 400 or answer != first:
                yield f"{name}: {answer}, where garbage gets {first}"

    def _as_users(self, ready: Prepared, users: Users) -> Iterator[str]:
        yield from self._alike(ready, self._user_locks, users.good)
        both = self._try("two credentials at once", ready, users.good, {**users.headers, **ready.owner})
        if both.status_code != 400:
            yield f"two credentials at once: {exact(both)}"
        for name, pair in users.paths.items():
            yield from self._same(ready, name, pair, users.headers, 404)
        for name, pair in users.bodies.items():
            yield from self._same(ready, name, pair, users.headers, 403)

    def _same(self, ready: Prepared, name: str, pair: Pair, headers: Headers, status: int | None) -> Iterator[str]:
        """Another tenant's thing is answered like one that exists nowhere, and nothing of the other tenant is read."""
        theirs, nobodys = (self._try(name, ready, ask, headers) for ask in (pair.theirs, pair.nobodys))
        named = words_in([pair.theirs.said, pair.nobodys.said])
        heard, expected = (told(answer, named | self.world.acme.facts) for answer in (theirs, nobodys))
        if heard != expected or (status or heard.status) != heard.status or heard.status >= 500:
            yield f"{name}: {heard}, where nobody's gets {expected}"
        leaked = [fact for fact in self.world.globex.facts - named - self._said if fact in theirs.text]
        if leaked:
            yield f"{name}: the answer holds {leaked}"
        self._said |= words_in([pair.theirs.query, pair.theirs.body, pair.theirs.form])

    def _borrowed_by_a_colleague(self, ready: Prepared) -> Iterator[str]:
        """A repeat of a key is answered again to whoever made it, and to no other client of the tenant."""
        if ready.repeated is None:
            return
        second = self.world.second_platform if ready.door.platform else self.world.second
        first, again = (self._keyed("the same key by its own client", ready, ready.owner) for _ in range(2))
        if first.status_code >= 300 or (again.headers.get("Idempotent-Replayed"), again.text) != ("true", first.text):
            yield f"its own key repeated: {exact(again)}, where the first answer was {exact(first)}"
        other = self._keyed("the key of another client of the tenant", ready, second)
        if "Idempotent-Replayed" in other.headers or _has_token_of(other, first):
            yield f"another client's key: {exact(other)}"
        self.world.acme.facts.update(words_of(first.json))

    def _borrowed_by_another_tenant(self, ready: Prepared) -> Iterator[str]:
        if ready.repeated is None:
            return
        answer = self._keyed("the key of another tenant's client", ready, self.world.globex.owner)
        named = words_in(ready.repeated.said)
        leaked = [fact for fact in self.world.acme.facts - named if fact in answer.text]
        if "Idempotent-Replayed" in answer.headers or leaked:
            yield f"another tenant's key: {exact(answer)} holds {leaked}"

    def _spoiled(self, ready: Prepared) -> Iterator[str]:
        """A value that is none is refused or taken, and quoted by nobody; the errors are looked through at the end."""
        spoiled = [replace(ready.good, body=body) for body in garbled(ready.good.body)]
        spoiled += [replace(ready.good, form=form) for form in garbled(ready.good.form)]
        for ask in spoiled:
            answer = self._try("a spoiled value", ready, ask, ready.owner)
            if answer.status_code >= 500:
                yield f"a spoiled value: {exact(answer)}"

    def _keyed(self, lock: str, ready: Prepared, headers: Headers) -> TestResponse:
        assert ready.repeated is not None
        return self._try(lock, ready, ready.repeated, {**headers, "Idempotency-Key": ready.key})

    def _welcome(self, ready: Prepared, name: str, headers: Headers, ask: Ask) -> Iterator[str]:
        answer = self._try(name, ready, ask, headers)
        if not 200 <= answer.status_code < 300:
            yield f"{name} is not let in: {exact(answer)}"
        leaked = [fact for fact in self.world.globex.facts - self._said if fact in answer.text]
        if leaked and not ready.door.platform:
            yield f"{name} reads {leaked} of another tenant"

    def _try(self, lock: str, ready: Prepared, ask: Ask, headers: Headers, *, method: str | None = None) -> TestResponse:
        self.tried[lock] += 1
        answer = send(self.world.phone, ready.door.route, ask, {**self.world.page, **headers}, method=method)
        if answer.status_code >= 400:
            self.refusals.append(answer.text)
        elif answer.is_json and method is None and "token" in answer.json:
            self.world.names.keep_secrets([answer.json["token"]])
        return answer

    def _written(self, door: Door, before: Snapshot, after: Snapshot, by: str, of: Home | None = None) -> list[str]:
        changed = [place for place in before.keys() | after.keys() if before.get(place) != after.get(place)]
        concerned = [place for place in changed if of is None or of.id in f"{place} {before.get(place)!r} {after.get(place)!r}"]
        return [f"{door.route}: {by} changed {sorted(concerned)}"] if concerned else []

    def _scopes(self, access: Access) -> Mapping[str, Headers]:
        if access.scopes not in self._scoped:
            self._scoped[access.scopes] = scope_locks(self.world, access)
        return self._scoped[access.scopes]


def _has_token_of(answer: TestResponse, first: TestResponse) -> bool:
    token = (first.json or {}).get("token")
    return token is not None and token in answer.text


def count_of(walk: Walk) -> str:
    """How many locks were tried at how many doors, for whoever reads the run."""
    return f"{sum(walk.tried.values())} requests tried {len(walk.tried)} locks of {len(DOORS)} routes"
