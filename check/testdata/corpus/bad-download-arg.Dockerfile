FROM alpine:3.21
ARG ARCH=x86_64
ARG VERSION=2.1.0
# want: DownloadNamesPlatform
RUN wget -qO /usr/bin/tool "https://dl.example.com/${VERSION}/tool-${ARCH}" && chmod +x /usr/bin/tool
CMD ["tool"]
