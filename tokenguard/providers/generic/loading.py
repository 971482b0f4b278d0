"""Reading a provider file: every key known, every placeholder, pointer, route and status checked."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from tokenguard.documents import Tree, load_yaml
from tokenguard.domain.token import CredentialKind
from tokenguard.errors import InputError
from tokenguard.files import read_named, shown
from tokenguard.http.address import Address
from tokenguard.mapping_reader import DocumentPositions, MappingReader, yaml_positions
from tokenguard.providers.generic import auth_section, probe_section, provider_sections, revoke_value_section
from tokenguard.providers.generic.description import JSON, Delays, Description, RevokerLogin, Rows, Update

FORMAT = "1"
_MAX_BYTES = 65_536
_HINT = "docs/providers.md describes every key of a provider file"
_KINDS = [kind for kind in CredentialKind if kind.has_value]
_NO_TIME = timedelta(0)
_SHORTEST_LIFETIME = timedelta(hours=1)
_DELAYS = ("revoke_lag", "activate_lag", "list_lag", "pause", "death_floor", "confirm_after")
_KEYS = (
    "format", "name", "base_url", "kind", "scope_kind", "source", "headers", "encoding", "auth", "admin_auth", "guide",
    "probe", "lifetime", "create", "list", "revoke", "revoke_value", "replace", "update", "shape", "overlap",
    "max_active", "label_limit", "label_punctuation", "label_start", "rate", "permissions", "admin_permissions",
    *_DELAYS,
)  # fmt: skip
_SOURCE_KEYS = ("documentation", "contract", "checked", "tried_live")


def load(path: Path) -> Description:
    """Read a provider file; InputError (exit 2) names the key that is wrong."""
    data = read_named(path, _MAX_BYTES, hint="name a provider file that exists and that you may read")
    return describe(data, source=shown(path))


def describe(data: bytes, *, source: str) -> Description:
    """What a provider file says; InputError names the place that is wrong."""
    tree = load_yaml(data, source=source, max_bytes=_MAX_BYTES)
    return described(tree, locate=yaml_positions(data, source))


def described(tree: Tree, *, locate: Callable[[Sequence[str | int]], str]) -> Description:
    """A parsed provider file as a description; `locate` turns a path into the place that errors name."""
    top = MappingReader(tree, DocumentPositions(locate, _HINT, verbatim=True))
    _check_version(top)
    name = top.segment("name")
    lifetime = _lifetime(top)
    create = provider_sections.create(top, expires=lifetime is not None)
    rows, revoke = provider_sections.rows(top), provider_sections.revoke(top)
    by_value = revoke_value_section.revoke_value(top)
    revoked = bool(revoke) or (by_value is not None and not by_value.leaked_only)
    probe, scope_kind = probe_section.probe(top), top.text("scope_kind", "")
    replacing = provider_sections.replacing(top, expires=lifetime is not None)
    updating = provider_sections.updating(top)
    auth, encoding = auth_section.auth(top, "auth"), provider_sections.encoding(top)
    description = Description(
        name=name,
        base_url=_address(top, "base_url"),
        kind=top.choice("kind", _KINDS, CredentialKind.API_KEY),
        scope_kind=scope_kind,
        source=_source(top),
        headers=auth_section.headers(top),
        form=encoding == "form",
        media_type=JSON if encoding in {"json", "form"} else encoding,
        auth=auth,
        admin_auth=auth_section.auth(top, "admin_auth") if "admin_auth" in top else auth,
        guide=provider_sections.guide(top, words_for_create=create is None, words_for_revoke=not revoked),
        probe=probe,
        lifetime=lifetime,
        create=create,
        rows=rows,
        revoke=revoke,
        revoke_value=by_value,
        replace=replacing,
        update=updating,
        shape=provider_sections.shape(top),
        overlap=top.choice("overlap", ("true", "false"), "true") == "true",
        max_active=top.number("max_active"),
        label_limit=top.number("label_limit"),
        label_punctuation=provider_sections.label_punctuation(top),
        label_letter_first=top.choice("label_start", ("any", "letter"), "any") == "letter",
        rate=provider_sections.rate(top),
        permissions=provider_sections.meanings(top, "permissions"),
        admin_permissions=provider_sections.meanings(top, "admin_permissions"),
        delays=_delays(top),
    )
    _refuse_gaps(top, description)
    top.close()
    return description


def _check_version(top: MappingReader) -> None:
    if top.lacks("format"):
        top.expect(_KEYS)
    else:
        top.version("format", FORMAT, _KEYS)


def _lifetime(top: MappingReader) -> timedelta | None:
    lifetime = top.duration("lifetime")
    if lifetime is not None and lifetime < _SHORTEST_LIFETIME:
        top.refuse("this must be at least an hour, and a number alone means seconds: write 90d for 90 days", "lifetime")
    return lifetime


def _delays(top: MappingReader) -> Delays:
    return Delays(
        revoke_lag=top.duration("revoke_lag") or _NO_TIME,
        activate_lag=top.duration("activate_lag") or _NO_TIME,
        list_lag=top.duration("list_lag"),
        pause=top.duration("pause") or _NO_TIME,
        death_floor=top.duration("death_floor"),
        confirm_after=top.duration("confirm_after"),
    )


def _address(top: MappingReader, key: str) -> str:
    """An address, in its one spelling; an error names the place, and shows nothing of it."""
    text = top.text(key)
    try:
        return str(Address.parse(text))
    except InputError as error:
        top.refuse(error.message, key, hint=error.hint)


def _refuse_gaps(top: MappingReader, said: Description) -> None:
    """What one section needs of another."""
    if said.create is not None and not said.revoke:
        top.refuse("a file that describes how to create tokens must also describe how to revoke them", "create")
    if said.probe is not None and said.probe.scope is not None and not said.scope_kind:
        top.refuse("with a `scope` under `probe`, this must say what kind of scope it is", "scope_kind")
    if said.revoke and said.rows is None:
        top.refuse("without `list` a token whose creation was interrupted cannot be found", "revoke")
    if said.replace is not None and (said.rows is None or said.probe is None):
        top.refuse("without `list` and `probe` it is unknown which value is live", "replace")
    _check_new_values(top, said)
    if said.update is not None:
        _check_update(top, said.update, said.rows, form=said.form)


def _check_new_values(top: MappingReader, said: Description) -> None:
    """What is sent to authenticate a new token has to be in the answer that holds it."""
    shown = said.revoke_value is not None and said.revoke_value.login is RevokerLogin.ITSELF
    needed = said.auth.fields
    for key, made in (("create", said.create), ("replace", said.replace)):
        missing = needed - (made.value.keys() if made else needed)
        if missing and (shown or said.probe is not None):
            top.refuse(
                f"a new token would not have {{{min(missing)}}}, which requests with it need",
                "auth",
                hint=f"name its place under `{key}.value`, or write its text instead of the placeholder",
            )


def _check_update(top: MappingReader, update: Update, rows: Rows | None, *, form: bool) -> None:
    """What an update changed is known from the list alone."""
    if rows is None:
        top.refuse("without `list` the result of an update cannot be verified", "update")
    if form and isinstance(update.body, list):
        top.refuse("with `encoding: form` the body of `update` must be a mapping", "update")
    if "permissions" in update.fields and rows.permissions is None:
        top.refuse("without `permissions` under `list` an update of permissions cannot be verified", "update")


def _source(top: MappingReader) -> dict[str, str]:
    """Where the vendor describes its API, when that was read, and when the file was tried with an account."""
    fields = top.within("source", _SOURCE_KEYS) or top.below({}, "source")
    made = {key: fields.text(key) for key in ("documentation", "contract") if key in fields}
    made |= {key: fields.day(key).date().isoformat() for key in ("checked", "tried_live") if key in fields}
    fields.close()
    return made
