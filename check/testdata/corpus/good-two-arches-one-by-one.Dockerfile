FROM --platform=$BUILDPLATFORM debian:bookworm AS build
ARG TARGETARCH
RUN dpkg --add-architecture arm64 && dpkg --add-architecture amd64 && apt-get update && apt-get install -y \
    golang gcc-aarch64-linux-gnu gcc-x86-64-linux-gnu libsqlite3-dev:arm64 libsqlite3-dev:amd64
RUN GOARCH=amd64 go build -o /out/app-amd64 . && GOARCH=arm64 go build -o /out/app-arm64 .
FROM debian:bookworm-slim
ARG TARGETARCH
COPY --from=build /out/app-$TARGETARCH /usr/local/bin/app
COPY bin/amd64/plugin /plugins/amd64/plugin
COPY bin/arm64/plugin /plugins/arm64/plugin
CMD ["app"]
