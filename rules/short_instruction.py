"""An instruction too short to say what is wanted.

What: the instruction has fewer than 4 words (a pair of Chinese or Japanese characters counts as a word).
Why: the answer has to guess the task, so the pair teaches guessing.
Source: Code Alpaca and evol-teacher drop instructions of 3 words or fewer.
Kept: `Reverse a linked list.`
Dropped: `Write a function.`
"""

from rules._rule import Below, Rule
from rules._text import INSTRUCTION_WORDS

RULE = Rule(judges="instruction", measure="instruction_words", of=INSTRUCTION_WORDS, drop_when=Below(4))
