# The service in a small image: docker run -v ./config:/etc/slo:ro -p 8000:8000 slo-ledger
# ./config holds slo.yaml; mounted as a folder, its changes come into force without a restart.
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY slo slo
COPY migrations migrations
COPY templates templates
# Every version is pinned by constraints.txt, so that two builds of one commit are alike.
RUN python -m venv /opt/slo \
    && /opt/slo/bin/pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt .

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/slo --create-home --shell /usr/sbin/nologin slo
COPY --from=build /opt/slo /opt/slo
ENV PATH="/opt/slo/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    SLO_CONFIG=/etc/slo/slo.yaml
USER 10001
# The ledger is the only copy of what Prometheus has forgotten: keep this folder on a volume.
WORKDIR /var/lib/slo
VOLUME ["/var/lib/slo"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["slo"]
# Others are let in, so there must be a user, an OIDC provider, or `site: {auth: none}`: docs/access.md.
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
