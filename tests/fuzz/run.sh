#!/bin/sh
# Runs one fuzzer from its seeds in corpus/ and from what earlier runs have found, and keeps what it finds under
# build/fuzz. Usage: run.sh NAME [SECONDS]; if not told: a minute in continuous integration, else 5 seconds.
set -u
name=$1
seconds=${2:-${CI:+60}}
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
build=$(dirname "$(dirname "$here")")/build/fuzz
fuzzer=$build/tests/fuzz/${name}_fuzz
[ -x "$fuzzer" ] || {
  echo "there is no $fuzzer: './dev build fuzz' makes it, and so does './dev test' without arguments"
  exit 2
}
mkdir -p "$build/corpus/$name" "$build/crashes" || exit 2
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_SYMBOLIZER_PATH=/usr/lib/llvm-16/bin/llvm-symbolizer
set -- -max_total_time="${seconds:-5}" -timeout=60 -print_final_stats=1 -print_funcs=0 -artifact_prefix="$build/crashes/$name-"
[ ! -f "$here/$name.dict" ] || set -- "$@" -dict="$here/$name.dict"
before=$(ls "$build/crashes")
"$fuzzer" "$@" "$build/corpus/$name" "$here/corpus/$name"
status=$?
[ $status = 0 ] || for crash in "$build/crashes/$name"-*; do
  case "$before" in *"${crash##*/}"*) ;; *) echo "the input: $crash, to be looked at with: $fuzzer $crash" ;; esac
done
exit $status
