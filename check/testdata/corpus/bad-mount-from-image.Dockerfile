FROM debian:bookworm
# want: BaseLacksPlatform
RUN --mount=type=bind,from=vendor/scanner:2,target=/mnt /mnt/scanner --init
CMD ["bash"]
