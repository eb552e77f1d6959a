ARG RUBY_VERSION=3.3
FROM ruby:${RUBY_VERSION}-slim AS base
WORKDIR /rails
ENV BUNDLE_DEPLOYMENT="1" BUNDLE_PATH="/usr/local/bundle"
FROM base AS build
RUN apt-get update -qq && apt-get install --no-install-recommends -y build-essential git
COPY Gemfile Gemfile.lock ./
RUN bundle install && rm -rf ~/.bundle/ "${BUNDLE_PATH}"/ruby/*/cache
COPY . .
FROM base
COPY --from=build "${BUNDLE_PATH}" "${BUNDLE_PATH}"
COPY --from=build /rails /rails
ENTRYPOINT ["/rails/bin/docker-entrypoint"]
CMD ["./bin/rails", "server"]
