"""`GET /api-keys` of the Autoposting-like vendor: as its documentation says, or in any style that a knob asks for."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from tokenguard.sandbox.fault_settings import ListPaging, ListStyle
from tokenguard.sandbox.wire import Call, Headers, Reply, reply
from tokenguard.sandbox.world import Issued

Row = Callable[[Issued], Mapping[str, Any]]


def key_list(call: Call, keys: Sequence[Issued], style: ListStyle, row: Row, url: str) -> Reply | None:
    """One answer; None if the call asks for something that is not a number.

    Args:
        call: what is asked for.
        keys: all of them, oldest first.
        style: how the vendor lists.
        row: how it shows one.
        url: the address of the list, for links.
    """
    numbers = _numbers(call, style)
    if numbers is None:
        return None
    start, size = numbers
    ordered = list(reversed(keys)) if style.newest_first else list(keys)
    shown = ordered[start : start + size]
    after = start + size if start + size < len(keys) else None
    body: dict[str, Any] = {"success": True}
    data: dict[str, Any] = {"items": [dict(row(key)) for key in shown]}
    if style.total:
        data["total"] = len(keys) + style.total_off
    if style.wrapped:
        body["data"] = data
    else:
        body |= {"data": data.pop("items"), **data}
    headers: Headers = ()
    if style.paging is ListPaging.CURSOR:
        body["pagination"] = {"nextCursor": None if after is None else str(after)}
    elif style.paging is ListPaging.LINK and after is not None:
        headers = (("Link", f'<{url}?start={after}>; rel="next", <{url}>; rel="first"'),)
    return reply(HTTPStatus.OK, body, headers)


def _numbers(call: Call, style: ListStyle) -> tuple[int, int] | None:
    """From which key on, and how many; None if one is not a number. What the style does not know is passed over."""
    first = {
        ListPaging.OFFSET: "offset",
        ListPaging.CURSOR: "cursor",
        ListPaging.PAGE: "page",
        ListPaging.LINK: "start",
    }
    where = call.query.get(first.get(style.paging, ""), "")
    limit = call.query.get("limit", "") if style.paging is ListPaging.OFFSET else ""
    if not all(text.isdecimal() or not text for text in (where, limit)):
        return None
    if style.paging is ListPaging.NONE:
        return 0, 1 << 30
    size = max(min(int(limit or style.usual), style.most), 1)
    if style.paging is ListPaging.PAGE:
        return (max(int(where or 1), 1) - 1) * size, size
    return int(where or 0), size
