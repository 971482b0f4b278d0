"""Assembles a manifest: the file, its includes, their defaults, and one environment's overlay."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from tokenguard.documents import Tree
from tokenguard.domain.names import SEGMENT, TokenName
from tokenguard.errors import InputError
from tokenguard.mapping_reader import MappingReader
from tokenguard.provisioning.folder import MAX_FILES, Folder, Unreadable, is_path
from tokenguard.provisioning.manifest import Declared, DesiredState, Issue, Manifest
from tokenguard.provisioning.manifest_fields import FIELDS, INCLUDED, INHERITED, OVERLAID, OVERLAY, REQUIRED, TOP
from tokenguard.provisioning.manifest_source import read_source
from tokenguard.provisioning.parse import ReadConsumer, declared_name, read_fields
from tokenguard.text import safe_text

VERSION = "1"
MAX_TOKENS = 10_000
MAX_DEPTH = 5
_PATH_HINT = "write a relative path such as teams/video.yaml: below the including file, no links, no `..`, no URL"
DeclaredFields = dict[str, Any]


def read_manifest(path: Path, read_consumer: ReadConsumer, *, environment: str = "") -> Manifest:
    """Read a manifest with everything it includes.

    Args:
        path: the file; only it and what lies below its folder is opened.
        read_consumer: reads one consumer.
        environment: which environment is meant; empty for all.

    Raises:
        InputError: it is not acceptable. The message begins with file, line and column; nothing of it is quoted.
    """
    with Folder(path) as folder:
        reader = _Layers(folder, read_consumer, environment)
        top = reader.read(folder.first, TOP, None)
        reader.take(top, folder.first, {}, 0)
        reader.check_choice(top, reader.overlay(top))
        return reader.manifest()


def manifest_files(path: Path, read_consumer: ReadConsumer) -> tuple[str, ...]:
    """The manifest and everything it includes or lays over, relative to its folder; all of it is acceptable as read.

    Raises:
        InputError: as `read_manifest`, but for what only the choice of an environment decides.
    """
    with Folder(path) as folder:
        reader = _Layers(folder, read_consumer, "")
        top = reader.read(folder.first, TOP, None)
        reader.take(top, folder.first, {}, 0)
        reader.overlay(top)
        return tuple(folder.read_so_far)


class _Layers:
    """What was gathered so far."""

    def __init__(self, folder: Folder, read_consumer: ReadConsumer, environment: str) -> None:
        self._folder = folder
        self._read_consumer = read_consumer
        self._environment = environment
        self._chosen_here = False
        """Whether the manifest itself knows the chosen environment, and tokens that say none are meant for it."""
        self._files: set[str] = set()
        self._given: dict[TokenName, DeclaredFields] = {}
        self._readers: dict[TokenName, MappingReader] = {}

    def read(
        self, name: str, keys: tuple[str, ...], by: tuple[MappingReader, tuple[str | int, ...]] | None
    ) -> MappingReader:
        """A file as a mapping; `by` is where it was named."""
        if name in self._files and by is not None:
            by[0].refuse(
                "this file is already included", *by[1], hint=("include each file once; no file includes itself")
            )
        try:
            data = self._folder.read(name)
        except Unreadable as error:
            if by is None:
                raise InputError(
                    f"cannot read {safe_text(name, one_line=True, limit=200)}: {error}",
                    hint="name a manifest that exists; `tokenguard init --ci` begins one",
                ) from None
            by[0].refuse(f"this file cannot be read: {error}", *by[1], hint=_PATH_HINT)
        self._files.add(name)
        part = read_source(name, data)
        part.version("version", VERSION, keys)
        return part

    def take(self, part: MappingReader, file: str, inherited: DeclaredFields, depth: int) -> None:
        """The tokens of a file, then those of what it includes."""
        own = part.within("defaults")
        defaults = inherited if own is None else {**inherited, **read_fields(own, INHERITED, self._read_consumer)}
        for text, tree in part.table("tokens").items():
            self._token(part, text, tree, defaults)
        for number, item in enumerate(part.items("include", most=MAX_FILES)):
            way = ("include", number)
            if not isinstance(item, str) or not is_path(item):
                part.refuse("this file cannot be included", *way, hint=_PATH_HINT)
            if depth == MAX_DEPTH:
                part.refuse(f"includes are nested deeper than {MAX_DEPTH} levels", *way)
            included = _beside(file, item)
            self.take(self.read(included, INCLUDED, (part, way)), included, defaults, depth + 1)

    def _token(self, part: MappingReader, text: str, tree: Tree, defaults: DeclaredFields) -> None:
        path = ("tokens", text)
        name = declared_name(part, text)
        if name in self._given:
            part.refuse("this token is already declared", *path, hint=f"it is also declared at {self._at(name)}")
        if len(self._given) >= MAX_TOKENS:
            part.refuse(f"more than {MAX_TOKENS:,} tokens", *path)
        fields = self._readers[name] = part.below(tree, *path, label="")
        self._given[name] = {**defaults, **read_fields(fields, FIELDS, self._read_consumer)}

    def overlay(self, top: MappingReader) -> Collection[str]:
        """Lay the chosen environment over the tokens; all environments are read, so that none can be wrong unseen."""
        environments = top.table("environments")
        for name, tree in environments.items():
            path = ("environments", name)
            if not SEGMENT.fullmatch(name):
                top.refuse("this is not a valid environment name", *path, hint=FIELDS["environment"].hint)
            self._lay(self._overlay_part(top, path, tree), use=name == self._environment)
        return environments

    def check_choice(self, top: MappingReader, environments: Collection[str]) -> None:
        """A manifest with environments is only whole with one of them."""
        self._chosen_here = self._environment in environments
        if environments and not self._chosen_here:
            known = ", ".join(environments)
            reason = "the manifest has no such environment" if self._environment else "no environment is chosen"
            top.refuse(reason, "environments", hint=f"choose one with --env: {known}")
        spoken_of = {given.get("environment") for given in self._given.values()}
        if self._environment and not environments and spoken_of and spoken_of.isdisjoint({self._environment, None}):
            top.refuse("no token of the chosen environment is declared", hint="see --env")

    def _overlay_part(self, top: MappingReader, path: tuple[str, str], tree: Tree) -> MappingReader:
        if not isinstance(tree, str):
            part = top.below(tree, *path)
            part.only(OVERLAY)
            return part
        if not is_path(tree):
            top.refuse("this file cannot be read", *path, hint=_PATH_HINT)
        return self.read(_beside(self._folder.first, tree), ("version", *OVERLAY), (top, path))

    def _lay(self, part: MappingReader, *, use: bool) -> None:
        for text, tree in part.table("tokens").items():
            path = ("tokens", text)
            name = declared_name(part, text)
            if name not in self._given:
                hint = "an environment can change tokens, but not add any"
                part.refuse("no token of that name is declared", *path, hint=hint)
            fields = read_fields(part.below(tree, *path, label=""), OVERLAID, self._read_consumer)
            if use:
                self._given[name] |= fields

    def manifest(self) -> Manifest:
        """What was gathered, complete and without contradiction."""
        tokens = []
        for name in sorted(self._given):
            given = self._given[name]
            if self._chosen_here:
                given.setdefault("environment", self._environment)
            if self._environment and given.get("environment", self._environment) != self._environment:
                continue
            declared = Declared(name=name, **given)
            self._check(declared)
            tokens.append(declared)
        self._check_consumers(tokens)
        return Manifest(
            tokens=tuple(tokens),
            environment=self._environment,
            files=tuple(self._folder.read_so_far),
            locate=self._at,
        )

    def _check(self, declared: Declared) -> None:
        if declared.state is DesiredState.RETIRED:
            return
        missing = [name for name in REQUIRED if not getattr(declared, name)]
        if missing:
            self._refuse(
                declared, f"{missing[0]} is missing", f"set it there, or in `defaults`: {FIELDS[missing[0]].hint}"
            )
        if declared.kind is not None and not declared.kind.has_value and declared.consumers:
            self._refuse(
                declared, f"an {declared.kind} has no value, so nothing can be delivered", "leave consumers out"
            )
        if declared.location is not None and declared.kind is not None and not declared.kind.has_value:
            self._refuse(declared, f"an {declared.kind} has no value, so it has no location", "leave location out")
        if declared.location is not None and declared.issue is not Issue.PROVIDED:
            self._refuse(declared, "its value is already at its location", "leave issue out, or location")

    def _check_consumers(self, tokens: list[Declared]) -> None:
        taken: dict[str, TokenName] = {}
        lasting = [each for each in tokens if each.state is not DesiredState.RETIRED]
        for declared in lasting:
            if declared.location is not None and taken.setdefault(declared.location, declared.name) != declared.name:
                self._refuse(declared, f"{taken[declared.location]} is at the same location", "give each its own field")
        for declared in lasting:
            for consumer in declared.consumers or ():
                other = taken.setdefault(str(consumer), declared.name)
                if other != declared.name and not consumer.kind.takes_many:
                    self._refuse(declared, f"{other} is delivered to the same place", "give each its own variable")
                if str(consumer) == declared.location:
                    self._refuse(declared, "its location is also one of its consumers", "leave it out of consumers")

    def _refuse(self, declared: Declared, reason: str, hint: str) -> None:
        self._readers[declared.name].refuse(f"{declared.name}: {reason}", hint=hint)

    def _at(self, name: TokenName) -> str:
        return self._readers[name].place()


def _beside(file: str, relative: str) -> str:
    """A path as it is below the manifest's folder; both were checked."""
    folder, slash, _ = file.rpartition("/")
    return f"{folder}{slash}{relative}"
