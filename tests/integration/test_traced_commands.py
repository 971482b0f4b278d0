"""P5: 200 commands, traced, in every way in which one can end: no value but where it was asked for, nothing sent elsewhere."""

import random
from dataclasses import dataclass

import click
import pytest

from tests.architecture.test_commands import _every_command
from tests.faults.rotation_faults import SEED
from tests.integration.traced_world import GIVEN, ISSUED, LEAKED, MODES, NEW, TracedWorld
from tokenguard.cli.base import Group

FACTS = ("--provider", "manual", "--scope", "org:x", "--env", "prod", "--owner", "video", "--purpose", "posting",
         "--no-consumers", "--no-verify")  # fmt: skip
ELSEWHERE = {"setup", "sandbox", "demo", "provider test"}
"""They have servers of their own, and tests that look at what they print."""


@dataclass(frozen=True)
class Case:
    """One command line, what it reads, and where it was asked to put a value."""

    line: str
    stdin: str = ""
    asked: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        return tuple(self.line.split())


def _runs(case: Case, leaf: str) -> bool:
    return case.line.split()[: len(leaf.split())] == leaf.split()


CASES: tuple[Case, ...] = (
    Case("init --no-input"),
    Case("doctor"),
    Case(f"add {NEW} {' '.join(FACTS)} --stdin", stdin=NEW),
    Case(f"add {NEW} {' '.join(FACTS)}", stdin=NEW),
    Case(f"add {NEW} {' '.join(FACTS)} --from-file ../given"),
    Case(f"add {GIVEN} {' '.join(FACTS)} --stdin", stdin=GIVEN),
    Case("list"),
    Case(f"show {ISSUED}"),
    Case(f"show {GIVEN} --reveal", asked=("output",)),
    Case(f"edit {ISSUED} --notes seen --yes"),
    Case("triage --plan"),
    Case(f"remove {GIVEN} --yes --reason mistaken"),
    Case("verify --name video/*/prod"),
    Case(f"rotate {ISSUED}"),
    Case(f"rotate {ISSUED} --compromised --reason leaked"),
    Case(f"rotate {GIVEN}", stdin=NEW),
    Case(f"retire {ISSUED} --yes --reason over"),
    Case("deliver --all"),
    Case("offboard alex --plan"),
    Case("upkeep ../tokens.yaml"),
    Case(f"runbook {ISSUED}"),
    Case("check"),
    Case("check ."),
    Case("policy show"),
    Case("policy lint ../policy.yaml"),
    Case("policy test ../tokens.yaml"),
    Case("policy schema"),
    Case("policy publish ../policy.yaml"),
    Case("policy pull"),
    Case("report --ask-providers"),
    Case("metrics"),
    Case("import ../import.env"),
    Case("import --from provider:autoposting"),
    Case("migrate --to local://{at}/other --yes"),
    Case("plan ../tokens.yaml"),
    Case("approve {digest} ../tokens.yaml --yes"),
    Case("apply ../tokens.yaml --yes"),
    Case("drift ../tokens.yaml --ask-providers --ask-consumers"),
    Case("fmt --check ../tokens.yaml"),
    Case("scan ."),
    Case("scan --staged"),
    Case("scan --history"),
    Case("scan --stdin", stdin=LEAKED),
    Case("baseline accept leak.py:1 --reason known"),
    Case("baseline review"),
    Case("baseline update"),
    Case("baseline import ../event.json"),
    Case("respond --stdin --reach log --where here", stdin=LEAKED),
    Case("respond --stdin --reach log --where here --rotate", stdin=GIVEN),
    Case(f"exec -t {GIVEN}=T -- sh -c env", asked=("environ",)),
    Case(f"exec -t {GIVEN}=T -- sh -c exit_with_an_error", asked=("environ",)),
    Case(f"env -t {GIVEN}=T", asked=("output",)),
    Case("redact --all", stdin=GIVEN),
    Case(f"redact -t {LEAKED} --report ../masked", stdin=LEAKED),
    Case("agent install claude-code --yes"),
    Case("agent uninstall claude-code --yes"),
    Case("agent hook claude-code", stdin="event"),
    Case("fingerprints publish --key-file ../signing --create-key --public-code ../config.toml ../bundle2"),
    Case("fingerprints pull --from store"),
    Case(f"fingerprints waive {LEAKED} --reason known --owner video --until 2027-01-01"),
    Case("fingerprints export gitleaks"),
    Case("audit log"),
    Case("audit checkpoint --key-file ../checkpoints --create-key"),
    Case(f"audit bundle {ISSUED} --key-file ../checkpoints --create-key --output ../evidence"),
    Case("audit verify"),
    Case("store slots"),
    Case("store add-slot --recovery-file ../recovery"),
    Case("store remove-slot 0"),
    Case("store rekey --recovery-file ../recovery"),
    Case("store backup ../backup2"),
    Case("store restore ../backup --yes"),
    Case("provider list"),
    Case("provider show autoposting"),
    Case("provider new acme"),
    Case("provider lint ../tokens.yaml"),
    Case("completion bash"),
)
LEAVES = [" ".join(path) for path, command in _every_command() if not isinstance(command, Group | click.Group)]
_MISSING = [leaf for leaf in LEAVES if leaf not in ELSEWHERE and not any(_runs(case, leaf) for case in CASES)]
CASES += tuple(map(Case, _MISSING))
"""A command without a case of its own is run as it stands."""
_FOUND = (("--stdin", "terminal"), ("respond --stdin --reach log --where here", "terminal"), ("scan --stdin", "terminal"),
          ("fingerprints pull", "plain"), ("completion", "plain"))  # fmt: skip
"""What has let a value out once: echoed by the terminal, or in the environment of a program that a library starts."""
_CHANCE = random.Random(4)
_EACH = [(case, mode) for case in CASES for mode in _CHANCE.sample(list(MODES), 2)]
_MORE = [(case, mode) for case in CASES for mode in MODES if (case, mode) not in _EACH]
_FIRST = [next((case, mode) for case in CASES if text in case.line) for text, mode in _FOUND]
_REST = [each for each in _EACH if each not in _FIRST]
_REST += _CHANCE.sample([each for each in _MORE if each not in _FIRST], 200 - len(_FIRST) - len(_REST))
_CHOSEN = _FIRST + _CHANCE.sample(_REST, len(_REST))
TWO_HUNDRED = [pytest.param(case, mode, id=f"{case.line[:40]}: {mode}") for case, mode in _CHOSEN]


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    with TracedWorld(tmp_path_factory.mktemp("traced")) as world:
        yield world


def test_every_command_is_traced_in_every_mode():
    assert len(_CHOSEN) == 200
    traced = {leaf for leaf in LEAVES if any(_runs(case, leaf) for case, _ in _CHOSEN)}
    assert set(LEAVES) - traced == ELSEWHERE
    assert {mode for _, mode in _CHOSEN} == set(MODES)


def leaks(world: TracedWorld, case: Case, mode: str) -> list[str]:
    random.seed(f"{SEED} {case.line} {mode}")
    world.restore()
    done = world.run(case.arguments, MODES[mode], stdin=world.text(case.stdin))
    assert done.code != 70, done.output
    ours = not done.output.startswith(b"Fatal Python error")  # an interrupt before Python itself was up
    assert not ours or b"Traceback (most recent call last)" not in done.output, done.output
    return world.seen(done, asked=case.asked) + world.elsewhere(done)


@pytest.mark.parametrize(("case", "mode"), TWO_HUNDRED[:20])
def test_no_value_is_anywhere_else(traced, case, mode):
    assert leaks(traced, case, mode) == []


@pytest.mark.slow
@pytest.mark.parametrize(("case", "mode"), TWO_HUNDRED[20:])
def test_no_value_is_anywhere_else_in_the_rest(traced, case, mode):
    assert leaks(traced, case, mode) == []


def test_the_search_finds_what_is_there(traced):
    """The control: where a value was asked for, it is found, or the tests above prove nothing."""
    case = next(case for case in CASES if case.line.startswith("env"))
    assert leaks(traced, Case(case.line), "plain") == [f"{GIVEN} in the output"]
    traced.restore()
    done = traced.run(("deliver", "--all"), MODES["plain"])
    assert done.code == 0
    (traced.at / "elsewhere").write_text((traced.at / "app" / ".env").read_text())
    assert [place for place in traced.seen(done) if "elsewhere" in place]
