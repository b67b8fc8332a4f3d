/*
 * Asking. Standard input is read octet by octet: what follows the line belongs to
 * whoever reads next. A signal that comes while the terminal is silent finds it as
 * it was before, and then has its usual effect; after a stop the question is asked
 * again.
 */
#include "addin/tools/ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.h"

#include "base/banned.h"

#define LINE_MAX_OCTETS 4096

bool ask_is_terminal(void)
{
	return isatty(STDIN_FILENO);
}

static void say(const char *text)
{
	size_t n = strlen(text);
	ssize_t done;

	while (n > 0 && (done = write(STDERR_FILENO, text, n)) > 0) {
		text += done;
		n -= (size_t)done;
	}
}

/* --- lines ------------------------------------------------------------------------ */

/* One octet. POSTIL_ERR_CLOSED: none will come. POSTIL_ERR_CANCEL: a signal came. With
 * a mask signals are let in by it, and only while nothing can be read. */
static STATUS read_octet(char *octet_r, const sigset_t *mask)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t n;

	if (mask != NULL && ppoll(&p, 1, NULL, mask) < 0)
		return errno == EINTR ? POSTIL_ERR_CANCEL : POSTIL_ERR_IO;
	n = read(STDIN_FILENO, octet_r, 1);
	if (n == 1)
		return NOERROR;
	if (n == 0)
		return POSTIL_ERR_CLOSED;
	return errno == EINTR ? POSTIL_ERR_CANCEL : POSTIL_ERR_IO;
}

static STATUS no_line(struct fault *fault, STATUS status)
{
	if (status == POSTIL_ERR_CLOSED)
		return fault_set(fault, status, "standard input has ended before the answer");
	if (status == POSTIL_ERR_TOO_LONG)
		return fault_set(fault, status, "an answer has at most %d octets", LINE_MAX_OCTETS);
	return fault_set(fault, status, "standard input cannot be read: %s",
	                 strerrordesc_np(errno));
}

STATUS ask_line(const char *prompt, struct slice proposal, struct buf *answer,
                struct fault *fault)
{
	struct buf line = BUF_INIT;
	STATUS status;
	char octet;

	say(prompt);
	while ((status = read_octet(&octet, NULL)) == NOERROR && octet != '\n'
	       && line.n <= LINE_MAX_OCTETS)
		buf_add_char(&line, octet);
	if (line.n > LINE_MAX_OCTETS)
		status = POSTIL_ERR_TOO_LONG;
	if (status == POSTIL_ERR_CLOSED && line.n > 0)
		status = NOERROR;
	if (status == NOERROR) {
		struct slice text = text_trim(buf_slice(&line));

		if (text.n == 0)
			buf_add_slice(answer, proposal);
		else if (!slice_equal(text, SLICE_LIT("-")))
			buf_add_slice(answer, text);
		status = buf_status(answer);
	} else {
		no_line(fault, status);
	}
	buf_release(&line);
	return status;
}

/* --- the terminal without echo ------------------------------------------------------- */

static const int caught[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGTSTP,
                              SIGTTIN, SIGTTOU };
#define CAUGHT (sizeof(caught) / sizeof(*caught))

static volatile sig_atomic_t came[NSIG];

static void note_signal(int number)
{
	came[number] = 1;
}

struct silence {
	struct termios before;
	sigset_t mask;                  /* as it was */
	struct sigaction actions[CAUGHT];
};

static STATUS silence_begin(struct silence *s, struct fault *fault)
{
	struct sigaction action = { .sa_handler = note_signal };        /* calls are broken off */
	struct termios silent;
	sigset_t blocked;

	if (tcgetattr(STDIN_FILENO, &s->before) != 0)
		return fault_set(fault, POSTIL_ERR_IO, "the terminal cannot be asked for its state: "
		                 "%s", strerrordesc_np(errno));
	sigemptyset(&action.sa_mask);
	sigemptyset(&blocked);
	for (size_t i = 0; i < CAUGHT; i++)
		if (caught[i] != SIGTTIN && caught[i] != SIGTTOU)       /* our own calls bring them */
			sigaddset(&blocked, caught[i]);
	sigprocmask(SIG_BLOCK, &blocked, &s->mask);
	for (size_t i = 0; i < CAUGHT; i++) {
		came[caught[i]] = 0;
		sigaction(caught[i], &action, &s->actions[i]);
	}
	silent = s->before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	silent.c_lflag |= ICANON;
	/* What was typed before the question is no answer to it. */
	while (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0)
		if (errno != EINTR || came[SIGTTOU])
			break;
	return NOERROR;
}

/* true: the process was stopped, and goes on. Other signals are raised again. */
static bool silence_end(struct silence *s)
{
	bool stopped = false;

	while (tcsetattr(STDIN_FILENO, TCSADRAIN, &s->before) != 0)
		if (errno != EINTR || came[SIGTTOU])
			break;
	for (size_t i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &s->actions[i], NULL);
	for (size_t i = 0; i < CAUGHT; i++) {
		if (!came[caught[i]])
			continue;
		kill(getpid(), caught[i]);
		stopped |= caught[i] == SIGTSTP || caught[i] == SIGTTIN || caught[i] == SIGTTOU;
	}
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
	return stopped;
}

/* --- secrets ---------------------------------------------------------------------------- */

static STATUS read_secret(struct secret *secret, const sigset_t *mask)
{
	STATUS status = NOERROR;
	char octet;

	secret->n = 0;
	for (int i = 0; i < LINE_MAX_OCTETS; i++) {
		status = read_octet(&octet, mask);
		if (status != NOERROR || octet == '\n')
			break;
		if (secret->n < sizeof(secret->octets))         /* one more than may be */
			secret->octets[secret->n++] = octet;
	}
	crypt_wipe(&octet, sizeof(octet));
	if (status == POSTIL_ERR_CLOSED && secret->n > 0)
		status = NOERROR;
	if (secret->n > 0 && secret->octets[secret->n - 1] == '\r')
		secret->n--;
	return status;
}

static STATUS ask_silently(const char *prompt, struct secret *secret, struct fault *fault)
{
	struct silence silence;
	STATUS status;

	do {
		status = silence_begin(&silence, fault);
		if (status != NOERROR)
			return status;
		say(prompt);
		status = read_secret(secret, &silence.mask);
		say("\n");
	} while (silence_end(&silence) && status == POSTIL_ERR_CANCEL);
	if (status == POSTIL_ERR_CANCEL)
		return fault_set(fault, status, "broken off; nothing has been changed");
	return status == NOERROR ? NOERROR : no_line(fault, status);
}

const char *password_complaint(struct slice password)
{
	if (password.n == 0)
		return "a password cannot be empty";
	if (password.p[0] == '(')
		return "a password cannot begin with \"(\", with which stored digests begin";
	if (password.n > INETPASS_MAX_OCTETS)
		return "a password has at most 256 octets";
	if (!text_is_utf8(password))
		return "a password is text, in UTF-8";
	for (size_t i = 0; i < password.n; i++) {
		unsigned char c = (unsigned char)password.p[i];

		if (c < 0x20 || c == 0x7F || (c == 0xC2 && i + 1 < password.n
		                              && (unsigned char)password.p[i + 1] < 0xA0))
			return "a password is made of printable characters";
	}
	return NULL;
}

_Static_assert(INETPASS_MAX_OCTETS == 256, "password_complaint says so");

bool password_is_ascii(struct slice password)
{
	for (size_t i = 0; i < password.n; i++)
		if ((unsigned char)password.p[i] >= 0x80)
			return false;
	return true;
}

static STATUS check(const struct secret *secret, struct fault *fault)
{
	const char *complaint =
		password_complaint((struct slice){ secret->octets, secret->n });

	return complaint == NULL ? NOERROR : fault_set(fault, POSTIL_ERR_INVALID, "%s", complaint);
}

static STATUS ask_twice(const char *prompt, struct secret *secret, struct fault *fault)
{
	struct secret again = { .n = 0 };
	STATUS status = ask_silently(prompt, secret, fault);

	if (status == NOERROR)
		status = check(secret, fault);
	if (status == NOERROR)
		status = ask_silently("The same again: ", &again, fault);
	if (status == NOERROR && (again.n != secret->n
	                          || !crypt_equal(again.octets, secret->octets, again.n)))
		status = fault_set(fault, POSTIL_ERR_INVALID, "the two are not the same; nothing has"
		                   " been changed");
	crypt_wipe(&again, sizeof(again));
	return status;
}

STATUS ask_new_password(const char *prompt, struct secret *secret, struct fault *fault)
{
	STATUS status;

	if (ask_is_terminal()) {
		status = ask_twice(prompt, secret, fault);
	} else {
		do
			status = read_secret(secret, NULL);
		while (status == POSTIL_ERR_CANCEL);
		status = status == NOERROR || status == POSTIL_ERR_CLOSED ? check(secret, fault)
		         : no_line(fault, status);
	}
	if (status != NOERROR)
		crypt_wipe(secret, sizeof(*secret));
	return status;
}
