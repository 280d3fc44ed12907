"""Functions written in other languages as programs in Python."""
