"""What a file is, told from its first bytes alone: names and claimed types are never believed.

`ACCEPTED` are the formats a photograph may come in. Files people are likely to send instead (a PDF, a phone's
HEIC, a whole-slide scan) are named, so that the refusal can say what to do.
"""

from dataclasses import dataclass

from smear.words import gettext_noop as _

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

ACCEPTED_WORDS = "JPEG, PNG, TIFF, WebP or BMP"

_EXPORT = _("Export the photograph as JPEG, PNG, TIFF, WebP or BMP and upload that file.")
_SCREENSHOT = _("Export one field of it as JPEG, PNG or TIFF and upload that file.")
_PHONE = _(
    "Upload the photograph as JPEG. iPhone: choose it in this page on the phone itself, which converts it, or set "
    "Settings > Camera > Formats to Most Compatible before taking it. Mac: open it in Preview and export it as JPEG. "
    "Android: switch off high efficiency (HEIF) in the camera's settings."
)


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a file is: ``format`` is Pillow's name where the format is accepted, else empty.

    ``name`` finishes the sentence "This is …", ``advice`` says what to do where the format is not accepted.
    """

    name: str
    format: str = ""
    advice: str = _EXPORT


UNKNOWN = FileKind(_("not an image we can read"))

# (offset, first bytes, kind), most specific first.
_SIGNATURES: tuple[tuple[int, bytes, FileKind], ...] = (
    (0, b"\xff\xd8\xff", FileKind(_("a JPEG image"), "JPEG")),
    (0, b"\x89PNG\r\n\x1a\n", FileKind(_("a PNG image"), "PNG")),
    (8, b"CR\x02", FileKind(_("a camera raw file (CR2)"))),
    (0, b"II*\x00", FileKind(_("a TIFF image"), "TIFF")),
    (0, b"MM\x00*", FileKind(_("a TIFF image"), "TIFF")),
    (0, b"II+\x00", FileKind(_("a TIFF image"), "TIFF")),
    (0, b"MM\x00+", FileKind(_("a TIFF image"), "TIFF")),
    (8, b"WEBPVP8", FileKind(_("a WebP image"), "WEBP")),
    (0, b"GIF87a", FileKind(_("a GIF image"))),
    (0, b"GIF89a", FileKind(_("a GIF image"))),
    (128, b"DICM", FileKind(_("a DICOM file"), advice=_SCREENSHOT)),
    (0, b"ZISRAWFILE", FileKind(_("a Zeiss CZI file"), advice=_SCREENSHOT)),
    (0, b"\xda\xce\xbe\x0a", FileKind(_("a Nikon ND2 file"), advice=_SCREENSHOT)),
    (0, b"\x00\x00\x00\x0cjP  ", FileKind(_("a JPEG 2000 image"))),
    (0, b"\xff\x4f\xff\x51", FileKind(_("a JPEG 2000 image"))),
    (0, b"\x00\x00\x00\x0cJXL ", FileKind(_("a JPEG XL image"))),
    (0, b"\xff\x0a", FileKind(_("a JPEG XL image"))),
    (0, b"8BPS", FileKind(_("a Photoshop document"))),
    (
        0,
        b"PK\x03\x04",
        FileKind(
            _("a ZIP archive or an office document"), advice=_("Upload the photographs one by one, unpacked.")
        ),
    ),
    (
        0,
        b"\x1f\x8b",
        FileKind(_("a compressed archive"), advice=_("Upload the photographs one by one, unpacked.")),
    ),
    (0, b"Rar!", FileKind(_("a RAR archive"), advice=_("Upload the photographs one by one, unpacked."))),
    (
        0,
        b"7z\xbc\xaf",
        FileKind(_("a 7-Zip archive"), advice=_("Upload the photographs one by one, unpacked.")),
    ),
    (0, b"BM", FileKind(_("a BMP image"), "BMP")),
)

#: Brands of a file type box (ISO/IEC 14496-12, 4.3), in the order in which they are believed: an AVIF image is of
#: the general kind (mif1, msf1) as well. Whatever else has such a box is a video.
_BRANDS: tuple[tuple[frozenset[bytes], FileKind], ...] = (
    (frozenset((b"crx ",)), FileKind(_("a camera raw file (CR3)"))),
    (frozenset((b"avif", b"avis")), FileKind(_("an AVIF image"))),
    (
        frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1")),
        FileKind(_("a HEIC image"), advice=_PHONE),
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
        return FileKind(_("a PDF document"), advice=_SCREENSHOT)
    return _sniff_text(head)


def _sniff_iso_media(head: bytes) -> FileKind:
    # The box holds the major brand, a version, and the brands that the file goes by as well.
    box = head[8 : int.from_bytes(head[:4], "big")] or head[8:12]
    brands = {box[at : at + 4].lower() for at in range(0, len(box), 4) if at != 4}
    for known, kind in _BRANDS:
        if brands & known:
            return kind
    return FileKind(_("a video"), advice=_("Upload single photographs of the fields instead."))


def _sniff_text(head: bytes) -> FileKind:
    """Name the text formats; UTF-16 is looked through by dropping its zero bytes."""
    # What UTF-16 puts between the letters, and byte order marks.
    text = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    text = text.lstrip().lower()
    if text.startswith(b"<"):
        if b"<svg" in text:
            return FileKind(
                _("an SVG drawing"),
                advice=_("Only photographs can be read: upload one as JPEG, PNG, TIFF, WebP or BMP."),
            )
        if b"<html" in text or b"<!doctype html" in text:
            return FileKind(_("a web page"))
        return FileKind(_("an XML document"))
    return UNKNOWN
