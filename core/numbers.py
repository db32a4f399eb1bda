"""Numbers that people type: decimals with point or comma, and ranges of sparsity."""

import math
import re

from core.errors import InputError
from core.tables.limits import MAX_SPARSITY

_MOST_VALUES = 1000  # in one range: more is a slip of the step
_DECIMAL = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


def read_decimal(text: str) -> float:
    """Read a number with a decimal point or a decimal comma, in any locale.

    Parameters
    ----------
    text
        Such as ``"8.5"``, ``"8,5"`` or ``"85 %"`` (the sign is left out). Spaces
        around it are ignored. There are no separators of thousands: ``"1,000"``
        is 1.

    Raises
    ------
    InputError
        When it is no finite number.
    """
    plain = text.strip().removesuffix("%").strip()
    if _DECIMAL.fullmatch(plain):
        value = float(plain.replace(",", "."))
        if math.isfinite(value):
            return value
    raise InputError(f"'{text}' is no number; write one such as 8.5 or 8,5.")


def spaced(first: float, last: float, step: float) -> tuple[float, ...]:
    """Return evenly spaced values, the last included where a step reaches it.

    Parameters
    ----------
    first, last
        Ends of the range.
    step
        Distance of two values, above 0.

    Returns
    -------
    values
        Rising, rounded to 10 decimals; empty when the range is empty.

    Raises
    ------
    InputError
        When there are more than 1000.
    """
    if not (step > 0 and last >= first):
        return ()
    # half a thousandth of a step: the end must not be missed by rounding
    number = math.floor(min((last - first) / step + 5e-4, 1e9)) + 1
    if number > _MOST_VALUES:
        raise InputError(
            f"{first:g}:{last:g}:{step:g} gives more than {_MOST_VALUES} values; "
            "take a larger step."
        )
    return tuple(round(first + index * step, 10) for index in range(number))


def read_sparsity(text: str) -> float:
    """Read one sparsity, 0 to 0.99.

    Raises
    ------
    InputError
        When it is no number, or outside.
    """
    value = read_decimal(text)
    if not 0 <= value <= MAX_SPARSITY:
        raise InputError(f"{text} is not between 0 and {MAX_SPARSITY}.")
    return value


def read_sparsities(text: str) -> tuple[float, ...]:
    """Read ``"0:0.95:0.05"`` (first, last, step; the last included) or a list.

    Parameters
    ----------
    text
        Ranges and single numbers, separated by commas (so that these numbers are
        written with a point) or by semicolons.

    Returns
    -------
    sparsities
        Distinct, rising.

    Raises
    ------
    InputError
        When the text is neither, or a value is outside 0 to 0.99.
    """
    found: set[float] = set()
    for part in text.split(";" if ";" in text else ","):
        found.update(_read_part(part, text))
    if any(not 0 <= each <= MAX_SPARSITY for each in found):
        raise InputError(
            f"'{text}' goes beyond 0 to {MAX_SPARSITY}; give the shares to remove."
        )
    return tuple(sorted(found))


def _read_part(part: str, text: str) -> tuple[float, ...]:
    try:
        numbers = [read_decimal(each) for each in part.split(":")]
    except InputError:
        numbers = []
    if len(numbers) == 1:
        return (numbers[0],)
    if len(numbers) != 3 or not numbers[2] > 0 or numbers[1] < numbers[0]:
        raise InputError(
            f"'{text}' is not a list of sparsities; write first:last:step, "
            "such as 0:0.95:0.05, or numbers separated by commas."
        )
    return spaced(*numbers)
