"""What every delivery promises, whatever its kind."""

import sys

import pytest

from tokenguard.delivery.command import CommandDelivery, CommandSettings
from tokenguard.delivery.dotenv import DotenvDelivery
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import InputError
from tokenguard.ports.delivery import ConsumerVerdict

OLD = Value.of("tgcanary-contract-old")
NEW = Value.of("tgcanary-contract-new")

_KEEP = "import sys; open({path!r}, 'w').write(sys.stdin.read())"
_COMPARE = "import sys; sys.exit(open({path!r}).read() != sys.stdin.read())"


def _dotenv(folder):
    return DotenvDelivery(), Consumer(ConsumerKind.DOTENV, f"{folder / '.env'}#V")


def _command(folder):
    path = str(folder / "held")
    (folder / "held").touch()
    program = (sys.executable, "-I", "-c")
    settings = CommandSettings(
        argv=(*program, _KEEP.format(path=path)), verify_argv=(*program, _COMPARE.format(path=path))
    )
    return CommandDelivery({"keep": settings}), Consumer(ConsumerKind.COMMAND, "keep")


@pytest.fixture(params=[_dotenv, _command], ids=["dotenv", "command"])
def made(request, tmp_path):
    return request.param(tmp_path)


def test_nothing_is_held_before_the_first_push(made):
    delivery, consumer = made
    assert delivery.verify(consumer, NEW) is ConsumerVerdict.DIFFERENT


def test_a_check_has_no_effect(made, tmp_path):
    delivery, consumer = made
    before = {entry: entry.read_bytes() for entry in tmp_path.iterdir()}
    delivery.check(consumer)
    assert {entry: entry.read_bytes() for entry in tmp_path.iterdir()} == before


def test_a_push_is_held_can_be_repeated_and_taken_back(made):
    delivery, consumer = made
    delivery.push(consumer, OLD)
    assert delivery.verify(consumer, OLD) is ConsumerVerdict.EXPECTED
    for _ in range(2):
        delivery.push(consumer, NEW)
        assert delivery.verify(consumer, NEW) is ConsumerVerdict.EXPECTED
        assert delivery.verify(consumer, OLD) is ConsumerVerdict.DIFFERENT
    for _ in range(2):
        delivery.push(consumer, OLD)
        assert delivery.verify(consumer, OLD) is ConsumerVerdict.EXPECTED
        assert delivery.verify(consumer, NEW) is ConsumerVerdict.DIFFERENT


@pytest.mark.parametrize(
    "text", ["short", "", "tgcanary\nline", "tgcanary space", "tgcanary\x1b", "tgcanary\x00", "x" * 5000]
)
def test_a_value_that_must_never_be_stored_is_never_pushed(made, text, tmp_path):
    delivery, consumer = made
    before = {entry: entry.read_bytes() for entry in tmp_path.iterdir()}
    with pytest.raises(InputError) as caught:
        delivery.push(consumer, Value.of(text))
    assert {entry: entry.read_bytes() for entry in tmp_path.iterdir()} == before
    assert "tgcanary" not in caught.value.message + caught.value.hint
