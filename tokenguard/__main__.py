"""`python -P -m tokenguard`; refused without `-P`, with which Python leaves the working directory's modules alone.

Without it, a planted `tokenguard` or `importlib.py` runs before this file does, which nothing in here could prevent.
"""

import sys

if not sys.flags.safe_path:
    sys.stderr.write(
        "error: `python -m tokenguard` would run Python modules from the working directory\n"
        "hint: run `tokenguard`, or `python -P -m tokenguard`, with the same arguments\n"
    )
    sys.exit(2)

try:
    from tokenguard.cli import main

    main()
except KeyboardInterrupt:  # while modules are imported, or at exit; the error boundary takes the others
    sys.stderr.write("\nerror: interrupted\nhint: run the command again; what was already stored is kept\n")
    sys.exit(130)
