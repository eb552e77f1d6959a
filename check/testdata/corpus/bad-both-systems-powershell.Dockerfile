# platforms: linux/amd64,windows/amd64
FROM golang:1.26
# want: ShellOfOneSystem
RUN powershell -Command Invoke-WebRequest https://example.com/data.zip -OutFile data.zip
# want: ShellOfOneSystem
CMD ["cmd", "/S", "/C", "run.bat"]
