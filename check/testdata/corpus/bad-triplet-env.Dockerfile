FROM debian:bookworm
RUN apt-get update && apt-get install -y libjemalloc2
# want: PathNamesPlatform
ENV LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2
CMD ["redis-server"]
