"""A signed report as PDF, FHIR bundle and canonical JSON; the worklist as CSV; the page that verifies a hash."""

import re
from itertools import chain
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.cases.choices import SIGNED
from portal.cases.models import Case
from portal.reading import exposure
from portal.reports import fhir, pdf
from portal.reports.content import canonical
from portal.reports.exports import csv_export
from portal.reports.models import Diagnosis
from portal.reports.verify import HashForm, verify
from portal.reports.versions import SignedVersion, signed_version
from portal.web.pages import page

NUMBER = re.compile("[0-9]{1,5}")


def version_or_404(user: User, case_id: UUID, wanted: str | None) -> SignedVersion:
    """The version of ``?version=``, by default the newest. Raises Http404, and what ``signed_version`` refuses."""
    if wanted and not NUMBER.fullmatch(wanted):
        raise Http404
    try:
        version = signed_version(user, case_id, int(wanted) if wanted else None)
    except Diagnosis.DoesNotExist as error:
        raise Http404 from error
    # In whichever form the version goes out, it holds the model's answer.
    exposure.record_cases(user, Case.objects.filter(pk=case_id))
    return version


def sent(content: bytes | str, content_type: str, name: str, *, inline: bool = False) -> HttpResponse:
    """A file for the person who asked and nobody between."""
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(not inline, name) or "attachment"
    return response


def pdf_response(version: SignedVersion) -> HttpResponse:
    return sent(pdf.render(version), "application/pdf", f"{version.file_name}.pdf", inline=True)


def fhir_response(version: SignedVersion) -> HttpResponse:
    return sent(fhir.bundle_json(version), fhir.CONTENT_TYPE, f"{version.file_name}.fhir.json")


def content_response(version: SignedVersion) -> HttpResponse:
    """The very bytes that were hashed."""
    return sent(canonical(version.content), "application/json", f"{version.file_name}.json")


def csv_response(user: User, cases: QuerySet[Case], *, mark: bool) -> StreamingHttpResponse:
    """Cases of the worklist as CSV, the newest first; ``mark``: with a byte order mark, for spreadsheets."""
    exposure.record_cases(user, cases.filter(state__in=SIGNED))
    lines = csv_export.lines(cases.order_by("-created_at", "pk"))
    response = StreamingHttpResponse(
        chain([csv_export.BYTE_ORDER_MARK] if mark else [], lines),
        content_type="text/csv; charset=utf-8",
    )
    name = f"cases-{timezone.localdate():%Y-%m-%d}.csv"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


@require_GET
@page
def report_pdf(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """A signed version as PDF."""
    return pdf_response(version_or_404(request.user, pk, request.GET.get("version")))


@require_GET
@page
def report_fhir(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """A signed version as FHIR R4 bundle."""
    return fhir_response(version_or_404(request.user, pk, request.GET.get("version")))


@require_GET
@page
def report_content(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The canonical content of a signed version, for anybody to hash."""
    return content_response(version_or_404(request.user, pk, request.GET.get("version")))


@require_GET
@page
def verify_form(request: SignedInRequest) -> HttpResponse:
    """Ask for a hash, and go on to its page."""
    form = HashForm(request.GET if "hash" in request.GET else None)
    if form.is_bound and form.is_valid():
        return redirect("verify:hash", form.cleaned_data["hash"])
    return render(request, "reports/verify.html", {"form": form}, status=422 if form.is_bound else 200)


@require_GET
@page
def verify_hash(request: SignedInRequest, sha256: str) -> HttpResponse:
    """Whether a signed version has this hash and is still what was signed; another laboratory's is as good as none."""
    found = verify(request.user, sha256)
    form = HashForm(initial={} if found else {"hash": sha256})
    context = {"form": form, "sha256": sha256, "found": found}
    return render(request, "reports/verify.html", context, status=200 if found else 404)
