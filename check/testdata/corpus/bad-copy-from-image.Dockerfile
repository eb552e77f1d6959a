FROM debian:bookworm
# want: BaseLacksPlatform
COPY --from=vendor/scanner:2 /scanner /usr/local/bin/scanner
CMD ["scanner"]
