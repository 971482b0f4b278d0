"""The clock that commands run on: the machine's own, which rooms further down use as well."""

from tokenguard.http.system_clock import SystemClock

__all__ = ["SystemClock"]
