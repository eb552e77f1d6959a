ARG BASE=vendor/scanner
ARG TAG=2
# want: BaseLacksPlatform
FROM ${BASE}:${TAG}
CMD ["scanner"]
