// SPDX-License-Identifier: GPL-2.0-only
/*
 * libvmstore: the calls of /dev/vmstore
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "libvmstore.h"

#define DUMP_BUF_SIZE	(256u << 10)
#define DUMP_TRIES	16
#define CHECK_ROOM	64u

/* A descriptor of our own for the one that text names, or -1 with errno set */
static int inherit(const char *text)
{
	__u64 fd;

	if (vms_number_parse(text, &fd) || fd > INT_MAX) {
		errno = EBADF;
		return -1;
	}
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

int vms_open(struct vms_store *store, const char *path)
{
	const char *fd = path ? NULL : secure_getenv(VMS_FD_VARIABLE);

	store->cpu = 0;
	store->inherited = fd;
	store->fd = fd ? inherit(fd) : open(path ? path : VMS_DEVICE, O_RDWR | O_CLOEXEC);
	return store->fd < 0 ? -errno : 0;
}

void vms_close(struct vms_store *store)
{
	if (store->fd >= 0)
		close(store->fd);
	store->fd = -1;
}

static int call(struct vms_store *store, unsigned long cmd, void *arg)
{
	return ioctl(store->fd, cmd, arg) ? -errno : 0;
}

int vms_setup(struct vms_store *store, const struct vmstore_setup *setup)
{
	struct vmstore_setup arg = *setup;
	int ret;

	arg.size = sizeof(arg);
	ret = call(store, VMSTORE_SETUP, &arg);
	return ret == -EBUSY && store->inherited ? 0 : ret;
}

int vms_info(struct vms_store *store, struct vmstore_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return call(store, VMSTORE_INFO, info);
}

/* --- batches --------------------------------------------------------------- */

static bool batch_grow(struct vms_batch *batch)
{
	size_t room = batch->room ? batch->room * 2 : 16;
	struct vmstore_op *ops;

	ops = reallocarray(batch->ops, room, sizeof(*ops));
	if (!ops) {
		batch->error = -ENOMEM;
		return false;
	}
	batch->ops = ops;
	batch->room = room;
	return true;
}

struct vmstore_op *vms_batch_add(struct vms_batch *batch, __u16 opcode)
{
	struct vmstore_op *op;

	if (batch->nr == batch->room && !batch_grow(batch))
		return NULL;

	op = &batch->ops[batch->nr++];
	memset(op, 0, sizeof(*op));
	op->opcode = opcode;
	op->cpu = batch->cpu;
	return op;
}

size_t vms_batch_append(struct vms_batch *batch, const struct vmstore_op *op)
{
	struct vmstore_op *new = vms_batch_add(batch, op->opcode);

	if (!new)
		return batch->nr;
	*new = *op;
	return batch->nr - 1;
}

void vms_batch_clear(struct vms_batch *batch)
{
	batch->nr = 0;
	batch->error = 0;
}

void vms_batch_free(struct vms_batch *batch)
{
	free(batch->ops);
	batch->ops = NULL;
	batch->room = 0;
	vms_batch_clear(batch);
}

static int run(struct vms_store *store, struct vmstore_op *ops, size_t nr,
	       __u32 flags, struct vms_counts *counts)
{
	struct vmstore_run arg = {
		.size = sizeof(arg),
		.flags = flags,
		.ops = (uintptr_t)ops,
		.count = nr,
		.op_size = sizeof(*ops),
	};
	int ret = call(store, VMSTORE_RUN, &arg);

	if (counts) {
		counts->ran = arg.out_ran;
		counts->failed = arg.out_failed;
	}
	return ret;
}

int vms_batch_run(struct vms_store *store, struct vms_batch *batch, __u32 flags,
		  struct vms_counts *counts)
{
	if (counts)
		memset(counts, 0, sizeof(*counts));
	if (batch->error)
		return batch->error;
	if (batch->nr > VMSTORE_MAX_BATCH)
		return -E2BIG;
	return run(store, batch->ops, batch->nr, flags, counts);
}

int vms_run_op(struct vms_store *store, struct vmstore_op *op)
{
	int ret = run(store, op, 1, 0, NULL);

	return ret ? ret : op->out_errno;
}

/* --- check ----------------------------------------------------------------- */

static int report_alloc(struct vms_report *report, __u32 nr_clauses)
{
	memset(report, 0, sizeof(*report));
	report->violations = calloc(CHECK_ROOM, sizeof(*report->violations));
	report->clauses = calloc(nr_clauses + 1, sizeof(*report->clauses));
	if (report->violations && report->clauses)
		return 0;
	vms_report_free(report);
	return -ENOMEM;
}

int vms_check(struct vms_store *store, struct vms_report *report)
{
	struct vmstore_check arg = { .size = sizeof(arg) };
	struct vmstore_info info;
	int ret;

	memset(report, 0, sizeof(*report));
	ret = vms_info(store, &info);
	if (ret)
		return ret;
	ret = report_alloc(report, info.out_nr_clauses);
	if (ret)
		return ret;

	arg.violations = (uintptr_t)report->violations;
	arg.nr_violations = CHECK_ROOM;
	arg.clauses = (uintptr_t)report->clauses;
	arg.nr_clauses = info.out_nr_clauses;
	ret = call(store, VMSTORE_CHECK, &arg);
	if (ret) {
		vms_report_free(report);
		return ret;
	}
	report->total = arg.out_violations;
	report->nr_violations = arg.out_stored_violations;
	report->nr_clauses = arg.out_stored_clauses;
	return 0;
}

void vms_report_free(struct vms_report *report)
{
	free(report->violations);
	free(report->clauses);
	memset(report, 0, sizeof(*report));
}

/* --- dump ------------------------------------------------------------------ */

struct dump_buf {
	char *data;
	size_t len;
	size_t room;
};

static int dump_buf_reserve(struct dump_buf *buf, size_t len)
{
	size_t room = buf->room ? buf->room : len;
	char *data;

	while (room - buf->len < len)
		room *= 2;
	if (room == buf->room)
		return 0;
	data = realloc(buf->data, room);
	if (!data)
		return -ENOMEM;
	buf->data = data;
	buf->room = room;
	return 0;
}

/* One try. 0, 1 when the store changed between two pages, or an error. */
static int dump_try(struct vms_store *store, struct vmstore_dump *arg,
		    struct dump_buf *buf, __u64 *generation)
{
	bool first = true;
	int ret;

	buf->len = 0;
	memset(arg->pos, 0, sizeof(arg->pos));
	do {
		ret = dump_buf_reserve(buf, arg->buf_len);
		if (ret)
			return ret;
		arg->buf = (uintptr_t)(buf->data + buf->len);
		arg->out_len = 0;
		arg->out_more = 0;
		arg->out_generation = 0;
		ret = call(store, VMSTORE_DUMP, arg);
		if (ret)
			return ret;
		if (!first && arg->out_generation != *generation)
			return 1;
		first = false;
		*generation = arg->out_generation;
		buf->len += arg->out_len;
	} while (arg->out_more);
	return 0;
}

int vms_dump_read(struct vms_store *store, __u32 section, __u32 rec_size,
		  void **recs, size_t *nr, __u64 *generation)
{
	struct vmstore_dump arg = {
		.size = sizeof(arg),
		.section = section,
		.rec_size = rec_size,
	};
	struct dump_buf buf = { NULL, 0, 0 };
	int ret = 1, tries;
	__u64 gen = 0;

	*recs = NULL;
	*nr = 0;
	if (!rec_size || rec_size > DUMP_BUF_SIZE)
		return -EINVAL;
	arg.buf_len = DUMP_BUF_SIZE / rec_size * rec_size;

	for (tries = 0; ret == 1 && tries < DUMP_TRIES; tries++)
		ret = dump_try(store, &arg, &buf, &gen);
	if (ret || !buf.len) {
		free(buf.data);
		return ret == 1 ? -EAGAIN : ret;
	}
	*recs = buf.data;
	*nr = buf.len / rec_size;
	if (generation)
		*generation = gen;
	return 0;
}

int vms_dump_foreach(struct vms_store *store, __u32 section, __u32 rec_size,
		     vms_dump_fn fn, void *ctx)
{
	void *recs;
	size_t i, nr;
	int ret;

	ret = vms_dump_read(store, section, rec_size, &recs, &nr, NULL);
	for (i = 0; !ret && i < nr; i++)
		ret = fn((char *)recs + i * rec_size, ctx);
	free(recs);
	return ret;
}

/* --- the story ------------------------------------------------------------- */

int vms_story_read(struct vms_store *store, __u64 *next, __u32 flags,
		   struct vmstore_rec_story *recs, size_t room, size_t *nr)
{
	size_t most = DUMP_BUF_SIZE / sizeof(*recs);
	struct vmstore_dump arg = {
		.size = sizeof(arg),
		.section = VMSTORE_DUMP_STORY,
		.flags = flags,
		.rec_size = sizeof(*recs),
		.pos = { *next },
		.buf = (uintptr_t)recs,
		.buf_len = (room < most ? room : most) * sizeof(*recs),
	};
	int ret;

	*nr = 0;
	ret = call(store, VMSTORE_DUMP, &arg);
	if (ret)
		return ret;
	*next = arg.pos[0];
	*nr = arg.out_len / sizeof(*recs);
	return 0;
}
