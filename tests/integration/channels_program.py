# ruff: noqa: TRY301 - the program raises what it logs
"""Lets out one value through each of 36 channels. Run as a program: arguments are the mode and a file for sinks."""

import argparse
import asyncio
import base64
import contextlib
import gc
import http.client
import http.server
import io
import json
import logging
import logging.handlers
import os
import pathlib
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import traceback
import urllib.parse
import warnings

from tests.integration.channel_names import AWKWARD, value_of

MODE, SINK = sys.argv[1:3]
T = {number: value_of(number) for number in range(1, 41)}

if MODE != "nothing":
    import tokenguard

    tokenguard.install(
        values={f"channel/{number}": value for number, value in T.items()} | {"channel/awkward": AWKWARD},
        stdio=MODE == "stdio",
        fds="helper" if MODE == "helper" else None,
    )


class JsonExtra(logging.Formatter):
    def format(self, record):
        known = vars(logging.LogRecord("", 0, "", 0, "", (), None))
        extra = {name: value for name, value in vars(record).items() if name not in known}
        return super().format(record) + " EXTRA=" + json.dumps(extra, default=repr)


sink = open(SINK, "ab", buffering=0)  # noqa: SIM115, PTH123
root = logging.getLogger()
root.setLevel(logging.DEBUG)
logging.getLogger("asyncio").setLevel(logging.ERROR)
handler = logging.StreamHandler(sys.stderr)
handler.setFormatter(JsonExtra("%(name)s %(message)s"))
root.addHandler(handler)
log = logging.getLogger("app.sub.module")


class Socket(logging.handlers.SocketHandler):
    def send(self, s):
        sink.write(s + b"\n" + repr(pickle.loads(s[4:])).encode() + b"\n")


class Http(logging.handlers.HTTPHandler):
    def emit(self, record):
        sink.write(urllib.parse.urlencode(self.mapLogRecord(record)).encode() + b"\n")


class Shows:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return f"<Shows {self.text}>"


def messages():
    log.info("c01 literal " + T[1])  # noqa: G003 - the channel under test
    log.info("c02 %s", T[2])
    log.info("c03 tgcanary_%s", T[3].removeprefix("tgcanary_"))
    log.info("c04", extra={"auth": T[4]})
    log.info("c09 %r", Shows(T[9]))
    logging.getLogger("other.library.child").info("c10 %s", T[10])
    late = logging.StreamHandler(sys.stderr)
    root.addHandler(late)
    log.info("c11 late handler %s", T[11])
    root.removeHandler(late)
    log.info("c12 %d", T[12])
    lonely = logging.getLogger("lonely")
    lonely.propagate = False
    lonely.warning("c13 %s", T[13])
    log.info("c22 %r", T[22].encode())
    log.info("c23 %s", base64.b64encode(T[23].encode()).decode())
    log.info("c24 %s %s %s", urllib.parse.quote(AWKWARD, safe=""), json.dumps(AWKWARD), repr(AWKWARD))
    log.info("c28", extra={"context": {"headers": [("Authorization", "Bearer " + T[28])]}})
    log.info("c36 %(token)s", {"token": T[36]})
    log.error("c37 %s", ValueError(T[37]))
    log.error(Shows("c38 " + T[38]))


def exceptions():
    try:
        raise ValueError("bad " + T[5])
    except ValueError:
        log.exception("c05")
    try:
        try:
            raise KeyError(T[6])
        except KeyError as error:
            raise RuntimeError("x") from error
    except RuntimeError:
        log.exception("c06")
    try:
        error = ValueError("x")
        error.add_note("note " + T[7])
        raise error
    except ValueError:
        log.exception("c07")
    with tempfile.TemporaryDirectory() as place:
        source = pathlib.Path(place, "generated.py")
        source.write_text(f"def f():\n    raise ValueError('x')  # {T[8]}\n")
        names = {}
        exec(compile(source.read_text(), str(source), "exec"), names)
        try:
            names["f"]()
        except ValueError:
            log.exception("c08")
    try:
        raise ExceptionGroup("group", [ValueError(T[31])])
    except ExceptionGroup:
        log.exception("c31")
    try:
        raise ValueError(T[39])
    except ValueError:
        traceback.print_exc()


def handlers():
    for other, say in (
        (Socket("127.0.0.1", 1), lambda: log.info("c25 %s", T[25])),
        (Http("x", "/"), lambda: log.info("c26", extra={"k": T[26]})),
    ):
        root.addHandler(other)
        say()
        root.removeHandler(other)
    lines = queue.Queue()
    listener = logging.handlers.QueueListener(lines, logging.StreamHandler(sys.stderr))
    listener.start()
    queued = logging.getLogger("queued")
    queued.propagate = False
    queued.addHandler(logging.handlers.QueueHandler(lines))
    queued.error("c27 %s", T[27])
    listener.stop()


def hooks():
    warnings.warn("c14 " + T[14], stacklevel=1)
    thread = threading.Thread(target=_raise, args=["c19 " + T[19]])
    thread.start()
    thread.join()

    class Dying:
        def __del__(self):
            raise ValueError("c20 " + T[20])

    Dying()
    gc.collect()

    async def main():
        future = asyncio.get_running_loop().create_future()
        future.set_exception(ValueError("c21 " + T[21]))
        del future
        gc.collect()

    asyncio.run(main())


def _raise(text):
    raise ValueError(text)


def prints():
    print("c15", T[15], flush=True)
    sys.stderr.write("c16 " + T[16][:20])
    sys.stderr.flush() if MODE == "helper" else None
    sys.stderr.write(T[16][20:] + "\n")
    sys.stderr.flush()
    os.write(2, f"c17 {T[17]}\n".encode())
    subprocess.run(["/bin/echo", "c18", T[18]], check=True)
    with contextlib.suppress(SystemExit):
        argparse.ArgumentParser().parse_args(["--level", T[33]])
    _http_debug()


def _http_debug():
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.handle_request, daemon=True).start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    connection.set_debuglevel(1)
    connection.request("GET", "/", headers={"Authorization": "Bearer " + T[30]})
    connection.getresponse().read()
    connection.close()
    server.server_close()
    sys.stdout.flush()


assert isinstance(sys.stdout, io.TextIOBase)
for part in (messages, exceptions, handlers, hooks, prints):
    part()
sys.stdout.flush()
raise RuntimeError("c29 " + T[29])
