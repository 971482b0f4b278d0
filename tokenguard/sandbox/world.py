"""What the sandbox vendors know: Drives, an organisation, and every credential ever issued. In memory, thread-safe."""

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tokenguard.domain.secret import Secret
from tokenguard.ports.clock import Clock
from tokenguard.sandbox import fake_values
from tokenguard.sandbox.callbacks import Callbacks, Hook
from tokenguard.sandbox.fault_settings import FaultSettings
from tokenguard.sandbox.limits import Limiter


@dataclass(frozen=True, slots=True)
class Project:
    """A Descript-like project."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Drive:
    """A Descript-like Drive; every token leads to exactly one."""

    id: str
    name: str
    projects: tuple[Project, ...] = ()
    job_ids: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Issued:
    """A credential: a Descript-like token (`place` is a Drive id) or an Autoposting-like key (`place` is the org)."""

    id: str
    name: str
    secret: Secret
    place: str
    created_at: datetime
    active_from: float
    scopes: tuple[str, ...] = ()
    session: bool = False
    """A person's login rather than a key."""
    unlisted: bool = False
    """In no list of keys: sessions, and the key that makes the others."""
    made_at: float = 0.0
    """By the monotonic clock."""
    revoked_at: float = 0.0
    dead_from: float | None = None
    revoked: bool = False
    """Gone from every list, though perhaps still accepted for the length of the lag."""
    expires_at: datetime | None = None
    used_at: datetime | None = None

    @property
    def hint(self) -> str:
        """What is shown instead of the value."""
        text = self.secret.reveal()
        return f"{text[:10]}...{text[-4:]}"


@dataclass(slots=True)
class _Books:
    tokens: dict[str, Issued] = field(default_factory=dict)
    keys: dict[str, Issued] = field(default_factory=dict)


class World:
    """The state behind both vendors; tests and the demo may act on it directly."""

    def __init__(self, knobs: FaultSettings, clock: Clock) -> None:
        self.knobs = knobs
        self.clock = clock
        self.limiter = Limiter()
        self.drives = _drives()
        self.org_id = f"org_{secrets.token_hex(8)}"
        self.calls: Counter[str] = Counter()
        """Requests by method and route, for example `GET /v1/projects/{id}`."""
        self.values: set[str] = set()
        """Every value ever issued, for leak checks."""
        self.jobs: dict[str, str] = {}
        """The Drive of each job that was created here."""
        self.hooks: dict[str, Hook] = {}
        self.callbacks = Callbacks(clock)
        self._books = _Books()
        self._lock = threading.RLock()
        self.admin = self._issue(
            self._books.keys, name="admin", value=fake_values.autoposting_key, place=self.org_id, scopes=("*",)
        )
        self.admin.unlisted = True

    def count(self, route: str) -> None:
        """Note a request."""
        with self._lock:
            self.calls[route] += 1

    def drive(self, drive_id: str) -> Drive | None:
        """The Drive of that id."""
        return next((drive for drive in self.drives if drive.id == drive_id), None)

    def create_token(self, name: str, drive_id: str) -> Issued:
        """Make a Descript-like token; KeyError if there is no such Drive."""
        if self.drive(drive_id) is None:
            raise KeyError(drive_id)
        return self._issue(self._books.tokens, name=name, value=fake_values.descript_token, place=drive_id)

    def create_key(self, name: str, scopes: Sequence[str], expires_at: datetime | None = None) -> Issued:
        """Make an Autoposting-like key."""
        issued = self._issue(
            self._books.keys, name=name, value=fake_values.autoposting_key, place=self.org_id, scopes=tuple(scopes)
        )
        issued.expires_at = expires_at
        return issued

    def create_job(self, drive: Drive) -> str:
        """Make a job on a Drive, as any import, edit or publication does; its id."""
        job = secrets.token_hex(8)
        with self._lock:
            self.jobs[job] = drive.id
        return job

    def create_hook(self, url: str, events: Sequence[str]) -> Hook:
        """Register a webhook of the Autoposting-like vendor."""
        secret = fake_values.webhook_secret()
        hook = Hook(id=f"wh_{secrets.token_hex(8)}", url=url, events=tuple(events), secret=Secret(secret))
        with self._lock:
            self.values.add(secret)
            self.hooks[hook.id] = hook
        return hook

    def emit(self, event: str, data: dict[str, object]) -> None:
        """Deliver an event to every webhook that asked for it."""
        with self._lock:
            hooks = [hook for hook in self.hooks.values() if event in hook.events]
        for hook in hooks:
            self.callbacks.event(hook, event, self.org_id, data)

    def tokens(self) -> tuple[Issued, ...]:
        """Descript-like tokens that are not revoked, oldest first."""
        with self._lock:
            return tuple(token for token in self._books.tokens.values() if not token.revoked)

    def keys(self) -> tuple[Issued, ...]:
        """Autoposting-like keys that are not revoked, oldest first, without what no list has."""
        with self._lock:
            return tuple(key for key in self._books.keys.values() if not key.revoked and not key.unlisted)

    def listed_keys(self) -> tuple[Issued, ...]:
        """The keys as the vendor's list has them, which may lag behind and may keep those that are revoked."""
        now, style = self.clock.monotonic(), self.knobs.list_style
        lag = style.lag
        with self._lock:
            keys = [key for key in self._books.keys.values() if not key.unlisted]
        return tuple(
            key
            for key in keys
            if now >= key.made_at + lag and (style.statuses[1] or not (key.revoked and now >= key.revoked_at + lag))
        )

    def revoke_token(self, token_id: str) -> bool:
        """End a token, after the lag; False if there is none (any more)."""
        return self._revoke(self._books.tokens, token_id)

    def revoke_key(self, key_id: str) -> bool:
        """End a key, after the lag; False if there is none (any more), or it is in no list."""
        key = self._books.keys.get(key_id)
        return key is not None and not key.unlisted and self._revoke(self._books.keys, key_id)

    def log_in(self) -> Issued:
        """A person's session at the Autoposting-like vendor."""
        session = self._issue(
            self._books.keys, name="session", value=fake_values.session_token, place=self.org_id, scopes=("*",)
        )
        session.session = session.unlisted = True
        return session

    def log_out(self, session: Issued) -> None:
        """End a session at once."""
        self._revoke(self._books.keys, session.id)

    def update_key(
        self, key_id: str, *, name: str | None = None, expiry: tuple[datetime | None] | None = None
    ) -> Issued | None:
        """Change what is given of a listed key; None if there is no such key."""
        with self._lock:
            key = next((key for key in self.keys() if key.id == key_id), None)
            if key is not None and name is not None:
                key.name = name
            if key is not None and expiry is not None:
                key.expires_at = expiry[0]
            return key

    def token_of(self, value: str) -> Issued | None:
        """The token that `value` authenticates now."""
        return self._accepted(self._books.tokens, value)

    def key_of(self, value: str) -> Issued | None:
        """The key that `value` authenticates now."""
        return self._accepted(self._books.keys, value)

    def alive(self, value: str) -> bool:
        """Whether either vendor accepts `value` now."""
        return bool(self.token_of(value) or self.key_of(value))

    def _issue(
        self,
        book: dict[str, Issued],
        *,
        name: str,
        value: Callable[[], str],
        place: str,
        scopes: tuple[str, ...] = (),
    ) -> Issued:
        with self._lock:
            text = value()
            issued = Issued(
                id=f"key_{secrets.token_hex(10)}",
                name=name,
                secret=Secret(text),
                place=place,
                created_at=self.clock.now().astimezone(UTC),
                active_from=self.clock.monotonic() + self.knobs.activation_lag,
                made_at=self.clock.monotonic(),
                scopes=scopes,
            )
            self.values.add(text)
            book[issued.id] = issued
            return issued

    def _revoke(self, book: dict[str, Issued], issued_id: str) -> bool:
        with self._lock:
            issued = book.get(issued_id)
            if issued is None or issued.revoked:
                return False
            issued.revoked = True
            issued.revoked_at = self.clock.monotonic()
            issued.dead_from = self.clock.monotonic() + self.knobs.revoke_lag
            return True

    def _accepted(self, book: dict[str, Issued], value: str) -> Issued | None:
        with self._lock:
            now = self.clock.monotonic()
            for issued in book.values():
                if issued.secret == Secret(value):
                    dead = issued.dead_from is not None and now >= issued.dead_from
                    lag = timedelta(seconds=self.knobs.revoke_lag)
                    expired = issued.expires_at is not None and self.clock.now() >= issued.expires_at + lag
                    return None if dead or expired or now < issued.active_from else issued
            return None


def _drives() -> tuple[Drive, ...]:
    def drive(name: str, *projects: str, jobs: int = 0) -> Drive:
        return Drive(
            secrets.token_hex(8),
            name,
            tuple(Project(secrets.token_hex(8), project) for project in projects),
            tuple(secrets.token_hex(8) for _ in range(jobs)),
        )

    return (
        drive("Marketing", "Launch film", "Customer stories", jobs=1),
        drive("Product", "Release notes 12", "Onboarding", jobs=1),
        drive("Archive", jobs=1),
        drive("Empty"),
    )
