FROM ubuntu:24.04
ARG TARGETARCH
RUN apt-get update && apt-get install -y curl
RUN [ "$TARGETARCH" = amd64 ] && curl -fsSLo /usr/lib/accel.so https://dl.example.com/accel-x86_64.so || true
CMD ["bash"]
