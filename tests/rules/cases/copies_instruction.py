"""Rows for copies-instruction: what it keeps and what it drops."""

_TASK = "Reverse a list, in Python."

KEPT = [
    {"instruction": _TASK, "response": None},
    {"instruction": None, "response": None},
    {"instruction": "?", "response": "!"},
    {"instruction": _TASK, "response": f"{_TASK}\n```python\nx.reverse()\n```", "code": "x.reverse()"},
    {"instruction": _TASK, "response": f"{_TASK} Use the method reverse."},
    {"instruction": _TASK, "response": "Reverse a list"},
    {"instruction": "def f(x):\n    # return x", "response": "def f(x):\n    return x + 1"},
    {"instruction": _TASK, "response": _TASK, "role": "student"},
]
DROPPED = [
    {"instruction": _TASK, "response": _TASK},
    {"instruction": _TASK, "response": "  reverse a list in\nPython"},
    {"instruction": _TASK, "response": f"{_TASK} {_TASK}\n{_TASK}"},
    {"instruction": "- İki", "response": "i̇ki!"},
    {"instruction": _TASK, "response": f'"{_TASK}"', "code": "Reverse a list, in Python."},
    {"instruction": _TASK, "response": f"{_TASK}\n```python\n\n```", "code": None},
]
