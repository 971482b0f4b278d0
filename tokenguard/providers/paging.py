"""Reading a provider's list of tokens to its end, by the rule that the provider has for that.

Offsets, page numbers and many cursors count rows, so a token that is revoked while the list is read moves a later one
into a page that was read already. Such a pass saw the revoked token; the next pass does not. So a list of several
answers is read until two passes in a row give the same tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum, unique

from tokenguard.documents import JsonTree
from tokenguard.ports.provider import ProviderToken, TokenList
from tokenguard.providers.token_listing import unreadable

Query = tuple[tuple[str, str], ...]

_MAX_PAGES = 200
_MAX_PASSES = 4
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
    """The number of rows to skip is asked for; the list ends with an answer without rows."""
    PAGE = "page"
    """A page is asked for by its number; the list ends with an answer without rows."""
    LINK = "link"
    """An answer holds the address of the next one; the last one holds none."""

    @property
    def counted(self) -> bool:
        """Whether only an empty answer ends the list; a short one may have been cut by the provider."""
        return self in {PagingKind.OFFSET, PagingKind.PAGE}


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
        match self.kind:
            case PagingKind.OFFSET:
                return self._sized(((self.offset, "0"),))
            case PagingKind.PAGE:
                return self._sized(((self.page, str(self.first)),))
            case _:
                return self._sized(())

    def following(self, answer: "ListPage", *, pages: int, rows: int) -> Query | None:
        """What to ask for after `answer`, the last of so many pages with so many rows; None at the end.

        Raises:
            Unreachable: the answer names the next one in a way that this kind of list does not have.
        """
        match self.kind:
            case PagingKind.NONE:
                return None
            case PagingKind.LINK:
                return answer.link
            case PagingKind.CURSOR:
                if answer.following is None or answer.following == "":
                    return None
                if not isinstance(answer.following, str):
                    raise unreadable()
                return self._sized(((self.cursor, answer.following),))
            case PagingKind.OFFSET:
                return self._sized(((self.offset, str(rows)),)) if answer.rows else None
            case PagingKind.PAGE:
                return self._sized(((self.page, str(self.first + pages)),)) if answer.rows else None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    rows: dict[str, ProviderToken] = field(default_factory=dict)
    gap: str = ""
    whole: bool = False
    """One answer held everything, so nothing can have moved meanwhile."""


def read_list(paging: Paging, fetch: Callable[[Query], ListPage]) -> TokenList:
    """Read until the end is certain, or say why it is not. Raises Unreachable for what no such list answers."""
    before: _Pass | None = None
    for _ in range(_MAX_PASSES):
        found = _read_once(paging, fetch)
        if found.gap or found.whole or (before is not None and before.rows.keys() == found.rows.keys()):
            return TokenList(rows=tuple(found.rows.values()), gap=found.gap)
        before = found
    return TokenList(rows=tuple(found.rows.values()), gap="it changed each time it was read")


def total_of(tree: JsonTree) -> int | None:
    """A count of tokens out of an answer; None for anything else."""
    return tree if isinstance(tree, int) and not isinstance(tree, bool) else None


def says_more(tree: JsonTree) -> bool:
    """Whether an answer says, at its top or one level below, that others follow."""
    if not isinstance(tree, dict):
        return False
    parts = (tree, *(part for part in tree.values() if isinstance(part, dict)))
    return any(found for part in parts for key, found in part.items() if key.lower().replace("_", "") in _MORE)


def _read_once(paging: Paging, fetch: Callable[[Query], ListPage]) -> _Pass:
    rows: dict[str, ProviderToken] = {}
    asked, query, given, total = set[Query](), paging.start, 0, None
    for number in range(1, _MAX_PAGES + 1):
        asked.add(query)
        answer = fetch(query)
        fresh = {row.provider_id: row for row in answer.rows if row.provider_id not in rows}
        rows |= fresh
        given += len(answer.rows)
        total = total if answer.total is None else answer.total
        upcoming = paging.following(answer, pages=number, rows=given)
        if upcoming is None:
            return _Pass(rows=rows, gap=_gap(answer, total, len(rows)), whole=number == 1 and not paging.kind.counted)
        if paging.kind.counted and not fresh:
            return _Pass(rows=rows, gap=f"it returns the same tokens for every {paging.kind}")
        if upcoming in asked:
            raise unreadable()
        query = upcoming
    raise unreadable()


def _gap(last: ListPage, total: int | None, found: int) -> str:
    if total is not None and total != found:
        return f"it says that there are {total:,} tokens, and gives {found:,}"
    return "it says that there are more" if last.more else ""
