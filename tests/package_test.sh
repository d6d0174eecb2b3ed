#!/usr/bin/env bash
# Installs the Debian package, runs a cluster from it under systemd, upgrades, stops and purges it, and looks at what is
# left. Usage: package_test.sh <the .deb>, as root: ./dev package --check
#
# All of it happens on a copy of this machine that is thrown away: an overlay over its file tree, in namespaces of its
# own, with a systemd that has been started only for this. Whatever goes wrong, the machine stays as it was, and no
# process outlives the test.
set -euo pipefail

fail() { printf 'package_test: %s\n' "$*" >&2; exit 1; }

# --- outside: makes the copy and enters it ----------------------------------------------------------------------------

outside() {
  [ "$(id -u)" = 0 ] || fail 'only root may mount what this needs'
  ! dpkg-query -W starling >/dev/null 2>&1 || fail 'starling is installed on this machine: its copy would not be a clean one'
  local deb test
  deb=$(realpath "$1")
  test=$(realpath "$0")
  scratch=$(mktemp -d)
  trap clean_up EXIT
  mkdir "$scratch/upper" "$scratch/root" "$scratch/cgroup"
  setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --net --ipc --uts \
    bash "$test" machine "$scratch" "$deb" >"$scratch/log" 2>&1 &
  machine=$!
  disown # its end is no news
  local pid='' try
  for ((try = 0; try < 100; ++try)); do
    kill -0 "$machine" 2>/dev/null || break
    pid=$(pgrep -P "$machine" || true)
    [ -z "$pid" ] || [ "$(cat "/proc/$pid/comm")" != systemd ] || break
    sleep 0.1
  done
  kill -0 "$machine" 2>/dev/null || { cat "$scratch/log" >&2; fail 'no copy of the machine: this needs namespaces, overlayfs and cgroup2'; }
  nsenter -t "$pid" --all --root --wd env -i PATH="$PATH" HOME=/root bash /run/package_test inside
}

clean_up() {
  local status=$?
  [ -z "${machine:-}" ] || kill -9 "$machine" 2>/dev/null || true # and with it all that runs in the copy
  wait 2>/dev/null || true
  # The kernel needs a moment until a group whose processes were killed is empty.
  unshare --mount bash -c 'mount -t cgroup2 none "$1/cgroup"
    for ((try = 0; try < 50; ++try)); do
      [ -d "$1/cgroup/$2" ] || exit 0
      find "$1/cgroup/$2" -depth -type d -exec rmdir {} + 2>/dev/null
      sleep 0.1
    done' - "$scratch" "starling-package-test-${scratch##*.}" || true
  rm -rf "$scratch"
  exit "$status"
}

# Becomes the copy's systemd: first with a control group of its own, then with a root of its own.
machine() {
  local scratch=$1 deb=$2
  # A group of its own, which systemd sees as the root of all groups.
  mount -t cgroup2 none "$scratch/cgroup"
  mkdir "$scratch/cgroup/starling-package-test-${scratch##*.}"
  echo $$ >"$scratch/cgroup/starling-package-test-${scratch##*.}/cgroup.procs"
  umount "$scratch/cgroup"
  exec unshare --cgroup bash "$0" boot "$scratch" "$deb"
}

boot() {
  local scratch=$1 deb=$2 root=$1/root device unit
  mount -t tmpfs none "$scratch/upper"
  mkdir "$scratch/upper/tree" "$scratch/upper/work"
  mount -t overlay none -o "lowerdir=/,upperdir=$scratch/upper/tree,workdir=$scratch/upper/work" "$root"
  mount -t tmpfs none "$root/run"
  mount -t tmpfs none "$root/tmp"
  mount -t tmpfs none "$root/dev"
  for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  mkdir "$root/dev/shm" "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  mount -t devpts none -o newinstance "$root/dev/pts"
  # Of the kernel's settings, which are the real machine's, systemd may see and change nothing but its own groups.
  mount -t proc none "$root/proc"
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,bind,ro "$root/proc/sys"
  mount -t sysfs none -o ro "$root/sys"
  mount -t cgroup2 none "$root/sys/fs/cgroup"

  cp "$deb" "$root/run/starling.deb"
  cp "$0" "$root/run/package_test"
  rm -f "$root/usr/sbin/policy-rc.d" # where services of packages must not be started: here they are to be
  mkdir -p "$root/etc/systemd/system"
  for unit in systemd-networkd-wait-online NetworkManager-wait-online ifupdown-wait-online; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit.service" # there is loopback and will be nothing else
  done
  ip link set lo up
  # A root of its own and no chroot, in which no user namespaces may be made (PrivateUsers).
  mkdir "$root/run/outside"
  cd "$root"
  pivot_root . run/outside
  umount -l /run/outside
  # Not basic.target: its timers would begin with what this machine does once a day.
  exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --system --unit=sysinit.target
}

# --- inside: what a package must do -----------------------------------------------------------------------------------

step() { printf 'package_test: %s\n' "$*" >&2; }

# until_true SECONDS WHAT COMMAND...
until_true() {
  local seconds=$1 what=$2 end=$((SECONDS + $1))
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || fail "not within $seconds s: $what"
    sleep 0.1
  done
}

expect() {
  local what=$1
  shift
  "$@" || fail "$what (failed: $*)"
}

# same WHAT EXPECTED FOUND
same() { [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"; }

units=(starling-master.service starling-node@a.service starling-node@b.service)
ready() { curl -fsS --max-time 2 "http://127.0.0.1:$1/readyz"; }
all_ready() { ready 8080 && ready 8081; }
shown() { systemctl show --value -p "$2" "$1"; }
restarted() { [ "$(shown "$1" NRestarts)" -gt 0 ]; }
# traces [TEST...]: files that are named for us, or for which TEST holds; dpkg and logs may remember.
traces() { find /etc /usr /var -xdev \( -name '*starling*' "$@" \) -not -path '/var/lib/dpkg/*' -not -path '/var/log/*' | sort; }

on_failure() {
  local status=$?
  [ "$status" = 0 ] && return
  journalctl --no-pager -o short -n 80 >&2 || true
  systemctl --no-pager --plain list-units --state=failed >&2 || true
}

inside() {
  trap on_failure EXIT
  local before before_token pids i
  until_true 60 'systemd is up' systemctl is-active sysinit.target
  systemctl start redis-server
  until_true 20 'Redis answers' redis-cli ping
  before=$(traces)

  step 'installing: a user, a token, and nothing that runs'
  apt-get install -y --no-install-recommends /run/starling.deb >/run/dpkg.log 2>&1 </dev/null || { cat /run/dpkg.log >&2; fail 'apt-get install'; }
  expect 'there is a system user' getent passwd starling >/dev/null
  same 'the token' '640 root:starling 65' "$(stat -c '%a %U:%G %s' /etc/starling/cluster.token)"
  same 'units that run' '' "$(systemctl list-units --plain --no-legend 'starling-*')"
  same 'the master is enabled' disabled "$(systemctl is-enabled starling-master || true)"
  expect 'the program starts' starling --version >/dev/null

  step 'starting as the documentation says'
  sed -i 's/^appendonly no/appendonly yes/' /etc/redis/redis.conf && systemctl restart redis-server
  until_true 20 'Redis answers' redis-cli ping
  same 'appendonly' yes "$(redis-cli config get appendonly | tail -n 1)"
  systemctl enable --quiet --now starling-master starling-node@a
  until_true 30 'node a is ready' ready 8080
  echo 'STARLING_NODE_OPTIONS=--listen 127.0.0.1:8081' >/etc/starling/node-b.env
  systemctl enable --quiet --now starling-node@b
  until_true 30 'node b is ready' ready 8081

  step 'chatting'
  starling bench --nodes ws://127.0.0.1:8080/ws,ws://127.0.0.1:8081/ws --clients 20 --rate 20 --seconds 2 --warmup 1 --floor 0 >/run/bench.log 2>&1 ||
    { cat /run/bench.log >&2; fail 'the chat through both nodes'; }

  step 'listening on loopback only, as nobody special, without complaints'
  ss -Hltnp | grep '"starling"' >/run/listening || fail 'ss shows no listening starling'
  ! grep -vE '^LISTEN +[0-9]+ +[0-9]+ +(127\.0\.0\.1|\[::1\]):' /run/listening || fail 'something listens beyond loopback'
  for i in "${units[@]}"; do
    same "the user of $i" starling "$(ps -o user= -p "$(shown "$i" MainPID)")"
    same "capabilities of $i" 0000000000000000 "$(sed -n 's/^CapEff:\t//p' "/proc/$(shown "$i" MainPID)/status")"
    same "seccomp of $i" 2 "$(sed -n 's/^Seccomp:\t//p' "/proc/$(shown "$i" MainPID)/status")"
  done
  # Mode "open" is warned of; and for a moment a node has no master or no table.
  ! journalctl --no-pager -o cat -u 'starling-*' | grep -E ' (warn|error) ' | grep -vE ' (auth\.open|membership\.not_joined) ' ||
    fail 'a process warns of something'
  runuser -u starling -- starling console --config /etc/starling/master.toml nodes >/run/nodes || fail 'the console'
  same 'processes that the console sees' 3 "$(grep -cE '^(master|a|b) ' /run/nodes)"

  step 'a node that is killed comes back; a recorder can be written; a wrong configuration is not retried'
  systemctl kill -s KILL starling-node@a
  until_true 10 'node a was restarted' restarted starling-node@a
  until_true 30 'node a is ready again' ready 8080
  kill -USR1 "$(shown starling-node@a MainPID)"
  until_true 10 'the flight recorder wrote a file' compgen -G '/var/lib/starling/flight-node-a-*.txt'
  systemctl stop starling-node@b
  echo 'STARLING_NODE_OPTIONS=--listen nowhere' >/etc/starling/node-b.env
  systemctl start starling-node@b || true
  until_true 10 'node b has failed' systemctl is-failed starling-node@b
  same 'node b, wrongly configured' 'exit-code 2 0' "$(shown starling-node@b Result) $(shown starling-node@b ExecMainStatus) $(shown starling-node@b NRestarts)"
  echo 'STARLING_NODE_OPTIONS=--listen 127.0.0.1:8081' >/etc/starling/node-b.env
  systemctl restart starling-node@b
  until_true 30 'both nodes are ready' all_ready

  step 'upgrading: what ran runs again, what was written stays'
  echo '# mine' >>/etc/starling/master.toml
  before_token=$(cat /etc/starling/cluster.token)
  pids=$(for i in "${units[@]}"; do shown "$i" MainPID; done)
  dpkg -i /run/starling.deb >/run/dpkg.log 2>&1 </dev/null || { cat /run/dpkg.log >&2; fail 'dpkg -i, again'; }
  until_true 30 'both nodes are ready after the upgrade' all_ready
  for i in "${units[@]}"; do
    same "$i" active "$(systemctl is-active "$i")"
    ! grep -qx "$(shown "$i" MainPID)" <<<"$pids" || fail "$i was not restarted"
  done
  same 'the last line of master.toml' '# mine' "$(tail -n 1 /etc/starling/master.toml)"
  same 'the token' "$before_token" "$(cat /etc/starling/cluster.token)"

  step 'stopping'
  systemctl stop starling-node@b
  same 'node b' 'inactive success 0' "$(systemctl is-active starling-node@b || true) $(shown starling-node@b Result) $(shown starling-node@b ExecMainStatus)"

  step 'removing: what ran is stopped, state and configuration stay'
  dpkg -L starling >/run/files
  dpkg -r starling >/run/dpkg.log 2>&1 || { cat /run/dpkg.log >&2; fail 'dpkg -r'; }
  ! pgrep -x starling || fail 'a process is left'
  expect 'the configuration stays' test -f /etc/starling/master.toml -a -f /etc/starling/cluster.token -a -f /var/lib/starling/master.json

  step 'purging: nothing stays but the user'
  dpkg -P starling >/run/dpkg.log 2>&1 || { cat /run/dpkg.log >&2; fail 'dpkg -P'; }
  while read -r i; do
    [ -d "$i" ] || ! [ -e "$i" ] || fail "$i is left"
  done </run/files
  same 'files that are left' "$before" "$(traces -o -user starling)"
  same 'the shell of the user that is left' /usr/sbin/nologin "$(getent passwd starling | cut -d: -f7)"
  step 'passed'
}

command=$1
case $command in
machine | boot) shift; "$command" "$@" ;;
inside) inside ;;
*) outside "$@" ;;
esac
