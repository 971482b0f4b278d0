# ruff: noqa: TRY301, F841, PTH123, SIM115, N815 - a program that leaks on purpose
"""Lets three events for each value out through the sinks of one library: clean, leaky, with the value in a variable.

Arguments: the library, and `masked` or `plain`. Prints what the sinks got, as JSON.
"""

import contextlib
import copy
import inspect
import io
import json
import logging
import logging.config
import logging.handlers
import os
import pickle
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import traceback
import tracemalloc
import urllib.error
import urllib.parse
import urllib.request
import warnings

VALUES = os.environ["V"].split(",")
VALUE = VALUES[0]
LIBRARY, MODE = sys.argv[1:3]
MASKED = MODE == "masked"
OUT = io.StringIO()


class Kinds:
    """The three kinds of events, with each value in turn."""

    def __init__(self, values):
        self._values = values

    def __iter__(self):
        global VALUE  # noqa: PLW0603 - what all events are made of
        for value in self._values:
            VALUE = value
            yield from ("clean", "leaky", "local")
        VALUE = VALUES[0]


KINDS, ONCE = Kinds(VALUES), Kinds(VALUES[:1])
sunk: list[str] = []

if MASKED:
    import tokenguard

    tokenguard.install(values={f"v{number}": value for number, value in enumerate(VALUES)})


class Client:
    def __init__(self, token):
        self.token = token

    def __repr__(self):
        return f"<Client {self.token}>"


def text_of(kind):
    return VALUE if kind == "leaky" else "text"


def fails(kind):
    token = VALUE if kind == "local" else "none"
    nested, client = {"k": [token]}, Client(token)
    try:
        raise KeyError(text_of(kind))
    except KeyError as error:
        error.add_note(f"note of {kind}")
        raise ValueError(f"bad {text_of(kind)}") from error


def events(log):
    for kind in KINDS:
        text = text_of(kind)
        log.info("says %s %d", text, 3)
        log.error("failed %s", kind, exc_info=failed(kind))


def failed(kind):
    """An `exc_info`, whose first frame has no variable but this one."""
    try:
        fails(kind)
    except ValueError:
        return sys.exc_info()


class ShownLocals(logging.Handler):
    """Writes the local variables of an exception's frames, as error reporters do; of this program's functions only."""

    def __init__(self, write):
        super().__init__()
        self._write = write

    def emit(self, record):
        if record.exc_info and record.exc_info[0]:
            for frame, line in traceback.walk_tb(record.exc_info[2]):
                if frame.f_code.co_name in {"fails", "failed", "call", "warn"}:
                    self._write(f"{frame.f_code.co_name} {line} {dict(frame.f_locals)!r}\n")


def logger(*handlers):
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.handlers = list(handlers)
    return logging.getLogger("app.part")


def standard():
    """The handlers of the standard library."""
    records = queue.Queue()
    plain = logging.StreamHandler(OUT)
    queued = io.StringIO()
    listener = logging.handlers.QueueListener(records, logging.StreamHandler(queued))

    class Socket(logging.handlers.SocketHandler):
        def send(self, s):
            got = pickle.loads(s[4:])
            sunk.append(repr({name: got[name] for name in ("msg", "args", "exc_text", "levelname", "name")}))

    class Http(logging.handlers.HTTPHandler):
        def emit(self, record):
            got = self.mapLogRecord(record)
            sunk.append(urllib.parse.urlencode({name: got[name] for name in ("msg", "args", "exc_text")}))

    class Mail(logging.handlers.SMTPHandler):
        def emit(self, record):
            sunk.append(self.getSubject(record) + self.format(record))

    syslog = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    syslog.bind(("127.0.0.1", 0))
    place = os.environ["PLACE"]
    files = [
        logging.FileHandler(f"{place}/a"),
        logging.handlers.RotatingFileHandler(f"{place}/b"),
        logging.handlers.TimedRotatingFileHandler(f"{place}/c"),
        logging.handlers.WatchedFileHandler(f"{place}/d"),
    ]
    memory = logging.handlers.MemoryHandler(100, target=logging.StreamHandler(OUT))
    others = [Socket("127.0.0.1", 1), Http("h", "/"), Mail("h", "a@b", ["c@d"], "subject")]
    to_syslog = logging.handlers.SysLogHandler(syslog.getsockname())
    log = logger(plain, logging.handlers.QueueHandler(records), memory, to_syslog, *files, *others)
    received = []

    def receive():
        while (got := syslog.recv(65_536)) != b"end":
            received.append(got.decode())

    receiver = threading.Thread(target=receive)
    receiver.start()
    listener.start()
    events(log)
    events(logging.LoggerAdapter(log, {"request": 7}))
    log.warning("extra", extra={"deep": {"k": [1, 2]}})
    listener.stop()
    memory.flush()
    sunk.append(queued.getvalue())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
        ending.sendto(b"end", syslog.getsockname())
    receiver.join()
    assert len(received) == 12 * len(VALUES) + 1
    sunk.extend(received)
    sunk.extend(open(f"{place}/{name}").read() for name in "abcd")


def dict_config():
    config = {
        "version": 1,
        "formatters": {"own": {"format": "%(levelname)s|%(name)s|%(message)s"}},
        "handlers": {"h": {"class": "logging.StreamHandler", "stream": OUT, "formatter": "own"}},
        "root": {"level": "INFO", "handlers": ["h"]},
    }
    if MASKED:
        import tokenguard.logging

        config = tokenguard.logging.harden(config)
    logging.config.dictConfig(config)
    events(logging.getLogger("app"))


def structlog_native():
    import structlog

    processors = [
        structlog.processors.add_log_level,
        structlog.processors.dict_tracebacks,
        structlog.processors.JSONRenderer(),
    ]
    if MASKED:
        import tokenguard.structlog

        processors = [
            processors[0],
            tokenguard.structlog.redact_event,
            *processors[1:],
            tokenguard.structlog.redact_rendered,
        ]
    events(
        structlog.wrap_logger(
            structlog.PrintLogger(OUT), processors=[structlog.stdlib.PositionalArgumentsFormatter(), *processors]
        )
    )


def structlog_console():
    import structlog

    processors = [
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
    if MASKED:
        import tokenguard.structlog

        processors.append(tokenguard.structlog.redact_rendered)
    events(
        structlog.wrap_logger(
            structlog.PrintLogger(OUT), processors=[structlog.stdlib.PositionalArgumentsFormatter(), *processors]
        )
    )


def structlog_stdlib():
    import structlog

    handler = logging.StreamHandler(OUT)
    renderers = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.dict_tracebacks,
        structlog.processors.JSONRenderer(),
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=renderers, foreign_pre_chain=[structlog.stdlib.add_log_level])
    )
    log = logger(handler)
    events(log)
    wrapped = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ]
    events(structlog.wrap_logger(log, wrapper_class=structlog.stdlib.BoundLogger, processors=wrapped))


def loguru():
    from loguru import logger as log

    log.remove()
    for how in ({"diagnose": False}, {"serialize": True, "diagnose": False}):
        target = OUT
        if MASKED:
            import tokenguard.loguru

            target = tokenguard.loguru.sink(OUT)
        log.add(target, format="{level} {message} {extra}", **how)
    for kind in KINDS:
        log.bind(number=1).info("says {}", text_of(kind))
        log.opt(exception=failed(kind)).error("failed {}", kind)
        log.catch(fails, message="caught")(kind)

    class Passed(logging.Handler):
        """As loguru's page shows it; loguru also shows the frames above the traceback."""

        def emit(self, record):
            log.opt(exception=record.exc_info).log(record.levelname, record.getMessage())

    events(logger(Passed()))


def json_logger():
    from pythonjsonlogger.json import JsonFormatter

    handler = logging.StreamHandler(OUT)
    handler.setFormatter(JsonFormatter("%(levelname)s %(message)s", rename_fields={"levelname": "level"}))
    log = logger(handler)
    events(log)
    log.info({"event": "a dictionary", "n": 1}, extra={"user": {"id": 3}})


def rich():
    from rich.console import Console
    from rich.logging import RichHandler

    console = Console(file=OUT, width=300)
    log = logger(
        RichHandler(console=console, markup=True, rich_tracebacks=True, tracebacks_show_locals=True, show_time=False)
    )
    events(log)
    for kind in KINDS:
        log.error("[bold]failed[/bold] with %s", text_of(kind), exc_info=failed(kind))

    def adds(record):
        record.user = text_of("leaky")
        return True

    log.root.handlers[0].addFilter(adds)
    log.root.handlers[0].setFormatter(logging.Formatter("%(user)s %(message)s"))
    events(log)


urlpatterns: list[object] = []


def django():
    from django import VERSION
    from django.conf import settings

    settings.configure(
        DEBUG=False, ADMINS=["admin@example.net"] if VERSION >= (6,) else [("admin", "admin@example.net")], ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="tgcanary-django",
        EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend", LOGGING_CONFIG=None,
    )  # fmt: skip
    import django as package
    from django.test import RequestFactory

    package.setup()
    from django.core import mail
    from django.utils.log import AdminEmailHandler

    log = logger(AdminEmailHandler(include_html=True))
    mail.outbox = []
    for kind in KINDS:
        log.error(
            "failed %s", kind, exc_info=failed(kind), extra={"request": RequestFactory().get("/x"), "status_code": 500}
        )
    for sent in mail.outbox:
        html = sent.alternatives[0][0]
        sunk.append(sent.subject + sent.body.partition("Request information")[0])
        sunk.append(html[html.index('<div id="traceback"') : html.index('<div id="requestinfo"')])


def sentry():
    import sentry_sdk
    from sentry_sdk.integrations.logging import LoggingIntegration

    class Kept(sentry_sdk.Transport):
        def __init__(self):
            super().__init__({})

        def capture_envelope(self, envelope):
            for item in envelope.items:
                event = item.payload.json or {}
                sunk.append(
                    json.dumps(
                        {name: event.get(name) for name in ("exception", "logentry", "level", "logger", "breadcrumbs")},
                        sort_keys=True,
                    )
                )

    how = {
        "dsn": "http://key@127.0.0.1:9/1", "transport": Kept(), "include_local_variables": True,
        "default_integrations": False, "integrations": [LoggingIntegration()],
    }  # fmt: skip
    if MASKED:
        import tokenguard.sentry

        how = tokenguard.sentry.options(**how)
    sentry_sdk.init(**how)
    events(logger())
    sentry_sdk.capture_exception(failed("local")[1])
    sentry_sdk.flush()


def opentelemetry():
    from opentelemetry._logs import LogRecord
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    records, spans = InMemoryLogRecordExporter(), InMemorySpanExporter()
    logs, tracing, exporting = LoggerProvider(), TracerProvider(), SimpleSpanProcessor(spans)
    if MASKED:
        import tokenguard.opentelemetry

        logs.add_log_record_processor(tokenguard.opentelemetry.RedactLogs())
        exporting = tokenguard.opentelemetry.RedactSpans(exporting)
    logs.add_log_record_processor(SimpleLogRecordProcessor(records))
    tracing.add_span_processor(exporting)
    tracer, log = tracing.get_tracer("t"), logs.get_logger("l")
    for kind in KINDS:
        text = text_of(kind)
        log.emit(LogRecord(body={"says": [text]}, attributes={"n": 1, "text": text}))
        try:
            with tracer.start_as_current_span(f"GET /{text}", attributes={"k": [text, "b"], "n": 2}) as span:
                span.add_event("event", {"text": text})
                fails(kind)
        except ValueError:
            pass
    for each in records.get_finished_logs():
        record = each.log_record
        sunk.append(repr((record.body, dict(record.attributes))))
    for span in spans.get_finished_spans():
        happened = [(event.name, dict(event.attributes)) for event in span.events]
        sunk.append(
            repr(
                (
                    span.name,
                    dict(span.attributes),
                    happened,
                    span.status.status_code,
                    span.status.description,
                    span.kind,
                )
            )
        )


def flask():
    from flask import Flask

    logger(logging.StreamHandler(OUT), ShownLocals(OUT.write))
    app = Flask("matrix_app")
    app.add_url_rule("/<kind>", view_func=fails)
    for kind in KINDS:
        app.logger.warning("says %s", text_of(kind))
        app.test_client().get(f"/{kind}")


def fastapi():
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    log = logger(logging.StreamHandler(OUT), ShownLocals(OUT.write))
    app = FastAPI()

    @app.get("/{kind}")
    def view(kind: str):
        try:
            fails(kind)
        except ValueError:
            log.exception("failed %s", kind)

    for kind in KINDS:
        TestClient(app).get(f"/{kind}", params={"k": text_of(kind)})


def asked(url, kind):
    try:
        with urllib.request.urlopen(f"{url}/{kind}?k={text_of(kind)}", timeout=20) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        error.close()


def uvicorn():
    """Both logs, in uvicorn's own formats."""
    import time

    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()
    app.add_api_route("/{kind}", fails)
    config = copy.deepcopy(uvicorn.config.LOGGING_CONFIG)
    for handler in config["handlers"].values():
        handler["stream"] = OUT
    server = uvicorn.Server(uvicorn.Config(app, log_config=config, log_level="debug"))
    logging.getLogger("uvicorn.error").addHandler(ShownLocals(OUT.write))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    for kind in KINDS:
        asked(f"http://127.0.0.1:{listening.getsockname()[1]}", kind)
    server.should_exit = True
    thread.join()


GUNICORN = """
import logging, os, traceback, sys
VALUE = os.environ["V"]
"""
SERVES = """
def app(environ, start):
    logging.getLogger("gunicorn.error").handlers[1:] = [ShownLocals(sys.stderr.write)]
    fails(environ["PATH_INFO"].strip("/"))
"""


def gunicorn():
    """Access log and error log of a worker."""
    place = os.environ["PLACE"]
    with open(f"{place}/served.py", "w") as program:
        program.write(GUNICORN + "".join(map(inspect.getsource, (Client, text_of, fails, ShownLocals))) + SERVES)
    with open(f"{place}/gunicorn.conf.py", "w") as settings:
        settings.write("import tokenguard\ntokenguard.install(env=['V'])\n" if MASKED else "")
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    with listening:
        options = [
            "--bind",
            f"fd://{listening.fileno()}",
            "--access-logfile",
            "-",
            "--no-control-socket",
            "--chdir",
            place,
        ]
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, "-c", f"{place}/gunicorn.conf.py", "served:app"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=[listening.fileno()], env=os.environ | {"V": VALUE},
        )  # fmt: skip
        try:
            for kind in ONCE:
                asked(f"http://127.0.0.1:{listening.getsockname()[1]}", kind)
        finally:
            server.send_signal(signal.SIGTERM)
            sunk.extend(server.communicate())


def runserver():
    """Django's development server, and its log of SQL."""
    from django.conf import settings

    settings.configure(
        DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="tgcanary-django", LOGGING_CONFIG=None,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    )  # fmt: skip
    import django as package
    from django.core.servers import basehttp
    from django.db import connection
    from django.urls import path

    package.setup()

    def view(request, kind):
        connection.force_debug_cursor = True
        with connection.cursor() as cursor:
            cursor.execute("select %s", [text_of(kind)])
        fails(kind)

    urlpatterns.append(path("<kind>", view))
    logger(logging.StreamHandler(OUT), ShownLocals(OUT.write)).setLevel(logging.DEBUG)
    logging.getLogger("django").setLevel(logging.DEBUG)
    server = basehttp.WSGIServer(("127.0.0.1", 0), basehttp.WSGIRequestHandler)
    server.set_app(basehttp.get_internal_wsgi_application())
    for kind in KINDS:
        thread = threading.Thread(target=asked, args=(f"http://127.0.0.1:{server.server_port}", kind))
        thread.start()
        server.handle_request()
        thread.join()
    server.server_close()


def celery():
    """A worker that runs tasks."""
    from celery import Celery
    from celery.contrib.testing.worker import start_worker

    logger(logging.StreamHandler(OUT), ShownLocals(OUT.write))
    app = Celery("tasks", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(worker_hijack_root_logger=False, broker_transport_options={"polling_interval": 0.01})
    task = app.task(name="fails")(fails)
    with start_worker(app, perform_ping_check=False, pool="solo", loglevel="INFO"):
        for kind in KINDS:
            with contextlib.suppress(ValueError):
                task.apply_async((kind,), argsrepr=f"({text_of(kind)},)").get(timeout=20, interval=0.01)


TESTS = """
import logging, os, sys, warnings
import pytest

VALUE = os.environ["V"]

def text_of(kind):
    return VALUE if kind == "leaky" else "text"

@pytest.fixture
def ends(request):
    yield
    warnings.warn(text_of(request.node.callspec.params["kind"]))
    assert "local" not in request.node.name, {"deep": [VALUE]}

@pytest.mark.parametrize("kind", ["clean", "leaky", "local"])
def test_fails(kind, ends):
    logging.getLogger("app").warning("says %s", text_of(kind))
    print(text_of(kind))
    print(text_of(kind), file=sys.stderr)
    fails(kind)

@pytest.mark.parametrize("value", [VALUE, "text"])
def test_skipped(value):
    pytest.skip(value)

@pytest.mark.parametrize("value", [VALUE, "text"], ids=str)
def test_compared(value, record_property):
    record_property("used", value)
    assert ["a", value] == ["a", "b"]

@pytest.mark.xfail(reason=VALUE)
def test_fails_as_expected():
    assert False

def test_passes():
    pass
"""


def pytest():
    """What is on the terminal, with local variables, and in JUnit's file; and both through xdist."""
    place = os.environ["PLACE"]
    with open(f"{place}/test_it.py", "w") as program:
        program.write(TESTS + "".join(map(inspect.getsource, (Client, text_of, fails))))
    for more in ([], ["-n1"]):
        options = ["-p", "tokenguard.pytest", "-o", "tokenguard_env=V"] if MASKED else []
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-vv", "-rA", "-l", f"--junitxml={place}/junit", *options, *more],
            cwd=place, capture_output=True, check=False, text=True, env=os.environ | {"COLUMNS": "150", "V": VALUE},
        )  # fmt: skip
        assert done.returncode == 1, done.stdout + done.stderr
        for text in (done.stdout, done.stderr, open(f"{place}/junit").read()):
            shown = re.sub(r"=+ (\d+ failed.*) in [\d.]+s =+", r"\1", text)
            shown = re.sub(r'time="[\d.]+"|rootdir: .*|\[ *\d+%\]|[=_-]{3,}|plugins: .*|gw0 \[.*', "", shown)
            lines = [re.sub(r"\[tokenguard:\w+\]", VALUE, line).rstrip() for line in shown.splitlines()]
            order = sorted(range(len(lines)), key=lambda at, lines=lines: lines[at]) if more else range(len(lines))
            again = {at for at, line in enumerate(lines[1:]) if lines[at] and line.startswith(f"{lines[at]} ")}
            if more:
                again |= {at for at, line in enumerate(lines) if line in lines[:at]}
            sunk.append("\n".join(shown.splitlines()[at] for at in order if at not in again))
        sunk.append(open(f"{place}/.pytest_cache/v/cache/lastfailed").read())


def clients():
    """Debug logs of urllib3, requests, httpx and boto3."""
    import http.server

    import boto3
    import httpx
    import requests
    import urllib3

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.send_header("X-Amzn-RequestId", "1")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    log = logger(logging.StreamHandler(OUT), ShownLocals(OUT.write))
    logging.getLogger().setLevel(logging.DEBUG)
    client = boto3.client(
        "secretsmanager", "eu-central-1", endpoint_url=url, aws_access_key_id="id", aws_secret_access_key="tgcanary"
    )
    logging.getLogger("botocore").setLevel(logging.DEBUG)
    tls = httpx.create_ssl_context()  # made by each call otherwise: it reads all certificates, and no call uses it
    calls = [
        lambda text: urllib3.PoolManager().request("GET", f"{url}/u?k={text}"),
        lambda text: requests.get(f"{url}/r", params={"k": text}, timeout=9),
        lambda text: httpx.get(f"{url}/h", params={"k": text}, verify=tls),
        lambda text: client.put_secret_value(SecretId="name", SecretString=text),
        lambda text: httpx.get("http://127.0.0.1:1", params={"k": text}, verify=tls),
        lambda text: urllib3.PoolManager(retries=0).request("GET", f"http://127.0.0.1:1/?k={text}"),
    ]

    def call(what, kind):
        token = VALUE if kind == "local" else "none"
        try:
            what(text_of(kind))
            fails(kind)
        except (ValueError, httpx.ConnectError, urllib3.exceptions.HTTPError):
            log.exception("failed %s", kind)

    for kind in KINDS:
        for what in calls:
            call(what, kind)
    server.shutdown()


def futures():
    """Threads and processes of `concurrent.futures`, and what it says of a callback that fails."""
    import concurrent.futures
    import multiprocessing

    handler = logging.StreamHandler(OUT)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(threadName)s %(processName)s %(message)s"))
    log = logger(handler, ShownLocals(OUT.write))
    with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix=VALUE) as pool:
        pool.submit(events, log).result()
    for kind in KINDS:
        done = concurrent.futures.Future()
        done.set_running_or_notify_cancel()
        done.add_done_callback(lambda _, kind=kind: fails(kind))
        done.set_result(1)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        for kind in KINDS:
            error = pool.submit(fails, kind).exception()
            log.error("failed %s", kind, exc_info=error)


def asyncio_debug():
    """What asyncio says of slow callbacks, of exceptions that were never retrieved, and of its own."""
    import asyncio
    import gc

    log = logger(logging.StreamHandler(OUT), ShownLocals(OUT.write))
    log.root.setLevel(logging.DEBUG)

    async def awaits(kind):
        fails(kind)

    async def main():
        loop = asyncio.get_running_loop()
        loop.slow_callback_duration = 0
        for kind in KINDS:
            loop.call_soon(text_of, text_of(kind))
            loop.call_soon(fails, kind)
            loop.create_future().set_exception(ValueError(text_of(kind)))
            task = asyncio.create_task(awaits(kind), name=f"task {text_of(kind)}")
            await asyncio.wait([task])
            del task
            gc.collect()
            loop.call_exception_handler({"message": "own", "detail": text_of(kind), "exception": failed(kind)[1]})
            await asyncio.sleep(0)

    asyncio.run(main(), debug=True)
    written = OUT.getvalue()
    OUT.truncate(0)
    OUT.seek(0)
    OUT.write(re.sub(r"took [\d.]+ s|text_of\('[^']*'\)", "", written))  # asyncio shortens arguments itself


def warned():
    """Warnings: printed, captured by logging, and as errors."""
    log = logger(logging.StreamHandler(OUT), ShownLocals(OUT.write))
    warnings.simplefilter("always")
    kept, sys.stderr = sys.stderr, OUT

    def warn(kind):
        token = VALUE if kind == "local" else "none"
        warnings.warn(text_of(kind), stacklevel=1)
        warnings.warn(text_of(kind), stacklevel=1, source=bytearray(1_000))  # no recycled object

    tracemalloc.start(1)
    for capturing in (False, True):
        logging.captureWarnings(capturing)
        for kind in KINDS:
            warn(kind)
    warnings.simplefilter("error")
    for kind in KINDS:
        try:
            warn(kind)
        except UserWarning:
            log.exception("failed %s", kind)
    tracemalloc.stop()
    sys.stderr = kept


def processes():
    """Processes by fork and by spawn, with a value in their name."""
    import multiprocessing

    for how in ("fork", "spawn"):
        for kind in ONCE:
            with open(f"{os.environ['PLACE']}/stderr", "w+") as file:
                kept = os.dup(2)
                os.dup2(file.fileno(), 2)
                process = multiprocessing.get_context(how).Process(
                    target=child_of, args=(kind,), name=f"worker {text_of(kind)}"
                )
                process.start()
                process.join()
                os.dup2(kept, 2)
                assert process.exitcode == 1
                file.seek(0)
                sunk.append(file.read())


def child_of(kind):
    """Logs, and dies of an exception."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(processName)s %(message)s"))
    events(logger(handler, ShownLocals(sys.stderr.write)))
    fails(kind)


if __name__ == "__main__":
    globals()[LIBRARY]()
    logging.raiseExceptions = False
    json.dump([OUT.getvalue(), *sunk], sys.stdout)
