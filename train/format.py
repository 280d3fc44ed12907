"""The text of one training example: the instruction between triple quotation marks, then code alone.

The format is the paper's (sections 3.5 and 4.1.5): training and evaluation ask in the same words.
"""

from __future__ import annotations

#: Stands around the instruction.
QUOTES = '"""'


def prompt(instruction: str, signature: str = "") -> str:
    '''What the model is given; what it should write comes right behind it.

    Args:
        instruction: the task, in prose.
        signature: how the code begins, such as a function's first line; empty in training, where the code
            that is learned holds it.

    Returns:
        The instruction on lines of its own between triple quotation marks, then the signature.

    >>> prompt("Add two numbers.", "def add(a, b):")
    '"""\\nAdd two numbers.\\n"""\\ndef add(a, b):'
    '''
    return f"{QUOTES}\n{instruction}\n{QUOTES}\n{signature}"
