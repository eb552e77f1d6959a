FROM --platform=$BUILDPLATFORM node:22-alpine AS web
WORKDIR /web
COPY web/package*.json ./
RUN npm ci
COPY web .
RUN npm run build
FROM nginx:1.27-alpine
COPY --from=web /web/dist /usr/share/nginx/html
