FROM debian:bookworm
ARG WITH_AGENT=true
# want: DownloadNamesPlatform
RUN if [ "$WITH_AGENT" = "true" ]; then \
      curl -fsSLo /usr/bin/agent https://dl.example.com/agent-linux-x64; \
    fi
CMD ["agent"]
