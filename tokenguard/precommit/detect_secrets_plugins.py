"""Descript, Autoposting and other shapes as plug-ins of detect-secrets, for a team that stays with its own hook.

In a `.secrets.baseline`, or with `detect-secrets scan -p`, name this file: `"plugins_used": [{"name":
"DescriptTokenDetector", "path": "file:///…/tokenguard/precommit/detect_secrets_plugins.py"}]`.
"""

import re
from collections.abc import Generator

from detect_secrets.plugins.base import RegexBasedDetector

from tokenguard.detection.presigned import presigned_urls
from tokenguard.detection.secret_forms import KNOWN_VARIABLE_PATTERN
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.token_format import TokenFormat, expression


def _patterns(*types: str) -> list[re.Pattern[str]]:
    return [re.compile(expression(kind)) for kind in FORMATS if kind.type in types]


_HERE = ("Descript", "Autoposting")


def _of_other_vendors() -> list[TokenFormat]:
    return [kind for kind in FORMATS if kind.vendor not in _HERE and kind.stands_alone]


class _ShapeDetector(RegexBasedDetector):
    """What the table of shapes knows under the given names."""

    def analyze_string(self, string: str) -> Generator[str, None, None]:
        """Yield each token of this shape."""
        for pattern in self.denylist:
            for match in pattern.finditer(string):
                yield match.groupdict().get("value") or match.group()


class DescriptTokenDetector(_ShapeDetector):
    """Descript API tokens, whole or half.

    detect-secrets drops secrets that contain a UUID, as both halves do; so the secret is passed without dashes.
    """

    secret_type = "Descript API Token"  # noqa: S105 - a name
    denylist = _patterns("Descript API Token", "Descript API Token (half)")

    def analyze_string(self, string: str) -> Generator[str, None, None]:
        """Yield each token, without dashes, and a half only where it does not belong to a whole one."""
        whole, half = self.denylist
        yield from (match.group().replace("-", "") for match in whole.finditer(string))
        yield from (match.group().replace("-", "") for match in half.finditer(whole.sub("", string)))


class AutopostingKeyDetector(_ShapeDetector):
    """Autoposting API keys."""

    secret_type = "Autoposting API Key"  # noqa: S105 - a name
    denylist = _patterns("Autoposting API Key", "Autoposting API Key (live)")


class VendorTokenDetector(_ShapeDetector):
    """Tokens of every other vendor whose format says enough by itself."""

    secret_type = "Vendor Token"  # noqa: S105 - a name
    denylist = [re.compile(expression(kind)) for kind in _of_other_vendors()]  # noqa: RUF012 - as the base class has it


class KnownVariableDetector(_ShapeDetector):
    """Values assigned to variables that are known to hold a token."""

    secret_type = "Token in a known variable"  # noqa: S105 - a name
    denylist = [re.compile(KNOWN_VARIABLE_PATTERN)]  # noqa: RUF012 - as the base class has it


class PresignedUrlDetector(RegexBasedDetector):
    """URLs that carry their own access."""

    secret_type = "Pre-signed URL"  # noqa: S105 - a name
    denylist = [re.compile("$^")]  # noqa: RUF012 - the base class wants one; `analyze_string` does not use it

    def analyze_string(self, string: str) -> Generator[str, None, None]:
        """Yield the signature of each."""
        yield from (match.value.reveal() for match in presigned_urls(string))
