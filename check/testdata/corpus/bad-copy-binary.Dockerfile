FROM alpine:3.21
# want: BinaryOfOnePlatform
COPY dist/server /usr/local/bin/server
ENTRYPOINT ["server"]
