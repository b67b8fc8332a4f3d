/*
 * What a rich text becomes, for tests that look at it with other eyes.
 *
 * usage: richtextdump text|html|parts FILE...
 *
 * FILE is DXL (<richtext>) if it begins with '<', else CD records. All files are items of one rich
 * text. parts: a line for each attachment and picture ("picture NAME TYPE BASE64").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
#include "mailfile/richtext.h"

static void fail(const char *what, const char *which)
{
	fprintf(stderr, "richtextdump: %s %s\n", what, which);
	exit(1);
}

static void add_file(struct richtext_maker *maker, const char *path)
{
	FILE *in = fopen(path, "rb");
	struct buf octets = BUF_INIT;
	char piece[65536];
	size_t n;
	STATUS status;

	if (in == NULL)
		fail("cannot open", path);
	while ((n = fread(piece, 1, sizeof(piece), in)) > 0)
		buf_add(&octets, piece, n);
	fclose(in);
	status = octets.n > 0 && octets.p[0] == '<' ? richtext_add_dxl(maker, buf_slice(&octets))
	         : richtext_add_cd(maker, buf_slice(&octets));
	if (status != NOERROR)
		fail(status_text(status), path);
	buf_release(&octets);
}

static void show_parts(const struct richtext *r)
{
	for (size_t i = 0; i < r->attachment_count; i++)
		printf("attachment %.*s\n", (int)r->attachments[i].n, r->attachments[i].p);
	for (size_t i = 0; i < r->picture_count; i++) {
		struct buf base64 = BUF_INIT;

		base64_encode(r->pictures[i].octets, &base64);
		printf("picture %s %.*s %s\n", r->pictures[i].name, (int)r->pictures[i].type.n,
		       r->pictures[i].type.p, buf_cstr(&base64));
		buf_release(&base64);
	}
	printf("incomplete %d\n", r->incomplete);
}

int main(int argc, char **argv)
{
	struct richtext_options options = { .cid_suffix = "@test" };
	struct richtext_maker *maker;
	struct arena arena = ARENA_INIT;
	struct richtext r;

	if (argc < 3)
		fail("usage: richtextdump text|html|parts", "FILE...");
	if (richtext_new(&options, &maker) != NOERROR)
		fail("out of", "memory");
	for (int i = 2; i < argc; i++)
		add_file(maker, argv[i]);
	if (richtext_finish(&maker, &arena, &r) != NOERROR)
		fail("cannot", "finish");
	if (strcmp(argv[1], "text") == 0)
		fwrite(r.text.p, 1, r.text.n, stdout);
	else if (strcmp(argv[1], "html") == 0)
		fwrite(r.html.p, 1, r.html.n, stdout);
	else
		show_parts(&r);
	richtext_release(&r);
	arena_release(&arena);
	return 0;
}
