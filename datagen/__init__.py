"""Build instruction-tuning sets for code models that can be trusted and rebuilt."""

from datagen.version import __version__

__all__ = ["__version__"]
