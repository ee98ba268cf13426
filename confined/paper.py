"""The jobs on paper: a report's page as a tagged PDF (PDF/UA-1), by WeasyPrint.

WeasyPrint sets Pillow to take cut pictures, for the whole process: one more reason why it has this one to itself.
It needs libraries of the system (Pango, HarfBuzz) and is imported when the first report is asked for.
"""

import logging
from types import ModuleType
from typing import Any

from confined.child import Job, Unavailable, Work
from confined.protocol import unbundle

_found: dict[str, ModuleType | str] = {}


def prepare() -> None:
    """Import WeasyPrint once for all jobs; a machine that lacks its libraries is said to at each job."""
    try:
        import weasyprint
    except OSError as error:
        _found["weasyprint"] = str(error)
        return
    _found["weasyprint"] = weasyprint
    # It logs its progress, sheet by sheet, as if that were a warning.
    logging.getLogger("weasyprint.progress").setLevel(logging.WARNING)


def report(work: Work) -> None:
    """Write the PDF of a page.

    The source is a bundle: the page (HTML), its style sheet (CSS), then the files that both may name. Arguments:
    ``index`` with the length of each, and ``files`` with address and media type of those from the third on.
    """
    weasyprint = _found["weasyprint"]
    if isinstance(weasyprint, str):
        raise Unavailable(f"No PDF can be made: {weasyprint}")
    page, sheet, *contents = unbundle(work.source, work.arguments["index"])
    named = zip(work.arguments["files"], contents, strict=True)
    fetcher = _served_only({address: (content, kind) for (address, kind), content in named})
    document = weasyprint.HTML(string=page.decode(), base_url="report:", url_fetcher=fetcher)
    styles = weasyprint.CSS(string=sheet.decode(), url_fetcher=fetcher)
    document.write_pdf(work.targets[0], stylesheets=[styles], pdf_variant="pdf/ua-1")


JOBS: dict[str, Job] = {"report": report}


def _served_only(files: dict[str, tuple[bytes, str]]) -> Any:
    """A fetcher that gives out these files (content and type by address) and reads nothing else, wherever it lies."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class ServedOnly(URLFetcher):
        def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
            if url not in files:
                raise ValueError(f"Not part of the report: {url}")
            content, content_type = files[url]
            return URLFetcherResponse(url, content, {"Content-Type": content_type})

    return ServedOnly()
