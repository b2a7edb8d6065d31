// SPDX-License-Identifier: GPL-2.0-only
/* Every operation with every argument. */

#include <stdlib.h>
#include <string.h>

#include "../oracle/links.h"
#include "domain.h"

#define NO_ID		(1ULL << 40)
#define MAX_IDS		32

struct ids {
	__u64 v[MAX_IDS];
	__u32 nr;
};

struct maker {
	struct menu *menu;
	const struct domain *d;
	const struct orc_state *s;
	__u64 base;
	struct ids of[ARG_LINEAR];	/* one of each that differs, and NO_ID */
	struct ids frames;		/* all of them */
	struct ids paddrs;
};

/* --- what can be named ------------------------------------------ */

static void add_id(struct ids *ids, __u64 id)
{
	if (ids->nr < MAX_IDS)
		ids->v[ids->nr++] = id;
}

static void find_frames(struct maker *m)
{
	const struct orc_frame *f, *other;

	orc_for_each(f, &m->s->frames) {
		add_id(&m->frames, f->id);
		orc_for_each(other, &m->s->frames)
			if (other->paddr == f->paddr)
				break;
		if (other == f)
			add_id(&m->of[ARG_FRAME], f->id);
	}
}

static void find_segments(struct maker *m)
{
	const struct orc_segment *seg, *other;

	orc_for_each(seg, &m->s->segments) {
		orc_for_each(other, &m->s->segments)
			if (other->start == seg->start && other->end == seg->end)
				break;
		if (other == seg)
			add_id(&m->of[ARG_SEGMENT], seg->id);
	}
}

/* A space in which nothing is but tables */
static bool is_bare(const struct orc_state *s, const struct orc_space *space)
{
	const struct orc_cursor *c;
	const struct orc_io *io;

	orc_for_each(c, &s->cursors)
		if (c->space == space->id)
			return false;
	orc_for_each(io, &s->ios)
		if (io->space == space->id)
			return false;
	return !space->active && !space->leaves.nr;
}

static void find_spaces(struct maker *m)
{
	const struct orc_space *space, *other;

	orc_for_each(space, &m->s->spaces) {
		orc_for_each(other, &m->s->spaces)
			if (other == space || (other->nodes == space->nodes &&
					       is_bare(m->s, other) && is_bare(m->s, space)))
				break;
		if (other == space)
			add_id(&m->of[ARG_SPACE], space->id);
	}
}

static void find_all(struct maker *m)
{
	const struct orc_kvirt *area;
	const struct orc_unique *u;
	const struct orc_cursor *c;
	const struct orc_list *l;
	const struct orc_io *io;
	int i;

	find_frames(m);
	find_segments(m);
	orc_for_each(u, &m->s->uniques)
		add_id(&m->of[ARG_UNIQUE], u->id);
	find_spaces(m);
	orc_for_each(c, &m->s->cursors)
		add_id(&m->of[ARG_CURSOR], c->id);
	orc_for_each(io, &m->s->ios)
		add_id(&m->of[ARG_IO], io->id);
	orc_for_each(l, &m->s->lists)
		add_id(&m->of[ARG_LIST], l->id);
	orc_for_each(area, &m->s->kvirts)
		add_id(&m->of[ARG_KVIRT], area->id);
	for (i = 0; i < ARG_LINEAR; i++)
		add_id(&m->of[i], NO_ID);
}

/* The window; a misaligned one, device memory, a node, one behind the region */
static void find_paddrs(struct maker *m)
{
	__u32 i;

	for (i = 0; i < m->d->window; i++)
		add_id(&m->paddrs, m->base + i * VMSTORE_PAGE_SIZE);
	add_id(&m->paddrs, m->base + 1);
	add_id(&m->paddrs, m->s->config.first_mmio * VMSTORE_PAGE_SIZE);
	add_id(&m->paddrs, 0);
	add_id(&m->paddrs, m->s->config.nr_slots * VMSTORE_PAGE_SIZE);
}

#define for_each_id(e, ids) \
	for (__auto_type e = &(ids)->v[0]; e != &(ids)->v[(ids)->nr]; e++)

/* With an id that never was it is enough to have one of the other arguments */
static __u32 nr_args(__u64 id, __u32 nr)
{
	return id == NO_ID ? nr > 0 : nr;
}

#define for_each_arg(e, id, array, nr) \
	for (__auto_type e = &(array)[0]; e != &(array)[nr_args(id, nr)]; e++)

/* --- the moves ------------------------------------------ */

static struct move *add(struct maker *m, __u16 opcode)
{
	struct menu *menu = m->menu;
	struct move *move;

	if (menu->nr == menu->room) {
		menu->room = menu->room ? 2 * menu->room : 256;
		menu->moves = realloc(menu->moves, menu->room * sizeof(*menu->moves));
		if (!menu->moves)
			abort();
	}
	move = &menu->moves[menu->nr++];
	memset(move, 0, sizeof(*move));
	move->op.opcode = opcode;
	return move;
}

/* One or two words of arguments, the others 0 */
static struct move *add_words(struct maker *m, __u16 opcode, __u64 a, __u64 b)
{
	struct move *move = add(m, opcode);

	move->op.arg.raw[0] = a;
	move->op.arg.raw[1] = b;
	return move;
}

static void add_opens(struct maker *m, __u16 opcode, __u64 space)
{
	for_each_arg(r, space, m->d->opens, m->d->nr_opens) {
		struct vmstore_arg_open *arg = &add(m, opcode)->op.arg.open;

		arg->space = space;
		arg->start = r->start;
		arg->end = r->start + r->len;
	}
}

/* The move made last with a flag, too */
static void add_deferred(struct maker *m)
{
	struct vmstore_op op = m->menu->moves[m->menu->nr - 1].op;

	if (!m->d->defers)
		return;
	add(m, op.opcode)->op = op;
	m->menu->moves[m->menu->nr - 1].op.flags |= VMSTORE_OPF_DEFER;
}

static void add_maps(struct maker *m, __u64 cursor)
{
	for_each_id(frame, &m->of[ARG_FRAME])
		for_each_arg(prop, cursor, m->d->props, m->d->nr_props) {
			struct vmstore_arg_map *arg =
				&add(m, VMSTORE_OP_CURSOR_MAP)->op.arg.map;

			arg->cursor = cursor;
			arg->frame = *frame;
			arg->prop = *prop;
			add_deferred(m);
		}
}

static void add_issues(struct maker *m, __u16 opcode, __u64 id)
{
	add_words(m, opcode, id, 0)->op.flags = VMSTORE_OPF_ALL;
	for_each_arg(r, id, m->d->flushes, m->d->nr_flushes)
		add_words(m, opcode, id, r->start)->op.arg.flush.len = r->len;
}

static void add_issues_with(struct maker *m, __u64 cursor)
{
	for_each_id(frame, &m->of[ARG_FRAME])
		for_each_arg(r, cursor, m->d->flushes, m->d->nr_flushes) {
			struct vmstore_arg_issue_with *arg =
				&add(m, VMSTORE_OP_TLB_ISSUE_WITH)->op.arg.issue_with;

			arg->cursor = cursor;
			arg->frame = *frame;
			arg->va = r->start;
			arg->len = r->len;
		}
}

static void add_map_frames(struct maker *m, __u64 cursor, const __u64 *ids, __u32 nr)
{
	for_each_arg(prop, cursor, m->d->props, m->d->nr_props) {
		struct move *move = add(m, VMSTORE_OP_CURSOR_MAP_FRAMES);
		struct vmstore_arg_map_frames *arg = &move->op.arg.map_frames;

		arg->cursor = cursor;
		arg->prop = *prop;
		arg->count = nr;
		/* Stands for the data; with none of it a bad pointer */
		arg->frames = !!ids;
		if (!ids)
			continue;
		memcpy(move->data, ids, nr * sizeof(*ids));
		move->len = nr * sizeof(*ids);
	}
}

static void add_all_map_frames(struct maker *m, __u64 cursor)
{
	add_map_frames(m, cursor, NULL, 0);
	if (cursor == NO_ID)
		return;
	add_map_frames(m, cursor, NULL, 1);
	for_each_id(a, &m->of[ARG_FRAME]) {
		add_map_frames(m, cursor, a, 1);
		for_each_id(b, &m->frames) {
			const __u64 two[] = { *a, *b };

			add_map_frames(m, cursor, two, 2);
		}
	}
}

static void add_map_segments(struct maker *m, __u64 cursor)
{
	for_each_id(seg, &m->of[ARG_SEGMENT])
		for_each_arg(prop, cursor, m->d->props, m->d->nr_props) {
			struct vmstore_arg_map_segment *arg =
				&add(m, VMSTORE_OP_CURSOR_MAP_SEGMENT)->op.arg.map_segment;

			arg->cursor = cursor;
			arg->segment = *seg;
			arg->prop = *prop;
		}
}

static void add_protects(struct maker *m, __u64 cursor)
{
	for_each_arg(len, cursor, m->d->lens, m->d->nr_lens)
		for_each_arg(change, cursor, m->d->changes, m->d->nr_changes) {
			struct move *move = add(m, VMSTORE_OP_CURSOR_PROTECT_NEXT);
			struct vmstore_arg_protect *arg = &move->op.arg.protect;

			move->op.flags = change->flags;
			arg->cursor = cursor;
			arg->len = *len;
			arg->prop = change->prop;
			arg->mask = change->mask;
		}
}

static void add_access(struct maker *m, __u64 space, __u64 va, __u16 flags)
{
	struct move *move = add(m, VMSTORE_OP_ACCESS);

	move->op.flags = flags;
	move->op.arg.access.space = space;
	move->op.arg.access.va = va;
	move->op.arg.access.width = 8;
	move->op.arg.access.value = flags ? 0x11 : 0;
}

/* Each area has its addresses */
static void add_area_accesses(struct maker *m, __u64 space)
{
	const struct orc_kvirt *area;

	orc_for_each(area, &m->s->kvirts)
		for_each_arg(spot, 0, m->d->spots, m->d->nr_spots) {
			add_access(m, space, area->start + *spot, 0);
			add_access(m, space, area->start + *spot, VMSTORE_OPF_WRITE);
		}
}

static void add_accesses(struct maker *m, __u64 space)
{
	for_each_arg(va, space, m->d->vas, m->d->nr_vas) {
		add_access(m, space, *va, 0);
		add_access(m, space, *va, VMSTORE_OPF_WRITE);
	}
	if (space == NO_ID)
		return;
	/* The linear window: of a data frame or not, and beyond */
	for_each_id(paddr, &m->paddrs)
		add_access(m, space, VMSTORE_KERNEL_BASE + *paddr, 0);
	add_access(m, space, VMSTORE_KVIRT_END - 8, 0);
	add_area_accesses(m, space);
}

static void add_id_pairs(struct maker *m, __u16 opcode, const struct ids *a,
			 const struct ids *b)
{
	for_each_id(x, a)
		for_each_id(y, b)
			add_words(m, opcode, *x, *y);
}

static void add_slices(struct maker *m, __u64 seg)
{
	__u32 i, k;

	add(m, VMSTORE_OP_SEGMENT_SLICE)->op.arg.slice = (struct vmstore_arg_slice) {
		.segment = seg, .start = m->base + 1, .end = m->base + VMSTORE_PAGE_SIZE,
	};
	if (seg == NO_ID)
		return;
	for (i = 0; i <= m->d->window; i++)
		for (k = 0; k <= m->d->window; k++) {
			struct vmstore_arg_slice *arg =
				&add(m, VMSTORE_OP_SEGMENT_SLICE)->op.arg.slice;

			arg->segment = seg;
			arg->start = m->base + i * VMSTORE_PAGE_SIZE;
			arg->end = m->base + k * VMSTORE_PAGE_SIZE;
		}
}

static void add_claims(struct maker *m)
{
	const __u16 opcode = VMSTORE_OP_SEGMENT_FROM_UNUSED;
	__u64 end = m->s->config.nr_slots * VMSTORE_PAGE_SIZE;
	__u32 i, k;

	for (i = 0; i <= m->d->window; i++)
		for (k = 0; k <= m->d->window; k++)
			add_words(m, opcode, m->base + i * VMSTORE_PAGE_SIZE,
				  m->base + k * VMSTORE_PAGE_SIZE);
	add_words(m, opcode, m->base + 1, m->base + VMSTORE_PAGE_SIZE);
	add_words(m, opcode, end - VMSTORE_PAGE_SIZE, end);
	add_words(m, opcode, end - VMSTORE_PAGE_SIZE, end + VMSTORE_PAGE_SIZE);
	add_words(m, opcode, 0, VMSTORE_PAGE_SIZE);
}

/* --- readers and writers ------------------------------------------ */

static void add_io_data(struct maker *m, __u16 opcode, __u64 io)
{
	for_each_arg(n, io, m->d->amounts, m->d->nr_amounts) {
		struct move *move = add(m, opcode);

		move->op.arg.io_data.io = io;
		move->op.arg.io_data.len = *n;
		move->op.arg.io_data.buf = *n <= sizeof(move->data);
		move->len = *n <= sizeof(move->data) ? *n : 0;
		if (opcode == VMSTORE_OP_WRITER_WRITE_VAL)
			memset(move->data, 0x22, sizeof(move->data));
	}
}

static void add_io_values(struct maker *m, __u16 opcode, __u64 io)
{
	static const __u32 widths[] = { 8, 3, 0 };
	const __u32 *width;

	for (width = widths; *width; width++) {
		struct vmstore_arg_io_value *arg = &add(m, opcode)->op.arg.io_value;

		arg->io = io;
		arg->width = *width;
		arg->value = opcode == VMSTORE_OP_READER_READ_ONCE ? 0 : 0x33;
	}
}

static void add_kernel_ios(struct maker *m, __u16 opcode)
{
	const struct orc_kvirt *area;

	for_each_arg(r, 0, m->d->kernel_ios, m->d->nr_kernel_ios)
		add_words(m, opcode, VMSTORE_KERNEL_BASE + m->base + r->start, r->len);
	orc_for_each(area, &m->s->kvirts)
		for_each_arg(r, 0, m->d->area_ios, m->d->nr_area_ios)
			add_words(m, opcode, area->start + r->start, r->len);
	/* No data frame; not the window */
	add_words(m, opcode, VMSTORE_KERNEL_BASE, 8);
	add_words(m, opcode, VMSTORE_KVIRT_END - 8, 8);
	add_words(m, opcode, 0, 8);
}

static void add_user_ios(struct maker *m, __u16 opcode, __u64 space)
{
	for_each_arg(r, space, m->d->ios, m->d->nr_ios) {
		struct vmstore_arg_io_new *arg = &add(m, opcode)->op.arg.io_new;

		arg->space = space;
		arg->vaddr = r->start;
		arg->len = r->len;
	}
}

/* --- frame lists ------------------------------------------ */

/* Every place of a list that holds all frames, and one more */
static void add_inserts(struct maker *m, __u64 list)
{
	__u32 n;

	for_each_id(unique, &m->of[ARG_UNIQUE])
		for (n = 0; n < nr_args(list, m->d->window + 2); n++)
			add_words(m, VMSTORE_OP_LIST_INSERT_AT, list,
				  *unique)->op.arg.list_insert.n = n;
}

static void add_takes(struct maker *m, __u64 list)
{
	__u32 n;

	for (n = 0; n < nr_args(list, m->d->window + 1); n++)
		add_words(m, VMSTORE_OP_LIST_TAKE_AT, list, n);
}

/* --- kernel areas ------------------------------------------ */

static void add_area(struct maker *m, const struct area *a, struct vmstore_prop prop,
		     const __u64 *first, const __u64 *second)
{
	struct move *move = add(m, VMSTORE_OP_KVIRT_MAP_FRAMES);
	struct vmstore_arg_kvirt_frames *arg = &move->op.arg.kvirt_frames;

	arg->area_size = a->size;
	arg->map_offset = a->offset;
	arg->prop = prop;
	arg->count = a->nr;
	/* Stands for the data */
	arg->frames = !!first;
	if (!first)
		return;
	move->data[0] = *first;
	if (second)
		move->data[1] = *second;
	move->len = a->nr * sizeof(move->data[0]);
}

static void add_areas(struct maker *m)
{
	for_each_arg(a, 0, m->d->areas, m->d->nr_areas)
		for_each_arg(prop, 0, m->d->props, m->d->nr_props) {
			if (!a->nr || a->nr > 2) {
				add_area(m, a, *prop, NULL, NULL);
				continue;
			}
			for_each_id(f, &m->of[ARG_FRAME]) {
				if (a->nr == 1) {
					add_area(m, a, *prop, f, NULL);
					continue;
				}
				for_each_id(g, &m->frames)
					add_area(m, a, *prop, f, g);
			}
		}
}

static void add_device_areas(struct maker *m)
{
	__u64 device = m->s->config.first_mmio * VMSTORE_PAGE_SIZE;

	for_each_arg(a, 0, m->d->device_areas, m->d->nr_device_areas)
		for_each_arg(prop, 0, m->d->props, m->d->nr_props) {
			struct vmstore_arg_kvirt_untracked *arg =
				&add(m, VMSTORE_OP_KVIRT_MAP_UNTRACKED)->op.arg.kvirt_untracked;

			arg->area_size = a->size;
			arg->map_offset = a->offset;
			arg->start = device + a->start;
			arg->end = arg->start + a->len;
			arg->prop = *prop;
		}
}

static void add_area_queries(struct maker *m, __u64 id)
{
	const struct orc_kvirt *area = orc_find(&m->s->kvirts, id);

	for_each_arg(spot, id, m->d->spots, m->d->nr_spots) {
		__u64 va = area ? area->start + *spot : VMSTORE_KVIRT_END - 8;

		add_words(m, VMSTORE_OP_KVIRT_QUERY, id, va)->op.flags = VMSTORE_OPF_PEEK;
		add_words(m, VMSTORE_OP_KVIRT_QUERY, id, va);
	}
}

static void add_area_protects(struct maker *m, __u64 area)
{
	for_each_arg(part, area, m->d->parts, m->d->nr_parts)
		for_each_arg(change, area, m->d->changes, m->d->nr_changes) {
			struct move *move = add(m, VMSTORE_OP_KVIRT_PROTECT_RANGE);
			struct vmstore_arg_kvirt_protect *arg = &move->op.arg.kvirt_protect;

			move->op.flags = change->flags;
			arg->area = area;
			arg->offset = part->start;
			arg->len = part->len;
			arg->prop = change->prop;
			arg->mask = change->mask;
		}
}

/* --- by opcode ------------------------------------------ */

/* The first argument is an id, or there is none */
static void add_by_id(struct maker *m, __u16 opcode, __u64 id)
{
	switch (opcode) {
	case VMSTORE_OP_CURSOR_OPEN:
	case VMSTORE_OP_CURSOR_OPEN_MUT:
		add_opens(m, opcode, id);
		break;
	case VMSTORE_OP_CURSOR_QUERY:
		add_words(m, opcode, id, 0)->op.flags = VMSTORE_OPF_PEEK;
		add_words(m, opcode, id, 0);
		break;
	case VMSTORE_OP_CURSOR_FIND_NEXT:
		for_each_arg(len, id, m->d->lens, m->d->nr_lens)
			add_words(m, opcode, id, *len);
		break;
	case VMSTORE_OP_CURSOR_UNMAP:
		for_each_arg(len, id, m->d->lens, m->d->nr_lens) {
			add_words(m, opcode, id, *len);
			add_deferred(m);
		}
		break;
	case VMSTORE_OP_CURSOR_JUMP:
		for_each_arg(va, id, m->d->vas, m->d->nr_vas)
			add_words(m, opcode, id, *va);
		break;
	case VMSTORE_OP_CURSOR_MAP:
		add_maps(m, id);
		break;
	case VMSTORE_OP_CURSOR_MAP_FRAMES:
		add_all_map_frames(m, id);
		break;
	case VMSTORE_OP_CURSOR_MAP_SEGMENT:
		add_map_segments(m, id);
		break;
	case VMSTORE_OP_CURSOR_PROTECT_NEXT:
		add_protects(m, id);
		break;
	case VMSTORE_OP_CURSOR_FLUSH:
		for_each_arg(r, id, m->d->flushes, m->d->nr_flushes)
			add_words(m, opcode, id, r->start)->op.arg.flush.len = r->len;
		break;
	case VMSTORE_OP_TLB_ISSUE:
	case VMSTORE_OP_TLB_FLUSH_LOCAL:
		add_issues(m, opcode, id);
		break;
	case VMSTORE_OP_TLB_ISSUE_WITH:
		add_issues_with(m, id);
		break;
	case VMSTORE_OP_ACCESS:
		add_accesses(m, id);
		break;
	case VMSTORE_OP_SEGMENT_SPLIT:
		for_each_arg(len, id, m->d->lens, m->d->nr_lens)
			add_words(m, opcode, id, *len);
		break;
	case VMSTORE_OP_SEGMENT_SLICE:
		add_slices(m, id);
		break;
	case VMSTORE_OP_READER_NEW:
	case VMSTORE_OP_WRITER_NEW:
		add_user_ios(m, opcode, id);
		break;
	case VMSTORE_OP_READER_READ_VAL:
	case VMSTORE_OP_READER_COLLECT:
	case VMSTORE_OP_WRITER_WRITE_VAL:
		add_io_data(m, opcode, id);
		break;
	case VMSTORE_OP_READER_LIMIT:
	case VMSTORE_OP_READER_SKIP:
	case VMSTORE_OP_WRITER_LIMIT:
	case VMSTORE_OP_WRITER_SKIP:
	case VMSTORE_OP_WRITER_FILL_ZEROS:
		for_each_arg(n, id, m->d->amounts, m->d->nr_amounts)
			add_words(m, opcode, id, *n);
		break;
	case VMSTORE_OP_WRITER_FILL:
	case VMSTORE_OP_READER_READ_ONCE:
	case VMSTORE_OP_WRITER_WRITE_ONCE:
		add_io_values(m, opcode, id);
		break;
	case VMSTORE_OP_LIST_CONTAINS:
	case VMSTORE_OP_LIST_CURSOR_AT:
		for_each_arg(paddr, id, m->paddrs.v, m->paddrs.nr)
			add_words(m, opcode, id, *paddr);
		break;
	case VMSTORE_OP_LIST_INSERT_AT:
		add_inserts(m, id);
		break;
	case VMSTORE_OP_LIST_PUSH_FRONT:
	case VMSTORE_OP_LIST_PUSH_BACK:
	case VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE:
		for_each_id(unique, &m->of[ARG_UNIQUE])
			add_words(m, opcode, id, *unique);
		break;
	case VMSTORE_OP_LIST_TAKE_AT:
		add_takes(m, id);
		break;
	case VMSTORE_OP_KVIRT_QUERY:
		add_area_queries(m, id);
		break;
	case VMSTORE_OP_KVIRT_UNMAP_RANGE:
		for_each_arg(part, id, m->d->parts, m->d->nr_parts)
			add_words(m, opcode, id, part->start)->op.arg.kvirt_range.len =
				part->len;
		break;
	case VMSTORE_OP_KVIRT_PROTECT_RANGE:
		add_area_protects(m, id);
		break;
	default:
		add_words(m, opcode, id, 0);
	}
}

static void add_op(struct maker *m, __u16 opcode)
{
	switch (opcode) {
	case VMSTORE_OP_FRAME_FROM_UNUSED:
	case VMSTORE_OP_FRAME_FROM_IN_USE:
	case VMSTORE_OP_UNIQUE_FROM_UNUSED:
		for_each_id(paddr, &m->paddrs)
			add_words(m, opcode, *paddr, 0);
		return;
	case VMSTORE_OP_FRAME_ALLOC:
	case VMSTORE_OP_SPACE_NEW:
	case VMSTORE_OP_LIST_NEW:
	case VMSTORE_OP_REAP:
		add(m, opcode);
		return;
	case VMSTORE_OP_SEGMENT_FROM_UNUSED:
		add_claims(m);
		return;
	case VMSTORE_OP_KREADER_NEW:
	case VMSTORE_OP_KWRITER_NEW:
		add_kernel_ios(m, opcode);
		return;
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
		add_areas(m);
		return;
	case VMSTORE_OP_KVIRT_MAP_UNTRACKED:
		add_device_areas(m);
		return;
	case VMSTORE_OP_READ:
	case VMSTORE_OP_WRITE:
	case VMSTORE_OP_READ_FALLIBLE:
	case VMSTORE_OP_WRITE_FALLIBLE:
		add_id_pairs(m, opcode, &m->of[ARG_IO], &m->of[ARG_IO]);
		return;
	case VMSTORE_OP_SPACE_ACTIVATE:
		add(m, opcode);
		break;
	}
	for_each_id(id, &m->of[links_arg(opcode, 0)])
		add_by_id(m, opcode, *id);
}

void menu_make(struct menu *menu, const struct domain *d, const struct orc_state *s,
	       __u64 base)
{
	struct maker m = { .menu = menu, .d = d, .s = s, .base = base };
	const __u16 *opcode;

	menu->nr = 0;
	find_all(&m);
	find_paddrs(&m);
	for (opcode = d->ops; *opcode; opcode++) {
		add_op(&m, *opcode);
		/* What no state allows */
		add(&m, *opcode)->op.flags = 0x8000;
		add(&m, *opcode)->op.cpu = s->config.nr_cpus;
		add(&m, *opcode)->op.arg.raw[5] = 1;
	}
}
