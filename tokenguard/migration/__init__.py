"""Everything of one store goes to another one, whole or not at all, and never are both of them live."""
