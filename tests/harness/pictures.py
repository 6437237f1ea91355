"""Pictures as strangers publish them: good ones, and such as are not what they say."""

import io
import struct
import zlib
from ssl import SSLSocket
from typing import Any

from PIL import Image

from tests.harness.hostile import Answer


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 64), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "red" if mode in {"RGB", "RGBA"} else 1).save(out, kind, **options)
    return out.getvalue()


def animated(frames: int = 50) -> bytes:
    first, *rest = (Image.new("RGB", (32, 32), (number * 5, 0, 0)) for number in range(frames))
    out = io.BytesIO()
    first.save(out, "GIF", save_all=True, append_images=rest)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of some kilobytes that says it is so large, and is."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packer = zlib.compressobj(9)
    row = b"\x00" * (width // 8 + 2)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def served(body: bytes, kind: str = "image/png") -> Answer:
    def answer(connection: SSLSocket) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    return answer
