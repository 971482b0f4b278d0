"""What people write for a consumer, and who delivers to it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tokenguard.delivery.command import CommandDelivery
from tokenguard.delivery.delivery_registry import DeliveryRegistry, parse_consumer
from tokenguard.delivery.dotenv import DotenvDelivery
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import InputError

GOOD = [
    ("dotenv:/srv/app/.env#API_TOKEN", "dotenv:/srv/app/.env#API_TOKEN"),
    ("dotenv:.env#V", "dotenv:/base/.env#V"),
    ("dotenv:./a/.env#_v1", "dotenv:/base/a/.env#_v1"),
    ("dotenv:../.env#V", "dotenv:/.env#V"),
    ("dotenv:/srv/c#/.env#V", "dotenv:/srv/c#/.env#V"),
    ("dotenv:/srv/a b:c/.env#V", "dotenv:/srv/a b:c/.env#V"),
    ("command:deploy-prod", "command:deploy-prod"),
    ("person:Ops on call, tell #ops", "person:Ops on call, tell #ops"),
    ("person:  spaced ", "person:spaced"),
]


@pytest.mark.parametrize(("text", "consumer"), GOOD)
def test_a_consumer_is_read_and_its_place_is_pinned(text, consumer):
    assert str(parse_consumer(text, base=Path("/base"))) == consumer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dotenv",
        "dotenv:",
        "dotenv:/srv/.env",
        "dotenv:/srv/.env#",
        "dotenv:#V",
        "dotenv:/srv/#V",
        "dotenv:/srv/..#V",
        "dotenv:..#V",
        "dotenv:/#V",
        "dotenv:/srv/.env#1V",
        "dotenv:/srv/.env#V W",
        "dotenv:/srv/.env#V=1",
        "dotenv:/srv/.env#Ünicode",
        "dotenv:/srv/\x00.env#V",
        "dotenv:/srv/a\n.env#V",
        "dotenv:/srv/\u202e.env#V",
        "dotenv:/" + "a" * 400 + "#V",
        "DOTENV:/srv/.env#V",
        "command:",
        "command:/bin/sh",
        "command:a b",
        "command:Deploy",
        "command:-x",
        "person:",
        "person:   ",
        "person:a\x1b[2Jb",
        "person:" + "a" * 400,
        "smoke:signal",
        "vault:kv/app",
    ],
)
def test_a_bad_consumer_is_refused_in_one_safe_line(text):
    with pytest.raises(InputError) as caught:
        parse_consumer(text, base=Path("/base"))
    shown = caught.value.message + caught.value.hint
    assert shown.isprintable() or "\u202e" not in shown
    assert "\n" not in shown
    assert "\x1b" not in shown


def test_a_path_that_is_not_utf_8_is_refused_before_it_is_written_down(tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xff"))
    folder.mkdir()
    (tmp_path / "plain").symlink_to(folder)
    for text, base in (("dotenv:.env#X", folder), (f"dotenv:{tmp_path}/plain/.env#X", tmp_path)):
        with pytest.raises(InputError) as caught:
            parse_consumer(text, base=base)
        assert "UTF-8" in caught.value.message
        (caught.value.message + caught.value.hint).encode()


def test_a_link_in_the_path_is_resolved_when_the_record_is_made(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    consumer = parse_consumer("dotenv:link/.env#V", base=tmp_path)
    assert consumer.target == f"{tmp_path / 'real' / '.env'}#V"


def test_a_home_directory_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse_consumer("dotenv:~/.env#V", base=Path("/base")).target == f"{tmp_path}/.env#V"


def test_a_home_that_nobody_has_is_refused(words):
    with pytest.raises(InputError) as caught:
        parse_consumer("dotenv:~nobody-of-that-name/.env#V", base=Path("/base"))
    words(caught.value)


def test_each_kind_finds_its_delivery():
    deliveries = DeliveryRegistry({})
    assert isinstance(deliveries.of(Consumer(ConsumerKind.DOTENV, "/a/.env#V")), DotenvDelivery)
    assert isinstance(deliveries.of(Consumer(ConsumerKind.COMMAND, "x")), CommandDelivery)
    assert deliveries.of(Consumer(ConsumerKind.PERSON, "ops")) is None


def test_only_a_file_has_warnings(tmp_path):
    deliveries = DeliveryRegistry()
    assert deliveries.warnings(Consumer(ConsumerKind.PERSON, "ops")) == ()
    assert deliveries.warnings(Consumer(ConsumerKind.DOTENV, f"{tmp_path}/.env#V")) == ()


def test_the_registry_loads_no_delivery_before_it_is_used():
    script = (
        "import sys, tokenguard.delivery.delivery_registry; "
        "print([m for m in sys.modules if m.startswith(('dotenv', 'subprocess', 'tokenguard.delivery.'))])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "['tokenguard.delivery.delivery_registry']"
