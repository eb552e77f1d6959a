# multiarch:ignore=FromConstantPlatform
FROM --platform=linux/amd64 debian:bookworm AS gen
RUN echo data > /data
FROM debian:bookworm
COPY --from=gen /data /data
# The licence server exists for one architecture only, and is asked over the network.
# multiarch:ignore=DownloadNamesPlatform,PathNamesPlatform
RUN curl -fsSLo /opt/licence https://dl.example.com/licence-amd64 && ls /usr/lib/x86_64-linux-gnu
