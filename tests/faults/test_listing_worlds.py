"""Providers whose list pages otherwise than it says, lies about its length, or lags: every verb ends in truth or unknown.

What returns normally has said that nothing else is alive; then nothing else may be. What cannot say that ends with exit
4 or 5, and goes on where it stopped once the list can be read.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.provider_files import SANDBOX_FILE, provider_file
from tests.fakes.world import AbsentOperator, FakeDeliveries, Quiet
from tokenguard.domain.names import TokenId, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.frozen import replace
from tokenguard.ports.provider import Issuer, Provider, TokenList, Vendor
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.rotation.engine import Engine
from tokenguard.rotation.session import Context
from tokenguard.sandbox.fault_settings import FaultSettings, ListPaging, ListStyle, Operation
from tokenguard.sandbox.sandbox_server import Sandbox

FILLERS = 71
"""More than one answer holds, by the vendor's default of 50."""
NAME = "video/upload/prod"
DECLARED = {
    "offset": "paging: offset\n  limit: limit\n  total: /total",
    "page": "paging: page",
    "cursor": "paging: cursor\n  next: /pagination/nextCursor",
    "link": "paging: link",
    "none": "paging: none",
}


class Renumbered:
    """An issuer whose list gives each key another id than the answer to its creation; only that one can be revoked."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self.create = issuer.create

    def listed(self) -> TokenList:
        found = self._issuer.listed()
        rows = tuple(replace(row, provider_id=f"x-{row.provider_id}", hint="") for row in found.rows)
        return replace(found, rows=rows)

    def revoke(self, provider_id: str) -> None:
        if provider_id.startswith("x-"):
            self._issuer.revoke(provider_id.removeprefix("x-"))


@dataclass
class Scene:
    """An engine over a real provider adapter and the sandbox."""

    sandbox: Sandbox
    provider: Provider
    clock: FakeClock
    store: MemoryStore = field(init=False)
    progress: Quiet = field(default_factory=Quiet)
    renumbered: bool = False

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)
        self.engine = Engine(
            Context(
                store=self.store, vendors=self, deliveries=FakeDeliveries(), operator=AbsentOperator(),
                progress=self.progress, clock=self.clock, holder="testhost/1/one", attended=False,
            )
        )  # fmt: skip

    def of(self, _record: Record) -> Vendor:
        api = issuer(self.provider, Value.of(self.sandbox.info.admin_key))
        return Vendor(self.provider, Renumbered(api) if self.renumbered else api)

    def record(self) -> Record:
        return Record(
            name=token_name(NAME), provider=self.provider.name, base_url=self.provider.base_url, environment="prod",
            scope=Scope("org", self.sandbox.info.org_id), purpose="upload", owner="video", permissions=("posts:read",),
            consumers=(),
        )  # fmt: skip

    def token(self) -> TokenId:
        found = self.store.find(NAME)
        assert found is not None
        return found.id

    def ours(self) -> set[str]:
        """Ids of the keys that are alive and are not filler."""
        alive = (key for key in self.sandbox.world.keys() if not key.name.startswith("filler"))  # noqa: SIM118
        return {key.id for key in alive}

    def served(self) -> set[str]:
        """The id of the key that the store serves."""
        live = self.store.read_live(self.token())
        key = self.sandbox.world.key_of(live.value.token.reveal()) if live else None
        return {key.id} if key else set()


@contextmanager
def scene(folder: Path, declared: str = "", more: str = "", status: str = "") -> Iterator[Scene]:
    """Over Autoposting's own adapter, or a provider file that declares `declared`; with an honest list to begin with."""
    clock = FakeClock()
    with Sandbox(knobs=FaultSettings(), clock=clock) as sandbox:
        url = sandbox.info.autoposting_url
        if declared:
            text = SANDBOX_FILE.replace("paging: offset\n  limit: limit", DECLARED[declared])
            text = text.replace("  items: /data\n", f"  items: /data\n{status}")
            settings = ProviderSettings(file=provider_file(folder, url, text + more))
            sandbox.knobs.list_style.paging = ListPaging(declared)
        else:
            settings = ProviderSettings(base_url=url)
        for number in range(FILLERS):
            sandbox.world.create_key(f"filler-{number}", [])
        yield Scene(sandbox, build("acme" if declared else "autoposting", settings, clock), clock)


def churn(sandbox: Sandbox) -> Callable[[int], None]:
    """One old key goes before every second answer, and one is made, for the first dozen of answers."""
    rounds = iter((True, False) * 6)

    def change(_number: int) -> None:
        if next(rounds, False):
            keys = sandbox.world.keys()
            sandbox.world.revoke_key(next(key.id for key in keys if key.name.startswith("filler")))
            sandbox.world.create_key("filler-new", [])

    return change


def lose_create(scene: Scene) -> None:
    scene.sandbox.knobs.drop_reply_after_commit[Operation.KEY_CREATE] = 1


def issue(scene: Scene) -> None:
    scene.engine.issue(scene.record())


def lost_issue(scene: Scene) -> None:
    lose_create(scene)
    try:
        scene.engine.issue(scene.record())
    except TokenguardError:
        scene.engine.resume(scene.token())


def lost_rotation(scene: Scene) -> None:
    lose_create(scene)
    try:
        scene.engine.rotate(scene.token())
    except TokenguardError:
        scene.engine.resume(scene.token())


def lost_and_aborted(scene: Scene) -> None:
    lose_create(scene)
    try:
        scene.engine.rotate(scene.token())
    except TokenguardError:
        scene.engine.abort(scene.token())


VERBS: dict[str, Callable[[Scene], object]] = {
    "issue": issue,
    "issue, reply lost": lost_issue,
    "rotate": lambda scene: scene.engine.rotate(scene.token()),
    "rotate, reply lost": lost_rotation,
    "rotate, reply lost, abort": lost_and_aborted,
    "rotate --compromised": lambda scene: scene.engine.rotate(scene.token(), compromised=True),
    "retire": lambda scene: scene.engine.retire(scene.token()),
}
STYLES: dict[str, Callable[[], ListStyle]] = {
    "as documented": ListStyle,
    "newest first": lambda: ListStyle(newest_first=True),
    "wrapped": lambda: ListStyle(wrapped=True),
    "wrapped, newest first, no total": lambda: ListStyle(wrapped=True, newest_first=True, total=False),
    "no total": lambda: ListStyle(total=False),
    "a total that is too small": lambda: ListStyle(total_off=-21),
    "a total that is too large": lambda: ListStyle(total_off=3),
    "at most 20 a page": lambda: ListStyle(most=20, total=False),
    "whole": lambda: ListStyle(paging=ListPaging.NONE, total=False),
    "by cursor": lambda: ListStyle(paging=ListPaging.CURSOR, total=False),
    "by page": lambda: ListStyle(paging=ListPaging.PAGE, total=False),
    "by page, newest first, total": lambda: ListStyle(paging=ListPaging.PAGE, newest_first=True),
    "by link": lambda: ListStyle(paging=ListPaging.LINK, total=False),
    "a list that lags": lambda: ListStyle(lag=0.25),
}
CERTAIN = {
    "as documented",
    "newest first",
    "wrapped",
    "wrapped, newest first, no total",
    "no total",
    "at most 20 a page",
}
"""Where the list can be read by its rule, nothing may be left unknown."""


def failure(work: Callable[[], object]) -> TokenguardError | None:
    try:
        work()
    except TokenguardError as error:
        return error
    return None


def play(scene: Scene, verb: str, style: Callable[[], ListStyle], *, certain: bool) -> None:
    knobs = scene.sandbox.knobs
    honest = knobs.list_style
    if not verb.startswith("issue"):
        scene.engine.issue(scene.record())
    knobs.list_style = style()
    stopped = failure(lambda: VERBS[verb](scene))
    if stopped is not None:
        assert not certain, stopped
        assert stopped.exit_code in {ExitCode.UNREACHABLE, ExitCode.NOT_PROVEN_DEAD}, stopped
        knobs.list_style = honest
        again = scene.engine.abort if verb.endswith("abort") else scene.engine.resume
        again(scene.token())
    assert scene.ours() == scene.served(), scene.progress.lines
    assert bool(scene.served()) == (verb != "retire")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("style", STYLES)
def test_a_list_of_any_style_ends_in_truth_or_unknown(verb, style, tmp_path):
    with scene(tmp_path) as played:
        play(played, verb, STYLES[style], certain=style in CERTAIN)


@pytest.mark.parametrize("verb", ["issue, reply lost", "rotate", "rotate, reply lost", "retire"])
@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest-first", "newest-first"])
def test_every_declared_paging_is_read_to_its_end(declared, verb, newest_first, tmp_path):
    def style() -> ListStyle:
        return ListStyle(paging=ListPaging(declared), newest_first=newest_first, most=30)

    with scene(tmp_path, declared) as played:
        play(played, verb, style, certain=True)


@pytest.mark.parametrize("verb", ["issue, reply lost", "rotate, reply lost", "retire"])
@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest-first", "newest-first"])
def test_keys_that_come_and_go_while_the_list_is_read_hide_nothing(verb, newest_first, tmp_path):
    with scene(tmp_path) as played:

        def style() -> ListStyle:
            return ListStyle(newest_first=newest_first, most=20, total=False, before_answer=churn(played.sandbox))

        play(played, verb, style, certain=False)


@pytest.mark.parametrize("verb", ["rotate", "rotate --compromised", "retire", "rotate, reply lost"])
def test_a_revocation_that_does_nothing_is_noticed(verb, tmp_path):
    with scene(tmp_path) as played:
        played.engine.issue(played.record())
        before = played.ours()
        played.sandbox.knobs.idle_delete = True
        with pytest.raises(TokenguardError) as caught:
            VERBS[verb](played)
        assert caught.value.exit_code in {ExitCode.UNREACHABLE, ExitCode.NOT_PROVEN_DEAD}
        assert before <= played.ours()
        assert not any("is discarded" in line or "is dead" in line for line in played.progress.lines)
        played.sandbox.knobs.idle_delete = False
        played.engine.resume(played.token())
        assert played.ours() == played.served()


@pytest.mark.parametrize(
    ("declared", "more", "lag"), [("", "", 0.1), ("", "", 0.29), ("offset", "list_lag: 20s\n", 15), ("none", "", 0.2)]
)
def test_a_create_younger_than_the_lists_lag_is_not_called_gone(declared, more, lag, tmp_path):
    """Autoposting documents no lag, so its adapter allows for as long as it looks at a death: 0.3 s on loopback."""
    with scene(tmp_path, declared, more) as played:
        played.sandbox.knobs.list_style.lag = lag
        lose_create(played)
        with pytest.raises(TokenguardError):
            played.engine.issue(played.record())
        began = played.clock.monotonic()
        played.engine.resume(played.token())
        assert played.clock.monotonic() - began >= lag, "it was waited for"
        assert played.ours() == played.served()


STATUS = "  status: {field: /status, alive: [active], ended: [revoked]}\n"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("declared", DECLARED)
def test_a_provider_that_keeps_revoked_tokens_in_its_list_ends_in_truth(declared, verb, tmp_path):
    """The provider file says what their status means."""
    with scene(tmp_path, declared, status=STATUS) as played:

        def style() -> ListStyle:
            return ListStyle(paging=ListPaging(declared), statuses=("active", "revoked"), most=30)

        played.sandbox.knobs.list_style = style()
        for key in played.sandbox.world.keys()[:9]:
            played.sandbox.world.revoke_key(key.id)
        play(played, verb, style, certain=True)


@pytest.mark.parametrize("verb", ["rotate", "rotate --compromised", "retire", "issue, reply lost"])
def test_a_status_that_the_file_does_not_name_leaves_it_unknown_or_to_the_probes(verb, tmp_path):
    with scene(tmp_path, "none", status=STATUS) as played:
        played.sandbox.knobs.list_style.statuses = ("active", "revoked")
        play(
            played,
            verb,
            lambda: ListStyle(paging=ListPaging.NONE, statuses=("active", "deactivated")),
            certain=False,
        )


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("declared", ["", "none"], ids=["autoposting", "provider file"])
def test_a_list_with_other_ids_than_at_creation_ends_no_key_in_use(declared, verb, tmp_path):
    with scene(tmp_path, declared) as played:
        played.renumbered = True
        play(played, verb, lambda: ListStyle(paging=ListPaging(declared or "offset")), certain=True)
