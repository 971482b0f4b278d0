"""The pump between descriptors, and the environment a child is given."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_redaction_forms import fresh, masker
from tokenguard.redaction.stream import StreamRedactor
from tokenguard.settings import ProviderConfig, Settings, VaultConfig
from tokenguard.streams.environment import child_environment
from tokenguard.streams.pump import Channel, Pump


class Broken(StreamRedactor):
    def feed(self, chunk):
        if b"bad" in chunk:
            raise MemoryError
        return super().feed(chunk)


@pytest.fixture
def pipes():
    ends = [*os.pipe(), *os.pipe()]
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


def channel(pipes, stream):
    source, writing, reading, sink = pipes
    return Channel("x", source, sink, stream), writing, reading


def test_what_is_written_at_once_is_read_masked(pipes):
    value = fresh()
    made, writing, reading = channel(pipes, StreamRedactor(masker(value)))
    os.write(writing, f"a {value} b".encode())
    os.close(writing)
    Pump([made]).run()
    assert os.read(reading, 1000) == b"a [tokenguard:id0] b"


def test_after_a_failure_nothing_more_is_written_and_all_is_read(pipes):
    made, writing, reading = channel(pipes, Broken(masker(fresh())))
    pump = Pump([made])
    for piece in (b"good!", b"bad ", b"good"):
        os.write(writing, piece)
        pump.step(0)
    os.close(writing)
    pump.run()
    assert pump.failure
    assert os.read(reading, 1000) == b"good!"


def test_what_may_become_a_value_is_shown_only_while_it_is_harmless(pipes):
    value = fresh()
    made, writing, reading = channel(pipes, StreamRedactor(masker(value)))
    pump = Pump([made], idle=0.01)
    os.write(writing, value[:3].encode())
    pump.step(None)
    pump.step(0.1)
    assert os.read(reading, 100) == value[:3].encode()
    os.write(writing, value[3:].encode())
    os.close(writing)
    pump.run()
    assert os.read(reading, 100) == b"[tokenguard:id0]"


def test_a_reader_that_left_closes_the_source(pipes):
    made, writing, reading = channel(pipes, StreamRedactor(masker(fresh())))
    os.close(reading)
    os.write(writing, b"text")
    Pump([made]).run()
    with pytest.raises(BrokenPipeError):
        os.write(writing, b"text")


@pytest.mark.parametrize(
    "name",
    [
        "TOKENGUARD_KEY_FILE",
        "VAULT_TOKEN",
        "BAO_ADDR",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
    ],
)
def test_a_child_has_no_key_to_the_store_unless_it_is_let_through(name):
    assert child_environment({name: "x", "PATH": "/bin"}, {"T": "v"}) == {"PATH": "/bin", "T": "v"}
    assert name in child_environment({name: "x"}, {}, keep=[name])
    assert child_environment({"T": "old"}, {"T": "new"}) == {"T": "new"}


def test_a_credential_that_the_configuration_names_stays_with_us():
    settings = Settings(
        providers={"autoposting": ProviderConfig(admin="env:POSTING_ADMIN")},
        vault=VaultConfig(credential="env:OUR_LOGIN", address="https://vault.example.test"),
    )
    withheld = settings.credential_variables()
    parent = {"POSTING_ADMIN": "x", "OUR_LOGIN": "y", "PATH": "/bin"}
    assert child_environment(parent, {}, withheld=withheld) == {"PATH": "/bin"}
    assert child_environment(parent, {}, keep=["OUR_LOGIN"], withheld=withheld) == {"OUR_LOGIN": "y", "PATH": "/bin"}


LOCALE = "import os; from tokenguard.streams.environment import child_environment as c; print(c(os.environ, {}).get('LC_CTYPE'))"


@pytest.mark.parametrize(
    ("environ", "seen"),
    [({}, "None"), ({"LANG": "C"}, "None"), ({"LC_CTYPE": "C.UTF-8"}, "C.UTF-8"), ({"LC_ALL": "C.UTF-8"}, "None"),
     ({"PYTHONUTF8": "1", "LC_CTYPE": "C.UTF-8"}, "C.UTF-8")],
)  # fmt: skip
def test_a_locale_that_python_sets_for_itself_is_not_the_program_s(environ, seen):
    done = subprocess.run(
        [sys.executable, "-c", LOCALE], env=environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert done.stdout.strip() == seen
