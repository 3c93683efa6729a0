FROM python:3.11-slim-bookworm AS build
# The compiler stays here: the image that runs has the libraries alone.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md CHANGELOG.md LICENSE rules.yaml ./
COPY config ./config
COPY docs ./docs
COPY proxy ./proxy
# The filter compiled: docs/operations.md, "Compiled". Without it (0) the same source runs as it is.
ARG CONSENT_PROXY_COMPILE=1
RUN python -m venv /opt/consent && /opt/consent/bin/pip install --no-cache-dir .

FROM python:3.11-slim-bookworm
RUN useradd --system --home-dir /var/lib/consent-proxy --create-home consent
COPY --from=build /opt/consent /opt/consent
# Listens on 0.0.0.0:8080. Mount a folder with your own over both: docs/operations.md, "Docker".
COPY config/docker.yaml /etc/consent-proxy/config.yaml
COPY rules.yaml /etc/consent-proxy/rules.yaml
USER consent
WORKDIR /var/lib/consent-proxy
VOLUME /var/lib/consent-proxy
EXPOSE 8080
# Ready, as the admin address of the config says.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s \
    CMD ["/opt/consent/bin/consent-proxy", "status", "--config", "/etc/consent-proxy/config.yaml"]
ENTRYPOINT ["/opt/consent/bin/consent-proxy"]
CMD ["serve", "--config", "/etc/consent-proxy/config.yaml", "--rules", "/etc/consent-proxy/rules.yaml"]
