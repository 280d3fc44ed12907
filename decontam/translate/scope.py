"""The variables of a function in translation."""

from __future__ import annotations

from decontam.translate.expressions import Node, Unread

#: Names for what is only looked at at once.
_EXPENDABLE = frozenset({"_", "err", "ok"})


class Scope:
    """The variables of a function.

    Args:
        around: the function around it.
    """

    def __init__(self, around: Scope | None = None) -> None:
        self.around = around
        self.kinds: dict[str, str] = {}
        self.assigned: set[str] = set()
        self.blocks: list[set[str]] = [set()]
        self.through: set[str] = set()  # references of Rust that a loop writes back
        self.entries: dict[str, Node] = {}  # references to values of maps

    def shadows(self, names: list[str]) -> None:
        """Note variables of the innermost block.

        Raises:
            Unread: a block around it has one of that name, which in Python would be the same.
        """
        around = set().union(*self.blocks[:-1])
        for name in names:
            if name in around and name not in _EXPENDABLE:
                raise Unread("shadow")
            self.blocks[-1].add(name)

    def knows(self, name: str) -> bool:
        """Whether it is a variable here or around."""
        return name in self.kinds or (self.around is not None and self.around.knows(name))

    def kind(self, name: str) -> str:
        """The kind of a variable's values."""
        if name in self.kinds:
            return self.kinds[name]
        return self.around.kind(name) if self.around else ""
