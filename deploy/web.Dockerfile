# The portal and its web server, and the one-shot migrate job. No torch, no Triton client.
FROM docker.io/library/node:22-bookworm-slim AS frontend
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-progress
COPY frontend frontend
RUN npm run build

FROM docker.io/library/python:3.11-slim-bookworm AS build
COPY requirements/web.lock /tmp/web.lock
RUN python3 -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check --quiet --require-hashes -r /tmp/web.lock
WORKDIR /app
COPY manage.py ./
COPY smear smear
COPY confined confined
COPY portal portal
# Of the models the portal reads the cards, the results of their gates and why one is used in spite of them; no weights.
COPY triton_models /tmp/triton_models
RUN mkdir triton_models && cd /tmp/triton_models \
 && find . \( -name model_card.json -o -name gate.json -o -name despite_gate.json \) -exec cp --parents {} /app/triton_models/ \;
COPY --from=frontend /app/portal/static/dist portal/static/dist
# Django asks for these two before it starts; collecting static files uses neither.
RUN SECRET_KEY=build-only DATABASE_URL=postgres://build-only STATIC_ROOT=/app/staticfiles \
    /opt/venv/bin/python manage.py collectstatic --no-input --verbosity=0 \
 && find portal/static -mindepth 1 -delete \
 && /opt/venv/bin/python -m portal.catalogues compile \
 && /opt/venv/bin/python -m compileall -q smear confined portal

FROM docker.io/library/python:3.11-slim-bookworm
# WeasyPrint makes the PDFs of reports with these. The fonts are for names and comments in any script.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
    fonts-noto-core fonts-noto-cjk \
 && rm -rf /var/lib/apt/lists/*
# The folders are made here so that a new volume mounted there belongs to this user.
RUN groupadd --gid 10001 hemalens \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin hemalens \
 && install -d -o hemalens -g hemalens -m 700 /var/lib/hemalens/sockets \
 && install -d -o hemalens -g hemalens -m 750 /var/lib/hemalens/media /var/lib/hemalens/scratch /var/lib/hemalens/demo
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=portal.config.settings \
    HOST=0.0.0.0 \
    PORT=8000 \
    STATIC_ROOT=/app/staticfiles \
    MEDIA_ROOT=/var/lib/hemalens/media
WORKDIR /app
COPY deploy deploy
COPY --from=build /app ./
USER 10001:10001
EXPOSE 8000
CMD ["python", "-m", "portal.server"]
