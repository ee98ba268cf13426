"""The keys of the reading room: every action, its words and the key it has until a person chooses another.

A key is written as ``frontend/js/keys.js`` writes what was pressed: ``J``, ``?``, ``Shift+1``, ``Ctrl+Enter``, ``F2``.
Letters are capitals; of signs the sign counts, whatever it takes to type it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.errors import Duplicate, Invalid
from portal.reading.choices import Confidence, ReadLabel

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Shortcut:
    """An action of the reading room. ``also`` are further keys that stay with it unless another action takes them."""

    action: str
    label: "StrOrPromise"
    default: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Shortcuts that belong together, under one heading."""

    label: "StrOrPromise"
    shortcuts: tuple[Shortcut, ...]


def _answers(action: str, modifier: str) -> tuple[Shortcut, ...]:
    return tuple(
        Shortcut(f"{action}-{number}", answer.label, f"{modifier}{number}")
        for number, answer in enumerate(ReadLabel, start=1)
    )


GROUPS: tuple[Group, ...] = (
    Group(gettext_lazy("Answer for the photograph shown"), _answers("answer", "")),
    Group(gettext_lazy("Answer for all photographs"), _answers("answer-all", "Shift+")),
    Group(
        gettext_lazy("Confidence"),
        (
            Shortcut("confidence-low", Confidence.LOW.label, "7"),
            Shortcut("confidence-medium", Confidence.MEDIUM.label, "8"),
            Shortcut("confidence-high", Confidence.HIGH.label, "9"),
        ),
    ),
    Group(
        gettext_lazy("Case"),
        (
            Shortcut("next-image", gettext_lazy("Next photograph"), "J", ("ArrowRight",)),
            Shortcut("previous-image", gettext_lazy("Previous photograph"), "K", ("ArrowLeft",)),
            Shortcut("heat-map", gettext_lazy("Heat map on or off"), "H"),
            Shortcut("next-case", gettext_lazy("Next case"), "N"),
            Shortcut("save", gettext_lazy("Save the answer"), "Ctrl+Enter"),
            Shortcut("help", gettext_lazy("List of the keys"), "?"),
        ),
    ),
    Group(
        gettext_lazy("Photograph"),
        (
            Shortcut("zoom-in", gettext_lazy("Zoom in"), "+", ("=",)),
            Shortcut("zoom-out", gettext_lazy("Zoom out"), "-"),
            Shortcut("home", gettext_lazy("Whole photograph"), "0"),
            Shortcut("rotate", gettext_lazy("Rotate right"), "R"),
            Shortcut("rotate-left", gettext_lazy("Rotate left"), "Shift+R"),
            Shortcut("brighter", gettext_lazy("Brighter"), "]"),
            Shortcut("darker", gettext_lazy("Darker"), "["),
            Shortcut("magnifier", gettext_lazy("Magnifier"), "M"),
            Shortcut("side-by-side", gettext_lazy("Side by side"), "S"),
            Shortcut("measure", gettext_lazy("Measure"), "D"),
            Shortcut("marker", gettext_lazy("Add a marker"), "A"),
            Shortcut("full-screen", gettext_lazy("Full screen"), "F"),
        ),
    ),
)
SHORTCUTS: dict[str, Shortcut] = {
    shortcut.action: shortcut for group in GROUPS for shortcut in group.shortcuts
}

# What a browser or the page itself does with other keys (Tab, Escape, F5, Ctrl+W) is not ours to take away.
_KEY = re.compile(r"(Shift\+)?[^\W_]|[^\w\s]|_|(Ctrl\+|Shift\+)Enter|F[24789]")
_HAS_MODIFIER = re.compile(r"Ctrl\+|Shift\+Enter|F\d|Arrow")


def spelled(key: str) -> str:
    """A key as it is stored. Raises Invalid for one that cannot be a shortcut."""
    *modifiers, last = re.split(r"\+(?=.)", key.strip())
    canonical = "+".join(
        [*(name.capitalize() for name in modifiers), last.upper() if len(last) == 1 else last]
    )
    if not _KEY.fullmatch(canonical):
        raise Invalid(
            _(
                "%(key)s cannot be a shortcut. Choose a letter, digit or sign, a letter or digit with Shift, "
                "or Ctrl+Enter."
            )
            % {"key": key.strip()[:20]},
            code="not_a_key",
        )
    return canonical


def checked(chosen: Mapping[str, str]) -> dict[str, str]:
    """What a person chose, spelled out and without what is the default anyway; an empty key means the default.

    Raises Invalid for an unknown action or key, Duplicate where two actions would share one; ``field`` is the action.
    """
    keys: dict[str, str] = {}
    for action, key in chosen.items():
        if not key.strip():
            continue  # back to its default
        if action not in SHORTCUTS:
            raise Invalid(_("There is no action called %(action)s.") % {"action": action[:40]}, field=action)
        try:
            keys[action] = spelled(key)
        except Invalid as error:
            raise Invalid(error.message, code=error.code, field=action) from error
    _refuse_conflicts(keys)
    return {action: key for action, key in keys.items() if key != SHORTCUTS[action].default}


def _refuse_conflicts(keys: Mapping[str, str]) -> None:
    taken: dict[str, Shortcut] = {}
    for shortcut in SHORTCUTS.values():
        key = keys.get(shortcut.action, shortcut.default)
        if other := taken.get(key):
            # Named is the one that was changed; of two changed ones the later.
            field = shortcut.action if shortcut.action in keys else other.action
            raise Duplicate(
                _(
                    "%(key)s is the key for both “%(one)s” and “%(other)s”. Choose another key for one of "
                    "them."
                )
                % {"key": key, "one": other.label, "other": shortcut.label},
                code="key_taken",
                field=field,
            )
        taken[key] = shortcut


def effective(keys: Mapping[str, str], *, single_keys_on: bool = True) -> dict[str, list[str]]:
    """The keys of every action; none where ``single_keys_on`` is false and it would take a letter, digit or sign."""
    main = {action: keys.get(action, shortcut.default) for action, shortcut in SHORTCUTS.items()}
    taken = set(main.values())
    found = {
        action: [main[action], *(key for key in shortcut.also if key not in taken)]
        for action, shortcut in SHORTCUTS.items()
    }
    if single_keys_on:
        return found
    return {action: [key for key in keys if _HAS_MODIFIER.match(key)] for action, keys in found.items()}
