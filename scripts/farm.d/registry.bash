# The registries: `open` on loopback, plain http; `private` in a network namespace, with TLS and a password; and, when it is named,
# `v3`, which is like `open`, of the next generation. Debian has none of that, so Go makes it from its module.

# shellcheck disable=SC2034 # used in farm.bash
REGISTRIES=(open private)
V3_MODULE=github.com/distribution/distribution/v3/cmd/registry@v3.1.2
V3_PROGRAM=$CACHE/registry-${V3_MODULE##*@}

registry_folder() { echo "$ROOT/registries/$1"; }

registry_url() {
  case $1 in
    open) echo "http://$OPEN_ADDRESS" ;;
    v3) echo "http://$V3_ADDRESS" ;;
    private) echo "https://$PRIVATE_ADDRESS" ;;
  esac
}

registry_curl() { # NAME ARGUMENT...
  local options=(--silent --show-error --fail --noproxy '*' --max-time 60)
  [[ $1 != private ]] || options+=(--cacert "$ROOT/ca.crt" --user "$FARM_USER:$FARM_PASSWORD")
  shift
  curl "${options[@]}" "$@"
}

# A private authority, and the registry's certificate for its address.
make_registry_certificate() {
  local folder
  folder=$(registry_folder private)
  [[ ! -s $ROOT/ca.crt || ! -s $folder/registry.crt ]] || return 0
  mkdir -p "$folder"
  make_authority "$folder" ca
  make_certificate "$folder" ca registry "subjectAltName=IP:${PRIVATE_ADDRESS%:*}"
  cp "$folder/ca.crt" "$ROOT/ca.crt"
}

write_registry_config() { # NAME ADDRESS
  local folder
  folder=$(registry_folder "$1")
  cat <<END
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: $folder/data}
  delete: {enabled: true}
http:
  addr: $2
  secret: $FARM
END
  [[ $1 == private ]] || return 0
  # perl's crypt makes the bcrypt hash that the registry asks for; htpasswd would be one more package.
  # shellcheck disable=SC2016
  perl -e 'print "$ARGV[0]:", crypt($ARGV[1], q($2b$05$abcdefghijklmnopqrstuu)), "\n"' \
    "$FARM_USER" "$FARM_PASSWORD" >"$folder/htpasswd"
  cat <<END
  tls: {certificate: $folder/registry.crt, key: $folder/registry.key}
auth:
  htpasswd: {realm: $FARM, path: $folder/htpasswd}
END
}

# This takes a minute or three the first time.
make_v3_program() {
  local folder
  [[ ! -x $V3_PROGRAM ]] || return 0
  type -p go >/dev/null || die "the registry v3 is made by Go: install it"
  folder=$(mktemp -d -p "$CACHE/roots")
  GOBIN=$folder CGO_ENABLED=0 GOOS='' GOARCH='' go install -trimpath "$V3_MODULE" || die "can't make $V3_MODULE"
  mv "$folder/registry" "$V3_PROGRAM"
  rmdir "$folder"
}

start_registry() { # NAME
  # The packages are of this machine's release and architecture, so its own libraries fit.
  local folder address program enter=()
  address=$(registry_url "$1")
  address=${address#*://}
  program=$(engine_root amd64)/usr/bin/docker-registry
  [[ $1 != v3 ]] || program=$V3_PROGRAM
  folder=$(registry_folder "$1")
  mkdir -p "$folder/data"
  ! running_pid "$folder/pid" >/dev/null || return 0
  if [[ $1 == private ]]; then
    make_registry_certificate
    make_namespace
    enter=(nsenter "--net=/run/netns/$FARM")
  elif registry_curl "$1" -o /dev/null "http://$address/v2/" 2>/dev/null; then
    die "something else listens on $address: choose another MULTIARCH_FARM_NUMBER"
  fi
  write_registry_config "$1" "$address" >"$folder/config.yml"
  setsid "${enter[@]}" "$program" serve "$folder/config.yml" \
    </dev/null >>"$folder/log" 2>&1 9>&- &
  write_pid_file "$folder/pid" $!
  wait_ready "registry $1" $! "$folder/log" 20 registry_curl "$1" "$(registry_url "$1")/v2/"
}

stop_registry() { end_process "$(registry_folder "$1")/pid" TERM 5; }
kill_registry() { end_process "$(registry_folder "$1")/pid" KILL 5; }

registry_status() { # NAME
  local state=stopped
  if running_pid "$(registry_folder "$1")/pid" >/dev/null; then
    state=failing
    if registry_curl "$1" --max-time 5 "$(registry_url "$1")/v2/" >/dev/null 2>&1; then state=running; fi
  fi
  printf '%-12s %-9s %-8s %s\n' "$1" registry "$state" "$(registry_url "$1")"
}
