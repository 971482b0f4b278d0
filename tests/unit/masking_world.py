"""A fresh state of masking for one test, and a value that it knows."""

import secrets

import pytest

from tokenguard.masking import current


@pytest.fixture
def leaks(monkeypatch):
    """Masking with nothing known; what it reports."""
    monkeypatch.setattr(current, "_STATE", current._EngineState())
    found = []
    current.report_to(found.append)
    return found


@pytest.fixture
def value(leaks):
    """A value that is masked."""
    text = "tgcanary_" + secrets.token_hex(18)
    current.mask(text, "team/app")
    return text
