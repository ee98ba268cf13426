"""What the sender of an accepted photograph should know about it."""

from typing import NamedTuple

from smear.words import gettext_noop as _

TURNED_UPRIGHT = _("The photograph was turned upright, as its camera recorded.")
CONVERTED_TO_SRGB = _("The colours were converted from the camera's profile to sRGB.")
EXTENSION_MISMATCH = _("The file is named %(extension)s, but it is %(kind)s; it was read as that.")
PROFILE_UNREADABLE = _("The colour profile in the file cannot be read; the colours were taken as sRGB.")
COLOURS_NOT_NAMED = _("The file says that its colours are not sRGB, but not which; they were taken as sRGB.")
FURTHER_PICTURES = _("The file holds further pictures behind the first; the first was taken.")
LARGEST_PAGE = _("The file also holds a smaller copy of the photograph; the large one was taken.")


class Notice(NamedTuple):
    """Something the sender should know about an accepted photograph; ``message`` is in English."""

    code: str
    message: str
