"""Runs programs that nobody has read against tests, and says what came of it."""
