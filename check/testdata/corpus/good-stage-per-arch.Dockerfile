FROM alpine:3.21 AS base-amd64
ADD https://dl.example.com/tool-linux-x86_64 /tool
FROM alpine:3.21 AS base-arm64
ADD https://dl.example.com/tool-linux-aarch64 /tool
ARG TARGETARCH
FROM base-${TARGETARCH}
RUN chmod +x /tool
ENTRYPOINT ["/tool"]
