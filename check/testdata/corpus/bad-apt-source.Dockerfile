FROM ubuntu:22.04
RUN apt-get update && apt-get install -y curl gnupg
# want: PackageNamesPlatform
RUN echo "deb [arch=amd64 signed-by=/usr/share/keyrings/docker.gpg] https://download.docker.com/linux/ubuntu jammy stable" > /etc/apt/sources.list.d/docker.list && \
    apt-get update && apt-get install -y docker-ce-cli
CMD ["docker"]
