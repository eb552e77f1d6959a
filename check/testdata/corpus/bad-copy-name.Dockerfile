FROM gcr.io/distroless/static:nonroot
# want: CopyNamesPlatform
COPY bin/linux/amd64/manager /manager
USER 65532:65532
ENTRYPOINT ["/manager"]
