"""The Celery application. The portal only sends tasks, by name; ``worker`` holds their code."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")

app = Celery("hemalens")
app.config_from_object("django.conf:settings", namespace="CELERY")
