"""Rows for placeholder-code: what it keeps and what it drops."""


def _python(code, **columns):
    return {"code": code, "language": "python", **columns}


KEPT = [
    _python(None),
    _python("def check(password): return len(password) > 8"),
    _python("def check(n):\n    try:\n        return int(n)\n    except ValueError:\n        pass"),
    _python("class ParseError(Exception):\n    pass"),
    _python("from abc import *\nclass Shape(ABC):\n    @abstractmethod\n    def area(self): pass"),
    _python("class Sized(Protocol):\n    def size(self) -> int: ..."),
    _python("@overload\ndef f(a: int) -> int: ...\ndef f(a):\n    return a"),
    _python("@click.group()\ndef cli():\n    pass"),
    _python("@singledispatch\ndef show(x):\n    raise NotImplementedError"),
    _python("def f(n):\n    if n > 9:\n        raise NotImplementedError\n    return n"),
    _python("def f():\n    return 'your code here'  # a template"),
    _python('text = """\n# your code here\n"""\nprint(text)'),
    _python("def f(a):\n    # TODO: faster for long lists\n    return sorted(a)"),
    _python("# put your zip code here\nzip_code = 12345"),
    _python("# fill in the missing values\ndata = data.fillna(0)"),
    _python("'an answer that is one string'"),
    _python("def f():\n    pass", instruction="Write an empty function, one that does nothing."),
    {"code": "function f() {} // your code here", "language": "javascript"},
    _python("def f():\n    pass", role="student"),
]
DROPPED = [
    _python("def check(password): pass"),
    _python("def f(a):\n    ..."),
    _python('def f(a):\n    """Add one."""'),
    _python('async def f(a):\n    """Add one."""\n    raise NotImplementedError("later")'),
    _python("def helper(a):\n    return a\n\ndef solve(a):\n    raise NotImplementedError"),
    _python("def f(a):\n    return 1\n\ndef f(a):\n    pass"),
    _python("def f(a):\n    # Your code here\n    return None"),
    _python("def f(a):\n    return 0  # TODO: implement the search"),
    _python("def f(a):\n    # write your code\n    return a"),
    _python("x = 1\n# ... rest of the code\nprint(x)"),
    _python("class Solution:\n    def f(self, a):\n        pass", entry_point="f"),
    _python("class Solution:\n    def f(self, a):\n        pass", entry_point="Solution().f"),
    _python("@cache\ndef f(a):\n    pass", entry_point="f"),
    _python("def f():\n    pass", instruction="Write an empty function.", entry_point="f"),
]
