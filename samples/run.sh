#!/bin/sh
# Runs the server in a build tree on a copy of a sample data directory, with the console in this
# terminal. The copy is kept, with what happens to its mail, and used again.
#
#	run.sh [SAMPLE]         plain (the default), sites or tls
#
# Environment: top_srcdir, top_builddir (set by make); RUN_DIR, where the copy goes; POP3_PORT
# (8110, or what the kept copy says), POP3_TLS_PORT (8995 likewise); POSTIL_PROGRAM_DIR, programs
# other than those built.
set -eu

sample=${1:-plain}
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
port=${POP3_PORT:-} tls_port=${POP3_TLS_PORT:-}
programs=${POSTIL_PROGRAM_DIR:-$top_builddir/programs}
user=

say()
{
	printf '%s\n' "$*"
}

fail()
{
	say "run.sh: $*" >&2
	exit 1
}

# As the user that the server will be: for root that is nobody.
as_user()
{
	if test -n "$user"; then
		setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- "$@"
	else
		"$@"
	fi
}

# The server gives up root's privileges; what it runs and serves must lie where nobody can go.
choose_public_place()
{
	user=nobody
	as_user test -x "$programs/postil" && return 0
	public=/var/tmp/postil-run
	test -d "$public" || mkdir -m 755 "$public"
	if test -L "$public" || test "$(stat -c %u "$public")" != 0; then
		fail "$public is not root's; remove it, or set RUN_DIR and build where $user can read"
	fi
	rm -rf "$public/programs"
	mkdir -m 755 "$public/programs"
	find "$programs" -maxdepth 1 -type f -perm -u+x -exec cp {} "$public/programs/" \;
	chmod 755 "$public/programs"/*
	programs=$public/programs
	export POSTIL_PROGRAM_DIR="$programs"
	default_run=$public/$sample
}

# Make a mail file for its owner, with the mail that the sample has for it.
make_mail_file()
{
	file=mail/$1.nsf owner=$2 source=$top_srcdir/samples/$sample/mail/$1
	if test -e "$source.mbox"; then
		"$programs/postil" mail import -d "$data" -o "$owner" -f mboxrd "$file" "$source.mbox"
	elif test -d "$source"; then
		"$programs/postil" mail import -d "$data" -o "$owner" "$file" "$source"/*.eml
	else
		"$programs/postil" mail create -d "$data" -o "$owner" "$file"
	fi >/dev/null
}

# The list: a name and an owner, or a name, + and a level, and who has it.
make_mail_files()
{
	while read -r name rest; do
		case $name$rest in
		'' | '#'*) ;;
		*+*)
			level=${rest%% *}
			"$programs/postil" mail acl -d "$data" "mail/$name.nsf" set "${rest#* }" \
				"${level#+}" >/dev/null
			;;
		*) make_mail_file "$name" "$rest" ;;
		esac
	done <"$top_srcdir/samples/$sample/mailfiles"
}

make_data()
{
	say "Making the data directory $data of samples/$sample"
	mkdir -p "$data/names"
	cp "$top_srcdir/samples/$sample/notes.ini" "$data/"
	cp "$top_srcdir/samples/$sample/names"/*.dxl "$data/names/"
	chmod -R u+rwX,go= "$data"
	# while the directory is ours, the tool reads our files
	make_mail_files
	if test -n "$user"; then
		printf 'ServerUser=%s\n' "$user" >>"$data/notes.ini"
		chown -R "$user:$(id -gn "$user")" "$data"
	fi
}

# The certificates of a sample for TLS, for who is in its list.
make_certificates()
{
	list=$top_srcdir/samples/$sample/certs
	set --
	while read -r kind name; do
		case $kind in
		host) set -- "$@" -n "$name" ;;
		person | stranger) set -- "$@" -c "$name" ;;
		esac
	done <"$list"
	say 'Making certificates for tests'
	"$programs/postil" certs make -d "$data" "$@" >/dev/null
	while read -r kind name; do
		test "$kind" = person || continue
		file=$data/certs/clients/$(printf '%s' "$name" | tr 'A-Z /' 'a-z--').pem
		"$programs/postil" directory certificate add -d "$data" "$name" "$file" >/dev/null
	done <"$list"
}

# The number that the Server document gives for a port, unless another one is wished for; that is
# put into the document, then.
choose_port()
{
	document=$data/names/server.dxl item="<item name='$1'><number>" wish=$2
	given=$(sed -n "s|.*$item\([0-9]*\)<.*|\1|p" "$document" | head -n 1)
	if test -n "$given" && test -n "$wish" && test "$wish" != "$given"; then
		case $wish in
		*[!0-9]*) fail "the port $wish is not a number" ;;
		esac
		# keeps the file's owner
		changed=$(sed "s|${item}[0-9]*<|$item$wish<|" "$document")
		printf '%s\n' "$changed" >"$document"
	fi
	chosen=${wish:-$given}
}

test -f "$top_srcdir/samples/$sample/notes.ini" || fail "there is no sample \"$sample\""
default_run=$top_builddir/run
test "$sample" = plain || default_run=$top_builddir/run-$sample
test "$(id -u)" != 0 || choose_public_place
data=${RUN_DIR:-$default_run}
case $data in
/*) ;;
*) data=$(pwd)/$data ;;
esac
test -x "$programs/postil" || fail "$programs/postil is missing; build first: ./bootstrap"
if ! test -f "$data/made"; then
	make_data
	: >"$data/made"
fi
if test -f "$top_srcdir/samples/$sample/certs" && ! test -d "$data/certs"; then
	make_certificates
fi
choose_port POP3_Port "$port"
port=${chosen:-110}
choose_port POP3_SSLPort "$tls_port"
tls_port=$chosen
url=pop3://127.0.0.1:$port/ options=
case $sample in
sites) login='Ana Ruiz:ruiz-pass' ;;
*) login='Jada Correr:correr-pass' ;;
esac
if test -d "$data/certs"; then
	url=pop3s://127.0.0.1:$tls_port/
	options="--cacert '$data/certs/trusted/test-ca.pem' "
fi
cat <<END

Postil starts on $data. In another terminal, list the messages and fetch one:

    curl $options--user '$login' $url
    curl $options--user '$login' ${url}1

Try \`show tasks\` here; \`quit\` ends the server. Other persons: $top_srcdir/samples/$sample/README.md

END
exec "$programs/postil" server -d "$data"
