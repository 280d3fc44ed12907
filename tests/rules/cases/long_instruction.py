"""Rows for long-instruction: what it keeps and what it drops."""

KEPT = [{"instruction": None}, {"instruction": "word " * 200}]
DROPPED = [{"instruction": "word " * 201}, {"instruction": "Fix this.\n" + "x = 1\n" * 67}]
