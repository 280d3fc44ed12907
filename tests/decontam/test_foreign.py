"""What translated programs run on: operations of six languages in Python."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from datagen.sandbox.harmless import MODULES
from decontam.translate import foreign
from decontam.translate.foreign import T_ as T

_FOLDER = Path(foreign.__file__).parent


def test_imports_only_what_the_sandbox_has_itself() -> None:
    """What programs could reach through the package is what they may use anyway."""
    for path in _FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= set(MODULES), path
            if isinstance(node, ast.ImportFrom):
                assert node.level == 1 or node.module in {*MODULES, "__future__"}, path


def test_is_imported_without_decontam() -> None:
    """The sandbox imports it by itself, without installed packages."""
    program = (
        f"import sys; sys.path.insert(0, {str(_FOLDER.parent)!r}); from foreign import T_; "
        "print(T_.op('c', '/', -7, 2), 'decontam' in sys.modules)"
    )
    command = [sys.executable, "-I", "-S", "-B", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["-3", "False"]


@pytest.mark.parametrize(
    ("g", "sign", "a", "b", "result"),
    [
        ("c", "/", -7, 2, -3),
        ("go", "%", -7, 2, -1),
        ("java", "/", 7, -2, -3),
        ("rust", "%", 7, -2, 1),
        ("cpp", "/", 7.0, 2, 3.5),
        ("js", "/", 7, 2, 3.5),
        ("js", "/", 6, 2, 3),
        ("js", "/", 1, 0, math.inf),
        ("js", "%", -7, 2, -1),
        ("js", "*", 0.5, 4, 2),
        ("js", "+", "a", 1, "a1"),
        ("js", "+", 1, 2, 3),
        ("js", "-", "5", 2, 3),
        ("js", "+", [1, 2], "", "1,2"),
        ("js", "|", 3.7, 0, 3),
        ("js", ">>>", -1, 0, 4294967295),
        ("js", "<<", 1, 31, -2147483648),
        ("js", "==", "1", 1, True),
        ("js", "===", "1", 1, False),
        ("js", "===", 1, True, False),
        ("js", "!==", None, None, False),
        ("js", "<", "10", "9", True),
        ("js", "<", "10", 9, False),
        ("js", "in", "a", {"a": 1}, True),
        ("c", "-", T.char("c"), T.char("a"), 2),
        ("java", "+", T.char("a"), 1, 98),
        ("java", "+", "x", T.char("a"), "xa"),
        ("java", "+", "x", 1.0, "x1.0"),
        ("java", "+", "x", True, "xtrue"),
        ("cpp", "+", "x", T.char("a"), "xa"),
        ("cpp", "+", T.char("a"), T.char("b"), 195),
        ("c", "+", "abc", 1, "bc"),
        ("go", "<=", T.char("a"), T.char("z"), True),
        ("c", ">=", T.char("a"), 97, True),
        ("c", "==", T.char("a"), 97, True),
        ("cpp", "==", [1, 2], (1, 2), True),
        ("go", "==", None, [], True),
        ("java", ">>>", -1, 28, 15),
        ("rust", "^", 6, 3, 5),
    ],
)
def test_operators(g: str, sign: str, a: Any, b: Any, result: Any) -> None:
    """Operators give what they give in the language."""
    found = T.op(g, sign, a, b)
    assert (found, isinstance(found, bool)) == (result, isinstance(result, bool))
    assert isinstance(found, float) == isinstance(result, float)


@pytest.mark.parametrize(
    ("g", "value", "result"),
    [
        ("js", "", False),
        ("js", [], True),
        ("js", 0, False),
        ("js", math.nan, False),
        ("js", None, False),
        ("c", T.char("\x00"), False),
        ("c", 2, True),
        ("c", None, False),
        ("cpp", [], True),
    ],
)
def test_truth(g: str, value: Any, result: bool) -> None:
    """Empty arrays are true, the character 0 is false."""
    assert T.truth(g, value) is result


def test_elements_outside() -> None:
    """A string of C ends with 0, JavaScript has undefined there, others raise."""
    assert T.index("c", "ab", 2) == "\0"
    assert T.index("js", [1], 1) is None
    assert T.index("js", [1], -1) is None
    assert isinstance(T.index("go", "ab", 0), T.Char)
    for g in ("java", "go", "rust", "cpp"):
        with pytest.raises(IndexError):
            T.index(g, [1], 1)


def test_defaults_of_maps() -> None:
    """C++ makes what is not there, Go gives the zero value, Java raises."""
    counts = T.default("cpp", "map<string, vector<int>>")
    T.call("cpp", T.index("cpp", counts, "a"), "push_back", 1)
    assert T.out(counts) == {"a": [1]}
    seen = T.static("go", "make", "map[string]int")
    assert T.index("go", seen, "a") == 0
    assert T.out(seen) == {}
    with pytest.raises(KeyError):
        T.index("java", T.new("java", "HashMap<>"), "a")


def test_put() -> None:
    """Arrays of JavaScript grow; a number put among characters is one of them."""
    x: list[Any] = []
    T.put("js", x, 2, 5)
    assert x == [None, None, 5]
    T.put("js", x, "length", 0)
    assert x == []
    text = T.chars("abc")
    T.put("c", text, 0, T.op("c", "-", T.index("c", text, 0), 32))
    assert T.text(text) == "Abc"
    grid = T.default("java", "int[][]", 2, 2)
    T.put("java", T.index("java", grid, 0), 1, 3)
    assert grid == [[0, 3], [0, 0]]


@pytest.mark.parametrize(
    ("g", "owner", "name", "args", "result"),
    [
        ("js", "hello", "substring", (3, 1), "el"),
        ("js", "hello", "substring", (-2,), "hello"),
        ("js", "hello", "substr", (-3, 2), "ll"),
        ("js", "hello", "slice", (-3, -1), "ll"),
        ("js", "hello", "at", (-1,), "o"),
        ("js", "hello", "charAt", (9,), ""),
        ("java", "hello", "substring", (1, 3), "el"),
        ("cpp", "hello", "substr", (1, 3), "ell"),
        ("js", "a,b", "split", (",",), ["a", "b"]),
        ("js", "ab", "split", ("",), ["a", "b"]),
        ("js", "ab", "split", (), ["ab"]),
        ("js", "", "split", (",",), [""]),
        ("js", "a1b22c", "split", (T.regex(r"\d+"),), ["a", "b", "c"]),
        ("java", "a,b,,", "split", (",",), ["a", "b"]),
        ("java", "", "split", (",",), [""]),
        ("java", "abc", "split", ("",), ["a", "b", "c"]),
        ("java", "a  b", "split", (r"\s+",), ["a", "b"]),
        ("rust", " a  b ", "split_whitespace", (), ["a", "b"]),
        ("go", "a-b-c", "split", ("-",), ["a", "b", "c"]),
        ("js", "Hello", "replace", (T.regex("[aeiou]", "gi"), ""), "Hll"),
        ("js", "aaa", "replace", ("a", "b"), "baa"),
        ("js", "ab", "replace", (T.regex("(a)(b)"), "$2$1"), "ba"),
        ("js", "ab", "replace", (T.regex("[ab]", "g"), lambda c: c.upper()), "AB"),
        ("java", "aaa", "replace", ("a", "b"), "bbb"),
        ("java", "a1b2", "replaceAll", ("[0-9]", ""), "ab"),
        ("rust", "aaa", "replace", ("a", "b"), "bbb"),
        ("js", [10, 9, 1], "sort", (), [1, 10, 9]),
        ("js", [10, 9, 1], "sort", (lambda a, b: a - b,), [1, 9, 10]),
        ("js", [1, 2, 3], "map", (lambda x, i: x * i,), [0, 2, 6]),
        ("js", [1, 2, 3], "filter", (lambda x: x % 2,), [1, 3]),
        ("js", [1, 2, 3], "reduce", (lambda a, x: a + x, 0), 6),
        ("js", [1, [2, [3]]], "flat", (), [1, 2, [3]]),
        ("js", [1, 2], "includes", (2,), True),
        ("js", [1, 2], "indexOf", (3,), -1),
        ("js", [1, None, "a"], "join", ("-",), "1--a"),
        ("js", [1, 2], "concat", ([3], 4), [1, 2, 3, 4]),
        ("js", 3.14159, "toFixed", (2,), "3.14"),
        ("js", 255, "toString", (16,), "ff"),
        ("js", "5", "padStart", (3, "0"), "005"),
        ("js", "aXbX", "match", (T.regex("X", "g"),), ["X", "X"]),
        ("js", T.regex("^a"), "test", ("abc",), True),
        ("js", "a", "charCodeAt", (0,), 97),
        ("js", [3, 1, 2], "slice", (-2,), [1, 2]),
        ("js", "abc", "indexOf", ("c",), 2),
        ("rust", [3, 1, 2], "iter", (), [3, 1, 2]),
        ("rust", [1, 2], "fold", (1, lambda a, x: a + x), 4),
        ("rust", "ab", "chars", (), ["a", "b"]),
        ("rust", ["a", "b"], "collect", ("String",), "ab"),
        ("rust", [1, 2, 3], "windows", (2,), [[1, 2], [2, 3]]),
        ("rust", "12", "parse", (), 12),
        ("rust", "x", "parse", (), None),
        ("rust", T.char("7"), "to_digit", (10,), 7),
        ("rust", 2, "pow", (3,), 8),
        ("rust", -7, "rem_euclid", (3,), 2),
        ("rust", 1, "cmp", (2,), -1),
        ("rust", [1, 5, 3], "max", (), 5),
        ("java", "apple", "compareTo", ("apricot",), -2),
        ("java", "abc", "indexOf", (T.char("b"),), 1),
        ("java", "abc", "contains", ("bc",), True),
        ("java", "abc", "toUpperCase", (), "ABC"),
        ("java", " a ", "trim", (), "a"),
        ("java", "ab", "toCharArray", (), ["a", "b"]),
        ("java", [1, 2, 3], "get", (1,), 2),
        ("java", {"a": 1}, "getOrDefault", ("b", 0), 0),
        ("java", {"a": 1}, "containsKey", ("a",), True),
        ("cpp", {"a": 1}, "count", ("b",), 0),
        ("cpp", "hello", "find", ("x",), -1),
        ("cpp", "abc", "length", (), 3),
        ("cpp", [1, 2], "back", (), 2),
        ("rust", 1.5, "ceil", (), 2),
        ("js", "abc", "split", (T.regex("(?:)"),), ["a", "b", "c"]),
    ],
)
def test_methods(g: str, owner: Any, name: str, args: tuple[Any, ...], result: Any) -> None:
    """Methods give what they give in the language."""
    found = T.out(
        T.call(g, T.into(owner) if not isinstance(owner, (T.Regex, T.Char)) else owner, name, *args)
    )
    assert found == result


@pytest.mark.parametrize(
    ("g", "path", "args", "result"),
    [
        ("js", "Math.max", (1, 3, 2), 3),
        ("js", "Math.floor", (-1.5,), -2),
        ("js", "Math.round", (2.5,), 3),
        ("js", "Math.round", (-2.5,), -2),
        ("js", "Math.sqrt", (9,), 3),
        ("js", "parseInt", ("12px",), 12),
        ("js", "parseInt", ("ff", 16), 255),
        ("js", "Number", ("3.5",), 3.5),
        ("js", "isNaN", ("x",), True),
        ("js", "Object.keys", ({"b": 1, "2": 1, "1": 1},), ["1", "2", "b"]),
        ("js", "Object.entries", ({"a": 1},), [["a", 1]]),
        ("js", "Array.from", ({"length": 2}, lambda _, i: i), [0, 1]),
        ("js", "Array.isArray", ([],), True),
        ("js", "String", (12,), "12"),
        ("js", "String.fromCharCode", (97, 98), "ab"),
        ("js", "JSON.stringify", ([1, "a"],), '[1,"a"]'),
        ("java", "Integer.parseInt", ("-12",), -12),
        ("java", "String.valueOf", (T.chars("ab"),), "ab"),
        ("java", "Integer.toBinaryString", (5,), "101"),
        ("java", "Character.isDigit", (T.char("1"),), True),
        ("java", "Character.toUpperCase", (T.char("a"),), "A"),
        ("java", "Math.pow", (2, 3), 8.0),
        ("java", "Arrays.asList", (1, 2), [1, 2]),
        ("java", "String.join", (",", ["a", "b"]), "a,b"),
        ("java", "String.format", ("%5.2f|%-3s|%03d", 3.14159, "a", 7), " 3.14|a  |007"),
        ("java", "Integer.MAX_VALUE", (), 2147483647),
        ("c", "strlen", ("abc",), 3),
        ("c", "isalpha", (97,), True),
        ("c", "toupper", (T.char("a"),), "A"),
        ("c", "atoi", ("12a",), 12),
        ("c", "round", (-2.5,), -3.0),
        ("cpp", "std::to_string", (12,), "12"),
        ("cpp", "std::max", (T.char("a"), T.char("b")), "b"),
        ("cpp", "std::stoi", ("12",), 12),
        ("cpp", "INT_MIN", (), -2147483648),
        ("cpp", "std::numeric_limits<int>::max", (), 2147483647),
        ("go", "strings.ToUpper", ("abc",), "ABC"),
        ("go", "strings.Fields", (" a  b ",), ["a", "b"]),
        ("go", "strings.Repeat", ("ab", 2), "abab"),
        ("go", "strings.Replace", ("aaa", "a", "b", 2), "bba"),
        ("go", "strings.Join", (["a", "b"], "-"), "a-b"),
        ("go", "strings.HasPrefix", ("abc", "ab"), True),
        ("go", "strconv.Itoa", (5,), "5"),
        ("go", "strconv.Atoi", ("5",), [5, None]),
        ("go", "fmt.Sprintf", ("%d-%s-%v %t", 1, "a", [1, 2], True), "1-a-[1 2] true"),
        ("go", "math.MaxInt64", (), 9223372036854775807),
        ("go", "append", ([1], 2, 3), [1, 2, 3]),
        ("go", "unicode.IsUpper", (T.char("A"),), True),
        ("rust", "format", ("{}-{:?}-{:.2}-{:>3}", "a", "b", 1.0, 7), 'a-"b"-1.00-  7'),
        ("rust", "i32::MAX", (), 2147483647),
        ("c", "UINT64_MAX", (), 2**64 - 1),
        ("go", "math.MinInt64", (), -(2**63)),
        ("cpp", "string::npos", (), -1),
        ("rust", "vec!", (1, 2), [1, 2]),
        ("rust", "format!", ("{}", 3), "3"),
        ("rust", "std::cmp::max", (3, 4), 4),
        ("cpp", "std::vector<int>", (2, 1), [1, 1]),
        ("rust", "String::new", (), ""),
        ("rust", "Vec::new", (), []),
        ("rust", "HashMap::new", (), {}),
    ],
)
def test_library_functions(g: str, path: str, args: tuple[Any, ...], result: Any) -> None:
    """Library functions and constants give what they give in the language."""
    assert T.out(T.static(g, path, *args)) == result


def test_sorting() -> None:
    """Comparators give numbers or truth values; equal elements keep their order; Go compares places."""
    words = ["bb", "a", "cc", "d"]
    assert T.call("java", list(words), "sort", lambda a, b: len(a) - len(b)) == ["a", "d", "bb", "cc"]
    values = [3, 1, 2]
    T.static(
        "cpp", "std::sort", T.call("cpp", values, "begin"), T.call("cpp", values, "end"), lambda a, b: a > b
    )
    assert values == [3, 2, 1]
    T.static("c", "sort", values, T.op("cpp", "+", values, 2))
    assert values == [2, 3, 1]
    T.static("go", "sort.Slice", values, lambda i, j: values[i] < values[j])
    assert values == [1, 2, 3]
    T.static("cpp", "sort", T.call("cpp", values, "rbegin"), T.call("cpp", values, "rend"))
    assert values == [3, 2, 1]


def test_iterators() -> None:
    """Algorithms of C++ work between two places."""
    x = [1, 1, 2, 3]
    begin, end = T.call("cpp", x, "begin"), T.call("cpp", x, "end")
    assert T.static("cpp", "accumulate", begin, end, 0) == 7
    assert T.static("cpp", "max_element", begin, end) == 3
    assert T.op("cpp", "-", T.static("cpp", "max_element", begin, end), begin) == 3
    assert T.op("cpp", "==", T.static("cpp", "find", begin, end, 9), end)
    T.call("cpp", x, "erase", T.static("cpp", "unique", begin, end), end)
    assert x == [1, 2, 3]
    assert T.out(T.new("cpp", "set<int>", begin, T.call("cpp", x, "end"))) == {1, 2, 3}
    assert T.new("cpp", "string", T.call("cpp", "abc", "rbegin"), T.call("cpp", "abc", "rend")) == "cba"


def test_texts_of_many_parts() -> None:
    """Texts can be accumulated, bases have at least two digits, and trimming takes a function."""
    words = ["a", "b"]
    begin, end = T.call("cpp", words, "begin"), T.call("cpp", words, "end")
    assert T.static("cpp", "accumulate", begin, end, "") == "ab"
    with pytest.raises(ValueError, match="no base"):
        T.call("js", 5, "toString", 1)
    digit = str.isdigit
    assert T.call("rust", "1a2b3", "trim_matches", digit) == "a2b"
    assert T.call("rust", "1a2b3", "trim_start_matches", digit) == "a2b3"
    assert T.call("rust", "1a2b3", "trim_end_matches", digit) == "1a2b"
    assert T.call("rust", "12", "trim_matches", digit) == ""
    assert T.call("rust", "12", "trim_start_matches", digit) == ""
    assert T.call("rust", "12", "trim_end_matches", digit) == ""


def test_queues() -> None:
    """Java's deque pops its first element, a stack its last; queues with priority give the least first."""
    deque = T.new("java", "ArrayDeque<>")
    for x in (1, 2):
        T.call("java", deque, "push", x)
    assert T.call("java", deque, "pop") == 2
    stack = T.new("java", "Stack<>")
    for x in (1, 2):
        T.call("java", stack, "push", x)
    assert (T.call("java", stack, "peek"), T.call("java", stack, "pop")) == (2, 2)
    queue = T.new("java", "PriorityQueue<>")
    assert (T.call("java", queue, "peek"), T.call("java", T.new("java", "LinkedList<>"), "peek")) == (
        None,
        None,
    )
    largest = T.default("cpp", "priority_queue<int>")
    for x in (2, 3, 1):
        T.call("java", queue, "add", x)
        T.call("cpp", largest, "push", x)
    assert [T.call("java", queue, "poll") for _ in range(4)] == [1, 2, 3, None]
    assert (T.call("cpp", largest, "top"), T.call("cpp", largest, "size")) == (3, 3)


@pytest.mark.parametrize(
    ("g", "kind", "value", "result"),
    [
        ("c", "int", -3.7, -3),
        ("java", "char", 98, "b"),
        ("go", "string", 98, "b"),
        ("java", "int", T.char("a"), 97),
        ("rust", "u8", 300, 44),
        ("java", "int", 1 << 31, -2147483648),
        ("rust", "f64", 3, 3.0),
        ("rust", "char", 97, "a"),
    ],
)
def test_casts(g: str, kind: str, value: Any, result: Any) -> None:
    """Casts cut and wrap."""
    assert T.cast(g, kind, value) == result


@pytest.mark.parametrize(
    ("g", "kind", "sizes", "result"),
    [
        ("c", "int", (26,), [0] * 26),
        ("cpp", "vector<vector<int>>", (), []),
        ("cpp", "std::string", (), ""),
        ("cpp", "double", (), 0.0),
        ("go", "[]string", (), []),
        ("cpp", "int*", (), None),
        ("c", "unsigned", (), 0),
        ("cpp", "unsigned long long", (), 0),
        ("c", "char", (2,), ["\0", "\0"]),
        ("go", "[3]int", (), [0, 0, 0]),
        ("java", "String", (), None),
        ("cpp", "pair<int, string>", (), [0, ""]),
        ("go", "strings.Builder", (), ""),
    ],
)
def test_defaults(g: str, kind: str, sizes: tuple[int, ...], result: Any) -> None:
    """Declarations without a value have the one of their type."""
    assert T.out(T.default(g, kind, *sizes)) == result


def test_new() -> None:
    """Containers are made of sizes, values and other containers."""
    assert T.new("cpp", "vector<int>", 3, 1) == [1, 1, 1]
    grid = T.new("cpp", "vector<vector<int>>", 2, T.new("cpp", "vector<int>", 2, 0))
    grid[0][0] = 5
    assert grid == [[5, 0], [0, 0]]
    assert T.new("cpp", "string", 3, T.char("x")) == "xxx"
    assert T.new("java", "int[]", 2) == [0, 0]
    assert T.new("java", "ArrayList<>", [1, 2]) == [1, 2]
    assert T.out(T.new("js", "Set", [1, 1, 2])) == {1, 2}
    assert T.out(T.new("js", "Map", [["a", 1]])) == {"a": 1}
    assert T.new("js", "Array", 2) == [None, None]
    builder = T.new("java", "StringBuilder", "ab")
    T.call("java", T.call("java", builder, "append", T.char("c")), "reverse")
    assert T.call("java", builder, "toString") == "cba"


def test_loops() -> None:
    """Loops over text give characters, over maps what the language gives."""
    assert all(isinstance(c, T.Char) for c in T.each("java", "ab"))
    assert not any(isinstance(c, T.Char) for c in T.each("js", "ab"))
    assert list(T.pairs("go", "ab")) == [(0, "a"), (1, "b")]
    assert list(T.keys([5, 6])) == [0, 1]
    ordered = T.new("java", "TreeMap<>")
    for k in (2, 1):
        T.call("java", ordered, "put", k, 0)
    assert T.call("java", ordered, "keySet") == [1, 2]


def test_out_and_into() -> None:
    """What goes in is a copy; what comes out is plain."""
    given = [[1], (2, 3)]
    taken = T.into(given)
    taken[0].append(4)
    assert (given, taken) == ([[1], (2, 3)], [[1, 4], [2, 3]])
    found = T.out((T.char("a"), [T.char("b")], {T.char("c"): 1}))
    assert found == ["a", ["b"], {"c": 1}]
    assert {*map(type, (found[0], found[1][0], *found[2]))} == {str}


def test_unknown_names_raise() -> None:
    """What is not known raises inside the program."""
    with pytest.raises(NotImplementedError):
        T.call("js", [], "noSuchMethod")
    with pytest.raises(NotImplementedError):
        T.static("go", "no.Such", 1)


def test_helpers() -> None:
    """What the translation of some statements needs."""
    assert T.put_char("abc", 1, "x") == "axc"
    assert T.put_char("abc", 1, 0) == "a"
    with pytest.raises(IndexError):
        T.put_char("abc", 4, "x")
    assert T.filled([1], 3, 0) == [1, 0, 0]
    items = [1, 2, 1]
    T.without(items, 1)
    T.without(items, 9)
    assert items == [2, 1]
    assert T.without({"a": 1}, "a") == 1
    kinds = [T.typeof(x) for x in (None, True, 1, 1.5, "a", len, [])]
    assert kinds == ["undefined", "boolean", "number", "number", "string", "function", "object"]
    assert [type(x) for x in T.floats([1, True, "a"])] == [float, bool, str]
    with pytest.raises(ValueError):  # noqa: PT011 - it has no message
        T.fail()
