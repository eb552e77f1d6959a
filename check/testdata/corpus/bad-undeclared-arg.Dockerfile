FROM alpine:3.21
# want: TargetArgUndeclared
RUN wget -qO /usr/bin/tool https://dl.example.com/tool-linux-${TARGETARCH} && chmod +x /usr/bin/tool
CMD ["tool"]
