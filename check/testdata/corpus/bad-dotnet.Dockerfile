FROM mcr.microsoft.com/dotnet/sdk:9.0 AS build
COPY . .
# want: BuildNamesPlatform
RUN dotnet publish -c Release -r linux-x64 --self-contained -o /app
FROM mcr.microsoft.com/dotnet/aspnet:9.0
COPY --from=build /app /app
ENTRYPOINT ["/app/web"]
