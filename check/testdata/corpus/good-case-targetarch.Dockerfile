FROM debian:bookworm-slim
ARG TARGETARCH
ARG HELM_VERSION=3.16.2
RUN set -eux; \
    case "$TARGETARCH" in \
      amd64) sha=9318379b847e333460d33d291d4c088156299a26cd93d570a7f5d0c36e50b5bb ;; \
      arm64) sha=1888301aeb7d08a03b6d9f4d2b73dcd09b89c41577e80e3455c113629fc657a4 ;; \
      *) echo "unsupported: $TARGETARCH" >&2; exit 1 ;; \
    esac; \
    curl -fsSLo /tmp/helm.tgz "https://get.helm.sh/helm-v${HELM_VERSION}-linux-${TARGETARCH}.tar.gz"; \
    echo "$sha  /tmp/helm.tgz" | sha256sum -c -; \
    tar -C /usr/local/bin --strip-components=1 -xzf /tmp/helm.tgz "linux-${TARGETARCH}/helm"
ENTRYPOINT ["helm"]
