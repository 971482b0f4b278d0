"""The inventory: what is known of every token, how it is found, changed, checked and taken in."""
