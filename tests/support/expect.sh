# shellcheck shell=sh disable=SC2154 # dir is the test's
# What tests of commands say; source it, with dir set to a folder of the test's own.

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

# expect STATUS PATTERN COMMAND...: exit status, and a line of output
expect() {
	want=$1 pattern=$2
	shift 2
	got=0
	"$@" > "$dir/out" 2>&1 || got=$?
	[ "$got" = "$want" ] || fail "$* exits $got, not $want: $(cat "$dir/out")"
	grep -q -- "$pattern" "$dir/out" || fail "$* does not say '$pattern': $(cat "$dir/out")"
}
