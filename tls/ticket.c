/*
 * Ticket keys. libssl asks for a key by a call back for each ticket it makes or opens; the
 * name of the key in a ticket that comes back is the client's word and is only compared.
 *
 * A key makes tickets for half the lifetime and opens them for one and a half: three keys
 * are enough, the current one and two before it.
 */
#include "tls/ticket.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "tls/private.h"

#define KEYS 3
#define NAME_OCTETS 16          /* what libssl leaves room for */
#define SECRET_OCTETS 32
#define LIFETIME_SECS (8 * 3600)
#define LIFETIME_MAX_SECS (7 * 24 * 3600)

struct key {
	uint8_t name[NAME_OCTETS];
	uint8_t cipher[SECRET_OCTETS];
	uint8_t mac[SECRET_OCTETS];
	uint64_t made_ms;
	bool made;
};

struct tls_tickets {
	_Atomic unsigned count;
	uint32_t lifetime_secs;
	EVP_CIPHER *aes;
	pthread_mutex_t lock;
	struct key keys[KEYS];          /* the newest first */
};

static STATUS key_make(struct key *key)
{
	STATUS status = crypt_random(key, sizeof(*key));

	key->made_ms = clock_mono_ms();
	key->made = status == NOERROR;
	return status;
}

STATUS tls_tickets_new(uint32_t lifetime_secs, struct tls_tickets **tickets_r)
{
	struct tls_tickets *tickets = calloc(1, sizeof(*tickets));
	STATUS status;

	if (tickets == NULL)
		return POSTIL_ERR_MEMORY;
	atomic_init(&tickets->count, 1);
	pthread_mutex_init(&tickets->lock, NULL);
	tickets->lifetime_secs = lifetime_secs == 0 ? LIFETIME_SECS : lifetime_secs;
	if (tickets->lifetime_secs > LIFETIME_MAX_SECS)
		tickets->lifetime_secs = LIFETIME_MAX_SECS;
	tickets->aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	status = tickets->aes == NULL ? POSTIL_ERR_MEMORY : key_make(&tickets->keys[0]);
	if (status != NOERROR) {
		tls_tickets_release(&tickets);
		return status;
	}
	*tickets_r = tickets;
	return NOERROR;
}

struct tls_tickets *tls_tickets_share(struct tls_tickets *tickets)
{
	atomic_fetch_add(&tickets->count, 1);
	return tickets;
}

void tls_tickets_release(struct tls_tickets **tickets_p)
{
	struct tls_tickets *tickets = *tickets_p;

	*tickets_p = NULL;
	if (tickets == NULL || atomic_fetch_sub(&tickets->count, 1) != 1)
		return;
	crypt_wipe(tickets->keys, sizeof(tickets->keys));
	EVP_CIPHER_free(tickets->aes);
	pthread_mutex_destroy(&tickets->lock);
	free(tickets);
}

STATUS tls_tickets_renew(struct tls_tickets *tickets)
{
	struct key key;
	STATUS status = key_make(&key);

	if (status == NOERROR) {
		pthread_mutex_lock(&tickets->lock);
		crypt_wipe(tickets->keys, sizeof(tickets->keys));
		tickets->keys[0] = key;
		pthread_mutex_unlock(&tickets->lock);
	}
	crypt_wipe(&key, sizeof(key));
	return status;
}

uint32_t tls_tickets_lifetime_secs(const struct tls_tickets *tickets)
{
	return tickets->lifetime_secs;
}

/* Under the lock: a new key when it is time for one, and none that is too old. Without
 * random octets the current key goes on for a while. */
static void rotate(struct tls_tickets *tickets)
{
	uint64_t now = clock_mono_ms(), life = (uint64_t)tickets->lifetime_secs * 1000;
	struct key key;

	if (now - tickets->keys[0].made_ms >= life / 2 && key_make(&key) == NOERROR) {
		memmove(&tickets->keys[1], &tickets->keys[0], (KEYS - 1) * sizeof(key));
		tickets->keys[0] = key;
		crypt_wipe(&key, sizeof(key));
	}
	for (size_t i = 1; i < KEYS; i++)
		if (tickets->keys[i].made && now - tickets->keys[i].made_ms >= life + life / 2)
			crypt_wipe(&tickets->keys[i], sizeof(tickets->keys[i]));
}

/* The current key, or the one that the name names. */
static bool key_get(struct tls_tickets *tickets, const unsigned char *name, struct key *key_r,
                    bool *newest_r)
{
	bool found = name == NULL;
	size_t i = 0;

	pthread_mutex_lock(&tickets->lock);
	rotate(tickets);
	while (!found && i < KEYS) {
		found = tickets->keys[i].made &&
			crypt_equal(tickets->keys[i].name, name, NAME_OCTETS);
		i += !found;
	}
	if (found)
		*key_r = tickets->keys[i];
	pthread_mutex_unlock(&tickets->lock);
	*newest_r = i == 0;
	return found;
}

static bool mac_start(EVP_MAC_CTX *mac, struct key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, SECRET_OCTETS),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end()
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* What libssl calls: 1 use the key, 2 use it and make a new ticket, 0 no such key, -1 failed. */
static int find_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                    EVP_MAC_CTX *mac, int making)
{
	struct tls_tickets *tickets = tls_context_tickets(SSL_get_SSL_CTX(ssl));
	struct key key;
	bool newest, ok;

	if (making && !tls_connection_may_have_tickets(tls_connection_of(ssl)))
		return 0;
	if (!key_get(tickets, making ? NULL : name, &key, &newest))
		return 0;
	if (making) {
		memcpy(name, key.name, NAME_OCTETS);
		ok = crypt_random(iv, (size_t)EVP_CIPHER_get_iv_length(tickets->aes)) == NOERROR &&
			EVP_EncryptInit_ex2(cipher, tickets->aes, key.cipher, iv, NULL) == 1;
	} else {
		ok = EVP_DecryptInit_ex2(cipher, tickets->aes, key.cipher, iv, NULL) == 1;
	}
	ok = ok && mac_start(mac, &key);
	crypt_wipe(&key, sizeof(key));
	if (!ok)
		return -1;
	return newest ? 1 : 2;
}

bool tls_tickets_apply(struct tls_tickets *tickets, SSL_CTX *ssl)
{
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ssl, (long)tickets->lifetime_secs);
	return SSL_CTX_set_num_tickets(ssl, 1) == 1 &&
		SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, find_key) == 1;
}
