"""The clock of commands: the system clock."""

from tokenguard.http.system_clock import SystemClock

__all__ = ["SystemClock"]
