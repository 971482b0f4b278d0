# ruff: noqa: TRY301, F841, PTH123, SIM115, N815 - a program that leaks on purpose
"""Lets three events out through the sinks of one library: a clean one, a leaky one, one with the value in a variable.

Arguments: the library, and `masked` or `plain`. Prints what the sinks got, as JSON.
"""

import io
import json
import logging
import logging.config
import logging.handlers
import os
import pickle
import queue
import socket
import sys
import threading
import urllib.parse
import warnings

VALUE = os.environ["V"]
LIBRARY, MODE = sys.argv[1:3]
MASKED = MODE == "masked"
OUT = io.StringIO()
sunk: list[str] = []

if MASKED:
    import tokenguard

    tokenguard.install(values={"v": VALUE})


class Client:
    def __init__(self, token):
        self.token = token

    def __repr__(self):
        return f"<Client {self.token}>"


def fails(kind):
    token = VALUE if kind == "local" else "none"
    nested, client = {"k": [token]}, Client(token)
    try:
        raise KeyError(VALUE if kind == "leaky" else "key")
    except KeyError as error:
        error.add_note(f"note of {kind}")
        raise ValueError(f"bad {VALUE if kind == 'leaky' else 'text'}") from error


def events(log):
    for kind in ("clean", "leaky", "local"):
        text = VALUE if kind == "leaky" else "text"
        log.info("says %s %d", text, 3)
        log.error("failed %s", kind, exc_info=failed(kind))


def failed(kind):
    """An `exc_info`, whose first frame has no variable but this one."""
    try:
        fails(kind)
    except ValueError:
        return sys.exc_info()


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
    listener.start()
    events(log)
    events(logging.LoggerAdapter(log, {"request": 7}))
    log.warning("extra", extra={"deep": {"k": [1, 2]}})
    listener.stop()
    memory.flush()
    sunk.append(queued.getvalue())
    syslog.setblocking(False)
    sunk.extend(syslog.recv(65_536).decode() for _ in range(13))
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
    for kind in ("clean", "leaky", "local"):
        log.bind(number=1).info("says {}", VALUE if kind == "leaky" else "text")
        log.opt(exception=failed(kind)).error("failed {}", kind)
        log.catch(fails, message="caught")(kind)


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
    events(
        logger(
            RichHandler(
                console=console, markup=True, rich_tracebacks=True, tracebacks_show_locals=True, show_time=False
            )
        )
    )


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
    for kind in ("clean", "leaky", "local"):
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
    for kind in ("clean", "leaky", "local"):
        text = VALUE if kind == "leaky" else "text"
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

    logger(logging.StreamHandler(OUT))
    app = Flask("matrix_app")
    app.add_url_rule("/<kind>", view_func=fails)
    for kind in ("clean", "leaky", "local"):
        app.logger.warning("says %s", VALUE if kind == "leaky" else "text")
        app.test_client().get(f"/{kind}")


def fastapi():
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    log = logger(logging.StreamHandler(OUT))
    app = FastAPI()

    @app.get("/{kind}")
    def view(kind: str):
        try:
            fails(kind)
        except ValueError:
            log.exception("failed %s", kind)

    for kind in ("clean", "leaky", "local"):
        TestClient(app).get(f"/{kind}", params={"k": VALUE if kind == "leaky" else "text"})


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
    handler = logging.StreamHandler(OUT)
    logger(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    text = VALUE
    urllib3.PoolManager().request("GET", f"{url}/u?k={text}")
    requests.get(f"{url}/r", params={"k": text}, timeout=9)
    httpx.get(f"{url}/h", params={"k": text})
    logging.getLogger("botocore").setLevel(logging.DEBUG)
    client = boto3.client(
        "secretsmanager", "eu-central-1", endpoint_url=url, aws_access_key_id="id", aws_secret_access_key="tgcanary"
    )
    client.put_secret_value(SecretId="name", SecretString=text)
    server.shutdown()


def concurrent():
    """Warnings, futures, asyncio in debug mode, threads with a value in their name, processes by fork."""
    import asyncio
    import concurrent.futures
    import gc
    import multiprocessing

    handler = logging.StreamHandler(OUT)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(threadName)s %(processName)s %(message)s"))
    log = logger(handler)
    logging.captureWarnings(True)
    warnings.simplefilter("always")
    warnings.warn(VALUE, stacklevel=1)
    with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix=VALUE) as pool:
        pool.submit(events, log).result()
    failed = concurrent.futures.Future()
    failed.set_running_or_notify_cancel()
    failed.add_done_callback(lambda _: fails("leaky"))
    failed.set_result(1)

    async def main():
        asyncio.get_running_loop().create_future().set_exception(ValueError(VALUE))
        gc.collect()

    asyncio.run(main(), debug=False)
    context = multiprocessing.get_context("fork")
    lines = context.SimpleQueue()

    def child():
        OUT.truncate(0)
        OUT.seek(0)
        events(log)
        lines.put(OUT.getvalue())

    process = context.Process(target=child, name=f"worker {VALUE}")
    process.start()
    sunk.append(lines.get())
    process.join()


globals()[LIBRARY]()
logging.raiseExceptions = False
json.dump([OUT.getvalue(), *sunk], sys.stdout)
