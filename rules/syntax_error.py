"""Code that Python cannot compile.

What: the answer's Python code fails `compile`, not only `ast.parse`.
Why: a model that learns from it learns to write code that does not start.
Source: SelfCodeAlign, OpenCodeReasoning and OpenCoder parse with `ast`; `compile` also catches `return`
    outside a function (our addition).
Kept: `def f(x): return x`
Dropped: `def f(x) return x`
"""

from rules._python import Parsed
from rules._rule import IsTrue, Rule


def has_syntax_error(code: Parsed) -> bool:
    """Whether the code does not compile."""
    return code.tree is None


RULE = Rule(judges="code", measure="syntax_error", of=has_syntax_error, drop_when=IsTrue())
