"""The budget of one scan for the content of archives, in bytes of work.

A file brings a share in proportion to its own size. If its archives need more, they draw on one allowance for the whole
scan. Work is counted, not timed, so that two runs leave out the same.
"""

from tokenguard.scanning.content import MAX_BYTES

TOO_LARGE = "archive-too-large"
OVER_LIMITS = frozenset(
    {TOO_LARGE, "archive-too-deep", "hostile-line", "hostile-structure", "nested-disguises", "team-rules-out-of-time"}
)
"""The reasons that stand for a limit of the scan."""
RATIO = 32
"""How many times its own size may come out of a file; text seldom shrinks to a twentieth."""
ALLOWANCE = 8 << 20
_MOST_OF_ONE = 8 * MAX_BYTES
MEMBER = 2 << 10
"""The cost of a member besides its bytes."""
PLACE = 1 << 10
"""The cost of judging a candidate of a rule."""
HOSTILE = 1 << 20
"""The cost of a line that is given up after its time limit."""
_UNREAD = 32
"""To unpack and not to scan costs so many times less."""


class ScanBudget:
    """One for a whole scan; files are asked about in their order."""

    def __init__(self, allowance: int = ALLOWANCE) -> None:
        self.allowance = allowance
        """The rest of it."""
        self.refused = False
        """Whether content was left out."""
        self._share = 0

    def begin(self, size: int) -> None:
        """Go on to the next file, of this many bytes."""
        self._share = min(size * RATIO, _MOST_OF_ONE)

    @property
    def left(self) -> int:
        """The work that the file at hand may still cost."""
        return self._share + self.allowance

    @property
    def readable(self) -> int:
        """The number of bytes worth unpacking: a longer member is over the budget in any case."""
        return min(MAX_BYTES, self.left * _UNREAD)

    def spend(self, work: int) -> bool:
        """Take this from the file's share, then from the allowance. Where both are too small, nothing is left."""
        if work > self.left:
            self._share = self.allowance = 0
            self.refused = True
            return False
        from_allowance = max(work - self._share, 0)
        self._share -= work - from_allowance
        self.allowance -= from_allowance
        return True

    def spend_member(self, size: int) -> bool:
        """The same for a member of this size."""
        return self.spend(MEMBER + size)

    def spend_unscanned(self, size: int) -> bool:
        """The same for a member that is unpacked and then passed over."""
        return self.spend(MEMBER + size // _UNREAD)
