FROM ubuntu:22.04
# want: DownloadNamesPlatform
RUN apt-get update && apt-get install -y wget gnupg && \
    wget -q https://dl.google.com/linux/direct/google-chrome-stable_current_amd64.deb && \
    apt-get install -y ./google-chrome-stable_current_amd64.deb
CMD ["google-chrome"]
