// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "links.h"

static const __u8 arg_whats[__VMSTORE_OP_MAX][LINKS_MAX] = {
	[VMSTORE_OP_FRAME_FROM_UNUSED] = { ARG_PADDR },
	[VMSTORE_OP_FRAME_FROM_IN_USE] = { ARG_PADDR },
	[VMSTORE_OP_FRAME_DROP] = { ARG_FRAME },
	[VMSTORE_OP_SPACE_DROP] = { ARG_SPACE },
	[VMSTORE_OP_SPACE_ACTIVATE] = { ARG_SPACE },
	[VMSTORE_OP_CURSOR_OPEN] = { ARG_SPACE },
	[VMSTORE_OP_CURSOR_OPEN_MUT] = { ARG_SPACE },
	[VMSTORE_OP_CURSOR_DROP] = { ARG_CURSOR },
	[VMSTORE_OP_CURSOR_QUERY] = { ARG_CURSOR },
	[VMSTORE_OP_CURSOR_FIND_NEXT] = { ARG_CURSOR },
	[VMSTORE_OP_CURSOR_JUMP] = { ARG_CURSOR },
	[VMSTORE_OP_CURSOR_VADDR] = { ARG_CURSOR },
	[VMSTORE_OP_CURSOR_MAP] = { ARG_CURSOR, ARG_FRAME },
	[VMSTORE_OP_CURSOR_UNMAP] = { ARG_CURSOR },
	[VMSTORE_OP_CURSOR_PROTECT_NEXT] = { ARG_CURSOR },
	[VMSTORE_OP_CURSOR_FLUSH] = { ARG_CURSOR },
	[VMSTORE_OP_ACCESS] = { ARG_SPACE, ARG_LINEAR },
	[VMSTORE_OP_FRAME_CLONE] = { ARG_FRAME },
	[VMSTORE_OP_SEGMENT_FROM_UNUSED] = { ARG_PADDR, ARG_PADDR },
	[VMSTORE_OP_SEGMENT_DROP] = { ARG_SEGMENT },
	[VMSTORE_OP_SEGMENT_SPLIT] = { ARG_SEGMENT },
	[VMSTORE_OP_SEGMENT_NEXT] = { ARG_SEGMENT },
	[VMSTORE_OP_SEGMENT_CLONE] = { ARG_SEGMENT },
	[VMSTORE_OP_SEGMENT_SLICE] = { ARG_SEGMENT, ARG_PADDR, ARG_PADDR },
	[VMSTORE_OP_FRAME_TO_SEGMENT] = { ARG_FRAME },
	[VMSTORE_OP_UNIQUE_FROM_UNUSED] = { ARG_PADDR },
	[VMSTORE_OP_UNIQUE_DROP] = { ARG_UNIQUE },
	[VMSTORE_OP_FROM_UNIQUE] = { ARG_UNIQUE },
	[VMSTORE_OP_TRY_FROM_SHARED] = { ARG_FRAME },
	[VMSTORE_OP_CURSOR_MAP_FRAMES] = { ARG_CURSOR },
	[VMSTORE_OP_CURSOR_MAP_SEGMENT] = { ARG_CURSOR, ARG_SEGMENT },
	[VMSTORE_OP_READER_NEW] = { ARG_SPACE },
	[VMSTORE_OP_WRITER_NEW] = { ARG_SPACE },
	[VMSTORE_OP_KREADER_NEW] = { ARG_LINEAR },
	[VMSTORE_OP_KWRITER_NEW] = { ARG_LINEAR },
	[VMSTORE_OP_READER_DROP] = { ARG_IO },
	[VMSTORE_OP_WRITER_DROP] = { ARG_IO },
	[VMSTORE_OP_READER_READ_VAL] = { ARG_IO },
	[VMSTORE_OP_READER_COLLECT] = { ARG_IO },
	[VMSTORE_OP_READER_LIMIT] = { ARG_IO },
	[VMSTORE_OP_READER_SKIP] = { ARG_IO },
	[VMSTORE_OP_READER_QUERY] = { ARG_IO },
	[VMSTORE_OP_WRITER_WRITE_VAL] = { ARG_IO },
	[VMSTORE_OP_WRITER_FILL_ZEROS] = { ARG_IO },
	[VMSTORE_OP_WRITER_LIMIT] = { ARG_IO },
	[VMSTORE_OP_WRITER_SKIP] = { ARG_IO },
	[VMSTORE_OP_WRITER_QUERY] = { ARG_IO },
	[VMSTORE_OP_READ] = { ARG_IO, ARG_IO },
	[VMSTORE_OP_WRITE] = { ARG_IO, ARG_IO },
	[VMSTORE_OP_READ_FALLIBLE] = { ARG_IO, ARG_IO },
	[VMSTORE_OP_WRITE_FALLIBLE] = { ARG_IO, ARG_IO },
	[VMSTORE_OP_WRITER_FILL] = { ARG_IO },
	[VMSTORE_OP_READER_READ_ONCE] = { ARG_IO },
	[VMSTORE_OP_WRITER_WRITE_ONCE] = { ARG_IO },
	[VMSTORE_OP_LIST_DROP] = { ARG_LIST },
	[VMSTORE_OP_LIST_SIZE] = { ARG_LIST },
	[VMSTORE_OP_LIST_CONTAINS] = { ARG_LIST, ARG_PADDR },
	[VMSTORE_OP_LIST_INSERT_AT] = { ARG_LIST, ARG_UNIQUE },
	[VMSTORE_OP_LIST_PUSH_FRONT] = { ARG_LIST, ARG_UNIQUE },
	[VMSTORE_OP_LIST_PUSH_BACK] = { ARG_LIST, ARG_UNIQUE },
	[VMSTORE_OP_LIST_TAKE_AT] = { ARG_LIST },
	[VMSTORE_OP_LIST_POP_FRONT] = { ARG_LIST },
	[VMSTORE_OP_LIST_POP_BACK] = { ARG_LIST },
	[VMSTORE_OP_LIST_CURSOR_FRONT] = { ARG_LIST },
	[VMSTORE_OP_LIST_CURSOR_BACK] = { ARG_LIST },
	[VMSTORE_OP_LIST_CURSOR_AT] = { ARG_LIST, ARG_PADDR },
	[VMSTORE_OP_LIST_MOVE_NEXT] = { ARG_LIST },
	[VMSTORE_OP_LIST_MOVE_PREV] = { ARG_LIST },
	[VMSTORE_OP_LIST_CURRENT] = { ARG_LIST },
	[VMSTORE_OP_LIST_AS_LIST] = { ARG_LIST },
	[VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE] = { ARG_LIST, ARG_UNIQUE },
	[VMSTORE_OP_LIST_CURSOR_TAKE] = { ARG_LIST },
	[VMSTORE_OP_LIST_CURSOR_DROP] = { ARG_LIST },
	[VMSTORE_OP_TLB_ISSUE] = { ARG_CURSOR },
	[VMSTORE_OP_TLB_ISSUE_WITH] = { ARG_CURSOR, ARG_FRAME },
	[VMSTORE_OP_TLB_DISPATCH] = { ARG_CURSOR },
	[VMSTORE_OP_TLB_SYNC] = { ARG_CURSOR },
	[VMSTORE_OP_TLB_FLUSH_LOCAL] = { ARG_SPACE },
	[VMSTORE_OP_KVIRT_QUERY] = { ARG_KVIRT, ARG_LINEAR },
	[VMSTORE_OP_KVIRT_DROP] = { ARG_KVIRT },
	[VMSTORE_OP_KVIRT_UNMAP_RANGE] = { ARG_KVIRT },
	[VMSTORE_OP_KVIRT_PROTECT_RANGE] = { ARG_KVIRT },
};

static const __u8 makes[__VMSTORE_OP_MAX] = {
	[VMSTORE_OP_FRAME_FROM_UNUSED] = ARG_FRAME,
	[VMSTORE_OP_FRAME_FROM_IN_USE] = ARG_FRAME,
	[VMSTORE_OP_FRAME_ALLOC] = ARG_FRAME,
	[VMSTORE_OP_SPACE_NEW] = ARG_SPACE,
	[VMSTORE_OP_CURSOR_OPEN] = ARG_CURSOR,
	[VMSTORE_OP_CURSOR_OPEN_MUT] = ARG_CURSOR,
	[VMSTORE_OP_CURSOR_QUERY] = ARG_FRAME,
	[VMSTORE_OP_FRAME_CLONE] = ARG_FRAME,
	[VMSTORE_OP_SEGMENT_FROM_UNUSED] = ARG_SEGMENT,
	[VMSTORE_OP_SEGMENT_SPLIT] = ARG_SEGMENT,
	[VMSTORE_OP_SEGMENT_NEXT] = ARG_FRAME,
	[VMSTORE_OP_SEGMENT_CLONE] = ARG_SEGMENT,
	[VMSTORE_OP_SEGMENT_SLICE] = ARG_SEGMENT,
	[VMSTORE_OP_FRAME_TO_SEGMENT] = ARG_SEGMENT,
	[VMSTORE_OP_UNIQUE_FROM_UNUSED] = ARG_UNIQUE,
	[VMSTORE_OP_FROM_UNIQUE] = ARG_FRAME,
	[VMSTORE_OP_TRY_FROM_SHARED] = ARG_UNIQUE,
	[VMSTORE_OP_READER_NEW] = ARG_IO,
	[VMSTORE_OP_WRITER_NEW] = ARG_IO,
	[VMSTORE_OP_KREADER_NEW] = ARG_IO,
	[VMSTORE_OP_KWRITER_NEW] = ARG_IO,
	[VMSTORE_OP_LIST_NEW] = ARG_LIST,
	[VMSTORE_OP_LIST_TAKE_AT] = ARG_UNIQUE,
	[VMSTORE_OP_LIST_POP_FRONT] = ARG_UNIQUE,
	[VMSTORE_OP_LIST_POP_BACK] = ARG_UNIQUE,
	[VMSTORE_OP_LIST_CURSOR_TAKE] = ARG_UNIQUE,
	[VMSTORE_OP_KVIRT_MAP_FRAMES] = ARG_KVIRT,
	[VMSTORE_OP_KVIRT_MAP_UNTRACKED] = ARG_KVIRT,
	[VMSTORE_OP_KVIRT_QUERY] = ARG_FRAME,
};

/* links_arg - what word @k of the arguments names */
enum arg_what links_arg(__u16 opcode, unsigned int k)
{
	return opcode < __VMSTORE_OP_MAX && k < LINKS_MAX ? arg_whats[opcode][k] : ARG_NUMBER;
}

/* links_makes - what an operation makes */
enum arg_what links_makes(__u16 opcode)
{
	return opcode < __VMSTORE_OP_MAX ? makes[opcode] : ARG_NUMBER;
}

/* links_takes_frames - does the second word of the arguments point at handles? */
bool links_takes_frames(__u16 opcode)
{
	return opcode == VMSTORE_OP_CURSOR_MAP_FRAMES || opcode == VMSTORE_OP_KVIRT_MAP_FRAMES;
}

/* --- who made it: by kind and id, by frame, and by address --------------------------- */

struct made {
	__u64 id;
	__u32 maker;
	bool second;
};

/* A kernel area, the newest one at its addresses */
struct made_area {
	__u64 start;
	__u64 end;
	__u32 maker;
};

struct makers {
	struct orc_vec ids[ARG_LINEAR + 1];
	struct orc_vec frames;
	struct orc_vec areas;
};

static void note(struct orc_vec *v, __u64 id, __u32 maker, bool second)
{
	struct made *m = orc_find(v, id);

	if (!m)
		m = orc_add(v, id);
	m->maker = maker;
	m->second = second;
}

static void note_area(struct makers *m, const struct vmstore_out_kvirt *out, __u32 maker)
{
	struct made_area *area;
	__u32 i;

	for (i = m->areas.nr; i--;) {
		area = orc_at(&m->areas, i);
		if (area->start <= out->end && out->start <= area->end)
			orc_del(&m->areas, area);
	}
	area = orc_add(&m->areas, out->start);
	area->end = out->end;
	area->maker = maker;
}

static void note_op(struct makers *m, const struct vmstore_op *op, __u32 maker)
{
	__u8 what = op->opcode < __VMSTORE_OP_MAX ? makes[op->opcode] : ARG_NUMBER;

	if (op->out_errno || what == ARG_NUMBER || !op->out.id)
		return;
	note(&m->ids[what], op->out.id, maker, false);
	if (op->opcode == VMSTORE_OP_SEGMENT_SPLIT)
		note(&m->ids[what], op->out.segment.second, maker, true);
	/* Only here does the module choose */
	if (op->opcode == VMSTORE_OP_FRAME_ALLOC)
		note(&m->frames, op->out.frame.paddr, maker, false);
	if (what == ARG_KVIRT)
		note_area(m, &op->out.kvirt, maker);
}

/* In an area, or right behind its end */
static struct link find_area(const struct makers *m, __u64 va)
{
	__u32 i = orc_lower(&m->areas, va + 1);
	const struct made_area *area = i ? orc_at(&m->areas, i - 1) : NULL;

	if (!area || va > area->end)
		return (struct link) {};
	return (struct link) {
		.maker = area->maker,
		.what = LINK_KVIRT,
		.add = va - area->start,
	};
}

static struct link find(const struct makers *m, enum arg_what what, __u64 value)
{
	const struct orc_vec *v = &m->ids[what];
	__u64 offset = 0, key = value;
	const struct made *made;

	if (what == ARG_NUMBER)
		return (struct link) {};
	if (what == ARG_LINEAR && value >= VMSTORE_KVIRT_BASE)
		return find_area(m, value);
	if (what == ARG_PADDR || what == ARG_LINEAR) {
		if (what == ARG_LINEAR && value < VMSTORE_KERNEL_BASE)
			return (struct link) {};
		if (what == ARG_LINEAR)
			key -= VMSTORE_KERNEL_BASE;
		key &= -VMSTORE_PAGE_SIZE;
		offset = value - key;
		v = &m->frames;
	}
	made = orc_find(v, key);
	if (!made)
		return (struct link) {};
	return (struct link) {
		.maker = made->maker,
		.what = v == &m->frames ? LINK_PADDR : made->second ? LINK_SECOND : LINK_ID,
		.add = offset,
	};
}

static void link_op(const struct makers *m, const struct logged *entry, struct op_links *links)
{
	const __u64 *ids = (const __u64 *)entry->data;
	unsigned int k;

	for (k = 0; k < LINKS_MAX; k++)
		links->arg[k] = find(m, links_arg(entry->op.opcode, k), entry->op.arg.raw[k]);
	if (!links_takes_frames(entry->op.opcode) || !entry->len)
		return;
	links->nr_ids = entry->len / sizeof(*ids);
	links->ids = calloc(links->nr_ids, sizeof(*links->ids));
	if (!links->ids)
		abort();
	for (k = 0; k < links->nr_ids; k++)
		links->ids[k] = find(m, ARG_FRAME, ids[k]);
}

struct links *links_find(const struct log *log)
{
	struct links *links = calloc(1, sizeof(*links) + log->nr * sizeof(links->op[0]));
	struct makers m;
	unsigned int i;

	if (!links)
		abort();
	links->nr = log->nr;
	for (i = 0; i <= ARG_LINEAR; i++)
		orc_vec_init(&m.ids[i], sizeof(struct made));
	orc_vec_init(&m.frames, sizeof(struct made));
	orc_vec_init(&m.areas, sizeof(struct made_area));
	for (i = 0; i < log->nr; i++) {
		link_op(&m, &log->ops[i], &links->op[i]);
		note_op(&m, &log->ops[i].op, i + 1);
	}
	for (i = 0; i <= ARG_LINEAR; i++)
		orc_vec_free(&m.ids[i]);
	orc_vec_free(&m.frames);
	orc_vec_free(&m.areas);
	return links;
}

void links_free(struct links *links)
{
	size_t i;

	for (i = 0; i < links->nr; i++)
		free(links->op[i].ids);
	free(links);
}

void links_point(struct vmstore_op *op, void *data)
{
	switch (op->opcode) {
	case VMSTORE_OP_CURSOR_MAP_FRAMES:
		if (op->arg.map_frames.frames)
			op->arg.map_frames.frames = (uintptr_t)data;
		break;
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
		if (op->arg.kvirt_frames.frames)
			op->arg.kvirt_frames.frames = (uintptr_t)data;
		break;
	case VMSTORE_OP_READER_READ_VAL:
	case VMSTORE_OP_READER_COLLECT:
	case VMSTORE_OP_WRITER_WRITE_VAL:
		if (op->arg.io_data.buf)
			op->arg.io_data.buf = (uintptr_t)data;
		break;
	}
}
