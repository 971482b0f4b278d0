"""The budgets of one scan, in bytes of work: for the content of archives, and for what rules judge in plain files.

A file brings a share in proportion to its own size. If it needs more, it draws on an allowance for the whole scan. Work
is counted, not timed, so that two runs leave out the same.
"""

from tokenguard.scanning.content import MAX_BYTES

TOO_LARGE, TOO_MANY = "archive-too-large", "too-many-candidates"
OVER_LIMITS = frozenset(
    {
        TOO_LARGE,
        TOO_MANY,
        "archive-too-deep",
        "hostile-line",
        "hostile-structure",
        "nested-disguises",
        "team-rules-out-of-time",
    }
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
HOSTILE = 5 << 20
"""The cost of a line that is given up after its time limit."""
CANDIDATES = 16 << 20
"""What may be judged in plain files beyond their shares."""
_DENSE, _MOST_OF_A_FILE = 16, 8 << 20
"""The share of a plain file: so many times its size, which suffices for a digest in each line, up to a limit."""
_UNREAD = 32
"""To unpack and not to scan costs so many times less."""

Spent = tuple[int, int]
"""Work of both kinds."""


class ScanBudget:
    """One for a whole scan; files are asked about in their order."""

    reason = TOO_LARGE
    """Why something is left out."""

    def __init__(self, allowance: int = ALLOWANCE, candidates: int = CANDIDATES) -> None:
        self.allowance = allowance
        """The rest of it."""
        self.candidates = candidates
        """The rest of the allowance for plain files."""
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

    @property
    def rest(self) -> Spent:
        """The rest of both allowances."""
        return self.allowance, self.candidates

    def spent_since(self, before: Spent) -> Spent:
        """What was taken from both since then."""
        return before[0] - self.allowance, before[1] - self.candidates

    def covers(self, spent: Spent) -> bool:
        """Whether both suffice for this."""
        return spent[0] <= self.allowance and spent[1] <= self.candidates

    def charge(self, spent: Spent) -> None:
        """Take what another process has spent."""
        self.allowance -= spent[0]
        self.candidates -= spent[1]


class PlainFileBudget:
    """For what rules judge in one file itself.

    Args:
        scan: the budgets of the whole scan.
        size: of the file.
    """

    reason = TOO_MANY

    def __init__(self, scan: ScanBudget, size: int) -> None:
        self._scan = scan
        self._share = min(size * _DENSE, _MOST_OF_A_FILE)

    def spend(self, work: int) -> bool:
        """Take this from the file's share, then from the allowance. Where both are too small, nothing is left."""
        beyond = max(work - self._share, 0)
        if beyond > self._scan.candidates:
            self._share = self._scan.candidates = 0
            self._scan.refused = True
            return False
        self._share -= work - beyond
        self._scan.candidates -= beyond
        return True
