"""A large photograph in tiles, as OpenSeadragon asks for them."""

from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from portal.cases import pictures, selectors, tiles
from portal.web.pages import SignedInRequest, page, private_file
from smear import pyramid


@require_GET
@page
def tile_descriptor(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The Deep Zoom descriptor; answered when the tiles are there, so that they are not all waited for at once."""
    image = get_object_or_404(selectors.images_visible_to(request.user), pk=pk)
    try:
        tiles.ensure_tiles(image.pk)
    except (tiles.NoTiles, pictures.Unreadable) as error:
        raise Http404 from error
    return HttpResponse(pyramid.descriptor((image.width, image.height)), content_type="application/xml")


@require_GET
@page
def tile(request: SignedInRequest, pk: UUID, level: int, column: int, row: int) -> HttpResponseBase:
    """One tile as JPEG."""
    image = get_object_or_404(selectors.images_visible_to(request.user), pk=pk)
    try:
        file = tiles.tile_file(image, level, column, row)
        if not file.storage.exists(file.name or ""):
            tiles.ensure_tiles(image.pk)
    except (tiles.NoTiles, pictures.Unreadable) as error:
        raise Http404 from error
    return private_file(request, file, "image/jpeg")
