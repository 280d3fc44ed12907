"""Rows for repeated-lines: what it keeps and what it drops."""

KEPT = [
    {"response": None},
    {"response": "".join(f"assert square({n}) == {n * n}\n" for n in range(40))},
    {"response": "| name | age |\n| --- | --- |\n" + "".join(f"| n{n} | {n} |\n" for n in range(20))},
    {"response": "<tr>\n" + "".join(f"<td>Row {n}</td>\n<td>Row {n}</td>\n" for n in range(10)) + "</tr>"},
    {"response": "}\n" * 40 + "def f():\n    return 1\n"},
    {"response": "board = [\n" + "    [0, 0, 0],\n" * 8 + "]\n"},
    {"response": "count += 1\n" * 50, "role": "student"},
]
DROPPED = [
    {"response": "count += 1\n" * 50},
    {"response": "def f():\n    a = 1\n    return a\n\n" * 12},
    {"response": "import os\nimport sys\nimport re\n" + "using System.Text;\r\n" * 20},
    {"response": "I can do it.\n" * 11},
]
