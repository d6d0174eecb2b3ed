#!/bin/sh
# docs/DEPENDENCIES.md names the packages that ./dev installs: all of them, each once, and no others. A version of this
# machine that is another than the table's is told, and is no failure: Debian mends its packages, and others have other
# ones. Usage: dependencies_test.sh <the source tree>
set -u
table=$1/docs/DEPENDENCIES.md
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

# The rows' first two columns.
sed -n 's/^| `\([^`]*\)` | \([^ |]*\) |.*/\1 \2/p' "$table" | sort >"$scratch/rows"
cut -d ' ' -f 1 "$scratch/rows" >"$scratch/named"
"$1/dev" deps --list | LC_ALL=C sort >"$scratch/installed" || exit 2
LC_ALL=C sort -o "$scratch/named" "$scratch/named"

# Of "1:3.0.2+ds-1", 3.0: upstream's major and minor.
short() { echo "$1" | sed 's/^[0-9]*://; s/[-+~].*//; s/^\([^.]*\.[^.]*\)\..*/\1/'; }

while read -r package version; do
  here=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null) && [ -n "$here" ] || continue
  # What Debian "really" has, where it went back to an earlier version.
  here=${here##*really}
  [ "$(short "$here")" = "$(short "$version")" ] ||
    echo "warning: $package is version $here here, and $version in docs/DEPENDENCIES.md"
done <"$scratch/rows"

diff "$scratch/named" "$scratch/installed" >"$scratch/difference" && exit 0
echo 'docs/DEPENDENCIES.md (<) names other packages than ./dev installs (>):'
grep '^[<>]' "$scratch/difference"
exit 1
