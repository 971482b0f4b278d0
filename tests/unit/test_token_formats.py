"""The table of token formats: every row is whole, and no two rows say the same."""

from collections import Counter
from urllib.parse import urlsplit

import pytest

from docs.masked_formats import MODULE, module
from tests.fakes.token_examples import example
from tokenguard.token_formats.checksum import CHECKSUMS
from tokenguard.token_formats.table import FORMATS, format_by_id
from tokenguard.token_formats.template import Run, pieces
from tokenguard.token_formats.token_format import TokenFormat, random_part

BY_VENDOR = Counter(kind.vendor for kind in FORMATS)
ASKED_FOR = {
    "OpenAI", "Anthropic", "Google", "Hugging Face", "npm", "PyPI", "RubyGems", "crates.io", "NuGet", "Slack", "Discord",
    "Telegram", "Twilio", "SendGrid", "Mailgun", "Mailchimp", "Brevo", "Stripe", "Square", "PayPal", "Shopify",
    "DigitalOcean", "Linode", "Fly.io", "Heroku", "Netlify", "Vercel", "Cloudflare", "Fastly", "Databricks", "Snowflake",
    "MongoDB Atlas", "PlanetScale", "Supabase", "Neon", "Azure", "Azure DevOps", "AWS", "Google Cloud", "HashiCorp Vault",
    "HCP Terraform", "Pulumi", "Doppler", "1Password", "Infisical", "GitHub", "GitLab", "Bitbucket", "Atlassian", "Linear",
    "Notion", "Airtable", "Figma", "Postman", "Sentry", "Datadog", "New Relic", "Grafana", "Grafana Cloud", "Honeycomb",
    "PagerDuty", "Okta", "Auth0", "Algolia", "Mapbox", "Dropbox", "Docker Hub", "Buildkite", "CircleCI", "LangSmith",
    "OpenRouter", "Groq", "xAI", "DeepSeek", "Perplexity", "Replicate", "Pinecone", "ElevenLabs", "HubSpot", "Intercom",
    "PostHog", "ngrok", "Tailscale", "age", "JWT", "Descript", "Autoposting",
}  # fmt: skip


def test_every_vendor_that_a_team_meets_is_in_it() -> None:
    assert set(BY_VENDOR) >= ASKED_FOR
    assert len(FORMATS) >= 150


def test_no_two_rows_share_an_id_or_the_name_of_their_findings() -> None:
    for field in ("id", "type"):
        counts = Counter(getattr(kind, field) for kind in FORMATS)
        assert [each for each, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.id)
def test_a_row_is_whole(kind: TokenFormat) -> None:
    assert kind.id == kind.id.lower()
    assert kind.shapes
    assert kind.end
    assert urlsplit(kind.source).scheme == "https"
    assert not kind.checksum or kind.checksum in CHECKSUMS
    assert all(word == word.lower() for word in (*kind.names, *kind.near))
    assert format_by_id(kind.id) is kind
    for template in kind.shapes:
        assert any(isinstance(piece, Run) for piece in pieces(template))


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.id)
def test_what_is_random_of_a_token_is_what_stands_in_its_runs(kind: TokenFormat) -> None:
    value = example(kind, 2)
    random = random_part(kind, value)
    assert random
    assert len(random) <= len(value)


def test_a_run_of_an_unknown_class_is_refused() -> None:
    with pytest.raises(ValueError, match="no such class"):
        pieces("x_{klingon:8}")


def test_masking_reads_these_formats_without_their_table() -> None:
    assert MODULE.read_text() == module(), "run `python -m docs.masked_formats`"
