FROM alpine:3.21
# want: BinaryOfOnePlatform
COPY dist /opt/app
ENTRYPOINT ["/opt/app/server"]
