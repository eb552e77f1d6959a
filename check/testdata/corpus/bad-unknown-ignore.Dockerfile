# want: UnknownRule
# multiarch:ignore=DownloadNamesPlattform
FROM alpine:3.21
CMD ["sh"]
