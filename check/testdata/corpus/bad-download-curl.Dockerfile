FROM ubuntu:24.04
RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*
# want: DownloadNamesPlatform
RUN curl -fsSLO https://dl.k8s.io/release/v1.31.0/bin/linux/amd64/kubectl && \
    install -m 0755 kubectl /usr/local/bin/kubectl
# want: DownloadNamesPlatform
RUN curl -fsSL https://go.dev/dl/go1.23.2.linux-amd64.tar.gz | tar -C /usr/local -xz
ENTRYPOINT ["kubectl"]
