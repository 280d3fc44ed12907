"""Rows for leaked-prompt-words: what it keeps and what it drops."""

KEPT = [
    {"instruction": None},
    {"instruction": "Write a scheduler that runs the given task list in order of priority."},
    {"instruction": "Write a function that marks the given task as done. Harder tasks count double."},
    {"instruction": "Write a shell that prints a new prompt after every command."},
    {"instruction": "Ask the user for a number with the given prompt and return it as an int."},
    {"instruction": "Rewrite the given function to use a loop."},
    {"instruction": "Rewrite the following code.\nprompt = input('> ')"},
    {"instruction": "Add an entry to the to-do list.\nNew task: buy milk\nUpdated task: buy oat milk"},
    {"instruction": "Make the given query more complex by adding a join."},
    {"instruction": "Write tests for the rewritten parser.\n# New tests"},
    {"instruction": "Write code that calls a language model with a given prompt and returns the completion."},
]
DROPPED = [
    {"instruction": "#Rewritten Task#: Write a scheduler with priorities."},
    {"instruction": "# given test #\nWrite a function that adds two numbers."},
    {"instruction": "## Rewritten Task\nWrite a function that adds two numbers."},
    {"instruction": "#The Given Prompt#:\nWrite a function that adds two numbers."},
    {"instruction": "REWRITTEN PROMPT: Write a function that adds two numbers."},
    {"instruction": "The rewritten programming test question asks for a function that adds numbers."},
    {"instruction": "Write a function that adds.\nHarder task: Write a function that adds two matrices."},
    {"instruction": "New prompt: Write a function that adds two numbers."},
    {"instruction": "Here is the new prompt: Write a function that adds two numbers."},
    {"instruction": "Given task: Write a function that adds two numbers."},
    {"instruction": "Rewrite the given prompt so that it needs recursion."},
    {"instruction": "Create a more complex version of the given task, with ten more words."},
    {"instruction": "The given prompt asks for a function that adds two numbers."},
    {"instruction": "Sort a list. If the original problem can be solved with only a few steps, add more."},
    {"instruction": "Increase the difficulty of the given programming test question a bit."},
]
