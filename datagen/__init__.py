"""Build instruction-tuning sets for code models that can be trusted and rebuilt."""

__version__ = "0.1.0"
