"""Which new tasks are no programming tasks, and which speak of things that they do not hold."""

# ruff: noqa: E501 - the texts read better unbroken

from __future__ import annotations

import pytest
from cost import cost
from hypothesis import given
from hypothesis import strategies as st

from datagen.evolution.standing import is_no_programming_task, lacks_context

NO_PROGRAMMING = [
    "Write a poem about autumn leaves.",
    "Compose a haiku.",
    "Write a 500-word essay on the causes of the First World War.",
    "Write a heartfelt letter to your grandmother.",
    "Draft an email to your landlord about the broken heating.",
    "Create a slogan for a bakery that sells rye bread.",
    "Plan a wedding plan for your sister and her friends.",
    "Explain photosynthesis and why it matters to the forest.",
    "What is the capital of France, and why did it become so?",
    "Describe how bread is baked in a village without electricity.",
    "Who wrote Hamlet, and what is it about?",
]
PROGRAMMING = [
    "Reverse a string.",
    "写一个函数来反转字符串，保留标点的位置，并忽略空格",
    "给定一组会议的开始和结束时间，求最少需要多少间会议室。",
    "Schreibe eine Funktion, die eine Liste von Namen nach Nachnamen sortiert.",
    "Écris une fonction qui trie une liste de noms.",
    "Напишите функцию, которая переворачивает строку.",
    "関数を書いて、文字列を逆順にしてください。",
    "Write a function that generates a haiku from a list of words.",
    "Write a story generator that picks a hero and a place.",
    "Create a recipe manager for the terminal.",
    "Create an email validator that knows about quoted local parts.",
    "Write an email to each customer from a template, as a Python script.",
    "Write a class that stores poems and finds the one with the most lines.",
    "Ann walks from the bakery to the mill, one metre per second. How far has she come after an hour?",
    "Flip the letters of every word while punctuation and blanks stay where they are.",
    "How would you design the classes of a parking garage?",
    "Give an example of operator overloading in C++.",
    "Write a try-except block to catch a ValueError when performing a conversion.",
    "What is the difference between assert and verify?",
    "Write a chatbot that greets people in three languages and says sorry when it understands nothing.",
]

#: what it needs -> tasks that do not hold it
LACKING = {
    "table": [
        "Using the table below, compute the total of each customer.",
        "Write a function `total(rows)` that adds up the sales in the following table.\n\nReturn a dict.",
        "Find the region with the highest sales in the table shown above.",
    ],
    "code": [
        "Fix the following code.",
        "Debug this program.",
        "Please rewrite the given code, using a loop.",
        "Modify the following JavaScript code to log x three times.",
        "Write unit tests for the function below.",
        "Optimize the code above so that it needs less memory.",
    ],
    "picture": [
        "Count the triangles in the image below.",
        "Write a function that returns the path through the maze as shown in the figure.",
        "Implement the state machine. See the diagram for its transitions.",
        "Compute the area of the shape. [image]",
        "Walk the tree ![tree](https://example.com/tree.png) in depth.",
        "Find the shortest path in the following graph.",
    ],
    "file": [
        "Load the attached CSV file and report the mean of each column.",
        "I have attached sales.csv; write a function that plots it.",
        "Write a parser for the format in the accompanying document.",
        "See the attached specification and implement it.",
    ],
    "web page": [
        "Go to https://example.com/rules and implement the game.",
        "Implement the checksum described at https://example.com/checksum as a function.",
    ],
    "another exercise": [
        "Extend the function from the previous exercise to handle negative numbers.",
        "Make your previous solution run in linear time.",
    ],
}
COMPLETE = [
    "Implement a breadth-first graph traversal that returns the nodes by level.",
    "Write a function that reads a file given its path and counts its lines.",
    "Write a function that blurs a grayscale image given as a list of rows.",
    "Draw a rectangle of asterisks with the given width and height.",
    "Write a function that maps each word of a file to its line numbers.",
    "Return the dominant colour shown in the image, given as rows of RGB triples.",
    "Parse a URL such as https://example.com/a?b=c into its parts.",
    "Write a script that downloads https://example.com/data.json and prints its keys.",
    "Given an email message, return the size of the attached file in bytes.",
    "List the names of the attached files of a message.",
    "Create a table with the following columns: id, name, city.",
    "Write a class with the following methods: push, pop, peek.",
    "The result must satisfy the following rules for a list of orders.",
    "Remove duplicates from the given list.",
    "Return the size of the tree below each node.",
    "Sum the primes below the given number.",
    "Add each cell to the cell above it in the grid.",
    "Fix the following code.\n\n```python\nprint 'x'\n```",
    "Fix this function:\ndef f(x): return x +",
    "Edit the code below to print a multiplication table.\nnum = 5",
    "Reverse the following sentence.\nThe cat sat on the mat",
    "Using the table below, compute the total per customer.\n\n| name | paid |\n|---|---|\n| Ann | 3 |",
    "Using the table below, compute the total per customer.\nname,paid,day\nAnn,3,Mon",
    "Find the shortest path in the following graph: A to B costs two, B to C costs one.",
    "Solve the maze below.\n#####\n#S E#\n#####\nIt is given as rows = ['#####', '#S E#', '#####'].",
    "```\n| a | b |\n```\nSort the rows of the table above by b.",
    "The robot sees the image of a camera; as shown in the example: f(3) is 9.",
    "Convert Markdown images such as `![tree](https://example.com/t.png)` to HTML.",
    'Write a function that replaces "[image]" by an empty string.',
    "In a quiz app, let the player return to the previous question.",
    "Improve the search by caching results; write `find(key)`.",
    "写一个函数，统计下面的单词",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_PROGRAMMING)
def test_what_is_no_programming_task(text):
    """A text that asks for an essay, or has nothing that programming tasks have, is none."""
    assert is_no_programming_task(text)


@pytest.mark.parametrize("text", PROGRAMMING)
def test_programming_task(text):
    """A task is one in any language and about any subject, poems included."""
    assert not is_no_programming_task(text)


@pytest.mark.parametrize("text", [text for texts in LACKING.values() for text in texts])
def test_task_that_lacks_something(text):
    """A task that relies on a thing that is not in it cannot be solved."""
    assert lacks_context(text)


@pytest.mark.parametrize("text", COMPLETE)
def test_complete_task(text):
    """A task about files, graphs or images needs none of them, and what is announced may follow."""
    assert not lacks_context(text)


@given(st.text(alphabet=st.characters(min_codepoint=0x3040), max_size=80))
def test_other_scripts_are_no_failure(text):
    """What is known about English is not held against other scripts."""
    assert not is_no_programming_task(text)


@pytest.mark.parametrize("text", LACKING["table"][:1] + LACKING["code"][:2] + LACKING["picture"][:1])
def test_anything_fenced_is_let_off(text):
    """A block that follows may be what was announced."""
    assert not lacks_context(f"{text}\n```\nx\n```")


HOSTILE = [
    *("(", "'", "`", '"', "“", "\n", " ", "[", "![", "![a](", "]( ", "1 ", "a", "1", ":", "#", ".", "`(", "a("),
    *("following ", "following piece of ", "the ", "the table below ", "see the ", "Fix the ", "as shown in "),
    *("go to x ", ". go to a b c d e ", "write a ", "writing ", "write a ing", "\n\n- ", "\n  ", "\na,", "写", "\0"),
    *("the attached a ", "here is a new ", "i have ", "please ", "```", "~~~\n", "function from the ", "below ", "I "),
    *("sorry ", ".\n", "!   ", "the above code", "Verdict: ", "not equal ", "n't ", "\u0301", "\u2028"),
]  # fmt: skip


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("head", ["", "Write a ", "the table below"])
def test_long_text_takes_no_time(piece, head):
    """60 KB of anything are judged at once: what a model wrote may be made to hurt."""
    text = head + piece * (60_000 // len(piece))
    assert cost(lambda: (is_no_programming_task(text), lacks_context(text))) < 30
