"""Masking: records against a plain `logger.info`, streams against `bytes.replace` in a loop, `exec` against Python."""

import gc
import logging
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from bench.sidebyside import compare, python, report
from bench.stores import make_store, ours
from tokenguard.detection.known_token_index import OwnIndex, OwnTag, tag_of
from tokenguard.detection.known_tokens import scan_own
from tokenguard.detection.match import TextMatch
from tokenguard.domain.secret import Secret
from tokenguard.masking import current
from tokenguard.masking.hooks import hook_logging
from tokenguard.masking.stdio import MaskedText
from tokenguard.redaction.known import MaskedValue, needles
from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.patterns import PATTERNS
from tokenguard.redaction.stream import StreamRedactor, redact_text
from tokenguard.streams.learn_values import OwnRedactor

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_RUNS = 9
_RANDOM = random.Random(1)


def main() -> None:
    """Every goal, one line each."""
    lines = [_line() for _ in range(2_000)]
    with tempfile.TemporaryDirectory() as place:
        plain = _logger(Path(place, "log"))
        for count, goal in ((100, "at most 0.2x"), (1_000, "at most 0.35x")):
            known = _known(count)
            matcher = Matcher.of(known)
            measured = _ratio(
                lambda matcher=matcher: [redact_text(matcher, line) for line in lines],
                lambda: [plain.info("%s", line) for line in lines],
            )
            report(f"matching a record, {count:,} tokens + {len(PATTERNS)} patterns", "logger.info", measured, goal)
            _stream(known, matcher, lines)
        _memory(_known(1_000))
        _fingerprints(lines)
        _hook(plain, lines)
        _print(lines)
        _hits(lines)
        _held(lines)
    _start()
    _exec()


def _hook(plain: logging.Logger, lines: list[str]) -> None:
    current.mask_all(_known(100))

    def hooked() -> None:
        undo = hook_logging()
        started = time.process_time()
        for line in lines:
            plain.info("%s", line)
        hooked.seconds = time.process_time() - started  # type: ignore[attr-defined]
        for each in undo:
            each()

    def bare() -> None:
        for line in lines:
            plain.info("%s", line)

    ratios = []
    for _ in range(_RUNS):
        hooked()
        ratios.append(hooked.seconds / _seconds(bare) - 1)  # type: ignore[attr-defined]
    report("whole hook, on top of the call, 100 tokens", "logger.info", _spread(ratios), "at most 0.4x")


def _print(lines: list[str]) -> None:
    """Lines of 100 characters on a stream that is flushed in blocks, and on one that is flushed by line."""
    current.mask_all(_known(100))
    short = [line[:100] for line in lines]
    for name, buffering in (("blocks", -1), ("lines", 1)):
        with tempfile.TemporaryDirectory() as place, Path(place, "out").open("w", buffering=buffering) as plain:
            masked = MaskedText(plain, "stdout")

            def printed(stream: TextIO) -> None:
                for line in short:
                    print(line, file=stream)
                stream.flush()

            measured = _ratio(lambda masked=masked: printed(masked), lambda plain=plain: printed(plain))
            report(f"print under stdio=True, {name}, 100 tokens", "print", measured, "at most 4x")


def _hits(lines: list[str]) -> None:
    """A stream with a value in each line, against the same lines without."""
    known = _known(100)
    matcher, values = Matcher.of(known), [each.secret.reveal() for each in known]

    def fed(ends: list[str]) -> Callable[[], None]:
        data = "\n".join(f"{line} {ends[n % len(ends)]}" for n, line in enumerate(lines)).encode()

        def feed() -> None:
            stream = StreamRedactor(matcher)
            for at in range(0, len(data), 65_536):
                stream.feed(data[at : at + 65_536])
            stream.finish()

        return feed

    report(
        "speed of a stream, a hit on each line", "without hits", _ratio(fed(["x" * 41]), fed(values)), "at least 0.3x"
    )


def _stream(known: list[MaskedValue], matcher: Matcher, lines: list[str]) -> None:
    values = [each.secret.reveal().encode() for each in known]
    dirty = [line if n % 100 else f"{line} auth={values[n % len(values)].decode()}" for n, line in enumerate(lines * 4)]
    data = "\n".join(dirty).encode()
    for size, goal in ((4_096, "at least 1.1x"), (65_536, "at least 1.1x")):
        chunks = [data[at : at + size] for at in range(0, len(data), size)]

        def masked(chunks: list[bytes] = chunks) -> None:
            stream = StreamRedactor(matcher)
            for chunk in chunks:
                stream.feed(chunk)
            stream.finish()

        def loop(chunks: list[bytes] = chunks) -> None:
            for chunk in chunks:
                out = chunk
                for value in values:
                    out = out.replace(value, b"[masked]")

        speed = _ratio(loop, masked, runs=3 if len(values) > 100 else _RUNS)
        report(f"speed of a stream, {len(values):,} tokens, {size:,} bytes a piece", "bytes.replace loop", speed, goal)


def _fingerprints(lines: list[str]) -> None:
    """A stream that knows 10,000 tokens by their fingerprints, against one that holds 100 values."""
    key = secrets.token_bytes(32)
    tags = [tag_of(key, f"tgcanary{_letters(32)}") for _ in range(10_000)]
    index = OwnIndex(key, [OwnTag(tag=tag, anchor=anchor, length=size, token=tag) for tag, anchor, size in tags], "")
    data = "\n".join(lines).encode()
    chunks = [data[at : at + 65_536] for at in range(0, len(data), 65_536)]
    matcher = Matcher.of(_known(100))

    def fingerprints() -> None:
        stream = OwnRedactor(
            [],
            lambda piece: (
                (each.facts["token"], each.value) for each in scan_own(index, piece) if isinstance(each, TextMatch)
            ),
        )
        for chunk in chunks:
            stream.feed(chunk)

    def values() -> None:
        stream = StreamRedactor(matcher)
        for chunk in chunks:
            stream.feed(chunk)

    report("speed of redact, 10,000 fingerprints", "the stream above", _ratio(values, fingerprints), "at least 0.3x")


def _held(lines: list[str]) -> None:
    """What ordinary text makes a stream hold back, wherever it is cut."""
    stream = StreamRedactor(Matcher.of(_known(100)))
    data = "\n".join(lines).encode()
    worst = 0
    for at in range(0, len(data), 97):
        stream.feed(data[at : at + 97])
        worst = max(worst, stream.held)
    report("bytes held back in ordinary text, 100 tokens", "-", worst, "at most 4")


def _memory(known: list[MaskedValue]) -> None:
    texts = [needle.data for each in known for needle in needles(each)]
    size = sum(map(sys.getsizeof, texts)) + sum(sys.getsizeof(each.secret.reveal()) for each in known)
    del texts
    kept = [Matcher.of(known)]
    gc.collect()
    before = _resident()
    kept += [Matcher.of(known) for _ in range(5)]
    report(
        f"memory, {len(known):,} tokens", "values and forms", f"{(_resident() - before) / 5 / size:.2f}x", "at most 3x"
    )


def _start() -> None:
    """The process time of a program that only installs masking; the interpreter and `logging` are part of it."""
    code = "import tokenguard; tokenguard.install(values={'name': 'tgcanary-at-start'})"
    spent = [_process_seconds(python(code)) for _ in range(_RUNS + 1)][1:]
    logging_alone = statistics.median(_process_seconds(python("import logging")) for _ in range(_RUNS))
    measured = f"{statistics.median(spent):.3f} s ({min(spent):.3f} to {max(spent):.3f})"
    report("install() at start", f"import logging: {logging_alone:.3f} s", measured, "at most 0.080 s")


def _process_seconds(command: list[str]) -> float:
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command} exited {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def _exec() -> None:
    with tempfile.TemporaryDirectory() as place:
        environment = make_store(Path(place))
        peer = python("import click, cryptography")
        measured = compare(ours("exec", "--", "true"), peer, environment=environment)
        report("exec -- true", 'python -c "import click, cryptography"', measured, "at most 2.5x")


def _ratio(work: Callable[[], object], peer: Callable[[], object], runs: int = _RUNS) -> str:
    work(), peer()
    return _spread([_seconds(work) / _seconds(peer) for _ in range(runs)])


def _spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def _logger(path: Path) -> logging.Logger:
    logger = logging.getLogger("bench")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    return logger


def _known(count: int) -> list[MaskedValue]:
    return [
        MaskedValue(id=f"{number:08x}", name=f"team/{number}", secret=Secret(f"tgcanary_{_letters(32)}"))
        for number in range(count)
    ]


def _letters(length: int) -> str:
    return "".join(_RANDOM.choice(_ALPHABET) for _ in range(length))


def _line() -> str:
    """About 200 bytes of what logs are full of: ids, hashes, URLs, quoted text."""
    kind = _RANDOM.randrange(3)
    if kind == 0:
        return (
            f"2026-11-22T00:41:33.{_RANDOM.randrange(999):03d}Z INFO worker.jobs id={_letters(8)}-{_letters(12)} "
            f'path=/v1/jobs/import status=200 drive={_letters(10)} dur_ms={_RANDOM.randrange(9999)} user=a msg="done"'
        )
    if kind == 1:
        return (
            f'{{"ts":1763771000,"level":"info","logger":"http.client","method":"GET","url":"https://api.example/'
            f'{_letters(16)}?page=3&limit=50","status":200,"sha":"{_RANDOM.getrandbits(160):040x}","m":"ok"}}'
        )
    return (
        f"[{_RANDOM.randrange(99999)}] DEBUG engine SELECT id, name, drive_id FROM tokens WHERE drive_id = "
        f"'{_letters(12)}' AND revoked = false ORDER BY created_at DESC LIMIT 100 -- cached since 0.1 s ago"
    )


if __name__ == "__main__":
    main()
