"""tokenguard: inventory, guided rotation and leak control for API tokens."""

TYPE_CHECKING = False  # type checkers know the name; an import here would precede the refusal in `__main__`
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.2.0"
DISTRIBUTION = "tokenguard-governance"
"""The name under which this package is installed; another project has its import name on the public index."""

__all__ = ["Leak", "install", "mask", "unmask"]
_LAZY = {
    "install": "tokenguard.masking.install",
    "Leak": "tokenguard.masking.leak",
    "mask": "tokenguard.masking.current",
    "unmask": "tokenguard.masking.current",
}


def __getattr__(name: str) -> "Any":
    """Load a public name when it is first used: importing the package must cost nothing."""
    if name not in _LAZY:
        raise AttributeError(f"module 'tokenguard' has no attribute {name!r}")
    import importlib  # the same reason

    return getattr(importlib.import_module(_LAZY[name]), name)
