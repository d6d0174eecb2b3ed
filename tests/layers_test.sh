#!/bin/sh
# The rule of the layers, as a test: chat <- actors <- net <- cli, each may use those to its left.
# And who may know hiredis. Usage: layers_test.sh <the source tree>
set -u
cd "$1" || exit 2
failed=0

# forbid FOLDER PATTERN WHY: no file in FOLDER may include what matches PATTERN.
forbid() {
  if grep -rnE --include='*.hpp' --include='*.cpp' "^[[:space:]]*#[[:space:]]*include[[:space:]]*[\"<]($2)" "$1"; then
    echo "  ^ $3"
    failed=1
  fi
}

for folder in chat actors net cli; do
  [ -n "$(find "$folder" -name '*.hpp' -print -quit)" ] || { echo "no headers in $folder/: is $1 the source tree?"; exit 2; }
done

forbid chat 'actors/|net/|cli/|tests/|caf/|boost/|hiredis/' 'chat/ is pure: it knows no other folder, no CAF, no Boost, no hiredis'
forbid actors 'net/|cli/|tests/|hiredis/|boost/beast' 'actors/ gets what it needs of the outside through actors/ports.hpp'
forbid net 'cli/|tests/' 'net/ does not know the commands'
forbid cli 'tests/' 'the executable does not know its tests'

# Only what speaks to Redis includes hiredis.
strangers=$(grep -rlE --include='*.hpp' --include='*.cpp' '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]hiredis/' \
  chat actors net cli | grep -vE '^net/(redis|memory)_')
if [ -n "$strangers" ]; then
  echo "$strangers"
  echo "  ^ only net/redis_* and net/memory_* may include hiredis"
  failed=1
fi
exit $failed
