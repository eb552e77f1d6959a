# want: FromConstantPlatform
FROM --platform=linux/amd64 golang:1.26 AS build
COPY . /src
RUN cd /src && CGO_ENABLED=0 go build -o /app .
FROM alpine:3.21
COPY --from=build /app /app
CMD ["/app"]
