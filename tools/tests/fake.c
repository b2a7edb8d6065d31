// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stand-in for /dev/vmstore, linked into vmstorectl-fake in place of open() and
 * ioctl(), to test what the tools make of outcomes. It is no model of anything:
 * it has flat mappings, invents the nodes it dumps, and checks nothing.
 *
 * In the environment:
 * VMSTORE_FAKE_FREEZE=N  freezes the store with a violation behind operation N
 * VMSTORE_FAKE_STATE=F   keeps the store in file F, for processes that share it
 * VMSTORE_FAKE_ASLEEP=1  who waits for an operation wakes for a signal only
 * VMSTORE_FAKE_PLACE=A   where the first kernel area lies
 * VMSTORE_FAKE_TLB=1     there are flushes, and CPUs that have cached this and that
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vmstore.h>

#include "compiler.h"
#include "wrap.h"

#define FAKE_FD		1000
#define MAX_FRAMES	4096
#define MAX_IDS		4096
#define MAX_LEAVES	4096
#define PAGE		VMSTORE_PAGE_SIZE

struct leaf {
	__u64 space, va, frame;
	struct vmstore_prop prop;
};

/* Its leaves are those of space 0 in its range. */
struct area {
	__u64 start, end;
};

struct cursor {
	__u64 space, start, end, va;
	int mut;
};

static struct fake {
	int made, frozen;
	__u64 nr_frames, ops;
	__u32 refs[MAX_FRAMES];
	__u64 data[MAX_FRAMES];
	__u64 handles[MAX_IDS];		/* frame + 1, 0 = none */
	__u64 nr_handles;
	int spaces[MAX_IDS];
	__u64 nr_spaces;
	struct cursor cursors[MAX_IDS];
	__u64 nr_cursors;
	struct area areas[MAX_IDS];
	__u64 nr_areas;
	struct leaf leaves[MAX_LEAVES];
	size_t nr_leaves;
	int active;
	struct vmstore_rec_story story[VMSTORE_STORY_OPS];
} own, *shared;

/* Frames of the operation that is run, without references. */
static __u64 list[VMSTORE_MAX_DATA / sizeof(__u64)];
static __u32 nr_list;

#define st	(*(shared ? shared : &own))

/* --- operations ------------------------------------------------------------ */

static __u64 new_handle(__u64 frame)
{
	st.refs[frame]++;
	st.handles[++st.nr_handles] = frame + 1;
	return st.nr_handles;
}

static int out_frame(struct vmstore_op *op, __u64 frame)
{
	if (st.nr_handles + 1 >= MAX_IDS)
		return -ENOSPC;
	op->out.frame.id = new_handle(frame);
	op->out.frame.paddr = frame * PAGE;
	return 0;
}

static int frame_at(__u64 paddr, __u64 *frame)
{
	if (paddr % PAGE)
		return -EINVAL;
	*frame = paddr / PAGE;
	return *frame < st.nr_frames ? 0 : -ERANGE;
}

static int op_from_unused(struct vmstore_op *op)
{
	__u64 frame;
	int ret = frame_at(op->arg.paddr.paddr, &frame);

	if (!ret && st.refs[frame])
		ret = -EBUSY;
	return ret ? ret : out_frame(op, frame);
}

static int op_from_in_use(struct vmstore_op *op)
{
	__u64 frame;
	int ret = frame_at(op->arg.paddr.paddr, &frame);

	if (!ret && !st.refs[frame])
		ret = -ENOENT;
	return ret ? ret : out_frame(op, frame);
}

static int op_alloc(struct vmstore_op *op)
{
	__u64 frame;

	for (frame = 0; frame < st.nr_frames; frame++) {
		if (!st.refs[frame]) {
			st.data[frame] = 0;
			return out_frame(op, frame);
		}
	}
	return -ENOMEM;
}

static int handle_at(__u64 id, __u64 *frame)
{
	if (!id || id >= MAX_IDS || !st.handles[id])
		return -ENOENT;
	*frame = st.handles[id] - 1;
	return 0;
}

static int op_drop(struct vmstore_op *op)
{
	__u64 frame;
	int ret = handle_at(op->arg.id.id, &frame);

	if (ret)
		return ret;
	st.handles[op->arg.id.id] = 0;
	op->out.drop.paddr = frame * PAGE;
	op->out.drop.freed = !--st.refs[frame];
	return 0;
}

static int space_at(__u64 id)
{
	return id && id < MAX_IDS && st.spaces[id] ? 0 : -ENOENT;
}

static int op_space_new(struct vmstore_op *op)
{
	if (st.nr_spaces + 1 >= MAX_IDS)
		return -ENOSPC;
	st.spaces[++st.nr_spaces] = 1;
	op->out.id = st.nr_spaces;
	return 0;
}

static int op_open(struct vmstore_op *op)
{
	struct cursor *c;
	__u64 i;

	if (space_at(op->arg.open.space))
		return -ENOENT;
	if (op->arg.open.start >= op->arg.open.end ||
	    op->arg.open.end > VMSTORE_USER_END ||
	    (op->arg.open.start | op->arg.open.end) % PAGE)
		return -EACCES;
	for (i = 1; i <= st.nr_cursors; i++) {
		c = &st.cursors[i];
		if (c->space == op->arg.open.space &&
		    c->start < op->arg.open.end && op->arg.open.start < c->end)
			return -EBUSY;
	}
	c = &st.cursors[++st.nr_cursors];
	c->space = op->arg.open.space;
	c->start = op->arg.open.start;
	c->va = c->start;
	c->end = op->arg.open.end;
	c->mut = op->opcode == VMSTORE_OP_CURSOR_OPEN_MUT;
	op->out.open.id = st.nr_cursors;
	op->out.open.level = 1;
	return 0;
}

static struct cursor *cursor_at(__u64 id)
{
	return id && id < MAX_IDS && st.cursors[id].space ? &st.cursors[id] :
							    NULL;
}

static struct leaf *leaf_at(__u64 space, __u64 va)
{
	size_t i;

	for (i = 0; i < st.nr_leaves; i++) {
		if (st.leaves[i].space == space &&
		    st.leaves[i].va == (va & ~(PAGE - 1)))
			return &st.leaves[i];
	}
	return NULL;
}

static int op_map(struct vmstore_op *op)
{
	struct cursor *c = cursor_at(op->arg.map.cursor);
	struct leaf *leaf;
	__u64 frame;

	if (!c || handle_at(op->arg.map.frame, &frame))
		return -ENOENT;
	if (!c->mut || !(op->arg.map.prop.flags & VMSTORE_PROP_R))
		return -EINVAL;
	if (c->va >= c->end)
		return -EACCES;
	leaf = leaf_at(c->space, c->va);
	if (leaf) {
		op->out.map.replaced = 1;
		op->out.map.old_paddr = leaf->frame * PAGE;
		op->out.map.old_prop = leaf->prop;
		st.refs[leaf->frame]--;
	} else {
		leaf = &st.leaves[st.nr_leaves++];
	}
	*leaf = (struct leaf){ c->space, c->va, frame, op->arg.map.prop };
	st.handles[op->arg.map.frame] = 0;
	c->va += PAGE;
	op->out.map.va = c->va;
	return 0;
}

static int op_unmap(struct vmstore_op *op)
{
	struct cursor *c = cursor_at(op->arg.len.cursor);
	struct leaf *leaf;
	__u64 end;

	if (!c)
		return -ENOENT;
	if (op->arg.len.len % PAGE || op->arg.len.len > c->end - c->va)
		return -EINVAL;
	for (end = c->va + op->arg.len.len; c->va < end; c->va += PAGE) {
		leaf = leaf_at(c->space, c->va);
		if (!leaf)
			continue;
		st.refs[leaf->frame]--;
		*leaf = st.leaves[--st.nr_leaves];
		op->out.unmap.removed++;
	}
	op->out.unmap.va = c->va;
	return 0;
}

static int op_access(struct vmstore_op *op)
{
	__u64 va = op->arg.access.va;
	bool kernel = va >= VMSTORE_KERNEL_BASE;
	struct leaf *leaf;
	__u64 frame;

	if (space_at(op->arg.access.space))
		return -ENOENT;
	leaf = leaf_at(kernel ? 0 : op->arg.access.space, va);
	if (kernel && va < VMSTORE_KVIRT_BASE) {
		frame = (va - VMSTORE_KERNEL_BASE) / PAGE;
	} else if (leaf) {
		frame = leaf->frame;
	} else {
		op->out.access.fault = VMSTORE_FAULT_TAKEN;
		if (!kernel)
			op->out.access.fault |= VMSTORE_FAULT_USER;
		if (op->flags & VMSTORE_OPF_WRITE)
			op->out.access.fault |= VMSTORE_FAULT_WRITE;
		return -EFAULT;
	}
	if (op->flags & VMSTORE_OPF_WRITE)
		st.data[frame] = op->arg.access.value;
	else
		op->out.access.value = st.data[frame];
	return 0;
}

static __u64 place(void)
{
	const char *text = getenv("VMSTORE_FAKE_PLACE");

	if (st.nr_areas)
		return st.areas[st.nr_areas].end + PAGE;
	return text ? strtoull(text, NULL, 0) : VMSTORE_KVIRT_BASE;
}

static int op_kvirt_map(struct vmstore_op *op)
{
	const struct vmstore_arg_kvirt_frames *arg = &op->arg.kvirt_frames;
	struct area *area;
	__u64 frame;
	__u32 i;

	if (arg->map_offset >= arg->area_size ||
	    nr_list * PAGE > arg->area_size - arg->map_offset)
		return -EINVAL;
	for (i = 0; i < nr_list; i++) {
		if (handle_at(list[i], &frame))
			return -ENOENT;
	}
	op->out.kvirt.start = place();
	op->out.kvirt.end = op->out.kvirt.start + arg->area_size;
	op->out.kvirt.id = ++st.nr_areas;
	op->out.kvirt.leaves = nr_list;
	area = &st.areas[st.nr_areas];
	*area = (struct area){ op->out.kvirt.start, op->out.kvirt.end };
	for (i = 0; i < nr_list; i++) {
		frame = st.handles[list[i]] - 1;
		st.handles[list[i]] = 0;
		st.leaves[st.nr_leaves++] = (struct leaf){
			0, area->start + arg->map_offset + i * PAGE, frame, arg->prop,
		};
	}
	return 0;
}

static void kvirt_unmap(struct vmstore_op *op, __u64 va, __u64 end)
{
	struct leaf *leaf;

	for (; va < end; va += PAGE) {
		leaf = leaf_at(0, va);
		if (!leaf)
			continue;
		st.refs[leaf->frame]--;
		*leaf = st.leaves[--st.nr_leaves];
		op->out.kvirt_unmap.removed++;
	}
}

static int kvirt_query(struct vmstore_op *op)
{
	__u64 va = op->arg.kvirt_addr.addr;
	struct leaf *leaf = leaf_at(0, va);

	op->out.query.start = va / PAGE * PAGE;
	op->out.query.end = op->out.query.start + PAGE;
	op->out.query.level = 1;
	if (!leaf)
		return 0;
	op->out.query.found = 1;
	op->out.query.paddr = leaf->frame * PAGE;
	op->out.query.prop = leaf->prop;
	if (!(op->flags & VMSTORE_OPF_PEEK))
		op->out.query.id = new_handle(leaf->frame);
	return 0;
}

static int op_kvirt(struct vmstore_op *op)
{
	__u64 id = op->arg.id.id;
	struct area *area;

	if (!id || id >= MAX_IDS || !st.areas[id].start)
		return -ENOENT;
	area = &st.areas[id];
	switch (op->opcode) {
	case VMSTORE_OP_KVIRT_QUERY:
		if (op->arg.kvirt_addr.addr < area->start || op->arg.kvirt_addr.addr >= area->end)
			return -EINVAL;
		return kvirt_query(op);
	case VMSTORE_OP_KVIRT_UNMAP_RANGE:
		kvirt_unmap(op, area->start + op->arg.kvirt_range.offset,
			    area->start + op->arg.kvirt_range.offset + op->arg.kvirt_range.len);
		return 0;
	default:
		kvirt_unmap(op, area->start, area->end);
		area->start = 0;
		return 0;
	}
}

static int op_cursor(struct vmstore_op *op)
{
	struct cursor *c = cursor_at(op->arg.id.id);
	struct leaf *leaf;

	if (!c)
		return -ENOENT;
	switch (op->opcode) {
	case VMSTORE_OP_CURSOR_DROP:
		memset(c, 0, sizeof(*c));
		return 0;
	case VMSTORE_OP_CURSOR_JUMP:
		if (op->arg.jump.va < c->start || op->arg.jump.va >= c->end)
			return -EACCES;
		c->va = op->arg.jump.va;
		break;
	case VMSTORE_OP_CURSOR_QUERY:
		leaf = leaf_at(c->space, c->va);
		op->out.query.start = c->va;
		op->out.query.end = c->va + PAGE;
		op->out.query.level = 1;
		if (leaf) {
			op->out.query.found = 1;
			op->out.query.paddr = leaf->frame * PAGE;
			op->out.query.prop = leaf->prop;
			if (!(op->flags & VMSTORE_OPF_PEEK))
				op->out.query.id = new_handle(leaf->frame);
		}
		return 0;
	}
	op->out.va.va = c->va;
	return 0;
}

static int op_space(struct vmstore_op *op)
{
	if (op->opcode == VMSTORE_OP_SPACE_ACTIVATE && !op->arg.id.id) {
		st.active = 0;
		return 0;
	}
	if (space_at(op->arg.id.id))
		return -ENOENT;
	if (op->opcode == VMSTORE_OP_SPACE_ACTIVATE) {
		st.active = op->arg.id.id;
		return 0;
	}
	if (st.active == (int)op->arg.id.id)
		return -EBUSY;
	st.spaces[op->arg.id.id] = 0;
	return 0;
}

static int execute(struct vmstore_op *op)
{
	switch (op->opcode) {
	case VMSTORE_OP_FRAME_FROM_UNUSED:
		return op_from_unused(op);
	case VMSTORE_OP_FRAME_FROM_IN_USE:
		return op_from_in_use(op);
	case VMSTORE_OP_FRAME_ALLOC:
		return op_alloc(op);
	case VMSTORE_OP_FRAME_DROP:
		return op_drop(op);
	case VMSTORE_OP_SPACE_NEW:
		return op_space_new(op);
	case VMSTORE_OP_SPACE_DROP:
	case VMSTORE_OP_SPACE_ACTIVATE:
		return op_space(op);
	case VMSTORE_OP_CURSOR_OPEN:
	case VMSTORE_OP_CURSOR_OPEN_MUT:
		return op_open(op);
	case VMSTORE_OP_CURSOR_DROP:
	case VMSTORE_OP_CURSOR_QUERY:
	case VMSTORE_OP_CURSOR_JUMP:
	case VMSTORE_OP_CURSOR_VADDR:
		return op_cursor(op);
	case VMSTORE_OP_CURSOR_MAP:
		return op_map(op);
	case VMSTORE_OP_CURSOR_UNMAP:
		return op_unmap(op);
	case VMSTORE_OP_REAP:
		return 0;
	case VMSTORE_OP_ACCESS:
		return op_access(op);
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
		return op_kvirt_map(op);
	case VMSTORE_OP_KVIRT_QUERY:
	case VMSTORE_OP_KVIRT_UNMAP_RANGE:
	case VMSTORE_OP_KVIRT_DROP:
		return op_kvirt(op);
	default:
		return -EOPNOTSUPP;
	}
}

/* --- batches --------------------------------------------------------------- */

/* Which arguments are ids: a bit per word of op->arg.raw. */
static unsigned int id_words(__u16 opcode)
{
	switch (opcode) {
	case VMSTORE_OP_FRAME_FROM_UNUSED:
	case VMSTORE_OP_FRAME_FROM_IN_USE:
	case VMSTORE_OP_KREADER_NEW:
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
		return 0;
	case VMSTORE_OP_CURSOR_MAP:
		return 3;
	default:
		return 1;
	}
}

static int resolve_id(__u64 *id, const struct vmstore_op *ops, __u32 at)
{
	__u64 ref = *id & ~VMSTORE_REF_FLAG;

	if (!(*id & VMSTORE_REF_FLAG))
		return 0;
	if (ref >= at || ops[ref].out_errno || !ops[ref].out.id)
		return -EINVAL;
	*id = ops[ref].out.id;
	return 0;
}

static int resolve(struct vmstore_op *op, const struct vmstore_op *ops,
		   __u32 at)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < 2 && !ret; i++) {
		if (id_words(op->opcode) & 1u << i)
			ret = resolve_id(&op->arg.raw[i], ops, at);
	}
	nr_list = 0;
	if (op->opcode != VMSTORE_OP_KVIRT_MAP_FRAMES)
		return ret;
	nr_list = op->arg.kvirt_frames.count;
	memcpy(list, (void *)(uintptr_t)op->arg.kvirt_frames.frames, nr_list * sizeof(*list));
	for (i = 0; i < nr_list && !ret; i++)
		ret = resolve_id(&list[i], ops, at);
	return ret;
}

static void make(__u64 region_size)
{
	st.made = 1;
	st.nr_frames = region_size / PAGE;
}

static void tell(const struct vmstore_op *op)
{
	struct vmstore_rec_story *rec = &st.story[(st.ops + 1) % VMSTORE_STORY_OPS];

	memset(rec, 0, sizeof(*rec));
	rec->seq = st.ops + 1;
	rec->op = *op;
	rec->data_len = nr_list * sizeof(*list);
	memcpy(rec->data, list, rec->data_len < sizeof(rec->data) ? rec->data_len :
							      sizeof(rec->data));
	/* Others may be looking: the number comes last */
	__atomic_store_n(&st.ops, rec->seq, __ATOMIC_RELEASE);
}

static int run_one(struct vmstore_op *ops, __u32 at)
{
	const char *freeze = getenv("VMSTORE_FAKE_FREEZE");
	struct vmstore_op op = ops[at];
	int ret;

	if (st.frozen)
		return -EIO;
	ret = resolve(&op, ops, at);
	memset(&op.out, 0, sizeof(op.out));
	if (!ret)
		ret = execute(&op);
	ops[at].out = op.out;
	op.out_errno = ret;
	tell(&op);
	if (freeze && st.ops == strtoull(freeze, NULL, 0))
		st.frozen = 1;
	return ret;
}

static int fake_run(struct vmstore_run *run)
{
	struct vmstore_op *ops = (void *)(uintptr_t)run->ops;
	__u32 i;

	if (!st.made)
		make(4 << 20);
	for (i = 0; i < run->count; i++)
		ops[i].out_errno = -ECANCELED;
	for (i = 0; i < run->count; i++) {
		ops[i].out_errno = run_one(ops, i);
		run->out_ran++;
		if (!ops[i].out_errno)
			continue;
		run->out_failed++;
		if (!(run->flags & VMSTORE_RUN_KEEP_GOING))
			break;
	}
	return 0;
}

/* --- check ----------------------------------------------------------------- */

#define set_text(to, text)	snprintf(to, sizeof(to), text)

static int fake_check(struct vmstore_check *check)
{
	struct vmstore_violation *v = (void *)(uintptr_t)check->violations;
	struct vmstore_clause *c = (void *)(uintptr_t)check->clauses;

	check->out_clauses = 2;
	check->out_stored_clauses = 2;
	set_text(c[0].id, "S1");
	set_text(c[0].text, "every slot is sound");
	c[0].evaluated = st.nr_frames;
	set_text(c[1].id, "A1");
	set_text(c[1].text, "rc == H + P + S");
	c[1].evaluated = st.nr_frames;
	c[1].not_vacuous = st.nr_handles;
	if (!st.frozen)
		return 0;
	c[1].violated = 1;
	check->out_violations = 1;
	check->out_stored_violations = 1;
	set_text(v->clause, "A1");
	v->kind = VMSTORE_OBJ_SLOT;
	v->object = 0x3000;
	v->expected = 2;
	v->found = 1;
	set_text(v->text, "a reference is missing");
	return 0;
}

/* --- dump ------------------------------------------------------------------ */

/* Records behind each other, a few at a time so that paging is tested. */
struct emit {
	struct vmstore_dump *dump;
	__u64 at;
};

static void emit(struct emit *e, const void *rec, size_t size)
{
	struct vmstore_dump *dump = e->dump;

	if (e->at++ < dump->pos[0])
		return;
	if (dump->out_len + size > dump->buf_len || dump->out_len >= 2 * size) {
		dump->out_more = 1;
		return;
	}
	memcpy((char *)(uintptr_t)dump->buf + dump->out_len, rec, size);
	dump->out_len += size;
}

static int compare_leaves(const void *a, const void *b)
{
	const struct leaf *la = a, *lb = b;

	if (la->space != lb->space)
		return la->space < lb->space ? -1 : 1;
	return la->va < lb->va ? -1 : la->va > lb->va;
}

static void emit_leaves(struct emit *e)
{
	struct vmstore_rec_leaves rec;
	struct leaf *leaf = st.leaves, *end = leaf + st.nr_leaves;

	while (leaf < end) {
		rec = (struct vmstore_rec_leaves){
			leaf->space, leaf->va, leaf->frame * PAGE, 0,
			leaf->prop, 1,
		};
		do {
			rec.nr++;
			leaf++;
		} while (leaf < end && leaf->space == rec.space &&
			 leaf->va == rec.va + rec.nr * PAGE &&
			 leaf->frame * PAGE == rec.paddr + rec.nr * PAGE &&
			 !memcmp(&leaf->prop, &rec.prop, sizeof(rec.prop)));
		emit(e, &rec, sizeof(rec));
	}
}

static void emit_nodes_above(struct emit *e, const struct leaf *leaf,
			     const struct leaf *before)
{
	struct vmstore_rec_node rec = { .space = leaf->space };
	unsigned int shift;
	__u32 level;

	for (level = leaf->space ? 4 : 3; level; level--) {
		shift = 12 + 9 * level;
		if (before && before->space == leaf->space &&
		    before->va >> shift == leaf->va >> shift)
			continue;
		rec.level = level;
		rec.va = leaf->va >> shift << shift;
		rec.paddr = (0x100 * leaf->space + 0x10 * level) * PAGE +
			    (leaf->va >> 21 & 15) * PAGE;
		rec.nr_children = 1;
		emit(e, &rec, sizeof(rec));
	}
}

static void emit_spaces(struct emit *e)
{
	struct vmstore_rec_space rec;
	__u64 i;

	for (i = 1; i <= st.nr_spaces; i++) {
		rec = (struct vmstore_rec_space){
			i, (0x100 * i + 0x40) * PAGE, st.active == (int)i, 0,
		};
		if (st.spaces[i])
			emit(e, &rec, sizeof(rec));
	}
}

static void emit_flushes(struct emit *e)
{
	static const struct vmstore_rec_flush recs[] = {
		{ .cursor = 1, .space = 1, .start = 0x400000, .end = 0x401000,
		  .state = VMSTORE_FLUSH_CHANGED },
		{ .cursor = 1, .space = 1, .all = 1, .state = VMSTORE_FLUSH_PENDING },
		{ .start = VMSTORE_KVIRT_BASE, .end = VMSTORE_KVIRT_BASE + PAGE, .cpus = 5,
		  .state = VMSTORE_FLUSH_SENT },
	};
	size_t i;

	for (i = 0; getenv("VMSTORE_FAKE_TLB") && i < ARRAY_SIZE(recs); i++)
		emit(e, &recs[i], sizeof(recs[0]));
}

/* The first leaf, and all that a CPU can have instead of it */
static void emit_cached(struct emit *e)
{
	struct vmstore_rec_cached recs[] = {
		{ .cpu = 2, .level = 1 },
		{ .cpu = 2, .level = 2, .flags = VMSTORE_CACHED_TABLE, .paddr = 0x112000 },
		{ .cpu = 2, .level = 3, .flags = VMSTORE_CACHED_TABLE, .paddr = 0x7000 },
		{ .cpu = 1, .level = 1 },
		{ .cpu = 1, .level = 1 },
		{ .cpu = 0, .level = 1 },
		{ .cpu = 3, .level = 1, .flags = VMSTORE_CACHED_IDLE },
		{ .cpu = 3, .level = 1, .flags = VMSTORE_CACHED_GLOBAL },
		{ .cpu = 3, .level = 2, .flags = VMSTORE_CACHED_TABLE, .paddr = ~0ULL },
		{ .cpu = VMSTORE_CPU_MODEL, .level = 1 },
	};
	size_t i;

	if (!getenv("VMSTORE_FAKE_TLB") || !st.nr_leaves)
		return;
	for (i = 0; i < ARRAY_SIZE(recs); i++) {
		recs[i].space = st.leaves[0].space;
		recs[i].va = st.leaves[0].va;
		if (recs[i].flags & VMSTORE_CACHED_TABLE)
			continue;
		recs[i].paddr = st.leaves[0].frame * PAGE;
		recs[i].prop = st.leaves[0].prop;
	}
	recs[0].prop.flags &= ~VMSTORE_PROP_W;
	recs[2].va = 0;
	recs[3].paddr += PAGE;
	recs[4].va += 0x400000;
	recs[5].prop.flags |= VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY;
	recs[6].va += 0x400000;
	recs[7].space = 0;
	recs[7].va = VMSTORE_KVIRT_BASE;
	recs[8].space = 0;
	recs[8].va = VMSTORE_KERNEL_BASE;
	for (i = 0; i < ARRAY_SIZE(recs); i++)
		emit(e, &recs[i], sizeof(recs[0]));
}

static void emit_slots(struct emit *e)
{
	struct vmstore_rec_slots rec;
	size_t i, j;

	for (i = 0; i < st.nr_frames; i++) {
		rec = (struct vmstore_rec_slots){
			.paddr = i * PAGE, .nr = 1,
			.rc = st.refs[i] ? st.refs[i] : VMSTORE_RC_UNUSED,
			.usage = st.refs[i] ? VMSTORE_USAGE_FRAME : 0,
		};
		for (j = 0; j < st.nr_leaves; j++)
			rec.paths += st.leaves[j].frame == i;
		emit(e, &rec, sizeof(rec));
	}
}

static void emit_handles(struct emit *e)
{
	struct vmstore_rec_frame rec;
	__u64 i;

	for (i = 1; i <= st.nr_handles; i++) {
		rec = (struct vmstore_rec_frame){
			i, (st.handles[i] - 1) * PAGE,
		};
		if (st.handles[i])
			emit(e, &rec, sizeof(rec));
	}
}

static void emit_areas(struct emit *e)
{
	struct vmstore_rec_kvirt rec;
	__u64 i;

	for (i = 1; i <= st.nr_areas; i++) {
		rec = (struct vmstore_rec_kvirt){
			.id = i, .start = st.areas[i].start, .end = st.areas[i].end,
			.pins = i == 2,
		};
		if (rec.start)
			emit(e, &rec, sizeof(rec));
	}
}

static void emit_cursors(struct emit *e)
{
	struct vmstore_rec_cursor rec;
	const struct cursor *c;
	__u64 i;

	for (i = 1; i <= st.nr_cursors; i++) {
		c = &st.cursors[i];
		rec = (struct vmstore_rec_cursor){
			.id = i, .space = c->space, .start = c->start,
			.end = c->end, .va = c->va, .mut = c->mut,
			.level = 1, .guard_level = 1,
		};
		if (c->space)
			emit(e, &rec, sizeof(rec));
	}
}

/* As the module: a signal ends the wait, and so does a store that is frozen */
static int wait_for_story(__u64 seq)
{
	bool asleep = getenv("VMSTORE_FAKE_ASLEEP");

	while ((asleep || st.ops < seq) && !st.frozen) {
		if (usleep(1000))
			return -EINTR;
	}
	return 0;
}

static int dump_story(struct vmstore_dump *dump)
{
	__u64 seq = dump->pos[0] ? dump->pos[0] : 1;
	int ret = 0;

	if (dump->flags & VMSTORE_DUMP_WAIT)
		ret = wait_for_story(seq);
	if (st.ops >= VMSTORE_STORY_OPS && seq <= st.ops - VMSTORE_STORY_OPS)
		seq = st.ops - VMSTORE_STORY_OPS + 1;
	dump->out_len = 0;
	for (; !ret && seq <= st.ops && dump->out_len + dump->rec_size <= dump->buf_len; seq++) {
		memcpy((char *)(uintptr_t)dump->buf + dump->out_len,
		       &st.story[seq % VMSTORE_STORY_OPS], dump->rec_size);
		dump->out_len += dump->rec_size;
	}
	dump->pos[0] = seq;
	dump->out_more = seq <= st.ops;
	return ret;
}

static int fake_dump(struct vmstore_dump *dump)
{
	const struct vmstore_rec_node root = { .paddr = 0x40 * PAGE, .level = 4 };
	struct emit e = { .dump = dump };
	size_t i;

	if (dump->section == VMSTORE_DUMP_STORY)
		return dump_story(dump);
	dump->out_len = 0;
	dump->out_more = 0;
	dump->out_generation = 7;
	qsort(st.leaves, st.nr_leaves, sizeof(st.leaves[0]), compare_leaves);
	switch (dump->section) {
	case VMSTORE_DUMP_SPACES:
		emit_spaces(&e);
		break;
	case VMSTORE_DUMP_CURSORS:
		emit_cursors(&e);
		break;
	case VMSTORE_DUMP_FRAMES:
		emit_handles(&e);
		break;
	case VMSTORE_DUMP_SLOTS:
		emit_slots(&e);
		break;
	case VMSTORE_DUMP_NODES:
		if (st.nr_areas)
			emit(&e, &root, sizeof(root));
		for (i = 0; i < st.nr_leaves; i++)
			emit_nodes_above(&e, &st.leaves[i],
					 i ? &st.leaves[i - 1] : NULL);
		break;
	case VMSTORE_DUMP_LEAVES:
		emit_leaves(&e);
		break;
	case VMSTORE_DUMP_KVIRTS:
		emit_areas(&e);
		break;
	case VMSTORE_DUMP_TLB:
	case VMSTORE_DUMP_SEGMENTS:
	case VMSTORE_DUMP_UNIQUES:
	case VMSTORE_DUMP_LISTS:
	case VMSTORE_DUMP_IOS:
		break;
	case VMSTORE_DUMP_FLUSHES:
		emit_flushes(&e);
		break;
	case VMSTORE_DUMP_CACHED:
		emit_cached(&e);
		break;
	default:
		return -EINVAL;
	}
	dump->pos[0] += dump->out_len / dump->rec_size;
	return 0;
}

/* --- the device ------------------------------------------------------------ */

static int fake_setup(const struct vmstore_setup *setup)
{
	__u64 size = setup->region_size ? setup->region_size : 4 << 20;

	if (st.made)
		return -EBUSY;
	if (size % VMSTORE_BLOCK_SIZE || size > MAX_FRAMES * PAGE)
		return -EINVAL;
	make(size);
	return 0;
}

static int fake_info(struct vmstore_info *info)
{
	info->out_abi_version = VMSTORE_ABI_VERSION;
	info->out_nr_opcodes = __VMSTORE_OP_MAX;
	info->out_machine = VMSTORE_MACHINE_SOFT;
	info->out_machines = 1u << VMSTORE_MACHINE_SOFT;
	info->out_machine_caps = VMSTORE_CAP_KEEPS | VMSTORE_CAP_REMOTE;
	info->out_nr_cpus = 4;
	info->out_region_size = st.nr_frames * PAGE;
	info->out_nr_slots = st.nr_frames;
	info->out_nr_clauses = 2;
	info->out_max_batch = VMSTORE_MAX_BATCH;
	info->out_max_region_size = MAX_FRAMES * PAGE;
	info->out_default_region_size = 4 << 20;
	info->out_ops = st.ops;
	info->out_check_mode = VMSTORE_CHECK_FULL;
	info->out_frozen = st.frozen;
	return 0;
}

static int fake_ioctl(unsigned long cmd, void *arg)
{
	switch (cmd) {
	case VMSTORE_INFO:
		return fake_info(arg);
	case VMSTORE_SETUP:
		return fake_setup(arg);
	case VMSTORE_RUN:
		return fake_run(arg);
	case VMSTORE_CHECK:
		return fake_check(arg);
	case VMSTORE_DUMP:
		return fake_dump(arg);
	default:
		return -ENOTTY;
	}
}

/* The same store for all processes that name the same file */
static void share(void)
{
	const char *path = getenv("VMSTORE_FAKE_STATE");
	int fd = path && !shared ? __real_open(path, O_RDWR | O_CREAT, 0600) : -1;

	if (fd < 0)
		return;
	if (!ftruncate(fd, sizeof(*shared)))
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!shared || shared == MAP_FAILED)
		abort();
	__real_close(fd);
}

int __wrap_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret;

	if (fd != FAKE_FD)
		return __real_ioctl(fd, cmd, arg);
	ret = fake_ioctl(cmd, arg);
	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

int __wrap_open(const char *path, int flags, ...)
{
	if (!strcmp(path, "/dev/vmstore")) {
		share();
		return FAKE_FD;
	}
	return __real_open(path, flags, 0600);
}

int __wrap_fcntl(int fd, int cmd, ...)
{
	va_list args;
	int arg;

	va_start(args, cmd);
	arg = va_arg(args, int);
	va_end(args);
	if (fd != FAKE_FD)
		return __real_fcntl(fd, cmd, arg);
	share();
	return FAKE_FD;
}

int __wrap_close(int fd)
{
	return fd == FAKE_FD ? 0 : __real_close(fd);
}
