#!/bin/sh
# What scanners of TLS say of a server that this script starts itself:
#
#   tests/tls-scan.sh           sslscan, some seconds: what make check runs
#   tests/tls-scan.sh all       testssl.sh, too, a minute or two: make tls-scan
#
# Fails on anything that they call weak; 77: a tool that is needed is not installed. The
# environment is that of make check: top_srcdir, top_builddir.
set -eu
: "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"
: "${top_builddir:=$PWD}"
export top_srcdir top_builddir
here=$(mktemp -d "${TMPDIR:-/tmp}/postil-scan.XXXXXX")
served=
# shellcheck disable=SC2317 # the trap calls it
clean() {
	if [ -n "$served" ]; then
		exec 9>&-               # the server ends with its standard input
		wait "$served" || :
	fi
	rm -rf "$here"
}
trap clean EXIT
trap 'exit 143' INT TERM

want() {
	command -v "$1" || { echo "skipped: $1 is not installed" >&2; exit 77; }
}
sslscan=$(want sslscan)
testssl=
if [ "${1:-}" = all ]; then
	testssl=$(command -v testssl || want testssl.sh)
fi

mkfifo "$here/in" "$here/out"
python3 "$top_srcdir/tests/e2e/tlsserver.py" <"$here/in" >"$here/out" &
served=$!
exec 9>"$here/in" 8<"$here/out"
read -r port tls_port ca <&8 || { echo "the server has not started" >&2; exit 1; }

trouble=0
for one in "--no-colour $tls_port" "--starttls-pop3 $port"; do
	# shellcheck disable=SC2086
	"$sslscan" --no-colour --show-client-cas --xml="$here/sslscan.xml" \
		--sni-name=mail.acme.example ${one% *} "127.0.0.1:${one##* }" >"$here/text" 2>&1 ||
		{ cat "$here/text"; trouble=1; }
	python3 "$top_srcdir/tests/tls-findings.py" sslscan "$here/sslscan.xml" || trouble=1
done
if [ -n "$testssl" ]; then
	for one in "--quiet $tls_port" "--starttls=pop3 $port"; do
		rm -f "$here/testssl.json"
		# shellcheck disable=SC2086
		"$testssl" --quiet --color 0 --warnings off --ip 127.0.0.1 --add-ca "$ca" \
			--jsonfile "$here/testssl.json" ${one% *} "mail.acme.example:${one##* }" \
			>"$here/text" 2>&1 || :
		python3 "$top_srcdir/tests/tls-findings.py" testssl "$here/testssl.json" ||
			{ cat "$here/text"; trouble=1; }
	done
fi
exit $trouble
