"""Examples that vendors print: how they are written down here, served to a client, and compared with an imitation."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.scripted_server import reply


def differences(documented: Any, answered: Any, at: str = "") -> list[str]:
    """Fields of an example that an answer lacks or gives in another type; null stands for any type."""
    if documented is None or answered is None:
        return []
    if isinstance(documented, Mapping) and isinstance(answered, Mapping):
        lacking = [f"{at}/{name}" for name in documented if name not in answered]
        return lacking + [
            each
            for name in documented
            if name in answered
            for each in differences(documented[name], answered[name], f"{at}/{name}")
        ]
    if isinstance(documented, list) and isinstance(answered, list):
        return differences(documented[0], answered[0], f"{at}[]") if documented and answered else []
    number = (int, float)
    same = isinstance(answered, number) if isinstance(documented, number) else type(documented) is type(answered)
    return [] if same else [f"{at}: {type(documented).__name__} is {type(answered).__name__}"]


@dataclass(frozen=True)
class Example:
    """One answer that a page prints, or whose fields it lists; `read` is the day of the copy that was read."""

    route: str
    page: str
    read: str
    answer: Any
    status: int = 200


def script(*several: Example) -> list[Callable[..., None]]:
    """A server's answers, one after another; null is an answer without a body."""
    return [
        reply(each.status, b"" if each.answer is None else json.dumps(each.answer).encode(), "Connection: close")
        for each in several
    ]


def asked_of(url: str, route: str, credential: str, body: Any = None) -> tuple[int, Any]:
    """The status and the answer of an imitation; null for an answer without a body."""
    method, _, way = route.partition(" ")
    request = urllib.request.Request(
        f"{url}{way}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
