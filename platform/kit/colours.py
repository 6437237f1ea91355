"""Colours as `#rrggbb`: how well one reads on another (WCAG 2.2 §1.4.3), and mixing them."""

import re

LEAST = 4.5
"""The contrast at which text of any size is read."""
_WRITTEN = re.compile(r"#[0-9a-f]{6}")


def is_colour(text: object) -> bool:
    """Say whether a text is a colour as it is written here: six digits, in small letters."""
    return isinstance(text, str) and _WRITTEN.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """Return what is between two colours: `share` of the first, the rest of the second."""
    pairs = zip(_parts(one), _parts(other), strict=True)
    return "#" + "".join(f"{round(first * share + second * (1 - share)):02x}" for first, second in pairs)


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def _luminance(colour: str) -> float:
    linear = [_linear(part / 255) for part in _parts(colour)]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
