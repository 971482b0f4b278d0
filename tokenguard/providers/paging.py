"""Reading a provider's list of tokens to its end, by the rule that the provider has for that.

Offsets, page numbers and many cursors count rows, so a token that is revoked while the list is read moves a later one
into a page that was read already. Two things show that none was lost in this way:

* With offsets, each answer begins with a row of the one before it. What stands before a known row is known.
* Otherwise, two passes in a row give the same tokens: a pass that lost one saw the revoked token, the next does not.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum, unique

from tokenguard.documents import JsonTree
from tokenguard.ports.provider import ProviderToken, TokenList
from tokenguard.providers.token_listing import unreadable

Query = tuple[tuple[str, str], ...]

_MAX_PAGES = 200
_MAX_PASSES = 8
_MAX_LOST = 20
"""How often an answer of one pass may have nothing in common with what was read before it."""
_LOOK_AHEAD = (1, 2)
"""How many pages beyond an empty answer are asked for: services filter rows after they have cut a page."""
_LONGEST_TOTAL = 9
_MAX_STALE = 3
"""How many answers in a row without a new token show that the offset has no effect."""
_CHANGED = "it changed each time it was read"
# How services mark in an answer that it is not the last one, documented or not.
_MORE = frozenset(
    {"next", "nextpage", "nextcursor", "nexttoken", "nexturl", "hasmore", "hasnext", "hasnextpage"}
)  # fmt: skip


@unique
class PagingKind(StrEnum):
    """How a provider gives out a list that is too long for one answer."""

    NONE = "none"
    """It does not: one answer holds everything."""
    CURSOR = "cursor"
    """An answer names the cursor of the next one; the last one names none."""
    OFFSET = "offset"
    """So many rows are passed over as are asked for; the list ends with an answer without rows."""
    PAGE = "page"
    """A page is asked for by its number; the list ends with an answer without rows."""
    LINK = "link"
    """An answer holds the address of the next one; the last one holds none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """The rule of one list: its kind, and the names of the query parameters that it uses."""

    kind: PagingKind
    cursor: str = "cursor"
    offset: str = "offset"
    page: str = "page"
    first: int = 1
    """The number of the first page."""
    limit: str = ""
    """The parameter that asks for so many rows; empty: the provider decides."""
    size: int = 100
    """How many rows are asked for, if `limit` is named."""

    @property
    def start(self) -> Query:
        """What the first request asks for."""
        return self.numbered(0) if self.kind is PagingKind.PAGE else self._sized(())

    def skipping(self, rows: int) -> Query:
        """What to ask for so that so many rows are passed over, in a list by offset."""
        return self._sized(((self.offset, str(rows)),))

    def numbered(self, pages: int) -> Query:
        """What to ask for after so many pages, in a list by page."""
        return self._sized(((self.page, str(self.first + pages)),))

    def following(self, answer: "ListPage", *, pages: int) -> Query | None:
        """What to ask for after `answer`, the last of so many, in any other list; None at the end.

        Raises:
            Unreachable: the answer names the next one in a way that this kind of list does not have.
        """
        match self.kind:
            case PagingKind.LINK:
                return answer.link
            case PagingKind.CURSOR:
                cursor = answer.following
                if cursor is None or cursor == "":
                    return None
                if isinstance(cursor, bool) or not isinstance(cursor, str | int):
                    raise unreadable()
                return self._sized(((self.cursor, str(cursor)),))
            case PagingKind.PAGE:
                return self.numbered(pages) if answer.rows else None
            case _:
                return None

    def _sized(self, query: Query) -> Query:
        return (*(((self.limit, str(self.size)),) if self.limit else ()), *query)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """One answer of a list."""

    rows: tuple[ProviderToken, ...]
    following: JsonTree = None
    """What stands where the next cursor is."""
    link: Query | None = None
    """What the address of the next answer asks for."""
    total: int | None = None
    """How many tokens there are, as the answer says."""
    more: bool = False
    """Whether the answer says in any known way that it is not the last one."""
    flaw: str = ""
    """What it lacks of the things that the provider gives with a list."""


class _Pass:
    """The list, read once from its start."""

    def __init__(self) -> None:
        self.rows: dict[str, ProviderToken] = {}
        self.gap = ""
        self.certain = False
        """Whether no change of the list can have had a part in it."""
        self._totals: list[int] = []

    def take(self, answer: ListPage) -> bool:
        """Keep an answer's rows; whether there are new ones among them."""
        before = len(self.rows)
        for row in answer.rows:
            self.rows.setdefault(row.provider_id, row)
        if answer.total is not None:
            self._totals.append(answer.total)
        return len(self.rows) > before

    def end(self, last: ListPage, beyond: Iterable[ListPage] = ()) -> None:
        """The list ends with `last`; note what speaks against it, without a total also what stands `beyond` it."""
        found, total = len(self.rows), self._totals[-1] if self._totals else len(self.rows)
        changed = len(set(self._totals)) > 1  # a token that was revoked meanwhile is among the rows
        if total > found or (total < found and not changed):
            self.gap = f"it states a total of {total:,} and lists {found:,}"
        elif last.more:
            self.gap = "it says that there are more"
        elif last.flaw:
            self.gap = last.flaw
        elif not self._totals and any(answer.rows for answer in beyond):
            self.gap = "an answer in the middle of it is empty"

    def confirms(self, before: "_Pass") -> bool:
        """Whether both found the same."""
        return self.rows.keys() == before.rows.keys() and bool(self.gap) == bool(before.gap)


def read_list(paging: Paging, fetch: Callable[[Query], ListPage]) -> TokenList:
    """Read until the end is certain, or say why it is not. Raises Unreachable for what no such list answers."""
    once = _read_by_offset if paging.kind is PagingKind.OFFSET else _read_once
    before: _Pass | None = None
    for _ in range(_MAX_PASSES):
        found = once(paging, fetch)
        if found.certain or (before is not None and found.confirms(before)):
            return TokenList(rows=tuple(found.rows.values()), gap=found.gap)
        before = found
    return TokenList(rows=tuple(found.rows.values()), gap=_CHANGED)


def total_of(tree: JsonTree) -> int | None:
    """A count of tokens out of an answer, also as text; None for anything else."""
    if isinstance(tree, str) and len(tree) <= _LONGEST_TOTAL and tree.isascii() and tree.isdecimal():
        return int(tree)
    return tree if isinstance(tree, int) and not isinstance(tree, bool) else None


def has_more(tree: JsonTree) -> bool:
    """Whether an answer says, at its top or one level below, that others follow."""
    if not isinstance(tree, dict):
        return False
    parts = (tree, *(part for part in tree.values() if isinstance(part, dict)))
    return any(found for part in parts for key, found in part.items() if key.lower().replace("_", "") in _MORE)


class _OffsetPass(_Pass):
    """The same by offset: each answer begins with the last row of the one before it.

    Where it does not, rows have moved, and an earlier answer is asked for.
    """

    def __init__(self, paging: Paging, fetch: Callable[[Query], ListPage]) -> None:
        super().__init__()
        self._paging = paging
        self._fetch = fetch
        self._skipped = 0
        self._sizes = [0]
        self._chained = True
        """Whether each answer began with a known row; those of a single row cannot."""
        self._lost = 0
        self._stale = 0

    def step(self) -> bool:
        """Ask for the next answer; whether it was the last."""
        answer = self._asked(self._skipped)
        joined = not self._skipped or bool(answer.rows and answer.rows[0].provider_id in self.rows)
        if self._sizes[-1] > 1 and not joined:
            return self._step_back()
        self._stale = 0 if self.take(answer) else self._stale + 1
        self._sizes.append(len(answer.rows))
        self._chained = self._chained and joined
        if not answer.rows:
            self.end(answer, self._ahead())
            return True
        if self._skipped and len(answer.rows) == self._stale == 1 and self._ends_here():
            return True
        if self._stale == _MAX_STALE:
            self.gap = "it returns the same tokens for every offset"
            return True
        self._skipped += max(1, len(answer.rows) - 1)
        return False

    def _step_back(self) -> bool:
        self._skipped = max(0, self._skipped - max(1, self._sizes[-1] // 2))
        self._lost += 1
        if self._lost == _MAX_LOST:
            self.gap = _CHANGED
        return bool(self.gap)

    def _ends_here(self) -> bool:
        """Whether nothing follows the answer that held only the known row: that is the end by the list's own rule."""
        last = self._asked(self._skipped + 1)
        if last.rows:
            return False
        self.take(last)
        self.end(last, self._ahead())
        self.certain = self._chained and max(self._sizes) > 1 and not self.gap
        return True

    def _ahead(self) -> Iterator[ListPage]:
        step = self._paging.size if self._paging.limit else max(*self._sizes, 1)
        return (self._asked(self._skipped + pages * step) for pages in _LOOK_AHEAD)

    def _asked(self, skipped: int) -> ListPage:
        return self._fetch(self._paging.skipping(skipped))


def _read_by_offset(paging: Paging, fetch: Callable[[Query], ListPage]) -> _Pass:
    found = _OffsetPass(paging, fetch)
    if any(found.step() for _ in range(_MAX_PAGES)):
        return found
    raise unreadable()


def _pages_after(paging: Paging, fetch: Callable[[Query], ListPage], pages: int) -> Iterator[ListPage]:
    if paging.kind is PagingKind.PAGE:
        yield from (fetch(paging.numbered(pages + more - 1)) for more in _LOOK_AHEAD)


def _read_once(paging: Paging, fetch: Callable[[Query], ListPage]) -> _Pass:
    found = _Pass()
    asked, query, by_page = set[Query](), paging.start, paging.kind is PagingKind.PAGE
    for number in range(1, _MAX_PAGES + 1):
        asked.add(query)
        answer = fetch(query)
        fresh = found.take(answer)
        upcoming = paging.following(answer, pages=number)
        if upcoming is None:
            found.end(answer, _pages_after(paging, fetch, number))
            found.certain = number == 1 and not by_page
            return found
        if by_page and not fresh:
            found.gap = "it returns the same tokens for every page"
            return found
        if upcoming in asked:
            raise unreadable()
        query = upcoming
    raise unreadable()
