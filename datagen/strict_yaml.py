"""YAML that people write for datagen: recipes and teachers files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from datagen.errors import UsageError, one_line

#: Aliases make a small file stand for endless content.
_MOST_NODES = 100_000
#: Python neither reads nor prints numbers of thousands of digits.
_MOST_BITS = 1000


class _Loader(yaml.SafeLoader):
    """YAML without Python objects, and without keys given twice, the first of which would be lost."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:  # noqa: ANN401 - as in PyYAML
        # Before the keys of merged mappings, which these may replace, are among them.
        node = super().compose_mapping_node(anchor)
        counts = Counter((key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for (tag, value), count in counts.items():
            if count > 1 and tag != "tag:yaml.org,2002:merge":
                problem = f"the key {value} is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return node


def _whole_number(loader: _Loader, node: yaml.ScalarNode) -> int:
    """A whole number as YAML has it, in any of its bases."""
    try:
        number = int(loader.construct_yaml_int(node))
    except ValueError:  # digits that Python does not take, or too many of them
        number = 1 << _MOST_BITS
    if number.bit_length() > _MOST_BITS:
        problem = f"not a whole number, or one of more than {_MOST_BITS} bits"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    return number


_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)


def _size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """How many nodes a document has when each alias is what it stands for."""
    if id(node) in sizes:
        return sizes[id(node)]
    sizes[id(node)] = _MOST_NODES  # an alias of what it stands in has no end
    inside = []
    if isinstance(node, yaml.MappingNode):
        inside = [one for pair in node.value for one in pair]
    elif isinstance(node, yaml.SequenceNode):
        inside = node.value
    sizes[id(node)] = 1 + sum(_size(one, sizes) for one in inside)
    return sizes[id(node)]


def _load(text: str) -> object:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > _MOST_NODES:
            raise yaml.constructor.ConstructorError(
                None, None, "its aliases make it too large", node.start_mark
            )
        return loader.construct_document(node)
    finally:
        loader.dispose()


def read(path: Path, what: str, other: str = "") -> str:
    """The text of a file.

    what: what it should be, such as "a recipe"; other: what else would do; for the error line.

    Raises:
        UsageError: it cannot be read, or is no text.
    """
    instead = f"give {what} in YAML" + (f", {other}" if other else "")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a text file in UTF-8; {instead}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read: {reason}; {instead}") from None


def parse_mapping(text: str, where: str, what: str) -> dict[Any, Any]:
    """A text's YAML, which has to be a mapping.

    Raises:
        UsageError: it is not YAML, or no mapping.
    """
    try:
        content = _load(text)
    except (yaml.YAMLError, RecursionError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(f"{where}: not YAML: {_told(error)}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{where}: {what} should be a mapping of keys to values")
    return content


def _told(error: Exception) -> str:
    """What is wrong and where, without the line itself: there may be a key in it."""
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark or error.context_mark):
        return one_line(
            f"{error.problem or error.context}, line {mark.line + 1}, column {mark.column + 1}", 160
        )
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return one_line(error, 160)


def load_mapping(path: Path, what: str) -> dict[Any, Any]:
    """Read and parse a file; see `read` and `parse_mapping`."""
    return parse_mapping(read(path, what), path.name, what)
