# Debian's skopeo, which reads what the product writes: unpacked, with the libraries of its own root.

skopeo_root_lines() { echo "$CODENAME amd64 skopeo"; }

make_skopeo_command() {
  local files
  # shellcheck disable=SC2046
  files=$(root_folder $(skopeo_root_lines))
  mkdir -p "$ROOT/bin"
  printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' \
    "$files/lib64/ld-linux-x86-64.so.2" "$files/usr/lib/x86_64-linux-gnu" "$files/usr/bin/skopeo" >"$ROOT/bin/skopeo.new"
  chmod 755 "$ROOT/bin/skopeo.new"
  mv "$ROOT/bin/skopeo.new" "$ROOT/bin/skopeo"
}
