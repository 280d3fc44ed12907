"""The version of this datagen; a data set's plan and manifest hold it."""

__version__ = "0.1.0"
