"""The portal's addresses with Django's administration turned on."""

from portal.config import urls
from portal.config.urls import handler400, handler403, handler404, handler500  # noqa: F401 - Django reads them

urlpatterns = [*urls.urlpatterns, urls.administration()]
