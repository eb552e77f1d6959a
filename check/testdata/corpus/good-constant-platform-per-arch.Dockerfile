FROM --platform=linux/amd64 debian:bookworm AS src-amd64
RUN echo generic > /flavour
FROM --platform=linux/arm64 debian:bookworm AS src-arm64
RUN echo arm > /flavour
FROM src-$TARGETARCH
CMD ["cat", "/flavour"]
