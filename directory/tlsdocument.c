/*
 * What Server and POP3Site documents say of TLS. Documents are distrusted: a file's name
 * has no path, and what is no file's name or cipher's code is passed over.
 */
#include "directory/private.h"

#include "directory/settings.h"

#include "base/banned.h"

#define KEY_FILES_MAX 64
#define CIPHERS_MAX 256

static STATUS take_pieces(const struct item *item, enum setting_kind kind, size_t most,
                          struct arena *arena, struct slice *list, size_t *count)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < item->count; i++) {
		struct slice rest = item->values[i], piece;

		while (status == NOERROR && *count < most && setting_piece(kind, &rest, &piece))
			if (setting_piece_is_good(kind, piece))
				status = arena_copy(arena, piece, &list[(*count)++]);
	}
	return status;
}

static STATUS take_list(const struct note *note, enum setting which, size_t most,
                        struct arena *arena, const struct slice **list_r, size_t *count_r)
{
	const struct item *item = setting_item(note, which);
	struct slice *list;
	size_t count = 0;
	STATUS status;

	*list_r = NULL;
	*count_r = 0;
	if (item == NULL)
		return NOERROR;
	list = arena_alloc(arena, most * sizeof(*list));
	if (list == NULL)
		return POSTIL_ERR_MEMORY;
	status = take_pieces(item, directory_settings[which].kind, most, arena, list, &count);
	*list_r = list;
	*count_r = count;
	return status;
}

static enum directory_choice choice(const struct note *note, enum setting which)
{
	if (setting_item(note, which) == NULL || setting_complaint(note, which) != NULL)
		return DIRECTORY_UNSAID;
	return setting_switch(note, which) ? DIRECTORY_YES : DIRECTORY_NO;
}

STATUS tls_document_read(const struct note *note, bool site, struct arena *arena,
                         struct tls_document *document_r)
{
	/* the settings of both documents stand in the same order */
	const int shift = site ? SET_SITE_TLS_KEY_FILES - SET_TLS_KEY_FILES : 0;
	struct tls_document d = { .key_file_count = 0 };
	STATUS status = take_list(note, (enum setting)(SET_TLS_KEY_FILES + shift), KEY_FILES_MAX, arena,
	                          &d.key_files, &d.key_file_count);

	if (status == NOERROR)
		status = take_list(note, (enum setting)(SET_TLS_CIPHERS + shift), CIPHERS_MAX, arena,
		                   &d.ciphers, &d.cipher_count);
	d.accept_expired = setting_switch(note, (enum setting)(SET_TLS_ACCEPT_EXPIRED + shift));
	d.check_crls = setting_switch(note, (enum setting)(SET_TLS_CHECK_CRLS + shift));
	d.trust_expired_crls = setting_switch(note, (enum setting)(SET_TLS_TRUST_EXPIRED_CRLS + shift));
	d.allow_crl_failure = setting_switch(note, (enum setting)(SET_TLS_ALLOW_CRL_FAILURE + shift));
	d.stls = choice(note, (enum setting)(SET_TLS_STLS + shift));
	if (status == NOERROR)
		*document_r = d;
	return status;
}

static bool lists_equal(const struct slice *a, size_t a_count, const struct slice *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!slice_equal(a[i], b[i]))
			return false;
	return true;
}

bool tls_document_equal(const struct tls_document *a, const struct tls_document *b)
{
	return lists_equal(a->key_files, a->key_file_count, b->key_files, b->key_file_count) &&
	       lists_equal(a->ciphers, a->cipher_count, b->ciphers, b->cipher_count) &&
	       a->accept_expired == b->accept_expired && a->check_crls == b->check_crls &&
	       a->trust_expired_crls == b->trust_expired_crls &&
	       a->allow_crl_failure == b->allow_crl_failure && a->stls == b->stls;
}
