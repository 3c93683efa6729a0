# By digest, where your registry has one: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# The compiler stays here: the image that runs has the libraries alone.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# What is installed is what the two locks name, byte for byte; a change of our own source installs none of it anew.
COPY deploy/requirements.lock deploy/build-requirements.lock deploy/
RUN python -m venv /opt/consent && /opt/consent/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r deploy/requirements.lock
RUN python -m venv /opt/build && /opt/build/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r deploy/build-requirements.lock
COPY pyproject.toml hatch_build.py README.md CHANGELOG.md LICENSE rules.yaml ./
COPY config ./config
COPY deploy ./deploy
COPY docs ./docs
COPY proxy ./proxy
# The filter compiled: docs/operations.md, "Compiled". Without it (0) the same source runs as it is.
ARG CONSENT_PROXY_COMPILE=1
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --check-build-dependencies -w /opt/wheel . && /opt/consent/bin/pip install --no-cache-dir --no-deps /opt/wheel/*.whl

FROM ${PYTHON_IMAGE}
# A number, so that an orchestrator sees that it is not root.
RUN useradd --system --uid 10001 --home-dir /var/lib/consent-proxy --create-home consent
COPY --from=build /opt/consent /opt/consent
# Listens on 0.0.0.0:8080. Mount a folder with your own over both: docs/operations.md, "Docker".
COPY config/docker.yaml /etc/consent-proxy/config.yaml
COPY rules.yaml /etc/consent-proxy/rules.yaml
ENV PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/consent-proxy
VOLUME /var/lib/consent-proxy
EXPOSE 8080
# Ready, as the admin address of the config says.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s \
    CMD ["/opt/consent/bin/consent-proxy", "status", "--config", "/etc/consent-proxy/config.yaml"]
ENTRYPOINT ["/opt/consent/bin/consent-proxy"]
CMD ["serve", "--config", "/etc/consent-proxy/config.yaml", "--rules", "/etc/consent-proxy/rules.yaml"]
