"""Which tests to trust, what answers are worth by them, and views of the result."""
