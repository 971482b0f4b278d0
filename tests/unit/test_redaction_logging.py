# ruff: noqa: F811 - fixtures are arguments
"""Log records: changed only on a hit, withheld on failure, and never at the caller's expense."""

import copy
import io
import logging
import logging.config
import logging.handlers
import pickle
import secrets
import subprocess
import sys
import threading
import traceback
import warnings
from functools import partial

import pytest

import tokenguard
from tests.unit.masking_world import leaks, value  # noqa: F401 - fixtures
from tokenguard.errors import InputError
from tokenguard.logging import RedactFilter, RedactFormatter, harden
from tokenguard.masking import current, install
from tokenguard.masking.objects import clean_object
from tokenguard.masking.records import clean_record


@pytest.fixture
def installed(leaks, monkeypatch):
    monkeypatch.setattr(install, "_INSTALLED", install.Installation())
    installation = tokenguard.install()
    yield installation
    installation.uninstall()


@pytest.fixture
def log():
    logger = logging.getLogger(f"test.{secrets.token_hex(4)}")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.output = io.StringIO()
    logger.addHandler(logging.StreamHandler(logger.output))
    return logger


def record_of(msg, args=(), **extra):
    record = logging.LogRecord("name", logging.INFO, "path", 1, msg, args, None)
    vars(record).update(extra)
    return record


def test_a_program_that_masks_loads_nothing_that_takes_long_to_import():
    code = (
        "import sys; import tokenguard; tokenguard.install(values={'name': 'tgcanary-at-start'}); "
        "print({'dataclasses', 'inspect', 'msgspec', 're2', 'tokenguard.token_formats.table'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"


def test_a_record_without_a_leak_is_untouched():
    arguments = ("text", 3, {"k": [1, "two"]})
    record = record_of("%s %d %s", arguments, extra={"list": ["x"]})
    before = dict(vars(record))
    clean_record(record)
    assert all(vars(record)[name] is thing for name, thing in before.items())


def test_integers_stay_integers_on_a_record_that_leaks_elsewhere(value):
    record = clean_record(record_of("%d of %s", (3, "four"), token=value, count=7))
    assert record.args == (3, "four")
    assert record.count == 7
    assert value not in str(vars(record))


def test_the_callers_objects_never_change(value):
    headers = {"Authorization": [f"Bearer {value}"], "n": 1}
    before = copy.deepcopy(headers)
    record = clean_record(record_of("%s", (headers,), headers=headers))
    assert headers == before
    assert value not in record.getMessage()
    assert value not in repr(record.headers)


def test_a_mapping_as_the_only_argument(value):
    record = clean_record(record_of("%(token)s of %(n)d", ({"token": value, "n": 2},)))
    assert record.getMessage() == f"[tokenguard:{mask_of('team/app')}] of 2"


def test_a_value_that_the_message_cuts_is_not_pickled_whole(value):
    record = clean_record(record_of("%.5s", (value,)))
    assert value.encode() not in pickle.dumps(record.__dict__)


def test_values_in_the_names_of_extra_fields(value):
    record = clean_record(record_of("x", **{value: 1}))
    assert value not in vars(record)


@pytest.mark.parametrize("name", ["name", "threadName", "processName", "taskName", "pathname", "funcName"])
def test_values_in_the_names_that_a_record_has_of_its_place(value, name):
    """Sinks that write no text take these as they are, such as those of OpenTelemetry."""
    record = record_of("x")
    vars(record)[name] = f"/srv/{value}/app"
    record.filename = record.module = value if name == "pathname" else "app"
    clean_record(record)
    assert value not in repr(vars(record))
    assert vars(record)[name] == f"/srv/[tokenguard:{mask_of('team/app')}]/app"


class Hostile:
    """An argument that is different each time, or fails."""

    def __init__(self, *texts):
        self.texts = list(texts)

    def __str__(self):
        text = self.texts.pop(0) if self.texts else "end"
        if isinstance(text, Exception):
            raise text
        return text

    __repr__ = __str__


def test_an_argument_that_fails_withholds_the_record(value):
    record = clean_record(record_of(f"{value} %s", (Hostile(RuntimeError(value)),)))
    assert record.getMessage() == "[tokenguard: record withheld: RuntimeError while masking path:1]"
    assert value not in str(vars(record))


def test_an_argument_that_changes_is_caught_on_its_way_out(value, installed, log):
    log.info("%s", Hostile("harmless", "harmless", value, value, value))
    assert value not in log.output.getvalue()


def test_a_lock_or_a_socket_as_argument_is_no_trouble(value, installed, log):
    log.info("%s %s", threading.Lock(), value)
    assert value not in log.output.getvalue()
    assert "lock" in log.output.getvalue()


def test_a_record_that_cannot_be_formatted_is_reported_without_its_arguments(value, installed, log, capsys):
    log.info("%d", value)
    assert value not in capsys.readouterr().err
    assert "record withheld: TypeError" in log.output.getvalue()


def test_a_filter_that_adds_a_value_after_us_does_not_get_through(value, installed, log):
    class Adds(logging.Filter):
        def filter(self, record):
            record.msg += value
            return True

    log.handlers[0].addFilter(Adds())
    log.info("text ")
    assert value not in log.output.getvalue()


def test_masking_survives_a_dict_config_that_comes_later(value, installed):
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"h": {"class": "logging.StreamHandler", "stream": (out := io.StringIO())}},
            "loggers": {"late": {"handlers": ["h"], "propagate": False}},
        }
    )
    logging.getLogger("late").error("%s", value)
    assert out.getvalue() == f"[tokenguard:{mask_of('team/app')}]\n"


def test_pytest_and_other_readers_of_records_get_masked_ones(value, installed, caplog):
    logging.getLogger("any").warning("%s", value)
    assert value not in caplog.text


def test_the_engine_failing_withholds_records_and_the_program_goes_on(value, installed, log, monkeypatch):
    def broken(*_):
        raise MemoryError

    monkeypatch.setattr(current, "redact_text", broken)
    log.info("%s", value)
    line = test_the_engine_failing_withholds_records_and_the_program_goes_on.__code__.co_firstlineno + 5
    assert (
        log.output.getvalue()
        == f"[tokenguard: record withheld: MemoryError while masking {__name__.split('.')[-1]}.py:{line}]\n"
    )


def test_install_twice_is_installing_once(value, installed, log):
    before = logging.Logger.callHandlers
    tokenguard.install(values={"other": "tgcanary_other_1x9q"})
    assert logging.Logger.callHandlers is before
    log.info("tgcanary_other_1x9q %s", value)
    assert "tgcanary" not in log.output.getvalue()


def test_uninstall_puts_everything_back(leaks, monkeypatch):
    places = lambda: (logging.Logger.callHandlers, logging.Handler.format, sys.excepthook, threading.excepthook)  # noqa: E731
    monkeypatch.setattr(install, "_INSTALLED", install.Installation())
    before = places()
    installation = tokenguard.install()
    assert not set(before) & set(places())
    installation.uninstall()
    assert places() == before


def test_a_hook_that_somebody_put_before_ours_is_left_alone(leaks, monkeypatch):
    monkeypatch.setattr(install, "_INSTALLED", install.Installation())
    installation = tokenguard.install()
    ours = sys.excepthook
    monkeypatch.setattr(sys, "excepthook", partial(ours))
    theirs = sys.excepthook
    installation.uninstall()
    assert sys.excepthook is theirs


def test_a_short_value_is_refused_or_left_out_as_asked(leaks, installed, monkeypatch, words):
    monkeypatch.setenv("SHORT", "abc")
    with pytest.raises(InputError) as caught:
        tokenguard.install(env=["SHORT"])
    words(caught.value)
    tokenguard.install(env=["SHORT", "NOT_SET_AT_ALL"], strict=False)


def test_a_variable_that_is_not_set_is_a_warning_unless_values_may_be_missing(installed, monkeypatch, caplog):
    monkeypatch.setenv("EMPTY", "")
    tokenguard.install(env=iter(["NOT_SET_AT_ALL", "EMPTY"]), strict=False)
    assert not caplog.records
    tokenguard.install(env=iter(["NOT_SET_AT_ALL", "EMPTY"]))
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("tokenguard", logging.WARNING)
    assert "NOT_SET_AT_ALL, EMPTY" in record.getMessage()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"env": "DESCRIPT_API_TOKEN"}, "must be a list"),
        ({"values": {"app": None}}, "the value of app is not text"),
        ({"values": {"app": b"tgcanary_bytes_1x9q"}}, "the value of app is not text"),
        ({"fds": True}, "helper"),
    ],
)
def test_arguments_that_would_leave_everything_unmasked_are_refused(leaks, installed, arguments, why):
    with pytest.raises(InputError, match=why):
        tokenguard.install(**arguments)


def test_a_leak_is_reported_by_name_channel_and_form_without_the_value(value, leaks, installed, log):
    log.info("%s", value.encode().hex())
    (leak,) = leaks
    assert (leak.name, leak.form, leak.channel, leak.count) == ("team/app", "hex", f"logging:{log.name}", 1)
    assert value not in repr(leak)


def test_a_report_that_logs_or_fails_hurts_nobody(value, installed, log):
    def on_leak(leak):
        log.info("leak of %s: %s", leak.name, value)
        raise RuntimeError(value)

    current.report_to(on_leak)
    log.info("%s", value)
    assert value not in log.output.getvalue()
    assert "leak of team/app" in log.output.getvalue()


def test_a_value_let_go_is_not_masked_any_more(value):
    tokenguard.unmask("team/app")
    assert current.clean(value, "x") is value


def test_warnings_and_thread_errors_of_somebody_elses_hooks_are_masked(value, leaks, monkeypatch, capsys):
    monkeypatch.setattr(threading, "excepthook", lambda args: sys.stderr.write(f"custom {args.exc_value}\n") and None)
    monkeypatch.setattr(install, "_INSTALLED", install.Installation())
    installation = tokenguard.install()
    thread = threading.Thread(target=lambda: int(value))
    thread.start()
    thread.join()
    installation.uninstall()
    assert capsys.readouterr().err.startswith("custom invalid literal for int() with base 10: '[tokenguard:")


def test_a_printed_traceback_is_masked_wherever_it_goes(value, installed, capsys):
    file = io.StringIO()
    try:
        raise ValueError(value)  # noqa: TRY301
    except ValueError as error:
        traceback.print_exc()
        traceback.print_exception(error, file=file)
        traceback.print_exception(type(error), error, error.__traceback__, None, file)
    shown = [capsys.readouterr().err, *file.getvalue().splitlines(keepends=True)]
    assert value not in "".join(shown)
    assert len([line for each in shown for line in each.splitlines() if line.startswith("ValueError: [token")]) == 3
    assert shown[0] + shown[0] == "".join(shown[1:])


def test_capture_warnings_is_covered(value, installed, caplog):
    logging.captureWarnings(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(value, stacklevel=1)
    finally:
        logging.captureWarnings(False)
    assert value not in caplog.text


def test_the_filter_in_a_dict_config_masks_one_handler(value):
    out = io.StringIO()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"tg": {"()": "tokenguard.logging.RedactFilter"}},
            "handlers": {"h": {"class": "logging.StreamHandler", "stream": out, "filters": ["tg"]}},
            "loggers": {"filtered": {"handlers": ["h"], "propagate": False}},
        }
    )
    logging.getLogger("filtered.child").error("%s", value, exc_info=(ValueError, ValueError(value), None))
    assert value not in out.getvalue()


def test_the_formatter_in_a_dict_config_wraps_another_one(value):
    out = io.StringIO()
    inner = {"format": "inner %(message)s"}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": inner,
                "tg": {"()": "tokenguard.logging.RedactFormatter", "inner": "cfg://formatters.json"},
            },
            "handlers": {"h": {"class": "logging.StreamHandler", "stream": out, "formatter": "tg"}},
            "loggers": {"formatted": {"handlers": ["h"], "propagate": False}},
        }
    )
    logging.getLogger("formatted").error("%s", value)
    assert out.getvalue() == f"inner [tokenguard:{mask_of('team/app')}]\n"
    assert RedactFormatter("%(levelname)s %(message)s").format(record_of("x")) == "INFO x"


def test_harden_adds_the_filter_to_every_handler_and_changes_nothing_of_yours():
    config = {"version": 1, "handlers": {"a": {"class": "x"}, "b": {"class": "y", "filters": ["own"]}}}
    hardened = harden(config)
    assert [handler["filters"] for handler in hardened["handlers"].values()] == [["tokenguard"], ["own", "tokenguard"]]
    assert "filters" not in config["handlers"]["a"]
    assert harden(hardened) == hardened


def test_harden_takes_streams_and_what_an_empty_line_of_yaml_leaves(value):
    out = io.StringIO()
    handler = {"class": "logging.StreamHandler", "stream": out, "filters": None}
    with io.TextIOWrapper(io.BytesIO()) as stream:  # of a kind that cannot be copied
        other = {"class": "logging.StreamHandler", "stream": stream}
        config = {"disable_existing_loggers": False, "filters": None, "handlers": {"h": handler, "o": other}}
        logging.config.dictConfig(harden(config | {"loggers": {"hard": {"handlers": ["h", "o"], "propagate": False}}}))
        logging.getLogger("hard").error("says %s", value)
    assert out.getvalue() == f"says [tokenguard:{mask_of('team/app')}]\n"
    assert harden({"handlers": None})["handlers"] == {}


@pytest.mark.parametrize("depth", [5, 50, 5_000])
def test_deep_objects_are_masked_or_withheld(value, depth):
    thing = value
    for _ in range(depth):
        thing = [thing]
    assert value not in str(clean_object(thing, "x"))[:200]


def test_bytes_tuples_sets_and_keys(value):
    cleaned = clean_object({value: (value.encode(), {value}, 1.5, None)}, "x")
    assert value not in repr(cleaned)
    assert isinstance(next(iter(cleaned.values())), tuple)


def test_the_filter_can_be_shared_by_threads(value):
    wanted, wrong = RedactFilter(), []

    def work():
        for _ in range(200):
            record = record_of("%s", (value,))
            wanted.filter(record)
            if value in record.getMessage():
                wrong.append(record)

    threads = [threading.Thread(target=work) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not wrong


def mask_of(name):
    from tokenguard.redaction.known import opaque_id

    return opaque_id(name)


@pytest.mark.parametrize("cut", range(1, 37))
def test_a_value_split_between_the_format_and_the_message_is_masked(value, installed, log, cut):
    """The message alone was seen and is clean; what stands before it is not clean with it."""
    log.handlers[0].setFormatter(logging.Formatter(f"{value[:cut]}%(message)s"))
    log.info("%s", value[cut:])
    assert value[cut:] not in log.output.getvalue()
    assert "[tokenguard:" in log.output.getvalue()


@pytest.mark.parametrize(
    ("before", "message"),
    [("http://user:", "tgcanary@host/"), ("http:/", "/user:tgcanary@host/"), ("p@q ", "http://user:tgcanary@host/")],
)
def test_a_password_in_a_url_is_masked_wherever_the_format_ends(value, installed, log, before, message):
    log.handlers[0].setFormatter(logging.Formatter(f"{before}%(message)s"))
    log.info(message)
    assert "tgcanary" not in log.output.getvalue()


def test_a_value_that_is_learned_between_message_and_line_is_masked(value, installed, log):
    """What an older engine said of a message is worth nothing to the new one."""

    class Learns(logging.Formatter):
        def format(self, record):
            tokenguard.mask("tgcanary_learned_1x9q", "late")
            return super().format(record)

    log.handlers[0].setFormatter(Learns())
    log.info("tgcanary_learned_1x9q")
    assert "tgcanary" not in log.output.getvalue()


def test_a_mask_can_be_one_word_that_no_format_has_a_meaning_for(value, installed, log):
    tokenguard.install(mask_form="word")
    tokenguard.mask("tgcanary_another_1x9q", "other")
    log.info("%s %s Bearer tgcanary_0123456789abcdef", value, "tgcanary_another_1x9q")
    assert (
        log.output.getvalue()
        == f"tokenguard-{mask_of('team/app')} tokenguard-{mask_of('other')} Bearer tokenguard-bearer\n"
    )
    with pytest.raises(InputError):
        tokenguard.install(mask_form="none")
