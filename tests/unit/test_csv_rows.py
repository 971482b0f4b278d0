"""A CSV that a spreadsheet saved with semicolons or tabs is read as the same table, in each place that reads one."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.inventory.csv_rows import csv_rows
from tokenguard.inventory.list_reading import read_list
from tokenguard.inventory.people_file import read_people
from tokenguard.inventory.readers import FileFormat, read_drafts

SEPARATORS = [",", ";", "\t"]
CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)


def written(rows, separator):
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("separator", SEPARATORS)
@given(table=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5))
def test_a_table_is_the_same_with_each_separator(separator, table):
    rows = [["name", "emails[0].value", "active"], *map(list, table)]
    assert list(csv_rows(written(rows, separator))) == rows


@pytest.mark.parametrize("separator", SEPARATORS)
def test_people_tokens_and_provider_lists_are_read_with_each_separator(separator):
    people = written([["person", "logins", "active"], ["kim", "kim@example.com;kim-gh", "false"]], separator)
    (person,) = read_people(people.encode(), source="people.csv")
    assert (person.name, person.aliases, person.left) == ("kim", ("kim@example.com", "kim-gh"), True)
    tokens = written([["name", "purpose", "permissions"], ["video/a/prod/x", "a, b; c", "read;write"]], separator)
    (draft,) = read_drafts(tokens.encode(), FileFormat.CSV, source="tokens.csv")
    assert (draft.texts["purpose"], draft.lists["permissions"]) == ("a, b; c", ("read", "write"))
    listed = written([["Name", "Hint", "Created"], ["upload", "ab12", "2026-11-01"]], separator)
    assert [(row.label, row.hint) for row in read_list(listed.encode(), source="list")] == [("upload", "ab12")]


def test_one_column_and_lines_that_are_no_table_stay_what_they_are():
    assert list(csv_rows("name\na;b\n")) == [["name"], ["a;b"]]
    assert [row.label for row in read_list(b"upload\nname of one; more\n", source="list")] == [
        "upload",
        "name of one; more",
    ]
    assert [row.label for row in read_list(b'up"load\n"open\n', source="list")] == ['up"load', '"open']
