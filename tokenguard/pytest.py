"""Masking for pytest: `pytest -p tokenguard.pytest`, with the variables that hold tokens in `tokenguard_env`.

Reports are masked before plug-ins such as JUnit's and xdist's get them, and what is left, such as names of tests, on
its way to the terminal. A report that cannot be masked says so, and keeps its outcome.
"""

import sys
from collections.abc import Generator
from typing import Any, TypeVar

import pytest

from tokenguard.masking.current import clean
from tokenguard.masking.install import install
from tokenguard.masking.objects import clean_object
from tokenguard.masking.records import withheld

__all__: list[str] = []

_CHANNEL = "pytest"
_COLLECTED = "result"
"""Tests and modules, which are not sent."""
_Report = TypeVar("_Report", pytest.TestReport, pytest.CollectReport)
_NAMES = frozenset({"nodeid", "_id"})
"""What a worker of xdist needs as it is, until it sends a report."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting `tokenguard_env`."""
    parser.addini("tokenguard_env", "environment variables whose values are masked", type="args", default=[])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Install masking before pytest takes hold of the standard streams."""
    install(env=early_config.getini("tokenguard_env"), stdio=True)
    return (yield)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Keep a value out of a test's name; other names are pytest's to make."""
    masked = clean(val, _CHANNEL) if isinstance(val, str) else val
    return None if masked is val else str(masked)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mask what is said of a test, and what it wrote."""
    return _masked(item.config, (yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Mask what is said of a module that cannot be imported."""
    return _masked(collector.config, (yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_report_to_serializable() -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
    """Mask what a worker of xdist sends: names of tests."""
    data = yield
    return data and {name: _cleaned(held) for name, held in data.items()}


def _masked(config: pytest.Config, report: _Report) -> _Report:
    """The report with masks, by way of the form in which pytest sends it to another process."""
    raw = config.pluginmanager.subset_hook_caller("pytest_report_to_serializable", [sys.modules[__name__]])
    kept = _NAMES if hasattr(config, "workerinput") else frozenset[str]()
    try:
        data = raw(config=config, report=report)
        changed = {name: new for name, held in data.items() if name not in kept and (new := _cleaned(held)) is not held}
        if not changed:
            return report
        shown = config.hook.pytest_report_from_serializable(config=config, data={**data, **changed})
        texts = {name: held for name, held in vars(shown).items() if name != _COLLECTED}
    except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the session goes on
        texts = {"longrepr": withheld(error, "a report") if report.longrepr else None, "sections": []}
    vars(report).update(texts)
    return report


def _cleaned(held: Any) -> Any:
    """What is data with masks; not the objects that a report of collected tests holds beside."""
    return clean_object(held, _CHANNEL) if isinstance(held, str | list | tuple | dict) else held
