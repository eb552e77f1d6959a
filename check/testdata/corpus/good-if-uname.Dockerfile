FROM alpine:3.21
RUN apk add --no-cache curl
RUN if [ "$(uname -m)" = "aarch64" ]; then \
      curl -fsSLo /usr/bin/yq https://github.com/mikefarah/yq/releases/download/v4.44.3/yq_linux_arm64; \
    else \
      curl -fsSLo /usr/bin/yq https://github.com/mikefarah/yq/releases/download/v4.44.3/yq_linux_amd64; \
    fi && chmod +x /usr/bin/yq
CMD ["yq"]
