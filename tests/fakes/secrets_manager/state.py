"""What the fake remembers: secrets, their versions and labels, and which of it a lagging read sees."""

import copy
from dataclasses import dataclass, field

DAY = 86_400.0


class Refused(Exception):
    """An answer of Secrets Manager that is an error: its documented code, and a text of the fake's own."""

    def __init__(self, code: str, message: str = "refused by the fake", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass
class Version:
    id: str
    content: dict[str, str]
    """`SecretString` or `SecretBinary` (base64, as on the wire)."""
    created: float
    stages: set[str] = field(default_factory=set)


@dataclass
class Kept:
    """One secret."""

    name: str
    arn: str
    created: float
    changed: float
    accessed: float | None = None
    description: str = ""
    kms_key: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict)
    deleted: float | None = None
    """When it will go, if it is scheduled for deletion."""
    rotation_enabled: bool = False
    owning_service: str = ""
    type: str = ""

    def holder(self, stage: str) -> Version | None:
        return next((version for version in self.versions.values() if stage in version.stages), None)

    def attach(self, stage: str, version: Version) -> None:
        """Put a label where it belongs; AWSPREVIOUS follows AWSCURRENT by itself."""
        before = self.holder(stage)
        if before is version:
            return
        if before is not None:
            before.stages.discard(stage)
        version.stages.add(stage)
        if stage == "AWSCURRENT":
            version.stages.discard("AWSPREVIOUS")
            if before is not None:
                self.attach("AWSPREVIOUS", before)

    @property
    def labels(self) -> set[str]:
        return {stage for version in self.versions.values() for stage in version.stages}

    def stages(self) -> dict[str, list[str]]:
        """Versions with a label; the others are deprecated and not shown."""
        return {version.id: sorted(version.stages) for version in self.versions.values() if version.stages}

    def prune(self, now: float, most: int) -> None:
        """Deprecated versions go when there are too many, but none younger than a day."""
        old = [each for each in self.versions.values() if not each.stages and now - each.created > DAY]
        for version in sorted(old, key=lambda each: each.created)[: max(len(self.versions) - most, 0)]:
            del self.versions[version.id]


class Shelf:
    """All secrets of one region. `lag` lets that many reads after each write see the state before it."""

    def __init__(self) -> None:
        self.secrets: dict[str, Kept] = {}
        self.lag = 0
        self._before: dict[str, tuple[Kept | None, int]] = {}

    def writing(self, name: str) -> None:
        """Call before a change."""
        if self.lag:
            self._before[name] = (copy.deepcopy(self.secrets.get(name)), self.lag)

    def true(self, given: str) -> Kept:
        """The secret as it is: what writes act on."""
        found = self.secrets.get(self.name_of(given))
        if found is None:
            raise Refused("ResourceNotFoundException")
        return found

    def seen(self, given: str) -> Kept:
        """The secret as a read sees it."""
        found = self.glimpse(self.name_of(given))
        if found is None:
            raise Refused("ResourceNotFoundException")
        return found

    def glimpse(self, name: str) -> Kept | None:
        state, left = self._before.get(name, (None, 0))
        if left:
            self._before[name] = (state, left - 1)
            return state
        return self.secrets.get(name)

    def everything(self) -> list[Kept]:
        return [found for found in map(self.glimpse, list(self.secrets)) if found is not None]

    def name_of(self, given: str) -> str:
        if not given.startswith("arn:"):
            return given
        return next((name for name, kept in self.secrets.items() if kept.arn == given), given)
