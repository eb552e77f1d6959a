FROM gcr.io/distroless/static:nonroot
ARG TARGETARCH
COPY dist/prebuilt-${TARGETARCH} /app
ENTRYPOINT ["/app"]
