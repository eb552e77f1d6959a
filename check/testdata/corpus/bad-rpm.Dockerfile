FROM fedora:41
# want: PackageNamesPlatform
RUN dnf install -y glibc-devel.x86_64 make
# want: DownloadNamesPlatform
RUN rpm -ivh https://rpm.example.com/el9/agent-7.1-1.x86_64.rpm
CMD ["agent"]
