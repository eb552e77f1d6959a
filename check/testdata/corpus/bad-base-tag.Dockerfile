# want: BaseNamesPlatform
FROM vendor/base:7.2-amd64
CMD ["/run"]
