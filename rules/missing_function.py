"""Code that does not define the function its tests will call.

What: no statement at the module's top level (`if` and `try` blocks included) binds the task's entry_point:
    no `def`, `async def`, `class`, assignment or import. Null where the task names no entry point or the code
    does not compile.
Why: every test of it fails on the name, whatever the code does.
Source: AceCoder drops answers without `def` or `class`; the name is our addition.
Kept: `add = lambda a, b: a + b` for the entry point `add`
Dropped: `def plus(a, b): return a + b` for the entry point `add`
"""

import ast
from collections.abc import Iterator

from rules._python import Parsed
from rules._rule import IsTrue, Rule


def lacks_entry_point(code: Parsed) -> bool | None:
    """Whether the top level does not bind the entry point, or of `Solution().run` the name `Solution`."""
    if code.tree is None or not code.entry_point or not code.entry_point.strip():
        return None
    wanted = code.entry_point.strip().partition(".")[0].removesuffix("()")
    if any(getattr(statement, "name", None) == wanted for statement in code.tree.body):
        return False  # defined at the top level: no other statement has to be looked at
    return wanted not in _bound_names(code.tree)


def _bound_names(tree: ast.Module) -> Iterator[str]:
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name  # what its body binds is local
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                pass  # scopes of their own
            case ast.AnnAssign(value=None):
                pass  # declares, binds nothing
            case _:
                waiting.extend(ast.iter_child_nodes(node))


RULE = Rule(judges="code", measure="missing_function", of=lacks_entry_point, drop_when=IsTrue())
