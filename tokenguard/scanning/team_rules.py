"""A team's own plug-ins and filters of detect-secrets: loaded by detect-secrets itself, run on every line.

They are programs, so only the user names them, on the command line or in the user's own configuration; nothing that
lies in a scanned repository is ever looked at for them. `detection.rules` knows detect-secrets' own plug-ins; what it
finds is held to the team's filters here.
"""

import logging
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tokenguard.detection import detect_secrets_adapter
from tokenguard.detection.budget import OutOfTime, limited
from tokenguard.detection.match import TextMatch, Unscanned
from tokenguard.detection.rebuilt import file_lines, views
from tokenguard.domain.finding import FindingKind
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.files import expanded, shown
from tokenguard.frozen import Frozen
from tokenguard.posix import others_can_write, require_posix
from tokenguard.text import safe_text

_FILTER_HINT = "write PATH::FUNCTION, or detect_secrets.filters.….NAME (detect_secrets.filters.regex.NAME=PATTERN)"
_PATTERNS = "detect_secrets.filters.regex."
_VERIFYING = "is_ignored_due_to_verification_policies"
_SECONDS = 20.0
"""CPU time for one file: the team's code is trusted, the file is not."""
_Result = TypeVar("_Result")
_INVALID_FILE = "detect_secrets.filters.common.is_invalid_file"  # asks the disk; a blob need not be there


class TeamFiles(Frozen, frozen=True, kw_only=True):
    """What the user named."""

    plugins: tuple[Path, ...] = ()
    """Python files with plug-in classes."""
    filters: tuple[str, ...] = ()
    """`PATH::FUNCTION` of Python files, or the name of one of detect-secrets' own (`detect_secrets.filters.….NAME`).

    Those of `detect_secrets.filters.regex` take a pattern (`NAME=PATTERN`), and may be named once for each.
    """

    def __bool__(self) -> bool:
        return bool(self.plugins or self.filters)


class TeamRules:
    """The loaded plug-ins and filters. One per process: detect-secrets keeps its settings globally.

    Raises:
        InputError: a file cannot be loaded, holds no plug-in, or others may write to it.
    """

    def __init__(self, files: TeamFiles) -> None:
        self._scan: Any = detect_secrets_adapter.own_scan()
        _attempt("load the plug-ins and filters", lambda: _configure(files))
        self._types = {detect_secrets_adapter.plugin(name).secret_type: name for name in detect_secrets_adapter.PLUGINS}
        self._filters = bool(files.filters)

    def keeps(self, match: TextMatch, text: str, path: str) -> bool:
        """Whether the team's filters let a finding of detect-secrets' own rules pass."""
        if not self._filters or match.type not in self._types:
            return True
        plugin = detect_secrets_adapter.plugin(self._types[match.type])
        value = match.value.reveal()

        def passes() -> bool:
            line, context = self._line(text, path, match.line - 1, value)
            about = {"filename": path, "line": line, "context": context}
            dropped = self._scan._is_filtered_out  # noqa: SLF001 - it has no public name
            return not (
                dropped(["filename"], filename=path)
                or dropped(["line"], **about)
                or dropped(["secret"], filename=path, line=line, secret=value, plugin=plugin)
                or dropped(["context"], secret=value, plugin=plugin, **about)
            )

        try:
            with limited(_SECONDS):
                return _attempt("run the filters", passes)
        except OutOfTime:
            return True  # the author of a line must not control what is dropped

    def finds(self, text: str, path: str, *, also: bool) -> Iterator[TextMatch | Unscanned]:
        """What the team's plug-ins find in a text.

        Args:
            text: the content, with every line end as a line feed.
            path: as the team writes it.
            also: whether detect-secrets' own plug-ins found something; then it does not look a second time at
                lines that it rebuilds from what might be an INI file.
        """
        try:
            with limited(_SECONDS):
                found = _attempt("run the plug-ins", lambda: list(self._find(text, path, also=also)))
        except OutOfTime:
            yield Unscanned(line=1, reason="team-rules-out-of-time")
            return
        yield from found

    def _find(self, text: str, path: str, *, also: bool) -> Iterator[TextMatch]:
        if self._scan._is_filtered_out(["filename"], filename=path):  # noqa: SLF001
            return
        own = file_lines(text)
        for lines in views(text, path):
            numbered = list(enumerate(lines, start=1))
            secrets = list(self._scan._process_line_based_plugins(numbered, path))  # noqa: SLF001
            yield from (_match(secret, own) for secret in sorted(secrets, key=_order))
            if secrets or also:
                return

    def _line(self, text: str, path: str, index: int, value: str) -> tuple[str, Any]:
        """The line on which a value was found, as the rule saw it, and what surrounds it."""
        lines = file_lines(text)
        for chosen in views(text, path):
            if index < len(chosen) and value in chosen[index]:
                lines = chosen
                break
        context = detect_secrets_adapter.code_snippet().get_code_snippet(lines=lines, line_number=index + 1)
        return (lines[index].rstrip() if index < len(lines) else ""), context


def _configure(files: TeamFiles) -> None:
    logging.getLogger("detect-secrets").setLevel(logging.CRITICAL)  # below that it writes what it skips
    settings = detect_secrets_adapter.settings()
    util = detect_secrets_adapter.plugin_loading()
    plugins = []
    for path in files.plugins:
        _check_trusted(path)
        classes = list(util.get_plugins_from_file(str(path)))
        if not classes:
            raise InputError(f"no plug-in in {shown(path)}", hint="it must define a class with a secret_type")
        plugins += [{"name": each.__name__, "path": f"file://{path}"} for each in classes]
    filters = list(_described(files.filters))
    chosen = settings.get_settings()
    chosen.clear()
    chosen.plugins = {}
    everything = [{"path": each} for each in chosen.filters if each != _INVALID_FILE]
    util.get_mapping_from_secret_type_to_class.cache_clear()
    chosen.configure_plugins(plugins)
    chosen.configure_filters([*everything, *filters])
    chosen.filters.pop(_INVALID_FILE, None)
    settings.get_plugins.cache_clear()
    settings.get_filters.cache_clear()
    detect_secrets_adapter.forget_patterns()
    settings.get_plugins()
    if len(settings.get_filters()) < len(chosen.filters):
        raise InputError("a filter cannot be loaded", hint=_FILTER_HINT)


def _described(filters: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The filters as detect-secrets' own configuration has them."""
    patterns: dict[str, list[str]] = {}
    for text in filters:
        name, _, pattern = text.partition("=")
        if not text.startswith(_PATTERNS):
            yield {"path": _located(text)}
            continue
        try:
            patterns.setdefault(name, []).append(re.compile(pattern).pattern)
        except re.error:
            hint = "write it in the syntax of Python's re"
            raise InputError(f"the pattern of {safe_text(name)} is not a regular expression", hint=hint) from None
        if not pattern:
            raise InputError(f"{safe_text(name)} without a pattern", hint=_FILTER_HINT)
    yield from ({"path": name, "pattern": found} for name, found in patterns.items())


def _located(text: str) -> str:
    place, separator, function = text.rpartition("::")
    if not separator:
        if text.startswith("detect_secrets.filters.") and not text.endswith(_VERIFYING):
            return text
        raise InputError("not a filter that can be used here", hint=_FILTER_HINT)
    path = expanded(place.removeprefix("file://")).absolute()
    _check_trusted(path)
    return f"file://{path}::{function}"


def _check_trusted(path: Path) -> None:
    """It will be run: it must be a file that only its owner, or root, can change."""
    require_posix("a plug-in or filter")
    try:
        info = path.stat()
    except OSError:
        raise InputError(f"there is no {shown(path)}", hint="name a Python file with plug-ins or filters") from None
    if not stat.S_ISREG(info.st_mode) or others_can_write(info):
        raise InputError(
            f"others can change {shown(path)}",
            hint="the file is executed: make yourself its owner, and run `chmod go-w` on it",
        )


def _attempt(what: str, work: Callable[[], _Result]) -> _Result:
    """Run the team's code; its exceptions become an error without their text, which may quote scanned content."""
    try:
        return work()
    except (InputError, OutOfTime):
        raise
    except Exception as error:  # noqa: BLE001 - foreign code raises anything
        raise InputError(
            f"cannot {what} of detect-secrets that were named: {safe_text(type(error).__name__, limit=60)}",
            hint="try them with detect-secrets itself: `detect-secrets scan -p FILE`",
        ) from None


def _match(secret: Any, own: Sequence[str]) -> TextMatch:
    value = secret.secret_value or ""
    line = own[secret.line_number - 1] if secret.line_number <= len(own) else ""
    return TextMatch(
        kind=FindingKind.RULE,
        type=safe_text(secret.type, one_line=True, limit=100),
        line=secret.line_number,
        column=max(line.find(value), 0) + 1,
        value=Secret(value),
        whole=Secret(value),
    )


def _order(secret: Any) -> tuple[int, str, str]:
    return secret.line_number, secret.type, secret.secret_hash
