"""What `datagen doctor` looks at: a check is a function that returns one finding, and none costs money."""

from datagen.checkup._finding import Check, Finding, guarded

__all__ = ["Check", "Finding", "guarded"]
