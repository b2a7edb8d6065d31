// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stand-in for /dev/vmstore, linked into vmstorectl in place of open(), ioctl()
 * and close(), to test replay without a device: frames, spaces, cursors, handles
 * and accesses behave as the ABI says, as far as replay uses them. Of a page only
 * its first and its last 8 bytes exist.
 *
 * REPLAY_DEVICE_BUG in the environment makes it wrong, to test that replay sees it:
 *
 *	unmap	a leaf survives UNMAP in what accesses see
 *	protect	PROTECT_NEXT does not take W away
 *	zero	FRAME_ALLOC leaves what was in the frame
 *	cow	MAP over a leaf keeps the old frame for accesses
 *	leak	a frame unmapped is never freed
 *	query	QUERY makes a handle of the wrong frame
 *	fault	a fault says that the page is present
 *	freeze	a violation after 500 operations
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/vmstore.h>

#include "wrap.h"

#define DEVICE_FD	1000
#define PAGE		VMSTORE_PAGE_SIZE
#define FREEZE_AFTER	500

struct frame {
	__u64 refs;
	__u64 word[2];
};

struct leaf {
	__u64 va;
	__u64 frame;
	struct vmstore_prop prop;
	bool stale;
};

struct space {
	bool live;
	struct leaf *leaf;
	size_t nr;
	size_t room;
};

struct cursor {
	bool open;
	__u64 space;
	__u64 start;
	__u64 end;
	__u64 va;
};

#define MAX_IDS		1048576
#define MAX_SPACES	4096

static struct {
	__u64 nr_frames, used, lowest, ops;
	struct frame *frame;
	__u64 handle[MAX_IDS];	/* frame + 1; 0 = dropped */
	__u64 nr_handles;
	struct space space[MAX_SPACES];
	__u64 nr_spaces;
	struct cursor cursor[MAX_IDS];
	__u64 nr_cursors;
	__u64 active[4];
	bool frozen;
	const char *bug;
} dev;

static bool has_bug(const char *name)
{
	return dev.bug && !strcmp(dev.bug, name);
}

/* --- frames ---------------------------------------------------------------- */

static void put_frame(__u64 frame)
{
	if (--dev.frame[frame].refs)
		return;
	dev.used--;
	if (frame < dev.lowest)
		dev.lowest = frame;
}

static int new_handle(struct vmstore_op *op, __u64 frame)
{
	if (dev.nr_handles + 1 >= MAX_IDS)
		return -ENOSPC;
	dev.frame[frame].refs++;
	dev.handle[++dev.nr_handles] = frame + 1;
	op->out.frame.id = dev.nr_handles;
	op->out.frame.paddr = frame * PAGE;
	return 0;
}

static int frame_alloc(struct vmstore_op *op)
{
	__u64 at;

	/* The lowest free one, so that frames are used again soon. */
	for (at = dev.lowest; at < dev.nr_frames; at++) {
		if (dev.frame[at].refs)
			continue;
		dev.lowest = at + 1;
		dev.used++;
		if (!has_bug("zero"))
			memset(dev.frame[at].word, 0, sizeof(dev.frame[at].word));
		return new_handle(op, at);
	}
	return -ENOMEM;
}

static int frame_from_in_use(struct vmstore_op *op)
{
	__u64 frame = op->arg.paddr.paddr / PAGE;

	if (op->arg.paddr.paddr % PAGE)
		return -EINVAL;
	if (frame >= dev.nr_frames)
		return -ERANGE;
	return dev.frame[frame].refs ? new_handle(op, frame) : -ENOENT;
}

static int take_handle(__u64 id, __u64 *frame)
{
	if (!id || id > dev.nr_handles || !dev.handle[id])
		return -ENOENT;
	*frame = dev.handle[id] - 1;
	dev.handle[id] = 0;
	return 0;
}

static int frame_drop(struct vmstore_op *op)
{
	__u64 frame;
	int err = take_handle(op->arg.id.id, &frame);

	if (!err)
		put_frame(frame);
	return err;
}

/* --- spaces and cursors ---------------------------------------------------- */

static struct space *get_space(__u64 id)
{
	return id && id <= dev.nr_spaces && dev.space[id].live ?
	       &dev.space[id] : NULL;
}

static size_t find_leaf(const struct space *space, __u64 va)
{
	size_t low = 0, high = space->nr, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (space->leaf[mid].va < va)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct leaf *leaf_at(struct space *space, __u64 va)
{
	size_t i = find_leaf(space, va);

	return i < space->nr && space->leaf[i].va == va ? &space->leaf[i] : NULL;
}

static int space_new(struct vmstore_op *op)
{
	if (dev.nr_spaces + 1 >= MAX_SPACES)
		return -ENOSPC;
	dev.space[++dev.nr_spaces].live = true;
	op->out.id = dev.nr_spaces;
	return 0;
}

static int space_drop(struct vmstore_op *op)
{
	struct space *space = get_space(op->arg.id.id);
	size_t i;

	if (!space)
		return -ENOENT;
	for (i = 0; i < 4; i++)
		if (dev.active[i] == op->arg.id.id)
			return -EBUSY;
	for (i = 0; i < space->nr; i++) {
		if (space->leaf[i].stale)
			continue;
		op->out.space_drop.leaves++;
		put_frame(space->leaf[i].frame);
	}
	free(space->leaf);
	memset(space, 0, sizeof(*space));
	return 0;
}

static int space_activate(struct vmstore_op *op)
{
	if (op->arg.id.id && !get_space(op->arg.id.id))
		return -ENOENT;
	dev.active[op->cpu] = op->arg.id.id;
	return 0;
}

static int cursor_open(struct vmstore_op *op)
{
	const struct vmstore_arg_open *arg = &op->arg.open;
	struct cursor *cursor;
	__u64 i;

	if (!get_space(arg->space))
		return -ENOENT;
	if (arg->start >= arg->end || (arg->start | arg->end) % PAGE ||
	    arg->end > VMSTORE_USER_END)
		return -EACCES;
	/* Stricter than the real one: one cursor a space. */
	for (i = 1; i <= dev.nr_cursors; i++)
		if (dev.cursor[i].open && dev.cursor[i].space == arg->space)
			return -EBUSY;
	if (dev.nr_cursors + 1 >= MAX_IDS)
		return -ENOSPC;
	cursor = &dev.cursor[++dev.nr_cursors];
	cursor->open = true;
	cursor->space = arg->space;
	cursor->start = arg->start;
	cursor->end = arg->end;
	cursor->va = arg->start;
	op->out.open.id = dev.nr_cursors;
	return 0;
}

static struct cursor *get_cursor(__u64 id)
{
	return id && id <= dev.nr_cursors && dev.cursor[id].open ?
	       &dev.cursor[id] : NULL;
}

static int cursor_jump(struct vmstore_op *op, struct cursor *cursor)
{
	if (op->arg.jump.va % PAGE)
		return -EINVAL;
	if (op->arg.jump.va < cursor->start || op->arg.jump.va >= cursor->end)
		return -EACCES;
	cursor->va = op->arg.jump.va;
	return 0;
}

static int cursor_query(struct vmstore_op *op, struct cursor *cursor)
{
	struct leaf *leaf;

	if (cursor->va >= cursor->end)
		return -EACCES;
	leaf = leaf_at(&dev.space[cursor->space], cursor->va);
	if (!leaf || leaf->stale)
		return 0;
	op->out.query.start = cursor->va;
	op->out.query.end = cursor->va + PAGE;
	op->out.query.prop = leaf->prop;
	op->out.query.level = 1;
	op->out.query.found = 1;
	if (new_handle(op, has_bug("query") && leaf->frame ? leaf->frame - 1 :
		       leaf->frame))
		return -ENOSPC;
	op->out.query.paddr = leaf->frame * PAGE;
	return 0;
}

static struct leaf *insert_leaf(struct space *space, size_t i)
{
	if (space->nr == space->room) {
		space->room = space->room * 2 + 64;
		space->leaf = reallocarray(space->leaf, space->room,
					   sizeof(*space->leaf));
		if (!space->leaf)
			abort();
	}
	memmove(&space->leaf[i + 1], &space->leaf[i],
		(space->nr++ - i) * sizeof(*space->leaf));
	memset(&space->leaf[i], 0, sizeof(*space->leaf));
	return &space->leaf[i];
}

static int cursor_map(struct vmstore_op *op, struct cursor *cursor)
{
	struct space *space = &dev.space[cursor->space];
	struct leaf *leaf;
	__u64 frame;
	int err;

	if (cursor->va >= cursor->end)
		return -EACCES;
	if (!(op->arg.map.prop.flags & VMSTORE_PROP_R))
		return -EINVAL;
	err = take_handle(op->arg.map.frame, &frame);
	if (err)
		return err;
	leaf = leaf_at(space, cursor->va);
	if (leaf && !leaf->stale) {
		op->out.map.replaced = 1;
		op->out.map.old_paddr = leaf->frame * PAGE;
		op->out.map.old_prop = leaf->prop;
		if (has_bug("cow")) {
			dev.frame[frame].refs--;
			dev.frame[leaf->frame].refs++;
			frame = leaf->frame;
		}
		put_frame(leaf->frame);
	} else if (!leaf) {
		leaf = insert_leaf(space, find_leaf(space, cursor->va));
	}
	leaf->va = cursor->va;
	leaf->frame = frame;
	leaf->prop = op->arg.map.prop;
	leaf->stale = false;
	cursor->va += PAGE;
	op->out.map.va = cursor->va;
	return 0;
}

static int cursor_unmap(struct vmstore_op *op, struct cursor *cursor)
{
	struct space *space = &dev.space[cursor->space];
	__u64 end = cursor->va + op->arg.len.len;
	size_t from = find_leaf(space, cursor->va), to, i;

	if (op->arg.len.len % PAGE || end > cursor->end)
		return -EINVAL;
	for (to = from; to < space->nr && space->leaf[to].va < end; to++) {
		if (space->leaf[to].stale)
			continue;
		op->out.unmap.removed++;
		if (has_bug("leak"))
			dev.frame[space->leaf[to].frame].refs++;
		put_frame(space->leaf[to].frame);
		space->leaf[to].stale = true;
	}
	cursor->va = end;
	op->out.unmap.va = end;
	if (has_bug("unmap"))
		return 0;
	for (i = to; i < space->nr; i++)
		space->leaf[from + i - to] = space->leaf[i];
	space->nr -= to - from;
	return 0;
}

static int cursor_protect(struct vmstore_op *op, struct cursor *cursor)
{
	const struct vmstore_arg_protect *arg = &op->arg.protect;
	struct space *space = &dev.space[cursor->space];
	__u64 end = cursor->va + arg->len;
	size_t i = find_leaf(space, cursor->va);
	struct leaf *leaf;

	if (arg->len % PAGE || end > cursor->end)
		return -EINVAL;
	while (i < space->nr && space->leaf[i].stale)
		i++;
	if (i == space->nr || space->leaf[i].va >= end) {
		cursor->va = end;
		return 0;
	}
	leaf = &space->leaf[i];
	op->out.protect.old_prop = leaf->prop;
	leaf->prop.flags &= ~arg->mask.flags;
	leaf->prop.flags |= arg->prop.flags & arg->mask.flags;
	op->out.protect.new_prop = leaf->prop;
	if (has_bug("protect"))
		leaf->prop.flags |= op->out.protect.old_prop.flags &
				    VMSTORE_PROP_W;
	op->out.protect.found = 1;
	op->out.protect.start = leaf->va;
	op->out.protect.end = leaf->va + PAGE;
	cursor->va = leaf->va + PAGE;
	op->out.protect.va = cursor->va;
	return 0;
}

static int on_cursor(struct vmstore_op *op)
{
	struct cursor *cursor = get_cursor(op->arg.raw[0]);

	if (!cursor)
		return -ENOENT;
	switch (op->opcode) {
	case VMSTORE_OP_CURSOR_DROP:
		cursor->open = false;
		return 0;
	case VMSTORE_OP_CURSOR_QUERY:
		return cursor_query(op, cursor);
	case VMSTORE_OP_CURSOR_JUMP:
		return cursor_jump(op, cursor);
	case VMSTORE_OP_CURSOR_MAP:
		return cursor_map(op, cursor);
	case VMSTORE_OP_CURSOR_UNMAP:
		return cursor_unmap(op, cursor);
	case VMSTORE_OP_CURSOR_PROTECT_NEXT:
		return cursor_protect(op, cursor);
	case VMSTORE_OP_CURSOR_FLUSH:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* --- accesses -------------------------------------------------------------- */

static int fault(struct vmstore_op *op, bool present, bool write)
{
	op->out.access.fault = VMSTORE_FAULT_TAKEN |
		(present || has_bug("fault") ? VMSTORE_FAULT_PRESENT : 0) |
		(write ? VMSTORE_FAULT_WRITE : 0);
	return -EFAULT;
}

static int access_page(struct vmstore_op *op)
{
	const struct vmstore_arg_access *arg = &op->arg.access;
	struct space *space = get_space(arg->space);
	bool write = op->flags & VMSTORE_OPF_WRITE;
	__u64 page = arg->va & ~(PAGE - 1), frame;
	struct leaf *leaf;
	__u64 *word;

	if (!space)
		return -ENOENT;
	if (arg->va >= VMSTORE_KERNEL_BASE) {
		frame = (page - VMSTORE_KERNEL_BASE) / PAGE;
		if (frame >= dev.nr_frames || !dev.frame[frame].refs)
			return -EACCES;
	} else {
		if (arg->va >= VMSTORE_MAX_USERSPACE_VADDR)
			return -EACCES;
		leaf = leaf_at(space, page);
		if (!leaf)
			return fault(op, false, write);
		if (write && !(leaf->prop.flags & VMSTORE_PROP_W))
			return fault(op, true, true);
		frame = leaf->frame;
	}
	if (arg->width != 8 || (arg->va % PAGE && arg->va % PAGE != PAGE - 8))
		return -EINVAL;
	word = &dev.frame[frame].word[arg->va % PAGE != 0];
	if (write)
		*word = arg->value;
	else
		op->out.access.value = *word;
	return 0;
}

/* --- ioctls ---------------------------------------------------------------- */

static int one_op(struct vmstore_op *op)
{
	if (dev.frozen)
		return -EIO;
	switch (op->opcode) {
	case VMSTORE_OP_FRAME_FROM_IN_USE:
		return frame_from_in_use(op);
	case VMSTORE_OP_FRAME_ALLOC:
		return frame_alloc(op);
	case VMSTORE_OP_FRAME_DROP:
		return frame_drop(op);
	case VMSTORE_OP_SPACE_NEW:
		return space_new(op);
	case VMSTORE_OP_SPACE_DROP:
		return space_drop(op);
	case VMSTORE_OP_SPACE_ACTIVATE:
		return space_activate(op);
	case VMSTORE_OP_CURSOR_OPEN_MUT:
		return cursor_open(op);
	case VMSTORE_OP_REAP:
		return 0;
	case VMSTORE_OP_ACCESS:
		return access_page(op);
	default:
		return on_cursor(op);
	}
}

static int resolve(struct vmstore_op *ops, size_t nr)
{
	struct vmstore_op *op = &ops[nr];
	__u64 k;
	size_t i;

	/* Ids are the first argument, and the second one of MAP. */
	for (i = 0; i < 2; i++) {
		if (i && op->opcode != VMSTORE_OP_CURSOR_MAP)
			break;
		if (op->opcode == VMSTORE_OP_FRAME_FROM_IN_USE ||
		    !(op->arg.raw[i] & VMSTORE_REF_FLAG))
			continue;
		k = op->arg.raw[i] & ~VMSTORE_REF_FLAG;
		if (k >= nr || ops[k].out_errno || !ops[k].out.id)
			return -EINVAL;
		op->arg.raw[i] = ops[k].out.id;
	}
	return 0;
}

static int run(struct vmstore_run *run)
{
	struct vmstore_op *ops = (void *)(uintptr_t)run->ops;
	size_t i;

	for (i = 0; i < run->count; i++) {
		memset(&ops[i].out, 0, sizeof(ops[i].out));
		ops[i].out_errno = resolve(ops, i);
		if (!ops[i].out_errno)
			ops[i].out_errno = one_op(&ops[i]);
		run->out_ran++;
		run->out_failed += !!ops[i].out_errno;
		if (++dev.ops == FREEZE_AFTER && has_bug("freeze"))
			dev.frozen = true;
		if (ops[i].out_errno && !(run->flags & VMSTORE_RUN_KEEP_GOING))
			break;
	}
	return 0;
}

static int info(struct vmstore_info *info)
{
	info->out_abi_version = VMSTORE_ABI_VERSION;
	info->out_nr_opcodes = __VMSTORE_OP_MAX;
	info->out_region_size = dev.nr_frames * PAGE;
	info->out_machine = VMSTORE_MACHINE_SOFT;
	info->out_nr_cpus = 4;
	info->out_nr_slots = dev.nr_frames;
	info->out_free_slots = dev.nr_frames - dev.used;
	info->out_nr_clauses = 1;
	info->out_max_batch = VMSTORE_MAX_BATCH;
	info->out_max_region_size = 1ULL << 30;
	info->out_default_region_size = 16ULL << 20;
	info->out_ops = dev.ops;
	info->out_frozen = dev.frozen;
	return 0;
}

static int setup(struct vmstore_setup *setup)
{
	dev.nr_frames = setup->region_size / PAGE;
	dev.frame = calloc(dev.nr_frames, sizeof(*dev.frame));
	dev.bug = getenv("REPLAY_DEVICE_BUG");
	return dev.frame ? 0 : -ENOMEM;
}

static int check(struct vmstore_check *check)
{
	struct vmstore_violation *violation =
		(void *)(uintptr_t)check->violations;
	struct vmstore_clause *clause = (void *)(uintptr_t)check->clauses;

	check->out_clauses = 1;
	check->out_violations = dev.frozen;
	if (dev.frozen && check->nr_violations) {
		memcpy(violation->clause, "X0", 3);
		snprintf(violation->text, sizeof(violation->text),
			 "as REPLAY_DEVICE_BUG wants");
		check->out_stored_violations = 1;
	}
	if (check->nr_clauses) {
		memcpy(clause->id, "X0", 3);
		clause->evaluated = dev.ops;
		check->out_stored_clauses = 1;
	}
	return 0;
}

static int dispatch(unsigned long cmd, void *arg)
{
	switch (cmd) {
	case VMSTORE_INFO:
		return info(arg);
	case VMSTORE_SETUP:
		return setup(arg);
	case VMSTORE_RUN:
		return run(arg);
	case VMSTORE_CHECK:
		return check(arg);
	case VMSTORE_DUMP:
		/* Everything is empty. */
		((struct vmstore_dump *)arg)->out_len = 0;
		((struct vmstore_dump *)arg)->out_more = 0;
		return 0;
	default:
		return -ENOTTY;
	}
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	if (!strcmp(path, "/dev/vmstore"))
		return DEVICE_FD;
	va_start(args, flags);
	mode = va_arg(args, int);
	va_end(args);
	return __real_open(path, flags, mode);
}

int __wrap_ioctl(int fd, unsigned long cmd, void *arg)
{
	int err;

	if (fd != DEVICE_FD)
		return __real_ioctl(fd, cmd, arg);
	err = dispatch(cmd, arg);
	if (!err)
		return 0;
	errno = -err;
	return -1;
}

int __wrap_close(int fd)
{
	return fd == DEVICE_FD ? 0 : __real_close(fd);
}
