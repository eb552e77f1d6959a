# Was amd64 only until 2.0; see https://example.com/amd64-only.
FROM alpine:3.21
LABEL description="runs on amd64 and arm64" org.opencontainers.image.url="https://example.com/x86_64"
# curl https://example.com/tool-linux-amd64
RUN echo "amd64 and arm64 are supported" > /README
RUN adduser -D x64user
EXPOSE 8064
CMD ["cat", "/README"]
