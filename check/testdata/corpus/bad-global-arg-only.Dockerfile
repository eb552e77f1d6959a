ARG TARGETARCH
FROM golang:1.26 AS build
COPY . .
# want: TargetArgUndeclared
RUN GOARCH=$TARGETARCH go build -o /app .
FROM alpine:3.21
COPY --from=build /app /app
