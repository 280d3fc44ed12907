"""The text of a training example."""

from __future__ import annotations

from train.format import prompt


def test_instruction_stands_between_triple_quotes() -> None:
    """The prompt ends right where the code begins."""
    assert prompt("Sort a list.") == '"""\nSort a list.\n"""\n'


def test_signature_follows() -> None:
    """Evaluation adds the function's first line, as the paper does."""
    assert prompt("Sort.", "def sort(x):\n") == '"""\nSort.\n"""\ndef sort(x):\n'
