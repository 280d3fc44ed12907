"""Rows for refusal: what it keeps and what it drops."""

KEPT = [
    {"response": None},
    {"response": 'print("Sorry, try again")'},
    {"response": "alert('I am sorry, I cannot help you');"},
    {"response": "<h1>Sorry, page not found</h1>"},
    {"response": "A tuple cannot be changed once it was created."},
    {"response": "Sorry for the confusion, here it is:\n```python\nx = 1\n```"},
    {"response": "I'm sorry, but this is long. " + "The loop runs on. " * 20},
    {"instruction": "Write a function that says sorry.", "response": "Sorry, I am late."},
    {"response": "I'm sorry, but I can't help with that.", "role": "student"},
]
DROPPED = [
    {"response": "I'm sorry, but I can't help with that."},
    {"response": "I’m sorry, I can’t assist with that request."},
    {"response": "Sorry, I am unable to open files."},
    {"response": "I cannot provide the code for this."},
    {"response": "Unfortunately, I do not have access to your data."},
    {"response": "I apologize, but the task is unclear to me."},
    {"instruction": None, "response": "I am sorry."},
    {"response": "\"I'm sorry, but I can't help with that.\""},
]
