"""The ports: narrow Protocols that the core uses and adapters implement."""
