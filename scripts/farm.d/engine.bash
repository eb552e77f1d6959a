# The engines: which there are, and starting and ending them.

# shellcheck disable=SC2034 # used in farm.bash
BASIC_ENGINES=(amd64 i386)

# NAME  SUITE  ARCHITECTURE  NUMBER (of its subnets)  FURTHER DOCKERD FLAGS
engine_table() {
  cat <<END
amd64  $CODENAME amd64 1
i386   $CODENAME i386  2
trixie trixie amd64 3 --insecure-registry $SUBNET.0.1/32
modern sid amd64 4 --feature containerd-snapshotter=true
arm64  $CODENAME arm64 5
armhf  $CODENAME armhf 6
arm64-modern sid arm64 7 --feature containerd-snapshotter=true
END
}

engine_names() { engine_table | cut -d ' ' -f 1; }

# Sets suite, arch, index and flags to the engine's row.
read_engine() { # NAME
  read -r suite arch index flags < <(engine_table | awk -v name="$1" '$1 == name { $1 = ""; print }') || true
  [[ -n $suite ]] || die "no engine is called $1; there are: $(engine_names | xargs)"
}

engine_folder() { echo "$ROOT/engines/$1"; }

engine_packages() { # NAME
  local list=(docker.io tini busybox-static)
  # The amd64 root also has what runs outside of engines. Since trixie the docker command is a package of its own.
  [[ $1 != amd64 ]] || list+=(docker-registry)
  [[ $1 != amd64 || $CODENAME == bookworm ]] || list+=(docker-cli)
  echo "${list[@]}"
}

# An emulated engine needs more than its own.
engine_root_lines() { # NAME
  local suite arch index flags
  engine_root_line "$1"
  read_engine "$1"
  ! is_emulated "$arch" || { native_root_line "$suite" && qemu_root_line; }
}

engine_root_line() { # NAME
  local suite arch index flags
  read_engine "$1"
  echo "$suite $arch $(engine_packages "$1")"
}

# shellcheck disable=SC2046
engine_root() { root_folder $(engine_root_line "$1"); }

# An interface's name has 15 characters at most.
engine_bridge() { # NAME INDEX
  local link=$LINKS-$1
  ((${#link} <= 15)) || link=$LINKS-$2
  echo "$link"
}

engine_answers() { curl --silent --fail --max-time 5 --unix-socket "$(engine_folder "$1")/docker.sock" http://engine/_ping; }

start_engine() { # NAME
  local suite arch index flags folder bridge native prefix=() binds=() environment=()
  read_engine "$1"
  folder=$(engine_folder "$1")
  if running_pid "$folder/pid" >/dev/null && engine_answers "$1" >/dev/null; then return; fi
  end_process "$folder/pid" KILL 1
  mkdir -p "$folder/data" "$folder/etc-docker/certs.d/$PRIVATE_ADDRESS"
  cp "$ROOT/ca.crt" "$folder/etc-docker/certs.d/$PRIVATE_ADDRESS/ca.crt"
  bridge=$(engine_bridge "$1" "$index")
  make_bridge "$bridge" "$SUBNET.$index.1/24"
  [[ $arch != i386 ]] || prefix=(setarch i386)
  if is_emulated "$arch"; then
    # shellcheck disable=SC2046
    native=$(root_folder $(native_root_line "$suite"))
    make_native_programs "$folder/bin" "$native"
    write_cpuinfo "$arch" >"$folder/cpuinfo"
    binds=("$folder/cpuinfo:/proc/cpuinfo" "$native:/run/native" "$native/bin/busybox:/bin/busybox" "$native/lib64:/lib64"
      "$native/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu")
    # Go's runtime sends itself signals to preempt, which qemu does not stand.
    environment=(busybox env PATH=/farm/bin:/usr/sbin:/usr/bin GODEBUG=asyncpreemptoff=1)
  fi
  # Without ip-forward, iptables and docker0 it changes nothing on the machine but its own bridges and cgroups.
  # shellcheck disable=SC2046,SC2086
  setsid "${prefix[@]}" "$PARTS/run-in-root" "$folder" "$(engine_root "$1")" \
    "$folder/data:/var/lib/docker" "$folder/etc-docker:/etc/docker" "${binds[@]}" -- "${environment[@]}" \
    tini -- dockerd --log-level warn --host unix:///farm/docker.sock --data-root /var/lib/docker --exec-root /run/docker \
    --pidfile /run/docker.pid --bridge "$bridge" --default-address-pool "base=$SUBNET.$((128 + 4 * index)).0/22,size=26" \
    --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$FARM/$1" $(tls_flags "$1") $flags \
    </dev/null >>"$folder/log" 2>&1 9>&- &
  wait_ready "engine $1" $! "$folder/log" 120 engine_answers "$1"
}

stop_engine() { end_process "$(engine_folder "$1")/pid" TERM 20; }
kill_engine() { end_process "$(engine_folder "$1")/pid" KILL 5; }

engine_status() { # NAME
  local state=stopped says='' socket
  socket=$(engine_folder "$1")/docker.sock
  if running_pid "$(engine_folder "$1")/pid" >/dev/null; then
    state=failing
    if engine_answers "$1" >/dev/null; then
      state=running
      says=$(curl --silent --max-time 5 --unix-socket "$socket" http://engine/version |
        sed -E 's/.*"Version":"([^"]*)","ApiVersion":"([^"]*)".*"Os":"([^"]*)","Arch":"([^"]*)".*/engine \1 api \2 \3\/\4/')
    fi
  fi
  printf '%-12s %-9s %-8s %s %s\n' "$1" engine "$state" "unix://$socket" "$says"
}

# What the kernel keeps of an engine after its end: control groups.
remove_cgroups() {
  local folder
  for folder in "/sys/fs/cgroup/$FARM" /sys/fs/cgroup/*/"$FARM"; do
    [[ ! -d $folder ]] || find "$folder" -depth -type d -exec rmdir {} \; 2>/dev/null || true
  done
}
