"""Rows for syntax-error: what it keeps and what it drops."""

KEPT = [
    {"code": None, "language": "python"},
    {"code": "def f(x): return x", "language": "python"},
    {"code": "def f(x):\r\n\treturn '\\d'\r\n", "language": "python"},
    {"code": "function f(x) { return x; }", "language": "javascript"},
    {"code": "def f(x) return x", "language": None},
    {"code": "def f(x) return x", "language": "python", "role": "student"},
]
DROPPED = [
    {"code": "def f(x) return x", "language": "python"},
    {"code": "return 1", "language": "python"},
    {"code": "x = 1\0", "language": "python"},
    {"code": "(" * 5000 + ")" * 5000, "language": "python"},
]
