"""What is asked of a teacher, and what of its answer is code or tests."""
