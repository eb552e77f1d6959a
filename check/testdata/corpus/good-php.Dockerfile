FROM composer:2 AS vendor
WORKDIR /app
COPY composer.json composer.lock ./
RUN composer install --no-dev --no-scripts
FROM php:8.3-apache
RUN docker-php-ext-install pdo_mysql opcache && a2enmod rewrite
COPY --from=vendor /app/vendor /var/www/html/vendor
COPY . /var/www/html
