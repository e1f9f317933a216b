#!/bin/sh
# Holds what vmrun believes of FreeBSD against the FreeBSD that this runs on, claim by claim: docs/freebsd.md has the list.
# Takes some minutes, changes little, and takes back all that it changes. Needs root, or membership of group vmm for a part.
#
#   sh scripts/freebsd-smoke.sh [--only WORD]... [--card SELECTOR] [--guest IMAGE] [--update FILE] [--list]
#
#   --only WORD      only the claims whose name begins so
#   --card SELECTOR  a PCI card that nobody needs, such as pci0:3:0:0: it is given to ppt, and back
#   --guest IMAGE    a disk image of FreeBSD to boot with bhyveload; it is started read-write, so use a copy
#   --update FILE    write what was found into the table of FILE (docs/freebsd.md)
#   --list           print the claims and try none
#
# A line for each claim: held, NOT HELD with what was seen, or not tried with the reason. Exit status: 1 where one was not held.
# VMRUN, BHYVE and FIRMWARE in the environment are the vmrun, the bhyve and the boot ROM to use.

set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd) || exit 70
root=${here%/*}
claims=$here/freebsd-smoke/claims
# shellcheck source=scripts/freebsd-smoke/checks.sh
. "$here/freebsd-smoke/checks.sh"
only='' card='' guest='' update='' mode=run

usage() {
  echo "freebsd-smoke.sh: $1; its first lines say how it is used" >&2
  exit 64
}

while [ $# -gt 0 ]; do
  case $1 in
  --list) mode=list ;;
  --only | --card | --guest | --update)
    [ $# -ge 2 ] || usage "$1 needs a value"
    case $1 in
    --only) only="$only $2" ;;
    --card) card=$2 ;;
    --guest) guest=$2 ;;
    --update) update=$2 ;;
    esac
    shift
    ;;
  *) usage "unknown option $1" ;;
  esac
  shift
done

# What is to be taken back is written down before it is done, one command a line, and run last first on every way out.
undo() {
  { echo "$1" && cat "$work/undo"; } >"$work/undo.new" && mv "$work/undo.new" "$work/undo"
}

take_back() {
  while IFS= read -r command; do
    eval "$command" >/dev/null 2>&1 </dev/null
  done <"$work/undo"
  : >"$work/undo"
}

clean_up() {
  trap '' HUP INT TERM
  take_back
  rm -rf "$work"
}

chosen() {
  [ -n "$only" ] || return 0
  for word in $only; do
    case $1 in "$word"*) return 0 ;; esac
  done
  return 1
}

if [ $mode = list ]; then
  while read -r id _ words; do echo "$id: $words"; done <"$claims"
  exit 0
fi
[ "$(uname -s)" = FreeBSD ] || {
  echo "freebsd-smoke.sh: this is $(uname -s); there is nothing to find out about FreeBSD here" >&2
  exit 69
}

work=$(mktemp -d "${TMPDIR:-/tmp}/vmrun-smoke.XXXXXX") || exit 71
: >"$work/undo"
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
: >"$work/results"
: >"$work/file"
vmrun facts >"$work/facts" 2>&1

echo "$(uname -sr) $(uname -m), node $(node --version), $(date +%Y-%m-%d)"
while read -r id check words <&8; do
  chosen "$id" || continue
  $check >"$work/said" 2>&1
  status=$?
  take_back
  case $status in
  0) result=held ;;
  2) result="not tried: $(tail -n 1 "$work/said")" ;;
  *) result='NOT HELD' ;;
  esac
  printf '%-17s %-10s %s\n' "$id" "${result%%:*}" "$words${result#"${result%%:*}"}"
  [ "$result" != 'NOT HELD' ] || sed 's/^/    /' "$work/said"
  echo "$id|${result%%:*}" >>"$work/results"
done 8<"$claims"

count() { grep -c "|$1\$" "$work/results"; }
echo "$(count held) held, $(count 'NOT HELD') not held, $(count 'not tried') not tried"

# The last column of a claim's row becomes what was found, unless it was not tried.
if [ -n "$update" ]; then
  awk -v when="$(uname -r), $(date +%Y-%m-%d)" -F '|' '
    BEGIN { OFS = "|" }
    NR == FNR { if ($2 != "not tried") found[$1] = $2; next }
    { id = $2; gsub(/[ `]/, "", id) }
    NF > 4 && id in found { $(NF - 1) = " " found[id] ": " when " " }
    { print }' "$work/results" "$update" >"$work/updated" && cat "$work/updated" >"$update"
fi
[ "$(count 'NOT HELD')" -eq 0 ]
