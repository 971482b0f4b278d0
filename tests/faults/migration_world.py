"""A world for killing moves: a token with an operation that stands still in the middle, and an empty store beside its own."""

import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.contract.shelf_suite import share
from tests.faults.rotation_homes import Home
from tests.faults.rotation_killing import NAME, Launcher, Ran, RealWorld
from tokenguard.domain.journal import Stage
from tokenguard.domain.migration_status import Move, MoveStage
from tokenguard.domain.names import token_name
from tokenguard.ports.shared_item import Item

BEFORE_PUBLISH = 7
"""Which effect of a planned rotation at an API's provider is the publish: two tokens live, pinned to a live version."""


class Both:
    """Two homes as one: a world begins at the old one."""

    def __init__(self, old: Home, new: Home) -> None:
        self.old, self.new = old, new
        self.url = old.url
        self.configuration = old.configuration + new.configuration * (new.configuration != old.configuration)
        self.environ: Mapping[str, str] = {**new.environ, **old.environ}

    def make(self) -> None:
        self.old.make()
        self.new.make()

    def opened(self) -> Any:
        return self.old.opened()


class Removal(RealWorld):
    """Its store moves from one home to another."""

    def __init__(self, launcher: Launcher, directory: Path, old: Home, new: Home) -> None:
        self._both = Both(old, new)
        super().__init__(launcher, directory, "autoposting", self._both)

    def _prepare(self) -> None:
        super()._prepare()
        self.old = self.read().live
        self.run("rotate", NAME, index=BEFORE_PUBLISH, how="before")
        with patch.dict(os.environ, self._environ), closing(self._both.old.opened()) as store:
            journal = store.find(token_name(NAME)).document.journal
            assert journal is not None
            assert journal.stage is Stage.VERIFIED, journal.stage
            share(store, Item.POLICY, b"{}")

    def migrate(self, *, index: int, how: str) -> Ran:
        self._environ["MOVING"] = "1"
        try:
            return self.run("migrate", "--to", self._both.new.url, index=index, how=how)
        finally:
            del self._environ["MOVING"]

    def check_one_home(self) -> None:
        """Never are two stores live, and never none that could be gone on with."""
        left, arrived = (self._move_of(home) for home in (self._both.old, self._both.new))
        if arrived is None or arrived.stage is MoveStage.ARRIVED:
            assert arrived is None or (left is not None and left.stage is MoveStage.LEFT)
        else:
            assert left is None or left.id == arrived.id
        if left is not None and left.stage is not MoveStage.LEFT:
            assert arrived is not None
            assert arrived.stage is MoveStage.ARRIVING

    def move_in(self) -> None:
        """From now on commands go to the new home; the old one names it, and does nothing else."""
        told = self.run("list")
        assert told.code == 4
        assert f"the store at {self._both.old.url} has moved to {self._both.new.url}" in self.output()
        left, arrived = (self._shared_at(home) for home in (self._both.old, self._both.new))
        assert arrived is not None
        assert arrived[0].data == b"{}"
        assert arrived[1] == left[1]
        self._home = self._both.new
        self._environ["TOKENGUARD_STORE"] = self._both.new.url

    def _shared_at(self, home: Home) -> Any:
        with patch.dict(os.environ, self._environ), closing(home.opened()) as store:
            return store.shared_items.trail(Item.POLICY)

    def _move_of(self, home: Home) -> Move | None:
        with patch.dict(os.environ, self._environ), closing(home.opened()) as store:
            return store.move()
