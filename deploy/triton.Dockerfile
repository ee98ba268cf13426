# Triton with the model repository built in. model.pt is not committed: it is exported here from the committed weights.
FROM docker.io/library/python:3.11-slim-bookworm AS export
COPY requirements/local.lock /tmp/local.lock
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --quiet --require-hashes -r /tmp/local.lock
# A package index with CPU builds of torch spares some gigabytes; without one the default index is asked.
ARG TORCH_INDEX=
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --quiet \
    ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch==2.13.0
WORKDIR /app
COPY smear smear
COPY training training
COPY triton_models triton_models
RUN /opt/venv/bin/python -m training export && chmod -R a+rX triton_models

FROM nvcr.io/nvidia/tritonserver:25.10-py3
RUN groupadd --gid 10001 hemalens \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin hemalens
COPY --from=export /app/triton_models /models
COPY deploy/serve-model /usr/local/bin/
USER 10001:10001
EXPOSE 8000 8001
# A command, no entry point: the image's own one prepares the machine's GPU driver, where there is one.
CMD ["serve-model"]
