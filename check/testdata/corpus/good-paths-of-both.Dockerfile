FROM debian:bookworm AS libs
RUN apt-get update && apt-get install -y libjemalloc2
FROM debian:bookworm-slim
ENV LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/jni:/usr/lib/aarch64-linux-gnu/jni:/opt/lib
COPY --from=libs /usr/lib/x86_64-linux-gnu/libjemalloc.so* /usr/lib/aarch64-linux-gnu/libjemalloc.so* /usr/local/lib/
RUN cp /usr/lib/x86_64-linux-gnu/libz.so.1 /opt/ 2>/dev/null || cp /usr/lib/aarch64-linux-gnu/libz.so.1 /opt/
CMD ["bash"]
