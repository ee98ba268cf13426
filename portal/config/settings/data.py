"""Where things are kept: database, broker, cache, files; and how much of a file is taken."""

from pathlib import Path
from tempfile import gettempdir

from portal.config.settings.environment import BASE_DIR, env

DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"]["CONN_MAX_AGE"] = 60
# After a restart of PostgreSQL the next request finds its old connection dead, and takes a new one.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# A server that does not even refuse is given up after so many seconds; by itself the driver waits for minutes.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
BROKER_URL = env.str("BROKER_URL", default="redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        # A failure is a miss: nothing is kept there alone, and no page waits for it.
        "BACKEND": "portal.config.valkey.PatientCache",
        "LOCATION": env.str("CACHE_URL", default="redis://127.0.0.1:6379/1"),
    }
}
# The sessions stay in the database: emptying the cache must not sign everybody out.
SESSION_ENGINE = "django.contrib.sessions.backends.db"

MEDIA_ROOT = env.path("MEDIA_ROOT", default=str(BASE_DIR / "var" / "media"))
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "var" / "static"))
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "portal" / "static"]
STORAGES = {
    # Photographs are never served from a public address: views check who asks, then read the storage.
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Where the servers listen that read photographs and make PDFs in bounded processes (confined/).
CONFINED_SOCKETS = env.path("CONFINED_SOCKETS", default=str(Path(gettempdir()) / "hemalens-sockets"))

# --- Uploads
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_MB", default=50) * 1024 * 1024
# One request altogether; what declares more is answered without being read.
UPLOAD_MAX_REQUEST_BYTES = env.int("UPLOAD_MAX_REQUEST_MB", default=200) * 1024 * 1024
UPLOAD_MAX_IMAGES_PER_CASE = env.int("UPLOAD_MAX_IMAGES_PER_CASE", default=200)
FILE_UPLOAD_HANDLERS = [
    "portal.web.file_names.FileNameHandler",
    "portal.web.limits.LimitedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 * 1024 * 1024
