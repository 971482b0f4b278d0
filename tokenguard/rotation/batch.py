"""Many tokens, one after another: one bad token never blocks the rest."""

from collections.abc import Callable, Iterable, Iterator

from tokenguard.domain.names import TokenName
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.frozen import Frozen
from tokenguard.ports.clock import Clock

_GRAVEST_FIRST = (
    ExitCode.TAMPERED,
    ExitCode.NOT_PROVEN_DEAD,
    ExitCode.UNREACHABLE,
    ExitCode.UNFINISHED,
    ExitCode.USAGE,
    ExitCode.FINDINGS,
)


class Job(Frozen, frozen=True, kw_only=True):
    """One token's turn."""

    name: TokenName
    run: Callable[[], object]
    pause: float = 0.0
    """Seconds to leave before the next job of the same provider."""


class Result(Frozen, frozen=True, kw_only=True):
    """How one job ended; `error` is None if it is done."""

    name: TokenName
    error: TokenguardError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """What this job alone would have exited with."""
        return self.error.exit_code if self.error else ExitCode.OK


def run_all(jobs: Iterable[Job], clock: Clock) -> Iterator[Result]:
    """Run the jobs in their order and yield each result as it comes.

    Only our own errors are results; an interrupt or a bug ends the batch, with what was done so far yielded.
    """
    wait = 0.0
    for job in jobs:
        if wait:
            clock.sleep(wait)
        try:
            job.run()
        except TokenguardError as error:
            yield Result(name=job.name, error=error)
        else:
            yield Result(name=job.name)
        wait = job.pause


def gravest(results: Iterable[Result]) -> ExitCode:
    """The exit code of a batch: 6 before 5 before 4 before 3."""
    codes = {result.exit_code for result in results}
    return next((code for code in _GRAVEST_FIRST if code in codes), ExitCode.OK)
