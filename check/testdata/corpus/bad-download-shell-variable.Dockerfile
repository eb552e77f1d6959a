FROM alpine:3.21
# want: DownloadNamesPlatform
RUN set -e; ARCH=amd64; URL="https://dl.example.com/tool_linux_${ARCH}.tgz"; wget -qO- "$URL" | tar xz
CMD ["tool"]
