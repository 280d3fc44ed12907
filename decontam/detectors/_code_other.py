"""What code in C, C++, Java, JavaScript, TypeScript, Go, Rust does, and Python that does not parse.

One tolerant reader for all. It knows the expressions that these languages share, branches, loops, returns,
functions and blocks in braces, and steps over the rest: types, modifiers, macros. Each token is read once.
"""

from __future__ import annotations

import re

from decontam.detectors._code_features import LIBRARY, NOTHING, VARIABLE, Features, Shape

#: Types in angle brackets behind a name: `vector<vector<int>>`, `iter().sum::<i32>()`.
_GENERIC = re.compile(
    r"(?<=\w)(?:::)?<[\w\s,:.*?\[\]&']{0,60}(?:<[\w\s,:.*?\[\]&']{0,60}>[\w\s,]{0,20}){0,3}>(?=[\s(&*>{)\[,;:])"
)
#: Longer strings are read as code: else each quote of a long line would be the begin of one.
_STRING = r"(?P<string>\"(?:[^\"\\\n]|\\.){0,1000}+\"|'(?:[^'\\\n]|\\.){0,1000}+'|`[^`]{0,2000}+`)"
_REST = (
    r"|(?P<number>0[xX][0-9a-fA-F]+|[0-9][0-9_]*(?:\.(?!\.)[0-9]*)?(?:[eE][+-]?[0-9]+)?)[a-zA-Z_0-9]*"
    r"|(?P<name>[^\W\d][\w$]*)"
    r"|(?P<mark>===|!==|\*\*=|<<=|>>=|//=|\.\.=|\.\.\.|[-+*/%&|^<>=!:]=|&&|\|\||\+\+|--|=>|->|::|\.\.|<<|>>|\*\*|//|[^\s\w])"
)
_TOKEN = re.compile(rf"/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|(?<!:)//[^\n]*|#[^\n]*|{_STRING}{_REST}")
_PYTHON_TOKEN = re.compile(rf'#[^\n]*|"""(?:[^"]|"(?!""))*"""|{_STRING}{_REST}')
_BRACES = re.compile(r"[;{}][ \t]*$", re.MULTILINE)

_BINARY = {
    **{"or": 1, "||": 1, "and": 2, "&&": 2, "..": 3, "..=": 3, "in": 4, "is": 4, "==": 4, "!=": 4},
    **{"===": 4, "!==": 4, "<": 5, ">": 5, "<=": 5, ">=": 5, "|": 6, "^": 6, "&": 6, "<<": 7, ">>": 7},
    **{"+": 8, "-": 8, "*": 9, "/": 9, "%": 9, "//": 9, "**": 11},
}
_UNARY = 10
_AUGMENTED = frozenset({"+=", "-=", "*=", "/=", "%=", "**=", "//=", "<<=", ">>=", "&=", "|=", "^="})
_TRUTH = frozenset({"true", "false", "null", "nil", "nullptr", "NULL", "True", "False", "None"})
_MODIFIERS = frozenset(
    "new await mut not const let var typeof static final public private protected auto unsigned ref lambda"
    " move range export async".split()
)
_MODULES = frozenset(
    "Math math std strings strconv sort Collections Arrays Integer String Object unicode Character Array cmp"
    " f64 i32 fmt System".split()
)
_BRANCHES = frozenset({"if", "elif", "switch", "match", "while"})
_DEFINING = frozenset({"function", "func", "fn", "def"})
_CLOSING = frozenset({")", "]", "}", ";", ","})
#: A macro's mark and an operator that stops at null or error, with what follows.
_STEPPED_OVER = frozenset({("!", "("), ("!", "["), ("?", "."), ("?", ";"), ("?", ")")})
#: A function's name stands at most so many tokens before it: `const f = (x) => {`.
_NAMED = 6
#: Nested deeper than this, code is stepped over.
_DEEPEST = 50

Token = tuple[str | None, str, int]
Found = tuple[int, int, set[str], frozenset[str]]


def units(text: str) -> list[Found]:
    """Return each function, and all code together: where it begins and ends, what it does, names in it."""
    blanked = _GENERIC.sub(lambda found: " " * len(found[0]), text)
    pattern = _TOKEN if _BRACES.search(blanked) else _PYTHON_TOKEN
    tokens = [
        (kind, found[kind], found.start()) for found in pattern.finditer(blanked) if (kind := found.lastgroup)
    ]
    reader = _Reader([*tokens, (None, "", len(text))])
    return reader.all()


class _Reader(Features):
    """Reads tokens from left to right; what reads an expression returns how it is seen from outside."""

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__()
        self.tokens = tokens
        self.at = 0
        self.names: set[str] = set()
        self.units: list[Found] = []

    def all(self) -> list[Found]:
        """Read everything, also behind a brace that closes nothing."""
        while self.tokens[self.at][0]:
            self.statements("", 0)
            self.at += self.tokens[self.at][0] is not None
        self.units.append((0, self.tokens[-1][2], self.found, frozenset(self.names)))
        return self.units

    @property
    def mark(self) -> str:
        """The next token, if it is no literal."""
        kind, value, _ = self.tokens[self.at]
        return value if kind == "mark" or kind == "name" else ""

    def following(self) -> Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def takes(self, *values: str) -> bool:
        if self.mark in values and self.tokens[self.at][0]:
            self.at += 1
            return True
        return False

    def statements(self, path: str, depth: int) -> list[Shape]:
        """Read up to the brace that closes this block; return what stands in it."""
        found = []
        while self.tokens[self.at][0] and self.mark != "}":
            before = self.at
            found.append(self.statement(path, depth))
            self.at += self.at == before
        return found

    def block(self, path: str, depth: int) -> None:
        if self.takes("{"):
            self.statements(path, depth + 1)
            self.takes("}")
        else:
            self.statement(path, depth + 1)

    def statement(self, path: str, depth: int) -> Shape:
        kind, value, _ = self.tokens[self.at]
        if depth > _DEEPEST or kind is None:
            return NOTHING
        if kind == "name":
            if value in _BRANCHES:
                return self.branch(path, depth)
            if value in {"for", "return", "break", "else", "do", "loop"}:
                self.at += 1
                return self.keyword(value, path, depth)
        if value == "{" and kind == "mark":
            self.block(path, depth)
            return NOTHING
        first = self.at
        shape = self.expression(0, depth)
        mark = self.mark
        if mark == "{":
            self.function(first, depth)
            return NOTHING
        if mark in _AUGMENTED:
            self.at += 1
            return self.operation(mark[:-1], shape, self.expression(0, depth))
        if mark == "=" or mark == ":=":
            return self.assigned(shape, depth)
        return shape

    def assigned(self, target: Shape, depth: int) -> Shape:
        named = self.tokens[self.at - 1] if self.at else (None, "", 0)
        self.at += 1
        if named[0] == "name" and (
            self.mark in {"(", "async", "function", "func"} or self.following()[1] == "=>"
        ):
            self.names.add(named[1])
        value = self.expression(0, depth)
        if target[0] != "v":
            self.note("=", target, value)
        return value

    def branch(self, path: str, depth: int) -> Shape:
        word = self.mark
        self.at += 1
        test = self.expression(0, depth)
        if word == "while":
            self.block(self.flow(path, "loop"), depth)
            return NOTHING
        self.note("if", test)
        self.block(self.flow(path, "if"), depth)
        while self.takes("else"):
            if self.mark == "if":
                return self.statement(path, depth + 1)
            self.block(self.flow(path, "if"), depth)
        return NOTHING

    def keyword(self, word: str, path: str, depth: int) -> Shape:
        if word == "for":
            return self.for_each(path, depth)
        if word == "break":
            self.flow(path, "break")
        if word == "return":
            self.flow(path, "return")
            if self.mark not in {";", "}"}:
                return self.note("return", self.expression(0, depth))
        return NOTHING

    def for_each(self, path: str, depth: int) -> Shape:
        """Read a loop's head, in parentheses or not, and its body."""
        closed = self.takes("(")
        over = None
        while self.tokens[self.at][0] and self.mark not in {"{", ")"}:
            before = self.at
            if self.takes("of", "in", ":", "range"):
                over = self.expression(0, depth)
            elif self.tokens[self.at][0] == "name" and self.following()[1] in {"of", "in", ":"}:
                self.at += 1
            else:
                self.statement(path, depth + 1)
            self.at += self.at == before
            if over is not None and not closed:
                break
        if closed:
            self.takes(")")
        self.takes(":")
        self.block(self.flow(path, "loop") if over is None else self.loop(path, over), depth)
        return NOTHING

    def function(self, first: int, depth: int) -> None:
        """Read a block as a unit of its own; what it does belongs to what is around it, too."""
        outer, outer_names = self.found, self.names
        head = {text for kind, text, _ in self.tokens[max(0, first - _NAMED) : self.at] if kind == "name"}
        self.found, self.names = set(), head & outer_names
        self.block("", depth)
        last = self.tokens[self.at - 1]
        self.units.append((self.tokens[first][2], last[2] + len(last[1]), self.found, frozenset(self.names)))
        outer |= self.found
        outer_names |= self.names
        self.found, self.names = outer, outer_names

    def expression(self, least: int, depth: int) -> Shape:
        left = self.operand(depth + 1)
        while True:
            mark = self.mark
            if mark == "?" and least == 0 and depth <= _DEEPEST:
                self.at += 1
                self.note("if", left)
                first = self.expression(0, depth + 1)
                if self.takes(":"):
                    left = self.note("?", *sorted([first, self.expression(0, depth + 1)]))
                continue
            if mark == "not" and self.following()[1] == "in":
                self.at += 1
                continue
            power = _BINARY.get(mark, 0)
            if power <= least or depth > _DEEPEST:
                return left
            self.at += 1
            right = self.expression(power, depth + 1)
            left = self.counted(left, right) if mark in {"..", "..="} else self.operation(mark, left, right)

    def operand(self, depth: int) -> Shape:
        kind, value, _ = self.tokens[self.at]
        if depth > _DEEPEST or kind is None or (kind == "mark" and value in _CLOSING):
            return NOTHING
        self.at += 1
        if kind == "number":
            return self.after(self.literal(_number(value)), depth)
        if kind == "string":
            return self.after(self.literal(f'"{value[1:-1]}"'), depth)
        if kind == "mark":
            return self.prefixed(value, depth)
        if value in _TRUTH:
            return self.literal(value)
        if value in _MODIFIERS:
            return self.operand(depth + 1)
        if value in _DEFINING:
            return self.defined(depth)
        return self.after(VARIABLE, depth, value)

    def defined(self, depth: int) -> Shape:
        """Read what follows `function`, `func`, `fn` or `def`."""
        first = self.at
        if self.tokens[self.at][0] == "name":
            self.names.add(self.tokens[self.at][1])
            self.at += 1
        if self.takes("("):
            self.arguments(")", depth)
        while self.tokens[self.at][0] and self.mark not in {"{", "}", ";", ":", ",", ")"}:
            self.at += 1
        if self.mark == "{":
            self.function(first, depth)
        return VARIABLE

    def prefixed(self, mark: str, depth: int) -> Shape:
        if mark == "(":
            inner = self.arguments(")", depth)
            if self.takes("=>"):
                return self.body(depth)
            kind, value, _ = self.tokens[self.at]
            if inner == [VARIABLE] and (
                value == "(" or (kind not in {"mark", None} and value not in _BINARY)
            ):
                return self.operand(depth + 1)  # behind a cast
            return self.after(inner[0] if len(inner) == 1 else self.note("list", *inner), depth)
        if mark == "[":
            return self.after(self.note("list", *self.arguments("]", depth)), depth)
        if mark == "{":
            inner = [one for one in self.statements("", depth + 1) if one != NOTHING]
            self.takes("}")
            return self.note("list", *inner)
        if mark == "|":  # the parameters of a closure
            while self.tokens[self.at][0] and self.mark not in {"|", "{", ";"}:
                self.at += 1
            self.takes("|")
            return self.body(depth)
        if mark == "-" and self.tokens[self.at][0] == "number":
            self.at += 1
            return self.after(self.literal("-" + _number(self.tokens[self.at - 1][1])), depth)
        if mark == "-":
            return self.operation("-", self.expression(_UNARY, depth + 1))
        if mark in {"!", "&", "*", "++", "--", "...", "&&", "+", "~", "@"}:
            return self.expression(_UNARY, depth + 1)
        return NOTHING

    def body(self, depth: int) -> Shape:
        if self.mark != "{":
            return self.expression(0, depth + 1)
        self.block("", depth + 1)
        return VARIABLE

    def arguments(self, closing: str, depth: int) -> list[Shape]:
        found = []
        while self.tokens[self.at][0] and self.mark not in {closing, "}", ";"}:
            before = self.at
            shape = self.statement("", depth + 1)
            if shape != NOTHING:
                found.append(shape)
            if not self.takes(",") and self.at == before:
                self.at += 1
        self.takes(closing)
        return found

    def after(self, shape: Shape, depth: int, name: str = "") -> Shape:
        """Read calls, members and subscripts behind an operand, which is called `name` if it is a name."""
        while True:
            mark = self.mark
            if mark == "(" and name:
                self.at += 1
                self.names.add(name)
                inner = self.arguments(")", depth)
                known = name.replace("_", "").lower() in LIBRARY
                shape = self.call(name, *inner) if known else self.unknown(*inner)
                name = ""
            elif mark == "[":
                self.at += 1
                inner = self.arguments("]", depth)
                shape = self.element(shape, *inner) if inner else shape
                name = ""
            elif mark in {".", "->", "::"} and self.following()[0] == "name":
                shape, name = self.member(shape, name, depth)
            elif mark in {"++", "--"}:
                self.at += 1
                shape = self.operation(mark[0], shape, self.literal("1"))
            elif mark == "=>":
                self.at += 1
                return self.body(depth)
            elif (mark, self.following()[1]) in _STEPPED_OVER:
                self.at += 1
            else:
                return shape

    def member(self, owner: Shape, name: str, depth: int) -> tuple[Shape, str]:
        """Read a member of `owner`, called or not; return it, with its name if it is a module's."""
        plain = name in _MODULES or self.mark == "::"
        attribute = self.following()[1]
        self.at += 2
        if self.takes("("):
            inner = self.arguments(")", depth)
            return self.call(attribute, *([] if plain else [owner]), *inner), ""
        if plain:
            return owner, attribute
        if attribute in {"length", "size"}:
            return self.call(attribute, owner), ""
        return self.note("." + attribute, owner), ""


def _number(text: str) -> str:
    return text.replace("_", "").rstrip(".").removesuffix(".0")
