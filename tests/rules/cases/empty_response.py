"""Rows for empty-response: what it keeps and what it drops."""

KEPT = [
    {"response": "lst.sort()", "code": "lst.sort()"},
    {"response": "The answer is 5."},
    {"response": "```js\ni++\n```", "code": "i++", "language": "javascript"},
    {"response": None, "role": "student"},
]
DROPPED = [
    {"response": None},
    {"response": " \n\t"},
    {"response": "..."},
    {"response": "```python\n```", "code": ""},
    {"response": "-- ... !?", "code": "..."},
    {"response": "Sure!"},
    {"response": "Here you go:", "code": " "},
]
