# want: BaseLacksPlatform
FROM centos/nodejs-12-centos7 AS build
RUN npm ci && npm run build
FROM nginx:1.27-alpine
COPY --from=build /opt/app-root/src/dist /usr/share/nginx/html
