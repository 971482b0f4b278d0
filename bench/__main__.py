"""`python -m bench [NAME…] [FOLDER…]`: run every measurement, or the named ones. Absolute times mean nothing here.

An argument with a slash is a folder that a measurement reads.
"""

import importlib
import os
import pkgutil
import sys

import bench


def main() -> None:
    """Run each module of this folder that has a `main`."""
    wanted = [each for each in sys.argv[1:] if os.sep not in each]
    for found in sorted(pkgutil.iter_modules(bench.__path__), key=lambda module: module.name):
        if found.name == "__main__" or (wanted and found.name not in wanted):
            continue
        run = getattr(importlib.import_module(f"bench.{found.name}"), "main", None)
        if run is not None:
            print(f"== {found.name}", flush=True)
            run()


if __name__ == "__main__":
    main()
