# syntax=docker/dockerfile:1
FROM debian:bookworm
# want: DownloadNamesPlatform
RUN <<EOF
#!/usr/bin/env -S bash -e
curl -fsSLo /usr/local/bin/yq https://github.com/mikefarah/yq/releases/download/v4.44.1/yq_linux_amd64
EOF
# want: DownloadNamesPlatform
RUN <<-"SCRIPT" bash -eux
	curl -fsSLo /usr/local/bin/jq https://github.com/jqlang/jq/releases/download/jq-1.7.1/jq-linux-amd64
SCRIPT
RUN <<PY python3
print("https://example.com/tool-linux-amd64.tgz")
PY
# want: DownloadNamesPlatform
RUN ["/bin/bash", "-o", "pipefail", "-c", "curl -fsSL https://example.com/dive_linux_amd64.tar.gz | tar xz"]
