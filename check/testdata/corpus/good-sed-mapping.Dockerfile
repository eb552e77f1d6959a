FROM debian:bookworm-slim
ARG S6_VERSION=3.2.0.2
RUN apt-get update && apt-get install -y curl xz-utils
RUN ARCH=$(uname -m | sed -e 's/armv7l/armhf/' -e 's/x86_64/x86_64/') \
 && curl -fsSL "https://github.com/just-containers/s6-overlay/releases/download/v${S6_VERSION}/s6-overlay-noarch.tar.xz" | tar -C / -Jxpf - \
 && curl -fsSL "https://github.com/just-containers/s6-overlay/releases/download/v${S6_VERSION}/s6-overlay-${ARCH}.tar.xz" | tar -C / -Jxpf -
ENTRYPOINT ["/init"]
