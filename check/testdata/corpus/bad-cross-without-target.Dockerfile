FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY . .
# want: BuildStageIgnoresTarget
RUN CGO_ENABLED=0 go build -o /app ./cmd/app
FROM alpine:3.21
COPY --from=build /app /app
ENTRYPOINT ["/app"]
