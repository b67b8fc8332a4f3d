/*
 * UTF8 and LANG (RFC 6856). UTF8 is said before the login, since which form of a message a
 * session gets is settled when its maildrop is opened. STLS after it is allowed, as the RFC
 * leaves to us: what was said in clear is forgotten (RFC 2595), both of these included.
 */
#include "addin/pop3/session_impl.h"

enum net_next utf8_utf8(struct pop3_session *s, const struct slice *args, size_t count,
                        struct buf *out)
{
	s->utf8 = true;
	reply_say(out, s->language, TEXT_UTF8_BEGINS);
	return NET_CONTINUE;
}

/* An unknown language is no bad command: clients try what their user prefers. */
enum net_next utf8_lang(struct pop3_session *s, const struct slice *args, size_t count,
                        struct buf *out)
{
	if (count == 0)
		reply_languages(out, s->language);
	else if (language_find(args[0], s->options->preferred, &s->language))
		reply_language(out, s->language);
	else
		reply_no_language(out, s->language, args[0]);
	return NET_CONTINUE;
}
