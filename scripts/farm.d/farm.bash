# What up, down, status, stop, start and kill do, from the parts.

farm_up() { # NAME...
  # shellcheck disable=SC2034
  local name suite arch index flags
  require_machine
  (($# > 0)) || set -- "${BASIC_ENGINES[@]}"
  for name in "$@"; do [[ $(kind_of "$name") != engine ]] || read_engine "$name"; done
  [[ " $* " != *" ssh "* || " $* " == *" $SSH_ENGINE "* ]] || set -- "$@" "$SSH_ENGINE"
  lock_farm
  prepare_farm_root
  make_roots "$@"
  [[ " $* " != *" v3 "* ]] || make_v3_program
  make_base_image
  make_registry_certificate
  link_docker
  make_skopeo_command
  make_contexts "$@"
  prepare_start "$@"
  at_once start_one "${REGISTRIES[@]}" "$@"
  at_once push_base_image "${REGISTRIES[@]}"
  farm_status
}

prepare_farm_root() {
  if [[ -d $ROOT && -n $(ls -A "$ROOT") ]]; then
    require_farm_root || die "$ROOT is not empty and not a farm's: set MULTIARCH_FARM_ROOT"
  elif [[ -e /run/netns/$FARM ]]; then
    die "farm number $NUMBER runs with another root: set MULTIARCH_FARM_NUMBER"
  fi
  mkdir -p "$ROOT/registries" "$ROOT/engines"
  echo "$NUMBER" >"$ROOT/farm-number"
}

make_roots() { # NAME...
  local name suite wanted=() missing=() arches line
  # The amd64 engine's root has the registry and the docker command, so it is always there.
  for name in amd64 "$@"; do
    [[ $(kind_of "$name") == registry ]] || mapfile -t -O ${#wanted[@]} wanted < <("$(kind_of "$name")_root_lines" "$name")
  done
  wanted+=("$(skopeo_root_lines)")
  for arch in "${BASE_ARCHITECTURES[@]}"; do wanted+=("$CODENAME $arch busybox-static"); done
  for line in "${wanted[@]}"; do
    # shellcheck disable=SC2086
    [[ -d $(root_folder $line) ]] || missing+=("$line")
  done
  ((${#missing[@]} > 0)) || return 0
  rm -rf --one-file-system "$CACHE"/{roots,base-image}/*.* # what an `up` that was killed left
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  for suite in $(printf '%s\n' "${missing[@]}" | cut -d ' ' -f 1 | sort -u); do
    mapfile -t arches < <(printf '%s\n' "${missing[@]}" | awk -v suite="$suite" '$1 == suite { print $2 }' | sort -u)
    update_lists "$suite" "${arches[@]}"
  done
  at_once make_root_of_line "${missing[@]}"
}

# shellcheck disable=SC2086
make_root_of_line() { make_root $1; }

# Calls the function for each name, all at once; fails if one failed.
at_once() { # FUNCTION NAME...
  local function=$1 name job jobs=() failed=
  shift
  for name in "$@"; do
    "$function" "$name" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || failed=yes; done
  [[ -z $failed ]]
}

kind_of() {
  if [[ " ${REGISTRIES[*]} v3 " == *" $1 "* ]]; then echo registry; elif [[ $1 == ssh ]]; then echo ssh; else echo engine; fi
}

# What can't be done for several at once.
prepare_start() { # NAME...
  # shellcheck disable=SC2034
  local name suite arch index flags emulated=()
  for name in "$@"; do
    [[ $(kind_of "$name") == engine ]] || continue
    read_engine "$name"
    ! is_emulated "$arch" || emulated+=("$arch")
  done
  ((${#emulated[@]} == 0)) || start_emulation "${emulated[@]}"
}

start_one() { "start_$(kind_of "$1")" "$1"; }

change_one() { # stop|kill|start NAME
  require_machine
  lock_farm
  require_farm_root || die "no farm in $ROOT: run scripts/farm up"
  [[ -d $ROOT/engines/$2 || -d $ROOT/registries/$2 || $2 == ssh && -d $ROOT/ssh ]] || die "$2 is not in this farm"
  [[ $1 != start ]] || prepare_start "$2"
  "$1_$(kind_of "$2")" "$2"
}
farm_stop() { change_one stop "$1"; }
farm_kill() { change_one kill "$1"; }
farm_start() { change_one start "$1"; }

farm_status() {
  local name
  require_farm_root || { echo "no farm in $ROOT"; return; }
  for name in "${REGISTRIES[@]}" v3; do
    [[ ! -d $ROOT/registries/$name ]] || registry_status "$name"
  done
  for name in $(engine_names); do
    [[ ! -d $ROOT/engines/$name ]] || engine_status "$name"
  done
  [[ ! -d $ROOT/engines/$TLS_ENGINE ]] || tls_status
  [[ ! -d $ROOT/ssh ]] || ssh_status
}

farm_down() {
  local name folder
  ((EUID == 0)) || die "needs root"
  lock_farm
  require_farm_root || return 0
  for folder in "$ROOT"/engines/*; do
    end_process "$folder/pid" KILL 10 # its data is deleted anyway
    remove_engine_bridges "$folder"
  done
  kill_ssh
  for name in "${REGISTRIES[@]}" v3; do kill_registry "$name"; done
  end_emulation
  remove_network
  remove_cgroups
  # Engines mount in namespaces of their own; should something be mounted here all the same, nothing is deleted.
  if awk '{ print $5 "/" }' /proc/self/mountinfo | grep -q "^$ROOT/"; then
    die "something is mounted in $ROOT: not removed"
  fi
  # The marker goes last, so that a `down` that was cut off can be run again.
  find "$ROOT" -mindepth 1 -maxdepth 1 ! -name farm-number -exec rm -rf --one-file-system {} +
  rm -rf --one-file-system "$ROOT"
}
