"""Rows in, rows out: one file per stage, a value called `STAGE`, from which its command is made."""
