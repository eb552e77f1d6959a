FROM debian:bookworm
ARG TARGETARCH
RUN curl -fsSLo kubectl-amd64 https://dl.k8s.io/v1.30.0/bin/linux/${TARGETARCH}/kubectl
RUN wget -qO terraform_amd64.zip https://releases.hashicorp.com/terraform/1.9.0/terraform_1.9.0_linux_${TARGETARCH}.zip
RUN git clone https://github.com/example/linux-amd64-notes /notes
RUN rm -rf /usr/lib/x86_64-linux-gnu/dri
