"""The gate to detect-secrets: its plugins and filters, loaded one by one when a line asks for them.

Nothing here can reach the network: verification is never used, and the import of `requests`, which takes longer than
all others together, is deferred until other code needs it.
"""

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

_REQUESTS = "requests"
_MODULES = {
    "ArtifactoryDetector": "artifactory",
    "AWSKeyDetector": "aws",
    "AzureStorageKeyDetector": "azure_storage_key",
    "BasicAuthDetector": "basic_auth",
    "CloudantDetector": "cloudant",
    "DiscordBotTokenDetector": "discord",
    "GitHubTokenDetector": "github_token",
    "GitLabTokenDetector": "gitlab_token",
    "Base64HighEntropyString": "high_entropy_strings",
    "HexHighEntropyString": "high_entropy_strings",
    "IbmCloudIamDetector": "ibm_cloud_iam",
    "IbmCosHmacDetector": "ibm_cos_hmac",
    "JwtTokenDetector": "jwt",
    "KeywordDetector": "keyword",
    "MailchimpDetector": "mailchimp",
    "NpmDetector": "npm",
    "OpenAIDetector": "openai",
    "PrivateKeyDetector": "private_key",
    "PypiTokenDetector": "pypi_token",
    "SendGridDetector": "sendgrid",
    "SlackDetector": "slack",
    "SoftlayerDetector": "softlayer",
    "SquareOAuthDetector": "square_oauth",
    "StripeDetector": "stripe",
    "TelegramBotTokenDetector": "telegram_token",
    "TwilioKeyDetector": "twilio",
}
PLUGINS = frozenset(_MODULES)


@cache
def plugin(name: str) -> Any:
    """The plugin of that class name, with its default settings."""
    return getattr(_module(f"plugins.{_MODULES[name]}"), name)()


def keyword() -> Any:
    """The module of the rules for names that sound secret."""
    return _module("plugins.keyword")


def heuristic() -> Any:
    """The module of its default filters."""
    return _module("filters.heuristic")


def allowlist() -> Any:
    """The module that reads `pragma: allowlist secret`."""
    return _module("filters.allowlist")


def transformers() -> Any:
    """The module that rebuilds lines from YAML and INI."""
    return _module("transformers")


def filetype() -> Any:
    """The module that tells a file's type by its name."""
    return _module("util.filetype")


def code_snippet() -> Any:
    """The module that cuts a line's surroundings."""
    return _module("util.code_snippet")


def settings() -> Any:
    """The module with its process-wide settings, which only a team's own plug-ins and filters need."""
    return _module("settings")


def own_scan() -> Any:
    """The module with its own way of scanning, for the same."""
    return _module("core.scan")


def forget_patterns() -> None:
    """Have its filters by pattern read the settings again, which they do once a process."""
    filters = _module("filters.regex")
    for what in ("line", "file", "secret"):
        getattr(filters, f"_get_{what}_exclusion_regex").cache_clear()


def plugin_loading() -> Any:
    """The module that loads plug-ins from files, for the same."""
    return _module("core.plugins.util")


@cache
def _module(name: str) -> Any:
    with _without_requests():
        return importlib.import_module(f"detect_secrets.{name}")


@contextlib.contextmanager
def _without_requests() -> Iterator[None]:
    """Replace `import requests` by a stand-in for the duration, unless the real one is already imported."""
    specification = None if _REQUESTS in sys.modules else importlib.util.find_spec(_REQUESTS)
    if specification is None:
        yield
        return
    stand_in = _PutOff(_REQUESTS, specification)
    sys.modules[_REQUESTS] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(_REQUESTS) is stand_in:
            del sys.modules[_REQUESTS]


class _PutOff(ModuleType):
    """Stands for a module until one of its attributes is wanted."""

    Response = object
    """The only one that detect-secrets wants while it is imported: an annotation."""

    def __init__(self, name: str, specification: Any) -> None:
        super().__init__(name)
        self.__spec__ = specification

    def __getattr__(self, attribute: str) -> Any:
        name = super().__getattribute__("__name__")
        if sys.modules.get(name) is self:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)
