/*
 * The Domino Directory as servers ask it: who is this login name, what is this
 * server told to do, whose address is this. Sources (compiled DXL in names.nsf,
 * memory in tests, later LDAP) stand behind one contract, source.h.
 *
 * Each question is answered from the directory as it is at that moment. The
 * struct is shared by all threads of a task.
 */
#ifndef POSTIL_DIRECTORY_DIRECTORY_H
#define POSTIL_DIRECTORY_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/note.h"

struct directory;

/* The directory compiled into DATA/names.nsf. It need not exist yet: questions
 * are then answered POSTIL_ERR_NOEXIST until it does. */
STATUS directory_open(const char *data_dir, struct directory **dir_r, struct fault *fault);
/* The same on any source, which becomes the directory's: it is closed with it, and
 * at once when this fails. */
struct directory_source;
STATUS directory_new(struct directory_source *source, struct directory **dir_r);
void directory_close(struct directory **dir);
void directory_shrink(struct directory *dir);

/* --- persons -------------------------------------------------------------- */

struct person {
	struct slice name;              /* first FullName value, canonical */
	struct slice alternate_name;    /* first AltFullName value, canonical; may be empty */
	struct slice internet_address;
	const struct slice *passwords;  /* values of HTTPPassword, as they stand */
	size_t password_count;
	struct slice mail_server;       /* canonical; empty: not given */
	struct slice mail_file;         /* as written */
	struct slice forward;           /* MailAddress, where mail is sent on to; empty: nowhere */
	struct unid unid;
	/* Values of UserCertificate: DER, perhaps behind a few octets of another format. Only
	 * from directory_find_subject and directory_find_address; else there are none. */
	const struct slice *certificates;
	size_t certificate_count;
};

#define DIRECTORY_MATCHES_MAX 64
#define DIRECTORY_MATCHES_DEFAULT 8
#define DIRECTORY_CERTIFICATES_MAX 16           /* of a person */
#define DIRECTORY_CERTIFICATE_OCTETS 32768      /* larger ones are left out */

/* All persons that a login name may mean, in arena; with more ("More name variations
 * with lower security") by short, first and last name and Soundex code, too. Each
 * person comes once. *count_r = 0: unknown. POSTIL_ERR_AMBIGUOUS: more than most (1 to
 * DIRECTORY_MATCHES_MAX). POSTIL_ERR_INVALID: not UTF-8, NUL, or longer than 1,024
 * octets. */
STATUS directory_find_login(struct directory *dir, struct slice login, bool more, size_t most,
                            struct arena *arena, const struct person **persons_r,
                            size_t *count_r);
/* The person a recipient of mail names: an Internet address or any FullName. */
STATUS directory_find_recipient(struct directory *dir, struct slice recipient,
                                struct arena *arena, const struct person **person_r);
/* The same by a value of ShortName. */
STATUS directory_find_short_name(struct directory *dir, struct slice name, struct arena *arena,
                                 const struct person **person_r);

/* Persons that have name itself as a value of FullName, however spelled: forms of a Notes
 * name (`CN=Jane Doe/O=Acme` and `Jane Doe/Acme`, `CN=Jane Doe` and `Jane Doe`) are one
 * name. Unlike a login, a common name does not stand for a hierarchical one, nor does an
 * Internet address for a name; mail-in databases are nobody. With their certificates,
 * which may be none; in arena. POSTIL_ERR_AMBIGUOUS: more than DIRECTORY_MATCHES_MAX.
 * POSTIL_ERR_INVALID: as for a login. */
STATUS directory_find_subject(struct directory *dir, struct slice name, struct arena *arena,
                              const struct person **persons_r, size_t *count_r);
/* Persons whose InternetAddress this is; else the same. */
STATUS directory_find_address(struct directory *dir, struct slice address, struct arena *arena,
                              const struct person **persons_r, size_t *count_r);

/* The Internet address of a Notes name in any form: of the person or mail-in database that it names,
 * else of the group. Appended as written. POSTIL_ERR_NOT_FOUND: it names nobody, or the document says
 * no address; POSTIL_ERR_AMBIGUOUS: several persons. */
STATUS directory_internet_address(struct directory *dir, struct slice name, struct buf *address_r);

/* Every document that name names: persons and mail-in databases by any of their
 * names, servers, groups (by InternetAddress too); with the file under DATA/names it came from. The note
 * is valid during the call. A status other than NOERROR ends it. */
STATUS directory_each_document(struct directory *dir, struct slice name,
                               STATUS (*each)(void *context, const struct note *note,
                                              const char *file), void *context);

/* --- this server ------------------------------------------------------------ */

enum directory_choice { DIRECTORY_UNSAID, DIRECTORY_NO, DIRECTORY_YES };

/* What a Server or POP3Site document says of TLS. settings.c has the items' names, most of
 * which are our choice. */
struct tls_document {
	/* Key files: base names, without the path of another system. The first is the default
	 * credential, the others are chosen by the name that a client asks for. */
	const struct slice *key_files;
	size_t key_file_count;
	const struct slice *ciphers;    /* IANA codes, as written */
	size_t cipher_count;
	bool accept_expired;            /* all four false where nothing is said */
	bool check_crls, trust_expired_crls, allow_crl_failure;
	enum directory_choice stls;     /* on the plain port */
};
bool tls_document_equal(const struct tls_document *a, const struct tls_document *b);

struct pop3_settings {
	bool found;                     /* a Server document for this name exists */
	uint16_t port, tls_port;        /* 110, 995 */
	bool port_enabled, tls_port_enabled;
	bool name_and_password;         /* on the plain port */
	bool tls_name_and_password, client_certificate;
	bool enforce_access;
	bool more_name_variations;      /* Internet authentication */
	bool internet_sites;
	struct slice host_name;         /* SMTPFullHostDomain */
	struct tls_document tls;
};
/* Settings of the Server document for server (any form of its name), defaults
 * where items are missing. NOERROR with found = false when there is none. */
STATUS directory_pop3_settings(struct directory *dir, struct slice server,
                               struct arena *arena, struct pop3_settings *settings_r);

/* The Internet domains of all Global Domain documents: the primary one of each, then its
 * aliases. As written; in arena. */
STATUS directory_internet_domains(struct directory *dir, struct arena *arena,
                                  const struct slice **domains_r, size_t *count_r);

/* Changes with every compilation; 0 = no directory. Cheap. */
uint64_t directory_generation(struct directory *dir);
/* Rounds of the costliest V3 digest that a person has; 0: nobody has one. Cheap. */
uint32_t directory_costliest_rounds(struct directory *dir);

/* --- compiling ---------------------------------------------------------------- */

struct compile_report {
	unsigned files, documents, persons, servers, others;    /* in the directory now */
	unsigned files_read, faults, warnings;                  /* of this run */
	bool changed;                                           /* names.nsf has been changed */
};
/* Compile DATA/names/ (all *.dxl, *.xml: in file name order, those of a folder
 * before those of its subfolders) into names.nsf in one transaction. Files that
 * have not changed since the last time are not read again; without any change
 * nothing is written. Each fault is told through `say` (file:line: text); the
 * rest still loads. A file that cannot be parsed leaves what it held in the last
 * good state. POSTIL_ERR_NOEXIST: there is no DATA/names. */
STATUS directory_compile(const char *data_dir, struct compile_report *report_r,
                         void (*say)(void *context, const char *text), void *context,
                         struct fault *fault);
/* The same reading of every file, without names.nsf: only tells, also of what shows only
 * across documents (names that name nobody, groups in a circle, sites and Configuration
 * Settings that never hold), and of persons whose mail server is another one than server
 * (empty: not looked at). */
STATUS directory_check(const char *data_dir, struct slice server,
                       struct compile_report *report_r,
                       void (*say)(void *context, const char *text), void *context,
                       struct fault *fault);

#endif
