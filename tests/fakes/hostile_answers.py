"""What a server may answer to do harm, as scripts, with the reason for which each is not an answer."""

import socket
import struct

from tests.fakes.scripted_server import raw, stream
from tokenguard.http.answer import TransportFailure


def abort(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

HOSTILE = {
    "status line is not http": (raw(b"SSH-2.0-x\r\n\r\n"), TransportFailure.RESET),
    "nothing at all": (raw(b""), TransportFailure.RESET),
    "reset instead of an answer": (abort, TransportFailure.RESET),
    "half an answer": (raw(HEAD + b"Content-Length: 500\r\n\r\n{"), TransportFailure.RESET),
    "chunk size is not a number": (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), TransportFailure.RESET),
    "chunked and cut off": (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\r\n"), TransportFailure.RESET),
    "body without end": (stream(HEAD + b"\r\n", b" " * 65536), TransportFailure.TOO_LARGE),
    "body of a declared gigabyte": (
        stream(HEAD + b"Content-Length: 1000000000\r\n\r\n", b"a" * 65536),
        TransportFailure.TOO_LARGE,
    ),
    "a hundred thousand headers": (stream(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 1000), TransportFailure.RESET),
    "header line without end": (stream(b"HTTP/1.1 200 OK\r\nX-A: ", b"b" * 65536), TransportFailure.RESET),
    "headers of 90 KiB": (
        raw(HEAD + b"".join(b"X-%d: %s\r\n" % (n, b"b" * 30_000) for n in range(3)) + b"\r\n"),
        TransportFailure.TOO_LARGE,
    ),
    "continue without end": (stream(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001), TransportFailure.TIMEOUT),
    "one byte at a time": (stream(HEAD + b"\r\n", b" ", 0.05), TransportFailure.TIMEOUT),
    "headers one byte at a time": (stream(b"HTTP/1.1 200 OK\r\nX-A: ", b"b", 0.05), TransportFailure.TIMEOUT),
}
