#!/bin/sh
# The systemd units, as a test: systemd understands every line, they shut the process in, and they leave it the time and
# the files that its configuration promises. Usage: units_test.sh <the source tree> <the executable>
set -u
units=$1/packaging/systemd
node=$units/starling-node@.service
manual=$1/config/node.toml
failed=0

# Of 100, as systemd-analyze counts it; 0 is a process that can do nothing. Both have 12: TCP, and a file tree to read.
exposure_max=15

command -v systemd-analyze >/dev/null || { echo 'there is no systemd-analyze: ./dev deps installs it'; exit 2; }
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

complain() {
  echo "$*"
  failed=1
}

# value FILE KEY: the number in KEY=..., with or without '#' before it and a unit behind it.
value() { sed -n "s/^#\{0,1\}$2 *= *\"\{0,1\}\([0-9]*\)s\{0,1\}\"\{0,1\}\$/\1/p" "$1"; }

# more KEY THAN OPTION: a number of the node's unit is larger than one of its configuration.
more() {
  ours=$(value "$node" "$1") theirs=$(value "$manual" "$3")
  [ -n "$ours" ] && [ -n "$theirs" ] && [ "$ours" -gt "$theirs" ] ||
    complain "starling-node@.service: $1 is '$ours', which must be more than $3 in config/node.toml: '$theirs'"
}

for unit in starling-master.service starling-node@.service; do
  # The program need not be installed: what was built stands for it.
  sed "s#=/usr/bin/starling #=$2 #" "$units/$unit" >"$scratch/$unit"
  grep -q "^ExecStart=$2 " "$scratch/$unit" || complain "$unit: ExecStart does not start /usr/bin/starling"
  said=$(systemd-analyze security --offline=yes --threshold=$exposure_max --no-pager "$scratch/$unit" 2>&1) ||
    complain "$said"
done
grep -L '^ExecReload=.* -HUP \$MAINPID$' "$units"/*.service | grep . && complain '  ^ has no ExecReload that sends SIGHUP'
for unit in starling-master.service starling-node@a.service; do
  said=$(systemd-analyze verify --man=no --recursive-errors=no "$scratch/$unit" 2>&1) && [ -z "$said" ] ||
    complain "systemd-analyze verify $unit: $said"
done
more TimeoutStopSec than drain
more LimitNOFILE than connections
exit $failed
