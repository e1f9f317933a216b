# Read by every tool: writes the call down, and plays a broken tool where the state folder says so.
echo "${0##*/}${*:+ $*}" >> "$FAKE_HOST/calls"
broken="$FAKE_HOST/broken/${0##*/}"
if [ -e "$broken" ]; then
  cat "$broken"
  exit "$(cat "$broken.status")"
fi

fail() {
  echo "${0##*/}: $1" >&2
  exit 1
}
