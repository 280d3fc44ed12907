"""Whether a new task stands on its own: as something to program, with all that it speaks of.

PanGu-Coder2 asks for tasks that code solves and that depend on nothing else (arXiv 2307.14936, figure 2).
Code Alpaca (sahil280114/codealpaca) drops every task with a word such as file, graph, map or image in it,
and with them the tasks that merely work on such things; here it counts how a thing is spoken of.
"""

from __future__ import annotations

import re

from datagen.evolution.words import prose, words

# Words, or beginnings of words, that tasks for programmers have and others rarely. One is enough.
_TERMS = frozenset(
    "account acronym address alphabet alphabetical amount api app application argument array"
    " ascending assert average aws balance bash bit blank board bot brackets bug button byte c cache"
    " calendar cell character chatbot chess circle class classes client clock cloud code coin column"
    " combination comma command concurrent condition console constructor coordinate cost count css"
    " csv cursor customer cycle decimal descending dict difference digit discount distance django"
    " docker dom duration earliest edge element emoji equation error exception expression fewest file"
    " flask float form fraction framework function game git golang grammar graph grid group hash heap"
    " highest html id index indexes indices input integer interface interval inventory invoice ip"
    " java json key keyboard label language largest latest least letter library line linux list log"
    " longest loop lowest match matches matrix maximum maze median meeting memory method minimum mode"
    " model module month movement mysql name negative network neural newest node normal number object"
    " oldest oop operation operator order output overload package page pair parameter parentheses"
    " parser password path pattern percent percentage permutation php piece pixel player point"
    " pointer polygon position positive price prime priority probability product protocol punctuation"
    " puzzle quantity queries query queue random range rank rate ratio react record rectangle regex"
    " regression remainder result robot root route row ruby rule rust sample scala scale schedule"
    " score screen script second sentence sequence server shape shell shortest signal size slot"
    " smallest sorted sql square stack state statement step stock store string subset sum swift"
    " syntax system table terminal test text thread time timestamp token tool total tree triangle"
    " trie tuple type unit url user username utf value variable vector vertex vertices vowel vue"
    " weight whitespace window word xml yaml zero".split()
)
_BEGINNINGS = tuple(
    "abstract algorithm angular arithmetic authenticat automat benchmark binar boolean calculat"
    " canonical check classif coder coding compil compress comput concaten config convert data debug"
    " decod decrypt deploy determin develop dictionar duplicat encapsul encod encrypt enum estimat"
    " evaluat extract factorial fibonacci filter find format generat implement inherit intersect"
    " iterat javascript jquery kotlin kubernetes lexi librar lowercase machine matlab matrices merg"
    " multipl normali numer occurren optim overload palindrom pars playlist polymorph predict print"
    " process program pseudocode python recogni recurs remov return revers schedul search segment"
    " separat serial simulat software sort stor substring subtract thread timestamp token train"
    " transform transpos travers trunc typescript updat uppercas valid web windows".split()
)
_CODE_MARKS = re.compile(r"[\d`{}<>=\[\]_+]|\w\(|[a-z][A-Z]|\.\w")
#: Only English is judged, and of it only what these words show to be English.
_ENGLISH = frozenset(
    "about and are describe explain from how of that the this to what who why with your".split()
)
LEAST_ENGLISH = 2

_PRODUCT = (
    r"(?:poem|haiku|sonnet|limerick|song|lyrics|essay|(?:short |fairy |bedtime )?(?:story|tale)|novel|letter"
    r"|e-?mail|speech|toast|blog post|article|press release|slogan|tagline|recipe|itinerary|advertisement"
    r"|biography|obituary|diary entry|(?:meal|diet|travel|lesson|workout|wedding) plan)"
)
_PRODUCES = re.compile(
    r"\A\W*(?:please )?(?:write|compose|create|draft|plan|prepare|design|come up with)"
    r"(?: (?!(?:for|of|to|that|with|in|from|which|and|as)\b)[\w'’-]{1,20}){1,4}"
    rf" {_PRODUCT}"
    r"(?=[.!?]|\s*\Z| (?:about|for|on|to|from|in|inspired|that|of|which|titled|called|describing|where)\b)",
    re.IGNORECASE,
)
#: What makes even such a beginning a programming task.
_PROGRAMS = re.compile(
    r"\b(?:functions?|cod(?:e|ing)|programs?|programming|scripts?|algorithms?|class(?:es)?|methods?|html|css"
    r"|apps?|tools?|generators?|parsers?|bots?|games?|pages?|web\w*|templates?|forms?|systems?|models?"
    r"|strings?|arrays?|python|java(?:script)?|returns?|api|database)\b|[`{}=]|\w\(",
    re.IGNORECASE,
)


def is_no_programming_task(text: str) -> bool:
    """Whether English `text` has nothing that a task for programmers has, or asks for a poem and the like."""
    if _PRODUCES.match(text) and not _PROGRAMS.search(text):
        return True
    if _CODE_MARKS.search(text):
        return False
    found = words(text)
    if len(_ENGLISH.intersection(found)) < LEAST_ENGLISH:
        return False
    return not any(
        word in _TERMS or word.removesuffix("s") in _TERMS or word.startswith(_BEGINNINGS) for word in found
    )


_KIND = (
    r"(?:(?:python|java|javascript|sql|html|css|php|ruby|c|c\+\+|c#|json|xml|csv|source|sample|simple|buggy"
    r"|faulty|incorrect|wrong|broken|given|same|two|three|(?:piece|block|snippet|lines?) of) ){0,3}"
)
#: Texts hold these in any form.
_TEXTUAL = (
    r"(?:code|snippet|program|script|function|class|method|query|statement|list|array|string|text|paragraph"
    r"|passage|sentence|dataset|data|schema|json|xml|html|csv|log|pseudocode|equations?)"
)
#: These only as marks, numbers or drawn characters.
_DRAWN = (
    r"(?:tables?|matrix|grid|maze|graph|tree|diagram|figure|image|picture|photo|screenshot|flow ?chart|chart"
    r"|drawing|video)"
)
_SHOWN = r"(?: (?:shown|given|provided|listed))?"
_PAUSE = r"(?=\s*(?:[.,;!?:)]|\Z)|\s+(?:to|so|using|that|which|into|by|in|and|with|write|return)\b)"


def _mention(noun: str) -> re.Pattern[str]:
    """A place that says that something follows."""
    return re.compile(
        rf"\bfollowing {_KIND}{noun}{_PAUSE}|\bbelow {_KIND}{noun}{_PAUSE}"
        rf"|\b(?:the|this|these) {_KIND}{noun}{_SHOWN} below{_PAUSE}",
        re.IGNORECASE,
    )


_TEXTUAL_MENTION, _DRAWN_MENTION = _mention(_TEXTUAL), _mention(_DRAWN)
_FIGURE = re.compile(
    r"\bas (?:shown|depicted|illustrated|seen|pictured) in (?:the |this )?(?:\w+ )?"
    r"(?:diagram|figure|image|picture|photo|screenshot|chart|video)\b(?! (?:of|file))"
    r"|(?:^|[.(;] ?)(?:please )?(?:see|refer to|consult) (?:the )?(?:\w+ )?"
    r"(?:diagram|figure|picture|screenshot|chart)\b",
    re.IGNORECASE | re.MULTILINE,
)
_ABOVE = re.compile(
    rf"\b(?:the above {_KIND}(?:code|snippet|{_DRAWN})"
    rf"|the {_KIND}(?:code|snippet|{_DRAWN}){_SHOWN} above){_PAUSE}",
    re.IGNORECASE,
)
#: "Fix this code."
_OWN_CODE = re.compile(
    r"(?:\A|[.!?]\s)\W{0,9}(?:please )?(?:fix|debug|correct|repair|rewrite|refactor|optimi[sz]e|edit|modify"
    r"|improve|explain|translate|convert|find (?:the |all )?(?:bugs?|errors?|mistakes?) in) (?:"
    rf"(?:this|the given|the provided) {_KIND}(?:code|snippet|program|script|function|class|query)"
    rf"|the {_KIND}(?:code|snippet)){_PAUSE}",
    re.IGNORECASE,
)
#: Nothing in a text can make these good.
_ELSEWHERE = re.compile(
    r"!\[[^\]\n]{0,100}\]\(\s*https?:"
    r"|(?<!\w)\[(?:image|figure|screenshot|picture|diagram|photo)(?: \d+| here| omitted)?\](?!\()"
    r"|\b(?:functions?|solutions?|code|program|class|implementation|results?) (?:from|of|in) (?:the|your)"
    r" (?:previous|earlier|preceding|last) (?:exercise|task|problem|question|part|step)\b"
    r"|\byour (?:previous|earlier) (?:solution|implementation|function|code|program|answer)\b"
    r"|(?:\A|[.!?]\s)\W{0,9}(?:please )?(?:visit|go to|see|refer to|follow|watch|look at|check out|click)"
    r"(?: [^\s.!?]{1,30}){0,5}? ?<?https?://"
    r"|\b(?:described|explained|specified|documented|shown|pictured) (?:at|on|in|here):? <?https?://",
    re.IGNORECASE,
)
_ATTACHED = re.compile(
    r"\bthe (?:attached|accompanying) (?:\w+ ){0,2}?(?:file|document|image|picture|photo|screenshot"
    r"|spreadsheet|diagram|figure|pdf|csv|table|code|dataset|data|script)\b(?! (?:of|to|by|from))"
    r"|\bsee (?:the )?attach(?:ed|ment)\b|\bi(?:['’]ve| have) attached\b|\battached (?:below|here|above)\b",
    re.IGNORECASE,
)
_MESSAGES = re.compile(r"\be-?mails?\b|\bmessages?\b|\bmails?\b|\btickets?\b|\battachments\b", re.IGNORECASE)

_NAMED = re.compile(r"`[\w.]*(?:\([\w\s,=.]*\))?`")
_MARKED = re.compile(
    r"[|\[{<=\"“`\t]|:\s*\S|\d ?[,x] ?\d|\d \d|\n[ ]*(?:[-*•]|\d+[.)]) |\n {2}|\n[^\n,]+,[^\n,]+,"
)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^“”\n]*”|`[^`\n]*`")


def lacks_context(text: str) -> bool:
    """Whether `text` relies on what it does not hold: a table below, an image, a file attached, a web page.

    A place that announces a thing is let off as soon as anything that may be that thing comes after it.
    """
    plain = _QUOTED.sub(" ", prose(text))
    if _ELSEWHERE.search(plain) or (_ATTACHED.search(plain) and not _MESSAGES.search(plain)):
        return True
    # The first mention is the one with the most behind it.
    for mention, holds in ((_TEXTUAL_MENTION, _any_form), (_DRAWN_MENTION, _drawn), (_FIGURE, _drawn)):
        if (found := mention.search(text)) and not holds(text[found.end() :]):
            return True
    if (found := _ABOVE.search(text)) and not _any_form(text[: found.start()]):
        return True
    return _OWN_CODE.search(text) is not None and not _any_form(text)


def _drawn(text: str) -> bool:
    return _MARKED.search(_NAMED.sub(" ", text)) is not None


def _any_form(text: str) -> bool:
    return _drawn(text) or "\n" in text.strip()
