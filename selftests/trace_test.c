// SPDX-License-Identifier: GPL-2.0-only
/* The trace events of the module, as tracefs shows them. */
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "vmstore_test.h"

#define TRACEFS		"/sys/kernel/tracing"

/* An instance of our own, so that nobody's tracing is disturbed */
FIXTURE(trace) {
	int fd;
	bool mounted;
	char dir[128];
	char *text;
};

static int tracefs_write(const char *dir, const char *file, const char *text)
{
	char path[192];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = -errno;
	close(fd);
	return err;
}

static char *tracefs_read(const char *dir, const char *file)
{
	size_t len = 0, room = 1 << 16;
	char path[192], *text = malloc(room);
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_RDONLY);
	while (text && fd >= 0 && (n = read(fd, text + len, room - len - 1)) > 0) {
		len += n;
		if (room - len < 4096) {
			room *= 2;
			text = realloc(text, room);
		}
	}
	if (fd >= 0)
		close(fd);
	if (text)
		text[len] = 0;
	return text;
}

FIXTURE_SETUP(trace)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_SOFT);

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	if (access(TRACEFS "/events", F_OK)) {
		if (mount("tracefs", TRACEFS, "tracefs", 0, NULL))
			SKIP(return, "no tracefs: %s", strerror(errno));
		self->mounted = true;
	}
	if (access(TRACEFS "/events", F_OK))
		SKIP(return, "this kernel has no trace events");
	snprintf(self->dir, sizeof(self->dir), TRACEFS "/instances/vmstore-test-%d", getpid());
	if (mkdir(self->dir, 0700))
		SKIP(return, "no instance of tracefs: %s", strerror(errno));
	self->fd = vt_store(VMSTORE_MACHINE_SOFT, VMSTORE_CHECK_FULL, VT_SMALL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(trace)
{
	if (self->fd < 0)
		goto out;
	EXPECT_EQ(0, close(self->fd));
	EXPECT_EQ(0, tracefs_write(self->dir, "events/vmstore/enable", "0"));
	EXPECT_EQ(0, rmdir(self->dir));
	free(self->text);
out:
	if (self->mounted)
		umount2(TRACEFS, MNT_DETACH);
}

/* Lines that hold all the words */
static int lines_with(const char *text, const char *first, ...)
{
	char line[512];
	const char *word;
	va_list words;
	size_t len;
	int nr = 0;

	for (; text && *text; text += len + !!text[len]) {
		len = strcspn(text, "\n");
		snprintf(line, sizeof(line), "%.*s ", (int)len, text);
		va_start(words, first);
		for (word = first; word && strstr(line, word); word = va_arg(words, char *))
			;
		va_end(words);
		nr += !word;
	}
	return nr;
}

/* Hexadecimal numbers that a kernel pointer could be */
static int pointers_in(const char *text)
{
	int nr = 0;

	for (; text && (text = strstr(text, "ffff")); text++)
		nr += strspn(text, "0123456789abcdef") >= 16;
	return nr;
}

static int traced(const char *dir, const char *event)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/events/vmstore/%s/enable", dir, event);
	return !access(path, W_OK);
}

/* Each of them is there, and off until it is asked for */
TEST_F(trace, events)
{
	static const char *const events[] = {
		"vmstore_op_begin", "vmstore_op_end", "vmstore_node_alloc", "vmstore_node_free",
		"vmstore_dispatch", "vmstore_ipi_flush", "vmstore_reap", "vmstore_violation",
	};
	struct vmstore_op op = vt_space_new();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(events); i++)
		EXPECT_EQ(1, traced(self->dir, events[i])) TH_LOG("event %zu", i);
	ASSERT_EQ(0, vt_run1(self->fd, &op));
	self->text = tracefs_read(self->dir, "trace");
	ASSERT_NE(NULL, self->text);
	EXPECT_EQ(0, lines_with(self->text, "vmstore_op", NULL));
}

/* One operation that fails, and a life of a mapping that a CPU may have cached */
TEST_F(trace, operations)
{
	struct vmstore_op op[] = {
		/* 0 */ vt_space_new(),
		/* 1 */ vt_alloc(),
		/* 2 */ vt_open_mut(VMSTORE_REF(0), 0, 2 * VT_PAGE),
		/* 3 */ vt_map(VMSTORE_REF(2), VMSTORE_REF(1), VT_RW),
		/* 4 */ vt_activate(VMSTORE_REF(0), 1),
		/* 5 */ vt_write(VMSTORE_REF(0), 0, 8, 1, 1),
		/* 6 */ vt_jump(VMSTORE_REF(2), 0),
		/* 7 */ vt_unmap(VMSTORE_REF(2), VT_PAGE),
		/* 8 */ vt_flush(VMSTORE_REF(2), 0, VT_PAGE),
		/* 9 */ vt_reap(),
		/* 10 */ vt_cursor_drop(VMSTORE_REF(2)),
		/* 11 */ vt_activate(0, 1),
		/* 12 */ vt_space_drop(VMSTORE_REF(0)),
	};
	struct vmstore_op fails = vt_frame_drop(4711);

	ASSERT_EQ(0, tracefs_write(self->dir, "events/vmstore/enable", "1"));
	ASSERT_EQ(0, vt_run(self->fd, op, ARRAY_SIZE(op), 0, NULL));
	ASSERT_EQ(-ENOENT, vt_run1(self->fd, &fails));
	self->text = tracefs_read(self->dir, "trace");
	ASSERT_NE(NULL, self->text);

	EXPECT_EQ(ARRAY_SIZE(op) + 1, lines_with(self->text, "vmstore_op_begin:", NULL));
	EXPECT_EQ(ARRAY_SIZE(op), lines_with(self->text, "vmstore_op_end:", " errno=0 ", NULL));
	EXPECT_EQ(1, lines_with(self->text, "vmstore_op_end:", "op=SPACE_NEW ", " id=1 ", NULL));
	EXPECT_EQ(1, lines_with(self->text, "vmstore_op_begin:", "op=FRAME_DROP ",
				" arg=0x1267 ", NULL));
	EXPECT_EQ(1, lines_with(self->text, "vmstore_op_end:", "op=FRAME_DROP ", " errno=-2 ",
				" id=0 ", NULL));
	EXPECT_EQ(1, lines_with(self->text, "vmstore_op_begin:", "op=ACCESS op_cpu=1 ", NULL));
	/* The root, and a table of each level below it: made, and gone again */
	EXPECT_EQ(1, lines_with(self->text, "vmstore_node_alloc:", " level=4 ", NULL));
	EXPECT_LE(3, lines_with(self->text, "vmstore_node_alloc:", NULL) - 1);
	EXPECT_EQ(lines_with(self->text, "vmstore_node_alloc:", NULL),
		  lines_with(self->text, "vmstore_node_free:", NULL));
	/* The CPU on which the space is active is asked, and answers */
	EXPECT_LE(1, lines_with(self->text, "vmstore_dispatch:", " targets=0x2 ", NULL));
	EXPECT_LE(1, lines_with(self->text, "vmstore_ipi_flush:", " op_cpu=1 ", NULL));
	EXPECT_EQ(1, lines_with(self->text, "vmstore_reap:", NULL));
	EXPECT_EQ(0, lines_with(self->text, "vmstore_violation:", NULL));
	EXPECT_EQ(0, pointers_in(self->text));
	if (lines_with(self->text, "vmstore_op_end:", NULL) != ARRAY_SIZE(op) + 1)
		fputs(self->text, stderr);
}

TEST_HARNESS_MAIN
