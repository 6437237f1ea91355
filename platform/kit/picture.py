"""A stranger's picture → a small PNG of our own making, or a refusal.

Nothing of the original is passed on but what it looks like: no metadata, no second frame, nothing behind its end. Only
these formats are opened, and the size that a file says of itself is judged before any of it is unpacked.
"""

import io
import warnings

from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
MOST_PIXELS = 4_000_000
LONGEST_SIDE = 10_000
SIDE = 256
LARGEST = 320 * 1024


class BadPicture(Exception):
    """The bytes are no picture that is taken. The message is for the log."""


def as_png(raw: bytes, *, side: int = SIDE) -> bytes:
    """Return the picture's first frame as a PNG of at most so many pixels a side; raises BadPicture."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of what it finds odd, and goes on: here that is the end.
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(raw), formats=FORMATS) as picture:
                return _encoded(picture, side)
    except BadPicture:
        raise
    except Exception as error:  # Decoders raise whatever they stumble over; every cause is the same here.
        raise BadPicture(type(error).__name__) from error


def _encoded(picture: Image.Image, side: int) -> bytes:
    width, height = picture.size
    if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE) or width * height > MOST_PIXELS:
        raise BadPicture(f"{width} × {height}")
    plain = picture.convert("RGBA")
    plain.thumbnail((side, side))
    # A new image: what the old one carried beside its pixels would be written again.
    clean = Image.new("RGBA", plain.size)
    clean.paste(plain)
    out = io.BytesIO()
    clean.save(out, "PNG")
    if out.tell() > LARGEST:
        raise BadPicture("too large even so")
    return out.getvalue()
