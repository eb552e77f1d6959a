# Debian's skopeo, which reads what the product writes: unpacked, with the libraries of its own root.

skopeo_root_lines() { echo "$CODENAME amd64 skopeo"; }

make_skopeo_command() {
  local root
  # shellcheck disable=SC2046
  root=$(root_folder $(skopeo_root_lines))
  mkdir -p "$ROOT/bin"
  printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' \
    "$root/lib64/ld-linux-x86-64.so.2" "$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/skopeo" >"$ROOT/bin/skopeo.new"
  chmod 755 "$ROOT/bin/skopeo.new"
  mv "$ROOT/bin/skopeo.new" "$ROOT/bin/skopeo"
}
