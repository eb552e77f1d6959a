FROM ubuntu:22.04
ENV NODE_VERSION=18.20.4
# want: DownloadNamesPlatform
RUN apt-get update && apt-get install -y curl xz-utils \
 && curl -fsSLO --compressed "https://nodejs.org/dist/v$NODE_VERSION/node-v$NODE_VERSION-linux-x64.tar.xz" \
 && tar -xJf "node-v$NODE_VERSION-linux-x64.tar.xz" -C /usr/local --strip-components=1
CMD ["node"]
