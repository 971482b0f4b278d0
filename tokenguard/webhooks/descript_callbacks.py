"""Callbacks of Descript: unsigned, so that they are hints only; what they claim is asked of Descript itself."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from tokenguard.documents import JsonTree, load_json
from tokenguard.domain.secret import Secret
from tokenguard.domain.token import Record, RecordState
from tokenguard.errors import InputError, Unreachable
from tokenguard.http.address import Address
from tokenguard.http.answer import Failure
from tokenguard.http.client import Client, Credential, Network, Request
from tokenguard.http.system_clock import SystemClock
from tokenguard.ports.clock import Clock
from tokenguard.webhooks.refusal import Reason, Refused

BASE_URL = "https://descriptapi.com/v1"
MAX_BODY = 1 << 20
"""Bytes."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_STATE = re.compile(r"[a-z][a-z_-]{0,31}", re.ASCII)
_NOT_OURS = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as Descript itself describes it, requested after the callback arrived."""

    id: str
    drive: str
    project: str
    state: str
    """`queued`, `running`, `stopped` or `cancelled`."""
    result: str
    """`success`, `partial` or `error` of a job that has stopped; else empty."""
    answer: dict[str, JsonTree] = field(repr=False)
    """Everything that Descript said: text from outside, and perhaps pre-signed URLs, which are secrets."""


class DescriptCallbacks:
    """Receives callbacks about the jobs that one token made.

    Args:
        token: what the jobs were made with; it is used to ask about them.
        drives: the ids of the Drives that callbacks may refer to.
        known: whether a job id belongs to a job that you created (it was in the answer to your request).
        base_url: the address of Descript's API.
        network: proxy and CA bundle.
        clock: for tests.
    """

    def __init__(
        self,
        token: Secret,
        *,
        drives: Collection[str],
        known: Callable[[str], bool],
        base_url: str = BASE_URL,
        network: Network | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._token = token
        self._drives = frozenset(drives)
        self._known = known
        self._client = Client(Address.parse(base_url), clock or SystemClock(), network)

    def receive(self, body: bytes) -> Job:
        """The job that a callback is about, as Descript describes it; nothing else of the callback is kept.

        Receiving the same callback again does no harm: it gives the job's state of then.

        Args:
            body: the raw bytes of the request.

        Raises:
            Refused: it must not be acted upon; `.status` is what to answer.
            Unreachable: Descript could not be asked; answer 503.
        """
        job, drive = _claimed(body)
        if not self._known(job):
            raise Refused(Reason.UNKNOWN_JOB)
        if drive not in self._drives:
            raise Refused(Reason.WRONG_DRIVE)
        found = self._asked(job)
        if found.id != job or found.drive != drive:
            raise Refused(Reason.NOT_CONFIRMED)
        return found

    def _asked(self, job: str) -> Job:
        outcome = self._client.send(Request(path=("jobs", job), credential=Credential(secret=self._token)))
        if not isinstance(outcome, Failure):
            if outcome.status in _NOT_OURS and not outcome.html:
                raise Refused(Reason.NOT_CONFIRMED)
            found = _job(outcome.json_object()) if outcome.status == HTTPStatus.OK and not outcome.html else None
            if found is not None:
                return found
            reason = f"http-{outcome.status}"
        else:
            reason = outcome.cause.value
        raise Unreachable(
            f"the job could not be verified with Descript ({reason})",
            hint="answer 503 and ask again later; a 401 means that the token is dead",
        )


def drives_of(records: Iterable[Record]) -> frozenset[str]:
    """The Drives that the inventory knows: those of Descript tokens that are not retired."""
    return frozenset(
        record.scope.id
        for record in records
        if record.provider == "descript"
        and record.state is not RecordState.RETIRED
        and record.scope is not None
        and record.scope.kind == "drive"
    )


def _claimed(body: bytes) -> tuple[str, str]:
    """The job and the Drive that a callback claims to be about."""
    if len(body) > MAX_BODY:
        raise Refused(Reason.TOO_LARGE)
    try:
        tree = load_json(body, source="callback", max_bytes=MAX_BODY)
    except InputError:
        raise Refused(Reason.MALFORMED) from None
    fields = tree if isinstance(tree, dict) else {}
    job, drive = _identifier(fields.get("job_id")), _identifier(fields.get("drive_id"))
    if not job or not drive:
        raise Refused(Reason.MALFORMED)
    return job, drive


def _job(fields: dict[str, JsonTree] | None) -> Job | None:
    if fields is None:
        return None
    job, drive = _identifier(fields.get("job_id")), _identifier(fields.get("drive_id"))
    state, result = fields.get("job_state"), fields.get("result")
    status = result.get("status") if isinstance(result, dict) else ""
    if not job or not drive or not isinstance(state, str) or not _STATE.fullmatch(state):
        return None
    return Job(
        id=job,
        drive=drive,
        project=_identifier(fields.get("project_id")),
        state=state,
        result=status if isinstance(status, str) and _STATE.fullmatch(status) else "",
        answer=fields,
    )


def _identifier(value: JsonTree) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
