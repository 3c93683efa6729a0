"""The shape of `stand_in:` in a tag rule: a name of the list, or functions and what each replies."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from proxy.policy import rule_values
from proxy.policy.checked_value import fault
from proxy.policy.rule_values import Shape
from proxy.policy.stand_ins import FUNCTION, STAND_INS


class ReplyShape(Shape):
    """`stand_in:` what one function does: returns a constant, or calls back with it."""

    returns: rule_values.Constant | None = Field(
        default=None, description="The constant it returns; nothing: undefined."
    )
    calls_back: rule_values.Constant | None = Field(
        default=None,
        description="The constant that the functions it is given, and who awaits it, get.",
    )

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.returns is None) == (self.calls_back is None):
            raise fault("needs one of 'returns' and 'calls_back'")
        return self


def _stand_in(value: Any) -> Any:
    """Return what stands under `stand_in:` as a mapping; a name of the list has no reply."""
    if isinstance(value, str):
        return {value: None}
    if isinstance(value, dict):
        return {name: {"returns": one} if isinstance(one, str) else one for name, one in value.items()}
    return value


def _known_stand_in(table: dict[str, ReplyShape | None]) -> dict[str, ReplyShape | None]:
    if not table:
        raise fault("is empty; give it a value or take the key out")
    for name, reply in table.items():
        if reply is None and name not in STAND_INS:
            near = rule_values.meant(name, STAND_INS) or f"; it can be {rule_values.listed([*STAND_INS])}"
            raise fault(f"is '{name}'{near}, or a table of function names")
        if reply is not None and not FUNCTION.fullmatch(name):
            raise fault(f"names '{name}', which is no function; write 'acme' or 'acme.flags.get'")
    return table


_STAND_IN_SCHEMA = {
    "anyOf": [
        {"type": "string", "enum": [*STAND_INS]},
        {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    {"type": ["string", "number", "boolean"]},
                    {
                        "type": "object",
                        "properties": {
                            name: {"type": ["string", "number", "boolean"]}
                            for name in ("returns", "calls_back")
                        },
                        "additionalProperties": False,
                        "minProperties": 1,
                        "maxProperties": 1,
                    },
                ]
            },
        },
    ]
}

StandInTable = Annotated[
    dict[str, ReplyShape | None],
    BeforeValidator(_stand_in),
    AfterValidator(_known_stand_in),
    WithJsonSchema(_STAND_IN_SCHEMA),
]
