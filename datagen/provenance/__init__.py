"""Where a row comes from: its way through the stages, and the calls that made it."""
