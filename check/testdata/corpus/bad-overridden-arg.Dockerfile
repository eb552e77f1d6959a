FROM alpine:3.21
# want: TargetArgOverridden
ARG TARGETARCH=amd64
RUN wget -qO /usr/bin/tool https://dl.example.com/tool-linux-${TARGETARCH}
CMD ["tool"]
