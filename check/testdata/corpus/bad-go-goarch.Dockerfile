FROM golang:1.26-alpine AS builder
WORKDIR /build
COPY . .
# want: BuildNamesPlatform
RUN CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -a -installsuffix cgo -o main .
FROM scratch
COPY --from=builder /build/main /
ENTRYPOINT ["/main"]
