#!/bin/sh
# postil certs: what it makes, shows and revokes, what it leaves alone, who may read it.
set -eu
: "${top_srcdir:?}" "${top_builddir:?}"
tool=$top_builddir/programs/postil-certs
dir=$(mktemp -d "${TMPDIR:-/tmp}/postil-certs.XXXXXX")
trap 'rm -rf "$dir"' EXIT

# shellcheck source=tests/support/expect.sh
. "$top_srcdir/tests/support/expect.sh"

mode() {
	[ "$(stat -c %a "$dir/data/certs/$2")" = "$1" ] || fail "$2 does not have mode $1"
}

mkdir "$dir/data"
certs=$dir/data/certs
expect 64 Usage "$tool"
expect 64 Usage "$tool" nonsense
expect 64 Usage "$tool" make -d "$dir/data" surplus
expect 64 Usage "$tool" make -d "$dir/data" -y 0
expect 64 Usage "$tool" make -d "$dir/data" -e jane@acme.example
expect 64 Usage "$tool" show -d "$dir/data"
expect 66 'cannot be used' "$tool" make -d "$dir/none"
expect 64 '-k gives it one' "$tool" make -d "$dir/data" -n '*.example.org'
expect 64 'cannot be the name' "$tool" make -d "$dir/data" -c 'Jane * Doe/Acme'

# a server and persons, by the CA that the first call made
expect 0 'SSLKeyFile' "$tool" make -d "$dir/data" -n mail.example.org -n 127.0.0.1
before=$(cksum < "$certs/trusted/test-ca.pem")
expect 0 "certificate add .* 'Jane Doe/Sales/Acme'" "$tool" make -d "$dir/data" -c 'Jane Doe/Sales/Acme' \
	-e jane@acme.example -c 'Bob/Acme' -y 30
[ "$before" = "$(cksum < "$certs/trusted/test-ca.pem")" ] || fail "the CA was made anew"
for file in mail.example.org.ecdsa.pem mail.example.org.rsa.pem test-ca.key \
	clients/jane-doe-sales-acme.pem clients/jane-doe-sales-acme.key; do
	mode 600 "$file"
done
mode 700 .
mode 644 trusted/test-ca.pem
[ -z "$(find "$certs" -name '*.??????' -newer "$dir/data" ! -name '*.pem')" ] || fail "something is left behind"

expect 0 'Notes names:  CN=Jane Doe/OU=Sales/O=Acme, Jane Doe' "$tool" show -d "$dir/data" jane-doe-sales-acme
expect 0 'description=Postil test: not for use' "$tool" show "$certs/clients/jane-doe-sales-acme.pem"
expect 0 'names:        jane@acme.example' "$tool" show "$certs/clients/jane-doe-sales-acme.pem"
expect 0 'names:        mail.example.org 127.0.0.1' "$tool" show -d "$dir/data" mail.example.org
expect 0 'key:          RSA, 2048 bits' "$tool" show -d "$dir/data" mail.example.org
expect 0 'for:          issuing certificates' "$tool" show -d "$dir/data" test-ca
expect 0 'O=Postil test: not for use' "$tool" show -d "$dir/data" mail.example.org
expect 66 'neither a file nor the name' "$tool" show -d "$dir/data" nobody
expect 65 'holds no certificate' "$tool" show "$certs/test-ca.key"

# nothing is replaced, or made, unless asked for
before=$(cksum < "$certs/clients/bob-acme.pem")
expect 73 '-f replaces it' "$tool" make -d "$dir/data" -c 'Eve/Acme' -c 'Bob/Acme'
[ ! -e "$certs/clients/eve-acme.pem" ] || fail "half of it was made"
[ "$before" = "$(cksum < "$certs/clients/bob-acme.pem")" ] || fail "bob-acme.pem was replaced"
expect 0 Made "$tool" make -f -d "$dir/data" -c 'Bob/Acme'
[ "$before" != "$(cksum < "$certs/clients/bob-acme.pem")" ] || fail "-f replaces nothing"

before=$(wc -c < "$certs/crls/test-ca.crl")
expect 0 Revoked "$tool" revoke -d "$dir/data" bob-acme
once=$(wc -c < "$certs/crls/test-ca.crl")
[ "$once" -gt "$before" ] || fail "the list is as long as before"
expect 0 Revoked "$tool" revoke -d "$dir/data" "$certs/clients/jane-doe-sales-acme.pem"
[ "$(wc -c < "$certs/crls/test-ca.crl")" -gt "$((once + 20))" ] || fail "the list forgets the first"
"$top_builddir/tests/support/mkcert" client -o "$dir/other" -s CN=Other
expect 64 'no certificate of the test CA' "$tool" revoke -d "$dir/data" "$dir/other.pem"

rm "$certs/test-ca.key"
expect 73 'there is only trusted/test-ca.pem' "$tool" make -d "$dir/data" -c 'Eve/Acme'

# root makes them for the user that the server runs as
if [ "$(id -u)" = 0 ] && id nobody > /dev/null 2>&1; then
	mkdir "$dir/root"
	echo 'ServerUser=nobody' > "$dir/root/notes.ini"
	expect 0 Made "$tool" make -d "$dir/root"
	[ "$(stat -c %U "$dir/root/certs/localhost.rsa.pem")" = nobody ] || fail "the server cannot read it"
	[ "$(stat -c %U "$dir/root/certs/trusted")" = nobody ] || fail "the server cannot enter trusted/"
	echo 'ServerUser=no-such-user' > "$dir/root/notes.ini"
	expect 67 'ServerUser' "$tool" make -d "$dir/root" -n two
fi
