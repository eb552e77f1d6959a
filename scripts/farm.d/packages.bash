# Debian packages: found with an apt state of the farm's own and unpacked into roots in the cache, never installed.

# The machine's own mirror of Debian's main archive, read by apt itself from .sources and .list files alike.
debian_mirror() {
  local rows
  # shellcheck disable=SC2016
  rows=$(apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk -v codename="$CODENAME" '
      $3 == "main" && ($2 == codename || $2 ~ /^(stable|oldstable|testing|unstable|sid)$/) {
        if ($1 == "Debian") print 1, $4; else if ($1 ~ /^\$/) print 2, $4 # before the first update the origin is unknown
      }' | sort -s -k1,1n)
  [[ -n $rows ]] || die "apt has no source for Debian $CODENAME main"
  awk 'NR == 1 { print $2 }' <<<"$rows"
}

apt_folder() { echo "$CACHE/apt/$1"; } # SUITE

# Package lists of all asked architectures are kept together; then one architecture at a time is looked at, so that
# apt never satisfies an i386 dependency with an amd64 package.
write_apt_config() { # SUITE ARCH...
  local folder arch all='' keyring=/usr/share/keyrings/debian-archive-keyring
  folder=$(apt_folder "$1")
  mkdir -p "$folder/lists/partial" "$folder/none"
  : >"$folder/status" # an empty machine: every dependency is fetched
  if [[ -e $keyring.gpg ]]; then keyring+=.gpg; else keyring+=.pgp; fi
  echo "deb [target=Packages signed-by=$keyring] $(debian_mirror) $1 main" >"$folder/sources.list"
  cat >"$folder/base.conf" <<END
#clear APT::Update;
#clear DPkg::Post-Invoke;
#clear APT::Architectures;
Dir::Etc::sourcelist "$folder/sources.list";
Dir::Etc::sourceparts "$folder/none";
Dir::Etc::preferences "$folder/status";
Dir::Etc::preferencesparts "$folder/none";
Dir::State "$folder";
Dir::State::lists "$folder/lists";
Dir::State::status "$folder/status";
Dir::Cache "$folder";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
APT::Get::List-Cleanup "false";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Sandbox::User "root";
Debug::NoLocking "true"; # the farm has its own lock, and fetches for all architectures at once
END
  shift
  for arch in "$@"; do
    all+=" \"$arch\";"
    printf 'APT::Architecture "%s";\nAPT::Architectures { "%s"; };\n' "$arch" "$arch" |
      cat "$folder/base.conf" - >"$folder/$arch.conf"
  done
  printf 'APT::Architecture "%s";\nAPT::Architectures {%s };\n' "$1" "$all" |
    cat "$folder/base.conf" - >"$folder/update.conf"
}

# A mirror may be in the middle of an update; whether what is missing matters shows when packages are fetched.
update_lists() { # SUITE ARCH...
  write_apt_config "$@"
  say "reading the package lists of $1"
  apt-get -c "$(apt_folder "$1")/update.conf" -qq update </dev/null || say "some package lists of $1 can't be read now"
}

# Where a root is kept: by suite, architecture and packages asked for. What is there is not looked up again.
root_folder() { # SUITE ARCH PACKAGE...
  local key
  key=$(echo "2 $*" | sha256sum)
  echo "$CACHE/roots/$1-$2-${key:0:10}"
}

# Downloads packages and all they depend on, and unpacks them, unless it was done before.
make_root() { # SUITE ARCH PACKAGE...
  local suite=$1 arch=$2 folder debs new deb
  folder=$(root_folder "$@")
  shift 2
  [[ ! -d $folder ]] || return 0
  debs=$CACHE/debs/${folder##*/}
  mkdir -p "$debs/partial" "$CACHE/roots"
  say "fetching $* for $arch from $suite"
  apt-get -c "$(apt_folder "$suite")/$arch.conf" -o "Dir::Cache::archives=$debs" -y -qq --download-only install "$@" \
    </dev/null >/dev/null ||
    { say "can't fetch $* for $arch"; return 1; }
  new=$(mktemp -d "$folder.XXXXXX")
  # One /usr, as Debian has it: newer packages expect it, older ones don't mind.
  mkdir -p "$new"/usr/{bin,sbin,lib,lib64,libx32,lib32}
  for deb in bin sbin lib lib64 lib32 libx32; do ln -s "usr/$deb" "$new/$deb"; done
  for deb in "$debs"/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --exclude='./usr/share/doc/*' \
      --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' -C "$new"
  done
  prepare_root "$new"
  (cd "$debs" && ls -- *.deb) >"$new/packages"
  chmod 755 "$new"
  mv -T "$new" "$folder"
}

# The folders that enter-root mounts on, for the root itself is read-only, and files that no package ships.
prepare_root() { # FOLDER
  mkdir -p "$1"/{old-root,farm,proc,sys,dev,run,tmp,root,etc/docker,opt/containerd/bin,opt/containerd/lib,var/lib/docker,var/lib/containerd,var/tmp}
  rm -rf "$1/var/run" && ln -s /run "$1/var/run"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
  printf 'root:x:0:\ndocker:x:0:\n' >"$1/etc/group"
  echo '127.0.0.1 localhost' >"$1/etc/hosts"
  : >"$1/etc/resolv.conf"
  [[ -e $1/usr/lib/os-release ]] || printf 'ID=debian\nPRETTY_NAME="Debian (%s)"\n' "$FARM" >"$1/usr/lib/os-release"
}
