"""Whoever reads the variables that `env` writes gets the values as they are, whatever is in them."""

import io
import json
import subprocess

import dotenv
import pytest

from tokenguard.errors import InputError
from tokenguard.views import env_formats

ODD = (
    "tgcanary_plain/0+1=2@3%4",
    "tgcanary$HOME`id`$(id)!!%PATH%",
    "tgcanary#a;b&c|d<e>(f)*?[g]~",
    "-tgcanary=a=b==",
    'tgcanary"quoted"',
    "tgcanary\\n\\x",
    "tgcanary%0A::set-env::x",
    "tgcanary-é-ß",
)
UNLIKE = ("tgcanary'quoted'", "tgcanary${HOME}", "tgcanary\\\\", "tgcanary\\")
"""What the readers of .env files read differently."""


def read_by_shell(how, text):
    command = {"eval": 'eval "$1"; printf %s "$T"', "file": '. /dev/stdin; printf %s "$T"'}[how]
    done = subprocess.run(["sh", "-c", command, "-", text], input=text.encode(), capture_output=True, check=True)
    return done.stdout.decode()


@pytest.mark.parametrize("value", ODD + UNLIKE)
def test_a_shell_a_parser_of_json_and_a_runner_read_what_was_meant(value):
    assert read_by_shell("eval", env_formats.shell({"T": value})) == value
    assert json.loads(env_formats.as_json({"T": value})) == {"T": value}
    written = env_formats.github({"T": value})
    assert written.then.splitlines()[1] == value
    assert f"::add-mask::{value.replace('%', '%25')}\n" in written.first


@pytest.mark.parametrize("value", ODD)
def test_a_dotenv_file_is_read_alike_by_a_library_and_a_shell(value):
    text = env_formats.dotenv({"A": "tgcanary_before", "T": value})
    assert dotenv.dotenv_values(stream=io.StringIO(text))["T"] == value
    assert read_by_shell("file", text) == value


def test_a_plain_value_has_no_quotes_in_a_dotenv_file():
    """`docker run --env-file` and systemd would take them for a part of the value."""
    assert env_formats.dotenv({"T": ODD[0]}) == f"T={ODD[0]}\n"


@pytest.mark.parametrize("value", UNLIKE)
def test_what_readers_of_dotenv_files_read_differently_is_refused(value, words):
    with pytest.raises(InputError) as raised:
        env_formats.dotenv({"T": value})
    words(raised.value)
    assert value not in str(raised.value)
