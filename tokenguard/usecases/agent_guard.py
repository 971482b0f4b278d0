"""The use case of `agent hook`: what a coding agent is about to send or has read, and what is answered."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from tokenguard.agents.agent_registry import agent, sender
from tokenguard.agents.contract import BLOCKED, Agent, Effect, Event, HookReply, HookStage, HookVerdict, text_of
from tokenguard.agents.event_text import selected, texts_in, with_texts
from tokenguard.documents import JsonTree
from tokenguard.errors import InputError, TokenguardError
from tokenguard.files import read_limited, shown
from tokenguard.frozen import Frozen
from tokenguard.scanning.bundle import ScanKey, now_utc
from tokenguard.scanning.content import MAX_BYTES
from tokenguard.scanning.known_token_stage import load_own_tokens
from tokenguard.scanning.token_search import FoundToken, TokenSearch, holds_mask, sentence
from tokenguard.text import safe_text

_INSTEAD = (
    "To use a token, run the program with `tokenguard exec -t NAME -- COMMAND`: it gets the value in its environment, "
    "and its output is masked."
)
MOST_BYTES = MAX_BYTES
"""Of an event; a larger one is refused."""
_MASK_WRITTEN = (
    "tokenguard refused this: it would put a mask into a file, in place of the token that the mask stands for. "
    "Leave that line as it is, and change the others."
)
_MOST_FILES = 100
_MOST_NAMES = 20_000
_PLACES = frozenset({"session_id", "sessionId", "transcript_path", "transcriptPath", "hook_event_name"})

KeyFinder = Callable[[], ScanKey | None]
"""Finds this machine's scan key; only called where something is searched."""


class GuardTimeout(BaseException):
    """The search has taken too long; no stage of it may go on."""


class GuardOptions(Frozen, frozen=True, kw_only=True):
    """What the command line of the hook says; `agent install` writes it."""

    event: str = ""
    """The event, for an agent whose events have no name of their own."""
    own: str = ""
    """The beginning of the digest of the scan key with which known tokens must be searched for; empty: as available."""
    mask_reads: bool = False
    """Reads of files with known tokens are let through where their content can be masked afterwards."""
    report_formats: bool = False
    """What is found by a vendor's format alone is let through with a notice."""


def answer_event(arguments: Sequence[str], read: Callable[[], bytes], scan_key: KeyFinder) -> tuple[str, str, int]:
    """Answer the event that `read` gives, with what finds the scan key; what fails blocks the action.

    Returns:
        What belongs on standard output and standard error, and the exit code.
    """
    try:
        name, options = _parsed(arguments)
        reply = guard(agent(name), read(), options, scan_key)
    except TokenguardError as error:
        reply = _blocked(f"{error.message}; {error.hint}")
    except (KeyboardInterrupt, GuardTimeout):
        reply = _blocked("interrupted")
    except Exception as error:  # noqa: BLE001 - there is no event to read
        reply = _blocked(f"the event cannot be read ({type(error).__name__})")
    lines = [json.dumps(each) + "\n" for each in (reply.progress, reply.document) if each is not None]
    said = f"{safe_text(reply.error, one_line=True)}\n" if reply.error else ""
    return "".join(lines), said, reply.code  # in ASCII: half of a surrogate pair goes back as it came


def _parsed(arguments: Sequence[str]) -> tuple[str, GuardOptions]:
    values = {"--own": "", "--reads": "refuse", "--formats": "refuse"}
    names = []
    rest = iter(arguments)
    for argument in rest:
        if argument in values:
            values[argument] = next(rest, "")
        else:
            names.append(argument)
    unknown = any(name.startswith("-") for name in names)
    unknown |= values["--reads"] not in {"refuse", "mask"} or values["--formats"] not in {"refuse", "report"}
    if unknown or not 1 <= len(names) <= 2:  # noqa: PLR2004 - the agent, and the event
        raise InputError("this hook was called with unknown words", hint="run `tokenguard agent install` again")
    options = GuardOptions(
        event="".join(names[1:]),
        own=values["--own"],
        mask_reads=values["--reads"] == "mask",
        report_formats=values["--formats"] == "report",
    )
    return names[0], options


def _blocked(reason: str) -> HookReply:
    return HookReply(error=f"tokenguard: {reason}. Nothing was let through.", code=BLOCKED)


def guard(of: Agent, data: bytes, options: GuardOptions, scan_key: KeyFinder) -> HookReply:
    """Answer one event. Raises nothing: what cannot be searched is refused."""
    stage: HookStage | None = None
    try:
        event = _event(data)
        of = sender(of, event)
        name = options.event or text_of(event, "hook_event_name")
        stage = of.stage(name)
        return _Guard(of, options, scan_key).answer(stage, name, event)
    except TokenguardError as error:
        return _failure(of, stage, f"{error.message}; {error.hint}")
    except GuardTimeout:
        return _failure(of, stage, "the search took too long; send less data")
    except Exception as error:  # noqa: BLE001 - the boundary; a traceback could show what was searched
        return _failure(of, stage, f"an unexpected {type(error).__name__}; this is a bug in tokenguard")


def _event(data: bytes) -> Event:
    if len(data) > MOST_BYTES:
        raise InputError(f"the event is larger than {MOST_BYTES:,} bytes", hint="send less at once")
    try:
        event = json.loads(data, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise InputError("the event is not a JSON object that can be read", hint="update tokenguard")
    return event


def _object(pairs: list[tuple[str, JsonTree]]) -> dict[str, JsonTree]:
    """An object; ValueError if a name is there twice, since the agent may read the other one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _all_of(event: Event) -> list[JsonTree]:
    """What an event holds, apart from what only says where it comes from."""
    return [each for key, each in event.items() if key not in _PLACES]


def _failure(of: Agent, stage: HookStage | None, reason: str) -> HookReply:
    said = f"tokenguard: {reason}. Nothing was let through."
    if stage is None:
        return of.failure(said)
    return of.reply(stage, HookVerdict(effect=_closed(stage.effect), reason=said))


def _closed(effect: Effect) -> Effect:
    """What takes the place of an effect for which masked text is needed."""
    return Effect.STOP if effect is Effect.MASK else effect


class _Guard:
    """One process, one event."""

    def __init__(self, of: Agent, options: GuardOptions, scan_key: KeyFinder) -> None:
        self._agent = of
        self._options = options
        self._scan_key = scan_key
        self._notes: list[str] = []
        self._about_own: tuple[str, ...] = ()

    def answer(self, stage: HookStage | None, name: str, event: Event) -> HookReply:
        if stage is None:
            return self._unknown(name, event)
        if stage.effect is Effect.NOTHING:
            return self._session() if name == "SessionStart" else HookReply()
        effect = self._agent.effect(stage, event)
        search = self._search()
        trees = [each for path in stage.fields for each in selected(event, path)]
        given = {name for name, value in event.items() if value is not None}
        if given.isdisjoint(path.partition(".")[0] for path in stage.fields):  # its text is where none was documented
            trees, effect = _all_of(event), _closed(effect)
        texts, names, rows = texts_in(trees)
        found = search.find(texts, names, rows)
        if found and self._options.report_formats and not any(each.own for each in found):
            self._notes.append(
                f"this holds {sentence(found)}; it was let through, because the hook was installed with that option"
            )
            found = []
        if found and effect is Effect.MASK:
            return self._agent.reply(stage, _masked(search, event, stage, found))
        if found:
            return self._agent.reply(stage, HookVerdict(effect=effect, reason=_refusal(effect, found)))
        if effect is Effect.REFUSE and (held := self._held_back(search, stage, event, texts)):
            return self._agent.reply(stage, HookVerdict(effect=effect, reason=held))
        return self._passed(search)

    def _held_back(self, search: TokenSearch, stage: HookStage, event: Event, texts: list[str]) -> str:
        """Why an action without a token must not happen; empty if it may."""
        if self._agent.writes(event) and holds_mask(texts):
            return _MASK_WRITTEN
        return self._files(search, stage, event)

    def _search(self) -> TokenSearch:
        """The search, with known tokens if this machine has their fingerprints.

        A scan key without a list is an error: who has a key counts on known tokens being found.
        """
        key = self._scan_key()
        wanted = self._options.own
        if wanted and (key is None or not key.digest.startswith(wanted)):
            raise InputError(
                "known tokens cannot be searched for: the scan key with which this hook was installed is not available",
                hint="`tokenguard fingerprints pull`, then `tokenguard agent install` again",
            )
        own = load_own_tokens(key, now_utc(), required=False)
        if own.stage is None and key is not None:
            raise InputError(
                "known tokens cannot be searched for: no list was pulled", hint="`tokenguard fingerprints pull` gets it"
            )
        self._about_own = own.notes
        return TokenSearch(own.stage)

    def _session(self) -> HookReply:
        """What a session begins with: whether known tokens are searched for."""
        self._search()
        return self._agent.notice(f"tokenguard: {'; '.join(self._about_own)}") if self._about_own else HookReply()

    def _unknown(self, name: str, event: Event) -> HookReply:
        """An event that the documentation did not name: all of it is searched, and the user is told."""
        search = self._search()
        found = search.find(*texts_in(_all_of(event)))
        if found:
            return self._agent.failure(_refusal(Effect.REFUSE, found))
        said = f"the event {shown(Path(name))}" if name else "an event without a name"
        known = f"its documentation of {self._agent.as_of}"
        return self._agent.notice(
            f"tokenguard: {self._agent.title} sent {said}, which is not in {known}; it was searched for "
            "tokens, and not changed"
        )

    def _files(self, search: TokenSearch, stage: HookStage, event: Event) -> str:
        """Why a file of this event must not be read; empty if it may."""
        masked_later = self._agent.masks_reads and stage.event not in _PROMPTS
        if masked_later and (self._options.mask_reads or not search.knows_own):
            return ""
        for path in _existing(self._agent.files(stage, event), self._agent.directory(event)):
            try:
                data = read_limited(path, MAX_BYTES)
            except OSError:  # no tool of this user can read it either
                continue
            if found := search.find_in_file(data, str(path), own_only=masked_later or self._options.report_formats):
                return f"tokenguard: {shown(path)} holds {sentence(found)}, so its content was withheld. {_INSTEAD}"
        return ""

    def _passed(self, search: TokenSearch) -> HookReply:
        """Nothing is decided; what the user must know is said."""
        notes = [*self._notes]
        if search.broken:
            notes.append(
                f"vendors' formats could not be searched for ({search.broken}); the search for known tokens is complete"
            )
        return self._agent.notice(f"tokenguard: {'; '.join(notes)}") if notes else HookReply()


_PROMPTS = frozenset({"UserPromptSubmit", "UserPromptExpansion"})
"""Events whose files reach the model without another event."""


def _masked(search: TokenSearch, event: Event, stage: HookStage, found: list[FoundToken]) -> HookVerdict:
    """Masked fields; all of them withheld, where a known token is left in what masks make of them."""
    texts, names, rows = texts_in([event.get(path) for path in stage.fields])
    masks = {text: text for text in (*texts, *names)} | search.masked(texts, names, rows)

    def change(text: str) -> str:
        """What is masked already, or is JSON that was written anew around masked texts."""
        return masks[text] if text in masks else search.masked([text]).get(text, text)

    changed = {path: with_texts(event.get(path), change) for path in stage.fields}
    left = [each for each in search.find(*texts_in([*changed.values()])) if each.own]
    if left:
        return HookVerdict(effect=Effect.STOP, reason=_refusal(Effect.STOP, left))
    reason = f"tokenguard masked {sentence(found)} in this output. {_INSTEAD}"
    return HookVerdict(effect=Effect.MASK, reason=reason, changed=changed)


def _refusal(effect: Effect, found: list[FoundToken]) -> str:
    listed = sentence(found)
    match effect:
        case Effect.STOP:
            return (
                f"tokenguard stopped here: this output holds {listed}, and the agent lets no hook replace it. "
                f"Go back to before this step, or begin a new session: going on sends it to the model. {_INSTEAD}"
            )
        case Effect.TELL:
            return (
                f"tokenguard: this holds {listed}, and the agent lets no hook withhold it. Do not repeat it; treat the "
                f"token as leaked: `tokenguard respond`. {_INSTEAD}"
            )
        case _:
            return f"tokenguard refused this: it holds {listed}. Take the value out. {_INSTEAD}"


def _existing(names: Iterable[str], directory: str) -> Iterator[Path]:
    """The regular files among what may be names of files."""
    base = Path(directory) if directory else Path.cwd()
    found = 0
    for number, name in enumerate(dict.fromkeys(name for name in names if name and "\0" not in name)):
        try:
            path = base / Path(name).expanduser()
            there = path.is_file()
        except (OSError, RuntimeError, ValueError):  # too long, or the home of a user that there is not
            continue
        found += there
        if number >= _MOST_NAMES or found > _MOST_FILES:
            raise InputError("it names more files than can be searched", hint="name fewer at once")
        if there:
            yield path
