"""What a server needs before a pipeline can use it without a stored secret, as data: rendered, compared, emitted."""
