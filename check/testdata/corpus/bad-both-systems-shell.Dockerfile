# platforms: linux/amd64,windows/amd64
FROM golang:1.26
WORKDIR /src
COPY . .
# want: ShellOfOneSystem
RUN apt-get update && apt-get install -y make
# want: ShellOfOneSystem
RUN mkdir -p /out && go build -o /out/app.exe . && chmod 755 /out/app.exe
# want: ShellOfOneSystem
ENTRYPOINT ["/bin/sh", "-c", "exec /out/app.exe"]
