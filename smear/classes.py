"""The four classes the model answers with, in the order of the model's outputs.

Names follow Aria et al., *Acute Lymphoblastic Leukemia (ALL) image dataset*, Kaggle 2021
(DOI 10.34740/KAGGLE/DSV/2175623). "Benign" are haematogones (benign B-cell precursors), not healthy blood
in general.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SmearClass:
    """One class: the model's label, and whether it is leukaemia."""

    label: str
    malignant: bool


SMEAR_CLASSES: tuple[SmearClass, ...] = (
    SmearClass("Benign", malignant=False),
    SmearClass("Early", malignant=True),
    SmearClass("Pre", malignant=True),
    SmearClass("Pro", malignant=True),
)

#: The labels alone, in the order of the model's outputs and of ``labels.txt``.
CLASSES: tuple[str, ...] = tuple(smear_class.label for smear_class in SMEAR_CLASSES)

#: Labels of the malignant classes.
MALIGNANT: frozenset[str] = frozenset(c.label for c in SMEAR_CLASSES if c.malignant)
