#!/bin/sh
# postil-directory on the plain sample: output, exit statuses, no digest shown,
# and the manual page names every item of the settings table.
set -eu
: "${top_srcdir:?}" "${top_builddir:?}"
tool=$top_builddir/programs/postil-directory
dir=$(mktemp -d "${TMPDIR:-/tmp}/postil-directory.XXXXXX")
trap 'rm -rf "$dir"' EXIT

# shellcheck source=tests/support/expect.sh
. "$top_srcdir/tests/support/expect.sh"

mkdir "$dir/data"
expect 64 Usage "$tool"
expect 64 Usage "$tool" find -d "$dir/data"
expect 64 Usage "$tool" nonsense
expect 66 'no such folder' "$tool" update -d "$dir/data"
expect 66 'cannot be used' "$tool" update -d "$dir/none"
expect 66 'does not exist' "$tool" find -d "$dir/data" jada

mkdir "$dir/data/names"
cp "$top_srcdir/samples/plain/names/persons.dxl" "$dir/data/names/"
sed "s|'POP3_EnforceAccess'><text>1<|'POP3_EnforceAccess'><text>0<|" \
	"$top_srcdir/samples/plain/names/server.dxl" > "$dir/data/names/server.dxl"
chmod -R u+w "$dir/data/names"
expect 0 '4 persons, 1 server.*has been updated' "$tool" update -d "$dir/data"
expect 0 'was up to date' env POSTIL_DATA="$dir/data" "$tool" update
[ "$(stat -c %a "$dir/data/names.nsf")" = 600 ] || fail "names.nsf is not private"
expect 0 'server.dxl:[0-9]*: AllowAccess has Mail Users, which names nobody in this directory' \
	"$tool" check -d "$dir/data"
sed -i "/'AllowAccess'/,/<.item>/d; /'DenyAccess'/d" "$dir/data/names/server.dxl"
"$tool" update -d "$dir/data" > "$dir/out"
expect 0 '0 faults, 0 warnings' "$tool" check -d "$dir/data"
expect 0 'V3, 5000 rounds' "$tool" find -d "$dir/data" jada
expect 0 'Found by *an alias in FullName' "$tool" find -d "$dir/data" jada
expect 0 'Found by *the Internet address' "$tool" find -d "$dir/data" JADA.correr@example.com
expect 67 'nobody.*under "More name variations" it would be a short name of 1 person' \
	"$tool" find -d "$dir/data" jcorrer
expect 67 'nobody can log in by that name$' "$tool" find -d "$dir/data" nobody
expect 0 'notes.ini names no server to compare with' "$tool" find -d "$dir/data" jada
cp "$top_srcdir/samples/plain/notes.ini" "$dir/data/"
expect 0 '^ *this one$' "$tool" find -d "$dir/data" jada
expect 0 'mail/jcorrer.nsf does not exist: the login is refused' "$tool" find -d "$dir/data" jada
expect 0 'Access *allowed: the Server document does not enforce' "$tool" find -d "$dir/data" jada
expect 0 'Lockout *not enforced' "$tool" find -d "$dir/data" jada
expect 0 'options from the Server document: name and password yes' "$tool" find -d "$dir/data" jada
cat > "$dir/data/names/config.dxl" <<'END'
<database><document form='ServerConfig'><item name='ServerName'><text>*</text></item>
<item name='ILEnforce'><text>1</text></item></document>
<document form='Group'><item name='ListName'><text>Loop</text></item>
<item name='Members'><text>loop</text></item></document></database>
END
expect 0 'config.dxl:4: the group is among its own Members' "$tool" update -d "$dir/data"
expect 0 'not locked out (enforced by the Configuration Settings for all servers, 5 tries)' \
	"$tool" find -d "$dir/data" jada
rm "$dir/data/names/config.dxl"
"$tool" update -d "$dir/data" > "$dir/out"
expect 0 'from names/server.dxl' "$tool" show -d "$dir/data" mail/example
expect 67 'no document' "$tool" show -d "$dir/data" nothing
"$tool" show -d "$dir/data" jada > "$dir/out"
grep -q '(H' "$dir/out" && fail "a digest is shown"

echo '<database><document form="Person"/><document' > "$dir/data/names/z.dxl"
expect 0 'z.dxl:2: not well-formed' "$tool" update -d "$dir/data"
expect 65 '2 faults' "$tool" check -d "$dir/data"
expect 0 jada.correr@example.com "$tool" find -d "$dir/data" jada

"$tool" settings | sed -n 's/^  items *\([^(]*\).*/\1/p' | tr -d ',' | tr ' ' '\n' | sort -u |
while read -r item; do
	[ -z "$item" ] || [ "$item" = ListName ] ||
		grep -q "\b$item\b" "$top_srcdir/man/postil-names.5" ||
		fail "the manual page does not name $item"
done

# the whole sample
mkdir "$dir/plain"
cp -r "$top_srcdir/samples/plain/notes.ini" "$top_srcdir/samples/plain/names" "$dir/plain/"
chmod -R u+w "$dir/plain"
expect 0 '17 persons, 1 server.* 0 faults, 2 warnings; names.nsf has been updated' "$tool" update -d "$dir/plain"
expect 0 'Access *refused: .*Terminations' "$tool" find -d "$dir/plain" "Gil Moran"
expect 0 'Access *refused: .*names others' "$tool" find -d "$dir/plain" "Vera Hall"
expect 0 'Access *allowed: .*Mail Users' "$tool" find -d "$dir/plain" "Leo Lake"
expect 0 'for all servers, 3 tries' "$tool" find -d "$dir/plain" "Leo Lake"
expect 0 'mail server of this person is CN=other/O=Example: logins here are refused' \
	"$tool" check -d "$dir/plain"
sed -i '/^ServerName/d' "$dir/plain/notes.ini"
"$tool" check -d "$dir/plain" > "$dir/out" 2>&1
grep -q 'mail server' "$dir/out" && fail "another mail server than which one?"

# which site holds
mkdir "$dir/sites"
cp -r "$top_srcdir/samples/sites/notes.ini" "$top_srcdir/samples/sites/names" "$dir/sites/"
chmod -R u+w "$dir/sites"
"$tool" update -d "$dir/sites" > "$dir/out"
expect 0 'Internet Sites: 2 Example, name and password yes, with TLS yes; at 127.0.0.2 3 Acme, name and password no, with TLS no; at 127.0.0.3 4 Partner' \
	"$tool" find -d "$dir/sites" "Ana Ruiz"
rm "$dir/sites/names/sites.dxl"
"$tool" update -d "$dir/sites" > "$dir/out"
expect 0 'hosts no POP3 Site document, nobody can log in' "$tool" find -d "$dir/sites" "Ana Ruiz"
