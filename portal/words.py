"""The words of everything that is kept as a code: refusals of files, notices, what may be wrong with a photograph,
errors of jobs, why a case has no pre-classification.

``smear``, the worker and services say ``smear.contract.Message``, a code and values; rows hold it as JSON. Pages, mails
and the API make words of it here when they show it, so that every reader gets their own language
(docs/decisions/0029-codes.md).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from smear.contract import Message

Words = Mapping[str, str | Promise]

#: The code of a sentence that was stored before there were codes and that none is known for; it is shown as it is.
TEXT = "text"

#: A class's name in full, by its label (``smear.classes``).
CLASSES: Words = {
    "Benign": _("Benign (haematogones)"),
    "Early": _("Early pre-B ALL"),
    "Pre": _("Pre-B ALL"),
    "Pro": _("Pro-B ALL"),
}

#: Why a file is not taken (``smear.refusals``, ``portal.cases.pictures``), and what to do.
REFUSALS: Words = {
    "empty_file": _("The file is empty. Check that it was saved or copied completely, then upload it again."),
    "file_too_large": _(
        "The file is larger than %(limit)d MB. Upload one field as JPEG, or crop the photograph to the field."
    ),
    "unsupported_type": _("This is %(kind)s. %(advice)s"),
    "unsupported_compression": _(
        "The file is %(kind)s, but its pixels are stored as %(compression)s, which cannot be read here. "
        "Save the photograph as a standard JPEG, PNG or TIFF (LZW or uncompressed) and upload that file."
    ),
    "whole_slide": _(
        "This is a whole-slide scan. Export individual fields from the slide viewer as JPEG, PNG or TIFF "
        "and upload those."
    ),
    "damaged": _(
        "The file starts like %(kind)s, but is incomplete or damaged. Save or copy it again from the "
        "camera or microscope and upload the new file."
    ),
    "several_pictures": _(
        "The file contains several pictures (pages or an animation). Save each field as a separate file."
    ),
    "too_small": _(
        "The picture has only %(width)d x %(height)d pixels; cells cannot be distinguished in it. Upload "
        "the original photograph, at least %(least)d pixels on each side."
    ),
    "too_many_pixels": _(
        "The picture has more than %(megapixels)d megapixels, or an edge longer than %(edge)d pixels. "
        "Upload individual fields, not a whole slide, or crop the picture."
    ),
    "extreme_shape": _(
        "The picture has %(width)d x %(height)d pixels: one side is more than %(most)d times as long as the "
        "other. Upload the photograph of one field as the camera took it."
    ),
    "bit_depth": _(
        "The picture has more than 8 bits per channel. "
        "Export the photograph as 8-bit RGB (24-bit colour) and upload it again."
    ),
    "colour_space": _(
        "The picture is in %(mode)s colours, for print. "
        "Export the photograph as 8-bit RGB (24-bit colour) and upload it again."
    ),
    "no_colour": _(
        "The picture has no colour, but the colour of the stain is needed. Upload the colour photograph of "
        "the stained field."
    ),
    "transparent": _("Parts of the picture are transparent. Export it without transparency (alpha)."),
    "too_much_memory": _(
        "Reading this photograph needs more memory than this installation allows. Crop it, save it with "
        "fewer pixels or, if it is a WebP, as JPEG or PNG, and upload it again."
    ),
    "too_much_time": _(
        "Reading this photograph took too long. Crop it, or save it again as JPEG or PNG, and upload it "
        "again."
    ),
    "busy": _("Too many photographs are being read at the moment. Try again in a minute."),
    "reading_broke": _(
        "This photograph could not be read: the process that reads it ended. Try again; if it happens "
        "again, save the photograph again as JPEG or PNG."
    ),
    "pictures_away": _("Photographs cannot be read at the moment. Try again in a minute."),
}

#: What the sender of an accepted photograph should know (``smear.decode``).
NOTICES: Words = {
    "turned_upright": _("The photograph was turned upright, as its camera recorded."),
    "converted_to_srgb": _("The colours were converted from the camera's profile to sRGB."),
    "extension_mismatch": _("The file is named %(extension)s, but it is %(kind)s; it was read as that."),
    "profile_unreadable": _("The colour profile in the file cannot be read; the colours were taken as sRGB."),
    "colours_not_named": _(
        "The file says that its colours are not sRGB, but not what they are; they were taken as sRGB."
    ),
    "further_pictures": _("The file contains more pictures after the first; the first was used."),
    "largest_page": _("The file also contains a smaller copy of the photograph; the large one was used."),
}

#: What may be wrong with an accepted photograph (``smear.quality.Reason``), and what to do.
QUALITY: Words = {
    "odd_shape": _(
        "Unusual shape: the model sees the photograph squeezed to a square. Upload the whole field as the "
        "camera took it."
    ),
    "channels_swapped": _(
        "Red and blue appear to be swapped: check the program that saved the photograph, and export it again."
    ),
    "underexposed": _("May be too dark: increase the light or the exposure and take it again."),
    "overexposed": _("May be too bright: reduce the light or the exposure and take it again."),
    "black_areas": _(
        "Large areas are black: fill the frame with the field, without the edge of the eyepiece."
    ),
    "empty": _("The field appears empty: move to an area of the smear with cells and take it again."),
    "out_of_focus": _("May be out of focus or blurred by movement: refocus and take it again."),
    "few_nucleated_cells": _("No nucleated cell was found: choose a field that shows some."),
}

#: Why a photograph, or a case, has no answer of the model (``portal.inference``, ``worker.photograph``).
NO_ANSWER: Words = {
    "switched_off": _("Pre-classification is switched off."),
    "incomplete": _("%(failed)d of %(total)d photographs have no pre-classification: %(error)s"),
    "superseded": _("This version was replaced by %(version)s before it had answered."),
    "case_cancelled": _("The case was cancelled."),
    "worker_stopped": _("The worker stopped before it answered."),
    "late": _("The model did not answer in time."),
    "quick_look_late": _("The model did not answer in time. Try again in a minute."),
    "queue_away": _("The work queue cannot be reached. Try again in a minute, or file a case."),
    "model_away": _("The model server could not be reached."),
    "model_differs": _("The model server does not serve the registered model."),
    "model_refused": _("The model server rejected the photograph."),
    "stored_beyond_bounds": _("The stored photograph needs more memory or time than is allowed."),
    "stored_unreadable": _("The stored photograph could not be read."),
    "unexpected": _("An unexpected error stopped the pre-classification."),
}

WORDS: Words = {**REFUSALS, **NOTICES, **QUALITY, **NO_ANSWER, TEXT: "%(text)s"}

#: What a file is (``smear.sniff.FileKind``): ends the sentence "This is …".
KINDS: Words = {
    "jpeg": _("a JPEG image"),
    "png": _("a PNG image"),
    "tiff": _("a TIFF image"),
    "webp": _("a WebP image"),
    "bmp": _("a BMP image"),
    "gif": _("a GIF image"),
    "heic": _("a HEIC image"),
    "avif": _("an AVIF image"),
    "jpeg_2000": _("a JPEG 2000 image"),
    "jpeg_xl": _("a JPEG XL image"),
    "camera_raw": _("a camera raw file"),
    "camera_raw_cr2": _("a camera raw file (CR2)"),
    "camera_raw_cr3": _("a camera raw file (CR3)"),
    "dicom": _("a DICOM file"),
    "czi": _("a Zeiss CZI file"),
    "nd2": _("a Nikon ND2 file"),
    "photoshop": _("a Photoshop document"),
    "svg": _("an SVG drawing"),
    "pdf": _("a PDF document"),
    "zip": _("a ZIP archive or an office document"),
    "archive": _("a compressed archive"),
    "rar": _("a RAR archive"),
    "seven_zip": _("a 7-Zip archive"),
    "video": _("a video"),
    "web_page": _("a web page"),
    "xml": _("an XML document"),
    "unknown": _("not an image we can read"),
}

#: How pixels are stored; the others go by a name that is the same in every language.
COMPRESSIONS: Words = {
    "lossless_jpeg": _("lossless JPEG"),
    "hierarchical_jpeg": _("hierarchical JPEG"),
    "lossy_dng": _("lossy DNG data from a camera"),
    "jpeg": _("a JPEG image"),
    "png": _("a PNG image"),
    "unknown": _("an unknown compression"),
}

_EXPORT = _("Export the photograph as JPEG, PNG, TIFF, WebP or BMP and upload that file.")
_ONE_FIELD = _("Export one field of it as JPEG, PNG or TIFF and upload that file.")
_UNPACK = _("Unpack the archive and upload the photographs one by one.")
#: What to do with a file of a kind that is not accepted, where it is more than to export it.
ADVICE: Words = {
    "heic": _(
        "Upload the photograph as JPEG. iPhone: choose it in this page on the phone itself, which converts it, or set "
        "Settings > Camera > Formats to Most Compatible before taking it. Mac: open it in Preview and export it as "
        "JPEG. Android: switch off high efficiency (HEIF) in the camera's settings."
    ),
    **dict.fromkeys(("dicom", "czi", "nd2", "pdf"), _ONE_FIELD),
    **dict.fromkeys(("zip", "archive", "rar", "seven_zip"), _UNPACK),
    "svg": _("Only photographs can be read: upload one as JPEG, PNG, TIFF, WebP or BMP."),
    "video": _("Upload individual photographs of the fields instead."),
}

#: Values that are codes themselves, by the name they have in a message.
_CODED: Mapping[str, Words] = {"kind": KINDS, "compression": COMPRESSIONS}


def in_words(message: Message | Mapping[str, Any]) -> str:
    """A message, or the JSON that it is stored as, in the language that is active.

    A code that this release does not know (a worker of the next one may have stored it) is shown itself.
    """
    if not isinstance(message, Message):
        message = Message.from_json(message)
    values = {name: _value(name, value) for name, value in message.values.items()}
    if message.code == "unsupported_type":
        values["advice"] = str(ADVICE.get(message.values["kind"], _EXPORT))
    return str(WORDS[message.code]) % values if message.code in WORDS else message.code


def all_in_words(messages: Iterable[Message | Mapping[str, Any]]) -> list[str]:
    """Several messages in words, in their order."""
    return [in_words(message) for message in messages]


def _value(name: str, value: Any) -> Any:
    if isinstance(value, Message):
        return in_words(value)
    return str(_CODED[name].get(value, value)) if name in _CODED else value
