"""Names of programming languages, as fences and data sets write them."""

from __future__ import annotations

import re

_LANGUAGES = {
    **dict.fromkeys(("py", "py3", "python3"), "python"),
    **{"js": "javascript", "ts": "typescript", "c++": "cpp"},
}
_VERSION = re.compile(r"[\s/_-]*v?\d+(?:\.\d+)*$")
#: Columns called `language` hold these, too. Codes of programming languages (`cs`, `pl`) are not among them.
_SPOKEN = frozenset(
    "en eng english en-us en-gb en_us de deu ger german fr fra fre french es spa spanish zh zho chi chinese"
    " zh-cn zh-tw zh_cn ja jpn japanese ko kor korean pt por portuguese pt-br it ita italian ru rus russian"
    " nl nld dutch ar ara arabic hi hin hindi tr tur turkish vi vie vietnamese th tha thai id ind indonesian"
    " uk ukr ukrainian sv swe swedish fi fin finnish da dan danish no nor norwegian el ell greek he heb"
    " hebrew fa fas persian bn ben ro ron romanian hu hun hungarian cmn yue multilingual mixed unknown und"
    " other".split()
)


def common_name(language: str) -> str:
    """`python` of "Python 3" and `py`; "" of a language that people speak, such as `en`."""
    name = _VERSION.sub("", language.strip().lower())
    return "" if name in _SPOKEN else _LANGUAGES.get(name, name)
