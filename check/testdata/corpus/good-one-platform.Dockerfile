# platforms: linux/amd64
FROM ubuntu:24.04
RUN dpkg --add-architecture i386 && apt-get update && apt-get install -y libc6:i386 wine64:amd64
ENV LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu
CMD ["wine64"]
