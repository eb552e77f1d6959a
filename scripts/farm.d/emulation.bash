# Engines of other machines' architectures under qemu's user emulation, and the entries in the kernel's binfmt_misc that it takes.
# The entries are one list for all of the machine, so they are there only while a farm needs them.

EMULATION_USERS=/run/multiarch-farm-emulation # a pid file for each farm that needs them; empty after the machine's restart

is_emulated() { [[ $1 == arm64 || $1 == armhf ]]; } # ARCH

qemu_root_line() {
  # Debian 13 moved the entries' files into a package of their own.
  if [[ $CODENAME == bookworm ]]; then echo "$CODENAME amd64 qemu-user-static"; else echo "$CODENAME amd64 qemu-user-binfmt"; fi
}

# The amd64 root of the engine's release: making containers can't be emulated, so the machine's own runc does it.
native_root_line() { # SUITE
  if [[ $1 == "$CODENAME" ]]; then engine_root_line amd64; else echo "$1 amd64 $(engine_packages "")"; fi
}

# Runs a command that finds the kernel's list in $ROOT/binfmt. The mount is in a namespace of its own: on the machine itself nothing is
# mounted. Every mount shows the same list, and newer kernels drop it with the last one, so a process keeps one.
# shellcheck disable=SC2016,SC2153
IN_BINFMT=(unshare --mount --propagation private
  sh -c 'mkdir -p "$0" && mount -t binfmt_misc binfmt_misc "$0" && exec "$@"' "$ROOT/binfmt")

# Starts what the engines of these architectures need.
start_emulation() { # ARCH...
  local arch
  grep -qw binfmt_misc /proc/filesystems || modprobe binfmt_misc 2>/dev/null || die "the kernel has no binfmt_misc"
  mkdir -p "$EMULATION_USERS"
  if ! running_pid "$EMULATION_USERS/$FARM" >/dev/null; then
    setsid "${IN_BINFMT[@]}" sleep infinity </dev/null >/dev/null 2>&1 9>&- &
    write_pid_file "$EMULATION_USERS/$FARM" $!
    wait_ready binfmt_misc $! /dev/null 10 grep -q " $ROOT/binfmt " "/proc/$!/mountinfo"
  fi
  for arch in "$@"; do register_binfmt "$arch"; done
}

# The entry as Debian's package has it, unless the machine has one: flag F opens qemu now, so that it is found in any root.
register_binfmt() { # ARCH
  local name=arm root entry magic
  [[ $1 == armhf ]] || name=aarch64
  # shellcheck disable=SC2046
  root=$(root_folder $(qemu_root_line))
  entry=$(sed "s#^:[^:]*:#:multiarch-farm-$name:#; s#:/usr/#:$root/usr/#" "$root/usr/lib/binfmt.d/qemu-$name.conf")
  magic=$(cut -d : -f 5 <<<"$entry" | sed 's/\\x//g')
  # shellcheck disable=SC2016
  "${IN_BINFMT[@]}" bash -c 'cd "$0" || exit 1
    for file in *; do
      if grep -qsx enabled "$file" && grep -qsx "magic $1" "$file" && grep -qs "^flags:.*F" "$file"; then exit 0; fi
    done
    printf %s "$2" >register' "$ROOT/binfmt" "$magic" "$entry" ||
    die "can't register the emulation of $name in binfmt_misc"
}

# Takes the farm's entries away, unless another farm needs them.
end_emulation() {
  local file
  [[ -e $EMULATION_USERS/$FARM ]] || return 0
  for file in "$EMULATION_USERS"/*; do
    if running_pid "$file" >/dev/null; then
      [[ $file == "$EMULATION_USERS/$FARM" ]] || { end_process "$EMULATION_USERS/$FARM" KILL 5; return 0; }
    fi
  done
  # shellcheck disable=SC2016
  "${IN_BINFMT[@]}" sh -c 'for file in "$0"/multiarch-farm-*; do [ ! -e "$file" ] || echo -1 >"$file"; done' "$ROOT/binfmt"
  end_process "$EMULATION_USERS/$FARM" KILL 5
  rm -rf --one-file-system "$EMULATION_USERS"
}

# What the kernel of such a machine would say in /proc/cpuinfo, where engines look for their variant.
write_cpuinfo() { # ARCH
  if [[ $1 == arm64 ]]; then
    printf 'processor\t: 0\nBogoMIPS\t: 100.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\n'
  else
    printf 'processor\t: 0\nmodel name\t: ARMv7 Processor rev 1 (v7l)\nFeatures\t: half thumb fastmult vfp edsp neon vfpv3\n'
  fi
  printf 'CPU implementer\t: 0x41\nCPU architecture: %s\nCPU variant\t: 0x0\nCPU part\t: 0xd03\nCPU revision\t: 1\n' \
    "$([[ $1 == arm64 ]] && echo 8 || echo 7)"
}

# The programs that come first in an emulated engine's PATH.
make_native_programs() { # FOLDER NATIVE-ROOT
  local shim
  mkdir -p "$1"
  for shim in "$2"/usr/bin/containerd-shim*; do ln -sf "/run/native/usr/bin/${shim##*/}" "$1/"; done
  # In the hooks of a container an engine names itself as /proc/PID/exe, but that is qemu.
  cat >"$1/runc" <<'END'
#!/bin/busybox sh
bundle=.
previous=
for argument; do
  [ "$previous" != --bundle ] && [ "$previous" != -b ] || bundle=$argument
  previous=$argument
done
[ ! -e "$bundle/config.json" ] || /bin/busybox sed -i 's#"/proc/[0-9]*/exe"#"/run/native/usr/sbin/dockerd"#' "$bundle/config.json"
exec /run/native/usr/sbin/runc "$@"
END
  chmod 755 "$1/runc"
}
