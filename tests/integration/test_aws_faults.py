"""What a store on AWS does when AWS says no, says nothing, lags, or somebody else is at work."""

import logging
import uuid
from datetime import timedelta

import pytest

from tests.contract.store_suite import FIRST, OTHER, SECOND, VALUE, created, document, event
from tests.fakes.clock import FakeClock
from tests.fakes.secrets_manager.server import KEY_ID, FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS, client, made, opened, place
from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure, reason_of
from tokenguard.clients.aws.aws_settings import AwsSettings
from tokenguard.clients.aws.region_client import AwsClient
from tokenguard.domain.event import Op
from tokenguard.domain.names import Label, new_token_id, token_name
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict, InputError, Tampered, Unreachable
from tokenguard.frozen import replace
from tokenguard.http.address import Address
from tokenguard.ports.store import Live, Tombstone
from tokenguard.stores.aws.store import AwsStore, open_store

HOME = "video-team/video/upload"


@pytest.fixture
def aws(fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return fake_aws


@pytest.fixture
def store(aws: FakeAws) -> AwsStore:
    return made(aws)


def edited(store, snapshot, purpose="new"):
    changed = replace(snapshot.document, record=replace(snapshot.document.record, purpose=purpose))
    return store.commit(snapshot.id, snapshot.version, changed, [event(store, Op.EDIT)])


def kept(aws):
    return aws.service.shelf.secrets[HOME]


# ---- AWS says no

CODES = {
    "AccessDeniedException": AwsFailure.DENIED,
    "DecryptionFailure": AwsFailure.KMS,
    "EncryptionFailure": AwsFailure.KMS,
    "ExpiredTokenException": AwsFailure.EXPIRED,
    "UnrecognizedClientException": AwsFailure.CREDENTIALS,
    "ThrottlingException": AwsFailure.THROTTLED,
    "LimitExceededException": AwsFailure.LIMIT,
    "InternalServiceError": AwsFailure.SERVER,
    "AnErrorOfTomorrow": AwsFailure.REFUSED,
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("operation", ["PutSecretValue", "TagResource", "UpdateSecretVersionStage"])
def test_a_refused_call_of_a_commit_changes_nothing_and_is_made_good_by_the_next_try(aws, store, operation, code):
    read = created(store)
    aws.fail(operation, code)
    with pytest.raises(Unreachable) as caught:
        edited(store, read)
    assert caught.value.reason is CODES[code]
    assert caught.value.exit_code == 4
    assert "tgcanary" not in f"{caught.value}{caught.value.hint}"
    assert opened(aws).load(read.id) == read
    again = edited(store, read)
    assert opened(aws).load(read.id) == again
    assert list(opened(aws).scan()) == [again]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "DecryptionFailure"])
@pytest.mark.parametrize("operation", ["PutSecretValue", "UpdateSecretVersionStage", "GetSecretValue"])
def test_a_refused_publish_leaves_what_consumers_read_and_can_be_repeated(aws, store, operation, code):
    token = created(store).id
    store.put_candidate(token, FIRST, VALUE)
    store.publish(token, FIRST, 0)
    store.put_candidate(token, SECOND, OTHER)
    aws.fail(operation, code)
    with pytest.raises(Unreachable):
        store.publish(token, SECOND, 1)
    assert opened(aws).read_live(token) == Live(FIRST, 1, VALUE)
    assert store.publish(token, SECOND, 1) == 2


def test_a_denied_kms_key_is_told_from_a_denied_call(aws, store):
    aws.fail("CreateSecret", "AccessDeniedException", message="Access to KMS is not allowed")
    with pytest.raises(AwsError) as caught:
        created(store)
    assert "kms:Decrypt" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidSignatureException", "Signature expired: 20261101T090000Z is now earlier than 20261101T100000Z"),
        ("InvalidSignatureException", "Signature not yet current: 20261101T110000Z is still later than 20261101T1000Z"),
        ("SignatureDoesNotMatch", "Signature expired: 20261101T090000Z is now earlier than 20261101T100000Z"),
        ("RequestTimeTooSkewed", "the difference is too large"),
    ],
)
def test_a_clock_that_is_wrong_is_told_from_a_wrong_key(aws, store, code, message, words):
    read = created(store)
    aws.fail("PutSecretValue", code, message=message)
    with pytest.raises(AwsError) as caught:
        edited(store, read)
    words(caught.value)
    words(caught.value)
    assert edited(store, read).version == 2


def test_a_session_that_expires_says_how_to_go_on(aws, store, words):
    read = created(store)
    aws.expired.add(KEY_ID)
    with pytest.raises(AwsError) as caught:
        edited(store, read)
    words(caught.value)
    assert caught.value.reason is AwsFailure.EXPIRED


def test_throttling_is_waited_out_by_the_sdk(aws, store):
    read = created(store)
    patient = opened(aws, attempts=3)
    aws.fail("PutSecretValue", "ThrottlingException", times=1)
    assert edited(patient, read).version == 2


def test_without_credentials_there_is_one_clear_error(aws, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    lonely = AwsClient(AwsSettings(region=aws.region, endpoint=Address.parse(aws.url)))
    with pytest.raises(AwsError) as caught:
        open_store(place(aws), lonely, FakeClock())
    assert caught.value.reason is AwsFailure.NO_CREDENTIALS


PROFILES = """
[profile sso]
sso_session = team
sso_account_id = 123456789012
sso_role_name = rotator
[sso-session team]
sso_start_url = https://team.example/start
sso_region = eu-central-1
[profile process]
credential_process = /bin/false
[profile role]
role_arn = arn:aws:iam::123456789012:role/rotator
source_profile = absent
"""


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        ("absent", AwsFailure.NO_PROFILE),
        ("sso", AwsFailure.EXPIRED),
        ("process", AwsFailure.SETUP),
        ("role", AwsFailure.SETUP),
    ],
)
def test_credentials_that_aws_was_never_shown_are_not_said_to_be_refused(
    aws, monkeypatch, tmp_path, words, profile, reason
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text(PROFILES)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", profile)
    lonely = AwsClient(AwsSettings(region=aws.region, endpoint=Address.parse(aws.url)))
    with pytest.raises(AwsError) as caught:
        open_store(place(aws), lonely, FakeClock())
    assert caught.value.reason is reason
    words(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("You can't perform this operation on the secret because it was marked for deletion.", AwsFailure.DELETED),
        ("You tried to perform the operation on a secret that's currently marked deleted.", AwsFailure.DELETED),
        (
            "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
            AwsFailure.REPLICA,
        ),
        ("You can't access a secret of another account under the default KMS service key.", AwsFailure.REFUSED),
    ],
)
def test_an_invalid_request_is_only_called_a_deletion_where_aws_says_so(text, reason):
    response = {"Error": {"Code": "com.amazonaws.secretsmanager#InvalidRequestException", "Message": text}}
    assert reason_of(response) is reason


def test_nobody_there_is_said_so(aws, words):
    gone = AwsClient(AwsSettings(region=aws.region, endpoint=Address.parse("http://127.0.0.1:9"), attempts=1))
    with pytest.raises(AwsError) as caught:
        open_store(place(aws), gone, FakeClock())
    words(caught.value)


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"{", b""])
def test_a_portal_that_answers_in_place_of_aws_is_not_taken_for_it(aws, body):
    from tests.fakes.scripted_server import ScriptedServer, reply

    with ScriptedServer(reply(200, body, kind="text/html")) as portal:
        address = Address.parse(portal.url)
        with pytest.raises(AwsError) as caught:
            open_store(place(aws), AwsClient(AwsSettings(region=aws.region, endpoint=address, attempts=1)), FakeClock())
    assert caught.value.reason in {AwsFailure.MALFORMED, AwsFailure.RESET}


def test_no_request_is_logged_even_when_somebody_asks_for_everything(aws, store, caplog):
    token = created(store).id
    with caplog.at_level(logging.DEBUG):
        store.put_candidate(token, FIRST, VALUE)
        client(aws).identity()
    assert "tgcanary" not in caplog.text
    assert "put_secret" not in caplog.text.lower()


# ---- AWS says nothing


@pytest.mark.parametrize("operation", ["PutSecretValue", "TagResource", "UpdateSecretVersionStage"])
@pytest.mark.parametrize("attempts", [1, 2])
def test_a_reply_that_was_lost_after_the_commit_is_found_out(aws, store, operation, attempts):
    read = created(store)
    runner = opened(aws, attempts=attempts)
    aws.fail(operation, acts=True, drops=True)
    try:
        after = edited(runner, read)
    except Unreachable:  # only without repetitions, and only before the label was moved
        assert attempts == 1
        assert operation != "UpdateSecretVersionStage"
        after = edited(runner, read)
    assert opened(aws).load(read.id) == after
    assert len(store.history(read.id)) == 2


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_publish_whose_reply_was_lost_is_published_once(aws, store, attempts):
    token = created(store).id
    runner = opened(aws, attempts=attempts)
    runner.put_candidate(token, FIRST, VALUE)
    aws.fail("UpdateSecretVersionStage", acts=True, drops=True)
    assert runner.publish(token, FIRST, 0) == 1
    assert store.read_live(token) == Live(FIRST, 1, VALUE)


def test_a_candidate_whose_reply_was_lost_is_ours_when_the_sdk_repeats_it(aws, store):
    token = created(store).id
    aws.fail("PutSecretValue", acts=True, drops=True)
    opened(aws, attempts=2).put_candidate(token, FIRST, VALUE)
    assert store.read_candidate(token, FIRST) == VALUE


def test_a_token_whose_making_was_interrupted_is_a_token(aws, store):
    aws.fail("UpdateSecretVersionStage", "InternalServiceError")
    with pytest.raises(Unreachable):
        created(store)
    found = opened(aws).find(token_name("video/upload"))
    assert found is not None
    assert [snapshot.id for snapshot in opened(aws).scan()] == [found.id]
    assert edited(opened(aws), found).version == 2


# ---- AWS lags


@pytest.mark.parametrize("lag", [1, 3])
def test_a_reader_that_lags_takes_nobody_back(aws, store, lag):
    read = created(store)
    aws.service.shelf.lag = lag
    for purpose in ("one", "two", "three"):
        read = edited(store, read, purpose)
        assert store.load(read.id) == read
        assert [snapshot.version for snapshot in store.scan()] == [read.version]
    store.put_candidate(read.id, FIRST, VALUE)
    assert store.read_candidate(read.id, FIRST) == VALUE
    assert store.publish(read.id, FIRST, 0) == 1
    assert store.read_live(read.id) == Live(FIRST, 1, VALUE)


def test_a_runner_that_read_too_early_loses(aws, store):
    read = created(store)
    edited(store, read, "first")
    aws.service.shelf.lag = 50
    aws.service.shelf.writing(HOME)
    late = opened(aws)
    with pytest.raises(Conflict):
        edited(late, read, "second")
    aws.service.shelf.lag = 0
    aws.service.shelf._before.clear()
    assert opened(aws).load(read.id).document.record.purpose == "first"


# ---- somebody else is at work


@pytest.mark.parametrize("sign", [{"rotation_enabled": True}, {"owning_service": "rds"}, {"type": "partner"}])
def test_a_secret_that_somebody_else_rotates_is_refused(aws, store, sign, words):
    read = created(store)
    for name, value in sign.items():
        setattr(kept(aws), name, value)
    with pytest.raises(Conflict) as caught:
        edited(opened(aws), read)
    words(caught.value)
    with pytest.raises(Conflict) as caught:
        opened(aws).put_candidate(read.id, FIRST, VALUE)
    words(caught.value)
    assert opened(aws).load(read.id) == read


def test_a_foreign_pending_version_is_not_stolen(aws, store):
    read = created(store)
    foreign = str(uuid.uuid4())
    client(aws).secrets(
        "put_secret_value", SecretId=HOME, ClientRequestToken=foreign, SecretString="x", VersionStages=["AWSPENDING"]
    )
    with pytest.raises(Conflict, match="AWSPENDING"):
        edited(opened(aws), read)
    assert "AWSPENDING" in kept(aws).versions[foreign].stages


def test_a_value_that_somebody_wrote_by_hand_is_not_written_over(aws, store, words):
    token = created(store).id
    store.put_candidate(token, FIRST, VALUE)
    store.publish(token, FIRST, 0)
    client(aws).secrets("put_secret_value", SecretId=HOME, SecretString="by hand")
    with pytest.raises(Conflict) as caught:
        opened(aws).publish(token, FIRST, 1)
    words(caught.value)
    with pytest.raises(Tampered) as caught:
        opened(aws).read_live(token)
    words(caught.value)


def test_a_secret_of_somebody_else_is_no_token_and_its_name_is_not_taken(aws, store):
    client(aws).secrets("create_secret", Name=HOME, SecretString="theirs")
    assert store.find(token_name("video/upload")) is None
    assert list(store.scan()) == []
    with pytest.raises(Conflict):
        created(store)
    assert kept(aws).holder("AWSCURRENT").content == {"SecretString": "theirs"}


def test_two_stores_of_one_region_do_not_see_each_other(aws, store):
    one, other = created(store), made(aws, "video-team/sub")
    created(other, "x")
    assert [snapshot.id for snapshot in store.scan()] == [one.id]
    assert store.holders(store.fingerprint(VALUE)) == ()


def test_a_secret_that_is_scheduled_for_deletion_says_how_to_get_it_back(aws, store, words):
    read = created(store)
    client(aws).secrets("delete_secret", SecretId=HOME, RecoveryWindowInDays=7)
    with pytest.raises(AwsError) as caught:
        edited(store, read)
    words(caught.value)
    assert "restore-secret" in caught.value.hint


@pytest.mark.parametrize("data", [b"", b"x", b"x\x9c", b"\x78\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_state_that_was_written_over_is_tampering(aws, store, data):
    created(store)
    at = str(uuid.uuid4())
    client(aws).secrets(
        "put_secret_value", SecretId=HOME, ClientRequestToken=at, SecretBinary=data or b"{}", VersionStages=["tg-doc"]
    )
    with pytest.raises(Tampered):
        opened(aws).find(token_name("video/upload"))


def test_a_body_that_would_inflate_without_end_is_tampering(aws, store):
    import zlib

    created(store)
    bomb = zlib.compress(b" " * (60 << 20), 9)
    client(aws).secrets("put_secret_value", SecretId=HOME, SecretBinary=bomb[:65_536], VersionStages=["tg-doc"])
    with pytest.raises(Tampered):
        opened(aws).find(token_name("video/upload"))


# ---- names


def test_a_rename_that_was_interrupted_keeps_the_old_name_and_does_not_keep_the_new_one(aws, store):
    read = created(store, "old")
    aws.fail("PutSecretValue", "InternalServiceError")
    with pytest.raises(Unreachable):
        store.commit(read.id, 1, document("new"), [event(store, Op.EDIT)])
    assert opened(aws).find(token_name("new")) is None
    assert opened(aws).find(token_name("old")) == read
    other = created(opened(aws), "new")
    assert opened(aws).find(token_name("new")) == other


def test_a_name_that_is_taken_over_defeats_the_rename_that_was_in_flight(aws, store):
    read = created(store, "old")
    slow = opened(aws)
    slow._expected(read.id, read.version)
    slow._names.claim(token_name("new"), read.id, "video-team/old")  # claimed, not committed yet
    other = created(store, "new")
    with pytest.raises(Conflict):
        slow._tokens.advance(slow._tokens.newest(read.id), document("new"), [])
    assert opened(aws).find(token_name("new")) == other
    assert [snapshot.document.record.name for snapshot in opened(aws).scan()] == ["new", "old"]


def test_a_making_that_was_interrupted_after_it_had_claimed_a_name_can_never_be_finished(aws, store):
    first = created(store, "old")
    store.commit(first.id, 1, document("elsewhere"), [event(store, Op.EDIT)])
    slow, token = opened(aws), new_token_id()
    home = slow._names.secret_for(token_name("old"), token)  # claimed, not made yet
    other = created(store, "old")
    with pytest.raises(Conflict):
        slow._tokens.create(token, home, document("old"), [])
    assert opened(aws).find(token_name("old")) == other


def test_a_takeover_that_was_interrupted_itself_does_not_lock_the_name_for_ever(aws, store):
    first = created(store, "old")
    store.commit(first.id, 1, document("elsewhere"), [event(store, Op.EDIT)])
    home = opened(aws)._names.secret_for(token_name("old"), new_token_id())  # claimed, never made
    assert opened(aws)._names._reserve_forever(home)  # and whoever took it over was interrupted here
    other = created(store, "old")
    assert opened(aws).find(token_name("old")) == other


# ---- what AWS removes


def test_what_a_tombstone_says_survives_the_version_it_stood_in(aws, store):
    token = created(store).id
    store.put_candidate(token, FIRST, VALUE)
    store.put_candidate(token, SECOND, Tombstone(reason="reaped"))
    store.destroy(token, FIRST)
    for version in [each for each in kept(aws).versions.values() if not each.stages]:
        del kept(aws).versions[version.id]
    left = opened(aws)
    assert left.read_candidate(token, FIRST) == Tombstone(reason="destroyed", digest=VALUE.digest())
    assert left.read_candidate(token, SECOND) == Tombstone(reason="reaped")
    for label in (FIRST, SECOND):
        with pytest.raises(Conflict):
            left.put_candidate(token, label, OTHER)


def test_a_destroyed_value_loses_every_label_also_that_of_the_previous_live_one(aws, store):
    token = created(store).id
    for number, (label, value) in enumerate(((FIRST, VALUE), (SECOND, OTHER))):
        store.put_candidate(token, label, value)
        store.publish(token, label, number)
    store.destroy(token, FIRST)
    labelled = [each.content for each in kept(aws).versions.values() if each.stages]
    assert VALUE.token.reveal() not in str(labelled)
    assert store.read_live(token) == Live(SECOND, 2, OTHER)


def test_a_long_history_moves_into_blocks_and_comes_back_whole(aws, store):
    read = created(store)
    for number in range(9):
        noise = [event(store, Op.EDIT, **{f"k{each}": uuid.uuid4().hex + uuid.uuid4().hex}) for each in range(70)]
        read = store.commit(read.id, read.version, read.document, [*noise, event(store, Op.VERIFY, number=number)])
    entries = opened(aws).history(read.id)
    assert [entry.seq for entry in entries] == list(range(1, 9 * 71 + 2))
    assert entries[-1].hash == read.document.chain.hash
    assert any(label.startswith("tg-log-") for label in kept(aws).labels)


def test_a_record_that_no_secret_can_hold_is_bad_input(aws, store):
    read = created(store)
    notes = "".join(uuid.uuid4().hex for _ in range(5000))
    huge = replace(read.document, record=replace(read.document.record, notes=notes))
    with pytest.raises(InputError, match="too large"):
        store.commit(read.id, 1, huge, [])
    large = replace(read.document, record=replace(read.document.record, notes=notes[:20_000]))
    assert [found.version for found in _listed_afresh(aws, store.commit(read.id, 1, large, []))] == [2]


def _listed_afresh(aws, expected):
    found = list(opened(aws).scan())
    assert found == [expected]
    return found


def test_a_value_with_odd_characters_reaches_consumers_as_it_is(aws, store):
    token = created(store).id
    value = Value.of('tgcanary-"\\ü\ud800€')
    store.put_candidate(token, FIRST, value)
    store.publish(token, FIRST, 0)
    assert opened(aws).read_live(token) == Live(FIRST, 1, value)


def test_more_candidates_than_a_secret_has_labels_are_kept_all_the_same(aws, store):
    token = created(store).id
    labels = [Label(f"upload-abcdefgh-{number}") for number in range(45)]
    for label in labels:
        store.put_candidate(token, label, Value.of(f"tgcanary-value-{label}"))
    store.destroy(token, labels[0])
    for version in [each for each in kept(aws).versions.values() if not each.stages]:
        del kept(aws).versions[version.id]
    left = opened(aws)
    assert isinstance(left.read_candidate(token, labels[0]), Tombstone)
    for label in labels[1:]:
        assert left.read_candidate(token, label) == Value.of(f"tgcanary-value-{label}")
    assert len(kept(aws).labels) <= 20


# ---- one runner at a time


def test_a_second_runner_is_told_who_is_at_work(aws, store):
    store.acquire_lease("elsewhere/1/a")
    with pytest.raises(Conflict, match="elsewhere/1/a") as caught:
        opened(aws).acquire_lease("elsewhere/2/b")
    assert "--concurrent" in caught.value.hint
    store.close()
    opened(aws).acquire_lease("elsewhere/2/b")


def test_a_runner_that_is_gone_is_not_waited_for(aws, store):
    import os
    import subprocess
    import sys

    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    store.acquire_lease(f"{os.uname().nodename}/{ended.pid}/a")
    opened(aws).acquire_lease("elsewhere/2/b")


def test_a_turn_ends_by_itself_and_is_renewed_by_work(aws, store):
    read = created(store)
    store.acquire_lease("elsewhere/1/a")
    waiting = opened(aws)
    store.secrets.clock.sleep(100)
    waiting.secrets.clock.sleep(121)
    read = edited(store, read)
    with pytest.raises(Conflict):
        waiting.acquire_lease("elsewhere/2/b")
    waiting.secrets.clock.sleep(121)
    waiting.acquire_lease("elsewhere/2/b")


@pytest.mark.parametrize("step", [timedelta(minutes=2), timedelta(hours=1)], ids=str)
def test_a_turn_does_not_end_early_for_a_clock_that_was_set_back(aws, store, step):
    read = created(store)
    store.acquire_lease("elsewhere/1/a")
    waiting = opened(aws)
    store.secrets.clock.sleep(100)
    waiting.secrets.clock.sleep(121)
    store.secrets.clock._start -= step
    edited(store, read)
    with pytest.raises(Conflict):
        waiting.acquire_lease("elsewhere/2/b")
