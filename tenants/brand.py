"""A tenant's colour on the pages of its people: judged before it is taken, and served as a style sheet of its own."""

import hashlib
from collections.abc import Callable
from typing import Protocol

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from kit import colours

LIGHT, DARK, WHITE, BLACK = "#ffffff", "#1c2028", "#ffffff", "#000000"
"""What pages are laid on in the two looks (static/ui/ui.css), and what stands on a filled button."""
_SOFT = {LIGHT: 0.1, DARK: 0.15}
_STEP, _SEEN = 0.05, 2.0


class Coloured(Protocol):
    """Whoever has a colour, or none: then that is ""."""

    accent: str
    accent_dark: str


def flaw(colour: object, ground: str) -> str:
    """Return what is wrong with a colour on light or dark pages, as people read it, or ""."""
    if colour == "":
        return ""
    if not colours.is_colour(colour):
        return _("A colour like #324db3: # and six of 0 to 9 and a to f.")
    measured = min(colours.contrast(str(colour), each) for each in (ground, _soft(str(colour), ground)))
    if measured >= colours.LEAST:
        return ""
    facts = {"colour": colour, "measured": _ratio(measured), "least": _ratio(colours.LEAST)}
    if ground == LIGHT:
        return _("%(colour)s reads at %(measured)s on light pages; at least %(least)s is needed.") % facts
    return _("%(colour)s reads at %(measured)s on dark pages; at least %(least)s is needed.") % facts


def sheet(tenant: Coloured) -> str:
    """Return the style sheet that puts a tenant's colour in the place of ours; nothing where it has none."""
    if not tenant.accent:
        return ""
    light, dark = tenant.accent, tenant.accent_dark or _lightened(tenant.accent, lambda each: not flaw(each, DARK))
    # A button is seen on the dark page, too, and what stands on it still reads.
    filled = _lightened(light, lambda each: colours.contrast(each, DARK) >= _SEEN)
    pairs = {
        "accent": (light, dark),
        "accent-soft": (_soft(light, LIGHT), _soft(dark, DARK)),
        "accent-fill": (light, filled),
        "accent-fill-hover": (colours.mix(light, BLACK, 0.85), colours.mix(filled, BLACK, 0.85)),
    }
    words = "".join(f"--{name}:light-dark({one},{other});" for name, (one, other) in pairs.items())
    return f":root{{{words}}}\n"


def address(tenant: Coloured) -> str:
    """Return the name of a tenant's style sheet, another one for other colours; nothing where it has none."""
    text = sheet(tenant)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.css" if text else ""


def _lightened(colour: str, is_good: Callable[[str], bool]) -> str:
    """Return the nearest to a colour that is good, on the way to white, which always is."""
    shares = (1 - step * _STEP for step in range(round(1 / _STEP) + 1))
    return next(filter(is_good, (colours.mix(colour, WHITE, share) for share in shares)))


def _soft(colour: str, ground: str) -> str:
    return colours.mix(colour, ground, _SOFT[ground])


def _ratio(number: float) -> str:
    """Return a contrast as people write it, cut and not rounded: 4.49 is not 4.5."""
    return f"{number_format(int(number * 100) / 100)}:1"
