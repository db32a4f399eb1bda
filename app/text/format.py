"""Numbers as people read them: pure functions, tested by table."""

import math

DASH = "\u2013"  # for what is undefined
TIMES = "\u00d7"
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def quantity(value: float) -> str:
    """Return a large number in three digits: ``1.41 M``, ``947 k``, ``12``."""
    for size, letter in _UNITS:
        if abs(value) >= size * 0.9995:
            return f"{_three(value / size)} {letter}"
    return f"{value:.0f}"


def _three(value: float) -> str:
    """Return a number between 1 and 1000 in three digits."""
    size = abs(value)
    if size >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 9.995 else f"{value:.2f}"


def milliseconds(value: float) -> str:
    """Return a duration: ``0.84 ms``, ``12.3 ms``, ``1.24 s``."""
    if not math.isfinite(value):
        return DASH
    if value >= 999.5:
        return f"{_three(value / 1000)} s"
    return f"{_three(value)} ms"


def duration(seconds: float) -> str:
    """Return a longer duration: ``40 s``, ``3 min 20 s``, ``2 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def percent(share: float, digits: int = 0) -> str:
    """Return a share of 1 as per cent; a dash when undefined."""
    return f"{share * 100:.{digits}f} %" if math.isfinite(share) else DASH


def score(value: float) -> str:
    """Return a score between 0 and 1 with three decimals; a dash when undefined."""
    return f"{value:.3f}" if math.isfinite(value) else DASH


def speedup(value: float) -> str:
    """Return a ratio: ``3.1`` and a multiplication sign."""
    return f"{value:.2f}{TIMES}" if value < 9.95 else f"{value:.1f}{TIMES}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return ``1 nucleus`` or ``3 nuclei``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def per_input(size: tuple[int, int]) -> str:
    """Return what multiply-accumulates are counted for: ``per 256x256``."""
    height, width = size
    return f"per {width}{TIMES}{height}"


def memory(size: float) -> str:
    """Return bytes as ``812 MB`` or ``1.24 GB``."""
    if size >= 999.5e6:
        return f"{_three(size / 1e9)} GB"
    return f"{size / 1e6:.0f} MB"


def length(micrometres: float) -> str:
    """Return a scale bar's caption: ``50 µm``, ``2 mm``."""
    if micrometres >= 1000:
        return f"{micrometres / 1000:g} mm"
    return f"{micrometres:g} µm"


def scale_bar(scale: float, mpp: float, longest: float) -> tuple[float, float]:
    """Return the roundest scale bar that fits.

    Parameters
    ----------
    scale
        Screen pixels per tile pixel.
    mpp
        Micrometres per tile pixel.
    longest
        Most screen pixels it may take.

    Returns
    -------
    tuple of float
        Length in micrometres (1, 2 or 5 times a power of ten) and in screen
        pixels.
    """
    most = longest / scale * mpp
    power = 10 ** math.floor(math.log10(most))
    nice = max(step * power for step in (1, 2, 5) if step * power <= most * (1 + 1e-9))
    return nice, nice / mpp * scale


def ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Return round positions between two values, at most ``most`` of them."""
    if not high > low:
        return (low,)
    raw = (high - low) / max(most - 1, 1)
    power = 10 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(round(index * step, 12) for index in range(first, last + 1))
