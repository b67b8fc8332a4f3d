#!/bin/sh
# Do the README's two commands work on a bare Debian 12? Makes one by debootstrap in a directory, with
# git and apt and nothing else, clones this repository into it, runs `./bootstrap check` there, starts
# `./bootstrap run` and fetches a message from it.
#
#	tests/bare-machine.sh [check|run|all]
#
# Needs root, debootstrap, git and about 2 GB below $TMPDIR (/var/tmp). MIRROR names the Debian mirror,
# by default the one this machine's apt uses. KEEP=yes keeps the directory. Not part of make check.
set -eu

suite=bookworm
top=$(cd "$(dirname "$0")/.." && pwd)
what=${1:-all}
root=

say()
{
	printf 'bare-machine: %s\n' "$*"
}

fail()
{
	say "$*" >&2
	exit 1
}

# "URI suite component" of each package index that apt uses here.
indexes()
{
	# shellcheck disable=SC2016 # apt's own words
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		sort -u | awk -v s="$suite" 'index($2, s) == 1'
}

clean_up()
{
	status=$?
	trap - EXIT INT TERM
	for place in proc dev/pts dev/shm; do
		umount -l "$root/$place" 2>/dev/null || :
	done
	if test "${KEEP:-no}" = yes; then
		say "kept $root"
	else
		rm -rf --one-file-system "$root"
	fi
	exit $status
}

make_machine()
{
	mirror=${MIRROR:-$(indexes | awk -v s="$suite" '$2 == s { print $1; exit }')}
	test -n "$mirror" || fail "apt uses no $suite mirror here; set MIRROR"
	say "installing Debian $suite in $root"
	debootstrap --variant=minbase --include=git,ca-certificates "$suite" "$root" "$mirror" \
		>"$root.log" 2>&1 || { tail -n 20 "$root.log"; fail 'debootstrap failed'; }
	rm -f "$root.log"
	# the sources, proxy and time-outs of this machine's apt
	if test -z "${MIRROR:-}"; then
		indexes | sed 's/^/deb /' >"$root/etc/apt/sources.list"
	fi
	apt-config dump | grep '^Acquire::\(http\|https\|Retries\)' \
		>"$root/etc/apt/apt.conf.d/90host" || :
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	mount -t proc proc "$root/proc"
	mkdir -p "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
	mount -t tmpfs tmpfs "$root/dev/shm"
	ln -sf pts/ptmx "$root/dev/ptmx"
	ln -sfn /proc/self/fd "$root/dev/fd"
	git clone -q --no-hardlinks "$top" "$root/root/postil"
}

# A command in the clone, with an environment of its own.
inside()
{
	chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
		http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
		/bin/sh -c "cd /root/postil && $1"
}

prove_check()
{
	say './bootstrap check'
	inside './bootstrap check </dev/null' >"$root/check.log" 2>&1 ||
		{ tail -n 80 "$root/check.log"; fail './bootstrap check failed'; }
	grep '^# ' "$root/check.log"
}

# The address lines that `./bootstrap run` prints are the ones typed here.
prove_run()
{
	say './bootstrap run'
	: >"$root/run.log"
	mkfifo "$root/root/console"
	inside './bootstrap run <>/root/console' >"$root/run.log" 2>&1 &
	server=$!
	tries=0
	until grep -q '^ *curl .*/1$' "$root/run.log" && inside "$(fetch_line)" >"$root/fetched" 2>/dev/null; do
		tries=$((tries + 1))
		if ! kill -0 $server 2>/dev/null || test $tries -ge 600; then
			tail -n 40 "$root/run.log"
			fail './bootstrap run did not serve a message'
		fi
		sleep 1
	done
	say "fetched $(wc -c <"$root/fetched") octets by: $(fetch_line)"
	echo quit >"$root/root/console"
	wait $server || fail 'the server did not end in order'
	tail -n 5 "$root/run.log"
}

fetch_line()
{
	sed -n 's/^ *\(curl .*\/1\)$/\1/p' "$root/run.log" | head -n 1
}

test "$(id -u)" = 0 || fail 'must be started by root: it makes a chroot'
command -v debootstrap >/dev/null || fail 'debootstrap is missing: apt-get install debootstrap'
root=$(mktemp -d "${TMPDIR:-/var/tmp}/postil-bare-XXXXXX")
chmod 755 "$root"         # the users inside must enter it
trap clean_up EXIT
trap 'exit 130' INT TERM
make_machine
case $what in
check) prove_check ;;
run) prove_run ;;
all) prove_check && prove_run ;;
*) fail "what is '$what'?" ;;
esac
say 'done'
