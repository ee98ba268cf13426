"""A large photograph in tiles, as OpenSeadragon asks for them."""

from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_GET

from portal.accounts.requests import SignedInRequest
from portal.cases import pictures, tiles
from portal.cases.found import visible_image
from portal.web.pages import page, private_file
from smear import pyramid


@require_GET
@page
def tile_descriptor(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The Deep Zoom descriptor; answered when the tiles are there, so that they are not all waited for at once."""
    image = visible_image(request.user, pk)
    try:
        tiles.ensure_tiles(image.pk)
    except (tiles.NoTiles, pictures.Unreadable) as error:
        raise Http404 from error
    return HttpResponse(pyramid.descriptor((image.width, image.height)), content_type="application/xml")


@require_GET
@page
def tile(request: SignedInRequest, pk: UUID, level: int, column: int, row: int) -> HttpResponseBase:
    """One tile as JPEG."""
    image = visible_image(request.user, pk)
    try:
        file = tiles.tile_file(image, level, column, row)
        if not file.storage.exists(file.name or ""):
            tiles.ensure_tiles(image.pk)
    except (tiles.NoTiles, pictures.Unreadable) as error:
        raise Http404 from error
    return private_file(request, file, "image/jpeg")
