"""The inventory of tokens: adding, selecting, changing, verifying and displaying records."""
