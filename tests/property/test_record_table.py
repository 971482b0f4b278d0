"""A list that is read back says nothing new, and an edited cell is exactly one changed field."""

import csv
import io
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.command_line import CommandLine
from tokenguard.domain.document import Document
from tokenguard.domain.names import new_token_id, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Consumer, ConsumerKind, Record, RecordState
from tokenguard.frozen import replace
from tokenguard.inventory.readers import FileFormat
from tokenguard.inventory.selection import ANY, listed
from tokenguard.output.csv_table import cell_content, csv_text, is_formula
from tokenguard.shell.render import Screen
from tokenguard.text import is_plain_line
from tokenguard.usecases.update_records import plan_update
from tokenguard.views.inventory_view import print_csv, print_document

_texts = st.text(st.sampled_from("ab '\"=+-@|%;,:é1\\#"), max_size=6).map(str.strip)
_records = st.builds(
    Record,
    name=st.just(token_name("a/x")),
    provider=st.just("fake"),
    state=st.just(RecordState.UNCLAIMED),
    scope=st.sampled_from([None, Scope("drive", "d1")]),
    scope_name=_texts,
    permissions=st.sampled_from([(), ("posts:read",), ("a", "b")]),
    owner=st.sampled_from(["", "video"]),
    purpose=_texts,
    made_by=_texts,
    deputy=_texts,
    label=_texts,
    notes=_texts,
    consumers=st.none()
    | st.lists(
        st.builds(Consumer, st.just(ConsumerKind.PERSON), _texts.filter(bool)), max_size=3, unique_by=lambda c: c.target
    ).map(tuple),
)
TEXT_COLUMNS = ("scope_name", "purpose", "made_by", "deputy", "label", "notes")


def _world(records):
    cli = CommandLine(None, None)
    for number, record in enumerate(records):
        named = replace(record, name=token_name(f"a/t{number}"))
        cli.store.commit(new_token_id(), 0, Document(record=named), [])
    return cli.wiring()


def _list(wiring, form):
    out = io.StringIO()
    wiring.screen = Screen(as_json=form is FileFormat.JSON, stream=out)
    found = (("", each) for each in listed(wiring.store.scan(), ANY, lambda: wiring.policy))
    (print_csv if form is FileFormat.CSV else print_document)(wiring, found, labelled=False)
    return out.getvalue()


_quiet = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@_quiet
@given(st.lists(_records, min_size=1, max_size=3), st.sampled_from([FileFormat.CSV, FileFormat.JSON]), st.booleans())
def test_a_list_reads_back_as_no_change(records, form, marked):
    wiring = _world(records)
    text = ("\ufeff" if marked and form is FileFormat.CSV else "") + _list(wiring, form)
    assert plan_update(wiring, text.encode(), form, source="t") == []


@_quiet
@given(
    st.lists(_records, min_size=1, max_size=3),
    st.sampled_from([FileFormat.CSV, FileFormat.JSON]),
    st.sampled_from(TEXT_COLUMNS),
    _texts,
)
def test_an_edited_cell_is_exactly_that_field(records, form, column, text):
    wiring = _world(records)
    listing = _list(wiring, form)
    if form is FileFormat.CSV:
        rows = list(csv.DictReader(io.StringIO(listing)))
        rows[-1][column] = next(csv.reader(io.StringIO(csv_text(["x"], [{"x": text}]).splitlines()[1])))[0]
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        edited = out.getvalue()
    else:
        tree = json.loads(listing)
        tree["tokens"][-1][column] = text
        edited = json.dumps(tree)
    edits = plan_update(wiring, edited.encode(), form, source="t")
    before = getattr(records[-1], column)
    assert [(edit.changed, getattr(edit.after, column)) for edit in edits] == (
        [] if before == text else [((column,), text)]
    )


@given(st.text(max_size=8).filter(is_plain_line))
def test_a_cell_is_no_formula_and_reads_back_as_its_text(text):
    (cell,) = list(csv.reader(io.StringIO(csv_text(["x"], [{"x": text}]))))[1]
    assert cell_content(cell) == text
    assert not is_formula(cell)
