"""What is said where known tokens are not searched for; apart from what searches, so that a clean commit can tell."""

NOT_SEARCHED = "known tokens not searched for"
"""How the note begins that is made where there is no key or bundle."""
NO_KEY = "no scan key"
WITHOUT_KEY = f"{NOT_SEARCHED}: {NO_KEY}"
NOTE = ("scan", "note")
"""Where the last note is kept, below the state's directory."""
KEYRING_MARKER = ("scan", "keyring")
"""What says that the keyring holds the scan key."""
