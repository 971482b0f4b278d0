"""Runs jobs on many tokens in sequence; a failed job does not stop the others."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum, unique

from tokenguard.domain.names import TokenName
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.frozen import Frozen
from tokenguard.ports.clock import Clock

_MOST_SEVERE_FIRST = (
    ExitCode.TAMPERED,
    ExitCode.NOT_PROVEN_DEAD,
    ExitCode.UNREACHABLE,
    ExitCode.UNFINISHED,
    ExitCode.USAGE,
    ExitCode.FINDINGS,
)


@unique
class SkipReason(StrEnum):
    """Why a job was skipped."""

    OVER = "over"
    """Another runner has finished it."""
    ELSEWHERE = "elsewhere"
    """Another runner is working on it."""
    HELD = "held"
    """The first rotation at its provider did not succeed."""


class BatchJob(Frozen, frozen=True, kw_only=True):
    """One token's job in a batch."""

    name: TokenName
    run: Callable[[], object]
    """Returns the job's outcome; `SkipReason` if there was nothing to do."""
    pause: float = 0.0
    """Seconds to wait before the next job at the same provider."""


class BatchResult(Frozen, frozen=True, kw_only=True):
    """How one job ended; `error` is None if it is done."""

    name: TokenName
    error: TokenguardError | None = None
    outcome: object = None
    """What the job returned."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of this job alone."""
        return self.error.exit_code if self.error else ExitCode.OK

    @property
    def failure(self) -> str:
        """The error on one line, with the token's name once; empty without one."""
        return failure_line(self.name, self.error) if self.error else ""


def failure_line(name: TokenName, error: TokenguardError) -> str:
    """An error and its hint on one line. The token is named in front, unless the message names it."""
    about = "" if name in error.message else f"{name}: "
    return f"{about}{error.message}; {error.hint}"


def run_all(jobs: Iterable[BatchJob], clock: Clock) -> Iterator[BatchResult]:
    """Run the jobs in their order and yield each result as it comes.

    Only `TokenguardError` becomes a result; an interrupt or a bug ends the batch after the results so far.
    """
    wait = 0.0
    for job in jobs:
        if wait:
            clock.sleep(wait)
        wait = job.pause
        try:
            outcome = job.run()
        except TokenguardError as error:
            yield BatchResult(name=job.name, error=error)
        else:
            wait = 0.0 if isinstance(outcome, SkipReason) else wait
            yield BatchResult(name=job.name, outcome=outcome)


def most_severe(results: Iterable[BatchResult]) -> ExitCode:
    """Return the most severe exit code of a batch: 6 before 5 before 4 before 3."""
    return most_severe_code(result.exit_code for result in results)


def most_severe_code(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the most severe of `codes`."""
    found = set(codes)
    return next((code for code in _MOST_SEVERE_FIRST if code in found), ExitCode.OK)
