#!/bin/sh
# What CI does in a FreeBSD: the tests, then scripts/freebsd-smoke.sh. With --guest no tests, but a real guest, where this
# machine can be a hypervisor; else it says that it skipped that. What is to be kept is in freebsd-report/.

set -u
cd "$(dirname "$0")/.." || exit 70
report=freebsd-report
mkdir -p "$report"

# A system to boot: FreeBSD's own image for virtual machines, of this release.
fetch_guest() {
  version=$(uname -r | sed 's/-p[0-9]*$//') machine=$(uname -m)
  folder=https://download.freebsd.org/releases/VM-IMAGES/$version/$machine/Latest
  for image in "FreeBSD-$version-$machine-ufs.raw.xz" "FreeBSD-$version-$machine.raw.xz"; do
    fetch -o "$report/guest.raw.xz" "$folder/$image" && xz -d "$report/guest.raw.xz" && return
  done
  return 1
}

# vmm(4) says which of the two it uses; without one of them it runs no guest.
can_virtualize() {
  kldload -n vmm || return
  for each in hw.vmm.vmx.initialized hw.vmm.svm.features; do
    [ "$(sysctl -n $each 2>/dev/null || echo 0)" = 0 ] || return 0
  done
  return 1
}

npm ci --ignore-scripts && npm run build || exit 1
bin/vmrun.js facts >"$report/facts.json" || exit 1

if [ "${1-}" = --guest ]; then
  if ! can_virtualize; then
    echo 'SKIPPED: this machine lets no guest run (neither VT-x nor AMD-V is there for vmm)' | tee "$report/smoke.txt"
    exit 0
  fi
  fetch_guest || exit 1
  set -- --guest "$PWD/$report/guest.raw"
else
  # Each test that is skipped is listed, with its title.
  npm test -- --verbose >"$report/tests.txt" 2>&1
  tests=$?
  grep -E '^(FAIL|Tests:|Test Suites:)|✕|○' "$report/tests.txt"
  set --
fi

sh scripts/freebsd-smoke.sh "$@" >"$report/smoke.txt" 2>&1
smoke=$?
rm -f "$report/guest.raw"
cat "$report/smoke.txt"
[ "${tests:-0}" -eq 0 ] && [ $smoke -eq 0 ]
