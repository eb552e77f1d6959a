ARG TARGETARCH
FROM alpine:3.21
# want: TargetArgUndeclared
COPY bin/linux-${TARGETARCH}/app /usr/local/bin/app
# want: TargetArgUndeclared
ADD https://dl.example.com/tool-linux-${TARGETARCH} /usr/local/bin/tool
# want: TargetArgUndeclared
ENV APP_LIB=/usr/lib/app-$TARGETARCH
ARG TARGETARCH
COPY bin/linux-${TARGETARCH}/app2 /usr/local/bin/app2
CMD ["app"]
