# ruff: noqa: F811, F841, B904, PLW0108 - fixtures are arguments, and tests raise what they catch
"""What is masked keeps its kind: a dict is a dict, an exception keeps type, traceback, notes, cause, context and group."""

import collections
import copy
import dataclasses
import enum
import linecache
import logging
import pathlib
import pickle
import secrets
import sys
import traceback
import types
from typing import NamedTuple

import httpx
import pytest
import requests
import structlog

import tokenguard
from tests.unit.masking_world import leaks, value  # noqa: F401 - fixtures
from tests.unit.test_redaction_logging import record_of
from tokenguard.masking import current, install, objects
from tokenguard.masking.objects import clean_exc_info, clean_object
from tokenguard.masking.records import clean_record


def mask(value):
    return current.clean(value, "x")


def caught(call, *arguments):
    try:
        call(*arguments)
    except BaseException:  # noqa: BLE001 - group, exit and all
        return sys.exc_info()
    raise AssertionError


def shown(triple):
    return "".join(traceback.format_exception(*triple))


class Custom(Exception):
    """Its constructor takes other arguments than it keeps."""

    def __init__(self, reason, *, detail):
        super().__init__(reason)
        self.detail = detail

    def __str__(self):
        return f"{self.args[0]}: {self.detail}"


class Composed(Exception):
    """Its text is nowhere in it."""

    def __init__(self, first, second):
        self.first, self.second = first, second

    def __str__(self):
        return self.first + self.second

    def __repr__(self):
        return f"Composed({self.first!r})"


class Registered(Exception):
    register: list[type] = []  # noqa: RUF012

    def __init_subclass__(cls, **_):
        Registered.register.append(cls)

    def __str__(self):
        return "".join(self.args)


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    """Refuses every assignment, also those of a chain and a traceback."""

    token: str


class Slotted(Exception):
    __slots__ = ("held",)


class Shown:
    """An object that a library's error holds."""

    def __init__(self, value):
        self.url = f"https://example.org/?key={value}"

    def __repr__(self):
        return f"<Shown {self.url}>"


def holding(kind, **attributes):
    """An exception with attributes that its text does not show."""
    error = kind("failed")
    for name, held in attributes.items():
        setattr(error, name, held)
    return error


def chained(value):
    try:
        {}[value]
    except KeyError as error:
        error.add_note(f"note {value}")
        raise Custom("failed", detail=value) from error


def in_context(value):
    try:
        int(value)
    except ValueError:
        raise OSError(2, "not there", f"/run/{value}")


def grouped(value):
    raise ExceptionGroup(f"all of {value}", [ValueError(value), ExceptionGroup("inner", [KeyError(value)])])


def raising(error):
    raise error


def raising_from(error, cause):
    raise error from cause


CASES = {
    "cause and note": chained,
    "context": in_context,
    "group": grouped,
    "composed": lambda value: raising(Composed(value[:20], value[20:])),
    "registered": lambda value: raising(Registered(value[:20], value[20:])),
    "unicode": lambda value: f"{value}\udc80".encode(),
    "syntax": lambda value: compile(f"x = '{value}' y", "file", "exec"),
    "exit": lambda value: sys.exit(value),
    "import": lambda value: __import__(value),
    "attribute": lambda value: getattr(object(), value),
    "stop": lambda value: raising(StopIteration(value)),
    "json": lambda value: requests.models.complexjson.loads("{" + value),
    "frozen": lambda value: raising(Frozen(value)),
    "frozen, as cause": lambda value: raising_from(Custom("failed", detail=value), Frozen(value)),
    "an object as attribute": lambda value: raising(holding(ValueError, request=Shown(value))),
    "an object in a slot": lambda value: raising(holding(Slotted, held=Shown(value))),
    "objects in containers": lambda value: raising(holding(ValueError, held={"a": [(Shown(value), Shown("x"))]})),
    "exceptions in containers": lambda value: raising(holding(ValueError, errors={"a": [KeyError(value)]})),
    "request of httpx": lambda value: raising(
        httpx.ConnectError("failed", request=httpx.Request("GET", f"http://127.0.0.1/{value}"))
    ),
    "args that are exceptions": lambda value: raising(requests.ConnectionError(OSError(value))),
    **{
        f"group of {count}": lambda value, count=count: raising(
            ExceptionGroup("all", [*(ValueError(number) for number in range(1, count)), KeyError(value)])
        )
        for count in (1, 2, 3, 4)
    },
    "three exceptions as args": lambda value: raising(ValueError(KeyError("a"), KeyError(value), KeyError("c"))),
    "an exception between others as args": lambda value: raising(ValueError("a", KeyError(value), 3)),
    "three exceptions in a slot": lambda value: raising(holding(Slotted, held=(1, OSError(value), [value]))),
}


@pytest.mark.parametrize("case", CASES)
def test_an_exception_keeps_everything_but_the_value(value, case):
    original = caught(CASES[case], value)
    before = shown(original)
    kind, error, trace = clean_exc_info(original, "x")
    assert shown((kind, error, trace)).split() == before.replace(value, mask(value)).split()  # a caret may be elsewhere
    assert (kind.__name__, kind.__module__, kind.__qualname__) == (
        original[0].__name__, original[0].__module__, original[0].__qualname__,
    )  # fmt: skip
    assert issubclass(kind, original[0])
    assert type(error) is kind
    assert error.__traceback__ is trace
    assert shown(original) == before
    assert not Registered.register


@pytest.mark.parametrize("case", CASES)
def test_nothing_of_the_value_is_left_in_a_copy(value, case):
    waiting, seen = [clean_exc_info(caught(CASES[case], value), "x")[1]], set()
    while waiting:
        error = waiting.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        assert (
            value
            not in f"{error} {error!r} {error.args} {vars(error)} {getattr(error, 'held', '')} {vars(type(error))}"
        )
        waiting += [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]
        at = error.__traceback__
        while at is not None:
            assert value not in repr(dict(at.tb_frame.f_locals))
            at = at.tb_next


def unknown_schema(given):
    core = pytest.importorskip("pydantic_core")
    core.SchemaValidator({"type": given})


def derived(given):
    core = pytest.importorskip("pydantic_core")

    class Refused(core.PydanticCustomError):
        def __init__(self, *arguments):
            assert arguments[2]["text"] == given, "code of the program's own class ran again"

    raise Refused("own", "not {text}", {"text": given})


@pytest.mark.parametrize("fails", [unknown_schema, derived])
def test_an_exception_of_another_language_keeps_the_name_of_its_class(value, fails):
    original = caught(fails, value)
    kind, error, _ = clean_exc_info(original, "x")
    assert (kind.__name__, kind.__module__) == (original[0].__name__, original[0].__module__)
    assert (kind is original[0]) == (fails is unknown_schema)
    assert value not in f"{error} {error!r} {error.args}"
    assert mask(value) in str(error)


def test_an_attribute_of_an_exception_keeps_its_kind(value):
    error = clean_exc_info(caught(in_context, value), "x")[1]
    assert (type(error), error.errno, error.filename) == (FileNotFoundError, 2, f"/run/{mask(value)}")


def invalid_number(given):
    core = pytest.importorskip("pydantic_core")
    core.SchemaValidator({"type": "int"}).validate_python(given)


def invalid_by_a_function(given):
    core = pytest.importorskip("pydantic_core")

    def fails(text):
        raise ValueError(text)

    core.SchemaValidator(
        {"type": "function-plain", "function": {"type": "no-info", "function": fails}}
    ).validate_python(given)


def invalid_in_own_words(given):
    core = pytest.importorskip("pydantic_core")

    def fails(text):
        raise core.PydanticCustomError("own", "not {text}", {"text": text})

    core.SchemaValidator(
        {"type": "function-plain", "function": {"type": "no-info", "function": fails}}
    ).validate_python(given)


def shown_in_part(given):
    invalid_number(f"{'a' * 60}{given}{'z' * 60}")


def not_shown(given):
    core = pytest.importorskip("pydantic_core")
    raise core.ValidationError.from_exception_data(
        "number", [{"type": "int_parsing", "loc": (), "input": f"{'a' * 60}{given}{'z' * 60}"}]
    )


@pytest.mark.parametrize(
    "fails", [invalid_number, invalid_by_a_function, invalid_in_own_words, shown_in_part, not_shown]
)
def test_an_exception_of_another_language_keeps_its_kind_and_its_details(value, fails):
    original = caught(fails, value)
    bare = (original[0], original[1].with_traceback(None), None)
    for kind, error, _ in (clean_exc_info(original, "x"), clean_exc_info(bare, "x")):
        assert kind is type(error) is original[0]
        (detail,), (plain,) = error.errors(), original[1].errors()
        assert value not in f"{error} {error!r} {detail} {error.json()}"
        assert {**detail, "ctx": 0} == {**plain, "ctx": 0, "msg": plain["msg"].replace(value, mask(value)),
                                        "input": plain["input"].replace(value, mask(value))}  # fmt: skip


def test_cycles_end(value):
    def both():
        first, second = ValueError(value), KeyError("second")
        first.__cause__, second.__context__, first.args = second, first, (value, second)
        second.args = (first,)
        raise first

    error = clean_exc_info(caught(both), "x")[1]
    assert error.__cause__.__context__ is error
    assert error.args[1] is error.__cause__


def test_a_clean_exception_with_harmless_locals_is_the_same_object(leaks):
    original = caught(int, "x")
    frame_of_this_test_file = clean_exc_info(original, "x")
    assert str(frame_of_this_test_file[1]) == str(original[1])
    bare = (ValueError, ValueError("x"), None)
    assert clean_exc_info(bare, "x") is bare


class Client:
    def __init__(self, token):
        self.token = token

    def __repr__(self):
        return f"<Client {self.token}>"


class Broken:
    def __repr__(self):
        raise RuntimeError


def only_in_locals(given):
    text, nested, holder, broken, number = given, {"k": [given]}, Client(given), Broken(), 7
    raise ValueError("nothing in here")


def locals_of(triple):
    at = triple[2]
    while at.tb_next is not None:
        at = at.tb_next
    return at.tb_frame.f_locals


def test_a_value_that_only_a_local_variable_holds_is_masked_there(value):
    original = caught(only_in_locals, value)
    triple = clean_exc_info(original, "x")
    found = locals_of(triple)
    assert shown(triple) == shown(original)
    assert found["nested"] == {"k": [mask(value)]}
    assert repr(found["holder"]) == f"<Client {mask(value)}>"
    assert type(found["holder"]) is Client
    assert found["number"] == 7
    assert "not shown, RuntimeError" in repr(found["broken"])
    assert value not in repr(found) + repr(dict(found)) + repr(found.copy()) + repr(
        pickle.loads(pickle.dumps({**found, "holder": 1}))
    )
    assert locals_of(original)["text"] == value


def test_local_variables_are_not_looked_at_before_they_are_read(leaks):
    class Counts:
        looked = 0

        def __repr__(self):
            Counts.looked += 1
            return "x"

    def fails():
        counts = Counts()
        raise ValueError

    triple = clean_exc_info(caught(fails), "x")
    assert Counts.looked == 0
    assert locals_of(triple)["counts"]
    assert Counts.looked == 1


def places_above(frame):
    """What a reporter shows of a frame and of its callers; a reporter shows them while the program goes on."""
    places = []
    while frame is not None:
        places.append((frame.f_code.co_filename, frame.f_code.co_qualname, frame.f_globals["__name__"], frame.f_lineno))
        frame = frame.f_back
    return places


def test_frames_keep_name_place_and_columns_and_lead_to_none_of_ours(value):
    original, at = caught(chained, value), None
    masked = clean_exc_info(original, "x")
    theirs, at = original[2], masked[2]
    while at is not None:
        ours, other = at.tb_frame, theirs.tb_frame
        assert (ours.f_code.co_filename, ours.f_code.co_qualname, at.tb_lineno, at.tb_lasti) == (
            other.f_code.co_filename, other.f_code.co_qualname, theirs.tb_lineno, theirs.tb_lasti,
        )  # fmt: skip
        assert (ours.f_lasti, ours.f_lineno) == (other.f_lasti, other.f_lineno)
        assert ours.f_globals["__name__"] == __name__
        assert at is masked[2] or ours.f_back is None
        assert list(ours.f_code.co_positions())[at.tb_lasti // 2] == list(other.f_code.co_positions())[at.tb_lasti // 2]
        at, theirs = at.tb_next, theirs.tb_next


def test_the_callers_of_a_traceback_are_those_of_the_program(value):
    original = caught(chained, value)
    masked, theirs = clean_exc_info(original, "x"), places_above(original[2].tb_frame)
    ours = places_above(masked[2].tb_frame)
    here = (__file__, "test_the_callers_of_a_traceback_are_those_of_the_program", __name__)
    assert len(ours) == min(len(theirs), 1 + 100, 1 + sys.getrecursionlimit() // 10)
    assert [each[:3] for each in ours] == [each[:3] for each in theirs][: len(ours)]
    assert (ours[0], ours[1][:3], ours[2:]) == (theirs[0], here, theirs[2 : len(ours)])
    assert "clean_exc_info" not in str(ours)


def test_local_variables_of_callers_are_masked(value):
    def above(token):
        seen = locals
        triple = clean_exc_info(caught(chained, token), "x")
        return triple, seen

    frame = above(value)[0][2].tb_frame.f_back
    assert frame.f_code.co_name == "above"
    assert frame.f_locals["token"] == mask(value)
    assert value not in repr(frame.f_locals)


def test_local_variables_that_hold_themselves_are_shown(value):
    def holds(token):
        own = sys._getframe().f_locals
        raise ValueError(token)

    found = locals_of(clean_exc_info(caught(holds, value), "x"))
    again = clean_object({"found": found, "more": [found, found]}, "x")
    assert again["found"] is found
    assert value not in repr(again)


def test_a_place_that_was_clean_is_looked_at_again_when_its_file_or_the_values_change(value, tmp_path):
    """Which lines hold no value is remembered: for these values, and for the file as it was read."""
    source = tmp_path / "clean.py"
    written = "def fails(token):\n    # {}\n    raise ValueError('x')\n"

    def text_of(comment):
        source.write_text(written.format(comment))
        linecache.checkcache(str(source))
        space = {"__name__": "clean"}
        exec(compile(source.read_text(), str(source), "exec"), space)
        triple = clean_exc_info(caught(space["fails"], value), "x")
        file = triple[2].tb_next.tb_frame.f_code.co_filename
        return "".join(linecache.getlines(file))

    later = f"tgcanary_{secrets.token_hex(18)}"
    assert "nothing" in text_of("nothing")
    assert mask(value) in text_of(value)
    assert later in text_of(later)
    tokenguard.mask(later, "later")
    assert later not in text_of(later)


def test_two_parts_of_a_file_that_hold_values_are_both_shown(value, tmp_path):
    lines = [f"def first():\n    token = '{value}'\n    second()\n", "\n" * 40]
    lines.append(f"def second():\n    token = '{value}'\n    raise ValueError('x')\n")
    source = tmp_path / "leaky.py"
    source.write_text("".join(lines))
    space = {"__name__": "leaky"}
    exec(compile(source.read_text(), str(source), "exec"), space)
    text = shown(clean_exc_info(caught(space["first"]), "x"))
    assert "    second()\n" in text
    assert "    raise ValueError('x')\n" in text
    assert value not in text


def test_a_tracer_and_a_profiler_can_follow_new_frames(value):
    def follows(*_):
        return follows

    original = caught(chained, value)
    before = sys.gettrace()
    try:
        sys.settrace(follows)
        sys.setprofile(follows)
        masked = clean_exc_info(original, "x")
    finally:
        sys.setprofile(None)
        sys.settrace(before)
    assert value not in shown(masked)


def test_the_decorator_by_which_django_hides_variables_is_found_above_a_frame(value):
    def sensitive_variables_wrapper(call):
        return call(value)

    triple = clean_exc_info(caught(lambda: sensitive_variables_wrapper(only_in_locals)), "x")
    at = triple[2]
    while at.tb_next is not None:
        at = at.tb_next
    assert at.tb_frame.f_back.f_code.co_name == "sensitive_variables_wrapper"


def test_a_source_line_that_holds_a_value_is_shown_masked(value, tmp_path):
    source = tmp_path / "leaky.py"
    source.write_text(f"def fails():\n    token = '{value}'\n    raise ValueError('x')\n")
    space = {"__name__": "leaky"}
    exec(compile(source.read_text(), str(source), "exec"), space)
    triple = clean_exc_info(caught(space["fails"]), "x")
    text = "".join(traceback.TracebackException(*triple, lookup_lines=True, capture_locals=True).format())
    assert "raise ValueError('x')" in text
    assert value not in text
    assert triple[2].tb_next.tb_frame.f_code.co_filename == f"{source} [masked]"


def test_a_deep_recursion_is_masked_as_any_other(value):
    def deeper(token):
        return deeper(token)

    kind, _, trace = clean_exc_info(caught(deeper, value), "x")
    assert kind is RecursionError
    assert len(list(traceback.walk_tb(trace))) > 500


def test_a_dict_as_message_stays_one_and_arguments_stay_arguments(value):
    record = clean_record(record_of({"event": value, "n": 1}))
    assert record.msg == {"event": mask(value), "n": 1}
    record = clean_record(record_of("%s has %d of %r", (value, 3, Client(value))))
    assert record.msg == "%s has %d of %r"
    assert record.args[:2] == (mask(value), 3)
    assert type(record.args[2]) is Client
    assert value not in record.getMessage()


def test_a_value_that_only_message_and_argument_make_is_masked_in_the_message(value):
    record = clean_record(record_of(f"{value[:20]}%s", (value[20:],)))
    assert record.getMessage() == mask(value)


def test_exc_info_stays_a_triple_and_text_that_was_made_before_is_masked(value):
    record = record_of("x")
    record.exc_info, record.exc_text = caught(chained, value), f"text {value}"
    clean_record(record)
    assert issubclass(record.exc_info[0], Custom)
    assert record.exc_text == f"text {mask(value)}"


@dataclasses.dataclass(frozen=True)
class Point:
    token: str
    n: int


class Slots:
    __slots__ = ("token",)

    def __init__(self, token):
        self.token = token

    def __repr__(self):
        return f"Slots({self.token})"


class Pair(NamedTuple):
    token: str
    n: int


KINDS = {
    "namedtuple": lambda v: Pair(v, 1),
    "ordered dict": lambda v: collections.OrderedDict(a=v, b=2),
    "default dict": lambda v: collections.defaultdict(list, a=[v]),
    "headers": lambda v: requests.structures.CaseInsensitiveDict({"Authorization": v}),
    "set": lambda v: {v},
    "frozenset": lambda v: frozenset({v}),
    "deque in list": lambda v: [collections.deque([v])],
    "bytearray": lambda v: bytearray(v.encode()),
    "frozen dataclass": lambda v: Point(v, 1),
    "slots": lambda v: Slots(v),
    "namespace": lambda v: types.SimpleNamespace(a=v),
    "path": lambda v: pathlib.PurePosixPath("/x") / v,
    "str subclass": lambda v: type("Safe", (str,), {})(v),
    "exception": lambda v: ValueError(v),
    "dict subclass": lambda v: type("Own", (dict,), {})(a=v),
    "mapping proxy": lambda v: types.MappingProxyType({"a": v}),
    "three of which one is an exception": lambda v: ("a", ValueError(v), 3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_keeps_its_kind_and_the_callers_own_is_unchanged(value, kind):
    thing = KINDS[kind](value)
    before = repr(thing)
    masked = clean_object(thing, "x")
    assert type(masked) is type(thing)
    assert repr(masked) == before.replace(value, mask(value))
    assert repr(thing) == before


def test_a_view_of_bytes_stays_one(value):
    data = f"key={value}".encode()
    masked = clean_object({"body": memoryview(data)}, "x")["body"]
    assert type(masked) is memoryview
    assert bytes(masked).decode() == f"key={mask(value)}"
    assert value.encode() in data


class Detailed(Exception):
    """Shows what it holds in a slot."""

    __slots__ = ("held",)

    def __init__(self, held):
        super().__init__("failed")
        self.held = held

    def __str__(self):
        return f"failed with {self.held}"


def test_an_exception_keeps_what_it_holds_in_slots(value):
    kind, error, _ = clean_exc_info(caught(raising, Detailed(value)), "x")
    assert kind is Detailed
    assert getattr(error, "held", "nothing") == mask(value)
    assert str(error) == f"failed with {mask(value)}"


def failing(self):
    raise RuntimeError(f"no text of {self.held}")


def texts_of(kind, **methods):
    """A class with a value in it, and `str` and `repr` that work, fail or are the usual ones."""
    return type(kind, (), {"__init__": lambda self, held: vars(self).update(held=held), **methods})


def shows_held(self):
    return f"shows {self.held}"


TEXTS = {
    "repr fails": {"__str__": shows_held, "__repr__": failing},
    "str fails": {"__str__": failing, "__repr__": shows_held},
    "the usual repr": {"__str__": shows_held},
    "is false": {"__repr__": shows_held, "__bool__": lambda _: False},
    "is empty": {"__repr__": shows_held, "__len__": lambda _: 0},
    "is neither true nor false": {"__repr__": shows_held, "__bool__": failing},
}


@pytest.mark.parametrize("case", TEXTS)
def test_an_object_keeps_its_kind_whatever_its_methods_do(value, case):
    kind = texts_of("Odd", **TEXTS[case])
    record = record_of("uploads %s", ("done",))
    record.odd, record.clean = kind(value), kind("nothing")
    clean = record.clean
    clean_record(record)
    assert record.getMessage() == "uploads done"
    assert type(record.odd) is kind
    assert record.odd.held == mask(value)
    assert record.clean is clean


def test_an_object_without_any_text_says_so_and_the_record_goes_on(value):
    kind = texts_of("Detached", __str__=failing, __repr__=failing)
    record = record_of("uploads %s", (value,))
    record.odd = kind(value)
    clean_record(record)
    assert record.getMessage() == f"uploads {mask(value)}"
    assert str(record.odd) == repr(record.odd) == "<Detached: not shown, RuntimeError>"


@pytest.mark.parametrize("fails", [("__str__",), ("__repr__",), ("__str__", "__repr__")])
def test_an_exception_whose_text_fails_is_logged_as_without_masking(value, fails):
    kind = type("Odd", (Exception,), {"held": "it", **dict.fromkeys(fails, failing)})

    def fail(token):
        raise kind(token, [token])

    original = caught(fail, value)
    masked = clean_exc_info(original, "x")
    assert shown(masked) == shown(original).replace(value, mask(value))
    assert masked[0].__name__ == "Odd"
    assert masked[1].args == (mask(value), [mask(value)])


def test_an_exception_that_refuses_assignments_is_logged_as_any_other(value, monkeypatch):
    lines = []
    logger = logging.getLogger("frozen")
    monkeypatch.setattr(logger, "handle", lambda record: lines.append(clean_record(record)))
    logger.error("failed", exc_info=caught(CASES["frozen"], value))
    assert [type(line.exc_info[1]) for line in lines if line.exc_info] == [Frozen]


def test_what_cannot_be_copied_is_replaced_by_its_masked_texts(value):
    class Open:
        def __str__(self):
            return f"text {value}"

        def __repr__(self):
            return f"<Open {value}>"

        def __del__(self):
            raise AssertionError

    thing = Open()
    masked = clean_object(thing, "x")
    assert (str(masked), repr(masked)) == (f"text {mask(value)}", f"<Open {mask(value)}>")
    assert pickle.loads(pickle.dumps(masked, 1)) == f"text {mask(value)}"
    Open.__del__ = lambda self: None


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize("count", range(1, 6))
def test_a_record_with_several_exceptions_is_kept_however_many_they_are(value, count):
    errors = (*(ValueError(number) for number in range(1, count)), KeyError(value))
    for what in (ExceptionGroup("all failed", errors), ValueError(*errors), errors):
        record = record_of("uploads: %r", (what,))
        clean_record(record)
        assert record.getMessage() == f"uploads: {what!r}".replace(value, mask(value))


class Holder:
    """Shows nothing of what it holds."""

    def __init__(self, held):
        self.held = held


def failing_with(holder):
    raise holding(KeyError, details={"a": [holder.held]}, pair=(1, holder.held))


def caught_beside(rows, holder):
    """What is caught in a frame that holds such rows, and nothing of a value."""
    try:
        try:
            failing_with(holder)
        except KeyError as cause:
            raise RuntimeError(f"{len(rows)} rows") from cause
    except RuntimeError:
        return sys.exc_info()


LARGE = {
    "texts": lambda: [f"s{number}" for number in range(20_000)],
    "numbers": lambda: list(range(50_000)),
    "a dict": lambda: {str(number): number for number in range(20_000)},
    "lists in lists": lambda: [[f"s{number}"] * 10 for number in range(2_000)],
    "one text": lambda: "ab c" * 1_000_000,
    "bytes": lambda: b"ab c" * 1_000_000,
    "some texts": lambda: ["ab c" * 10_000] * 100,
    "not quite too many": lambda: ["s"] * 1_500,
}


@pytest.mark.parametrize("case", LARGE)
def test_beside_large_local_variables_all_else_stays_in_kind_and_little_of_them_is_searched(value, case, monkeypatch):
    searched = []
    monkeypatch.setattr(objects, "is_clean", lambda text: searched.append(len(text)) or current.is_clean(text))
    original = caught_beside(LARGE[case](), Holder(value))
    kind, error, _ = clean_exc_info(original, "x")
    assert kind is RuntimeError
    assert error.__cause__.details == {"a": [mask(value)]}
    assert type(error.__cause__.details) is dict
    assert error.__cause__.pair == (1, mask(value))
    assert sum(searched) < 200_000
    assert len(searched) < 5_000


def test_clean_things_of_any_kind_are_the_same_objects(leaks):
    loop = []
    loop.append(loop)
    for thing in (Point("x", 1), Colour.RED, loop, {"k": [Pair("a", 2)]}, copy, len, ValueError("x"), range(3)):
        assert clean_object(thing, "x") is thing


def structlogger(formatter, lines):
    logger = logging.getLogger("structlog.kind")
    logger.propagate = False
    handler = logging.StreamHandler(lines)
    handler.setFormatter(formatter)
    logger.handlers = [handler]
    return structlog.wrap_logger(
        logger,
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    )


def test_a_record_of_structlogs_standard_library_integration_survives(value, monkeypatch):
    import io
    import json

    monkeypatch.setattr(install, "_INSTALLED", install.Installation())
    installation = tokenguard.install()
    lines = io.StringIO()
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ]
    )
    try:
        log = structlogger(formatter, lines)
        try:
            chained(value)
        except Custom:
            log.exception("says", token=value, n=1)
    finally:
        installation.uninstall()
    event = json.loads(lines.getvalue())
    assert (event["event"], event["token"], event["n"]) == ("says", mask(value), 1)
    assert [each["exc_type"] for each in event["exception"]] == ["Custom", "KeyError"]
    assert event["exception"][0]["frames"][-1]["name"] == "chained"
    assert value not in lines.getvalue()
