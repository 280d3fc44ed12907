"""A stage's options, declared once: the fields of a frozen dataclass.

Command line, recipe keys, what the plan of a data set holds, and Python's keywords all come from these
fields:

    @dataclass(frozen=True, kw_only=True)
    class Options:
        rounds: int = option(3, type=values.whole(1, 20), help="Attempts per seed.")
        only_evolved: bool = option(False, help="Leave the seeds themselves out of the result.")
        method: tuple[str, ...] = option((), type=values.MethodWeight(), help="Method to draw; repeat for
        more.")

The field's name is the recipe's key and, with hyphens, the flag; a name of one letter is a short flag. A
default of False makes a switch, a tuple an option that may be repeated.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from datagen.errors import UsageError, nearest, one_line
from datagen.runs import values
from datagen.teachers import Profile, Role

O = TypeVar("O")  # noqa: E741 - a stage's options


@dataclass(frozen=True)
class Option:
    """What is known of an option beside its name, type and default.

    Args:
        type: Click's type; None for a switch, and for texts.
        help: the line that --help shows.
        metavar: how --help writes the value; None for what Click makes of the type.
        decides: whether another value can give other rows; only then it is part of the plan.
        role: who of the teachers file is meant where nobody is named.
        required: whether it must be given, or come from the teachers file.
    """

    type: click.ParamType[Any] | None
    help: str
    metavar: str | None
    decides: bool
    role: Role | None
    required: bool


def option(
    default: Any,  # noqa: ANN401 - the field's annotation says it
    *,
    help: str,  # noqa: A002 - as Click calls it
    type: click.ParamType[Any] | None = None,  # noqa: A002
    metavar: str | None = None,
    decides: bool = True,
    role: Role | None = None,
    required: bool = False,
) -> Any:  # noqa: ANN401 - a dataclass field
    """A field of a stage's options; see `Option`."""
    known = Option(type, help, metavar, decides, role, required)
    return dataclasses.field(default=default, metadata={"option": known})


def teachers_option() -> Any:  # noqa: ANN401 - a dataclass field
    """The field of those who are asked."""
    return option(
        (),
        type=values.TeacherSpec(),
        metavar="SPEC",
        role="teacher",
        required=True,
        help="Who is asked, such as local:smollm2 or openai:MODEL@BASE_URL; repeat for more."
        " Default: the teachers of --teachers.",
    )


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """The options of every stage that asks models."""

    seed: int = option(0, metavar="N", help="Random seed.")
    concurrency: int | None = option(
        None,
        type=values.whole(1, 65536),
        metavar="N",
        decides=False,
        help="Calls at a time to each teacher; default: what suits the teacher.",
    )
    timeout: float | None = option(
        None,
        type=values.POSITIVE,
        metavar="SECONDS",
        decides=False,
        help="How long one call may take; default: what suits the teacher.",
    )


class Field(click.Option):
    """The option of a field on the command line."""

    def __init__(self, field: dataclasses.Field[Any]) -> None:
        known: Option = field.metadata["option"]
        default = field.default
        switch, multiple = default is False, isinstance(default, tuple)
        super().__init__(
            [f"-{field.name}" if len(field.name) == 1 else f"--{field.name.replace('_', '-')}", field.name],
            type=known.type or (None if switch or default is None else type(default)),
            default=default,
            is_flag=switch,
            multiple=multiple,
            show_default=not (switch or default in (None, ())),
            metavar=known.metavar,
            help=known.help,
            callback=_of_role(known.role, multiple=multiple, required=known.required) if known.role else None,
        )


def _of_role(role: Role, *, multiple: bool, required: bool) -> Callable[..., Any]:
    """A callback that takes those of the teachers file who have a role, unless somebody is named."""

    def callback(ctx: click.Context, param: click.Parameter, value: Any) -> Any:  # noqa: ANN401
        known = [one for one in values.known_profiles(ctx).values() if one.role == role]
        if multiple:
            value = value or tuple(known)
        elif value is None and len(known) > 1:
            names = ", ".join(one.name for one in known)
            raise click.BadParameter(f"there are several {role}s ({names}); name one", ctx, param)
        else:
            value = value or next(iter(known), None)
        if required and not value and not ctx.resilient_parsing:
            raise click.MissingParameter(ctx=ctx, param=param)
        return value

    return callback


def fields_of(options: type[Any]) -> list[dataclasses.Field[Any]]:
    """The fields of a stage's options: its own first, then those that every stage of its kind has."""
    own = inspect.get_annotations(options)
    return sorted(dataclasses.fields(options), key=lambda field: field.name not in own)


def click_options(options: type[Any]) -> list[click.Option]:
    """The options of a stage's command; `--teachers` before the first that asks for teachers."""
    found: list[click.Option] = [Field(field) for field in fields_of(options)]
    asks = any(isinstance(one.type, values.TeacherSpec) for one in found)
    return [_teachers_file(), *found] if asks else found


def _teachers_file() -> click.Option:
    def remember(ctx: click.Context, param: click.Parameter, value: dict[str, Profile] | None) -> None:  # noqa: ARG001
        if value is not None:
            ctx.obj = value

    return click.Option(
        ["--teachers"],
        type=values.TeachersFile(),
        is_eager=True,
        expose_value=False,
        callback=remember,
        metavar="FILE",
        help="Settings of teachers (YAML): keys, limits, prices, roles; their names may be SPECs.",
    )


def from_keywords(
    options: type[O],
    stage: str,
    given: Mapping[str, Any],
    *,
    also: Sequence[str] = (),
    known: Mapping[str, Profile] | None = None,
) -> O:
    """A stage's options from Python's keywords, checked as those of the command line are.

    A text is enough where an option may be repeated; a SPEC is enough for a teacher; None is the default.

    Args:
        options: the stage's dataclass.
        stage: its name.
        given: the keywords.
        also: other keywords that the error for an unknown one may name.
        known: the profiles of a teachers file, by name.

    Raises:
        UsageError: a keyword is unknown (the line names the nearest), or its value is not allowed.
    """
    fields = {field.name: field for field in fields_of(options)}
    for name in given:
        if name not in fields:
            near = nearest(name, [*fields, *also])
            raise UsageError(f"{stage}: unknown keyword {one_line(name, 40)}: {near}")
    context = click.Context(click.Command(stage), obj=known)
    found = {name: _converted(fields[name], value, stage, context) for name, value in given.items()}
    for name, field in fields.items():
        if field.metadata["option"].role and not found.get(name):
            try:
                found[name] = Field(field).process_value(context, None)
            except click.ClickException:
                raise UsageError(f"{stage}: {name} is missing: {field.metadata['option'].help}") from None
    return options(**found)


def _converted(
    field: dataclasses.Field[Any],
    value: Any,  # noqa: ANN401
    stage: str,
    context: click.Context,
) -> Any:  # noqa: ANN401
    where = f"{stage}: {field.name}"
    if value is None:
        return field.default
    if field.default is False:
        if not isinstance(value, bool):
            raise UsageError(f"{where} is True or False, not {one_line(value, 40)}")
        return value
    several = value if isinstance(value, list | tuple) and not isinstance(value, Profile) else [value]
    if len(several) != 1 and not isinstance(field.default, tuple):
        raise UsageError(f"{where} takes one value, not several")
    kind = Field(field).type
    for one in several:
        if isinstance(kind, click.types.IntParamType) and type(one) is not int:
            raise UsageError(f"{where} is a whole number, not {one_line(one, 40)}")
        if isinstance(one, bool) or not isinstance(one, str | int | float | Profile):
            raise UsageError(f"{where} cannot be {one_line(one, 40)}")
    try:
        converted = tuple(
            kind.convert(one if isinstance(one, Profile) else str(one), None, context) for one in several
        )
    except click.BadParameter as error:
        raise UsageError(f"{where}: {error.message}") from None
    return converted if isinstance(field.default, tuple) else converted[0]


def described(options: Any) -> dict[str, Any]:  # noqa: ANN401 - any stage's options
    """What of a stage's options decides its rows, as the manifest tells it; teachers by their names."""
    return {
        field.name: _plain(getattr(options, field.name))
        for field in fields_of(type(options))
        if field.metadata["option"].decides
    }


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Profile):
        return value.name
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
