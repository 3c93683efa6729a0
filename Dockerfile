FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE rules.yaml ./
COPY config ./config
COPY proxy ./proxy
RUN python -m venv /opt/consent && /opt/consent/bin/pip install --no-cache-dir .

FROM python:3.11-slim-bookworm
RUN useradd --system --home-dir /var/lib/consent-proxy --create-home consent
COPY --from=build /opt/consent /opt/consent
USER consent
WORKDIR /var/lib/consent-proxy
EXPOSE 8080 9100
# Mount your own config and rules: docker run -v ./config:/etc/consent-proxy:ro ...
ENTRYPOINT ["/opt/consent/bin/consent-proxy"]
CMD ["serve", "--config", "/etc/consent-proxy/config.yaml", "--rules", "/etc/consent-proxy/rules.yaml"]
