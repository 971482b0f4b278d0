"""`python -m tokenguard`."""

from tokenguard.cli import main

main()
