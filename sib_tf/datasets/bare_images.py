"""PNG and JPEG files without what is not pixels.

Pillow refuses an image for a text, a colour profile or a date that it cannot read, although no
pixel depends on them.
"""

from collections.abc import Iterator

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_PNG_KEPT = (b"tRNS", b"eXIf")  # transparency and orientation, besides the critical chunks
_SCAN = 0xDA  # the JPEG marker that pixels follow
# JPEG markers of application data and comments -> least bytes of one that is kept: JFIF and Adobe
# say what the colours are, EXIF the orientation.
_LEAST = {**dict.fromkeys((*range(0xE0, 0xF0), 0xFE), 1 << 16), 0xE0: 14, 0xE1: 0, 0xEE: 12}


def bare(encoded: bytes) -> bytes | None:
    """A PNG or JPEG file without what is not pixels; None if it is of another format."""
    if encoded.startswith(_PNG):
        return _PNG + b"".join(_png_chunks(encoded))
    if encoded.startswith(_JPEG):
        return _JPEG[:2] + b"".join(_jpeg_segments(encoded))
    return None


def _png_chunks(encoded: bytes) -> Iterator[bytes]:
    start = len(_PNG)
    while start < len(encoded):
        end = start + 12 + int.from_bytes(encoded[start : start + 4])
        kind = encoded[start + 4 : start + 8]
        if kind[:1].isupper() or kind in _PNG_KEPT:
            yield encoded[start:end]
        start = end


def _jpeg_segments(encoded: bytes) -> Iterator[bytes]:
    start = 2
    while start + 4 <= len(encoded) and encoded[start] == 0xFF and encoded[start + 1] != _SCAN:
        end = start + 2 + int.from_bytes(encoded[start + 2 : start + 4])
        if end - start - 4 >= _LEAST.get(encoded[start + 1], 0):
            yield encoded[start:end]
        start = end
    yield encoded[start:]
