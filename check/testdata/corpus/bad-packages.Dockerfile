FROM debian:bookworm
# want: PackageNamesPlatform
RUN dpkg --add-architecture i386 && apt-get update && apt-get install -y lib32gcc-s1 libc6:i386
# want: PackageNamesPlatform
RUN apt-get install -y libstdc++6:amd64
CMD ["bash"]
