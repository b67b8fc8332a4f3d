/*
 * Makes certificates for tests, the odd ones too. Its arguments are a test's and trusted.
 *
 *	mkcert ca|server|client -o BASE [OPTION...]     writes BASE.pem and BASE.key (mode 600)
 *	mkcert crl -i CA -o FILE [-r CERT]... [OPTION...]       writes FILE
 *
 *	-i CA           issued by CA.pem with CA.key; else it vouches for itself
 *	-s KIND=VALUE   of the subject, in this order: -s O=Acme -s "CN=Jane Doe"; none: no subject
 *	-n HOST         name or numeric address of a server (several)
 *	-e ADDRESS      e-mail address (several)
 *	-f SECS         valid from so many seconds from now (default -3600)
 *	-u SECS         until so many seconds from now (default a day; before now: expired)
 *	-p PURPOSES     extended key usage instead of the usual one: serverAuth; "" for none
 *	-k OTHER        the key of OTHER.pem, OTHER.key instead of a new one
 *	-t rsa|ecdsa    kind of key (default ecdsa)
 *	-z OCTETS       larger by so many octets
 *	-w PASSPHRASE   BASE.key is encrypted with it
 *	-b              behind the certificate in BASE.pem stands all of CA.pem: a chain
 *	-c              the key goes into BASE.pem as well (as a server's credential or a client
 *	                like curl has it)
 *	-r CERT         crl: CERT.pem is revoked (several)
 *	-l FILE         crl: so is what this older list names
 *
 * Examples (after `mkcert ca -o ca -s O=Acme -s "CN=Test CA"`):
 *
 *	expired         mkcert client -i ca -o jane -s O=Acme -s "CN=Jane Doe" -f -7200 -u -3600
 *	not yet valid   mkcert client -i ca -o jane -s O=Acme -s "CN=Jane Doe" -f 3600
 *	other CA        mkcert ca -o other ...; mkcert client -i other ...
 *	wrong purpose   mkcert client -i ca -p serverAuth ...
 *	revoked         mkcert crl -i ca -o crls/ca.crl -r jane
 *	no common name  mkcert client -i ca -s O=Acme
 *	100 KB          mkcert client -i ca -z 100000 ...
 *	same name, other key    the same call again with another -o
 *	intermediate    mkcert ca -i ca -o sub ...; mkcert client -i sub -b ...
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "tls/make.h"

#include "base/banned.h"

#define LIST_MAX 64
#define FILE_MAX_OCTETS (16 * 1024 * 1024)

struct list {
	const char *at[LIST_MAX];
	size_t count;
};

struct order {
	struct list subject, hosts, addresses, revoked;
	const char *base, *ca, *other, *passphrase, *before;
	struct tls_make make;
	bool chain, both;
};

__attribute__((noreturn, format(printf, 1, 2)))
static void die(const char *format, ...)
{
	va_list ap;

	fputs("mkcert: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

static void must(STATUS status, const struct fault *fault)
{
	if (status != NOERROR)
		die("%s", fault_text(fault, status));
}

static char *joined(const char *base, const char *end)
{
	char *path = NULL;

	if (asprintf(&path, "%s%s", base, end) < 0)
		die("no memory");
	return path;
}

static void read_file(const char *base, const char *end, struct buf *out)
{
	char *path = joined(base, end);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0 || buf_reserve(out, FILE_MAX_OCTETS) != NOERROR)
		die("%s: %s", path, strerrordesc_np(errno));
	while ((n = read(fd, out->p + out->n, FILE_MAX_OCTETS - out->n)) > 0)
		out->n += (size_t)n;
	if (n < 0)
		die("%s: %s", path, strerrordesc_np(errno));
	close(fd);
	free(path);
}

static void write_file(const char *base, const char *end, mode_t mode, const struct buf *text)
{
	char *path = joined(base, end);
	int fd;

	must(buf_status(text), NULL);
	if (unlink(path) != 0 && errno != ENOENT)
		die("%s: %s", path, strerrordesc_np(errno));
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 || fchmod(fd, mode) != 0 || write(fd, text->p, text->n) != (ssize_t)text->n ||
	    close(fd) != 0)
		die("%s: %s", path, strerrordesc_np(errno));
	free(path);
}

static struct tls_identity *read_identity(const char *base, bool with_key)
{
	struct buf certificate = BUF_INIT, key = BUF_INIT;
	struct tls_identity *identity = NULL;
	struct fault fault = { .status = NOERROR };
	STATUS status;

	read_file(base, ".pem", &certificate);
	if (with_key)
		read_file(base, ".key", &key);
	status = tls_identity_read(buf_slice(&certificate), buf_slice(&key), &identity, &fault);
	if (status != NOERROR)
		die("%s: %s", base, fault_text(&fault, status));
	buf_release(&certificate);
	buf_wipe_release(&key);
	return identity;
}

static void add(struct list *list, const char *text)
{
	if (list->count == LIST_MAX)
		die("too many of one kind: %s", text);
	list->at[list->count++] = text;
}

static void add_pair(struct list *list, char *text)
{
	char *equals = strchr(text, '=');

	if (equals == NULL)
		die("-s %s: it takes KIND=VALUE", text);
	*equals = '\0';
	add(list, text);
	add(list, equals + 1);
}

static int64_t number(const char *text)
{
	char *end = NULL;
	intmax_t value = strtoimax(text, &end, 10);

	if (end == text || *end != '\0')
		die("%s is no number", text);
	return value;
}

static bool take_of_make(struct tls_make *make, int option, const char *argument)
{
	switch (option) {
	case 'f': make->not_before = clock_wall_secs() + number(argument); break;
	case 'u': make->not_after = clock_wall_secs() + number(argument); break;
	case 'p': make->purposes = argument; break;
	case 't': make->key = strcmp(argument, "rsa") == 0 ? TLS_KEY_RSA : TLS_KEY_ECDSA; break;
	case 'z': make->padding_octets = (size_t)number(argument); break;
	default: return false;
	}
	return true;
}

static void take(struct order *order, int option, char *argument)
{
	if (take_of_make(&order->make, option, argument))
		return;
	switch (option) {
	case 'o': order->base = argument; break;
	case 'i': order->ca = argument; break;
	case 'k': order->other = argument; break;
	case 'w': order->passphrase = argument; break;
	case 'l': order->before = argument; break;
	case 's': add_pair(&order->subject, argument); break;
	case 'n': add(&order->hosts, argument); break;
	case 'e': add(&order->addresses, argument); break;
	case 'r': add(&order->revoked, argument); break;
	case 'b': order->chain = true; break;
	case 'c': order->both = true; break;
	default: die("usage: see the top of mkcert.c");
	}
}

static void make_certificate(struct order *order)
{
	struct tls_identity *ca = order->ca == NULL ? NULL : read_identity(order->ca, true);
	struct tls_identity *other = order->other == NULL ? NULL : read_identity(order->other, true);
	struct tls_identity *identity = NULL;
	struct buf pem = BUF_INIT, key = BUF_INIT;
	struct fault fault = { .status = NOERROR };

	order->make.subject = order->subject.at;
	order->make.subject_count = order->subject.count;
	order->make.hosts = order->hosts.at;
	order->make.host_count = order->hosts.count;
	order->make.addresses = order->addresses.at;
	order->make.address_count = order->addresses.count;
	order->make.issuer = ca;
	order->make.same_key = other;
	must(tls_make(&order->make, &identity, &fault), &fault);
	must(tls_identity_key(identity, order->passphrase, &key), NULL);
	must(tls_identity_certificate(identity, &pem), NULL);
	if (order->chain && order->ca != NULL)
		read_file(order->ca, ".pem", &pem);
	if (order->both)
		buf_add_slice(&pem, buf_slice(&key));
	write_file(order->base, ".pem", order->both ? 0600 : 0644, &pem);
	write_file(order->base, ".key", 0600, &key);
	buf_wipe_release(&pem);
	buf_wipe_release(&key);
	tls_identity_free(&identity);
	tls_identity_free(&other);
	tls_identity_free(&ca);
}

static void make_crl(const struct order *order)
{
	struct tls_identity *ca, *revoked[LIST_MAX] = { NULL };
	struct buf pem = BUF_INIT, before = BUF_INIT;
	struct fault fault = { .status = NOERROR };

	if (order->ca == NULL)
		die("crl: -i names the CA");
	ca = read_identity(order->ca, true);
	for (size_t i = 0; i < order->revoked.count; i++)
		revoked[i] = read_identity(order->revoked.at[i], false);
	if (order->before != NULL)
		read_file(order->before, "", &before);
	must(tls_make_crl(ca, buf_slice(&before), (const struct tls_identity *const *)revoked,
	                  order->revoked.count, order->make.not_before, order->make.not_after, &pem,
	                  &fault), &fault);
	write_file(order->base, "", 0644, &pem);
	for (size_t i = 0; i < order->revoked.count; i++)
		tls_identity_free(&revoked[i]);
	tls_identity_free(&ca);
	buf_release(&before);
	buf_release(&pem);
}

int main(int argc, char **argv)
{
	static const char *const uses[] = { "ca", "server", "client", "crl" };
	struct order order = { .make.not_before = clock_wall_secs() - 3600,
		.make.not_after = clock_wall_secs() + 24L * 3600 };
	size_t use = 0;
	int option;

	while (use < 4 && (argc < 2 || strcmp(argv[1], uses[use]) != 0))
		use++;
	if (use == 4)
		die("usage: mkcert ca|server|client|crl -o BASE ...; see the top of mkcert.c");
	while ((option = getopt(argc - 1, argv + 1, "o:i:s:n:e:f:u:p:k:t:z:w:bcr:l:")) != -1)
		take(&order, option, optarg);
	if (order.base == NULL || optind != argc - 1)
		die("-o is missing, or there is an argument too many");
	if (use == 3) {
		make_crl(&order);
	} else {
		order.make.use = (enum tls_use)use;
		make_certificate(&order);
	}
	return EXIT_SUCCESS;
}
