#!/bin/sh
# Static analysis of a clone:
#
#	lint.sh cppcheck|clang-tidy|shellcheck|python|manuals
#
# Each ends with 0 if it found nothing.
set -eu

cd "$(dirname "$0")/../.."
jobs=$(nproc 2>/dev/null || echo 2)

# Tracked files, or all of a tree that is no clone.
files()
{
	git ls-files -- "$@" 2>/dev/null || find . -name "${1##*/}" -not -path './build*' -print
}

sources()
{
	files '*.c' | grep -v '^tests/\|^samples/'
}

flags='-std=gnu17 -D_GNU_SOURCE -I. -Iaddin/api -DPOSTIL_VERSION="0" -DPOSTIL_PROGRAM_DIR="/"
	-DPOSTIL_DATA_DIR="/" -include base/banned.h'

lint_cppcheck()
{
	sources | cppcheck --quiet --file-list=- --std=c11 --language=c --enable=warning,portability \
		--inline-suppr --suppressions-list=tests/lint/cppcheck.txt --error-exitcode=1 -j"$jobs" \
		-D_GNU_SOURCE -DPOSTIL_FOREIGN_SOURCE '-DPOSTIL_VERSION="0"' '-DPOSTIL_PROGRAM_DIR="/"' \
		'-DPOSTIL_DATA_DIR="/"' -I. -Iaddin/api
}

lint_clang_tidy()
{
	# shellcheck disable=SC2016 # $flags and $@ are the inner shell's
	sources | xargs -P"$jobs" -n4 sh -c 'flags=$1; shift; exec clang-tidy --quiet "$@" -- $flags 2>/dev/null' \
		sh "$flags $(pkg-config --cflags libxml-2.0 libedit gmime-3.0)"
}

lint_shellcheck()
{
	{
		files '*.sh'
		printf '%s\n' bootstrap .ci/run
	} | sort -u | xargs shellcheck -x
}

lint_python()
{
	files '*.py' | xargs pyflakes3
}

lint_manuals()
{
	pages=$(files 'man/*.[1-8]' 'man/*.in')
	test -n "$pages" || exit 0
	# shellcheck disable=SC2086 # a list of words
	mandoc -T lint -W warning $pages
}

case ${1:-} in
cppcheck) lint_cppcheck ;;
clang-tidy) lint_clang_tidy ;;
shellcheck) lint_shellcheck ;;
python) lint_python ;;
manuals) lint_manuals ;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
