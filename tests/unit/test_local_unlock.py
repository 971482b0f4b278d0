"""Where the key comes from: the order of the sources, and what each does when it is not what it should be."""

import base64
import itertools
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from tests.fakes.local_stores import CHEAP
from tokenguard.domain.secret import Secret
from tokenguard.errors import ExitCode, InputError, NeedsPerson, TokenguardError, Unreachable, WrongKey
from tokenguard.shell.unlock import KeySources, new_passphrase, read_key_file, read_passphrase_file
from tokenguard.stores.local.key_slots import Params, SlotInfo, SlotKind
from tokenguard.stores.local.os_keyring import OsKeyring, find_keyring
from tokenguard.stores.local.recovery_words import new_recovery_code

RAW = bytes(range(32))
WORDS = "tgcanary correct horse"


def info(*kinds: SlotKind) -> list[SlotInfo]:
    cost = {SlotKind.PASSPHRASE: CHEAP}
    return [SlotInfo(id="0" * 16, kind=kind, params=Params(account="a", cost=cost.get(kind))) for kind in kinds]


def no_keyring() -> None:
    return None


def private(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {
        "TOKENGUARD_KEY_FILE": private(tmp_path / "key", base64.b64encode(RAW) + b"\n"),
        "TOKENGUARD_PASSPHRASE_FILE": private(tmp_path / "words", WORDS.encode() + b"\n"),
    }


class FakeKeyring:
    """Looks like the desktop's keyring, and behaves as the test says."""

    def __init__(self, *, broken: str = "") -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.broken = broken
        self.released = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        if self.broken == "hangs":
            self.released.wait(20)
        if self.broken == "raises":
            raise RuntimeError("tgcanary-from-the-keyring")
        return None if self.broken == "forgets" else self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


FakeKeyring.__module__, FakeKeyring.__qualname__ = "keyring.backends.SecretService", "Keyring"


@pytest.fixture
def ring() -> OsKeyring:
    return OsKeyring(FakeKeyring(), 5)


def every_source(env: dict[str, str], ring: OsKeyring | None = None, typed: str | None = None) -> KeySources:
    ask = None if typed is None else lambda _prompt: Secret(typed)
    return KeySources(env=env, ask=ask, keyring=lambda: ring)


# ---- opening


def test_sources_are_asked_in_order(env: dict[str, str], ring: OsKeyring):
    ring.put("a", b"r" * 32)
    sources = every_source(env, ring, WORDS)
    kinds = [SlotKind.KEY_FILE, SlotKind.PASSPHRASE, SlotKind.KEYRING, SlotKind.RECOVERY]
    assert sources.unlock(info(*kinds)).kind is SlotKind.KEY_FILE
    assert sources.unlock(info(*kinds[1:])).kind is SlotKind.PASSPHRASE
    assert sources.unlock(info(*kinds[2:])).kind is SlotKind.KEYRING
    del env["TOKENGUARD_PASSPHRASE_FILE"]
    asked = KeySources(env=env, ask=lambda _: new_recovery_code(), keyring=no_keyring)
    assert asked.unlock(info(*kinds[1:])).kind is SlotKind.RECOVERY


def test_a_variable_for_another_kind_of_store_is_not_in_the_way(env: dict[str, str]):
    key = every_source(env).unlock(info(SlotKind.PASSPHRASE, SlotKind.RECOVERY))
    assert key.secret.reveal() == WORDS


def test_a_recovery_code_typed_at_the_passphrase_prompt_is_known(env: dict[str, str]):
    code = new_recovery_code()
    kinds = info(SlotKind.PASSPHRASE, SlotKind.RECOVERY)
    prompts = []

    def ask(prompt: str) -> Secret:
        prompts.append(prompt)
        return Secret(code.reveal().lower()) if len(prompts) == 1 else Secret(WORDS)

    sources = KeySources(env={}, ask=ask, keyring=no_keyring)
    assert sources.unlock(kinds).kind is SlotKind.RECOVERY
    assert sources.unlock(kinds).kind is SlotKind.PASSPHRASE
    assert prompts[0] == "passphrase or recovery code of the store"


def test_nobody_to_ask_names_the_variables():
    with pytest.raises(NeedsPerson) as caught:
        every_source({}).unlock(info(SlotKind.PASSPHRASE))
    assert caught.value.exit_code is ExitCode.UNFINISHED
    assert "TOKENGUARD_KEY_FILE" in caught.value.hint
    assert "TOKENGUARD_PASSPHRASE_FILE" in caught.value.hint


@pytest.mark.parametrize("kind", [SlotKind.KEY_FILE, SlotKind.KEYRING])
def test_a_store_that_no_source_opens_is_a_wrong_key_and_asks_nobody(kind: SlotKind):
    sources = KeySources(env={}, ask=lambda _: pytest.fail("asked"), keyring=no_keyring)
    with pytest.raises(WrongKey) as caught:
        sources.unlock(info(kind))
    assert "TOKENGUARD_KEY_FILE" in caught.value.hint


def test_a_keyring_without_the_entry_gives_way_to_the_passphrase(ring: OsKeyring):
    sources = every_source({}, ring, WORDS)
    assert sources.unlock(info(SlotKind.KEYRING, SlotKind.PASSPHRASE)).kind is SlotKind.PASSPHRASE
    with pytest.raises(WrongKey):
        sources.unlock(info(SlotKind.KEYRING))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        base64.b64encode(bytes(31)),
        base64.b64encode(bytes(33)),
        base64.urlsafe_b64encode(b"\xff" * 32),
        b"tgcanary" * 8,
        RAW,
        RAW.hex().encode(),
        base64.b64encode(RAW)[:-1],
        base64.b64encode(RAW) + b" x",
        b"\xff" * 44,
        b"A" * 5000,
    ],
)
def test_what_is_no_key_file_is_bad_input_and_not_quoted(tmp_path: Path, data: bytes):
    with pytest.raises(InputError) as caught:
        read_key_file(Path(private(tmp_path / "key", data)))
    assert caught.value.hint
    assert "tgcanary" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("read", [read_key_file, read_passphrase_file])
def test_a_secret_in_place_of_its_file_is_not_quoted(tmp_path: Path, read):
    """`TOKENGUARD_PASSPHRASE_FILE=the passphrase` is an easy mistake, and a build's log keeps what an error says."""
    for secret in (f"tgcanary correct horse {tmp_path.name}", base64.b64encode(b"tgcanary" * 4).decode()):
        with pytest.raises(InputError) as caught:
            read(Path(secret))
        assert secret[4:20] not in caught.value.message + caught.value.hint
        assert caught.value.message.endswith("file: it does not exist")


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_a_key_file_may_end_in_a_newline(tmp_path: Path, ending: bytes):
    assert read_key_file(Path(private(tmp_path / "key", base64.b64encode(RAW) + ending))) == RAW


@pytest.mark.parametrize("data", [b"", b"\n", b"two\nlines\n", b"\xff\xfe", b"x" * 5000])
def test_what_is_no_passphrase_file_is_bad_input(tmp_path: Path, data: bytes):
    with pytest.raises(InputError):
        read_passphrase_file(Path(private(tmp_path / "words", data)))


@pytest.mark.parametrize("read", [read_key_file, read_passphrase_file])
def test_a_file_that_others_can_read_or_that_is_none_is_refused(tmp_path: Path, read):
    path = tmp_path / "key"
    private(path, base64.b64encode(RAW))
    path.chmod(0o640)
    (tmp_path / "link").symlink_to(path)
    for bad in (path, tmp_path / "link", tmp_path, tmp_path / "missing", Path("/dev/zero")):
        with pytest.raises(InputError) as caught:
            read(bad)
        assert caught.value.hint


# ---- a new store's keys


def test_a_new_key_follows_the_same_order(env: dict[str, str], ring: OsKeyring):
    assert every_source(env, ring).new_key().kind is SlotKind.KEY_FILE
    del env["TOKENGUARD_KEY_FILE"]
    assert every_source(env, ring).new_key().kind is SlotKind.PASSPHRASE
    del env["TOKENGUARD_PASSPHRASE_FILE"]
    made = every_source(env, ring).new_key()
    assert every_source(env, ring).unlock([SlotInfo(id="0" * 16, kind=made.kind, params=made.params)]) == made
    assert every_source(env, None, WORDS).new_key().kind is SlotKind.PASSPHRASE
    with pytest.raises(NeedsPerson, match="needs a key"):
        every_source(env).new_key()


def test_a_weak_or_mistyped_passphrase_is_refused(tmp_path: Path):
    for words in ("", "short", "elevenchars"):
        with pytest.raises(InputError):
            every_source({}, None, words).new_key()
    answers = itertools.cycle([Secret(WORDS), Secret(WORDS + "x")])
    with pytest.raises(InputError, match="differ"):
        KeySources(env={}, ask=lambda _: next(answers), keyring=no_keyring).new_key()
    weak = {"TOKENGUARD_PASSPHRASE_FILE": private(tmp_path / "weak", b"password\n")}
    with pytest.raises(InputError, match="characters"):
        every_source(weak).new_key()


# ---- the OS keyring


def install(monkeypatch: pytest.MonkeyPatch, backend: object) -> None:
    module = ModuleType("keyring")
    module.get_keyring = lambda: backend  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)


def backend_named(name: str, **attributes: object) -> object:
    module, _, qualname = name.rpartition(".")
    kind = type(qualname, (FakeKeyring,), {"__module__": module, "__qualname__": qualname})
    backend = kind()
    for attribute, value in attributes.items():
        setattr(backend, attribute, value)
    return backend


@pytest.mark.parametrize(
    "name",
    [
        "keyring.backends.macOS.Keyring",
        "keyring.backends.Windows.WinVaultKeyring",
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
    ],
)
def test_a_keyring_that_keeps_secrets_is_used(monkeypatch: pytest.MonkeyPatch, name: str):
    install(monkeypatch, backend_named(name))
    ring = find_keyring()
    assert ring is not None
    ring.put("store-1", RAW)
    assert ring.get("store-1") == RAW
    ring.forget("store-1")
    with pytest.raises(WrongKey):
        ring.get("store-1")


@pytest.mark.parametrize(
    "name",
    [
        "keyring.backends.null.Keyring",
        "keyring.backends.fail.Keyring",
        "keyrings.alt.file.PlaintextKeyring",
        "keyrings.alt.file.EncryptedKeyring",
        "somebody.else.Keyring",
        "keyring.backends.chainer.ChainerBackend",
    ],
)
def test_a_keyring_that_only_pretends_is_refused(monkeypatch: pytest.MonkeyPatch, name: str):
    install(monkeypatch, backend_named(name))
    assert find_keyring() is None


def test_a_chain_of_keyrings_is_as_good_as_its_worst(monkeypatch: pytest.MonkeyPatch):
    good, bad = FakeKeyring(), backend_named("keyrings.alt.file.PlaintextKeyring")
    chainer = "keyring.backends.chainer.ChainerBackend"
    install(monkeypatch, backend_named(chainer, backends=[good]))
    assert find_keyring() is not None
    install(monkeypatch, backend_named(chainer, backends=[good, bad]))
    assert find_keyring() is None


@pytest.mark.parametrize("broken", ["forgets", "raises", "hangs"])
def test_a_keyring_that_does_not_answer_is_no_keyring(monkeypatch: pytest.MonkeyPatch, broken: str):
    backend = FakeKeyring(broken=broken)
    install(monkeypatch, backend)
    try:
        assert find_keyring(patience=0.05) is None
        with pytest.raises(TokenguardError) as caught:
            OsKeyring(backend, 0.05).get("store-1")
        assert isinstance(caught.value, Unreachable)
        assert "tgcanary" not in caught.value.message
    finally:
        backend.released.set()


def test_without_the_extra_there_is_no_keyring(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert find_keyring() is None


def test_a_keyring_that_loses_the_key_is_noticed_before_the_store_is_made():
    with pytest.raises(WrongKey):
        OsKeyring(FakeKeyring(broken="forgets"), 5).put("store-1", RAW)


def asked(*answers: str) -> tuple[list[str], Secret]:
    prompts, left = [], list(answers)

    def ask(prompt: str) -> Secret:
        prompts.append(prompt)
        return Secret(left.pop(0))

    return prompts, new_passphrase(ask)


@pytest.mark.parametrize("wrong", [("short",), (WORDS, WORDS + "x"), ("",)])
def test_a_new_passphrase_that_cannot_be_used_is_asked_for_again_with_the_reason(wrong: tuple[str, ...]):
    prompts, words = asked(*wrong, WORDS, WORDS)
    assert words == Secret(WORDS)
    assert prompts[0] == "new passphrase for the store"
    assert prompts[len(wrong)].endswith("; new passphrase for the store")


def test_after_three_tries_a_new_passphrase_is_refused():
    with pytest.raises(InputError):
        asked("short", WORDS, WORDS + "x", "short", WORDS, WORDS)
