"""Reports of assessments, for people and for programs. No module here handles a value."""
