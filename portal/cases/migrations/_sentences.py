"""From sentences that were stored before there were codes back to codes, for the migrations of these columns.

Frozen: the sentences as the releases up to then wrote them, whatever the words are now.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.db.migrations import RunSQL

Known = Mapping[str, list[str]]
Stored = dict[str, Any]

KINDS = {
    "a JPEG image": "jpeg",
    "a PNG image": "png",
    "a TIFF image": "tiff",
    "a WebP image": "webp",
    "a BMP image": "bmp",
}

NOTICES: Known = {
    "turned_upright": ["The photograph was turned upright, as its camera recorded."],
    "converted_to_srgb": ["The colours were converted from the camera's profile to sRGB."],
    "extension_mismatch": ["The file is named %(extension)s, but it is %(kind)s; it was read as that."],
    "profile_unreadable": ["The colour profile in the file cannot be read; the colours were taken as sRGB."],
    "colours_not_named": [
        "The file says that its colours are not sRGB, but not which; they were taken as sRGB."
    ],
    "further_pictures": ["The file holds further pictures behind the first; the first was taken."],
    "largest_page": ["The file also holds a smaller copy of the photograph; the large one was taken."],
}

#: Why there was no answer: in the language of whoever caused it, so in both that there were.
NO_ANSWER: Known = {
    "incomplete": [
        "%(failed)d of %(total)d photographs have no pre-classification: %(error)s",
        "%(failed)d de %(total)d fotografías no tienen preclasificación: %(error)s",
    ],
    "switched_off": ["Pre-classification is switched off.", "La preclasificación está desactivada."],
    "superseded": [
        "%(version)s took over before this version had answered.",
        "%(version)s la sustituyó antes de que esta versión hubiera respondido.",
    ],
    "case_cancelled": ["The case was cancelled.", "El caso se canceló."],
    "worker_stopped": [
        "The worker stopped before it answered.",
        "El proceso se detuvo antes de responder.",
    ],
    "late": ["The model did not answer in time.", "El modelo no respondió a tiempo."],
    "quick_look_late": [
        "The model did not answer in time. Try again in a minute.",
        "El modelo no respondió a tiempo. Inténtelo de nuevo en un minuto.",
    ],
    "queue_away": [
        "The work queue cannot be reached. Try again in a minute, or file a case.",
        "No se puede acceder a la cola de trabajo. Inténtelo de nuevo en un minuto o registre un caso.",
    ],
    "model_away": ["The model server could not be reached."],
    "model_differs": ["The model server does not serve the registered model."],
    "model_refused": ["The model server refused the photograph."],
    "stored_beyond_bounds": ["The stored photograph takes more memory or time than it may have."],
    "stored_unreadable": ["The stored photograph could not be read."],
    "unexpected": ["An unexpected error stopped the pre-classification."],
    "busy": ["Too many photographs are being read at the moment. Try again in a minute."],
    "reading_broke": [
        "This photograph could not be read: the process that reads it ended. Try again; "
        "if it happens again, save the photograph anew as JPEG or PNG."
    ],
    "pictures_away": ["Photographs cannot be read at the moment. Try again in a minute."],
}


def message_of(sentence: str, known: Known) -> Stored:
    """The code and values of a stored sentence; one that is not known is kept as it is, under the code ``text``."""
    for code, templates in known.items():
        for template in templates:
            found = _pattern(template).fullmatch(sentence)
            if found and (values := _values(found.groupdict(), template, known)) is not None:
                return {"code": code, "values": values}
    return {"code": "text", "values": {"text": sentence}}


def notices_of(sentences: list[str]) -> list[Stored]:
    return [message_of(sentence, NOTICES) for sentence in sentences]


def rewrite(model: Any, field: str, change: Callable[[Any], Any]) -> None:
    """Give every row the changed value of a field; rows are told apart by what stands there, so few updates do."""
    rows = model._default_manager.order_by()
    for value in rows.exclude(**{f"{field}__isnull": True}).values_list(field, flat=True).distinct():
        rows.filter(**{field: value}).update(**{field: change(value)})


def text_to_json(table: str, column: str) -> RunSQL:
    """Make JSON of a column of text, its sentences JSON texts and the empty ones null. Triggers do not see it."""
    return RunSQL(
        f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL, "
        f"ALTER COLUMN {column} TYPE jsonb USING to_jsonb(NULLIF({column}, ''))",
        RunSQL.noop,
    )


def _pattern(template: str) -> re.Pattern[str]:
    escaped = re.sub(r"%\\\((\w+)\\\)d", r"(?P<\1>\\d+)", re.escape(template))
    return re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+)", escaped), re.DOTALL)


def _values(found: dict[str, str], template: str, known: Known) -> Stored | None:
    """The values as they are stored now; None where the kind of a file is not known."""
    values: Stored = {}
    for name, value in found.items():
        if name == "kind":
            values[name] = KINDS.get(value)
        elif name == "error":
            values[name] = message_of(value, known)
        else:
            values[name] = int(value) if f"%({name})d" in template else value
    return None if None in values.values() else values
