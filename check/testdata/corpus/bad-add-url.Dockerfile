FROM alpine:3.21
ARG TINI=v0.19.0
# want: DownloadNamesPlatform
ADD https://github.com/krallin/tini/releases/download/${TINI}/tini-static-amd64 /tini
RUN chmod +x /tini
ENTRYPOINT ["/tini", "--"]
