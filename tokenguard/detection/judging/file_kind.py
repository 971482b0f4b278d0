"""What the path of a file says of its content: configuration, prose or code; a test, an example, code of others."""

import re
from functools import lru_cache

from tokenguard.detection.stand_ins import words_of

_TESTS = re.compile(
    r"(?i)(?:^|[/_.-])(?:tests?|specs?|testing|testdata|fixtures?|mocks?|__tests__|e2e|cassettes?|snapshots?)(?:[/_.-]|$)"
    r"|[a-z]Tests?\b|Test[A-Z.]"
)
_EXAMPLES = re.compile(
    r"(?i)(?:^|[/_.-])(?:examples?|samples?|demos?|docs?|documentation|tutorials?|templates?|guides?|readme|dist)"
    r"(?:[/_.-]|$)"
)
_VENDORED = re.compile(
    r"(?i)(?:^|/)(?:vendor|node_modules|third[-_]?party|locales?|i18n|lang|translations?|site-packages|deps)/|\.min\."
    r"|\.lock$|-lock\."
)
_CONFIGURATION = words_of(
    """env ini cfg conf config properties yml yaml toml json xml tf tfvars hcl sh bash zsh ps1 bat cmd
    dockerfile secrets rc cnf"""
)
_PROSE = words_of("md rst txt adoc html htm log csv po ipynb")
_NEAREST = 5
"""So many parts of a path count, so that it matters little from where a scan is run."""


def kind_of_place(path: str) -> tuple[str, str, tuple[str, ...]]:
    """What holds a file of this name, its extension, and of what it is a part."""
    return _of_path("/".join(path.split("/")[-_NEAREST:]))


@lru_cache(maxsize=64)
def _of_path(path: str) -> tuple[str, str, tuple[str, ...]]:
    """The same for each candidate of a file."""
    base = path.rsplit("/", 1)[-1].lower()
    extension = base.rsplit(".", 1)[-1] if "." in base else base
    group = "configuration" if extension in _CONFIGURATION else "prose" if extension in _PROSE else "code"
    titles = (("a test", _TESTS), ("an example", _EXAMPLES), ("code of others", _VENDORED))
    return group, extension, tuple(title for title, pattern in titles if pattern.search(path))
