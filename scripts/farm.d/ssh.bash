# A host that is reached by ssh: an sshd on loopback with keys of its own, in an unpacked root, with the docker command and the engines' sockets.

SSH_ADDRESS=127.0.0.1:$((5970 + NUMBER))
SSH_ENDPOINT=ssh://farm-ssh # an alias in the client's configuration
SSH_ENGINE=i386             # the engine that its docker command talks to

# shellcheck disable=SC2153
ssh_folder() { echo "$ROOT/ssh"; }

ssh_root_lines() { echo "$CODENAME amd64 openssh-server openssh-client bash tini busybox-static"; }

# shellcheck disable=SC2046
ssh_root() { root_folder $(ssh_root_lines); }

# Everything is a file under the farm's root: keys, both sides' configuration, and the home of the remote root.
make_ssh_files() {
  local folder name
  folder=$(ssh_folder)
  mkdir -p "$folder"/{home,sshd_config.d}
  for name in host_key client_key; do
    [[ -s $folder/$name ]] || ssh_program ssh-keygen -q -t ed25519 -N '' -C "$FARM" -f "$folder/$name"
  done
  cp "$folder/client_key.pub" "$folder/authorized_keys"
  [[ -e $folder/known_hosts ]] ||
    echo "[${SSH_ADDRESS%:*}]:${SSH_ADDRESS#*:} $(cut -d ' ' -f 1,2 "$folder/host_key.pub")" >"$folder/known_hosts"
  cat >"$folder/passwd" <<END
root:x:0:0:root:/farm/home:/bin/bash
sshd:x:100:65534:sshd:/run/sshd:/bin/false
END
  # sshd takes a setting's first value, so files in sshd_config.d override what follows.
  cat >"$folder/sshd_config" <<END
Include /farm/sshd_config.d/*.conf
ListenAddress ${SSH_ADDRESS%:*}
Port ${SSH_ADDRESS#*:}
HostKey /farm/host_key
AuthorizedKeysFile /farm/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
LogLevel VERBOSE
PrintMotd no
PrintLastLog no
SetEnv PATH=/run/docker:/usr/bin:/bin DOCKER_HOST=unix:///run/engines/$SSH_ENGINE/docker.sock
END
  cat >"$folder/config" <<END
Host farm-ssh
  HostName ${SSH_ADDRESS%:*}
  Port ${SSH_ADDRESS#*:}
  User root
Host *
  IdentityFile $folder/client_key
  IdentitiesOnly yes
  UserKnownHostsFile $folder/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
END
  make_ssh_command
}

# A program of the unpacked root, with that root's libraries: the machine may have others.
ssh_program() { # NAME ARGUMENT...
  local root
  root=$(ssh_root)
  "$root/lib64/ld-linux-x86-64.so.2" --library-path "$root/lib/x86_64-linux-gnu" "$root/usr/bin/$1" "${@:2}"
}

# `ssh` as programs find it in the farm's PATH: the machine's own, else Debian's, with the farm's configuration instead of ~/.ssh.
make_ssh_command() {
  local found command root
  root=$(ssh_root)
  command="$root/lib64/ld-linux-x86-64.so.2 --library-path $root/lib/x86_64-linux-gnu $root/usr/bin/ssh"
  for found in $(type -ap ssh); do
    [[ $found != "$ROOT/bin/"* ]] || continue
    command=$found
    break
  done
  mkdir -p "$ROOT/bin"
  printf '#!/bin/sh\nexec %s -F %s "$@"\n' "$command" "$(ssh_folder)/config" >"$ROOT/bin/ssh.new"
  chmod 755 "$ROOT/bin/ssh.new"
  mv "$ROOT/bin/ssh.new" "$ROOT/bin/ssh"
}

# Asks the kernel: a connection would be one more in the log, where tests count them.
ssh_listens() { [[ -n $(ss -Hltn "src $SSH_ADDRESS") ]]; }

start_ssh() {
  local folder
  folder=$(ssh_folder)
  ! running_pid "$folder/pid" >/dev/null || return 0
  ! ssh_listens || die "something else listens on $SSH_ADDRESS: choose another MULTIARCH_FARM_NUMBER"
  make_ssh_files
  setsid "$PARTS/run-in-root" "$folder" "$(ssh_root)" "$folder/passwd:/etc/passwd" "$ROOT/engines:/run/engines" \
    "$(engine_root amd64)/usr/bin/docker:/run/docker/docker" -- \
    tini -- /bin/busybox sh -c 'mkdir /run/sshd && exec /usr/sbin/sshd -D -e -f /farm/sshd_config' \
    </dev/null >>"$folder/log" 2>&1 9>&- &
  wait_ready ssh $! "$folder/log" 20 ssh_listens
}

stop_ssh() { end_process "$(ssh_folder)/pid" TERM 5; }
kill_ssh() { end_process "$(ssh_folder)/pid" KILL 5; }

ssh_status() {
  local state=stopped
  if running_pid "$(ssh_folder)/pid" >/dev/null; then
    state=failing
    if ssh_listens; then state=running; fi
  fi
  printf '%-12s %-9s %-8s %s on %s to %s\n' ssh transport "$state" "$SSH_ENDPOINT" "$SSH_ADDRESS" "$SSH_ENGINE"
}
