ARG ARCH
ARG BASE=registry.k8s.io/build-image/distroless-iptables:v0.6.5
FROM ${BASE}
ARG TARGETARCH
COPY bin/kube-proxy-${TARGETARCH} /usr/local/bin/kube-proxy
ENTRYPOINT ["/usr/local/bin/kube-proxy"]
