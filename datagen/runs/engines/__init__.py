"""Where batches of rows are worked on, and nothing else: results and their order are the same anywhere."""
