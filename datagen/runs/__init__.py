"""How work is run: stages, their options, recipes."""
