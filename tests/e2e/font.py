"""A font of one glyph, made here: browsers load it, so a page can prove that a font came through."""

import base64
import struct


def _glyph() -> bytes:
    """One square contour."""
    points = [(100, 0), (100, 700), (600, 700), (600, 0)]
    xs = struct.pack(">4h", 100, 0, 500, 0)
    ys = struct.pack(">4h", 0, 700, 0, -700)
    return (
        struct.pack(">5h", 1, 100, 0, 600, 700)
        + struct.pack(">HH", len(points) - 1, 0)
        + b"\x01" * 4
        + xs
        + ys
    )


def _cmap() -> bytes:
    """`A` is the second glyph; format 4."""
    body = struct.pack(">HHHH", 4, 4, 1, 0) + struct.pack(">HHHHH", 65, 0xFFFF, 0, 65, 0xFFFF)
    body += struct.pack(">hh", 1 - 65, 1) + struct.pack(">HH", 0, 0)
    return (
        struct.pack(">HH", 0, 1)
        + struct.pack(">HHI", 3, 1, 12)
        + struct.pack(">HHH", 4, 6 + len(body), 0)
        + body
    )


def _tables() -> dict[bytes, bytes]:
    square = _glyph() + b"\x00" * (-len(_glyph()) % 4)
    head = struct.pack(
        ">IIIIHHQQ4hHHhhh", 0x10000, 0x10000, 0, 0x5F0F3CF5, 3, 1000, 0, 0, 100, 0, 600, 700, 0, 8, 2, 0, 0
    )
    hhea = struct.pack(
        ">IhhhHhhhhhh4hhH", 0x10000, 800, -200, 0, 700, 100, 100, 600, 1, 0, 0, 0, 0, 0, 0, 0, 2
    )
    os2 = struct.pack(
        ">HhHHH10hh10s4I4sHHHhhhHH",
        3,
        700,
        400,
        5,
        0,
        *[0] * 10,
        0,
        b"\x00" * 10,
        0,
        0,
        0,
        0,
        b"    ",
        64,
        65,
        65,
        800,
        -200,
        0,
        800,
        200,
    )
    os2 += struct.pack(">IIhhHHH", 1, 0, 500, 700, 0, 32, 1)
    return {
        b"OS/2": os2,
        b"cmap": _cmap(),
        b"glyf": square,
        b"head": head,
        b"hhea": hhea,
        b"hmtx": struct.pack(">HhHh", 700, 0, 700, 100),
        b"loca": struct.pack(">3H", 0, 0, len(square) // 2),
        b"maxp": struct.pack(">IH13H", 0x10000, 2, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
        b"name": struct.pack(">3H", 0, 0, 6),
        b"post": struct.pack(">IIhhIIIII", 0x30000, 0, 0, 0, 0, 0, 0, 0, 0),
    }


def font() -> bytes:
    """Return the bytes of a TrueType font that knows the letter A."""
    tables = _tables()
    count = len(tables)
    out = struct.pack(">IHHHH", 0x10000, count, 128, 3, count * 16 - 128)
    at, bodies = 12 + 16 * count, b""
    for tag, body in sorted(tables.items()):
        padded = body + b"\x00" * (-len(body) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        out += tag + struct.pack(">III", total, at + len(bodies), len(body))
        bodies += padded
    return out + bodies


def font_address() -> str:
    """Return the font as a data: address."""
    return "data:font/ttf;base64," + base64.b64encode(font()).decode()
