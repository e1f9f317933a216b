# shellcheck shell=sh disable=SC2154
# The checks of freebsd-smoke.sh, read by it: a function for each claim. Its status is 0 where the claim is held; 1 where it
# is not, and what was seen is on standard output; 2 where it was not tried, and the reason is the last line.

: "${VMRUN:=$root/bin/vmrun.js}" "${BHYVE:=bhyve}" "${FIRMWARE:=/usr/local/share/uefi-firmware/BHYVE_UEFI.fd}"
: "${VMM:=/dev/vmm}" "${EXAMPLES:=$root/examples}" "${VECTORS:=$root/test/vectors/bhyve-config-vectors.json}"
name=vmrun-smoke tap=tap9117 bridge=bridge9117

skip() {
  echo "$1"
  return 2
}

need_root() {
  [ "$(id -u)" -eq 0 ] || skip 'needs root'
}

need() {
  command -v "$1" >/dev/null || skip "there is no $1 in PATH"
}

# Tries a command until it works, for a minute or so.
until_works() {
  tries=600
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}

vmrun() {
  "$VMRUN" "$@"
}

helper() {
  node "$here/freebsd-smoke/ask.mjs" "$@"
}

# Starts a process that does nothing and has a file open for as long as it lives; its number is in $idle.
start_idle() {
  tail -f /dev/null 9<>"$1" </dev/null >/dev/null 2>&1 &
  idle=$!
  undo "kill $idle"
}

release() {
  seen=$(uname -r)
  case $seen in
  14.* | 15.* | 16.*) ;;
  *)
    echo "$seen"
    return 1
    ;;
  esac
}

privilege() {
  [ "$(id -u)" -ne 0 ] || skip 'root may always' || return
  [ -w /dev/vmmctl ] || { ls -l /dev/vmmctl 2>&1 && return 1; }
}

facts_interfaces() {
  need ifconfig || return
  for each in $(ifconfig -l); do echo "$each"; done | helper facts interfaces "$work/facts"
}

facts_cards() {
  need pciconf || return
  pciconf -l | sed -n 's/@.*//p' | helper facts cards "$work/facts"
}

facts_modules() {
  need kldstat || return
  kldstat -v | awk '$3 ~ /^0x/ { sub(/[.]ko$/, "", $5); print $5 }' | helper facts modules "$work/facts"
}

facts_sysctls() {
  need sysctl || return
  sysctl -i hw.physmem hw.ncpu | sed 's/: /=/' | helper facts sysctls "$work/facts"
}

process_start() {
  start_idle "$work/file"
  first=$(ps -o lstart= -o comm= -p "$idle")
  again=$(ps -o lstart= -o comm= -p "$idle")
  echo "$first"
  [ "$first" = "$again" ] && expr "$first" : ' *[A-Z][a-z][a-z] [A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]\{8\} [0-9]\{4\}  *tail *$' >/dev/null
}

process_children() {
  sh -c 'tail -f /dev/null & echo $! >"$0"; wait' "$work/child" </dev/null >/dev/null 2>&1 &
  parent=$!
  undo "kill $parent"
  until_works test -s "$work/child" || return
  undo "kill $(cat "$work/child")"
  pgrep -P "$parent" | tee "$work/seen"
  grep -qx "$(cat "$work/child")" "$work/seen"
}

process_state() {
  start_idle "$work/file"
  kill -STOP "$idle"
  ps -o state= -p "$idle" | tee "$work/seen"
  kill -CONT "$idle"
  grep -q '^ *T' "$work/seen" || return 1
  # What has become of its parent waits for nobody.
  # shellcheck disable=SC2016
  sh -c 'tail -f /dev/null & echo $! >"$0"; exec tail -f /dev/null' "$work/left" </dev/null >/dev/null 2>&1 &
  undo "kill $!"
  until_works test -s "$work/left" || return
  left=$(cat "$work/left")
  kill "$left"
  until_works sh -c "ps -o stat= -p $left | grep -q '^ *Z'" || { ps -o stat= -p "$left" && return 1; }
}

process_words() {
  start_idle "$work/file"
  ps -o ppid= -p "$idle" | tee "$work/seen"
  grep -qx " *$$ *" "$work/seen" || return 1
  ps -o args= -p "$idle" | tee "$work/seen"
  grep -q '^tail -f /dev/null' "$work/seen" || return 1
  # The group of the process, and that of its terminal.
  ps -o pgid= -o tpgid= -p "$idle" | tee "$work/seen"
  grep -Eqx ' *[0-9]+ +-?[0-9]+ *' "$work/seen"
}

process_files() {
  need fstat || return
  start_idle "$work/file"
  fstat -p "$idle" "$work/file" | tee "$work/seen"
  grep -Eq "^[^ ]+ +.* $idle +9 +/" "$work/seen"
}

shell_status() {
  sh -c 'sh -c "kill -9 \$\$"; echo $?' 2>/dev/null | tee "$work/seen"
  grep -qx 137 "$work/seen"
}

shell_ignore() {
  # shellcheck disable=SC2016
  timeout 20 sh -c 'trap "" HUP; exec sh -c "kill -HUP \$\$; echo alive"' | tee "$work/seen"
  grep -qx alive "$work/seen"
}

open_lock() { helper lock "$work/lock"; }

open_share() { helper share "$work/share"; }

file_watch() {
  : >"$work/watched"
  timeout 20 node "$here/freebsd-smoke/ask.mjs" watch "$work/watched"
}

terminal_settings() {
  [ -t 0 ] || skip 'standard input is no terminal' || return
  before=$(stty -g) || return
  undo "stty $before"
  stty -echo && stty "$before" || return 1
  [ "$(stty -g)" = "$before" ] || { stty -g && return 1; }
}

fifo_shell() {
  mkfifo "$work/fifo" || return
  # shellcheck disable=SC2016
  timeout 20 sh -c 'exec 9<>"$0"; echo hello >&9; read -r line <&9; echo "$line"' "$work/fifo" | tee "$work/seen"
  grep -qx hello "$work/seen"
}

life_line() {
  mkfifo -m 600 "$work/line" || return
  timeout 20 node "$here/freebsd-smoke/ask.mjs" line "$work/line"
}

fifo_node() {
  mkfifo -m 600 "$work/console" || return
  timeout 20 node "$here/freebsd-smoke/ask.mjs" fifo "$work/console"
}

make_tap() {
  need_root && need ifconfig || return
  undo "ifconfig $tap destroy"
  ifconfig "$tap" create
}

tap_create() {
  make_tap || return
  ifconfig | sed -n "/^$tap: /,/^[^[:space:]]/p" >"$work/seen"
  cat "$work/seen"
  grep -q "^$tap: flags=.* mtu 1500" "$work/seen" && grep -q '^[[:space:]]*groups: .*tap' "$work/seen" || return 1
  ifconfig "$tap" destroy || return 1
  ! ifconfig | grep "^$tap: "
}

tap_opened() {
  make_tap || return
  [ -c "/dev/$tap" ] || { echo "there is no /dev/$tap" && return 1; }
  start_idle "/dev/$tap"
  until_works sh -c "ifconfig $tap | grep -q 'Opened by PID $idle'" || { ifconfig "$tap" && return 1; }
}

tap_bridge() {
  make_tap || return
  undo "ifconfig $bridge destroy"
  ifconfig "$bridge" create && ifconfig "$bridge" addm "$tap" up || return 1
  ifconfig | grep -q "^[[:space:]]member: $tap " || { echo 'no member in the output of ifconfig' && return 1; }
  ifconfig "$bridge" deletem "$tap" && ifconfig "$bridge" addm "$tap" up && ifconfig "$tap" destroy || return 1
  ! ifconfig | grep "^[[:space:]]member: $tap "
}

tap_flags() {
  make_tap || return
  ifconfig "$tap" mtu 1400 && ifconfig "$tap" up || return 1
  ifconfig | grep "^$tap: " | tee "$work/seen"
  grep -q '[<,]UP[,>].* mtu 1400' "$work/seen"
}

tap_name() {
  need_root && need ifconfig || return
  undo "ifconfig vmrunsmoke0 destroy"
  ifconfig tap create name vmrunsmoke0 || return 1
  ifconfig | grep '^vmrunsmoke0: '
}

has_module() {
  kldstat -v | grep -Eq "[[:space:]]$1([.]ko)?( |$)"
}

# Loads a module, to be unloaded in the end unless it was there.
load() {
  has_module "$1" || undo "kldunload $1"
  kldload -n "$1"
}

module_load() {
  need_root && need kldload || return
  load vmm && kldload -n vmm && has_module vmm
}

null_modem() {
  need_root || return
  load nmdm || return 1
  timeout 20 node "$here/freebsd-smoke/ask.mjs" nmdm "/dev/nmdm-${name}A" "/dev/nmdm-${name}B"
}

vmm_node() {
  need_root && need bhyvectl || return
  load vmm || return 1
  [ ! -e "$VMM/$name" ] || skip "$VMM/$name is there already" || return
  undo "bhyvectl --vm=$name --destroy"
  bhyvectl --vm="$name" --create || return 1
  [ -e "$VMM/$name" ] || { echo "--create made no $VMM/$name" && return 1; }
  bhyvectl --vm="$name" --destroy || return 1
  until_works test ! -e "$VMM/$name" || { echo "$VMM/$name is still there" && return 1; }
}

card_ppt() {
  [ -n "$card" ] || skip 'no card was given: --card' || return
  need_root && need devctl || return
  undo "devctl clear driver -f $card"
  devctl set driver -f "$card" ppt || return 1
  pciconf -l | grep -q "^ppt[0-9]*@$card:" || { pciconf -l && return 1; }
  devctl clear driver -f "$card" || return 1
  ! pciconf -l | grep "^ppt[0-9]*@$card:"
}

config_vectors() {
  need "$BHYVE" || return
  [ -e "$VECTORS" ] || skip "there is no $VECTORS" || return
  helper vectors "$BHYVE" "$(uname -r)" "$VECTORS" "$work"
}

config_examples() {
  need "$BHYVE" || return
  helper examples "$BHYVE" "$VMRUN" "$(uname -r)" "$EXAMPLES"
}

daemon_exec() {
  need daemon || return
  # shellcheck disable=SC2016
  daemon -f /bin/sh -c 'echo $$ >"$0"; exec "$@"' "$work/daemon" tail -f /dev/null || return 1
  until_works test -s "$work/daemon" || return
  undo "kill $(cat "$work/daemon")"
  until_works sh -c "ps -o comm= -p $(cat "$work/daemon") | grep -qx 'tail *'" || { ps -p "$(cat "$work/daemon")" && return 1; }
}

log_signal() {
  need pkill || return
  timeout 20 node "$here/freebsd-smoke/ask.mjs" signal "$work/signalled.pid"
}

log_rotation() {
  need_root && need newsyslog || return
  echo 'a line' >"$work/rotated.log"
  printf '#!/bin/sh\necho run >"%s"\n' "$work/rotated.run" >"$work/reopen"
  chmod +x "$work/reopen"
  # As in port/files/vmrun.conf.sample.in, for one file, whatever its size.
  echo "$work/rotated.log 640 7 1 * BGJR $work/reopen" >"$work/newsyslog.conf"
  newsyslog -F -f "$work/newsyslog.conf" || return 1
  ls "$work"/rotated.log*
  [ -s "$work/rotated.run" ] || { echo 'its command was not run' && return 1; }
  for file in "$work"/rotated.log.0*; do [ -e "$file" ] || return 1; done
}

periodic_conf() {
  [ -r /etc/defaults/periodic.conf ] || skip 'there is no /etc/defaults/periodic.conf' || return
  sh -c '. /etc/defaults/periodic.conf && source_periodic_confs && echo read' | tee "$work/seen"
  grep -qx read "$work/seen"
}

rc_script() {
  [ -r /etc/rc.subr ] || skip 'there is no /etc/rc.subr' || return
  sh "$root/rc.d/vmrun" rcvar 2>&1 | tee "$work/seen"
  grep -q '^vmrun_enable=' "$work/seen"
}

# Whether a VM can be started: it boots the guest image, or the firmware and nothing else.
can_run() {
  need_root || [ -w /dev/vmmctl ] || skip 'needs root, or group vmm' || return
  [ -n "$guest" ] || [ -e "$FIRMWARE" ] || skip "needs $FIRMWARE (edk2-bhyve) or --guest" || return
  [ "$(id -u)" -ne 0 ] || load vmm
}

# Starts a VM in the background and waits until it is listed.
start_vm() {
  boot="\"bootrom\": \"$FIRMWARE\""
  [ -z "$guest" ] ||
    boot="\"loader\": { \"kind\": \"bhyveload\" }, \"emulations\": [{ \"device\": \"virtio-blk\", \"path\": \"$guest\" }]"
  echo "{ \"name\": \"$name\", \"cpu\": 1, \"mem\": \"512M\", $boot }" >"$work/vm.json"
  undo "vmrun stop $name --now --run-dir '$work/run'"
  vmrun -c "$work/vm.json" --run-dir "$work/run" --exit-status service -P "$work/pid" --log "$work/log" "$@" \
    </dev/null >/dev/null 2>&1 &
  started=$!
  until_works listed running || { tail -n 20 "$work/log" && return 1; }
}

listed() {
  vmrun ps --run-dir "$work/run" | grep "^$name .*$1"
}

stop_vm() {
  how=--now
  [ -z "$guest" ] || how='--timeout=5min'
  vmrun stop "$name" "$how" --run-dir "$work/run" || return 1
  wait "$started"
  status=$?
  tail -n 5 "$work/log"
  echo "exit status $status"
  [ "$status" -eq 0 ] && ! listed . && [ ! -e "$VMM/$name" ]
}

guest_run() {
  can_run || return
  start_vm && stop_vm || return 1
}

guest_adopt() {
  can_run || return
  start_vm || return 1
  kill -9 "$(cat "$work/pid")" || return 1
  wait "$started"
  until_works listed orphaned || { vmrun ps --run-dir "$work/run" && return 1; }
  start_vm --adopt && stop_vm || return 1
}
