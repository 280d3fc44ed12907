"""A task that cannot be done without something that is not in its text.

What: the instruction sends the reader to an attachment, to a picture, chart, map or recording ("the diagram
    below", "describe this image"), or to a page that holds the task itself.
Why: the teacher had to invent what it was not given.
Source: Code Alpaca's word list (image, graph, map, file, draw, plot, video ...), which also drops graph
    traversal, the map function and file handling. Here a word counts only where the sentence points at the
    missing thing (our addition); a picture beside worked examples illustrates a task that is whole without.
Kept: `Write a function that reads an image file and plots its histogram.`
Dropped: `Write the code for the flowchart shown below.`
"""

import polars as pl

from rules._rule import IsTrue, Rule

_SIGHT = (
    r"(?:image|picture|photo|photograph|screenshot|figure|diagram|flow ?chart|chart|drawing|sketch"
    r"|illustration|video|audio(?: clip| file)?|recording|song)"
)
_PAPER = rf"(?:{_SIGHT}|file|document|spreadsheet|data ?set|csv|pdf|notebook|graph|map|table|archive|code)"
_DO = r"(?:write|create|implement|solve|find|answer|count|complete|explain|describe|summari[sz]e|tell|do the)"
_STOP = rf"(?:[.,;!?)]|\z| and (?:then )?{_DO}\b| (?:shows?|depicts?|illustrates?|represents?|is|are)\b)"
_START = r"(?:\A|[.!?:\n]\s*)(?:please )?"
# Nothing follows: no further line, and nothing after a colon, that could hold the thing.
_NOTHING = r"[^:\n]*:?\s*\z"

_ATTACHED = (
    rf"\b(?:see|in|from|on|open|read|using|use|refer to|based on|look at|per) (?:the|this|my|your) "
    rf"(?:attached|enclosed|accompanying) (?:\w+ )?{_PAPER}\b",
    rf"{_START}(?:(?:convert|translate|fix|debug|analy[sz]e|summari[sz]e|review) )?(?:the|this) attached "
    rf"(?:\w+ )?{_PAPER}\b",
    rf"\b(?:the|this) (?:attached|enclosed) {_SIGHT}\b",
    r"\bi(?: have|['’]ve)? (?:attached|uploaded|enclosed)\b",
    rf"\b{_PAPER} (?:is|are) (?:attached|enclosed)\b",
    r"\bsee (?:the )?attach(?:ed|ment)\b",
)
_SEEN = (
    rf"\b(?:the|this|these) (?:\w+ )?(?:{_SIGHT}|map)s? (?:(?:shown|given|provided) )?(?:below|above){_STOP}",
    r"\b(?:the|this) (?:\w+ )?(?:diagram|flow ?chart|chart|picture|screenshot|drawing|figure)s? "
    rf"(?:provided|shown|attached|given){_STOP}",
    rf"\bbased on (?:the|this) {_SIGHT} (?:provided|shown|given)\b",
    r"\bon the map (?:shown|above|below|provided)\b",
    r"\b(?:as (?:shown|seen)|depicted|pictured|illustrated) (?:in|on|by) (?:the|this) "
    rf"(?:\w+ )?(?:{_SIGHT}|map)\b",
    r"\bshown in the (?:image|picture|photo|screenshot|diagram|figure|drawing)(?:[.,]|\s*\z)",
    rf"\b(?:problem|question|flow ?chart|layout|design|bug) (?:given |described )?in the {_SIGHT}\b",
    rf"{_START}(?:look at|refer to|see|watch|listen to) (?:the|this) (?:\w+ )?{_SIGHT}(?: and\b|{_STOP})",
    rf"{_START}(?:describe|interpret|explain|caption|transcribe) (?:the|this) (?:\w+ )?{_SIGHT}\.?\s*\z",
    rf"{_START}what (?:does|do|is|are) [^.?\n]*\b(?:this|the) {_SIGHT}(?: \w+)? ?\?",
    rf"\b(?:following|below) {_SIGHT}\b{_NOTHING}",
    rf"\b(?:in|on|from|given|of|about|with|using|describe) this {_SIGHT}{_STOP}{_NOTHING}",
    rf"\b(?:provided|given) (?:class |er |uml )?(?:diagram|flow ?chart|screenshot)\b{_NOTHING}",
    r"(?m:^)\s*\[(?:insert )?(?:an? |the )?(?:image|picture|photo|screenshot|diagram|figure|chart|video)"
    r"(?:\s*\d+| here)?(?:: ?[^\]\n]*)?\]\s*(?m:$)",
)
_ON_A_PAGE = (
    r"\b(?:problem|task|exercise|question|assignment|challenge|instructions|requirements) "
    r"(?:(?:described|found|given|posted|listed|stated|shown) )?(?:at|on|in|here|from)?:? ?\(?https?://",
    rf"{_START}(?:see|visit|check(?: out)?|go to|open|read) (?:the (?:\w+ ){{1,3}})?https?://\S+ "
    rf"and (?:then )?{_DO}\b",
    r"\bsummari[sz]e (?:the )?(?:\w+ ){0,4}(?:at|from|on|in)?:? ?https?://",
    r"\b(?:at|in|on|follow|see|visit|open|read) (?:this link|the (?:following|above|provided) link|the link "
    rf"(?:above|below|provided))\b{_NOTHING}",
)
_EXAMPLES = r"(?i)\bexample(?: \d+)?:|\boutput:|>>>"


def _any_of(patterns: tuple[str, ...]) -> pl.Expr:
    return pl.col("instruction").str.contains("(?i)" + "|".join(patterns))


RULE = Rule(
    judges="instruction",
    measure="unavailable_context",
    of=_any_of(_ATTACHED)
    | (_any_of(_SEEN) & ~pl.col("instruction").str.contains(_EXAMPLES))
    | _any_of(_ON_A_PAGE),
    drop_when=IsTrue(),
)
