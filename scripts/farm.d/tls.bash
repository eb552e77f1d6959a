# The engine that also listens on TCP, on the address of its own bridge, which is not loopback; only clients with the farm's certificate get in.

TLS_ENGINE=trixie

tls_folder() { echo "$ROOT/engines/$TLS_ENGINE/tls"; }

tls_address() {
  # shellcheck disable=SC2034
  local suite arch index flags
  read_engine "$TLS_ENGINE"
  echo "$SUBNET.$index.1"
}

tls_endpoint() { echo "tcp://$(tls_address):2376"; }

# Its authority is not that of the registry.
make_tls_certificates() {
  local folder
  folder=$(tls_folder)
  [[ ! -s $folder/client.crt ]] || return 0
  mkdir -p "$folder"
  make_authority "$folder" ca
  make_certificate "$folder" ca server "subjectAltName=IP:$(tls_address)" "extendedKeyUsage=serverAuth"
  make_certificate "$folder" ca client "extendedKeyUsage=clientAuth"
}

tls_client_files() { echo "ca=$(tls_folder)/ca.crt,cert=$(tls_folder)/client.crt,key=$(tls_folder)/client.key"; }

# As dockerd sees the files in its root.
tls_flags() { # ENGINE
  [[ $1 == "$TLS_ENGINE" ]] || return 0
  echo "--host $(tls_endpoint) --tlsverify --tlscacert /farm/tls/ca.crt --tlscert /farm/tls/server.crt --tlskey /farm/tls/server.key"
}

tls_status() {
  local state=stopped files=(--cacert "$(tls_folder)/ca.crt" --cert "$(tls_folder)/client.crt" --key "$(tls_folder)/client.key")
  if running_pid "$(engine_folder "$TLS_ENGINE")/pid" >/dev/null; then
    state=failing
    if curl --silent --fail --noproxy '*' --max-time 5 "${files[@]}" "https://$(tls_address):2376/_ping" >/dev/null; then state=running; fi
  fi
  printf '%-12s %-9s %-8s %s to %s\n' tls transport "$state" "$(tls_endpoint)" "$TLS_ENGINE"
}
