FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y gcc libssl-dev
RUN triplet=$(gcc -print-multiarch) && cp /usr/lib/$triplet/libssl.so.3 /out-libssl.so.3
FROM debian:bookworm-slim
COPY --from=build /out-libssl.so.3 /usr/local/lib/
RUN ldconfig
