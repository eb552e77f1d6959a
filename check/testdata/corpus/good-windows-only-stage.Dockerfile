# escape=`
# platforms: windows/amd64
FROM mcr.microsoft.com/windows/servercore:ltsc2022
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop';"]
RUN Invoke-WebRequest -Uri https://dl.example.com/agent-windows-amd64.zip -OutFile agent.zip; `
    Expand-Archive agent.zip -DestinationPath C:\agent
ENTRYPOINT ["C:\\agent\\agent.exe"]
