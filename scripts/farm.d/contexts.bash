# The Docker config directory with a context for each engine and transport, and the docker command to use with it.

farm_docker() { env -u DOCKER_HOST -u DOCKER_CONTEXT DOCKER_CONFIG="$ROOT/docker-config" "$ROOT/bin/docker" "$@"; }

docker_version() { "$1" --version 2>/dev/null | sed -nE 's/.*version ([0-9.]+).*/\1/p'; }

# The machine's docker command if it is newer, else the one in Debian's package.
link_docker() {
  local package found best
  package=$(engine_root amd64)/usr/bin/docker
  best=$package
  mkdir -p "$ROOT/bin"
  for found in $(type -ap docker); do
    [[ $found != "$ROOT/bin/"* ]] || continue
    best=$(printf '%s %s\n' "$(docker_version "$package")" "$package" "$(docker_version "$found")" "$found" |
      sort -V | tail -n 1 | cut -d ' ' -f 2)
    break
  done
  ln -sfn "$best" "$ROOT/bin/docker"
  ln -sfn "$package" "$ROOT/bin/docker-debian" # has BuildKit's client built in: `docker build` without buildx
}

make_context() { # NAME ENDPOINT
  if farm_docker context inspect "$1" >/dev/null 2>&1; then return; fi
  farm_docker context create "$1" --description "farm $1" --docker "$2" >/dev/null 2>&1 ||
    die "can't make the context $1"
}

make_contexts() { # ENGINE-OR-TRANSPORT...
  local name
  mkdir -p "$ROOT/docker-config"
  for name in "$@"; do
    case $(kind_of "$name") in
      engine) make_context "$name" "host=unix://$(engine_folder "$name")/docker.sock" ;;
      ssh) make_context ssh "host=$SSH_ENDPOINT" ;;
    esac
    if [[ $name == "$TLS_ENGINE" ]]; then
      make_tls_certificates
      make_context tls "host=$(tls_endpoint),$(tls_client_files)"
    fi
  done
  [[ -e $ROOT/docker-config/config.json ]] || echo '{"currentContext": "amd64"}' >"$ROOT/docker-config/config.json"
}

farm_env() {
  require_farm_root || die "no farm in $ROOT: run scripts/farm up"
  cat <<END
export DOCKER_CONFIG=$ROOT/docker-config
export MULTIARCH_FARM=$ROOT
export MULTIARCH_FARM_NUMBER=$NUMBER
export MULTIARCH_FARM_REGISTRY=$OPEN_ADDRESS
export MULTIARCH_FARM_V3=$([[ ! -d $ROOT/registries/v3 ]] || echo "$V3_ADDRESS")
export MULTIARCH_FARM_PRIVATE=$PRIVATE_ADDRESS
export MULTIARCH_FARM_USER=$FARM_USER
export MULTIARCH_FARM_PASSWORD=$FARM_PASSWORD
export MULTIARCH_FARM_CA=$ROOT/ca.crt
case ":\$PATH:" in *:$ROOT/bin:*) ;; *) export PATH=$ROOT/bin:"\$PATH" ;; esac
unset DOCKER_HOST DOCKER_CONTEXT
END
}
