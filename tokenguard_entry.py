"""The console scripts, outside the package: they say so where another project's `tokenguard` has its place."""

import sys
from typing import NoReturn

_DISTRIBUTION = "tokenguard-governance"


def command() -> NoReturn:
    """`tokenguard`."""
    _refuse_another_package()
    from tokenguard.cli import main

    main()


def hook() -> NoReturn:
    """`tokenguard-hook`."""
    _refuse_another_package()
    from tokenguard.precommit.hook import main

    main()


def _refuse_another_package() -> None:
    try:
        import tokenguard

        found = getattr(tokenguard, "DISTRIBUTION", "")
    except ImportError:
        found = ""
    if found != _DISTRIBUTION:
        sys.stderr.write(
            "error: the package tokenguard in this environment is another project's\n"
            f"hint: make an environment of its own, and install {_DISTRIBUTION} there\n"
        )
        sys.exit(2)
