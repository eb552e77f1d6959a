FROM base AS final
COPY --from=tools /usr/bin/jq /usr/bin/jq
CMD ["sh"]
