# The multi-platform base image: Debian's busybox-static as Docker schema 2 manifests, the same bytes every time.

BASE_ARCHITECTURES=(amd64 i386 arm64 armhf)
MANIFEST_TYPE=application/vnd.docker.distribution.manifest.v2+json
LIST_TYPE=application/vnd.docker.distribution.manifest.list.v2+json

base_image_folder() {
  local key
  key=$(for arch in "${BASE_ARCHITECTURES[@]}"; do root_folder "$CODENAME" "$arch" busybox-static; done | sha256sum)
  echo "$CACHE/base-image/${key:0:10}"
}

sha256_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# Moves a file to the blobs, named by its digest; prints digest and size as JSON members.
store_blob() { # FOLDER FILE
  local digest size
  digest=$(sha256_of "$2")
  size=$(stat -c %s "$2")
  mv "$2" "$1/$digest"
  echo "\"size\": $size, \"digest\": \"sha256:$digest\""
}

# busybox, a link for each of its commands, and the few files a shell expects.
make_base_layer() { # ARCH FILE.tar
  local files=$2.files path busybox
  busybox=$(root_folder "$CODENAME" amd64 busybox-static)/bin/busybox
  mkdir -p "$files"/{bin,sbin,usr/bin,usr/sbin,etc,root,tmp}
  chmod 1777 "$files/tmp"
  cp "$(root_folder "$CODENAME" "$1" busybox-static)/bin/busybox" "$files/bin/busybox"
  # Only the machine's own busybox can be asked; Debian builds all of them with the same commands.
  for path in $("$busybox" --list-full); do
    [[ $path == bin/busybox || $path == linuxrc ]] || ln -sf /bin/busybox "$files/$path"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$files/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$files/etc/group"
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar -C "$files" -cf "$2" .
}

# Writes the blobs and the manifest of one platform; prints its entry for the manifest list.
make_base_platform() { # FOLDER ARCH
  local work=$1/$2 diff layer config platform architecture=$2
  platform='"os": "linux"'
  case $2 in
    i386) architecture=386 ;;
    armhf) architecture=arm platform+=', "variant": "v7"' ;;
  esac
  platform="\"architecture\": \"$architecture\", $platform"
  mkdir "$work"
  make_base_layer "$2" "$work/layer.tar"
  diff=$(sha256_of "$work/layer.tar")
  gzip -n -9 "$work/layer.tar"
  layer=$(store_blob "$1" "$work/layer.tar.gz")
  cat >"$work/config" <<END
{$platform, "created": "1970-01-01T00:00:00Z",
 "config": {"Cmd": ["sh"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
 "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "Debian busybox-static, $2"}],
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$diff"]}}
END
  config=$(store_blob "$1" "$work/config")
  cat >"$work/manifest" <<END
{"schemaVersion": 2, "mediaType": "$MANIFEST_TYPE",
 "config": {"mediaType": "application/vnd.docker.container.image.v1+json", $config},
 "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", $layer}]}
END
  echo "{\"mediaType\": \"$MANIFEST_TYPE\", $(store_blob "$1/manifests" "$work/manifest"), \"platform\": {$platform}}"
  rm -rf --one-file-system "$work"
}

make_base_image() {
  local folder new arch entries=()
  folder=$(base_image_folder)
  [[ ! -d $folder ]] || return 0
  mkdir -p "$CACHE/base-image"
  new=$(mktemp -d "$folder.XXXXXX")
  mkdir "$new/manifests"
  for arch in "${BASE_ARCHITECTURES[@]}"; do entries+=("$(make_base_platform "$new" "$arch")"); done
  printf '{"schemaVersion": 2, "mediaType": "%s",\n "manifests": [%s]}\n' "$LIST_TYPE" \
    "$(IFS=$'\n' && sed '$!s/$/,/' <<<"${entries[*]}")" >"$new/list"
  mv -T "$new" "$folder"
}

# Pushes it as busybox:latest to one registry, unless it is there.
push_base_image() { # REGISTRY
  local folder file digest location url
  folder=$(base_image_folder)
  url=$(registry_url "$1")/v2/busybox
  if registry_curl "$1" -I -o /dev/null -H "Accept: $LIST_TYPE" "$url/manifests/latest" 2>/dev/null; then return; fi
  for file in "$folder"/*; do
    digest=${file##*/}
    [[ $digest =~ ^[0-9a-f]{64}$ ]] || continue
    location=$(registry_curl "$1" -X POST -D - -o /dev/null "$url/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
    registry_curl "$1" -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$file" \
      "$location&digest=sha256:$digest" >/dev/null
  done
  for file in "$folder"/manifests/*; do
    registry_curl "$1" -X PUT -H "Content-Type: $MANIFEST_TYPE" --data-binary "@$file" "$url/manifests/sha256:${file##*/}"
  done
  registry_curl "$1" -X PUT -H "Content-Type: $LIST_TYPE" --data-binary "@$folder/list" "$url/manifests/latest"
}
