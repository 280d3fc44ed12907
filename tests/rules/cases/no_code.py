"""Rows for no-code: what it keeps and what it drops."""

KEPT = [
    {"response": "x = 1", "code": "x = 1", "language": "python"},
    {"response": "let x = 1;", "code": "let x = 1;", "language": "javascript"},
    {"response": "let x = 1;", "code": "let x = 1;", "language": None},
    {"response": "You could use a loop.", "code": None, "role": "student"},
]
DROPPED = [
    {"response": "You could use a loop.", "code": None},
    {"response": "```python\n\n```", "code": "\n\t ", "language": "python"},
    {"response": "```js\n```", "code": "", "language": "javascript"},
]
