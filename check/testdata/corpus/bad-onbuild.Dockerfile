FROM node:22-alpine
ONBUILD ARG TARGETARCH
ONBUILD RUN curl -fsSLo /usr/local/bin/tool https://example.com/tool-linux-$TARGETARCH
# want: DownloadNamesPlatform
ONBUILD RUN curl -fsSLo /usr/local/bin/tool \
    https://example.com/tool-linux-amd64
# want: BuildNamesPlatform
ONBUILD ENV npm_config_arch=x64
# want: DownloadNamesPlatform
ONBUILD ADD https://example.com/tool-linux-x86_64.tar.gz /opt/
ONBUILD COPY dist/server /server
ONBUILD COPY --from=built bin/linux/amd64/app /app
# want: TargetArgOverridden
ONBUILD ARG BUILDARCH=amd64
# multiarch:ignore=DownloadNamesPlatform for amd64 only
ONBUILD RUN curl -fsSLO https://example.com/licence-amd64
# want: DownloadNamesPlatform
ONBUILD RUN <<EOT
curl -fsSLO https://example.com/other-amd64
EOT
