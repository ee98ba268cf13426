"""What a file is, told from its first bytes alone: names and claimed types are never believed.

`ACCEPTED` are the formats a photograph may come in. Files people are likely to send instead (a PDF, a phone's
HEIC, a whole-slide scan) have codes of their own, so that the refusal can say what to do.
"""

from dataclasses import dataclass

#: Bytes of the file's start that `sniff` looks at.
HEAD_BYTES = 4096

#: Accepted formats by Pillow's name, with the name people know and the usual extensions.
ACCEPTED: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
}

#: For a page's file field. Types one by one and JPEG first: Safari on a Mac then turns HEIC into JPEG by itself,
#: which it does not for ``image/*``.
ACCEPT_ATTRIBUTE = ",".join(
    [f"image/{name.lower()}" for name in ACCEPTED] + [one for group in ACCEPTED.values() for one in group]
)


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a file is, as a code; ``format`` is Pillow's name where the format is accepted, else empty."""

    code: str
    format: str = ""


UNKNOWN = FileKind("unknown")

# (offset, first bytes, kind), most specific first.
_SIGNATURES: tuple[tuple[int, bytes, FileKind], ...] = (
    (0, b"\xff\xd8\xff", FileKind("jpeg", "JPEG")),
    (0, b"\x89PNG\r\n\x1a\n", FileKind("png", "PNG")),
    (8, b"CR\x02", FileKind("camera_raw_cr2")),
    (0, b"II*\x00", FileKind("tiff", "TIFF")),
    (0, b"MM\x00*", FileKind("tiff", "TIFF")),
    (0, b"II+\x00", FileKind("tiff", "TIFF")),
    (0, b"MM\x00+", FileKind("tiff", "TIFF")),
    (8, b"WEBPVP8", FileKind("webp", "WEBP")),
    (0, b"GIF87a", FileKind("gif")),
    (0, b"GIF89a", FileKind("gif")),
    (128, b"DICM", FileKind("dicom")),
    (0, b"ZISRAWFILE", FileKind("czi")),
    (0, b"\xda\xce\xbe\x0a", FileKind("nd2")),
    (0, b"\x00\x00\x00\x0cjP  ", FileKind("jpeg_2000")),
    (0, b"\xff\x4f\xff\x51", FileKind("jpeg_2000")),
    (0, b"\x00\x00\x00\x0cJXL ", FileKind("jpeg_xl")),
    (0, b"\xff\x0a", FileKind("jpeg_xl")),
    (0, b"8BPS", FileKind("photoshop")),
    (
        0,
        b"PK\x03\x04",
        FileKind("zip"),
    ),
    (
        0,
        b"\x1f\x8b",
        FileKind("archive"),
    ),
    (0, b"Rar!", FileKind("rar")),
    (
        0,
        b"7z\xbc\xaf",
        FileKind("seven_zip"),
    ),
    (0, b"BM", FileKind("bmp", "BMP")),
)

#: Brands of a file type box (ISO/IEC 14496-12, 4.3), in the order in which they are believed: an AVIF image is of
#: the general kind (mif1, msf1) as well. Whatever else has such a box is a video.
_BRANDS: tuple[tuple[frozenset[bytes], FileKind], ...] = (
    (frozenset((b"crx ",)), FileKind("camera_raw_cr3")),
    (frozenset((b"avif", b"avis")), FileKind("avif")),
    (
        frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1")),
        FileKind("heic"),
    ),
)


def sniff(head: bytes) -> FileKind:
    """Return what the file is whose first `HEAD_BYTES` bytes are ``head``."""
    for offset, magic, kind in _SIGNATURES:
        if head.startswith(magic, offset):
            return kind
    if head[4:8] == b"ftyp":
        return _sniff_iso_media(head)
    if b"%PDF-" in head[:1024]:
        return FileKind("pdf")
    return _sniff_text(head)


def _sniff_iso_media(head: bytes) -> FileKind:
    # The box holds the major brand, a version, and the brands that the file goes by as well.
    box = head[8 : int.from_bytes(head[:4], "big")] or head[8:12]
    brands = {box[at : at + 4].lower() for at in range(0, len(box), 4) if at != 4}
    for known, kind in _BRANDS:
        if brands & known:
            return kind
    return FileKind("video")


def _sniff_text(head: bytes) -> FileKind:
    """Name the text formats; UTF-16 is looked through by dropping its zero bytes."""
    # What UTF-16 puts between the letters, and byte order marks.
    text = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    text = text.lstrip().lower()
    if text.startswith(b"<"):
        if b"<svg" in text:
            return FileKind("svg")
        if b"<html" in text or b"<!doctype html" in text:
            return FileKind("web_page")
        return FileKind("xml")
    return UNKNOWN
