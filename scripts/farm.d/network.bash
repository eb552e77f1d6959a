# The farm's bridges, and the network namespace of the private registry.

make_bridge() { # LINK ADDRESS/BITS
  ip link show "$1" >/dev/null 2>&1 || ip link add "$1" type bridge
  ip addr replace "$2" dev "$1"
  ip link set "$1" up
}

# The private registry stands for one on another host: its address is not loopback, for which clients make exceptions.
make_namespace() {
  [[ -d /run/netns || -e $ROOT/made-netns-folder ]] || : >"$ROOT/made-netns-folder"
  [[ -e /run/netns/$FARM ]] || ip netns add "$FARM"
  if ! ip link show "$LINKS-host" >/dev/null 2>&1; then
    ip link add "$LINKS-host" type veth peer name "$LINKS-peer" netns "$FARM"
  fi
  ip addr replace "$SUBNET.0.1/24" dev "$LINKS-host"
  ip link set "$LINKS-host" up
  ip -n "$FARM" addr replace "$SUBNET.0.2/24" dev "$LINKS-peer"
  ip -n "$FARM" link set lo up
  ip -n "$FARM" link set "$LINKS-peer" up
}

remove_network() {
  local link
  for link in "/sys/class/net/$LINKS"-*; do
    [[ ! -e $link ]] || ip link del "${link##*/}" 2>/dev/null || true # a veth goes together with its peer
  done
  if [[ -e /run/netns/$FARM ]]; then ip netns del "$FARM"; fi
  # `ip netns` makes this folder a mount, which stays behind.
  if [[ -e $ROOT/made-netns-folder && -d /run/netns && -z $(ls -A /run/netns) ]]; then
    if umount /run/netns 2>/dev/null; then rmdir /run/netns; fi
  fi
}

# Bridges of networks that someone made in an engine (docker network create); an engine leaves them when it stops.
remove_engine_bridges() { # ENGINE-FOLDER
  local link
  [[ -e $1/data/network/files/local-kv.db ]] || return 0
  while read -r link; do
    ip link del "$link" 2>/dev/null || true
  done < <(grep -aoE 'br-[0-9a-f]{12}' "$1/data/network/files/local-kv.db" | sort -u)
}
