"""Archives older audit entries in blocks, one secret version each, so that a token's state stays small.

AWS removes versions without a label, and a secret can have 20 labels: the first blocks stay in the token's own secret,
later ones go to additional archive secrets.
"""

from collections.abc import Callable
from typing import NamedTuple, Self, TypeVar

from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.aws.secrets import Secrets, Stored, new_version
from tokenguard.domain.event import ChainedEvent
from tokenguard.frozen import replace
from tokenguard.stores.aws.codec import BlockBody, NeverCreated, TokenBody, damaged, pack, unpack
from tokenguard.stores.aws.projection import STORE
from tokenguard.stores.shared_item_codec import ItemTrail

BLOCK = "tg-log-"
"""The prefix of block labels."""
_ROOMY = 40_000
"""Compressed size in bytes of a state above which older audit entries move to a block."""
_STAY = 10
"""Entries that always stay with the document."""
_IN_TOKEN_SECRET = 8
"""Blocks in the token's own secret; the remaining labels are needed for other uses."""
_IN_ARCHIVE = 16
_Body = TypeVar("_Body", TokenBody, ItemTrail)


class Block(NamedTuple):
    """The location of a block: a version of the token's own secret (archive 0) or of one of its archives."""

    archive: int
    version: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the output of `str`."""
        archive, separator, version = text.rpartition("/")
        return cls(int(archive) if separator else 0, version)

    def __str__(self) -> str:
        return f"{self.archive}/{self.version}" if self.archive else self.version

    @property
    def label(self) -> str:
        """The label that keeps AWS from removing the version."""
        return BLOCK + self.version[:8]


class Trail:
    """The blocks of all tokens, or of all shared items, of one store.

    Args:
        secrets: client for the store's region.
        archive: names the archive secrets by token id and number, from 1.
        store_id: the store's id.
    """

    def __init__(self, secrets: Secrets, archive: Callable[[str, int], str], store_id: str) -> None:
        self._secrets = secrets
        self._archive = archive
        self._store_id = store_id

    def lightened(self, primary: str, body: TokenBody) -> tuple[TokenBody, Block | None]:
        """Move older entries of a large state to a block; returns the new body and the block, if one was written."""
        if len(pack(body)) < _ROOMY or len(body.entries) <= _STAY:
            return body, None
        return self.moved_out(primary, body, _STAY)

    def moved_out(self, primary: str, body: _Body, stay: int) -> tuple[_Body, Block]:
        """Move all entries but the latest `stay` to a block; returns the new body and the block."""
        cut = len(body.entries) - stay
        block = self._written(primary, body, pack(BlockBody(entries=body.entries[:cut])))
        return replace(body, entries=body.entries[cut:], blocks=(*body.blocks, str(block))), block

    def forget(self, primary: str, token: str, block: Block) -> None:
        """Remove the label of a block whose state was not committed."""
        self._secrets.drop(self._secret(primary, token, block.archive), block.label, block.version)

    def entries(self, primary: str, body: TokenBody | ItemTrail) -> tuple[ChainedEvent, ...]:
        """Return all audit entries up to a state, oldest first; Tampered if a block is missing."""
        found: list[ChainedEvent] = []
        for block in map(Block.parse, body.blocks):
            found += self._read(self._secret(primary, body.id, block.archive), block)
        return (*found, *body.entries)

    def _written(self, primary: str, body: TokenBody | ItemTrail, data: bytes) -> Block:
        blocks = [Block.parse(text) for text in body.blocks]
        archive = blocks[-1].archive if blocks else 0
        if sum(each.archive == archive for each in blocks) >= (_IN_ARCHIVE if archive else _IN_TOKEN_SECRET):
            archive += 1
        block = Block(archive, new_version())
        try:
            return self._write(primary, body.id, block, data)
        except AwsError as error:
            if error.reason is not AwsFailure.LIMIT:
                raise
        # leftovers of a crash may fill this archive; the next one is empty
        return self._write(primary, body.id, block._replace(archive=archive + 1), data)

    def _write(self, primary: str, token: str, block: Block, data: bytes) -> Block:
        secret = self._secret(primary, token, block.archive)
        if block.archive and self._secrets.describe(secret) is None:
            # its current version, which applications may read, is empty; any creator writes the same
            self._secrets.create(secret, new_version(), pack(NeverCreated()), {STORE: self._store_id})
        self._secrets.write(secret, block.version, data, stage=block.label)
        return block

    def _read(self, secret: str, block: Block) -> tuple[ChainedEvent, ...]:
        def look() -> Stored | None:
            return self._secrets.read(secret, stage=block.label)

        stored = self._secrets.seen(look, lambda found: found is not None)  # readers may lag
        if stored is None or stored.version != block.version or isinstance(stored.data, str):
            raise damaged("a block of audit entries is missing")
        return unpack(stored.data, BlockBody).entries

    def _secret(self, primary: str, token: str, archive: int) -> str:
        return self._archive(token, archive) if archive else primary
