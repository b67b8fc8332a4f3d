/* Giving root's identity up. Nothing is read from the directory before. */
#include "addin/tools/identity.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

STATUS identity_become_owner(const char *dir, struct fault *fault)
{
	struct stat st;

	if (geteuid() != 0)
		return NOERROR;
	if (stat(dir, &st) != 0)
		return fault_set(fault, POSTIL_ERR_NOEXIST, "%s: %s", dir, strerrordesc_np(errno));
	if (st.st_uid == 0)
		return NOERROR;
	if (setgroups(1, &st.st_gid) != 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) != 0
	    || setresuid(st.st_uid, st.st_uid, st.st_uid) != 0 || setuid(0) == 0)
		return fault_set(fault, POSTIL_ERR_PERMISSION,
		                 "cannot become user %u, whom %s belongs to: %s; run this as that"
		                 " user", (unsigned)st.st_uid, dir, strerrordesc_np(errno));
	return NOERROR;
}
