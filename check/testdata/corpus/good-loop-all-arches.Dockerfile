FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN for arch in amd64 arm64; do GOARCH=$arch go build -o /out/$arch/agent ./agent; done
FROM scratch
COPY --from=build /out /
