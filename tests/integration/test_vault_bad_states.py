"""Every bad state that a Vault can get into while a rotation runs: it stops with 4 or 5 and says what to do; when that
is done, the rotation goes on.

Elsewhere are: KV version 1, `max_versions=1`, `delete_version_after` (test_vault_commands.py); a wrong authority or name
(test_vault_logins.py), an expired certificate, a standby before the first write (tests/unit/test_vault_client.py); a
connection that breaks before or after the commit, a stranger's write (test_vault_faults.py).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.fakes import vault_stores
from tests.fakes.clock import FakeClock
from tests.fakes.scripted_server import ScriptedServer, reply
from tests.fakes.vault_proxy import Answer, Asked, VaultProxy
from tests.integration.openbao import OpenBao
from tests.integration.vault_scene import Scene
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.stores.vault.policies import VaultStoreRole, policy

POLICY = "bad-states"


@dataclass
class Runner:
    """A scene whose runner has no more than the printed rotator's policy."""

    scene: Scene
    login: str = ""

    def __post_init__(self) -> None:
        self.allow(policy(VaultStoreRole.ROTATOR, self.scene.place))
        self.log_in()

    def allow(self, text: str) -> None:
        self.scene.server.api("PUT", f"sys/policies/acl/{POLICY}", {"policy": text})

    def log_in(self) -> None:
        body = {"policies": [POLICY], "ttl": "1h", "no_default_policy": True}
        self.login = self.scene.server.api("POST", "auth/token/create", body).json()["auth"]["client_token"]


@pytest.fixture(scope="module")
def proxy(openbao: OpenBao) -> Iterator[VaultProxy]:
    with VaultProxy(openbao.port) as proxy:
        yield proxy


@pytest.fixture
def runner(openbao: OpenBao, proxy: VaultProxy) -> Iterator[Runner]:
    proxy.clear()
    yield Runner(Scene(openbao, proxy))
    proxy.clear()


@dataclass(frozen=True)
class State:
    words: str
    hint: str
    begin: Callable[[Runner], object]
    mend: Callable[[Runner], object] = lambda _runner: None


def answers(answer: Answer) -> Callable[[Runner], object]:
    """From now on the server, or what stands before it, says nothing else."""

    def begin(runner: Runner) -> None:
        runner.scene.proxy.fault = lambda _number, _asked: answer

    return begin


STATES = {
    "the login was revoked": State(
        "expired or was revoked", "--resume",
        lambda runner: runner.scene.server.api("POST", "auth/token/revoke", {"token": runner.login}),
        lambda runner: runner.log_in(),
    ),
    "the policy was taken away": State(
        "lacks a permission", "init --print-policy",
        lambda runner: runner.allow('path "auth/token/lookup-self" { capabilities = ["read"] }'),
        lambda runner: runner.allow(policy(VaultStoreRole.ROTATOR, runner.scene.place)),
    ),
    "not initialised": State("not initialised", "check the address", answers(Answer(501))),
    "sealed": State("sealed", "unseal", answers(Answer(503))),
    "a standby": State("standby", "another address", answers(Answer(472))),
    "throttled without end": State("fewer requests", "quota", answers(Answer(429))),
    "a replica that stays behind": State("behind its leader", "leader's address", answers(Answer(412))),
    "failing": State("failed to answer", "server's log", answers(Answer(500))),
    "a portal": State("not a vault", "and the proxy", answers(Answer(200, "sign in"))),
    "an entry too large": State("too large", "short", answers(Answer(413))),
}  # fmt: skip
CALLS = {"with the new value in memory": "/cand/", "about to publish": "/live/"}
first, *others = CALLS


@pytest.mark.parametrize("call", [first, *(pytest.param(each, marks=pytest.mark.slow) for each in others)])
@pytest.mark.parametrize("state", STATES)
def test_a_bad_state_in_the_middle_says_what_to_do_and_the_rotation_goes_on(runner: Runner, state: str, call: str):
    scene, bad = runner.scene, STATES[state]
    scene.again("one", runner.login)
    began = []

    def until(_number: int, asked: Asked) -> Answer | None:
        if asked.method == "POST" and CALLS[call] in asked.path and not began:
            began.append(asked)
            scene.proxy.clear()
            bad.begin(runner)
            return scene.proxy.fault(1, asked)
        return None

    scene.proxy.fault = until
    error = stopped(scene)
    assert began, "the state never began"
    assert bad.words in error.message
    assert bad.hint in error.hint
    served = scene.server.api("GET", f"secret/data/{scene.place.live('video/upload/prod')}").json()["data"]["data"]
    assert served["token"] in [made.value for made in scene.bench.world.living()], "consumers read a dead token"
    scene.proxy.clear()
    bad.mend(runner)
    scene.again("two", runner.login)
    scene.bench.engine.resume(scene.token)
    scene.check_done()


def stopped(scene: Scene) -> TokenguardError:
    with pytest.raises(TokenguardError) as caught:
        scene.bench.engine.rotate(scene.token)
    assert caught.value.exit_code in {ExitCode.UNREACHABLE, ExitCode.NOT_PROVEN_DEAD}
    return caught.value


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_in_the_middle_is_an_error_and_the_other_host_hears_nothing(runner: Runner, status: int):
    scene = runner.scene
    with ScriptedServer(reply(200, b"{}")) as other:
        away = Answer(status, headers=(("Location", f"{other.url}/v1/secret/data/x"),))
        scene.proxy.fault = lambda number, _asked: away if number >= 9 else None
        error = stopped(scene)
        assert other.connections == 0
    assert "redirect" in error.message
    assert "address" in error.hint
    scene.proxy.clear()
    scene.again()
    scene.bench.engine.resume(scene.token)
    scene.check_done()


def test_a_document_that_is_soft_deleted_in_the_middle_is_written_again_by_the_next_step(runner: Runner):
    """A soft delete leaves the version where it was, and this runner knows the document: nothing is lost."""
    scene = runner.scene

    def delete(number: int, _asked: Asked) -> None:
        if number == 9:
            path = scene.place.document(scene.token)
            scene.server.api("DELETE", f"secret/data/{path}")

    scene.proxy.fault = delete
    scene.bench.engine.rotate(scene.token)
    scene.check_done()


def test_a_login_that_is_denied_once_is_not_taken_for_one_that_ended(runner: Runner):
    scene = runner.scene
    scene.again("one", runner.login)
    scene.proxy.fault = lambda number, _asked: Answer(403) if number == 9 else None
    assert "lacks a permission" in stopped(scene).message


class JumpingClock(FakeClock):
    """A wall clock that somebody sets to and fro by years at each look; the monotonic one goes on."""

    looks = 0

    def now(self):
        self.looks += 1
        years = (0, 10, -10, 3)[self.looks % 4]
        return super().now() + timedelta(days=365 * years)


def test_a_wall_clock_that_jumps_by_years_ends_no_rotation_and_no_login(runner: Runner):
    """Leases and death windows are counted by the monotonic clock; nothing is revoked because of a date."""
    scene = runner.scene
    clock = JumpingClock()
    clock.elapsed = scene.bench.clock.elapsed
    scene.bench.clock = scene.bench.world.clock = clock
    through = vault_stores.connection(scene.proxy.url, runner.login)
    through._clock = clock
    scene.store = scene.bench.store = vault_stores.opened(scene.place, through)
    scene.bench.engine = scene.bench.runner("one")
    scene.bench.engine.rotate(scene.token)
    scene.check_done()
    assert clock.looks > 20
