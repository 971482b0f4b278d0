"""What a pre-signed URL says of itself: how long it was made for, and what it allows."""

from datetime import UTC, datetime, timedelta

import pytest

from tokenguard.detection.presigned import Period, read_presigned

SIGNATURE = "0123456789abcdef" * 4
S3 = f"https://b.s3.amazonaws.com/k?X-Amz-Date=20261101T000000Z&X-Amz-Expires=3600&X-Amz-Signature={SIGNATURE}"
AZURE = f"https://a.blob.core.windows.net/c/b?sv=2022-11-02&se=2026-11-02T00:00:00Z&sr=b&sig={SIGNATURE}"
CLOUDFRONT = f"https://d.cloudfront.net/k?Expires=1793577600&Key-Pair-Id=K&Signature={SIGNATURE}"
START, HOUR = datetime(2026, 11, 1, tzinfo=UTC), timedelta(hours=1)


def only(url: str):
    (found,) = read_presigned(f"\nu = '{url}'\n")
    assert (found.line, found.column) == (2, 6)
    return found


PERIODS = {
    "S3": (S3, Period(length=HOUR, ends_at=START + HOUR)),
    "S3 in a session": (f"{S3}&X-Amz-Security-Token=x", Period(length=HOUR, ends_at=START + HOUR, upper_bound=True)),
    "S3 without a date": (S3.replace("X-Amz-Date", "X-Date"), Period()),
    "S3 that lives for ever": (S3.replace("3600", "9" * 30), Period()),
    "Azure": (AZURE, Period(ends_at=START + 24 * HOUR)),
    "Azure with its beginning": (f"{AZURE}&st=2026-11-01T12:00:00Z", Period(length=12 * HOUR, ends_at=START + 24 * HOUR)),
    "Azure without zones": (
        AZURE.replace("00:00:00Z", "00:00:00") + "&st=2026-11-01T12:00:00Z", Period(length=12 * HOUR, ends_at=START + 24 * HOUR),
    ),
    "Azure with a stored policy": (AZURE.replace("se=2026-11-02T00:00:00Z", "si=p"), Period()),
    "CloudFront": (CLOUDFRONT, Period(ends_at=datetime.fromtimestamp(1_793_577_600, UTC))),
    "CloudFront with a policy": (CLOUDFRONT.replace("Expires=1793577600", "Policy=x"), Period()),
}  # fmt: skip


@pytest.mark.parametrize(("url", "period"), PERIODS.values(), ids=PERIODS)
def test_how_long_it_was_made_for(url, period):
    assert only(url).period == period


GRANTS = {
    S3: "", f"{S3}&x-id=GetObject": "read", f"{S3}&x-id=PutObject": "more", f"{S3}&uploadId=1&partNumber=1": "more",
    f"{S3}&response-content-type=text": "read", f"{AZURE}&sp=r": "read", f"{AZURE}&sp=rw": "more", AZURE: "", CLOUDFRONT: "",
}  # fmt: skip


@pytest.mark.parametrize(("url", "grants"), GRANTS.items())
def test_what_it_allows_as_far_as_it_says(url, grants):
    assert only(url).grants == grants


def test_no_part_of_the_signature_is_shown():
    assert SIGNATURE not in repr(only(S3))
