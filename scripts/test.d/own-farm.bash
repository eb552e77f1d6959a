# A farm that no other script uses, for scripts/test and scripts/bench: numbers 90 to 99 are theirs.

# Takes the first free number. The lock is held as long as the script and its tests live, so a farm that is up under a
# free number is what a killed run left.
claim_own_farm() {
  local number
  ((EUID == 0)) || { echo "needs root, for scripts/farm" >&2; exit 1; }
  for number in {90..99}; do
    exec 8>"/run/multiarch-farm-$number.lock"
    if flock -n 8; then
      export MULTIARCH_FARM_NUMBER=$number
      unset MULTIARCH_FARM_ROOT
      claimed=yes
      return
    fi
  done
  echo "all farms from 90 to 99 are in use" >&2
  exit 1
}

start_own_farm() { # [ENGINE...]
  scripts/farm down 8>&- && scripts/farm up "$@" 8>&-
}

end_own_farm() {
  [[ -z ${claimed:-} ]] || scripts/farm down 8>&- || true
  claimed=
}
