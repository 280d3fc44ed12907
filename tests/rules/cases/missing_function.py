"""Rows for missing-function: what it keeps and what it drops."""

_ADD = {"entry_point": "add", "language": "python"}

KEPT = [
    {"code": "def plus(a, b): return a + b", "language": "python", "entry_point": None},
    {"code": "def plus(a, b): return a + b", "language": "python", "entry_point": " "},
    {"code": None, **_ADD},
    {"code": "def add(a, b): return a + b", **_ADD},
    {"code": "async def add(a, b): return a + b", **_ADD},
    {"code": "add = lambda a, b: a + b", **_ADD},
    {"code": "add: object = max", **_ADD},
    {"code": "from operator import add", **_ADD},
    {"code": "import operator as add", **_ADD},
    {"code": "sub, add = min, max", **_ADD},
    {"code": "class add:\n    pass", **_ADD},
    {"code": "try:\n    from fast import plus\nexcept ImportError:\n    def add(a, b): return a + b", **_ADD},
    {
        "code": "class Solution:\n    def add(self): ...",
        "language": "python",
        "entry_point": "Solution().add",
    },
    {"code": "function plus(a, b) {}", "language": "javascript", "entry_point": "add"},
    {"code": "def add(a, b: return", **_ADD},
    {"code": "def plus(a, b): return a + b", "role": "student", **_ADD},
]
DROPPED = [
    {"code": "def plus(a, b): return a + b", **_ADD},
    {"code": "def adder(a, b): return a + b", **_ADD},
    {"code": "# def add(a, b): return a + b\nprint('def add')", **_ADD},
    {"code": "class Solution:\n    def add(self, a, b): return a + b", **_ADD},
    {"code": "def make():\n    def add(a, b): return a + b\n    return add", **_ADD},
    {"code": "add(1, 2)", **_ADD},
    {"code": "add: int", **_ADD},
    {"code": "x = [add for add in range(3)]", **_ADD},
    {"code": "", **_ADD},
]
