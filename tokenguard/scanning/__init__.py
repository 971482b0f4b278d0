"""Where bytes to scan come from (files, git, archives), and how what was found is written down."""
