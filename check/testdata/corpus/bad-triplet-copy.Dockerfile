FROM debian:bookworm AS libs
RUN apt-get update && apt-get install -y libpq5
FROM gcr.io/distroless/base:latest
# want: PathNamesPlatform
COPY --from=libs /usr/lib/x86_64-linux-gnu/libpq.so.5 /usr/lib/x86_64-linux-gnu/
# want: PathNamesPlatform
COPY --from=libs /lib64/ld-linux-x86-64.so.2 /lib64/
ENTRYPOINT ["/app"]
