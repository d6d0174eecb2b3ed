#!/bin/sh
# What cmake/Options.cmake asks of compiler and linker against the exploiting of mistakes, looked for in what they made.
# Usage: hardening_test.sh <the executable> plain|fortified
set -u
executable=$1
failed=0

# has WHAT PATTERN READELF-OPTION...
has() {
  what=$1 pattern=$2
  shift 2
  if ! LC_ALL=C readelf -W "$@" "$executable" | grep -Eq "$pattern"; then
    echo "$executable has no $what"
    failed=1
  fi
}

command -v readelf >/dev/null || { echo 'there is no readelf: ./dev deps installs it, with the compiler'; exit 2; }
LC_ALL=C readelf -h "$executable" >/dev/null || exit 2

has 'random place for its code (PIE)' '^ *Type: *DYN' -h
has 'random place for its code (PIE)' 'FLAGS_1.* PIE' -d
has 'tables that become read-only (RELRO)' '^ *GNU_RELRO ' -l
has 'all functions bound at the start (BIND_NOW)' 'FLAGS.* (BIND_)?NOW' -d
has 'stack without code' '^ *GNU_STACK .* RW ' -l
has 'stack protector' ' __stack_chk_fail@' --dyn-syms
case ${2:-} in
fortified) has 'checked libc calls (FORTIFY_SOURCE)' ' __[a-z]+(printf|read|recv|cpy|move|set|cat)_chk@' --dyn-syms ;;
plain) ;;
*) echo 'say whether it is plain or fortified'; exit 2 ;;
esac
exit $failed
