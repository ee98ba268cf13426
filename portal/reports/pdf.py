"""A signed report version as a tagged PDF (PDF/UA-1); ``confined.paper`` makes it in a process of its own."""

import logging
from pathlib import Path
from typing import Any

import zxingcpp
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

from confined.client import Client, JobFailed, ServerGone, scratch, server_in
from confined.protocol import Bundle, Failed
from portal import fonts
from portal.cases.choices import Magnification, Priority, Specimen, Stain
from portal.cases.models import SmearImage
from portal.errors import DomainError
from portal.links import absolute
from portal.reading.choices import Confidence, ReadLabel
from portal.reports.choices import SignMethod
from portal.reports.presenters import ReportPage
from portal.reports.versions import SignedVersion
from portal.text import visible
from smear.classes import CLASSES

log = logging.getLogger(__name__)

CSS = Path(__file__).parent.parent / "templates" / "reports" / "pdf.css"
#: What Debian calls the libraries that WeasyPrint loads.
PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
QR = "report:qr"


class PdfUnavailable(DomainError):
    """No PDF can be made, now or on this machine."""

    status = 503
    default_code = "pdf_unavailable"


def render(version: SignedVersion) -> bytes:
    """The report as PDF, in the language of the request. Raises PdfUnavailable."""
    verify_url = verify_address(version.diagnosis.sha256)
    images = {image.position: image for image in version.diagnosis.case.images.all()}
    files = {QR: (_qr(verify_url), "image/svg+xml"), **_thumbnails(images)}
    html = fonts.printable(
        visible(render_to_string("reports/pdf.html", _context(version, images, files, verify_url)))
    )
    with scratch() as source, scratch() as pdf:
        bundle = Bundle(source)
        for content in (html.encode(), CSS.read_bytes(), *(content for content, _type in files.values())):
            bundle.add(content)
        source.flush()
        named = [(address, media_type) for address, (_content, media_type) in files.items()]
        try:
            server().run("report", {"index": bundle.index, "files": named}, source, [pdf])
        except (JobFailed, ServerGone) as error:
            raise _in_words(error) from error
        pdf.seek(0)
        return pdf.read()


def server() -> Client:
    return server_in(settings.CONFINED_SOCKETS, "paper")


def _in_words(error: JobFailed | ServerGone) -> PdfUnavailable:
    log.error("No PDF was made: %s", error)
    match error:
        case JobFailed(why=Failed.UNAVAILABLE):
            return PdfUnavailable(
                _(
                    "The server cannot make PDFs: libraries are missing. Print the report's page instead, "
                    "or ask the operator of Hemalens to install them (Debian: apt-get install "
                    "%(packages)s)."
                )
                % {"packages": PACKAGES}
            )
        case JobFailed(why=Failed.MEMORY | Failed.TIME):
            return PdfUnavailable(
                _("The PDF needs more memory or time than is allowed. Print the report's page instead."),
                code="pdf_too_large",
            )
        case _:
            return PdfUnavailable(
                _(
                    "The PDF could not be made at the moment. "
                    "Try again in a minute, or print the report's page instead."
                ),
                code="pdf_failed",
            )


def verify_address(sha256: str) -> str:
    """Where anybody of the laboratory can check a hash, as printed on paper."""
    return absolute("verify:hash", sha256)


def _qr(address: str) -> bytes:
    code = zxingcpp.create_barcode(address, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    svg: str = code.to_svg(add_quiet_zones=False)
    return svg.encode()


def _thumbnails(images: dict[int, SmearImage]) -> dict[str, tuple[bytes, str]]:
    """Thumbnails by address; one whose file is gone is left out, and the report says so in its place."""
    found = {}
    for position, image in images.items():
        try:
            with image.thumbnail.open("rb") as file:
                found[_thumbnail_address(position)] = (file.read(), "image/jpeg")
        except FileNotFoundError:
            log.warning("The thumbnail of photograph %s is gone.", image.pk)
    return found


def _thumbnail_address(position: int) -> str:
    return f"report:photograph/{position}"


def _context(
    version: SignedVersion,
    images: dict[int, SmearImage],
    files: dict[str, tuple[bytes, str]],
    verify_url: str,
) -> dict[str, Any]:
    content = version.content
    report = ReportPage(version.diagnosis, version.versions, images)
    case, conclusion, signature = content["case"], content["conclusion"], content["signature"]
    return {
        # Made here: a template's line breaks would stand in the title that a viewer shows.
        "title": _("Report %(accession)s, version %(version)s") % content["report"],
        "language": to_locale(get_language() or settings.LANGUAGE_CODE).replace("_", "-"),
        "content": content,
        "has_codes": bool(fonts.unprintable(fonts.words_of(content))),
        "report": report,
        "sha256": version.diagnosis.sha256,
        "newest": None if version.is_newest else version.newest,
        "verify_url": verify_url,
        "qr": QR,
        "conclusion": {
            "answer": ReadLabel(conclusion["label"]).label,
            "sure": Confidence(conclusion["confidence"]).label,
            "comment": conclusion["comment"],
        },
        "case": {
            "specimen": Specimen(case["specimen"]).label,
            "stain": Stain(case["stain"]).label if case["stain"] else "",
            "magnification": Magnification(case["magnification"]).label if case["magnification"] else "",
            "priority": Priority(case["priority"]).label,
            "submitted_at": parse_datetime(case["submitted_at"] or ""),
        },
        "signature": {
            "method": SignMethod(signature["method"]).label,
            "at": parse_datetime(signature["at"]),
        },
        "reads": [{**read, "time": parse_datetime(read["at"])} for read in report.reads],
        "photographs": _photographs(content, files),
        "classes": CLASSES,
    }


def _photographs(content: dict[str, Any], files: dict[str, tuple[bytes, str]]) -> list[dict[str, Any]]:
    """Each photograph with what the readers and the model said of it; the classes in the model's order."""
    said = {one["position"]: one for one in content["model"]["images"]}
    shown = []
    for image in content["images"]:
        address = _thumbnail_address(image["position"])
        model = said.get(image["position"])
        shown.append(
            {
                **image,
                "thumbnail": address if address in files else "",
                "answer": ReadLabel(image["label"]).label if image["label"] else "",
                "model": model,
                "probabilities": [model["probabilities"][label] for label in CLASSES] if model else [],
            }
        )
    return shown
