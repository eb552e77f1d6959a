FROM debian:bookworm-slim
ENV DOCKERIZE_VERSION=v0.8.0
# want: DownloadNamesPlatform
RUN wget -O - https://github.com/jwilder/dockerize/releases/download/$DOCKERIZE_VERSION/dockerize-linux-amd64-$DOCKERIZE_VERSION.tar.gz | tar xzf - -C /usr/local/bin
CMD ["dockerize"]
