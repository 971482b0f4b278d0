"""`python -m tokenguard`."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # `-m` puts the working directory first, where a hostile repository may have planted modules

from tokenguard.cli import main

main()
