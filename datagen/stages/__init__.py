"""One file per command: the function that does the work, and at the bottom its Click command.

A stage's `make(source, out, *, overwrite, ...)` writes the data set `out` and returns its `Outcome`;
its keywords are the command's options, and so those of a recipe.
"""
