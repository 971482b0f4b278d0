# ruff: noqa: F811, TRY301 - fixtures are arguments, and tests raise what they catch
"""structlog, loguru and the Sentry SDK, the real ones."""

import io
import json
import logging

import loguru
import pytest
import sentry_sdk
import structlog

import tokenguard.loguru
import tokenguard.pytest
import tokenguard.sentry
import tokenguard.structlog
from tests.unit.masking_world import leaks, value  # noqa: F401 - fixtures
from tokenguard.masking import current


@pytest.fixture
def lines():
    return io.StringIO()


@pytest.fixture(autouse=True)
def no_other_sinks():
    loguru.logger.remove()


def structlogger(lines, *processors):
    return structlog.wrap_logger(structlog.PrintLogger(lines), processors=list(processors))


def test_structlog_masks_fields_nested_fields_and_keys(value, lines):
    log = structlogger(lines, tokenguard.structlog.redact_event, structlog.processors.JSONRenderer())
    log.info("event", token=value, nested={"headers": [{"a": value}], value: 1}, count=3)
    assert value not in lines.getvalue()
    assert json.loads(lines.getvalue())["count"] == 3


@pytest.mark.parametrize("renderer", [structlog.processors.JSONRenderer(), structlog.dev.ConsoleRenderer(colors=True)])
def test_structlog_masks_what_the_renderer_made_tracebacks_included(value, lines, renderer):
    log = structlogger(
        lines,
        *([structlog.processors.format_exc_info] if isinstance(renderer, structlog.processors.JSONRenderer) else []),
        renderer,
        tokenguard.structlog.redact_rendered,
    )
    try:
        raise ValueError(value)
    except ValueError:
        log.exception("failed", half=value[:20])
    assert value not in lines.getvalue()
    assert "ValueError" in lines.getvalue()


def test_structlog_withholds_an_event_that_cannot_be_masked(value, monkeypatch):
    monkeypatch.setattr(current, "redact_text", lambda *_: 1 / 0)
    event = tokenguard.structlog.redact_event(None, "info", {"event": value})
    assert event == {"event": "[tokenguard: record withheld: ZeroDivisionError while masking an event of info()]"}
    assert tokenguard.structlog.redact_rendered(None, "info", value.encode()).startswith(
        b"[tokenguard: record withheld"
    )


@pytest.mark.parametrize("how", [{}, {"diagnose": True}, {"serialize": True}, {"colorize": True}])
def test_loguru_masks_message_exception_and_variables(value, lines, how):
    number = loguru.logger.add(tokenguard.loguru.sink(lines), **how)

    def deep(argument):
        inside = [argument, argument * 3]
        return int(inside[0])

    try:
        loguru.logger.bind(token=value).info("hello {}", value)
        deep(value)
    except ValueError:
        loguru.logger.exception("failed")
    finally:
        loguru.logger.remove(number)
    written = lines.getvalue()
    assert "hello" in written
    assert "ValueError" in written
    secret = value.removeprefix("tgcanary_")
    assert not any(secret[at : at + 16] in written for at in range(len(secret) - 15))


def test_loguru_writes_to_a_private_file_and_to_another_sink(value, tmp_path):
    path, caught = tmp_path / "log", []
    for target in (path, caught.append):
        number = loguru.logger.add(tokenguard.loguru.sink(target), format="{message}")
        loguru.logger.info(value)
        loguru.logger.remove(number)
    assert path.read_text() == caught[0]
    assert value not in caught[0]
    assert path.stat().st_mode & 0o077 == 0


class Screen(io.StringIO):
    """A stream of an encoding, and perhaps a terminal."""

    def __init__(self, encoding, *, tty):
        super().__init__()
        self.tty = tty
        self.shown = encoding

    @property
    def encoding(self):
        return self.shown

    def isatty(self):
        return self.tty


@pytest.mark.parametrize("tty", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", None])
def test_loguru_draws_and_colours_as_without_us(encoding, tty, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    plain, masked = Screen(encoding, tty=tty), Screen(encoding, tty=tty)
    numbers = [
        loguru.logger.add(sink, format="<red>{message}</red>", diagnose=True)
        for sink in (plain, tokenguard.loguru.sink(masked))
    ]
    try:
        int("7 of " + "x" * 3)
    except ValueError:
        loguru.logger.exception("failed")
    for number in numbers:
        loguru.logger.remove(number)
    assert masked.getvalue() == plain.getvalue()
    assert ("\x1b[" in masked.getvalue()) is tty


def test_loguru_patch_masks_what_other_sinks_see(value):
    seen = []
    patched = loguru.logger.patch(tokenguard.loguru.patch)
    number = patched.add(lambda message: seen.append(message.record))
    patched.bind(token={"k": value}).info("x {}", value)
    loguru.logger.remove(number)
    assert value not in str(seen[0]["message"]) + str(seen[0]["extra"])


class Kept(sentry_sdk.Transport):
    """A transport that sends nothing."""

    def __init__(self):
        super().__init__({})
        self.sent = []

    def capture_envelope(self, envelope):
        self.sent.append(envelope.serialize())


@pytest.fixture
def sentry(leaks):
    kept = Kept()
    with sentry_sdk.isolation_scope():
        own = {"transport": kept, "dsn": "http://key@127.0.0.1:9/1", "traces_sample_rate": 1.0, "enable_logs": True}
        sentry_sdk.init(**tokenguard.sentry.options(**own, default_integrations=True, auto_enabling_integrations=False))
        yield kept
        sentry_sdk.get_client().close()
        sentry_sdk.init()


def test_sentry_sends_no_value_in_exceptions_variables_breadcrumbs_logs_or_transactions(value, sentry):
    quiet = logging.getLogger("sentry.test")
    quiet.propagate = False
    quiet.addHandler(logging.NullHandler())
    quiet.warning("breadcrumb %s", value)
    with sentry_sdk.start_transaction(op="op", name=f"transaction {value}") as transaction:
        transaction.set_data("data", {"deep": [value]})
        with sentry_sdk.start_span(op="span", name=f"GET /?k={value}"):
            pass
    try:
        local = "x" * 900 + value + "y" * 900
        raise ValueError(local)
    except ValueError:
        sentry_sdk.capture_exception()
    sentry_sdk.capture_message(f"message {value}")
    sentry_sdk.logger.info("structured log " + value)
    sentry_sdk.flush()
    sent = b"".join(sentry.sent)
    assert b"transaction" in sent
    assert b"ValueError" in sent
    assert b"structured log" in sent
    assert value.encode() not in sent
    assert value[:24].encode() not in sent, "nor the beginning of one that was cut"


def test_sentry_sends_attachments_with_masks(value, sentry, tmp_path):
    """Content that is given, made when it is sent, or in a file; what cannot be read does not stop the event."""
    (tmp_path / "c.log").write_text(f"from a file {value}")

    def fails():
        raise RuntimeError(value)

    with sentry_sdk.new_scope() as scope:
        scope.add_attachment(bytes=f"given {value}".encode(), filename=f"a-{value}.log")
        scope.add_attachment(bytes=f"made {value}".encode, filename="b.log")
        scope.add_attachment(path=str(tmp_path / "c.log"))
        scope.add_attachment(path=str(tmp_path / "not-there.log"))
        scope.add_attachment(bytes=fails, filename="e.log")
        for _ in range(2):
            sentry_sdk.capture_message("with attachments")
    sentry_sdk.flush()
    sent = b"".join(sentry.sent)
    mask = current.clean(value, "x").encode()
    for text in (b"given ", b"made ", b"from a file ", b"a-"):
        assert sent.count(text + mask) == 2
    assert sent.count(b"withheld: FileNotFoundError while masking an attachment") == 2
    assert value.encode() not in sent


def test_your_own_sentry_hook_runs_and_may_drop(value):
    seen = []
    made = tokenguard.sentry.options(
        before_send=lambda event, hint: seen.append(event) or (event if len(seen) > 1 else None)
    )
    assert made["before_send"]({"message": value}, {}) is None
    assert value not in str(made["before_send"]({"message": value}, {}))


def test_a_report_of_pytest_that_cannot_be_masked_keeps_its_outcome_only(value, monkeypatch, pytestconfig):
    def broken(*_):
        raise ZeroDivisionError

    report = pytest.TestReport(
        nodeid="test_it.py::test_it", location=("test_it.py", 1, "test_it"), keywords={}, outcome="failed",
        longrepr=f"says {value}", when="call", sections=[("Captured stdout call", value)],
    )  # fmt: skip
    monkeypatch.setattr(tokenguard.pytest, "clean_object", broken)
    masked = tokenguard.pytest._masked(pytestconfig, report)
    assert masked.outcome == "failed"
    assert masked.longrepr == "[tokenguard: record withheld: ZeroDivisionError while masking a report]"
    assert value not in repr(vars(masked))
