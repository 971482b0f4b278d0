"""The fake keeps the rules that AWS documents; moto is a second opinion, and where it differs is written down here."""

import uuid
from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fakes.secrets_manager.server import KEY_ID, REGION, FakeAws
from tests.fakes.secrets_manager.state import DAY

ONE, TWO, THREE = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
MOTO_DIFFERS = {
    "test_the_same_token_with_another_content_is_refused": "the content is overwritten",
    "test_a_label_that_is_attached_is_not_moved_unless_its_holder_is_named": "it is attached to both versions",
    "test_awscurrent_cannot_be_taken_off": "it is taken off",
    "test_a_label_of_a_new_version_leaves_the_old_one": "a version without a label is shown",
    "test_what_is_scheduled_for_deletion_can_be_described_and_not_changed": "a value is accepted",
    "test_limits_are_kept[value]": "accepted",
    "test_limits_are_kept[tags]": "accepted",
    "test_limits_are_kept[tag-value]": "accepted",
    "test_limits_are_kept[tag-characters]": "accepted",
    "test_limits_are_kept[labels]": "accepted",
    "test_limits_are_kept[filter-values]": "accepted",
    "test_limits_are_kept[batch]": "accepted",
    "test_limits_are_kept[name]": "accepted",
    "test_a_listing_is_sorted_as_asked": "SortBy is ignored",
    "test_an_age_of_access_is_kept": "LastAccessedDate is never set",
    "test_a_version_without_a_label_is_no_longer_shown_and_can_still_be_read": "it is shown",
}


def _sdk(**options) -> object:
    keys = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": "x"}
    return boto3.client(
        "secretsmanager", region_name=REGION, config=Config(retries={"total_max_attempts": 1}), **keys, **options
    )


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[FakeAws, object]]:
    with FakeAws() as aws:
        yield aws, _sdk(endpoint_url=aws.url)


@pytest.fixture(scope="module")
def moto() -> Iterator[object]:
    from moto import mock_aws

    with mock_aws():
        yield _sdk()


@pytest.fixture
def fake(server) -> FakeAws:
    aws, _ = server
    aws.service.__init__(REGION)
    aws.faults.clear()
    aws.requests.clear()
    return aws


@pytest.fixture(params=["fake", "moto"])
def aws(request, monkeypatch):
    if request.param == "fake":
        request.getfixturevalue("fake")
        yield request.getfixturevalue("server")[1]
        return
    name = request.node.name.replace("[moto-", "[").replace("[moto]", "")
    if name in MOTO_DIFFERS:
        request.applymarker(pytest.mark.xfail(reason=f"moto: {MOTO_DIFFERS[name]}", strict=True))
    from moto.backends import get_backend

    sdk = request.getfixturevalue("moto")
    get_backend("secretsmanager").reset()
    yield sdk


def refused(code: str | tuple[str, ...]):
    codes = code if isinstance(code, tuple) else (code,)

    class Check:
        def __enter__(self):
            return self

        def __exit__(self, kind, error, trace):
            assert isinstance(error, ClientError), "accepted"
            assert error.response["Error"]["Code"] in codes, error.response["Error"]["Code"]
            return True

    return Check()


def stages(aws, name="a") -> dict[str, set[str]]:
    found = aws.describe_secret(SecretId=name)["VersionIdsToStages"]
    return {version: set(labels) for version, labels in found.items()}


def create(aws, name="a", value="one", token=ONE, **more):
    return aws.create_secret(Name=name, SecretString=value, ClientRequestToken=token, **more)


def put(aws, value="two", token=TWO, labels=("STAGED",), name="a"):
    return aws.put_secret_value(SecretId=name, SecretString=value, ClientRequestToken=token, VersionStages=list(labels))


def move(aws, label, **moves):
    return aws.update_secret_version_stage(SecretId="a", VersionStage=label, **moves)


# ---- making and writing


def test_a_name_is_given_away_once(aws):
    create(aws)
    with refused("ResourceExistsException"):
        create(aws, value="other", token=TWO)


def test_the_same_token_and_content_is_a_repetition(aws):
    create(aws)
    put(aws)
    before = stages(aws)
    assert put(aws)["VersionId"] == TWO
    assert stages(aws) == before


def test_the_same_token_with_another_content_is_refused(aws):
    create(aws)
    put(aws, labels=["AWSPENDING"])
    with refused("ResourceExistsException"):
        put(aws, value="another", labels=["AWSPENDING"])
    assert aws.get_secret_value(SecretId="a", VersionId=TWO)["SecretString"] == "two"


def test_a_repetition_does_not_take_a_label_back(fake, server):
    aws = server[1]
    create(aws)
    put(aws)
    put(aws, value="three", token=THREE)
    put(aws)
    assert stages(aws)[THREE] == {"STAGED"}


def test_a_label_of_a_new_version_leaves_the_old_one(aws):
    create(aws)
    put(aws)
    put(aws, value="three", token=THREE)
    assert stages(aws)[THREE] == {"STAGED"}
    assert TWO not in stages(aws)


def test_without_labels_a_version_becomes_current_and_the_one_before_previous(aws):
    create(aws)
    aws.put_secret_value(SecretId="a", SecretString="two", ClientRequestToken=TWO)
    assert stages(aws) == {ONE: {"AWSPREVIOUS"}, TWO: {"AWSCURRENT"}}


def test_the_first_version_becomes_current_whatever_its_labels(aws):
    aws.create_secret(Name="a")
    put(aws, token=ONE)
    assert stages(aws) == {ONE: {"STAGED", "AWSCURRENT"}}


# ---- labels


def test_a_label_that_is_attached_nowhere_needs_no_holder(aws):
    create(aws)
    put(aws)
    move(aws, "DOC", MoveToVersionId=TWO)
    assert "DOC" in stages(aws)[TWO]


def test_a_label_that_is_attached_is_not_moved_unless_its_holder_is_named(aws):
    create(aws)
    put(aws)
    move(aws, "DOC", MoveToVersionId=ONE)
    with refused("InvalidParameterException"):
        move(aws, "DOC", MoveToVersionId=TWO)
    assert "DOC" in stages(aws)[ONE]


def test_a_label_is_not_moved_from_a_version_that_does_not_hold_it(aws):
    create(aws)
    put(aws)
    put(aws, value="three", token=THREE, labels=["OTHER"])
    move(aws, "DOC", MoveToVersionId=ONE)
    with refused("InvalidParameterException"):
        move(aws, "DOC", MoveToVersionId=THREE, RemoveFromVersionId=TWO)
    move(aws, "DOC", MoveToVersionId=THREE, RemoveFromVersionId=ONE)
    with refused("InvalidParameterException"):
        move(aws, "DOC", MoveToVersionId=THREE, RemoveFromVersionId=ONE)


def test_moving_current_makes_the_one_before_previous(aws):
    create(aws)
    put(aws)
    move(aws, "AWSCURRENT", MoveToVersionId=TWO, RemoveFromVersionId=ONE)
    assert stages(aws) == {ONE: {"AWSPREVIOUS"}, TWO: {"AWSCURRENT", "STAGED"}}


def test_awscurrent_cannot_be_taken_off(aws):
    create(aws)
    with refused("InvalidParameterException"):
        move(aws, "AWSCURRENT", RemoveFromVersionId=ONE)


def test_a_version_without_a_label_is_no_longer_shown_and_can_still_be_read(aws):
    create(aws)
    put(aws)
    move(aws, "STAGED", RemoveFromVersionId=TWO)
    assert TWO not in stages(aws)
    assert aws.get_secret_value(SecretId="a", VersionId=TWO)["SecretString"] == "two"


def test_a_label_and_a_version_that_do_not_belong_together_are_refused(aws):
    create(aws)
    put(aws)
    with refused("InvalidRequestException"):
        aws.get_secret_value(SecretId="a", VersionId=TWO, VersionStage="AWSCURRENT")


@pytest.mark.parametrize("wanted", [{"VersionStage": "NONE"}, {"VersionId": THREE}])
def test_what_is_not_there_is_not_found(aws, wanted):
    create(aws)
    with refused("ResourceNotFoundException"):
        aws.get_secret_value(SecretId="a", **wanted)
    with refused("ResourceNotFoundException"):
        aws.get_secret_value(SecretId="b")


# ---- listing


def test_a_listing_has_pages_of_at_most_a_hundred(aws):
    for number in range(103):
        create(aws, f"p/{number:03}", token=str(uuid.uuid4()))
    first = aws.list_secrets(MaxResults=100)
    second = aws.list_secrets(MaxResults=100, NextToken=first["NextToken"])
    assert (len(first["SecretList"]), len(second["SecretList"]), "NextToken" in second) == (100, 3, False)


def test_filters_match_beginnings_and_tag_keys_are_not_tied_to_tag_values(aws):
    create(aws, "x/1", Tags=[{"Key": "env", "Value": "dev"}, {"Key": "other", "Value": "prod"}])
    create(aws, "x/2", token=TWO, Tags=[{"Key": "env", "Value": "dev"}])
    create(aws, "y/1", token=THREE)

    def names(**filters: list[str]) -> set[str]:
        asked = [{"Key": key.replace("_", "-"), "Values": values} for key, values in filters.items()]
        return {each["Name"] for each in aws.list_secrets(Filters=asked)["SecretList"]}

    assert names(name=["x/"]) == {"x/1", "x/2"}
    assert names(tag_key=["env"], tag_value=["prod"]) == {"x/1"}
    assert names(name=["x/2", "y"]) == {"x/2", "y/1"}


def test_a_listing_is_sorted_as_asked(aws):
    for number, name in enumerate(("b", "c", "a"), 10):
        create(aws, name, token=str(uuid.UUID(int=number)))
    aws.put_secret_value(SecretId="b", SecretString="new")
    names = lambda **order: [each["Name"] for each in aws.list_secrets(**order)["SecretList"]]  # noqa: E731
    assert names(SortBy="name", SortOrder="asc") == ["a", "b", "c"]
    assert names(SortBy="last-changed-date", SortOrder="desc") == ["b", "a", "c"]


def test_an_age_of_access_is_kept(aws):
    create(aws)
    aws.get_secret_value(SecretId="a")
    assert "LastAccessedDate" in aws.describe_secret(SecretId="a")


def test_a_batch_gives_what_it_can_and_says_what_it_cannot(aws):
    create(aws)
    answer = aws.batch_get_secret_value(SecretIdList=["a", "missing"])
    assert [each["SecretString"] for each in answer["SecretValues"]] == ["one"]
    assert [each["ErrorCode"] for each in answer["Errors"]] == ["ResourceNotFoundException"]


# ---- deletion


def test_what_is_scheduled_for_deletion_can_be_described_and_not_changed(aws):
    create(aws)
    aws.delete_secret(SecretId="a", RecoveryWindowInDays=7)
    assert "DeletedDate" in aws.describe_secret(SecretId="a")
    assert aws.list_secrets()["SecretList"] == []
    with refused("InvalidRequestException"):
        aws.get_secret_value(SecretId="a")
    with refused("InvalidRequestException"):
        create(aws, token=TWO)
    with refused("InvalidRequestException"):
        put(aws)
    aws.restore_secret(SecretId="a")
    put(aws)


def test_a_deletion_with_force_frees_the_name(aws):
    create(aws)
    aws.delete_secret(SecretId="a", ForceDeleteWithoutRecovery=True)
    create(aws, value="another")


@pytest.mark.parametrize(
    "how", [{"RecoveryWindowInDays": 6}, {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True}]
)
def test_a_deletion_has_a_window_or_force(aws, how):
    create(aws)
    with refused(("InvalidParameterException", "ValidationException")):
        aws.delete_secret(SecretId="a", **how)


# ---- limits

LIMITS = {
    "value": lambda aws: put(aws, "x" * 65_537),
    "tags": lambda aws: aws.tag_resource(SecretId="a", Tags=[{"Key": f"k{n}", "Value": "v"} for n in range(51)]),
    "tag-value": lambda aws: aws.tag_resource(SecretId="a", Tags=[{"Key": "k", "Value": "v" * 257}]),
    "tag-characters": lambda aws: aws.tag_resource(SecretId="a", Tags=[{"Key": "k", "Value": "a;b"}]),
    "labels": lambda aws: [move(aws, f"L{n}", MoveToVersionId=ONE) for n in range(21)],
    "filter-values": lambda aws: aws.list_secrets(Filters=[{"Key": "name", "Values": [f"n{n}" for n in range(11)]}]),
    "batch": lambda aws: aws.batch_get_secret_value(SecretIdList=[f"n{n}" for n in range(21)]),
    "name": lambda aws: create(aws, "not a name", token=THREE),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_limits_are_kept(aws, limit):
    create(aws)
    codes = ("ValidationException", "InvalidParameterException", "LimitExceededException")
    with refused(codes):
        LIMITS[limit](aws)


def test_a_tag_is_set_and_removed(aws):
    create(aws)
    aws.tag_resource(SecretId="a", Tags=[{"Key": "k", "Value": "v"}, {"Key": "l", "Value": ""}])
    aws.untag_resource(SecretId="a", TagKeys=["k", "missing"])
    assert [tag["Key"] for tag in aws.describe_secret(SecretId="a")["Tags"]] == ["l"]


def test_there_are_a_hundred_versions_a_day_and_older_ones_without_a_label_go(fake, server):
    aws = server[1]
    create(aws)
    for _ in range(99):
        put(aws, token=str(uuid.uuid4()))
    with refused("LimitExceededException"):
        put(aws, token=str(uuid.uuid4()))
    now = fake.service.now()
    fake.service.now = lambda: now + 2 * DAY
    put(aws, token=TWO)
    deprecated = aws.list_secret_version_ids(SecretId="a", IncludeDeprecated=True)["Versions"]
    assert len(deprecated) == 100


# ---- knobs


def test_reads_can_lag_behind_writes(fake, server):
    aws = server[1]
    create(aws)
    fake.service.shelf.lag = 1
    put(aws, labels=["AWSCURRENT"])
    values = [aws.get_secret_value(SecretId="a")["SecretString"] for _ in range(2)]
    assert values == ["one", "two"]


def test_a_fault_comes_as_often_as_it_was_ordered_and_every_request_is_on_record(fake, server):
    aws = server[1]
    create(aws)
    fake.fail("PutSecretValue", "ThrottlingException", after=1)
    put(aws)
    with refused("ThrottlingException"):
        put(aws, token=THREE)
    put(aws, token=THREE)
    assert fake.counts == {"CreateSecret": 1, "PutSecretValue": 3}


def test_a_request_must_be_signed_for_this_region_by_a_session_that_lasts(fake):
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError) as unsigned:
        urllib.request.urlopen(urllib.request.Request(fake.url, data=b"{}", method="POST"))
    assert unsigned.value.code == 403
    unsigned.value.close()
    keys = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": "x"}
    elsewhere = boto3.client("secretsmanager", region_name="us-east-1", endpoint_url=fake.url, **keys)
    with refused("InvalidSignatureException"):
        elsewhere.list_secrets()
    fake.expired.add(KEY_ID)
    with refused("ExpiredTokenException"):
        _sdk(endpoint_url=fake.url).list_secrets()
    fake.expired.clear()
