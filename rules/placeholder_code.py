"""Code that leaves the work to the reader.

What: a top-level function, or the requested function wherever it is, does nothing but `pass`, `...`, a
    docstring or `raise NotImplementedError`; or a comment says "your code here", "TODO: implement", "rest of
    the code". Null where the code does not compile.
Why: the model learns to stop at the signature.
Source: SelfCodeAlign's list of phrases and OpenCoder's share of `pass` lines; judged on the syntax tree and
    on comments only, because a search for "pass" finds "password" (the trap in OpenCodeReasoning's filter).
    Magicoder measured no gain from this rule: compare with and without it.
Kept: `def check(password): return len(password) > 8`; abstract methods, overloads, `@click.group` functions
Dropped: `def check(password): pass`
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence

from rules._python import Parsed, statements
from rules._rule import IsTrue, Rule

_WHAT = r"(?:code|logic|implementation|solution|function body)"
_LEFT_OUT = re.compile(
    rf"\byour (?:own )?{_WHAT}(?: goes| comes)? here\b"
    rf"|\b(?:write|add|put|insert|place) your (?:own )?{_WHAT}\b"
    rf"|^\W*(?:some |the |more )?{_WHAT}(?: goes| comes)? here\b"
    rf"|^\W*(?:the )?rest of (?:the|your) {_WHAT}\b"
    rf"|\bfill in (?:your|the (?:rest|blanks?|{_WHAT}))\b"
    r"|\btodo\b\W*(?:implement|write|complete|finish|fill|add your|your)\b"
    r"|^\W*(?:to be implemented|not implemented yet|implement (?:this |it |me )?(?:here|later))\W*$",
    re.IGNORECASE,
)
_STUB_ASKED = re.compile(
    r"\b(?:stubs?|skeleton|boilerplate|no-?op|do(?:es)? nothing|empty (?:function|body)|pass statement)\b",
    re.IGNORECASE,
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def has_placeholder(code: Parsed) -> bool | None:
    """Whether something that the answer should do is left undone."""
    if code.tree is None:
        return None
    # Tokenizing is slow: only where a match remains to be told from one in a string.
    if (
        "#" in code.source
        and any(map(_LEFT_OUT.search, re.findall(r"#.*", code.source)))
        and any(map(_LEFT_OUT.search, _comments(code.source)))
    ):
        return True
    if code.entry_point and _is_left_undone(code.tree, code.entry_point.rpartition(".")[2].strip()):
        return True
    # The last definition of a name is the one that counts: overloads come before it. A decorator can give an
    # empty body its meaning (`@click.group`, `@singledispatch`).
    last = {node.name: node for node in code.tree.body if isinstance(node, _Function)}
    stubs = any(_is_stub(node.body) and not node.decorator_list for node in last.values())
    return stubs and not _STUB_ASKED.search(code.instruction)


def _is_left_undone(tree: ast.Module, name: str) -> bool:
    found = False
    for body in (tree.body, statements(tree)):  # most often it is at the top level
        for node in body:
            if isinstance(node, _Function) and node.name == name:
                found = True
                if not _is_stub(node.body):
                    return False
    return found


def _is_stub(body: Sequence[ast.stmt]) -> bool:
    return all(_does_nothing(statement) for statement in body)


def _does_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass():
            return True
        case ast.Expr(ast.Constant(value)):
            return isinstance(value, str) or value is ...
        case ast.Raise(ast.Name(name) | ast.Call(ast.Name(name))):
            return name in ("NotImplementedError", "NotImplemented")
    return False


def _comments(source: str) -> Iterator[str]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield token.string
    except (tokenize.TokenError, SyntaxError):
        return  # the tokenizer and the compiler disagree on form feeds and the like


RULE = Rule(judges="code", measure="placeholder_code", of=has_placeholder, drop_when=IsTrue())
