# want: FromConstantPlatform
FROM --platform=linux/amd64 node:22-alpine
WORKDIR /app
COPY . .
RUN npm ci
CMD ["node", "server.js"]
