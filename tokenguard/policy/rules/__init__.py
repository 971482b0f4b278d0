"""The rules themselves: pure functions from a token and its surroundings to an answer."""
