"""`audit export` gives each audit entry exactly once, whatever is written, killed or cut off between two exports."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tokenguard.domain.document import Document
from tokenguard.domain.event import Event, Op
from tokenguard.domain.names import new_token_id, token_name
from tokenguard.domain.token import Record
from tokenguard.errors import InputError, Tampered
from tokenguard.frozen import replace
from tokenguard.usecases.export_audit import append_export, cursor_of_lines, lines_and_cursor, read_cursor

NAME, OTHER = "video/app/prod/upload", "audio/site/prod/player"


class Writing:
    """A store that others write to: before each chain that an export reads, `between` is called."""

    def __init__(self, store, between):
        self._store, self._between = store, between

    def __getattr__(self, attribute):
        return getattr(self._store, attribute)

    def trails(self):
        for each in self._store.trails():
            self._between()
            yield each[0], self._store.history(each[0].id)


class Tokens:
    """Tokens whose trails grow; remembers every entry that there is."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.ids = []

    def write(self, number: int) -> None:
        number %= len(self.ids) + 1
        if number == len(self.ids):
            name, token, version = token_name(f"t/{len(self.ids)}"), new_token_id(), 0
            document = Document(record=Record(name=name, provider="manual"))
            self.ids.append(token)
        else:
            token = self.ids[number]
            found = self.store.load(token)
            document, version, name = found.document, found.version, found.document.record.name
        at = self.clock.now() if number % 2 else self.clock.now().replace(year=2020)  # a runner whose clock is behind
        event = Event(at=at, op=Op.EDIT, actor=self.store.actor(), name=name, detail={"fields": "notes"})
        self.store.commit(token, version, document, [event])

    def everything(self) -> Counter:
        chains = [
            ("store", self.store.history(None)),
            *((each.id, self.store.history(each.id)) for each in self.store.scan()),
        ]
        return Counter((chain, entry.seq, entry.hash) for chain, entries in chains for entry in entries)


def exported(lines) -> Counter:
    found = [json.loads(line) for line in lines]
    return Counter((each["chain"], each["seq"], each["hash"]) for each in found if "chain" in each)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 5)),
        st.tuples(st.just("export"), st.lists(st.integers(0, 5), max_size=4)),
        st.tuples(st.just("killed"), st.integers(0, 10_000)),
    ),
    max_size=25,
)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_a_cursor_neither_skips_nor_repeats_an_entry(steps):
    tokens, lines, cursor = Tokens(), [], ""
    for step, given_ in [*steps, ("export", [])]:
        if step == "write":
            tokens.write(given_)
            continue
        meanwhile = list(given_) if step == "export" else []
        store = Writing(tokens.store, lambda found=meanwhile: found and tokens.write(found.pop()))
        more = list(lines_and_cursor(store, read_cursor(cursor) if cursor else {}))
        if step == "killed":  # nothing of it was kept: its cursor line did not arrive
            continue
        lines += more[:-1]
        cursor = json.loads(more[-1])["cursor"]
    assert exported(lines) <= tokens.everything()
    last = list(lines_and_cursor(tokens.store, read_cursor(cursor)))
    assert exported([*lines, *last]) == tokens.everything()


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_a_file_that_was_cut_off_at_any_byte_is_completed(tmp_path_factory, steps):
    tokens, file = Tokens(), tmp_path_factory.mktemp("export") / "audit.jsonl"
    for step, given_ in [*steps, ("export", [])]:
        if step == "write":
            tokens.write(given_)
            continue
        append_export(tokens.store, file)
        if step == "killed":
            data = file.read_bytes()
            file.write_bytes(data[: given_ % (len(data) + 1)])
    assert exported(file.read_text().splitlines()) == tokens.everything()


def test_a_real_process_that_is_killed_while_it_exports_loses_and_repeats_nothing(tmp_path):
    environ = {
        **os.environ, "TOKENGUARD_STORE": f"local://{tmp_path}/store", "TOKENGUARD_STATE_DIR": str(tmp_path / "state"),
        "TOKENGUARD_KEY_FILE": str(tmp_path / "key"),
    }  # fmt: skip
    import base64
    import secrets

    (tmp_path / "key").write_bytes(base64.b64encode(secrets.token_bytes(32)))
    (tmp_path / "key").chmod(0o600)
    program = [str(Path(sys.executable).with_name("tokenguard")), "--no-input"]
    (tmp_path / "t.csv").write_text(
        "name,provider,value\n" + "".join(f"a/t{n},manual,tgcanary-{secrets.token_hex(16)}\n" for n in range(40))
    )
    for arguments in (("init",), ("import", str(tmp_path / "t.csv"))):
        subprocess.run([*program, *arguments], env=environ, check=True, capture_output=True)
    file = tmp_path / "audit.jsonl"
    export = [*program, "audit", "export", "--output", str(file)]
    for _ in range(6):
        process = subprocess.Popen(export, env=environ, stderr=subprocess.DEVNULL)
        while process.poll() is None and not (file.exists() and file.stat().st_size):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        data = file.read_bytes()
        file.write_bytes(data[: secrets.randbelow(len(data) + 1)])  # what the disk had when the machine stopped
    subprocess.run(export, env=environ, check=True, capture_output=True)
    listed = subprocess.run(
        [*program, "audit", "log", "--format", "json"], env=environ, check=True, capture_output=True, text=True
    ).stdout
    hashes = [json.loads(line)["hash"] for line in file.read_text().splitlines()]
    assert sorted(hashes) == sorted(each["hash"] for each in json.loads(listed)["entries"])


# the command


def lines(answer):
    assert answer.code == 0, answer
    return answer.out.splitlines()


def test_the_last_line_is_the_cursor_of_the_next_export(cli):
    value = cli.add(NAME)
    first = lines(cli("audit", "export", "--format", "jsonl"))
    cursor = json.loads(first[-1])["cursor"]
    assert lines(cli("audit", "export", "--since", cursor))[:-1] == []
    cli.add(OTHER)
    second = lines(cli("audit", "export", "--since", cursor))
    listed = cli("audit", "log", "--format", "json").document["entries"]
    assert exported([*first, *second]).total() == len(listed)
    assert {json.loads(line)["hash"] for line in [*first[:-1], *second[:-1]]} == {each["hash"] for each in listed}
    assert value not in "".join([*first, *second])


def test_the_lines_of_an_export_are_a_cursor_too(cli, tmp_path):
    cli.add(NAME)
    (tmp_path / "a.jsonl").write_text(cli("audit", "export").out)
    assert len(lines(cli("audit", "export", "--since", "@a.jsonl"))) == 1
    assert cli("audit", "export", "--output", "b.jsonl").code == 0
    assert (tmp_path / "b.jsonl").stat().st_mode & 0o777 == 0o600
    assert cli("edit", NAME, "--deputy", "sam").code == 0
    assert len(lines(cli("audit", "export", "--since", "@b.jsonl"))) == 2


def test_another_chain_than_the_exported_one_is_tampering(cli):
    tokens = Tokens()
    for number in (0, 0, 0):
        tokens.write(number)
    *_, last = lines_and_cursor(tokens.store, {})
    cursor = read_cursor(json.loads(last)["cursor"])
    (token,) = tokens.ids
    shorter = replace(cursor[token], seq=cursor[token].seq + 1)
    other = replace(cursor[token], hash="f" * 64)
    for head in (shorter, other):
        with pytest.raises(Tampered):
            list(lines_and_cursor(tokens.store, {**cursor, token: head}))


@pytest.mark.parametrize(
    "arguments",
    [["--since", "x"], ["--since", "tgc1."], ["--since", "tgc1.e30"], ["--since", "@nowhere"], ["--since", "@bad.jsonl"],
     ["--since", "@gap.jsonl"], ["--format", "csv"], ["--output", "-"], ["--output", "nowhere/x.jsonl"],
     ["--output", "link.jsonl"], ["--output", "bad.jsonl"], ["--since", "@a", "--output", "b"]],
)  # fmt: skip
def test_what_is_no_cursor_is_refused(cli, tmp_path, arguments):
    cli.add(NAME)
    (tmp_path / "bad.jsonl").write_text("hello\n")
    (tmp_path / "gap.jsonl").write_text(cli("audit", "export").out.split("\n", 3)[3])
    (tmp_path / "link.jsonl").symlink_to("elsewhere")
    cli.refused("audit", "export", *arguments)
    assert (tmp_path / "bad.jsonl").read_text() == "hello\n"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "folder"])
def test_an_output_that_is_no_regular_file_is_refused_at_once(cli, tmp_path, kind):
    import socket

    cli.add(NAME)
    place = Path(os.devnull) if kind == "device" else tmp_path / kind
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
    cli.refused("audit", "export", "--output", str(place))


@given(st.binary(max_size=300))
def test_any_file_is_a_cursor_or_is_refused(data):
    try:
        cursor, end = cursor_of_lines(data, source="x")
    except InputError:
        return
    assert end <= len(data)
    assert all(head.seq > 0 for head in cursor.values())


@given(st.text(max_size=200))
def test_any_text_is_a_cursor_or_is_refused(text):
    with pytest.raises(InputError):
        read_cursor(text)
    with pytest.raises(InputError):
        read_cursor(f"tgc1.{text}")


def test_a_reason_that_is_a_command_to_a_builds_runner_stays_json_and_is_none(cli):
    reason = "##vso[task.prependpath]/tmp"
    cli.add(NAME)
    assert cli("rotate", NAME, "--compromised", "--reason", reason).code == 0
    lines = cli("audit", "export").out.splitlines()
    assert any(reason in str(json.loads(line)) for line in lines)
    assert not any("##" in line for line in lines)
