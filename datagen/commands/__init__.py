"""All that knows the screen: one file per command."""
