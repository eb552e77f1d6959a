FROM alpine:3.21
# want: BinaryOfOnePlatform
COPY release /opt/app
ENTRYPOINT ["/opt/app/server"]
