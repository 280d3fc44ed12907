"""What code does, as a set of short texts that are the same in each language and under each renaming.

A feature is an operation with its operands, in three depths: `%`, `%(v,2)` and, inside another one,
`==(%(v,2),0)`. Names are `v`; literals and what libraries offer keep theirs,
in one spelling for all languages.
What says the same gives the same features: `x += 1` and `x = x + 1`, `0 < x` and `x > 0`, `a and not b` and
`a && !b`, `len(x)`, `x.length` and `x.size()`, a method and a function of its receiver.
"""

from __future__ import annotations

from functools import lru_cache

#: An expression as seen from outside: as a leaf, with its operands, and with theirs.
Shape = tuple[str, str, str]
VARIABLE: Shape = ("v", "v", "v")
NOTHING: Shape = ("", "", "")

_LITERAL = 24  # characters of a literal that count
_PATH = 24  # characters of a path of loops and branches
_LONGEST = 80  # characters of a feature

#: One spelling for what languages call differently, in lower case without `_`. None: as if it were not there.
_SPELLINGS = {
    "len": "length size strlen",
    "append": "push pushback add emplaceback insert pushstr",
    "str": "tostring string valueof itoa sprint sprintf",
    "int": "parseint atoi stoi number parse integer tointeger float parsefloat double stod",
    "upper": "touppercase toupper toasciiuppercase",
    "lower": "tolowercase tolower toasciilowercase",
    "isupper": "isuppercase isasciiuppercase",
    "islower": "islowercase isasciilowercase",
    "isdigit": "isnumeric isasciidigit",
    "isalpha": "isletter isalphabetic isasciialphabetic",
    "split": "splitwhitespace fields",
    "replace": "replaceall",
    "abs": "fabs",
    "max": "fmax",
    "min": "fmin",
    "**": "pow powf powi",
    "sort": "sorted sortby sortbykey sortunstable ints strings",
    "reverse": "reversed rev rbegin reverseorder",
    "sum": "accumulate",
    "set": "hashset unorderedset btreeset frozenset treeset",
    "dict": "map hashmap unorderedmap btreemap treemap object",
    "in": "includes contains has containskey indexof find",
    "slice": "substring substr sublist",
    "[]": "charat at get nth",
    "ord": "charcodeat codepointat",
    "chr": "fromcharcode fromdigit",
    "==": "equals eq",
    "list": "aslist of vec!",
}
_SAME = {other: name for name, others in _SPELLINGS.items() for other in others.split()}
_SAME |= {name: name for name in _SPELLINGS}
#: Calls that hand on their first operand.
_TRANSPARENT = frozenset(
    "list tuple array iter iterator intoiter collect clone cloned copied unwrap tovec chars tochararray asstr"
    " toowned stream maptoint asbytes bytes begin makeslice box some ok rune int32 int64 usize asref iterable"
    " from".split()
)
#: Conversions, which many languages make without a word: noted, then as if they were not there.
_CONVERSIONS = frozenset({"ord", "chr", "int", "str"})
#: Functions that are known without a receiver, in lower case without `_`.
LIBRARY = frozenset(
    "floor ceil round sqrt print printf println abs any all filter enumerate zip ord chr bin hex eval".split()
).union(_SAME, _TRANSPARENT)
_EITHER_WAY = frozenset({"+", "*", "==", "&", "|", "^", "and", "in", "max", "min", "join"})
_ROOTS = {"<=": "<", "!=": "==", "//": "/", "or": "and", "&&": "and", "||": "and", "===": "==", "!==": "=="}
_TURNED = {">": "<", ">=": "<"}
_TRUTH = {"true": "True", "false": "False", "null": "None", "nil": "None", "nullptr": "None", "NULL": "None"}


_ONE, _ZERO = ("1", "1", "1"), ("0", "0", "0")


def _without_one(shape: Shape) -> Shape:
    """Return `n` for `n + 1`: `i < n + 1` is `i <= n`."""
    if shape[0] == "+" and shape[1].startswith("+(1,") and shape[2].startswith("+(1,"):
        return shape[1][4:-1], shape[2][4:-1], shape[2][4:-1]
    return shape


@lru_cache(maxsize=100_000)
def _noted(name: str, operands: tuple[Shape, ...]) -> Shape:
    if name == "<":
        operands = tuple(_without_one(one) for one in operands)
    elif (
        name == "=="
        and _ONE in operands
        and any(one[1].endswith(",2)") and one[0] == "%" for one in operands)
    ):
        operands = tuple(_ZERO if one == _ONE else one for one in operands)
    inner = [[one[level] for one in operands] for level in (0, 1)]
    if name in _EITHER_WAY:
        inner = [sorted(one) for one in inner]
    shape = (name, f"{name}({','.join(inner[0])})"[:_LONGEST], f"{name}({','.join(inner[1])})"[:_LONGEST])
    return shape


class Features:
    """Collects the features of one piece of code."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def note(self, name: str, *operands: Shape) -> Shape:
        """Note an operation with its operands, and return its shape."""
        shape = _noted(name, operands)
        self.found.update(shape)
        return shape

    def operation(self, name: str, *operands: Shape) -> Shape:
        """Note an operator of any language."""
        if name in _TURNED:
            return self.note(_TURNED[name], *operands[::-1])
        return self.note(_ROOTS.get(name, name), *operands)

    def literal(self, text: str) -> Shape:
        """Note a literal: a number as it is written, a string in double quotes."""
        text = _TRUTH.get(text, text)[:_LITERAL]
        self.found.add(text)
        return text, text, text

    def call(self, name: str, *operands: Shape) -> Shape:
        """Note the call of what a library offers, a method's receiver being its first operand."""
        plain = name.replace("_", "").lower()
        if plain in _TRANSPARENT:
            return operands[0] if operands else VARIABLE
        if plain in {"isempty", "empty"} and operands:
            return self.note("==", self.note("len", operands[0]), self.literal("0"))
        plain = _SAME.get(plain, plain)
        if plain in _CONVERSIONS and operands:
            self.found.add(plain)
            return operands[0]
        return self.note(plain, *operands)

    def unknown(self, *operands: Shape) -> Shape:
        """Note the call of a function that no library has; its result is as good as a variable."""
        self.note("call", *operands)
        return VARIABLE

    def element(self, owner: Shape, *places: Shape) -> Shape:
        """Note an element of a list or string; one at a variable place is what a loop's variable is."""
        places = tuple(
            self.literal("-" + one[1][6:-1]) if one[1].startswith("-(len,") else one for one in places
        )
        shape = self.note("[]", owner, *places)
        return VARIABLE if places == (VARIABLE,) else shape

    def flow(self, path: str, name: str) -> str:
        """Note a loop, branch or return inside others, and return the path to it."""
        path = f"{path}>{name}"[-_PATH:]
        self.found.add(path)
        return path

    def loop(self, path: str, over: Shape) -> str:
        """Note a loop over something, and return the path to it."""
        self.note("for", over)
        return self.flow(path, "loop")

    def counted(self, *bounds: Shape) -> Shape:
        """Note a range of numbers as the comparison that a counting loop makes."""
        if len(bounds) > 1:
            self.note("step", *bounds[2:])
        return self.note("<", VARIABLE, bounds[min(1, len(bounds) - 1)])
