FROM golang:1.26 AS builder
# want: BuildNamesPlatform
ENV GO111MODULE=on CGO_ENABLED=0 GOOS=linux GOARCH=amd64
COPY . .
RUN go build -o /app .
FROM alpine:3.21
COPY --from=builder /app /app
CMD ["/app"]
