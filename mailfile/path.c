/* From what a Person document says to a path below the data directory. The
 * text is hostile; so may be links somebody laid into the directory. */
#include "mailfile/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

#define PATH_OCTETS_MAX 255

static STATUS refuse(struct fault *fault, struct slice mail_file, const char *why)
{
	struct buf shown = BUF_INIT;

	text_escape(mail_file, 64, &shown);
	fault_set(fault, POSTIL_ERR_INVALID,
	          "the mail file \"%s\" cannot be used: %s; give a name below the data directory"
	          " such as mail/jdoe.nsf", buf_cstr(&shown), why);
	buf_release(&shown);
	return POSTIL_ERR_INVALID;
}

static const char *octets_refused(struct slice s)
{
	if (s.n == 0)
		return "it is empty";
	if (s.n > PATH_OCTETS_MAX)
		return "it is longer than 255 octets";
	if (!text_is_utf8(s))
		return "it is not UTF-8";
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7F)
			return "it holds a control character";
	if (s.p[0] == '/' || s.p[0] == '\\')
		return "it is absolute";
	if (s.n > 1 && s.p[1] == ':')
		return "it is absolute";
	return NULL;
}

/* Append the components of s to path, `\` and repeated slashes made one `/`. */
static const char *add_components(struct slice s, struct buf *path)
{
	for (size_t i = 0; i < s.n; ) {
		size_t start = i;
		struct slice component;

		while (i < s.n && s.p[i] != '/' && s.p[i] != '\\')
			i++;
		component = (struct slice){ s.p + start, i - start };
		i++;
		if (component.n == 0 || slice_equal(component, SLICE_LIT(".")))
			continue;
		if (slice_equal(component, SLICE_LIT("..")))
			return "it leads upwards";
		if (path->n > 0)
			buf_add_char(path, '/');
		buf_add_slice(path, component);
	}
	if (s.p[s.n - 1] == '/' || s.p[s.n - 1] == '\\' || path->n == 0)
		return "it names a directory";
	return NULL;
}

/* Is the target of the link at `link` inside data_dir? A link to nowhere is not. */
static bool leads_inside(const char *data_dir, const char *link)
{
	char *home = realpath(data_dir, NULL), *target = realpath(link, NULL);
	size_t n = home != NULL ? strlen(home) : 0;
	bool inside = home != NULL && target != NULL && strncmp(home, target, n) == 0
	              && (target[n] == '/' || (n == 1 && home[0] == '/'));

	free(home);
	free(target);
	return inside;
}

static const char *links_refused(const char *data_dir, struct slice path)
{
	struct buf full = BUF_INIT;
	const char *why = NULL;

	buf_addf(&full, "%s/", data_dir);
	for (size_t i = 0; i <= path.n && why == NULL; i++) {
		struct stat st;

		if (i == path.n || path.p[i] == '/') {
			if (buf_status(&full) != NOERROR)
				why = "out of memory";
			else if (lstat(buf_cstr(&full), &st) != 0)
				break;          /* what is not there is no link */
			else if (S_ISLNK(st.st_mode) && !leads_inside(data_dir, buf_cstr(&full)))
				why = "a link in it leads out of the data directory";
			else if (S_ISLNK(st.st_mode) && i == path.n)
				why = "it is a link, and would be locked under two names";
		}
		if (i < path.n)
			buf_add_char(&full, path.p[i]);
	}
	buf_release(&full);
	return why;
}

STATUS mailfile_path(const char *data_dir, struct slice mail_file, struct buf *path_r,
                     struct fault *fault)
{
	struct buf path = BUF_INIT;
	struct slice given = text_trim(mail_file);
	const char *why = octets_refused(given);
	STATUS status;

	if (why == NULL)
		why = add_components(given, &path);
	if (why == NULL && !text_ends_nocase(buf_slice(&path), ".nsf"))
		buf_add_str(&path, ".nsf");
	if (why == NULL && buf_status(&path) == NOERROR && path.n > PATH_OCTETS_MAX)
		why = "it is longer than 255 octets";
	if (why == NULL && buf_status(&path) == NOERROR)
		why = links_refused(data_dir, buf_slice(&path));
	if (why == NULL)
		buf_add_slice(path_r, buf_slice(&path));
	status = buf_status(&path) != NOERROR ? buf_status(&path) : buf_status(path_r);
	buf_release(&path);
	return why != NULL ? refuse(fault, mail_file, why) : status;
}
