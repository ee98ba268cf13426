# The Celery worker and beat: the portal's models and services, and the Triton client. No torch.
FROM docker.io/library/python:3.11-slim-bookworm AS build
COPY requirements/worker.lock /tmp/worker.lock
RUN python3 -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check --quiet --require-hashes -r /tmp/worker.lock
WORKDIR /app
COPY smear smear
COPY confined confined
COPY portal portal
COPY worker worker
RUN find portal/static -mindepth 1 -delete \
 && /opt/venv/bin/python -m portal.catalogues compile \
 && /opt/venv/bin/python -m compileall -q smear confined portal worker

FROM docker.io/library/python:3.11-slim-bookworm
# The same user as in the web image: both write the media volume, and whichever starts first makes it.
RUN groupadd --gid 10001 hemalens \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin hemalens \
 && install -d -o hemalens -g hemalens -m 700 /var/lib/hemalens/sockets \
 && install -d -o hemalens -g hemalens -m 750 /var/lib/hemalens/media /var/lib/hemalens/scratch
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=portal.config.settings \
    MEDIA_ROOT=/var/lib/hemalens/media
WORKDIR /app
COPY --from=build /app ./
USER 10001:10001
CMD ["python", "-m", "worker"]
