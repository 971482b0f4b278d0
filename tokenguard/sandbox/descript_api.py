"""The Descript-like API below `/v1`, as its OpenAPI description documents it."""

import secrets
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from tokenguard.sandbox.cited_routes import DESCRIPT, is_cited
from tokenguard.sandbox.fault_injection import injected_fault
from tokenguard.sandbox.fault_settings import StatusRoute
from tokenguard.sandbox.limits import RemainingLimit
from tokenguard.sandbox.wire import Call, Reply, reply
from tokenguard.sandbox.world import Drive, Issued, Project, World

_ERRORS = {
    400: ("invalid_input", "The request is not valid"),
    401: ("unauthorized", "Missing or invalid authentication token"),
    402: ("payment_required", "Out of media minutes or AI credits"),
    403: ("forbidden", "User does not have access to this resource"),
    404: ("not_found", "Resource not found"),
    405: ("method_not_allowed", "Method not allowed"),
    429: ("rate_limit_exceeded", "Too many requests"),
}
_JOBS = {"import": "import/project_media", "agent": "agent", "publish": "publish"}
_MAX_PAGE = 100
_PER_HOUR = 1000
_WRITES_PER_MINUTE = 10
_JOB_READS_PER_SECOND = 20


class DescriptApi:
    """Answers calls to the Descript-like vendor."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, call: Call) -> Reply:
        """One call, one reply."""
        self._world.count(f"{call.method} /v1/{_route(call.path)}")
        if (storm := injected_fault(self._world.knobs, error)) is not None:
            return storm
        token = self._world.token_of(call.bearer())
        drive = self._world.drive(token.place) if token else None
        if token is None or drive is None:
            return error(HTTPStatus.UNAUTHORIZED)
        token.used_at = self._world.clock.now()
        if token.id in self._world.knobs.forced:
            return error(self._world.knobs.forced[token.id])
        room = self._room(call, token)
        return self._routed(call, drive) if room.allowed else limited(room)

    def _room(self, call: Call, token: Issued) -> RemainingLimit:
        now = self._world.clock.monotonic()
        if call.method == "POST" and call.path[:1] == ("jobs",) and call.path[1:2] != ("publish",):
            return self._world.limiter.take(f"{token.id} write", _WRITES_PER_MINUTE, 60, now)
        if call.method == "GET" and call.path[:1] == ("jobs",) and len(call.path) > 1:
            return self._world.limiter.take(f"{token.id} job", _JOB_READS_PER_SECOND, 1, now)
        return self._world.limiter.take(f"{token.id} any", _PER_HOUR, 3600, now)

    def _routed(self, call: Call, drive: Drive) -> Reply:
        if not is_cited(DESCRIPT, call.method, call.path):
            return error(HTTPStatus.NOT_FOUND)
        match call.method, call.path:
            case "GET", _:
                return self._read(call, drive)
            case "DELETE", ("jobs", job_id):
                found = self._one_job(drive, job_id)
                return found if found.status != HTTPStatus.OK else Reply(status=HTTPStatus.NO_CONTENT)
            case "POST", ("jobs", *kind) if "/".join(kind) in _JOBS.values():
                return self._start_job(call, drive)
            case _:
                return error(HTTPStatus.NOT_FOUND)

    def _start_job(self, call: Call, drive: Drive) -> Reply:
        """Accept a job; it ends at once, and its callback is sent."""
        wanted = (call.json() or {}).get("callback_url")
        if wanted is not None and not self._world.callbacks.accepts(wanted):
            return error(HTTPStatus.BAD_REQUEST)
        job_id = self._world.create_job(drive)
        if wanted is not None:
            self._world.callbacks.job(wanted, self._job(job_id, drive))
        return reply(HTTPStatus.CREATED, _accepted(drive, job_id))

    def _read(self, call: Call, drive: Drive) -> Reply:
        match call.path:
            case ("status",):
                return self._status(drive)
            case ("projects",):
                return _listing(call, [_project(project) for project in drive.projects])
            case ("projects", project_id):
                return self._one(drive, project_id)
            case ("jobs",):
                return _listing(call, [self._job(job, drive) for job in drive.job_ids])
            case ("jobs", job_id):
                return self._one_job(drive, job_id)
            case _:
                return error(HTTPStatus.NOT_FOUND)

    def _status(self, drive: Drive) -> Reply:
        route = self._world.knobs.status_route
        if route is StatusRoute.OFF:
            return error(HTTPStatus.NOT_FOUND)
        extra = {"drive_id": drive.id, "drive_name": drive.name} if route is StatusRoute.WITH_DRIVE else {}
        return reply(HTTPStatus.OK, {"status": "ok", **extra})

    def _one(self, drive: Drive, project_id: str) -> Reply:
        for other in self._world.drives:
            for project in other.projects:
                if project.id == project_id:
                    if other.id != drive.id:
                        return error(HTTPStatus.FORBIDDEN)
                    extra = {"drive_id": drive.id, "media_files": {}, "compositions": []}
                    return reply(HTTPStatus.OK, _project(project) | extra)
        return error(HTTPStatus.NOT_FOUND)

    def _one_job(self, drive: Drive, job_id: str) -> Reply:
        place = self._world.jobs.get(job_id)
        if job_id in drive.job_ids or place == drive.id:
            return reply(HTTPStatus.OK, self._job(job_id, drive))
        elsewhere = place is not None or any(job_id in other.job_ids for other in self._world.drives)
        return error(HTTPStatus.FORBIDDEN if elsewhere else HTTPStatus.NOT_FOUND)

    def _job(self, job_id: str, drive: Drive) -> dict[str, Any]:
        project = drive.projects[0].id if drive.projects else "deleted"
        return {
            "job_id": job_id,
            "job_type": "import/project_media",
            "job_state": "stopped",
            "created_at": (self._world.clock.now() - timedelta(days=1)).isoformat(),
            "drive_id": drive.id,
            "project_id": project,
            "project_url": f"https://web.descript.com/{project}",
            "result": {"status": "success"},
        }


def error(status: int, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """The vendor's error body for a status."""
    code, message = _ERRORS.get(status, ("internal_error", "Something went wrong"))
    return reply(status, {"error": code, "message": message}, headers)


def limited(room: RemainingLimit) -> Reply:
    """429 with the documented headers."""
    wait = str(max(round(room.reset_in), 1))
    headers = (("Retry-After", wait), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Consumed", str(room.used)))
    return error(HTTPStatus.TOO_MANY_REQUESTS, headers)


def _route(path: tuple[str, ...]) -> str:
    if path[:1] in {("projects",), ("jobs",)} and len(path) == 2 and path[1] not in _JOBS:  # noqa: PLR2004 - a pair
        return f"{path[0]}/{{id}}"
    return "/".join(path)


def _project(project: Project) -> dict[str, Any]:
    then = "2026-10-01T09:00:00Z"
    return {"id": project.id, "name": project.name, "created_at": then, "updated_at": then}


def _accepted(drive: Drive, job_id: str) -> dict[str, str]:
    project = secrets.token_hex(8)
    return {
        "job_id": job_id,
        "drive_id": drive.id,
        "project_id": project,
        "project_url": f"https://web.descript.com/{project}",
    }


def _listing(call: Call, rows: list[dict[str, Any]]) -> Reply:
    try:
        size, start = int(call.query.get("limit", "20")), int(call.query.get("cursor", "0"))
    except ValueError:
        return error(HTTPStatus.BAD_REQUEST)
    if not 1 <= size <= _MAX_PAGE or start < 0:
        return error(HTTPStatus.BAD_REQUEST)
    more = start + size < len(rows)
    pagination = {"next_cursor": str(start + size)} if more else {}
    return reply(HTTPStatus.OK, {"data": rows[start : start + size], "pagination": pagination})
