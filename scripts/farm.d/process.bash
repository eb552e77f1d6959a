# Pid files, and ending only the processes that the farm started.

# A pid may be used again by another process, so a pid file holds the start time too.
start_time() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -r -a fields <<<"${stat##*) }" # the name, in brackets, may have spaces
  echo "${fields[19]}"
}

write_pid_file() { # FILE PID
  echo "$2 $(start_time "$2")" >"$1.new"
  mv "$1.new" "$1"
}

# Prints the pid, if that very process still runs. A zombie no longer does.
running_pid() { # FILE
  local pid time
  [[ -s $1 ]] || return 1
  read -r pid time <"$1"
  [[ $(start_time "$pid") == "$time" ]] || return 1
  ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null || return 1
  echo "$pid"
}

# Sends the signal, waits, and kills what has not ended after the seconds given.
end_process() { # FILE SIGNAL SECONDS
  local pid deadline=$((SECONDS + $3))
  if pid=$(running_pid "$1"); then
    kill "-$2" "$pid" 2>/dev/null || true
    while running_pid "$1" >/dev/null; do
      ((SECONDS <= deadline)) || kill -KILL "$pid" 2>/dev/null || true
      ((SECONDS <= deadline + 10)) || die "process $pid does not end"
      sleep 0.05
    done
  fi
  rm -f "$1"
}

# Polls a command until it succeeds; gives up when the process is gone or the time is over, showing its log.
wait_ready() { # WHAT PID LOG SECONDS COMMAND...
  local what=$1 pid=$2 log=$3 deadline=$((SECONDS + $4))
  shift 4
  until "$@" >/dev/null 2>&1; do
    if [[ ! -e /proc/$pid ]] || ((SECONDS > deadline)); then
      tail -n 15 "$log" >&2 || true
      say "$what did not start; its log: $log"
      return 1
    fi
    sleep 0.1
  done
}
