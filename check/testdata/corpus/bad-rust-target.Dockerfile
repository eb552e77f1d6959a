FROM rust:1.82 AS build
# want: BuildNamesPlatform
RUN rustup target add x86_64-unknown-linux-musl
WORKDIR /src
COPY . .
# want: BuildNamesPlatform
RUN cargo build --release --target x86_64-unknown-linux-musl
FROM scratch
# want: CopyNamesPlatform
COPY --from=build /src/target/x86_64-unknown-linux-musl/release/app /app
ENTRYPOINT ["/app"]
