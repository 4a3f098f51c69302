"""Texts and durations as a person reads them on a terminal."""

from datetime import timedelta

_KEPT = "\n\t"


def shortened(text: str, characters: int | None) -> str:
    """The beginning of a text; all of it with None. What could steer a terminal is taken out.

    `characters` counts those that are kept, the dots that stand for the rest not included.
    """
    safe = "".join(one if one.isprintable() or one in _KEPT else " " for one in text).strip()
    if characters is None or len(safe) <= characters:
        return safe
    return f"{safe[:characters].rstrip()} …"


def around_difference(one: str, other: str, characters: int) -> tuple[str, str]:
    """Both texts shortened to where they differ first: from their beginning if that is in it."""
    pairs = enumerate(zip(one, other, strict=False))
    same = next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
    start = 0 if same < characters * 2 // 3 else same - characters // 4
    dots = "… " if start else ""
    first, second = (shortened(text[start:], characters) for text in (one, other))
    return f"{dots}{first}", f"{dots}{second}"


def duration(took: timedelta) -> str:
    """Two units at most: `12 ms`, `3.25 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    sign = "-" if took < timedelta(0) else ""
    seconds = abs(took.total_seconds())
    if seconds < 0.9995:
        return f"{sign}{round(seconds * 1000)} ms"
    if seconds < 59.995:
        return f"{sign}{seconds:.2f} s"
    whole = round(seconds)
    for unit, name, lower, lower_name in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= unit:
            rest = whole % unit // lower
            return f"{sign}{whole // unit} {name}" + (f" {rest} {lower_name}" if rest else "")
    return f"{sign}{whole} s"
