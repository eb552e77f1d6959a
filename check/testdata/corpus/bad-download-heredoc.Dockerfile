# syntax=docker/dockerfile:1
FROM debian:bookworm
# want: DownloadNamesPlatform
RUN <<EOF
set -eux
apt-get update
apt-get install -y wget
wget -q https://repo.anaconda.com/miniconda/Miniconda3-latest-Linux-x86_64.sh -O /tmp/mc.sh
bash /tmp/mc.sh -b -p /opt/conda
EOF
ENV PATH=/opt/conda/bin:$PATH
