"""`python -m bench [NAME…]`: run every measurement, or the named ones. Absolute times mean nothing here."""

import importlib
import pkgutil
import sys

import bench


def main() -> None:
    """Run each module of this folder that has a `main`."""
    wanted = sys.argv[1:]
    for found in sorted(pkgutil.iter_modules(bench.__path__), key=lambda module: module.name):
        if found.name == "__main__" or (wanted and found.name not in wanted):
            continue
        run = getattr(importlib.import_module(f"bench.{found.name}"), "main", None)
        if run is not None:
            print(f"== {found.name}", flush=True)
            run()


if __name__ == "__main__":
    main()
