"""The snapshots of words: each belongs to a test that there is, a changed word is noticed, and no value is in any."""

import re
from pathlib import Path

import pytest

from tests.fakes.answer import Answer, Refusal
from tests.words import SNAPSHOTS, VALUES, Snapshots, Words, file_of, owner_of, sections
from tokenguard.errors import InputError, Tampered

TESTS = Path(__file__).parents[1]
FILES = sorted(SNAPSHOTS.rglob("*.txt"))
TEST = "cli/test_list.py::test_it"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(SNAPSHOTS).as_posix())
def test_every_section_belongs_to_a_test_with_words_and_holds_no_value(file):
    assert sections(file)
    for key, text in sections(file).items():
        test = owner_of(key)
        name = test.rpartition("::")[2].partition("[")[0]
        assert re.search(rf"def {name}\([^)]*\bwords\b", (TESTS / file_of(test)).read_text()), key
        assert not VALUES.search(text), key
        assert not re.search(r"[ `(:]/(?!srv/|nowhere/)\w+/", text), f"a path of this machine in {key}"


def held(directory: Path, said: object, *, writes: bool = False) -> None:
    snapshots = Snapshots(directory, writes=writes)
    Words(snapshots, TEST, Path("/scratch"))(said)
    if writes:
        snapshots.save(ran=[TEST], known=[], files=[])


ANSWER = Answer(2, "", "error: there is no store\nhint: make one\n", ("list",))


def test_what_was_written_down_holds_and_goes_by_its_command(tmp_path):
    held(tmp_path, ANSWER, writes=True)
    assert [file.name for file in tmp_path.iterdir()] == ["list.txt"]
    held(tmp_path, ANSWER)
    held(tmp_path, Refusal.of(ANSWER))


CHANGES = {
    "a word": Answer(2, "", "error: there is no shop\nhint: make one\n", ("list",)),
    "the exit code": Answer(4, "", ANSWER.err, ("list",)),
    "a line more": Answer(2, "", ANSWER.err + "more\n", ("list",)),
    "a line less": Answer(2, "", "error: there is no store\n", ("list",)),
    "the other stream": Answer(2, ANSWER.err, "", ("list",)),
    "another command": Answer(2, "", ANSWER.err, ("show",)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_what_is_said_is_noticed(tmp_path, change):
    held(tmp_path, ANSWER, writes=True)
    with pytest.raises(AssertionError, match="make snapshots"):
        held(tmp_path, CHANGES[change])


def test_the_class_of_an_error_and_its_hint_are_held_too(tmp_path):
    held(tmp_path, InputError("it is not there", hint="look"), writes=True)
    held(tmp_path, InputError("it is not there", hint="look"))
    for other in (Tampered("it is not there", hint="look"), InputError("it is not there", hint="look again")):
        with pytest.raises(AssertionError, match="make snapshots"):
            held(tmp_path, other)


def test_times_ports_ids_and_places_of_the_machine_are_not_held(tmp_path):
    first = Answer(1, "", "error: 2026-11-01T09:00:00Z 127.0.0.1:4711 /scratch/popen-gw0/test_x0/store a1b2c3d4e5f6\n")
    again = Answer(1, "", "error: 2027-01-02T10:00:00Z 127.0.0.1:99 /scratch/popen-gw1/test_x7/store 0a9b8c7d6e5f\n")
    held(tmp_path, first, writes=True)
    held(tmp_path, again)


def test_sections_of_tests_that_are_gone_go_and_others_stay(tmp_path):
    def said(*tests: str, files: tuple[str, ...] = ()) -> set[str]:
        snapshots = Snapshots(tmp_path, writes=True)
        for test in tests:
            Words(snapshots, test, tmp_path)(ANSWER)
        snapshots.save(ran=tests, known=tests, files=files)
        return {owner_of(key) for file in tmp_path.iterdir() for key in sections(file)}

    one, two, other = "cli/test_a.py::test_one", "cli/test_a.py::test_two", "cli/test_b.py::test_other"
    assert said(one, two, other) == {one, two, other}
    assert said(one) == {one, two, other}, "a part of a file was run"
    assert said(one, files=("cli/test_a.py",)) == {one, other}, "the whole file was run"
