"""The routes of an imitated service, each with the document that describes it; a route without one does not exist."""

from collections.abc import Iterable, Sequence

from tokenguard.frozen import Frozen


class CitedRoute(Frozen, frozen=True):
    """One route, and where the service describes it."""

    route: str
    """Method and path; `{id}` is one segment: `GET /projects/{id}`."""
    document: str
    """The address of the page or description."""
    read: str
    """The day of the copy that was read, YYYY-MM-DD; YYYY-MM where only the month is known."""
    silent: str = ""
    """What the document leaves open, and which settings of the imitation stand for it."""

    def matches(self, method: str, path: Sequence[str]) -> bool:
        """Whether a request is for this route."""
        cited_method, _, way = self.route.partition(" ")
        parts = way.strip("/").split("/")
        return (
            method == cited_method
            and len(parts) == len(path)
            and all(part.startswith("{") or part == here for part, here in zip(parts, path, strict=True))
        )


def is_cited(routes: Iterable[CitedRoute], method: str, path: Sequence[str]) -> bool:
    """Whether a request is for a route with a document."""
    return any(each.matches(method, path) for each in routes)


_AUTOPOSTING = "https://docs.autoposting.ai"
_OVERVIEW = f"{_AUTOPOSTING}/api-reference/overview"
_AUTHENTICATION = f"{_AUTOPOSTING}/authentication"
_RESOURCES = ("posts", "brands", "clips", "carousels", "kb", "kbs", "usage", "agents", "webhooks")

AUTOPOSTING = (
    CitedRoute("GET /health", _OVERVIEW, "2026-11", silent="what it says of a credential; here nothing"),
    CitedRoute("GET /auth/profile", _AUTHENTICATION, "2026-11"),
    CitedRoute("POST /auth/logout", _AUTHENTICATION, "2026-11", silent="the route itself (`logout_route`)"),
    CitedRoute(
        "GET /api-keys",
        f"{_AUTOPOSTING}/api-reference/api-keys/list-api-keys",
        "2026-11",
        silent="paging, the place of the total, the order, what is said of revoked keys (`list_style`)",
    ),
    CitedRoute(
        "POST /api-keys",
        f"{_AUTOPOSTING}/api-reference/api-keys/create-an-api-key",
        "2026-11",
        silent="whether it takes a session or a key (`create_with`)",
    ),
    CitedRoute("PATCH /api-keys/{id}", f"{_AUTOPOSTING}/api-reference/api-keys/update-an-api-key", "2026-11"),
    CitedRoute(
        "DELETE /api-keys/{id}",
        _AUTHENTICATION,
        "2026-11",
        silent="the route itself: the page says that keys can be revoked (`delete_route`, `idle_delete`)",
    ),
    *(CitedRoute(f"{method} /{each}", _AUTHENTICATION, "2026-11") for each in _RESOURCES for method in ("GET", "POST")),
)
"""Below `/api-proxy`. The resources are the permission scopes of the authentication page."""

_DESCRIPTION = "https://docs.descriptapi.com/openapi.yaml"

DESCRIPT = (
    CitedRoute("GET /status", _DESCRIPTION, "2026-08-22", silent="the page on authentication uses it (`status_route`)"),
    CitedRoute("GET /projects", _DESCRIPTION, "2026-08-22"),
    CitedRoute("GET /projects/{id}", _DESCRIPTION, "2026-08-22"),
    CitedRoute("GET /jobs", _DESCRIPTION, "2026-08-22"),
    CitedRoute("GET /jobs/{id}", _DESCRIPTION, "2026-08-22"),
    CitedRoute("DELETE /jobs/{id}", _DESCRIPTION, "2026-08-22"),
    CitedRoute("POST /jobs/import/project_media", _DESCRIPTION, "2026-08-22"),
    CitedRoute("POST /jobs/agent", _DESCRIPTION, "2026-08-22"),
    CitedRoute("POST /jobs/publish", _DESCRIPTION, "2026-08-22"),
)
"""Below `/v1`."""

SETTINGS = (
    CitedRoute(
        "GET /settings/api-tokens",
        "https://help.descript.com/hc/en-us/articles/43370311322509-Descript-API-beta",
        "2026-11",
        silent="the page's form: a person reads it, no program",
    ),
    CitedRoute(
        "POST /settings/api-tokens",
        "https://help.descript.com/hc/en-us/articles/43370311322509-Descript-API-beta",
        "2026-11",
        silent="the form's fields",
    ),
)
"""Where people create and revoke tokens."""
