# Checks that this machine can run the farm, and how messages are printed.

say() { echo "farm: $*" >&2; }

die() {
  say "$*"
  exit 1
}

# The release's codename, which is also the name of its suite in the archive.
machine_codename() (
  # shellcheck source=/dev/null
  . /etc/os-release 2>/dev/null || true
  echo "${VERSION_CODENAME:-sid}"
)

require_machine() {
  local id version missing tool
  ((EUID == 0)) || die "needs root"
  # shellcheck source=/dev/null
  id=$(. /etc/os-release 2>/dev/null && echo "${ID:-}") || true
  # shellcheck source=/dev/null
  version=$(. /etc/os-release 2>/dev/null && echo "${VERSION_ID:-99}") || true
  [[ $id == debian && ${version%%.*} -ge 12 ]] || die "needs Debian 12 or newer, this is ${id:-unknown} ${version:-}"
  [[ $(dpkg --print-architecture) == amd64 ]] || die "needs an x86-64 machine, this is $(dpkg --print-architecture)"
  missing=$(for tool in curl:curl ip:iproute2 openssl:openssl perl:perl-base flock:util-linux unshare:util-linux \
    setarch:util-linux pivot_root:util-linux nsenter:util-linux; do
    type -P "${tool%:*}" >/dev/null || echo "${tool#*:}"
  done | sort -u | xargs)
  [[ -z $missing ]] || die "missing here: apt-get install $missing"
  # Without the module no engine has overlay2; inside their roots engines can't load it.
  grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || true
}

# One farm command at a time changes things. The lock is in the cache, for `down` removes the root.
lock_farm() {
  mkdir -p "$CACHE"
  exec 9>"$CACHE/lock"
  flock -n 9 || { say "waiting for another farm command"; flock 9; }
}

# The marker says that the root is a farm's, so that `down` never deletes a folder that is something else.
require_farm_root() {
  [[ -e $ROOT/farm-number ]] || return 1
  [[ $(<"$ROOT/farm-number") == "$NUMBER" ]] ||
    die "$ROOT holds farm number $(<"$ROOT/farm-number"): set MULTIARCH_FARM_NUMBER"
}
