"""Rows for ai-talk: what it keeps and what it drops."""

KEPT = [
    {"response": None},
    {"response": 'print("Hello, I am an AI assistant.")'},
    {"response": "const text = 'As an AI language model, I count vowels';"},
    {"response": "```python\nreverse('OpenAI')\n```\nIt's the reverse of 'OpenAI'."},
    {"response": "client = OpenAI()  # the vendor's client\nprint(client.models)"},
    {"response": "def play():\n    '''Let the computer play as an AI opponent.'''"},
    {
        "instruction": "Write a web page that introduces our chatbot.",
        "response": "<h1>Hello, I am an AI. How can I help you?</h1>",
    },
    {"response": "As an AI language model, I cannot run this.", "role": "student"},
]
DROPPED = [
    {"response": "As an AI language model, I cannot run code, but here is a sketch.\n```python\nx = 1\n```"},
    {"response": "I'm sorry, but as an AI language model I can't open links."},
    {"response": "Sure, it’s easy. As an AI, I don’t feel it."},
    {"response": "x = 1  # As an AI language model, I cannot test this line"},
    {"response": "I am a large language model trained by OpenAI."},
    {"response": "I'm ChatGPT, and this is the code:\nx = 1"},
    {"response": "My knowledge cutoff is 2021, so the API may have changed."},
    {"response": '"As an AI language model, I cannot do it."'},
    {"instruction": "Replace a letter in a string.", "response": "I am an AI that replaces letters."},
    {
        "instruction": "Write a chatbot in Python.",
        "response": "As an AI language model, I cannot write a chatbot.",
    },
]
