# Debian packages: found with an apt state of the farm's own and unpacked into roots in the cache, never installed.

# Prints the machine's own mirrors of Debian's main archive. apt itself reads .sources and .list files, updated or not.
debian_mirrors() {
  local all
  all=$(apt-get -o Debug::NoLocking=true --print-uris update |
    sed -nE "s#^'(.*)/dists/($CODENAME|stable|oldstable|testing|unstable|sid)/InRelease' .*#\1#p" | sort -u)
  [[ -n $all ]] || die "apt has no source for Debian $CODENAME"
  # Others may use Debian's suite names too; what the archive's key did not sign is ignored later.
  grep '/debian$' <<<"$all" || echo "$all"
}

apt_folder() { echo "$CACHE/apt/$1"; } # SUITE

# One configuration for each architecture, so that apt never satisfies an i386 dependency with an amd64 package.
write_apt_config() { # SUITE ARCH...
  local folder mirrors mirror arch keyring=/usr/share/keyrings/debian-archive-keyring
  folder=$(apt_folder "$1")
  mkdir -p "$folder/lists/partial" "$folder/none"
  : >"$folder/status" # an empty machine: every dependency is fetched
  if [[ -e $keyring.gpg ]]; then keyring+=.gpg; else keyring+=.pgp; fi
  mirrors=$(debian_mirrors)
  while read -r mirror; do
    echo "deb [target=Packages signed-by=$keyring] $mirror $1 main"
  done <<<"$mirrors" >"$folder/sources.list"
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
    printf 'APT::Architecture "%s";\nAPT::Architectures { "%s"; };\n' "$arch" "$arch" |
      cat "$folder/base.conf" - >"$folder/$arch.conf"
  done
}

# A mirror may be in the middle of an update; whether what is missing matters shows when packages are fetched.
update_lists() { # SUITE ARCH...
  local arch
  write_apt_config "$@"
  for arch in "${@:2}"; do
    say "reading the package lists of $1 for $arch"
    apt-get -c "$(apt_folder "$1")/$arch.conf" -qq update </dev/null || say "a package list of $1 can't be read now"
  done
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
      --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
      --exclude='./usr/bin/qemu-[b-z]*' -C "$new" # of qemu's 30 architectures, those that begin with an a
  done
  prepare_root "$new"
  (cd "$debs" && ls -- *.deb) >"$new/packages"
  chmod 755 "$new"
  mv -T "$new" "$folder"
}

# The folders that run-in-root mounts on, for the root itself is read-only, and files that no package ships.
prepare_root() { # FOLDER
  mkdir -p "$1"/{old-root,farm,proc,sys,dev,run,tmp,root,etc/docker} "$1"/opt/containerd/{bin,lib} \
    "$1"/var/{lib/docker,lib/containerd,tmp}
  rm -rf "$1/var/run" && ln -s /run "$1/var/run"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
  printf 'root:x:0:\ndocker:x:0:\n' >"$1/etc/group"
  echo '127.0.0.1 localhost' >"$1/etc/hosts"
  : >"$1/etc/resolv.conf"
  [[ -e $1/usr/lib/os-release ]] || printf 'ID=debian\nPRETTY_NAME="Debian %s"\n' "$suite" >"$1/usr/lib/os-release"
}
