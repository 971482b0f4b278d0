"""Rules about URLs: those that a vendor calls back, and those that carry their own access."""

import re
from collections import defaultdict
from datetime import timedelta

from tokenguard.domain.callback_url import UrlProblem, read_callback_url
from tokenguard.policy.repository_answer import (
    RepositoryAnswer,
    RepositoryNotEvaluable,
    RepositoryQuestion,
    RepositoryViolation,
)
from tokenguard.policy.repository_view import Presigned

_CALLBACK = re.compile(
    r"(?i)callback[_-]?ur[il]\b[\"'`\]]{0,3}\s{0,80}(?::\s{0,8}\w{1,40}\s{0,8})?(?:[:=,(]|=>)\s{0,80}"
    r"(?:[fFrRbBuU]{0,2}[\"'`(]){0,3}(?P<url>https?://[^\s\"'`<>\\)]{1,2048})"
)
_TEMPLATE = re.compile(r"\$?\{+[^{}]{0,200}\}+|\$\w{1,80}|%[sd]|%\(\w{1,80}\)s")
_STAND_IN = re.compile(r"https?://(?:[^/?#]*\.)?[^/?#.]+\.(?:example|test|invalid)(?:[:/?#]|$)|\.\.\.")
_NOT_ASKED = frozenset({UrlProblem.PORT, UrlProblem.FRAGMENT})


def callback(question: RepositoryQuestion) -> RepositoryAnswer:
    """`callback-url`: who can read or answer a callback can tell us what a job made."""
    for file in question.view:
        for found in _CALLBACK.finditer(file.text):
            problem = None if _STAND_IN.search(found["url"]) else _problem(found["url"].rstrip(".,;:"))
            if problem is not None and problem not in _NOT_ASKED:
                yield RepositoryViolation(
                    file.path, file.text.count("\n", 0, found.start("url")) + 1, f"a callback URL: {problem}"
                )


def _problem(url: str) -> UrlProblem | None:
    """What is wrong with it; where the host is filled in later, only what can be said without it."""
    origin = url.split("://", 1)[1].split("/", 1)[0].split("?", 1)[0]
    if _TEMPLATE.search(origin):
        if "@" in origin:
            return UrlProblem.USERINFO
        if url.lower().startswith("http:"):
            return UrlProblem.NOT_HTTPS
        url = url.replace(origin, "filled-in.example.com", 1)
    problem = read_callback_url(_TEMPLATE.sub("filled", url)).problem
    return None if problem is UrlProblem.MALFORMED else problem


def lifetime(question: RepositoryQuestion) -> RepositoryAnswer:
    """`presigned-lifetime`: long enough for the import to be done, and no longer."""
    least = timedelta(hours=question.rule.number("least"))
    most = timedelta(hours=question.rule.number("most"))
    for url in question.view.presigned:
        left = url.ends_at - question.now if url.ends_at is not None else None
        if url.length is not None and url.length < least:
            yield RepositoryViolation(
                url.path, url.line, f"{_what(url)} lives {_hours(url.length)}, less than {_hours(least)}"
            )
        elif url.length is not None and url.length > most and not url.upper_bound:
            yield RepositoryViolation(
                url.path, url.line, f"{_what(url)} lives {_hours(url.length)}, more than {_hours(most)}"
            )
        elif url.length is None and left is not None and left > most:
            yield RepositoryViolation(
                url.path, url.line, f"{_what(url)} is valid for another {_hours(left)}, more than {_hours(most)}"
            )
        elif url.length is None:
            yield RepositoryNotEvaluable(url.path, "a pre-signed URL does not contain its creation time")
        elif url.length > most:
            yield RepositoryNotEvaluable(url.path, "a pre-signed URL may end earlier, with the session that signed it")


def read_only(question: RepositoryQuestion) -> RepositoryAnswer:
    """`presigned-read-only`: an import only reads, so its URL should allow nothing more."""
    for url in question.view.presigned:
        if url.grants == "more":
            yield RepositoryViolation(url.path, url.line, f"{_what(url)} allows more than reading")
        elif not url.grants:
            yield RepositoryNotEvaluable(url.path, "a pre-signed URL does not contain its permissions")


def reused(question: RepositoryQuestion) -> RepositoryAnswer:
    """`presigned-reused`: one URL for each import, so that what leaks can be told and ended."""
    uses: defaultdict[str, list[Presigned]] = defaultdict(list)
    for url in question.view.presigned:
        uses[url.digest].append(url)
    for first, *others in uses.values():
        for url in others:
            yield RepositoryViolation(url.path, url.line, f"{_what(url)} is used at {first.path}:{first.line} too")


def _what(url: Presigned) -> str:
    return f"a pre-signed URL ({url.kind})"


def _hours(length: timedelta) -> str:
    return f"{length / timedelta(hours=1):,.4g} h"
