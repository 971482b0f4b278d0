"""The doors: narrow Protocols that the core speaks through and that adapters implement."""
