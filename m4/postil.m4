# POSTIL_TRY_FLAGS(VARIABLE, FLAGS): add to VARIABLE each flag the compiler takes.
AC_DEFUN([POSTIL_TRY_FLAGS], [
	for postil_flag in m4_normalize([$2]); do
		AC_MSG_CHECKING([whether $CC takes $postil_flag])
		postil_saved="$CFLAGS"
		# -Werror so that clang refuses what it does not know; -O for _FORTIFY_SOURCE.
		CFLAGS="$CFLAGS -O2 -Werror $postil_flag"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
			[$1="$$1 $postil_flag"; AC_MSG_RESULT([yes])],
			[AC_MSG_RESULT([no])])
		CFLAGS="$postil_saved"
	done
])
