"""What vendors document about refusals: a live token that is refused is never read as dead, a dead one never as alive.

Each row is an answer to the probe of a service, given by field, with the page that describes it. All were read on
2026-11-30; texts are those by which the answer is recognized.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from tests.contract.test_described_services import FILES
from tokenguard.domain.liveness import Verdict
from tokenguard.http.answer import Answer
from tokenguard.providers import probe_result
from tokenguard.providers.generic.description import Probe
from tokenguard.providers.generic.generic_provider import read

DEAD, ALIVE, UNKNOWN = Verdict.DEAD, Verdict.ALIVE, Verdict.UNKNOWN


class Documented(NamedTuple):
    service: str
    status: int
    body: Any
    verdict: Verdict
    page: str
    why: str = ""


_ANTHROPIC = "https://platform.claude.com/docs/en/api/errors"
_CLOUDFLARE = "https://developers.cloudflare.com/fundamentals/api/"
_GITHUB = "https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api"
_GITLAB = "https://gitlab.com/gitlab-org/gitlab/-/blob/master/lib/api/api_guard.rb"
_MATTERMOST = "https://github.com/mattermost/mattermost/blob/master/server/channels/web/context.go"
_OKTA = "https://developer.okta.com/docs/reference/error-codes/"
_OPENAI = "https://platform.openai.com/docs/guides/error-codes"
_SENDGRID = "https://support.sendgrid.com/hc/en-us/articles/18322114821403"
_SLACK = "https://docs.slack.dev/reference/methods/auth.test"
_VERCEL = "https://vercel.com/docs/sdk"


def _openai(code: str | None) -> Any:
    return {"error": {"message": "words", "type": "invalid_request_error", "code": code}}


def _cloudflare(code: int) -> Any:
    return {"success": False, "errors": [{"code": code, "message": "words"}], "result": None}


def _slack(error: str) -> Any:
    return {"ok": False, "error": error}


DOCUMENTED = [
    Documented("anthropic", 401, {"type": "error", "error": {"type": "authentication_error"}}, DEAD, _ANTHROPIC),
    Documented("anthropic", 403, {"type": "error", "error": {"type": "permission_error"}}, ALIVE, _ANTHROPIC),
    Documented("cloudflare", 401, _cloudflare(1000), DEAD, _CLOUDFLARE, "revoked"),
    Documented("cloudflare", 403, _cloudflare(9109), UNKNOWN, _CLOUDFLARE, "an address that is not allowed"),
    Documented("cloudflare", 401, _cloudflare(10000), UNKNOWN, _CLOUDFLARE, "a permission that the token lacks"),
    *(
        Documented("cloudflare", 200, {"result": {"status": status}, "success": True}, UNKNOWN, _CLOUDFLARE, status)
        for status in ("disabled", "expired")
    ),
    Documented("datadog", 403, {"errors": ["Forbidden"]}, DEAD, "https://docs.datadoghq.com/api/latest/authentication"),
    Documented("github", 401, {"message": "Bad credentials"}, DEAD, _GITHUB),
    Documented("github", 401, {"message": "Requires authentication"}, UNKNOWN, _GITHUB, "a login that was lost"),
    Documented(
        "github", 403, {"message": "Maximum number of login attempts exceeded"}, UNKNOWN, _GITHUB, "dead or alive"
    ),
    Documented("github", 403, {"message": "You have exceeded a secondary rate limit"}, UNKNOWN, _GITHUB),
    Documented("github", 403, {"message": "Sorry. Your account was suspended"}, UNKNOWN, _GITHUB, "suspended user"),
    Documented("github", 403, {"message": "Resource not accessible by personal access token"}, ALIVE, _GITHUB),
    *(
        Documented("gitlab", 401, {"error": "invalid_token", "error_description": text}, verdict, _GITLAB, text)
        for text, verdict in {
            "Token was revoked. You have to re-authorize from the user.": DEAD,
            "Token is expired. You can either do re-authorization or token refresh.": DEAD,
            "Token is an impersonation token but impersonation was disabled.": UNKNOWN,
        }.items()
    ),
    Documented("gitlab", 401, {"message": "401 Unauthorized"}, DEAD, _GITLAB),
    Documented("gitlab", 401, {"error": "dpop_error", "error_description": "words"}, UNKNOWN, _GITLAB, "DPoP required"),
    Documented("gitlab", 403, {"error": "insufficient_scope"}, ALIVE, _GITLAB),
    Documented("gitlab", 403, {"message": "403 Forbidden - Your account has been blocked"}, ALIVE, _GITLAB),
    Documented("mattermost", 401, {"id": "api.context.session_expired.app_error"}, DEAD, _MATTERMOST),
    Documented("mattermost", 401, {"id": "api.context.mfa_required.app_error"}, UNKNOWN, _MATTERMOST, "MFA required"),
    Documented("mattermost", 403, {"id": "api.context.mfa_required.app_error"}, ALIVE, _MATTERMOST, "MFA required"),
    Documented("notion", 401, {"code": "unauthorized"}, DEAD, "https://developers.notion.com/reference/status-codes"),
    Documented("okta", 401, {"errorCode": "E0000011"}, DEAD, _OKTA),
    Documented("okta", 401, {"errorCode": "E0000004"}, UNKNOWN, _OKTA),
    Documented("okta", 403, {"errorCode": "E0000006"}, ALIVE, _OKTA),
    Documented("openai", 401, _openai("invalid_api_key"), DEAD, _OPENAI),
    Documented("openai", 401, _openai("ip_not_authorized"), UNKNOWN, _OPENAI, "an address that is not allowed"),
    Documented("openai", 401, _openai(None), UNKNOWN, _OPENAI, "a scope or an organisation that the key lacks"),
    Documented("openai", 403, _openai("unsupported_country_region_territory"), ALIVE, _OPENAI),
    Documented(
        "sendgrid",
        401,
        {"errors": [{"message": "The provided authorization grant is invalid, expired, or revoked"}]},
        DEAD,
        _SENDGRID,
    ),
    Documented("sendgrid", 401, {"errors": [{"message": "authorization required"}]}, UNKNOWN, _SENDGRID),
    Documented("sendgrid", 403, {"errors": [{"message": "access forbidden"}]}, UNKNOWN, _SENDGRID),
    Documented("slack", 200, {"ok": True, "team_id": "T1"}, ALIVE, _SLACK),
    *(Documented("slack", 200, _slack(error), DEAD, _SLACK, error) for error in ("token_revoked", "token_expired")),
    *(
        Documented("slack", 200, _slack(error), UNKNOWN, _SLACK, error)
        for error in ("invalid_auth", "account_inactive", "org_login_required", "ratelimited", "access_denied")
    ),
    Documented("vercel", 403, {"error": {"code": "forbidden", "invalidToken": True}}, DEAD, _VERCEL, "expired"),
    Documented("vercel", 403, {"error": {"code": "forbidden", "message": "words"}}, UNKNOWN, _VERCEL, "another scope"),
    Documented("vercel", 401, {"error": {"code": "unauthorized"}}, UNKNOWN, _VERCEL),
]
NOT_TOLD_APART = {
    "meilisearch": "https://github.com/meilisearch/meilisearch, crates/meilisearch/src/extractors/authentication",
    "typesense": "https://github.com/typesense/typesense/issues/603",
}
"""Services that give dead keys and keys that lack a permission the same answer, by the page that says so."""


def probe_of(service: str) -> Probe:
    probe = FILES[service].probe
    assert probe is not None
    return probe


def answer(status: int, body: Any, headers: Mapping[str, str] | None = None, wait: float | None = None) -> Answer:
    kind = {"content-type": "application/json"}
    return Answer(
        status=status, headers=kind | dict(headers or {}), body=json.dumps(body).encode(), retry_after=wait,
        date=datetime(2026, 11, 30, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize("said", DOCUMENTED, ids=lambda said: f"{said.service} {said.status} {said.why}".strip())
def test_a_documented_answer_means_what_its_page_says(said):
    assert read(answer(said.status, said.body), probe_of(said.service))[0].verdict is said.verdict


@pytest.mark.parametrize("service", NOT_TOLD_APART)
def test_what_a_service_does_not_tell_apart_is_not_probed(service):
    assert FILES[service].probe is None
    assert FILES[service].rows is not None


@pytest.mark.parametrize("service", ["cloudflare", "mattermost", "openrouter"])
def test_a_token_that_can_be_activated_again_is_listed_as_one_that_exists(service):
    rows = FILES[service].rows
    assert rows is not None
    assert rows.status is None


def test_an_anthropic_key_is_ended_for_good():
    said = FILES["anthropic"]
    assert said.rows is not None
    assert said.rows.status is not None
    assert [each.body for each in said.revoke] == [{"status": "archived"}]
    assert said.rows.status.ended == {"archived", "expired"}


LIMITS = [(403, {"x-ratelimit-remaining": "0"}, None), (403, {}, 30.0), (401, {}, 30.0), (429, {}, None)]


@pytest.mark.parametrize(("status", "headers", "wait"), LIMITS)
@pytest.mark.parametrize("name", [name for name, said in FILES.items() if said.probe is not None])
def test_an_answer_at_a_limit_says_nothing_of_a_token(name, status, headers, wait):
    probe = probe_of(name)
    bodies = [said.body for said in DOCUMENTED if (said.service, said.status) == (name, status)] or [{"error": "x"}]
    for body in bodies:
        assert read(answer(status, body, headers, wait), probe)[0].verdict is UNKNOWN
        assert probe_result.read(answer(status, body, headers, wait)).verdict is UNKNOWN
