"""The hook contracts of coding agents: which events there are, what each holds, and which answers count."""
