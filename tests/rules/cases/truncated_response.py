"""Rows for truncated-response: what it keeps and what it drops."""

KEPT = [
    {"response": None},
    {"response": "x = 1", "finish_reason": None},
    {"response": "x = 1", "finish_reason": "stop"},
    {"response": "Here:\n```python\nx = 1\n```\nDone."},
    {"response": "```python\nif line.startswith('```'):\n    n += 1\n```"},
    {"response": "````markdown\n```python\nx = 1\n```\n````"},
    {"response": "```python\ndef f():\n    return 1```"},
    {"response": "def f():\n    return 1\n```\nThis function returns 1."},
    {"response": "Use ```x = 1``` for this."},
    {"response": "Steps:\r\n\r\n```\r\nls\r\n```\r\n"},
    {"response": "```python\ndef f(", "finish_reason": "length", "role": "student"},
]
DROPPED = [
    {"response": None, "finish_reason": "length"},
    {"response": "```python\nx = 1\n```", "finish_reason": "length"},
    {"response": "x = 1", "finish_reason": "max_tokens"},
    {"response": "```python\ndef f("},
    {"response": "Here is the code:\n```\ndef f(", "finish_reason": "stop"},
    {"response": "First:\n```js\nlet a = 1\n```\nThen:\n\n```js\nlet b = `${a}`"},
    {"response": "1. Write it:\n   ```python\n   def f("},
    {"response": "Here is the code:\r\n```python"},
]
