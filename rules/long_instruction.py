"""An instruction longer than a task for one function should be.

What: the instruction, code in it included, has more than 200 words.
Why: evolving piles up constraints that contradict each other, and a small model's window has to hold
    the answer too.
Source: SelfCodeAlign drops instructions of more than 200 words, Code Alpaca of more than 150.
Kept: a task of 200 words
Dropped: a task of 201 words
"""

from rules._rule import Above, Rule
from rules._text import INSTRUCTION_WORDS

RULE = Rule(judges="instruction", measure="instruction_words", of=INSTRUCTION_WORDS, drop_when=Above(200))
