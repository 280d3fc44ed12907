"""Rows for short-instruction: what it keeps and what it drops."""

KEPT = [
    {"instruction": "Reverse a linked list."},
    {"instruction": "Sort it:\n[3, 1, 2]"},
    {"instruction": "编写一个函数，反转链表。"},
]
DROPPED = [
    {"instruction": None},
    {"instruction": " \n "},
    {"instruction": "Write a function."},
    {"instruction": "Sort\n\n\tit   now"},
    {"instruction": "写函数"},
    {"instruction": "Write code", "response": "x = 1", "role": "student"},
]
