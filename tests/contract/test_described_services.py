"""Each service with a description passes every check of provider files, and a file with an error in it does not."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.provider_files import OAUTH_FILES, VERSIONED_FILE
from tokenguard.providers import provider_registry
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import JSON, Description, Probe, RevokerLogin
from tokenguard.providers.generic.file_checks import checks_for, run_check
from tokenguard.providers.generic.loading import describe, load
from tokenguard.providers.generic.pointer import JsonPointer
from tokenguard.providers.paging import Paging, PagingKind
from tokenguard.providers.route import Route

FOLDER = Path(provider_registry.__file__).parent / "services"
FILES = {name: load(FOLDER / f"{name}.yaml") for name in provider_registry.described_services()}
OAUTH = {
    f"oauth-{login}": describe(text.replace("BASE", "https://oauth.example").encode(), source=login)
    for login, text in OAUTH_FILES.items()
}
VERSIONED = {"versioned": describe(VERSIONED_FILE.replace("BASE", "https://acme.example").encode(), source="versioned")}
EVERY = FILES | OAUTH | VERSIONED
BY_API = [name for name, said in FILES.items() if said.create is not None]
PLAYED = [(name, check) for name, said in EVERY.items() for check in checks_for(said)]


@pytest.mark.parametrize(("name", "check"), PLAYED, ids=[f"{name}: {check.name}" for name, check in PLAYED])
def test_a_file_does_what_it_says(name, check):
    assert run_check(check, EVERY[name]) == ""


def test_there_are_services_by_api_and_guided_ones():
    assert len(BY_API) >= 22
    assert len(FILES) - len(BY_API) >= 8
    assert sum("contract" in said.source for said in FILES.values()) >= 16


def mutants(said: Description) -> Iterator[tuple[str, Description]]:
    """The file with one error: each pointer off by one, paging removed, verdicts swapped, each route misspelt."""
    for section, part in (("probe", said.probe), ("create", said.create), ("rows", said.rows)):
        for key in part.__slots__ if part is not None else ():
            if isinstance(getattr(part, key), JsonPointer):
                wrong = dataclasses.replace(part, **{key: _beside(getattr(part, key))})
                yield f"{section}.{key} off by one", dataclasses.replace(said, **{section: wrong})
    for key in said.create.value if said.create else ():
        value = {**said.create.value, key: _beside(said.create.value[key])}
        yield f"create.value {key} off by one", _with(said, "create", value=value)
    for key in said.rows.more if said.rows else ():
        yield f"list.{key} off by one", _with(said, "rows", more={**said.rows.more, key: _beside(said.rows.more[key])})
    if said.rows is not None and said.rows.paging.kind is not PagingKind.NONE:
        yield "paging removed", _with(said, "rows", paging=Paging(kind=PagingKind.NONE), following=None)
    if said.rows is not None and said.rows.status is not None:
        status = said.rows.status
        yield (
            "status swapped",
            _with(said, "rows", status=dataclasses.replace(status, alive=status.ended, ended=status.alive)),
        )
    if isinstance(said.probe, Probe):
        yield "verdicts swapped", _with(said, "probe", alive=said.probe.dead, dead=said.probe.alive)
    if (replacing := said.replace) is not None:
        here = Route(replacing.route.method, (*replacing.route.segments, "x"))
        yield "replace misspelt", _with(said, "replace", route=here)
        for key in replacing.value:
            wrong = {**replacing.value, key: _beside(replacing.value[key])}
            yield f"replace.value {key} off by one", _with(said, "replace", value=wrong)
        if replacing.id is not None:
            yield "replace.id off by one", _with(said, "replace", id=_beside(replacing.id))
            yield "replace without its id", _with(said, "replace", id=None)
    if said.update is not None:
        here = Route(said.update.route.method, (*said.update.route.segments, "x"))
        yield "update misspelt", _with(said, "update", route=here)
        for name in ("label", "permissions"):
            if name in said.update.fields:
                body = replaced(said.update.body, f"{{{name}}}", "tgcanary-fixed")
                yield f"another {name} sent", _with(said, "update", body=body)
    if (by_value := said.revoke_value) is not None:
        here = Route(by_value.route.method, (*by_value.route.segments, "x"))
        yield "revoke_value misspelt", _with(said, "revoke_value", route=here)
        if by_value.body is not None:
            yield (
                "another value shown",
                _with(said, "revoke_value", body=replaced(by_value.body, "{token}", "tgcanary-fixed")),
            )
        for login in set(RevokerLogin) - {by_value.login, RevokerLogin.BODY}:  # which a body without its fields has
            yield f"revoke_value with login {login}", _with(said, "revoke_value", login=login)
        for name in request_template.names(by_value.body) - {"token"}:
            wrong = replaced(by_value.body, f"{{{name}}}", "tgcanary-fixed")
            yield f"another {name}", _with(said, "revoke_value", body=wrong)
    yield from _other_requests(said)
    for step in range(len(said.revoke)):
        yield f"revoke {step} left out", dataclasses.replace(said, revoke=said.revoke[:step] + said.revoke[step + 1 :])


def _other_requests(said: Description) -> Iterator[tuple[str, Description]]:
    """Without one of a request's parameters, and with bodies of another kind of JSON."""
    for section in ("create", "replace", "update"):
        query = getattr(getattr(said, section), "query", ())
        for name, _ in query:
            yield (
                f"{section} without {name}",
                _with(said, section, query=tuple(each for each in query if each[0] != name)),
            )
    for step in said.revoke:
        for name, _ in step.query:
            fewer = dataclasses.replace(step, query=tuple(each for each in step.query if each[0] != name))
            yield f"revoke without {name}", dataclasses.replace(said, revoke=(fewer,))
    if said.media_type != JSON:
        yield "another media type", dataclasses.replace(said, media_type=JSON)


def _with(said: Description, section: str, **changes: object) -> Description:
    return dataclasses.replace(said, **{section: dataclasses.replace(getattr(said, section), **changes)})


def replaced(tree, old, new):
    if isinstance(tree, dict):
        return {key: replaced(part, old, new) for key, part in tree.items()}
    return [replaced(part, old, new) for part in tree] if isinstance(tree, list) else new if tree == old else tree


def _beside(pointer: JsonPointer) -> JsonPointer:
    """One key too few, or another one where there is only one."""
    return JsonPointer(pointer.keys[:-1] if len(pointer.keys) > 1 else (*pointer.keys, "x"))


def survives(said: Description, wrong: Description) -> bool:
    return not any(run_check(check, wrong, served=said) for check in checks_for(said))


@pytest.mark.parametrize("name", EVERY)
def test_each_error_in_a_file_is_found_by_a_check(name):
    """The service behaves as the file says; what asks it has the error."""
    said = EVERY[name]
    assert [flaw for flaw, wrong in mutants(said) if survives(said, wrong)] == []
