"""tokenguard: inventory, guided rotation and leak control for API tokens."""

__version__ = "0.1.0"
