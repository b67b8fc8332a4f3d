/*
 * The pages of a damaged file: where each lies, in the file or in its log, and
 * what the file itself says of their use. Lengths, numbers and checksums are
 * all distrusted; a log is believed as far as its chain of checksums goes and up
 * to its last commit, as SQLite does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nsf/salvage_impl.h"

#include "base/banned.h"

enum { USUAL_PAGE_OCTETS = 8192, HEADER_OCTETS = 100, WAL_HEADER = 32, FRAME_HEADER = 24,
	MAP_FREE = 2, MAP_TREE = 5, MAP_KINDS = 5 };

static STATUS read_at(int fd, uint64_t offset, unsigned char *out, size_t size, size_t *got_r)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = pread(fd, out + got, size - got, (off_t)(offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return POSTIL_ERR_IO;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	memset(out + got, 0, size - got);
	*got_r = got;
	return NOERROR;
}

STATUS salvage_page(struct salvage *s, uint32_t number, unsigned char *page)
{
	uint32_t frame = s->frames != NULL ? s->frames[number - 1] : 0;
	size_t got;

	if (frame != 0)
		return read_at(s->wal_fd, WAL_HEADER + (uint64_t)(frame - 1) * (FRAME_HEADER + s->page_octets)
		               + FRAME_HEADER, page, s->page_octets, &got);
	return read_at(s->fd, (uint64_t)(number - 1) * s->page_octets, page, s->page_octets, &got);
}

/* --- the log ----------------------------------------------------------------------------- */

static bool is_page_size(uint32_t n)
{
	return n >= 512 && n <= SALVAGE_PAGE_MAX && (n & (n - 1)) == 0;
}

static uint32_t word_of(const unsigned char *p, bool big)
{
	return big ? salvage_u32(p)
		: (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void checksum(const unsigned char *p, size_t n, bool big, uint32_t sum[2])
{
	for (size_t i = 0; i + 8 <= n; i += 8) {
		sum[0] += word_of(p + i, big) + sum[1];
		sum[1] += word_of(p + i + 4, big) + sum[0];
	}
}

struct log {
	unsigned char header[WAL_HEADER];
	bool big;
	uint32_t sum[2];
	uint32_t pages;         /* of the file after the last commit */
};

/* The page size that a log says, 0: there is none that can be believed. */
static uint32_t log_begin(const struct salvage *s, struct log *log)
{
	size_t got;

	if (s->wal_fd < 0 || read_at(s->wal_fd, 0, log->header, WAL_HEADER, &got) != NOERROR
	    || got < WAL_HEADER || (salvage_u32(log->header) & ~1u) != 0x377F0682)
		return 0;
	log->big = (salvage_u32(log->header) & 1) != 0;
	log->sum[0] = log->sum[1] = 0;
	log->pages = 0;
	checksum(log->header, 24, log->big, log->sum);
	if (log->sum[0] != salvage_u32(log->header + 24) || log->sum[1] != salvage_u32(log->header + 28))
		return 0;
	return is_page_size(salvage_u32(log->header + 8)) ? salvage_u32(log->header + 8) : 0;
}

static bool frame_is_good(struct log *log, const unsigned char *frame, size_t page_octets)
{
	if (salvage_u32(frame) == 0 || memcmp(frame + 8, log->header + 16, 8) != 0)
		return false;
	checksum(frame, 8, log->big, log->sum);
	checksum(frame + FRAME_HEADER, page_octets, log->big, log->sum);
	return log->sum[0] == salvage_u32(frame + 16) && log->sum[1] == salvage_u32(frame + 20);
}

/* How many frames hold, up to the last commit; pages of the log in memory. */
static STATUS log_length(struct salvage *s, struct log *log, unsigned char *frame, uint32_t *count_r)
{
	size_t octets = FRAME_HEADER + s->page_octets, got;
	uint32_t count = 0;
	STATUS status;

	for (uint32_t i = 0;; i++) {
		status = read_at(s->wal_fd, WAL_HEADER + (uint64_t)i * octets, frame, octets, &got);
		if (status != NOERROR || got < octets || !frame_is_good(log, frame, s->page_octets))
			break;
		if (salvage_u32(frame + 4) != 0) {
			count = i + 1;
			log->pages = salvage_u32(frame + 4);
		}
	}
	*count_r = count;
	return status;
}

static STATUS log_map(struct salvage *s, uint32_t count)
{
	unsigned char head[FRAME_HEADER];
	size_t got;

	s->frames = calloc(s->pages == 0 ? 1 : s->pages, sizeof(*s->frames));
	if (s->frames == NULL)
		return POSTIL_ERR_MEMORY;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = WAL_HEADER + (uint64_t)i * (FRAME_HEADER + s->page_octets);
		STATUS status = read_at(s->wal_fd, at, head, sizeof(head), &got);

		if (status != NOERROR)
			return status;
		if (salvage_u32(head) <= s->pages)
			s->frames[salvage_u32(head) - 1] = i + 1;
	}
	return NOERROR;
}

/* --- sizes ------------------------------------------------------------------------------- */

/* SQLite writes three fractions into every header that never change. */
static bool header_is_good(const unsigned char *h)
{
	uint32_t size = salvage_u16(h + 16);

	return is_page_size(size == 1 ? 65536 : size) && h[21] == 64 && h[22] == 32 && h[23] == 32
		&& h[20] <= 32;
}

static STATUS sizes_find(struct salvage *s, uint32_t log_page_octets)
{
	unsigned char header[HEADER_OCTETS];
	size_t got;
	STATUS status = read_at(s->fd, 0, header, sizeof(header), &got);

	if (status != NOERROR)
		return status;
	s->page_octets = log_page_octets != 0 ? log_page_octets : USUAL_PAGE_OCTETS;
	s->usable = s->page_octets;
	if (header_is_good(header)) {
		uint32_t size = salvage_u16(header + 16) == 1 ? 65536 : salvage_u16(header + 16);

		if (log_page_octets == 0 || log_page_octets == size) {
			s->page_octets = size;
			s->usable = size - header[20];
		}
	}
	return NOERROR;
}

static STATUS pages_count(struct salvage *s, uint32_t from_log)
{
	struct stat st;
	uint64_t n;

	if (fstat(s->fd, &st) < 0)
		return POSTIL_ERR_IO;
	n = ((uint64_t)st.st_size + s->page_octets - 1) / s->page_octets;
	if (from_log != 0)
		n = from_log;
	if (n > UINT32_MAX - 1 || (from_log != 0 && n > (uint64_t)st.st_size / s->page_octets + (1u << 20)))
		n = (uint64_t)st.st_size / s->page_octets;      /* a size that lies */
	s->pages = (uint32_t)n;
	s->counts.pages = n;
	s->uses = calloc(n == 0 ? 1 : n, 1);
	s->parents = calloc(n == 0 ? 1 : n, sizeof(*s->parents));
	return s->uses == NULL || s->parents == NULL ? POSTIL_ERR_MEMORY : NOERROR;
}

static int log_open(const char *path)
{
	size_t size = strlen(path) + sizeof("-wal");
	char *name = malloc(size);
	int fd = -1;

	if (name == NULL)
		return -1;
	snprintf(name, size, "%s-wal", path);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	free(name);
	return fd;
}

STATUS salvage_image_open(struct salvage *s, const char *path, struct fault *fault)
{
	struct log log = { .pages = 0 };
	unsigned char *frame = malloc(FRAME_HEADER + SALVAGE_PAGE_MAX);
	uint32_t log_page_octets, frames = 0;
	STATUS status = frame == NULL ? POSTIL_ERR_MEMORY : NOERROR;

	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	s->wal_fd = log_open(path);
	if (s->fd < 0 && status == NOERROR)
		status = POSTIL_ERR_IO;
	log_page_octets = log_begin(s, &log);
	if (status == NOERROR)
		status = sizes_find(s, log_page_octets);
	if (status == NOERROR && log_page_octets != 0)
		status = log_length(s, &log, frame, &frames);
	if (status == NOERROR)
		status = pages_count(s, frames > 0 ? log.pages : 0);
	if (status == NOERROR && frames > 0)
		status = log_map(s, frames);
	free(frame);
	return status == NOERROR ? status
		: fault_set(fault, status, "%s: cannot be read: %s", path, status_text(status));
}

/* --- what pages are for ------------------------------------------------------------------- */

/* A map of pages: five octets for each of those that follow, what it is and the
 * page above it. */
static bool is_map(const unsigned char *page, size_t entries)
{
	for (size_t i = 0; i < entries; i++)
		if (page[i * 5] > MAP_KINDS || page[i * 5] == 0)
			return false;
	return entries > 0;
}

static STATUS maps_read(struct salvage *s, unsigned char *page)
{
	uint32_t each = (uint32_t)(s->usable / 5);

	for (uint64_t at = 2; at <= s->pages; at += each + 1) {
		uint64_t entries = s->pages - at < each ? s->pages - at : each;
		STATUS status = salvage_page(s, (uint32_t)at, page);

		if (status != NOERROR)
			return status;
		if (!is_map(page, entries))
			continue;
		s->uses[at - 1] = SALVAGE_MAP;
		for (uint64_t i = 0; i < entries; i++) {
			if (page[i * 5] == MAP_FREE)
				s->uses[at + i] = SALVAGE_FREE;
			if (page[i * 5] == MAP_TREE)
				s->parents[at + i] = salvage_u32(page + i * 5 + 1);
		}
	}
	return NOERROR;
}

static STATUS free_list_read(struct salvage *s, unsigned char *page)
{
	uint32_t next, left = s->pages;
	STATUS status = salvage_page(s, 1, page);

	if (status != NOERROR || !header_is_good(page))
		return status;
	next = salvage_u32(page + 32);
	while (status == NOERROR && next > 1 && next <= s->pages && left-- > 0) {
		uint32_t count;

		status = salvage_page(s, next, page);
		if (status != NOERROR)
			break;
		count = salvage_u32(page + 4);
		if (count > s->usable / 4 - 2)
			break;
		s->uses[next - 1] = SALVAGE_FREE;
		for (uint32_t i = 0; i < count; i++) {
			uint32_t leaf = salvage_u32(page + 8 + (size_t)i * 4);

			if (leaf > 1 && leaf <= s->pages)
				s->uses[leaf - 1] = SALVAGE_FREE;
		}
		next = salvage_u32(page);
	}
	return status;
}

STATUS salvage_uses(struct salvage *s)
{
	unsigned char *page = malloc(SALVAGE_PAGE_MAX);
	STATUS status = NOERROR;

	if (page == NULL)
		return POSTIL_ERR_MEMORY;
	if (s->pages > 0)
		status = maps_read(s, page);
	if (status == NOERROR && s->pages > 0)
		status = free_list_read(s, page);
	free(page);
	return status;
}
