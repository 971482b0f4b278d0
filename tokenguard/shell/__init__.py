"""What a process needs to start: settings, clock, the terminal, rendering, and the wiring of adapters."""
