FROM debian:bookworm-slim
# want: PathNamesPlatform
HEALTHCHECK CMD /usr/lib/x86_64-linux-gnu/nagios/check_http -H localhost
CMD ["nginx"]
