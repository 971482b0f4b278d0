"""A list that changes while it is read: what is called complete holds every token that was there all the time."""

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.errors import Unreachable
from tokenguard.ports.provider import ProviderToken
from tokenguard.providers.paging import ListPage, Paging, PagingKind, has_more, read_list, total_of

KINDS = {
    kind: Paging(kind=kind, limit="limit", size=size) for kind, size in zip(PagingKind, (5, 5, 5, 5, 5), strict=True)
}
COUNTED = (PagingKind.OFFSET, PagingKind.PAGE)
"""Only an empty answer ends these."""
changes = st.lists(st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 30)), max_size=3), max_size=12)


class Vendor:
    """Gives out `ids` in pages of at most `most`, and changes before each answer as it is told.

    What is removed was there at the start, unless it pages by offset: two passes that agree cannot tell a token that
    came and went within each of them (ADR 0019).
    """

    def __init__(self, serves, ids, most, script=(), *, front=False, total_off=None):
        self.serves, self.ids, self.most, self.front, self.total_off = serves, list(ids), most, front, total_off
        self.script, self.fresh, self.asked = list(script), itertools.count(1000), 0
        self.always = set(ids)

    def __call__(self, query):
        self.asked += 1
        for what, where in self.script.pop(0) if self.script else ():
            if what == "add":
                self.ids.insert(0 if self.front else len(self.ids), next(self.fresh))
            elif removable := self.ids if self.serves is PagingKind.OFFSET else sorted(self.always):
                gone = removable[where % len(removable)]
                self.ids.remove(gone)
                self.always.discard(gone)
        given = dict(query)
        size = min(int(given.get("limit", self.most)), self.most)
        start = self._start(given, size)
        if self.serves is PagingKind.NONE:
            start, size = 0, len(self.ids)
        rows = tuple(ProviderToken(provider_id=str(each), label="x") for each in self.ids[start : start + size])
        after = start + size if start + size < len(self.ids) else None
        return ListPage(
            rows=rows,
            following=str(after) if after is not None and self.serves is PagingKind.CURSOR else None,
            link=(("start", str(after)),) if after is not None and self.serves is PagingKind.LINK else None,
            total=None if self.total_off is None else len(self.ids) + self.total_off,
        )

    def _start(self, given, size):
        name = {PagingKind.OFFSET: "offset", PagingKind.CURSOR: "cursor", PagingKind.LINK: "start"}.get(self.serves)
        if self.serves is PagingKind.PAGE:
            return (int(given.get("page", 1)) - 1) * size
        return int(given.get(name, 0)) if name else 0


def read(kind, vendor):
    return read_list(KINDS[kind], vendor)


@pytest.mark.parametrize("kind", KINDS)
@given(count=st.integers(0, 40), most=st.integers(1, 9), total=st.sampled_from([None, 0]))
def test_a_quiet_list_is_read_to_its_end(kind, count, most, total):
    found = read(kind, Vendor(kind, range(count), most, total_off=total))
    assert found.complete
    assert [row.provider_id for row in found.rows] == [str(each) for each in range(count)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("front", [False, True], ids=["oldest-first", "newest-first"])
@given(count=st.integers(0, 24), most=st.integers(1, 9), script=changes)
def test_what_was_there_all_the_time_is_in_a_complete_list(kind, front, count, most, script):
    vendor = Vendor(kind, range(count), most, script, front=front)
    found = read(kind, vendor)
    held = {row.provider_id for row in found.rows}
    assert len(held) == len(found.rows), "each token once"
    if found.complete:
        assert {str(each) for each in vendor.always} <= held


@pytest.mark.parametrize("serves", KINDS)
@pytest.mark.parametrize("declared", COUNTED)
@given(count=st.integers(0, 24), most=st.integers(1, 9))
def test_a_rule_by_which_the_vendor_does_not_go_never_loses_a_token(declared, serves, count, most):
    """A vendor that passes over the offset or the page gives the same tokens again, and that is noticed."""
    found = read(declared, Vendor(serves, range(count), most))
    if found.complete:
        assert len(found.rows) == count


@pytest.mark.parametrize("kind", KINDS)
@given(count=st.integers(0, 24), most=st.integers(1, 9), off=st.integers(-3, 3).filter(bool))
def test_a_total_that_lies_is_a_gap(kind, count, most, off):
    found = read(kind, Vendor(kind, range(count), most, total_off=off))
    assert not found.complete
    assert len(found.rows) == count, "what is listed is told all the same"


def test_a_list_that_never_rests_is_not_complete():
    vendor = Vendor(PagingKind.OFFSET, range(12), 5, [[("add", 0), ("remove", 0)]] * 400)
    assert not read(PagingKind.OFFSET, vendor).complete


@pytest.mark.parametrize("front", [False, True], ids=["oldest-first", "newest-first"])
def test_a_list_to_which_others_add_is_complete(front):
    vendor = Vendor(PagingKind.OFFSET, range(12), 5, [[], [("add", 0)], [], []] * 100, front=front)
    assert read(PagingKind.OFFSET, vendor).complete


@pytest.mark.parametrize("where", range(6))
def test_a_total_that_changed_between_two_answers_is_read_again(where):
    """Another runner's create or revoke is not a lie of the list."""
    for change in ("add", "remove"):
        vendor = Vendor(PagingKind.OFFSET, range(3), 5, [[]] * where + [[(change, 0)]], total_off=0)
        assert read(PagingKind.OFFSET, vendor).complete


@pytest.mark.parametrize("kind", COUNTED)
@pytest.mark.parametrize("empty", [5, 10])
def test_an_empty_answer_in_the_middle_is_no_end(kind, empty):
    """A service that filters ended tokens after it has cut a page."""
    ids = [*range(20), *range(100, 100 + empty), *range(20, 25)]
    vendor = Vendor(kind, ids, 5)

    def filtered(query):
        answer = vendor(query)
        return dataclasses.replace(answer, rows=tuple(row for row in answer.rows if int(row.provider_id) < 100))

    assert not read_list(KINDS[kind], filtered).complete


@pytest.mark.parametrize(
    ("tree", "total"), [(13, 13), ("13", 13), (True, None), ("", None), ("1e3", None), (None, None), ("9" * 40, None)]
)
def test_a_total_may_be_written_as_text(tree, total):
    assert total_of(tree) == total


def test_an_answer_that_lacks_what_comes_with_a_list_is_a_gap():
    answer = ListPage(rows=(), flaw="its total is not a number")
    assert read_list(KINDS[PagingKind.NONE], lambda _query: answer).gap == answer.flaw


def test_cursors_that_repeat_and_pages_without_end_are_given_up():
    again = ListPage(rows=(), following="again")
    with pytest.raises(Unreachable):
        read_list(KINDS[PagingKind.CURSOR], lambda _query: again)
    numbers = itertools.count()
    asked = []

    def endless(query):
        asked.append(query)
        return ListPage(rows=(ProviderToken(provider_id=str(next(numbers)), label="x"),))

    with pytest.raises(Unreachable):
        read_list(KINDS[PagingKind.PAGE], endless)
    assert len(asked) == 200


def test_a_cursor_may_be_a_number():
    """Vercel's is the time of the last token."""

    def page(query):
        number = int(dict(query).get("cursor", 3))
        row = ProviderToken(provider_id=str(number), label="x")
        return ListPage(rows=(row,), following=number - 1 if number > 1 else None)

    found = read_list(KINDS[PagingKind.CURSOR], page)
    assert [each.provider_id for each in found.rows] == ["3", "2", "1"]


@pytest.mark.parametrize("following", [5.5, ["x"], {"x": "y"}, True])
def test_a_cursor_that_is_no_text_or_number_is_no_end(following):
    with pytest.raises(Unreachable):
        read_list(KINDS[PagingKind.CURSOR], lambda _query: ListPage(rows=(), following=following))


@pytest.mark.parametrize(
    ("tree", "more"),
    [
        ({"data": [], "has_more": True}, True),
        ({"data": [], "pagination": {"nextCursor": "x"}}, True),
        ({"data": {"items": [], "hasNextPage": True}}, True),
        ({"links": {"next": "https://acme.example/?page=2"}}, True),
        ({"data": [], "has_more": False, "pagination": {"nextCursor": None}, "links": {"next": ""}}, False),
        ({"data": [{"next": "of a row"}]}, False),
        ([], False),
        (None, False),
    ],
)
def test_an_answer_that_says_there_is_more_is_not_the_last(tree, more):
    assert has_more(tree) is more
