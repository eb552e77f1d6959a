FROM ubuntu:24.04
RUN apt-get update && apt-get install -y curl
RUN arch="$(dpkg --print-architecture)"; \
    case "${arch##*-}" in \
      amd64) url='https://dl.example.com/jdk-21_linux-x64_bin.tar.gz' ;; \
      arm64) url='https://dl.example.com/jdk-21_linux-aarch64_bin.tar.gz' ;; \
      *) exit 1 ;; \
    esac; \
    curl -fsSL "$url" | tar -xz -C /opt
ENV PATH=/opt/jdk-21/bin:$PATH
