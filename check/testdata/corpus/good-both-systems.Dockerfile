# platforms: linux/amd64,linux/arm64,windows/amd64
ARG TARGETOS
FROM golang:1.26 AS build
COPY . /src
RUN ["go", "build", "-C", "/src", "-o", "/out/app.exe", "."]
FROM alpine:3.21 AS base-linux
FROM mcr.microsoft.com/windows/nanoserver:ltsc2022 AS base-windows
FROM base-${TARGETOS}
COPY --from=build /out/app.exe /app.exe
ENTRYPOINT ["/app.exe"]
