"""The use case of `import --from`: walks a secret store and imports its tokens; never writes to the source."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tokenguard.domain.field_address import AwsFolder, VaultFolder, parse_folder
from tokenguard.domain.token import RecordState
from tokenguard.errors import InputError
from tokenguard.inventory.discovered_values import DiscoveredValue, drafts, padded, values_in
from tokenguard.ports.secret_listing import ListedSecret, SecretListing
from tokenguard.text import pluralize
from tokenguard.usecases.import_file import Defaults, Importer, ImportFileParts
from tokenguard.usecases.import_outcome import ImportOutcome, ImportStatus
from tokenguard.usecases.parts import HasDeliveries, HasProgress

_MAX_SIGHTINGS = 20_000
_TOLD = 100
"""Entries between two progress messages."""
_HOSTED = ("doppler:", "gitlab:", "onepassword:")
"""Sources whose values are copied into the store, since they can only be delivery targets."""


class ImportSecretsParts(ImportFileParts, HasDeliveries, HasProgress, Protocol):
    """What this use case takes."""


@dataclass(slots=True)
class Walk:
    """The findings of a walk."""

    entries: int = 0
    seen: list[DiscoveredValue] = field(default_factory=list)
    passed: list[ImportOutcome] = field(default_factory=list)

    @property
    def progress_text(self) -> str:
        """Progress text."""
        return f"{pluralize(self.entries, 'entry', 'entries')}, {pluralize(len(self.seen), 'token')} seen"


class SecretImport:
    """Imports the tokens below an address of a Vault, AWS Secrets Manager or another secret store.

    Args:
        parts: what it takes of the process.
        address: `vault://MOUNT[/PREFIX]`, `aws://REGION[/PREFIX]`, or one of the hosts in `_HOSTED`.
        tags: tags that an entry must have.

    Raises:
        InputError: the address or a tag is invalid.
    """

    def __init__(self, parts: ImportSecretsParts, address: str, tags: Sequence[str]) -> None:
        self._parts = parts
        self._address = address
        self._hosted = address.startswith(_HOSTED)
        self._folder = None if self._hosted else _folder(address)
        self._tags = dict(map(_pair, tags))
        if self._hosted and tags:
            raise InputError(
                "--tag works only with vault:// and aws:// addresses", hint="give a narrower address instead"
            )

    def run(self, defaults: Defaults, *, dry_run: bool) -> Iterator[ImportOutcome]:
        """The result of each; the walk ends before anything is imported. Raises what store and source raise."""
        walk = self._walk(self._survey())
        if not walk.entries and not walk.passed and not self._tags:
            where = "its spelling" if self._hosted else "MOUNT (KV version 2) or REGION, and PREFIX"
            raise InputError("nothing was found at this address", hint=f"check {where}, including upper and lower case")
        found = drafts(
            walk.seen,
            self._parts.store.fingerprint,
            taken={name for name, _ in self._names()},
            begun={address: name for name, address in self._names(begun=True)},
            prefix=defaults.prefix,
            adopt=not self._hosted,
        )
        told = f"{walk.progress_text}, {pluralize(len(found), 'different value')}"
        self._parts.progress.note(told)
        yield from Importer(self._parts, defaults, dry_run=dry_run).run(found)
        yield from walk.passed

    def _walk(self, survey: SecretListing) -> Walk:
        walk = Walk()
        self._parts.progress.waiting(f"reading {self._address}")
        for each in survey.entries():
            if isinstance(each, ListedSecret):
                walk.entries += 1
                walk.seen += values_in(each)
                walk.passed += [
                    ImportOutcome(fate=ImportStatus.SKIPPED, place=place, reason="whitespace around the value")
                    for place in padded(each)
                ]
                if walk.entries % _TOLD == 0:
                    self._parts.progress.waiting(f"reading: {walk.progress_text}")
            else:
                fate = ImportStatus.SKIPPED if each.readable else ImportStatus.UNREADABLE
                walk.passed.append(ImportOutcome(fate=fate, place=each.address, reason=each.reason))
            if len(walk.seen) > _MAX_SIGHTINGS:
                raise InputError(f"there are more than {_MAX_SIGHTINGS:,} tokens", hint="use a narrower prefix")
        self._parts.progress.clear()
        return walk

    def _survey(self) -> SecretListing:
        if self._folder is None:
            return self._parts.deliveries.survey(self._address)
        places = self._parts.places
        if isinstance(self._folder, VaultFolder):
            return places.vault_survey(self._folder, self._tags)
        return places.aws_survey(self._folder, self._tags)

    def _names(self, *, begun: bool = False) -> Iterator[tuple[str, str]]:
        """Names in use, also by an interrupted run, with their locations."""
        for snapshot in self._parts.store.scan():
            record = snapshot.document.record
            if (record.state is RecordState.PENDING) is begun:
                yield record.name, record.location.url


def _folder(address: str) -> VaultFolder | AwsFolder:
    if not address.startswith(("vault:", "aws:")):
        raise InputError(
            "cannot import from this address",
            hint="use vault://MOUNT/PREFIX, aws://REGION/PREFIX, gitlab:GROUP/PROJECT, doppler:PROJECT/CONFIG, "
            "onepassword://HOST/VAULT-ID or provider:NAME",
        )
    return parse_folder(address)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name or not value or not text.isprintable():
        raise InputError("--tag is not NAME=VALUE", hint="for example --tag team=video")
    return name, value
