// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations. First a cell of the table operation x errno is drawn, then the
 * operation is built from the state so that this outcome is likely; what comes of it
 * the oracle says. Addresses come from a few places, so that things meet.
 */

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "gen_parts.h"

__u64 gen_random(struct gen *g)
{
	/* splitmix64 */
	__u64 x = g->seed += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

__u64 gen_below(struct gen *g, __u64 n)
{
	return n ? gen_random(g) % n : 0;
}

bool gen_chance(struct gen *g, __u32 percent)
{
	return gen_below(g, 100) < percent;
}

/* --- things to name ------------------------------------------------------------------ */

/* What an operation makes, by kind */
static int gen_makes(const struct vmstore_op *op)
{
	switch (op->opcode) {
	case VMSTORE_OP_FRAME_FROM_UNUSED:
	case VMSTORE_OP_FRAME_FROM_IN_USE:
	case VMSTORE_OP_FRAME_ALLOC:
	case VMSTORE_OP_FRAME_CLONE:
	case VMSTORE_OP_SEGMENT_NEXT:
	case VMSTORE_OP_FROM_UNIQUE:
		return ORC_FRAME;
	case VMSTORE_OP_CURSOR_QUERY:
	case VMSTORE_OP_KVIRT_QUERY:
		return op->flags & VMSTORE_OPF_PEEK ? -1 : ORC_FRAME;
	case VMSTORE_OP_SPACE_NEW:
		return ORC_SPACE;
	case VMSTORE_OP_CURSOR_OPEN:
	case VMSTORE_OP_CURSOR_OPEN_MUT:
		return ORC_CURSOR;
	case VMSTORE_OP_SEGMENT_FROM_UNUSED:
	case VMSTORE_OP_SEGMENT_SPLIT:
	case VMSTORE_OP_SEGMENT_CLONE:
	case VMSTORE_OP_SEGMENT_SLICE:
	case VMSTORE_OP_FRAME_TO_SEGMENT:
		return ORC_SEGMENT;
	case VMSTORE_OP_UNIQUE_FROM_UNUSED:
	case VMSTORE_OP_TRY_FROM_SHARED:
	case VMSTORE_OP_LIST_TAKE_AT:	/* if there is one */
	case VMSTORE_OP_LIST_POP_FRONT:
	case VMSTORE_OP_LIST_POP_BACK:
	case VMSTORE_OP_LIST_CURSOR_TAKE:
		return ORC_UNIQUE;
	case VMSTORE_OP_LIST_NEW:
		return ORC_LIST;
	case VMSTORE_OP_READER_NEW:
	case VMSTORE_OP_WRITER_NEW:
	case VMSTORE_OP_KREADER_NEW:
	case VMSTORE_OP_KWRITER_NEW:
		return ORC_IO;
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
	case VMSTORE_OP_KVIRT_MAP_UNTRACKED:
		return ORC_KVIRT;
	}
	return -1;
}

/* gen_ref - what an earlier operation of the group makes, or 0 */
__u64 gen_ref(struct gen *g, enum orc_id kind)
{
	__u32 i = gen_below(g, g->nr), n;

	for (n = 0; n < g->nr; n++, i = (i + 1) % g->nr) {
		const struct vmstore_op *op = &g->group[i].op;

		if (gen_makes(op) != (int)kind)
			continue;
		if (op->opcode == VMSTORE_OP_SEGMENT_SPLIT && gen_chance(g, 50))
			return VMSTORE_REF_SECOND(i);
		return VMSTORE_REF(i);
	}
	return 0;
}

/* gen_bad_id - one that is not there */
__u64 gen_bad_id(struct gen *g, enum orc_id kind)
{
	switch (gen_below(g, 8)) {
	case 0:
		return 0;
	case 1:
		return 1ULL << 40;
	case 2:		/* of another kind, perhaps: the same number is not the same thing */
		return g->s->last[kind] + 1000 + gen_below(g, 1000);
	default:	/* gone, mostly */
		return g->s->last[kind] > 64 ? 1 + gen_below(g, g->s->last[kind] - 64) :
		       g->s->last[kind] + 64;
	}
}

/* gen_any - any element, or NULL */
void *gen_any(struct gen *g, const struct orc_vec *v)
{
	return v->nr ? orc_at(v, gen_below(g, v->nr)) : NULL;
}

static const struct orc_vec *gen_registry(const struct gen *g, enum orc_id kind)
{
	switch (kind) {
	case ORC_FRAME:
		return &g->s->frames;
	case ORC_SPACE:
		return &g->s->spaces;
	case ORC_CURSOR:
		return &g->s->cursors;
	case ORC_SEGMENT:
		return &g->s->segments;
	case ORC_UNIQUE:
		return &g->s->uniques;
	case ORC_LIST:
		return &g->s->lists;
	case ORC_KVIRT:
		return &g->s->kvirts;
	default:
		return &g->s->ios;
	}
}

/* gen_id - of any object of a kind, made in this group at times; -ENOENT wants a bad one */
bool gen_id(struct gen *g, enum orc_id kind, int err, __u64 *id)
{
	const __u64 *e;

	if (err == ENOENT) {
		*id = gen_bad_id(g, kind);
		return true;
	}
	if (gen_chance(g, 30)) {
		*id = gen_ref(g, kind);
		if (*id)
			return true;
	}
	e = gen_any(g, gen_registry(g, kind));
	*id = e ? *e : 0;
	return e;
}

/* --- places -------------------------------------------------------------------------- */

static __u64 gen_va(struct gen *g)
{
	static const __u64 places[] = {
		0x400000, 0x3f8000,	/* in one leaf table; across two */
		(1ULL << 30) - 0x4000, (512ULL << 30) - 0x4000, 0x7f0000000000ULL,
		VMSTORE_USER_END - 0x20000,
	};

	if (gen_chance(g, 50))
		return places[0] + ORC_PAGE * gen_below(g, 32);
	return places[gen_below(g, ARRAY_SIZE(places))] +
	       ORC_PAGE * gen_below(g, 32);
}

static __u64 gen_len(struct gen *g)
{
	static const __u64 large[] = { 2ULL << 20, 6ULL << 20, 1ULL << 30, 1ULL << 40 };

	if (gen_chance(g, 5))
		return large[gen_below(g, 4)];
	return ORC_PAGE * (1 + gen_below(g, gen_chance(g, 60) ? 6 : 40));
}

static __u64 gen_paddr(struct gen *g)
{
	return gen_below(g, g->s->config.nr_slots) * ORC_PAGE;
}

static bool gen_is_free(const struct gen *g, __u64 paddr)
{
	const struct orc_slot *slot = orc_peek(g->s, paddr);

	return paddr / ORC_PAGE < g->s->config.first_mmio &&
	       (!slot || (!orc_users(slot) && !slot->uniques && !slot->node));
}

static bool gen_free_paddr(struct gen *g, __u64 *paddr)
{
	__u64 n;

	*paddr = gen_paddr(g);
	for (n = 0; n < g->s->config.nr_slots; n++) {
		if (gen_is_free(g, *paddr))
			return true;
		*paddr = (*paddr + ORC_PAGE) % (g->s->config.nr_slots * ORC_PAGE);
	}
	return false;
}

/* A frame that is used: by a leaf, handle, segment or exclusively */
static bool gen_used_paddr(struct gen *g, __u64 *paddr)
{
	__u32 i, n = g->s->slots.nr;

	for (i = gen_below(g, n); n--; i = (i + 1) % g->s->slots.nr) {
		const struct orc_slot *slot = orc_at(&g->s->slots, i);

		*paddr = slot->index * ORC_PAGE;
		if (orc_users(slot))
			return true;
	}
	return false;
}

static bool gen_unique_paddr(struct gen *g, __u64 *paddr)
{
	const struct orc_unique *u = gen_any(g, &g->s->uniques);

	if (u)
		*paddr = u->paddr;
	return u;
}

static bool gen_bad_paddr(struct gen *g, int err, __u64 *paddr)
{
	static const __u64 past[] = { 0, ORC_PAGE, 1ULL << 30, -ORC_PAGE };

	switch (err) {
	case EINVAL:
		*paddr = gen_paddr(g) + 1 + gen_below(g, ORC_PAGE - 1);
		return true;
	case ERANGE:
		*paddr = past[gen_below(g, 4)];
		if (*paddr < orc_region_size(g->s))
			*paddr += orc_region_size(g->s);
		return true;
	}
	return false;
}

/* gen_prop - one that can be encoded, or not */
struct vmstore_prop gen_prop(struct gen *g, bool good)
{
	struct vmstore_prop prop = {
		.flags = VMSTORE_PROP_R | (gen_random(g) & 0xde),
		.cache = gen_below(g, 3),
		.priv = gen_random(g) & 3,
	};

	if (gen_chance(g, 60))
		prop.flags |= VMSTORE_PROP_W;
	if (good)
		return prop;
	switch (gen_below(g, 5)) {
	case 0:
		prop.flags &= ~VMSTORE_PROP_R;
		break;
	case 1:
		prop.flags |= 0x20;
		break;
	case 2:
		prop.cache = VMSTORE_CACHE_WC + gen_below(g, 3);
		break;
	case 3:
		prop.priv |= gen_chance(g, 50) ? VMSTORE_PRIV_SHARED : 4;
		break;
	case 4:
		prop.__reserved = 1;
		break;
	}
	return prop;
}

/* --- frames, segments, exclusive handles --------------------------------------------- */

static bool gen_claim(struct gen *g, struct vmstore_op *op, int err)
{
	__u64 *paddr = &op->arg.paddr.paddr;

	if (err == EBUSY) {
		if (gen_chance(g, 10) && g->s->config.first_mmio < g->s->config.nr_slots) {
			*paddr = g->s->config.first_mmio * ORC_PAGE;
			return true;
		}
		if (gen_chance(g, 20))
			*paddr = gen_paddr(g);	/* a node, perhaps */
		return gen_chance(g, 30) ? gen_unique_paddr(g, paddr) :
		       gen_used_paddr(g, paddr);
	}
	return err ? gen_bad_paddr(g, err, paddr) : gen_free_paddr(g, paddr);
}

static bool gen_share(struct gen *g, struct vmstore_op *op, int err)
{
	__u64 *paddr = &op->arg.paddr.paddr;

	if (err == EBUSY)
		return gen_unique_paddr(g, paddr);
	if (err == ENOENT)
		return gen_free_paddr(g, paddr);
	return err ? gen_bad_paddr(g, err, paddr) : gen_used_paddr(g, paddr);
}

static bool gen_claim_range(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_range *arg = &op->arg.range;
	__u64 pages = 1 + gen_below(g, 6);

	arg->start = gen_paddr(g);
	switch (err) {
	case 0:
		if (!gen_free_paddr(g, &arg->start))
			return false;
		for (arg->end = arg->start; pages-- && gen_is_free(g, arg->end);)
			arg->end += ORC_PAGE;
		return true;
	case EINVAL:
		arg->end = arg->start + ORC_PAGE * pages;
		if (gen_chance(g, 30))
			arg->start += 1 + gen_below(g, ORC_PAGE - 1);
		else if (gen_chance(g, 50))
			arg->end -= 1 + gen_below(g, ORC_PAGE - 1);
		else
			arg->end = gen_below(g, arg->start / ORC_PAGE + 1) * ORC_PAGE;
		return true;
	case ERANGE:
		arg->end = orc_region_size(g->s) + ORC_PAGE * pages;
		return true;
	default:
		if (!gen_used_paddr(g, &arg->start))
			return false;
		arg->end = arg->start + ORC_PAGE * pages;
		if (arg->end > orc_region_size(g->s))
			arg->end = orc_region_size(g->s);
		return true;
	}
}

static bool gen_split(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_split *arg = &op->arg.split;
	const struct orc_segment *seg = gen_any(g, &g->s->segments);
	__u64 pages = seg ? (seg->end - seg->start) / ORC_PAGE : 0;

	arg->offset = ORC_PAGE;
	if (err == ENOENT)
		return gen_id(g, ORC_SEGMENT, err, &arg->segment);
	if (!seg)
		return false;
	arg->segment = seg->id;
	if (!err) {
		arg->offset = ORC_PAGE * (1 + gen_below(g, pages - 1));
		return pages > 1;
	}
	switch (gen_below(g, 3)) {
	case 0:
		arg->offset = 0;
		break;
	case 1:
		arg->offset = ORC_PAGE * (pages + gen_below(g, 2));
		break;
	case 2:
		arg->offset = 1 + gen_below(g, ORC_PAGE - 1);
		break;
	}
	return true;
}

static bool gen_slice(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_slice *arg = &op->arg.slice;
	const struct orc_segment *seg = gen_any(g, &g->s->segments);
	__u64 pages;

	arg->end = ORC_PAGE;
	if (err == ENOENT)
		return gen_id(g, ORC_SEGMENT, err, &arg->segment);
	if (!seg)
		return false;
	pages = (seg->end - seg->start) / ORC_PAGE;
	arg->segment = seg->id;
	arg->start = seg->start + ORC_PAGE * gen_below(g, pages);
	arg->end = arg->start + ORC_PAGE *
		   (1 + gen_below(g, (seg->end - arg->start) / ORC_PAGE < 8 ?
				  (seg->end - arg->start) / ORC_PAGE : 8));
	if (!err)
		return true;
	switch (gen_below(g, 4)) {
	case 0:
		arg->end = arg->start;
		break;
	case 1:
		arg->start += 1;
		break;
	case 2:
		arg->end = seg->end + ORC_PAGE;
		break;
	case 3:
		arg->start = seg->start - ORC_PAGE;
		break;
	}
	return true;
}

/* A handle that is the only reference, or one that is not */
static bool gen_try_unique(struct gen *g, struct vmstore_op *op, int err)
{
	__u32 n, i;

	if (err == ENOENT)
		return gen_id(g, ORC_FRAME, err, &op->arg.id.id);
	for (n = g->s->frames.nr, i = gen_below(g, n); n--; i = (i + 1) % g->s->frames.nr) {
		const struct orc_frame *f = orc_at(&g->s->frames, i);

		op->arg.id.id = f->id;
		if (orc_users(orc_peek(g->s, f->paddr)) > 1 ? err == EBUSY : !err)
			return true;
	}
	return false;
}

/* --- frame lists --------------------------------------------------------------------- */

/* Does the operation want a list that has a cursor? */
static bool gen_wants_cursor(__u16 opcode)
{
	return opcode >= VMSTORE_OP_LIST_MOVE_NEXT && opcode <= VMSTORE_OP_LIST_CURSOR_DROP;
}

static const struct orc_list *gen_list(struct gen *g, bool cursor)
{
	__u32 n, i;

	for (n = g->s->lists.nr, i = gen_below(g, n); n--; i = (i + 1) % g->s->lists.nr) {
		const struct orc_list *l = orc_at(&g->s->lists, i);

		if (l->cursor == cursor)
			return l;
	}
	return NULL;
}

/* A list as the operation wants it; the other kind is EBUSY or EINVAL */
static bool gen_list_id(struct gen *g, struct vmstore_op *op, int err)
{
	bool cursor = gen_wants_cursor(op->opcode);
	const struct orc_list *l;

	if (err == ENOENT)
		return gen_id(g, ORC_LIST, err, &op->arg.id.id);
	if (!err && !cursor && gen_chance(g, 10)) {
		op->arg.id.id = gen_ref(g, ORC_LIST);
		if (op->arg.id.id)
			return true;
	}
	if (err == EBUSY || (err == EINVAL && cursor))
		cursor = !cursor;
	l = gen_list(g, cursor);
	op->arg.id.id = l ? l->id : 0;
	return l;
}

static bool gen_list_put(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_list_insert *arg = &op->arg.list_insert;
	bool bad_unique = err == ENOENT && gen_chance(g, 50);
	const struct orc_list *l;

	if (!gen_list_id(g, op, bad_unique ? 0 : err) ||
	    !gen_id(g, ORC_UNIQUE, bad_unique ? err : 0, &arg->unique))
		return false;
	if (op->opcode != VMSTORE_OP_LIST_INSERT_AT)
		return true;
	l = orc_find(&g->s->lists, arg->list);
	arg->n = gen_below(g, l ? l->nr + 1 : 1);
	if (err == EINVAL)
		arg->n = gen_chance(g, 20) ? -1ULL : (l ? l->nr : 0) + 1 + gen_below(g, 2);
	return true;
}

/* A frame that is in the list, mostly */
static bool gen_list_frame(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_list_frame *arg = &op->arg.list_frame;
	const struct orc_list *l;

	if (!gen_list_id(g, op, err))
		return false;
	l = orc_find(&g->s->lists, arg->list);
	if (l && l->nr && gen_chance(g, 70))
		arg->paddr = l->paddr[gen_below(g, l->nr)] + (gen_chance(g, 5) ? 8 : 0);
	else if (gen_chance(g, 60))
		arg->paddr = gen_paddr(g);
	else if (gen_chance(g, 50))
		gen_unique_paddr(g, &arg->paddr);
	else
		gen_bad_paddr(g, ERANGE, &arg->paddr);
	return true;
}

static bool gen_list_take_at(struct gen *g, struct vmstore_op *op, int err)
{
	const struct orc_list *l;

	if (!gen_list_id(g, op, err))
		return false;
	l = orc_find(&g->s->lists, op->arg.list_at.list);
	op->arg.list_at.n = gen_below(g, l ? l->nr + 2 : 2);
	if (gen_chance(g, 2))
		op->arg.list_at.n = gen_random(g);
	return true;
}

/* --- spaces and cursors -------------------------------------------------------------- */

static bool gen_referenced(const struct gen *g, const struct orc_space *space)
{
	const struct orc_cursor *c;
	const struct orc_io *io;

	orc_for_each(c, &g->s->cursors)
		if (c->space == space->id)
			return true;
	orc_for_each(io, &g->s->ios)
		if (io->space == space->id)
			return true;
	return space->active;
}

static bool gen_space_drop(struct gen *g, struct vmstore_op *op, int err)
{
	__u32 n, i;

	if (err == ENOENT)
		return gen_id(g, ORC_SPACE, err, &op->arg.id.id);
	for (n = g->s->spaces.nr, i = gen_below(g, n); n--; i = (i + 1) % g->s->spaces.nr) {
		const struct orc_space *space = orc_at(&g->s->spaces, i);

		op->arg.id.id = space->id;
		if (gen_referenced(g, space) ? err == EBUSY : !err)
			return true;
	}
	return false;
}

static bool gen_activate(struct gen *g, struct vmstore_op *op, int err)
{
	if (!err && gen_chance(g, 35))
		return true;	/* none */
	if (!gen_id(g, ORC_SPACE, err, &op->arg.id.id))
		return false;
	if (err && !op->arg.id.id)
		op->arg.id.id = 1ULL << 40;
	return true;
}

static bool gen_open(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_open *arg = &op->arg.open;
	const struct orc_cursor *c;
	__u64 page;

	arg->start = gen_va(g);
	arg->end = arg->start + gen_len(g);
	if (arg->end > VMSTORE_USER_END)
		arg->end = VMSTORE_USER_END;
	switch (err) {
	case EBUSY:
		c = gen_any(g, &g->s->cursors);
		if (!c)
			return false;
		arg->space = c->space;
		page = c->start + gen_below(g, (c->end - c->start) / ORC_PAGE) * ORC_PAGE;
		arg->start = page;
		arg->end = page + ORC_PAGE;
		return true;
	case EACCES:
		switch (gen_below(g, 5)) {
		case 0:
			arg->end = arg->start;
			break;
		case 1:
			arg->start += 1 + gen_below(g, ORC_PAGE - 1);
			break;
		case 2:
			arg->end -= 1 + gen_below(g, ORC_PAGE - 1);
			break;
		case 3:
			arg->end = VMSTORE_USER_END + ORC_PAGE;
			break;
		case 4:
			arg->start = arg->end + ORC_PAGE;
			break;
		}
		break;
	case ENOMEM:
		/* Where no path is yet */
		arg->start = gen_below(g, 200) << 39;
		arg->end = arg->start + ORC_PAGE;
		break;
	}
	return gen_id(g, ORC_SPACE, err, &arg->space);
}

static const struct orc_cursor *gen_cursor(struct gen *g, bool mut, bool inside)
{
	__u32 n, i;

	for (n = g->s->cursors.nr, i = gen_below(g, n); n--; i = (i + 1) % g->s->cursors.nr) {
		const struct orc_cursor *c = orc_at(&g->s->cursors, i);

		if ((c->mut || !mut) && (c->va < c->end || !inside))
			return c;
	}
	return NULL;
}

/* A mutable cursor inside its range and, at times, one just opened or a read-only one */
bool gen_cursor_id(struct gen *g, bool mut, int err, __u64 *id)
{
	const struct orc_cursor *c;

	if (err == ENOENT || gen_chance(g, 10))
		return gen_id(g, ORC_CURSOR, err, id);
	c = gen_cursor(g, mut && (err != EINVAL || gen_chance(g, 80)), !err);
	*id = c ? c->id : 0;
	return c;
}

static bool gen_query(struct gen *g, struct vmstore_op *op, int err)
{
	__u32 i;

	if (gen_chance(g, 30))
		op->flags |= VMSTORE_OPF_PEEK;
	if (err != EACCES)
		return gen_cursor_id(g, false, err, &op->arg.id.id);
	for (i = 0; i < g->s->cursors.nr; i++) {
		const struct orc_cursor *c = orc_at(&g->s->cursors, i);

		op->arg.id.id = c->id;
		if (c->va >= c->end)
			return true;
	}
	return false;
}

static __u64 gen_bad_len(struct gen *g, const struct orc_cursor *c)
{
	switch (gen_below(g, 3)) {
	case 0:
		return 1 + gen_below(g, ORC_PAGE - 1);
	case 1:
		return -ORC_PAGE;
	default:
		return (c ? c->end - c->start : 0) + ORC_PAGE;
	}
}

static bool gen_walk(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_len *arg = &op->arg.len;
	bool mut = op->opcode == VMSTORE_OP_CURSOR_UNMAP;
	const struct orc_cursor *c;
	__u64 pages;

	if (!gen_cursor_id(g, mut, err, &arg->cursor))
		return false;
	c = orc_find(&g->s->cursors, arg->cursor);
	pages = c && c->va < c->end ? (c->end - c->va) / ORC_PAGE : 0;
	if (err == EINVAL)
		arg->len = gen_bad_len(g, c);
	else if (gen_chance(g, 30))
		arg->len = pages * ORC_PAGE;
	else
		arg->len = gen_below(g, (pages < 12 ? pages : 12) + 1) * ORC_PAGE;
	return true;
}

static bool gen_jump(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_jump *arg = &op->arg.jump;
	const struct orc_cursor *c = gen_cursor(g, false, false);

	if (err == ENOENT)
		return gen_id(g, ORC_CURSOR, err, &arg->cursor);
	if (!c)
		return false;
	arg->cursor = c->id;
	if (err == EACCES)
		arg->va = gen_chance(g, 50) ? c->end : c->start - ORC_PAGE;
	else if (gen_chance(g, 40))
		arg->va = c->start;
	else
		arg->va = c->start + gen_below(g, (c->end - c->start) / ORC_PAGE) * ORC_PAGE;
	if (err == EINVAL)
		arg->va += 1 + gen_below(g, ORC_PAGE - 1);
	return true;
}

static bool gen_map(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_map *arg = &op->arg.map;
	bool bad_frame = err == ENOENT && gen_chance(g, 50);

	arg->prop = gen_prop(g, err != EINVAL || gen_chance(g, 30));
	if (err == EINVAL && gen_chance(g, 10))
		arg->__reserved = 1;
	return gen_cursor_id(g, true, bad_frame ? 0 : err, &arg->cursor) &&
	       gen_id(g, ORC_FRAME, bad_frame ? err : 0, &arg->frame);
}

static bool gen_map_frames(struct gen *g, struct vmstore_op *op, int err)
{
	struct gen_op *o = &g->group[g->nr];
	struct vmstore_arg_map_frames *arg = &op->arg.map_frames;
	bool bad_frame = err == ENOENT && gen_chance(g, 50);
	__u64 *ids = (__u64 *)o->data;
	const struct orc_cursor *c;
	__u64 room;
	__u32 i;

	arg->prop = gen_prop(g, err != EINVAL || gen_chance(g, 50));
	if (!gen_cursor_id(g, true, bad_frame ? 0 : err, &arg->cursor))
		return false;
	c = orc_find(&g->s->cursors, arg->cursor);
	room = c && c->va < c->end ? (c->end - c->va) / ORC_PAGE : 0;
	if (room > 12)
		room = 12;
	arg->count = gen_below(g, room + 1) + (err == EINVAL ? gen_below(g, 3) : 0);
	if (err == EFAULT) {
		arg->count++;
		return true;
	}
	if (arg->count > g->s->frames.nr)
		arg->count = g->s->frames.nr;
	for (i = 0; i < arg->count; i++) {
		__u32 k = (gen_below(g, 3) + 3 * i) % g->s->frames.nr;

		ids[i] = *(__u64 *)orc_at(&g->s->frames, k);
	}
	if (bad_frame && arg->count)
		ids[gen_below(g, arg->count)] = gen_bad_id(g, ORC_FRAME);
	else if (arg->count && gen_chance(g, 20))
		ids[gen_below(g, arg->count)] = gen_ref(g, ORC_FRAME) ?: ids[0];
	arg->frames = (uintptr_t)ids;
	o->len = arg->count * sizeof(*ids);
	return !bad_frame || arg->count;
}

static bool gen_map_segment(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_map_segment *arg = &op->arg.map_segment;
	bool bad_segment = err == ENOENT && gen_chance(g, 50);
	const struct orc_segment *seg;
	const struct orc_cursor *c;

	arg->prop = gen_prop(g, err != EINVAL || gen_chance(g, 30));
	if (!gen_cursor_id(g, true, bad_segment ? 0 : err, &arg->cursor) ||
	    !gen_id(g, ORC_SEGMENT, bad_segment ? err : 0, &arg->segment))
		return false;
	seg = orc_find(&g->s->segments, arg->segment);
	c = orc_find(&g->s->cursors, arg->cursor);
	if (!err && seg && c && seg->end - seg->start > c->end - c->va)
		return false;
	/* The one that keeps the region full */
	return err || !seg || seg->end - seg->start < 64 * ORC_PAGE;
}

static bool gen_protect(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_protect *arg = &op->arg.protect;
	const struct orc_cursor *c;

	if (!gen_cursor_id(g, true, err, &arg->cursor))
		return false;
	c = orc_find(&g->s->cursors, arg->cursor);
	if (c && c->va < c->end)
		arg->len = (gen_chance(g, 70) ? (c->end - c->va) / ORC_PAGE :
			    gen_below(g, (c->end - c->va) / ORC_PAGE)) * ORC_PAGE;
	arg->prop = gen_prop(g, true);
	arg->mask.flags = gen_random(g) & 0xde;
	arg->mask.priv = gen_random(g) & 3;
	if (gen_chance(g, 30))
		op->flags |= VMSTORE_OPF_CACHE;
	else
		arg->prop.cache = 0;
	if (err != EINVAL)
		return true;
	switch (gen_below(g, 4)) {
	case 0:
		arg->mask.flags |= VMSTORE_PROP_R;
		arg->prop.flags &= ~VMSTORE_PROP_R;
		break;
	case 1:
		arg->mask.cache = 1;
		break;
	case 2:
		arg->len = gen_bad_len(g, c);
		break;
	case 3:
		arg->prop.flags |= 0x20;
		break;
	}
	return true;
}

static bool gen_flush(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_flush *arg = &op->arg.flush;
	const struct orc_cursor *c;

	if (!gen_cursor_id(g, true, err == EACCES ? 0 : err, &arg->cursor))
		return false;
	c = orc_find(&g->s->cursors, arg->cursor);
	if (gen_chance(g, 50) && c) {
		arg->va = c->start;
		arg->len = c->end - c->start;
	}
	if (err == EINVAL)
		*(gen_chance(g, 50) ? &arg->va : &arg->len) += 1 + gen_below(g, ORC_PAGE - 1);
	if (err == EACCES) {
		arg->va = VMSTORE_USER_END;
		arg->len = ORC_PAGE;
	}
	return true;
}

static bool gen_id_op(struct gen *g, struct vmstore_op *op, int err, enum orc_id kind)
{
	return gen_id(g, kind, err, &op->arg.id.id);
}

/* --- access -------------------------------------------------------------------------- */

static __u32 gen_width(struct gen *g)
{
	return 1u << gen_below(g, 4);
}

/* A space, preferably one with leaves, and a leaf of it or NULL */
static const struct orc_space *gen_mapped(struct gen *g, const struct orc_leaf **leaf)
{
	const struct orc_space *space = gen_any(g, &g->s->spaces);
	__u32 n;

	for (n = 0; space && !space->leaves.nr && n < 4; n++)
		space = gen_any(g, &g->s->spaces);
	*leaf = space ? gen_any(g, &space->leaves) : NULL;
	return space;
}

static __u64 gen_value(struct gen *g)
{
	return gen_chance(g, 20) ? gen_below(g, 256) : gen_random(g);
}

static bool gen_access(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_access *arg = &op->arg.access;
	const struct orc_leaf *leaf;
	const struct orc_space *space = gen_mapped(g, &leaf);
	__u64 paddr, va;

	arg->width = gen_width(g);
	arg->va = leaf ? leaf->va : gen_va(g);
	if (gen_chance(g, 50)) {
		op->flags |= VMSTORE_OPF_WRITE;
		arg->value = gen_value(g);
	}
	if (err == EFAULT && gen_chance(g, 50))
		arg->va = gen_va(g) % VMSTORE_MAX_USERSPACE_VADDR;
	/* A few places in a page, so that what was written is read */
	arg->va += gen_chance(g, 70) ? 8 * gen_below(g, 4) :
		   gen_below(g, ORC_PAGE / 8) * 8;
	if (gen_chance(g, 20) && !err && gen_used_paddr(g, &paddr))
		arg->va = VMSTORE_KERNEL_BASE + paddr + 8 * gen_below(g, 4);
	if (gen_chance(g, 25) && (!err || err == EFAULT) && gen_kvirt_va(g, !err, &va))
		arg->va = va + 8 * gen_below(g, 4);
	if (!gen_id(g, ORC_SPACE, err == ENOENT ? err : 0, &arg->space))
		return false;
	if (err != ENOENT && space)
		arg->space = space->id;
	switch (err) {
	case EINVAL:
		if (gen_chance(g, 30)) {
			arg->width = 3;
		} else {
			arg->width = 2u << gen_below(g, 3);
			arg->va |= 1;
		}
		break;
	case EACCES:
		if (gen_chance(g, 50) && gen_free_paddr(g, &paddr))
			arg->va = VMSTORE_KERNEL_BASE + paddr;
		else if (gen_chance(g, 30) && gen_unique_paddr(g, &paddr))
			arg->va = VMSTORE_KERNEL_BASE + paddr;
		else
			arg->va = gen_chance(g, 50) ? VMSTORE_MAX_USERSPACE_VADDR :
				  VMSTORE_KERNEL_BASE + orc_region_size(g->s);
		break;
	}
	return true;
}

/* --- readers and writers ------------------------------------------------------------- */

static bool gen_io_new(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_io_new *arg = &op->arg.io_new;
	const struct orc_leaf *leaf = NULL;
	const struct orc_space *space = gen_mapped(g, &leaf);
	__u32 n;

	arg->vaddr = leaf ? leaf->va : gen_va(g) % VMSTORE_MAX_USERSPACE_VADDR;
	arg->vaddr += gen_chance(g, 60) ? gen_below(g, 64) : gen_below(g, ORC_PAGE);
	arg->len = gen_chance(g, 60) ? gen_below(g, 200) : gen_below(g, 3 * ORC_PAGE);
	if (gen_chance(g, op->opcode == VMSTORE_OP_READER_NEW ? 30 : 3))
		arg->len = (2 << 20) + gen_below(g, 100);
	if (arg->len > VMSTORE_MAX_USERSPACE_VADDR - arg->vaddr)
		arg->len = VMSTORE_MAX_USERSPACE_VADDR - arg->vaddr;
	if (err == ENOENT)
		return gen_id(g, ORC_SPACE, err, &arg->space);
	if (!space)
		return false;
	arg->space = space->id;
	if (err == EACCES && gen_chance(g, 50)) {
		arg->vaddr = gen_chance(g, 50) ? VMSTORE_MAX_USERSPACE_VADDR :
			     VMSTORE_KERNEL_BASE;
		arg->len = gen_chance(g, 50) ? 1 : -1ULL;
		return true;
	}
	for (n = 0; n < g->s->config.nr_cpus; n++) {
		op->cpu = (op->cpu + 1) % g->s->config.nr_cpus;
		if (!!(space->active & 1ULL << op->cpu) == !err)
			return true;
	}
	return false;
}

static bool gen_kio_new(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_kio_new *arg = &op->arg.kio_new;
	const struct orc_segment *seg = gen_any(g, &g->s->segments);
	__u64 paddr, room;

	if (gen_chance(g, 40) && gen_kvirt_io(g, op, err))
		return true;
	if (err == EACCES) {
		if (gen_chance(g, 50) && gen_free_paddr(g, &paddr))
			arg->vaddr = VMSTORE_KERNEL_BASE + paddr;
		else if (gen_chance(g, 50))
			arg->vaddr = VMSTORE_KERNEL_BASE + orc_region_size(g->s) - 8;
		else
			arg->vaddr = gen_va(g);
		arg->len = 16;
		return true;
	}
	if (!gen_used_paddr(g, &paddr))
		return false;
	room = ORC_PAGE;
	if (seg && gen_chance(g, 40)) {
		paddr = seg->start;
		room = seg->end - seg->start < 3 * ORC_PAGE ? seg->end - seg->start :
		       3 * ORC_PAGE;
	}
	arg->vaddr = gen_chance(g, 60) ? 8 * gen_below(g, 8) : gen_below(g, room);
	arg->len = gen_below(g, gen_chance(g, 60) && room - arg->vaddr > 64 ? 64 :
			     room - arg->vaddr + 1);
	if (gen_chance(g, 50))
		arg->len &= ~7ULL;
	arg->vaddr += VMSTORE_KERNEL_BASE + paddr;
	return true;
}

static bool gen_op_writes(__u16 opcode)
{
	switch (opcode) {
	case VMSTORE_OP_WRITER_DROP:
	case VMSTORE_OP_WRITER_WRITE_VAL:
	case VMSTORE_OP_WRITER_FILL_ZEROS:
	case VMSTORE_OP_WRITER_LIMIT:
	case VMSTORE_OP_WRITER_SKIP:
	case VMSTORE_OP_WRITER_QUERY:
	case VMSTORE_OP_WRITER_FILL:
	case VMSTORE_OP_WRITER_WRITE_ONCE:
		return true;
	}
	return false;
}

enum gen_side { GEN_ANY, GEN_USER, GEN_KERNEL };

/* A reader or writer with something left, if there is one */
static const struct orc_io *gen_io(struct gen *g, bool writer, enum gen_side side, __u64 left)
{
	const struct orc_io *found = NULL;
	__u32 n, i;

	for (n = g->s->ios.nr, i = gen_below(g, n); n--; i = (i + 1) % g->s->ios.nr) {
		const struct orc_io *io = orc_at(&g->s->ios, i);

		if (io->writer != writer || (side == GEN_USER && !io->space) ||
		    (side == GEN_KERNEL && io->space))
			continue;
		found = io;
		if (io->end - io->cursor >= left)
			break;
	}
	return found;
}

/* The right kind, or for -EINVAL at times the wrong one */
static bool gen_io_id(struct gen *g, struct vmstore_op *op, int err, enum gen_side side,
		      __u64 *id, const struct orc_io **found)
{
	bool writer = gen_op_writes(op->opcode);
	const struct orc_io *io;

	*found = NULL;
	if (err == ENOENT)
		return gen_id(g, ORC_IO, err, id);
	if (err == EINVAL && gen_chance(g, 40))
		writer = !writer;
	io = gen_io(g, writer, err == EFAULT ? GEN_USER : side, 1);
	*id = io ? io->id : 0;
	*found = io;
	return io;
}

static bool gen_io_drop(struct gen *g, struct vmstore_op *op, int err)
{
	const struct orc_io *io;

	if (err == EINVAL) {
		io = gen_io(g, !gen_op_writes(op->opcode), GEN_ANY, 0);
		op->arg.id.id = io ? io->id : 0;
		return io;
	}
	return gen_io_id(g, op, err, GEN_ANY, &op->arg.id.id, &io);
}

static bool gen_io_len(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_io_len *arg = &op->arg.io_len;
	const struct orc_io *io;
	__u64 left;

	if (!gen_io_id(g, op, err, GEN_ANY, &arg->io, &io))
		return false;
	left = io ? io->end - io->cursor : 0;
	arg->n = gen_below(g, left + 1);
	if (gen_chance(g, 50) && left > 16)
		arg->n = gen_below(g, 16);
	if (op->opcode == VMSTORE_OP_WRITER_FILL_ZEROS && left > 3 * ORC_PAGE)
		arg->n = gen_below(g, 3 * ORC_PAGE);
	if (err == EINVAL)
		arg->n = gen_chance(g, 50) ? left + 1 : -1ULL;
	else if (gen_chance(g, 10) && (op->opcode == VMSTORE_OP_READER_LIMIT ||
				       op->opcode == VMSTORE_OP_WRITER_LIMIT))
		arg->n = left + 10;
	return true;
}

static bool gen_io_data(struct gen *g, struct vmstore_op *op, int err)
{
	struct gen_op *o = &g->group[g->nr];
	struct vmstore_arg_io_data *arg = &op->arg.io_data;
	bool collect = op->opcode == VMSTORE_OP_READER_COLLECT;
	const struct orc_io *io;
	__u64 left;
	__u32 i;

	if (!gen_io_id(g, op, err, GEN_ANY, &arg->io, &io))
		return false;
	left = io ? io->end - io->cursor : 0;
	if (err == ENOMEM) {
		io = gen_io(g, false, GEN_USER, VMSTORE_MAX_DATA + 1);
		if (!io || io->end - io->cursor <= VMSTORE_MAX_DATA)
			return false;
		arg->io = io->id;
		arg->len = 16;
		arg->buf = (uintptr_t)o->data;
		return true;
	}
	if (left > GEN_DATA) {
		if (collect)
			return false;
		left = GEN_DATA;
	}
	arg->len = collect || gen_chance(g, 20) ? left :
		   gen_below(g, left < 32 ? left + 1 : 32);
	if (collect && gen_chance(g, 50) && left + 8 <= GEN_DATA)
		arg->len = left + 8;
	if (err == EINVAL && (!collect || left))
		arg->len = collect ? gen_below(g, left) :
			   gen_chance(g, 50) ? left + 1 : VMSTORE_MAX_DATA + 1;
	if (arg->len > GEN_DATA && err != EINVAL)
		return false;
	arg->buf = (uintptr_t)o->data;
	o->len = arg->len < GEN_DATA ? arg->len : GEN_DATA;
	for (i = 0; i < o->len; i++)
		o->data[i] = gen_random(g);
	return true;
}

static bool gen_io_pair(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_io_pair *arg = &op->arg.io_pair;
	bool fallible = op->opcode == VMSTORE_OP_READ_FALLIBLE ||
			op->opcode == VMSTORE_OP_WRITE_FALLIBLE;
	enum gen_side from = fallible ? GEN_ANY : GEN_KERNEL, to = from;
	const struct orc_io *src, *dst;

	if (fallible)
		*(gen_chance(g, 50) ? &from : &to) = GEN_USER;
	if (err == EINVAL) {
		from = fallible ? GEN_KERNEL : GEN_USER;
		to = from;
	}
	src = gen_io(g, err == EINVAL && gen_chance(g, 30), from, 8);
	dst = gen_io(g, err != EINVAL || gen_chance(g, 70), to, 8);
	if (!src || !dst)
		return false;
	arg->source = src->id;
	arg->dest = dst->id;
	if (err == ENOENT)
		*(gen_chance(g, 50) ? &arg->source : &arg->dest) = gen_bad_id(g, ORC_IO);
	return true;
}

static bool gen_io_value(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_io_value *arg = &op->arg.io_value;
	const struct orc_io *io;
	__u64 left, cursor;

	if (!gen_io_id(g, op, err, err == EINVAL && gen_chance(g, 20) ? GEN_USER : GEN_KERNEL,
		       &arg->io, &io))
		return false;
	arg->width = gen_width(g);
	left = io ? io->end - io->cursor : 8;
	cursor = io ? io->cursor : 0;
	if (err == EINVAL) {
		if (gen_chance(g, 20))
			arg->width = 5;
	} else {
		while (arg->width > 1 && (cursor % arg->width || left < arg->width ||
					  (op->opcode == VMSTORE_OP_WRITER_FILL &&
					   left % arg->width)))
			arg->width /= 2;
		if (!left && op->opcode != VMSTORE_OP_WRITER_FILL)
			return false;
	}
	if (op->opcode != VMSTORE_OP_READER_READ_ONCE)
		arg->value = arg->width == 8 ? gen_value(g) :
			     gen_value(g) & ((1ULL << 8 * (arg->width & 7)) - 1);
	return true;
}

/* --- the table of cells -------------------------------------------------------------- */

#define CELL(op, err)	{ VMSTORE_OP_##op, err }

/* Every operation can succeed, have a flag it does not know, or a CPU there is not */
const struct gen_cell gen_cells[] = {
	CELL(FRAME_FROM_UNUSED, 0), CELL(FRAME_FROM_UNUSED, EOPNOTSUPP),
	CELL(FRAME_FROM_UNUSED, EINVAL), CELL(FRAME_FROM_UNUSED, ERANGE),
	CELL(FRAME_FROM_UNUSED, EBUSY),
	CELL(FRAME_FROM_IN_USE, 0), CELL(FRAME_FROM_IN_USE, EOPNOTSUPP),
	CELL(FRAME_FROM_IN_USE, EINVAL), CELL(FRAME_FROM_IN_USE, ERANGE),
	CELL(FRAME_FROM_IN_USE, EBUSY), CELL(FRAME_FROM_IN_USE, ENOENT),
	CELL(FRAME_ALLOC, 0), CELL(FRAME_ALLOC, EOPNOTSUPP), CELL(FRAME_ALLOC, EINVAL),
	CELL(FRAME_ALLOC, ENOMEM),
	CELL(FRAME_DROP, 0), CELL(FRAME_DROP, EOPNOTSUPP), CELL(FRAME_DROP, EINVAL),
	CELL(FRAME_DROP, ENOENT),
	CELL(SPACE_NEW, 0), CELL(SPACE_NEW, EOPNOTSUPP), CELL(SPACE_NEW, EINVAL),
	CELL(SPACE_NEW, ENOMEM),
	CELL(SPACE_DROP, 0), CELL(SPACE_DROP, EOPNOTSUPP), CELL(SPACE_DROP, EINVAL),
	CELL(SPACE_DROP, ENOENT), CELL(SPACE_DROP, EBUSY),
	CELL(SPACE_ACTIVATE, 0), CELL(SPACE_ACTIVATE, EOPNOTSUPP),
	CELL(SPACE_ACTIVATE, EINVAL), CELL(SPACE_ACTIVATE, ENOENT),
	CELL(CURSOR_OPEN, 0), CELL(CURSOR_OPEN, EOPNOTSUPP), CELL(CURSOR_OPEN, EINVAL),
	CELL(CURSOR_OPEN, ENOENT), CELL(CURSOR_OPEN, EACCES), CELL(CURSOR_OPEN, EBUSY),
	CELL(CURSOR_OPEN, ENOMEM),
	CELL(CURSOR_OPEN_MUT, 0), CELL(CURSOR_OPEN_MUT, EOPNOTSUPP),
	CELL(CURSOR_OPEN_MUT, EINVAL), CELL(CURSOR_OPEN_MUT, ENOENT),
	CELL(CURSOR_OPEN_MUT, EACCES), CELL(CURSOR_OPEN_MUT, EBUSY),
	CELL(CURSOR_OPEN_MUT, ENOMEM),
	CELL(CURSOR_DROP, 0), CELL(CURSOR_DROP, EOPNOTSUPP), CELL(CURSOR_DROP, EINVAL),
	CELL(CURSOR_DROP, ENOENT),
	CELL(CURSOR_QUERY, 0), CELL(CURSOR_QUERY, EOPNOTSUPP),
	CELL(CURSOR_QUERY, EINVAL), CELL(CURSOR_QUERY, ENOENT),
	CELL(CURSOR_QUERY, EACCES),
	CELL(CURSOR_FIND_NEXT, 0), CELL(CURSOR_FIND_NEXT, EOPNOTSUPP),
	CELL(CURSOR_FIND_NEXT, EINVAL), CELL(CURSOR_FIND_NEXT, ENOENT),
	CELL(CURSOR_JUMP, 0), CELL(CURSOR_JUMP, EOPNOTSUPP), CELL(CURSOR_JUMP, EINVAL),
	CELL(CURSOR_JUMP, ENOENT), CELL(CURSOR_JUMP, EACCES),
	CELL(CURSOR_VADDR, 0), CELL(CURSOR_VADDR, EOPNOTSUPP),
	CELL(CURSOR_VADDR, EINVAL), CELL(CURSOR_VADDR, ENOENT),
	CELL(CURSOR_MAP, 0), CELL(CURSOR_MAP, EOPNOTSUPP), CELL(CURSOR_MAP, EINVAL),
	CELL(CURSOR_MAP, ENOENT), CELL(CURSOR_MAP, ENOMEM),
	CELL(CURSOR_UNMAP, 0), CELL(CURSOR_UNMAP, EOPNOTSUPP),
	CELL(CURSOR_UNMAP, EINVAL), CELL(CURSOR_UNMAP, ENOENT),
	CELL(CURSOR_PROTECT_NEXT, 0), CELL(CURSOR_PROTECT_NEXT, EOPNOTSUPP),
	CELL(CURSOR_PROTECT_NEXT, EINVAL), CELL(CURSOR_PROTECT_NEXT, ENOENT),
	CELL(CURSOR_FLUSH, 0), CELL(CURSOR_FLUSH, EOPNOTSUPP),
	CELL(CURSOR_FLUSH, EINVAL), CELL(CURSOR_FLUSH, ENOENT),
	CELL(CURSOR_FLUSH, EACCES),
	CELL(REAP, 0), CELL(REAP, EOPNOTSUPP), CELL(REAP, EINVAL),
	CELL(ACCESS, 0), CELL(ACCESS, EOPNOTSUPP), CELL(ACCESS, EINVAL),
	CELL(ACCESS, ENOENT), CELL(ACCESS, EACCES), CELL(ACCESS, EFAULT),
	CELL(FRAME_CLONE, 0), CELL(FRAME_CLONE, EOPNOTSUPP), CELL(FRAME_CLONE, EINVAL),
	CELL(FRAME_CLONE, ENOENT),
	CELL(SEGMENT_FROM_UNUSED, 0), CELL(SEGMENT_FROM_UNUSED, EOPNOTSUPP),
	CELL(SEGMENT_FROM_UNUSED, EINVAL), CELL(SEGMENT_FROM_UNUSED, ERANGE),
	CELL(SEGMENT_FROM_UNUSED, EBUSY),
	CELL(SEGMENT_DROP, 0), CELL(SEGMENT_DROP, EOPNOTSUPP),
	CELL(SEGMENT_DROP, EINVAL), CELL(SEGMENT_DROP, ENOENT),
	CELL(SEGMENT_SPLIT, 0), CELL(SEGMENT_SPLIT, EOPNOTSUPP),
	CELL(SEGMENT_SPLIT, EINVAL), CELL(SEGMENT_SPLIT, ENOENT),
	CELL(SEGMENT_NEXT, 0), CELL(SEGMENT_NEXT, EOPNOTSUPP),
	CELL(SEGMENT_NEXT, EINVAL), CELL(SEGMENT_NEXT, ENOENT),
	CELL(SEGMENT_CLONE, 0), CELL(SEGMENT_CLONE, EOPNOTSUPP),
	CELL(SEGMENT_CLONE, EINVAL), CELL(SEGMENT_CLONE, ENOENT),
	CELL(SEGMENT_SLICE, 0), CELL(SEGMENT_SLICE, EOPNOTSUPP),
	CELL(SEGMENT_SLICE, EINVAL), CELL(SEGMENT_SLICE, ENOENT),
	CELL(FRAME_TO_SEGMENT, 0), CELL(FRAME_TO_SEGMENT, EOPNOTSUPP),
	CELL(FRAME_TO_SEGMENT, EINVAL), CELL(FRAME_TO_SEGMENT, ENOENT),
	CELL(UNIQUE_FROM_UNUSED, 0), CELL(UNIQUE_FROM_UNUSED, EOPNOTSUPP),
	CELL(UNIQUE_FROM_UNUSED, EINVAL), CELL(UNIQUE_FROM_UNUSED, ERANGE),
	CELL(UNIQUE_FROM_UNUSED, EBUSY),
	CELL(UNIQUE_DROP, 0), CELL(UNIQUE_DROP, EOPNOTSUPP), CELL(UNIQUE_DROP, EINVAL),
	CELL(UNIQUE_DROP, ENOENT),
	CELL(FROM_UNIQUE, 0), CELL(FROM_UNIQUE, EOPNOTSUPP), CELL(FROM_UNIQUE, EINVAL),
	CELL(FROM_UNIQUE, ENOENT),
	CELL(TRY_FROM_SHARED, 0), CELL(TRY_FROM_SHARED, EOPNOTSUPP),
	CELL(TRY_FROM_SHARED, EINVAL), CELL(TRY_FROM_SHARED, ENOENT),
	CELL(TRY_FROM_SHARED, EBUSY),
	CELL(CURSOR_MAP_FRAMES, 0), CELL(CURSOR_MAP_FRAMES, EOPNOTSUPP),
	CELL(CURSOR_MAP_FRAMES, EINVAL), CELL(CURSOR_MAP_FRAMES, ENOENT),
	CELL(CURSOR_MAP_FRAMES, EFAULT), CELL(CURSOR_MAP_FRAMES, ENOMEM),
	CELL(CURSOR_MAP_SEGMENT, 0), CELL(CURSOR_MAP_SEGMENT, EOPNOTSUPP),
	CELL(CURSOR_MAP_SEGMENT, EINVAL), CELL(CURSOR_MAP_SEGMENT, ENOENT),
	CELL(CURSOR_MAP_SEGMENT, ENOMEM),
	CELL(READER_NEW, 0), CELL(READER_NEW, EOPNOTSUPP), CELL(READER_NEW, EINVAL),
	CELL(READER_NEW, ENOENT), CELL(READER_NEW, EACCES),
	CELL(WRITER_NEW, 0), CELL(WRITER_NEW, EOPNOTSUPP), CELL(WRITER_NEW, EINVAL),
	CELL(WRITER_NEW, ENOENT), CELL(WRITER_NEW, EACCES),
	CELL(KREADER_NEW, 0), CELL(KREADER_NEW, EOPNOTSUPP), CELL(KREADER_NEW, EINVAL),
	CELL(KREADER_NEW, EACCES),
	CELL(KWRITER_NEW, 0), CELL(KWRITER_NEW, EOPNOTSUPP), CELL(KWRITER_NEW, EINVAL),
	CELL(KWRITER_NEW, EACCES),
	CELL(READER_DROP, 0), CELL(READER_DROP, EOPNOTSUPP), CELL(READER_DROP, EINVAL),
	CELL(READER_DROP, ENOENT),
	CELL(WRITER_DROP, 0), CELL(WRITER_DROP, EOPNOTSUPP), CELL(WRITER_DROP, EINVAL),
	CELL(WRITER_DROP, ENOENT),
	CELL(READER_READ_VAL, 0), CELL(READER_READ_VAL, EOPNOTSUPP),
	CELL(READER_READ_VAL, EINVAL), CELL(READER_READ_VAL, ENOENT),
	CELL(READER_READ_VAL, EFAULT),
	CELL(READER_COLLECT, 0), CELL(READER_COLLECT, EOPNOTSUPP),
	CELL(READER_COLLECT, EINVAL), CELL(READER_COLLECT, ENOENT),
	CELL(READER_COLLECT, EFAULT), CELL(READER_COLLECT, ENOMEM),
	CELL(READER_LIMIT, 0), CELL(READER_LIMIT, EOPNOTSUPP),
	CELL(READER_LIMIT, EINVAL), CELL(READER_LIMIT, ENOENT),
	CELL(READER_SKIP, 0), CELL(READER_SKIP, EOPNOTSUPP), CELL(READER_SKIP, EINVAL),
	CELL(READER_SKIP, ENOENT),
	CELL(READER_QUERY, 0), CELL(READER_QUERY, EOPNOTSUPP),
	CELL(READER_QUERY, EINVAL), CELL(READER_QUERY, ENOENT),
	CELL(WRITER_WRITE_VAL, 0), CELL(WRITER_WRITE_VAL, EOPNOTSUPP),
	CELL(WRITER_WRITE_VAL, EINVAL), CELL(WRITER_WRITE_VAL, ENOENT),
	CELL(WRITER_WRITE_VAL, EFAULT),
	CELL(WRITER_FILL_ZEROS, 0), CELL(WRITER_FILL_ZEROS, EOPNOTSUPP),
	CELL(WRITER_FILL_ZEROS, EINVAL), CELL(WRITER_FILL_ZEROS, ENOENT),
	CELL(WRITER_FILL_ZEROS, EFAULT),
	CELL(WRITER_LIMIT, 0), CELL(WRITER_LIMIT, EOPNOTSUPP),
	CELL(WRITER_LIMIT, EINVAL), CELL(WRITER_LIMIT, ENOENT),
	CELL(WRITER_SKIP, 0), CELL(WRITER_SKIP, EOPNOTSUPP), CELL(WRITER_SKIP, EINVAL),
	CELL(WRITER_SKIP, ENOENT),
	CELL(WRITER_QUERY, 0), CELL(WRITER_QUERY, EOPNOTSUPP),
	CELL(WRITER_QUERY, EINVAL), CELL(WRITER_QUERY, ENOENT),
	CELL(READ, 0), CELL(READ, EOPNOTSUPP), CELL(READ, EINVAL), CELL(READ, ENOENT),
	CELL(WRITE, 0), CELL(WRITE, EOPNOTSUPP), CELL(WRITE, EINVAL),
	CELL(WRITE, ENOENT),
	CELL(READ_FALLIBLE, 0), CELL(READ_FALLIBLE, EOPNOTSUPP),
	CELL(READ_FALLIBLE, EINVAL), CELL(READ_FALLIBLE, ENOENT),
	CELL(READ_FALLIBLE, EFAULT),
	CELL(WRITE_FALLIBLE, 0), CELL(WRITE_FALLIBLE, EOPNOTSUPP),
	CELL(WRITE_FALLIBLE, EINVAL), CELL(WRITE_FALLIBLE, ENOENT),
	CELL(WRITE_FALLIBLE, EFAULT),
	CELL(WRITER_FILL, 0), CELL(WRITER_FILL, EOPNOTSUPP), CELL(WRITER_FILL, EINVAL),
	CELL(WRITER_FILL, ENOENT),
	CELL(READER_READ_ONCE, 0), CELL(READER_READ_ONCE, EOPNOTSUPP),
	CELL(READER_READ_ONCE, EINVAL), CELL(READER_READ_ONCE, ENOENT),
	CELL(WRITER_WRITE_ONCE, 0), CELL(WRITER_WRITE_ONCE, EOPNOTSUPP),
	CELL(WRITER_WRITE_ONCE, EINVAL), CELL(WRITER_WRITE_ONCE, ENOENT),
	CELL(LIST_NEW, 0), CELL(LIST_NEW, EOPNOTSUPP), CELL(LIST_NEW, EINVAL),
	CELL(LIST_DROP, 0), CELL(LIST_DROP, EOPNOTSUPP), CELL(LIST_DROP, EINVAL),
	CELL(LIST_DROP, ENOENT), CELL(LIST_DROP, EBUSY),
	CELL(LIST_SIZE, 0), CELL(LIST_SIZE, EOPNOTSUPP), CELL(LIST_SIZE, EINVAL),
	CELL(LIST_SIZE, ENOENT), CELL(LIST_SIZE, EBUSY),
	CELL(LIST_CONTAINS, 0), CELL(LIST_CONTAINS, EOPNOTSUPP), CELL(LIST_CONTAINS, EINVAL),
	CELL(LIST_CONTAINS, ENOENT), CELL(LIST_CONTAINS, EBUSY),
	CELL(LIST_INSERT_AT, 0), CELL(LIST_INSERT_AT, EOPNOTSUPP),
	CELL(LIST_INSERT_AT, EINVAL), CELL(LIST_INSERT_AT, ENOENT),
	CELL(LIST_INSERT_AT, EBUSY),
	CELL(LIST_PUSH_FRONT, 0), CELL(LIST_PUSH_FRONT, EOPNOTSUPP),
	CELL(LIST_PUSH_FRONT, EINVAL), CELL(LIST_PUSH_FRONT, ENOENT),
	CELL(LIST_PUSH_FRONT, EBUSY),
	CELL(LIST_PUSH_BACK, 0), CELL(LIST_PUSH_BACK, EOPNOTSUPP),
	CELL(LIST_PUSH_BACK, EINVAL), CELL(LIST_PUSH_BACK, ENOENT),
	CELL(LIST_PUSH_BACK, EBUSY),
	CELL(LIST_TAKE_AT, 0), CELL(LIST_TAKE_AT, EOPNOTSUPP), CELL(LIST_TAKE_AT, EINVAL),
	CELL(LIST_TAKE_AT, ENOENT), CELL(LIST_TAKE_AT, EBUSY),
	CELL(LIST_POP_FRONT, 0), CELL(LIST_POP_FRONT, EOPNOTSUPP),
	CELL(LIST_POP_FRONT, EINVAL), CELL(LIST_POP_FRONT, ENOENT),
	CELL(LIST_POP_FRONT, EBUSY),
	CELL(LIST_POP_BACK, 0), CELL(LIST_POP_BACK, EOPNOTSUPP), CELL(LIST_POP_BACK, EINVAL),
	CELL(LIST_POP_BACK, ENOENT), CELL(LIST_POP_BACK, EBUSY),
	CELL(LIST_CURSOR_FRONT, 0), CELL(LIST_CURSOR_FRONT, EOPNOTSUPP),
	CELL(LIST_CURSOR_FRONT, EINVAL), CELL(LIST_CURSOR_FRONT, ENOENT),
	CELL(LIST_CURSOR_FRONT, EBUSY),
	CELL(LIST_CURSOR_BACK, 0), CELL(LIST_CURSOR_BACK, EOPNOTSUPP),
	CELL(LIST_CURSOR_BACK, EINVAL), CELL(LIST_CURSOR_BACK, ENOENT),
	CELL(LIST_CURSOR_BACK, EBUSY),
	CELL(LIST_CURSOR_AT, 0), CELL(LIST_CURSOR_AT, EOPNOTSUPP),
	CELL(LIST_CURSOR_AT, EINVAL), CELL(LIST_CURSOR_AT, ENOENT),
	CELL(LIST_CURSOR_AT, EBUSY),
	CELL(LIST_MOVE_NEXT, 0), CELL(LIST_MOVE_NEXT, EOPNOTSUPP),
	CELL(LIST_MOVE_NEXT, EINVAL), CELL(LIST_MOVE_NEXT, ENOENT),
	CELL(LIST_MOVE_PREV, 0), CELL(LIST_MOVE_PREV, EOPNOTSUPP),
	CELL(LIST_MOVE_PREV, EINVAL), CELL(LIST_MOVE_PREV, ENOENT),
	CELL(LIST_CURRENT, 0), CELL(LIST_CURRENT, EOPNOTSUPP), CELL(LIST_CURRENT, EINVAL),
	CELL(LIST_CURRENT, ENOENT),
	CELL(LIST_AS_LIST, 0), CELL(LIST_AS_LIST, EOPNOTSUPP), CELL(LIST_AS_LIST, EINVAL),
	CELL(LIST_AS_LIST, ENOENT),
	CELL(LIST_CURSOR_INSERT_BEFORE, 0), CELL(LIST_CURSOR_INSERT_BEFORE, EOPNOTSUPP),
	CELL(LIST_CURSOR_INSERT_BEFORE, EINVAL), CELL(LIST_CURSOR_INSERT_BEFORE, ENOENT),
	CELL(LIST_CURSOR_TAKE, 0), CELL(LIST_CURSOR_TAKE, EOPNOTSUPP),
	CELL(LIST_CURSOR_TAKE, EINVAL), CELL(LIST_CURSOR_TAKE, ENOENT),
	CELL(LIST_CURSOR_DROP, 0), CELL(LIST_CURSOR_DROP, EOPNOTSUPP),
	CELL(LIST_CURSOR_DROP, EINVAL), CELL(LIST_CURSOR_DROP, ENOENT),
	CELL(TLB_ISSUE, 0), CELL(TLB_ISSUE, EOPNOTSUPP), CELL(TLB_ISSUE, EINVAL),
	CELL(TLB_ISSUE, ENOENT), CELL(TLB_ISSUE, EACCES),
	CELL(TLB_ISSUE_WITH, 0), CELL(TLB_ISSUE_WITH, EOPNOTSUPP),
	CELL(TLB_ISSUE_WITH, EINVAL), CELL(TLB_ISSUE_WITH, ENOENT),
	CELL(TLB_ISSUE_WITH, EACCES),
	CELL(TLB_DISPATCH, 0), CELL(TLB_DISPATCH, EOPNOTSUPP),
	CELL(TLB_DISPATCH, EINVAL), CELL(TLB_DISPATCH, ENOENT),
	CELL(TLB_SYNC, 0), CELL(TLB_SYNC, EOPNOTSUPP), CELL(TLB_SYNC, EINVAL),
	CELL(TLB_SYNC, ENOENT),
	CELL(TLB_FLUSH_LOCAL, 0), CELL(TLB_FLUSH_LOCAL, EOPNOTSUPP),
	CELL(TLB_FLUSH_LOCAL, EINVAL), CELL(TLB_FLUSH_LOCAL, ENOENT),
	CELL(TLB_FLUSH_LOCAL, EACCES),
	CELL(KVIRT_MAP_FRAMES, 0), CELL(KVIRT_MAP_FRAMES, EOPNOTSUPP),
	CELL(KVIRT_MAP_FRAMES, EINVAL), CELL(KVIRT_MAP_FRAMES, ENOENT),
	CELL(KVIRT_MAP_FRAMES, EFAULT), CELL(KVIRT_MAP_FRAMES, ENOMEM),
	CELL(KVIRT_MAP_UNTRACKED, 0), CELL(KVIRT_MAP_UNTRACKED, EOPNOTSUPP),
	CELL(KVIRT_MAP_UNTRACKED, EINVAL), CELL(KVIRT_MAP_UNTRACKED, ERANGE),
	CELL(KVIRT_MAP_UNTRACKED, ENOMEM),
	CELL(KVIRT_QUERY, 0), CELL(KVIRT_QUERY, EOPNOTSUPP), CELL(KVIRT_QUERY, EINVAL),
	CELL(KVIRT_QUERY, ENOENT),
	CELL(KVIRT_DROP, 0), CELL(KVIRT_DROP, EOPNOTSUPP), CELL(KVIRT_DROP, EINVAL),
	CELL(KVIRT_DROP, ENOENT), CELL(KVIRT_DROP, EBUSY),
	CELL(KVIRT_UNMAP_RANGE, 0), CELL(KVIRT_UNMAP_RANGE, EOPNOTSUPP),
	CELL(KVIRT_UNMAP_RANGE, EINVAL), CELL(KVIRT_UNMAP_RANGE, ENOENT),
	CELL(KVIRT_UNMAP_RANGE, EBUSY), CELL(KVIRT_UNMAP_RANGE, ENOMEM),
	CELL(KVIRT_PROTECT_RANGE, 0), CELL(KVIRT_PROTECT_RANGE, EOPNOTSUPP),
	CELL(KVIRT_PROTECT_RANGE, EINVAL), CELL(KVIRT_PROTECT_RANGE, ENOENT),
	CELL(KVIRT_PROTECT_RANGE, EBUSY), CELL(KVIRT_PROTECT_RANGE, ENOMEM),
};

const __u32 gen_nr_cells = ARRAY_SIZE(gen_cells);

static bool gen_build(struct gen *g, struct vmstore_op *op, int err)
{
	switch (op->opcode) {
	case VMSTORE_OP_FRAME_FROM_UNUSED:
	case VMSTORE_OP_UNIQUE_FROM_UNUSED:
		return gen_claim(g, op, err);
	case VMSTORE_OP_FRAME_FROM_IN_USE:
		return gen_share(g, op, err);
	case VMSTORE_OP_FRAME_ALLOC:
	case VMSTORE_OP_SPACE_NEW:
	case VMSTORE_OP_REAP:
		return true;
	case VMSTORE_OP_FRAME_DROP:
	case VMSTORE_OP_FRAME_CLONE:
	case VMSTORE_OP_FRAME_TO_SEGMENT:
		return gen_id_op(g, op, err, ORC_FRAME);
	case VMSTORE_OP_SPACE_DROP:
		return gen_space_drop(g, op, err);
	case VMSTORE_OP_SPACE_ACTIVATE:
		return gen_activate(g, op, err);
	case VMSTORE_OP_CURSOR_OPEN:
	case VMSTORE_OP_CURSOR_OPEN_MUT:
		return gen_open(g, op, err);
	case VMSTORE_OP_CURSOR_DROP:
	case VMSTORE_OP_CURSOR_VADDR:
		return gen_id_op(g, op, err, ORC_CURSOR);
	case VMSTORE_OP_CURSOR_QUERY:
		return gen_query(g, op, err);
	case VMSTORE_OP_CURSOR_FIND_NEXT:
	case VMSTORE_OP_CURSOR_UNMAP:
		return gen_walk(g, op, err);
	case VMSTORE_OP_CURSOR_JUMP:
		return gen_jump(g, op, err);
	case VMSTORE_OP_CURSOR_MAP:
		return gen_map(g, op, err);
	case VMSTORE_OP_CURSOR_MAP_FRAMES:
		return gen_map_frames(g, op, err);
	case VMSTORE_OP_CURSOR_MAP_SEGMENT:
		return gen_map_segment(g, op, err);
	case VMSTORE_OP_CURSOR_PROTECT_NEXT:
		return gen_protect(g, op, err);
	case VMSTORE_OP_CURSOR_FLUSH:
		return gen_flush(g, op, err);
	case VMSTORE_OP_ACCESS:
		return gen_access(g, op, err);
	case VMSTORE_OP_SEGMENT_FROM_UNUSED:
		return gen_claim_range(g, op, err);
	case VMSTORE_OP_SEGMENT_DROP:
	case VMSTORE_OP_SEGMENT_NEXT:
	case VMSTORE_OP_SEGMENT_CLONE:
		return gen_id_op(g, op, err, ORC_SEGMENT);
	case VMSTORE_OP_SEGMENT_SPLIT:
		return gen_split(g, op, err);
	case VMSTORE_OP_SEGMENT_SLICE:
		return gen_slice(g, op, err);
	case VMSTORE_OP_UNIQUE_DROP:
	case VMSTORE_OP_FROM_UNIQUE:
		return gen_id_op(g, op, err, ORC_UNIQUE);
	case VMSTORE_OP_TRY_FROM_SHARED:
		return gen_try_unique(g, op, err);
	case VMSTORE_OP_READER_NEW:
	case VMSTORE_OP_WRITER_NEW:
		return gen_io_new(g, op, err);
	case VMSTORE_OP_KREADER_NEW:
	case VMSTORE_OP_KWRITER_NEW:
		return gen_kio_new(g, op, err);
	case VMSTORE_OP_READER_DROP:
	case VMSTORE_OP_WRITER_DROP:
	case VMSTORE_OP_READER_QUERY:
	case VMSTORE_OP_WRITER_QUERY:
		return gen_io_drop(g, op, err);
	case VMSTORE_OP_READER_READ_VAL:
	case VMSTORE_OP_READER_COLLECT:
	case VMSTORE_OP_WRITER_WRITE_VAL:
		return gen_io_data(g, op, err);
	case VMSTORE_OP_READER_LIMIT:
	case VMSTORE_OP_READER_SKIP:
	case VMSTORE_OP_WRITER_LIMIT:
	case VMSTORE_OP_WRITER_SKIP:
	case VMSTORE_OP_WRITER_FILL_ZEROS:
		return gen_io_len(g, op, err);
	case VMSTORE_OP_READ:
	case VMSTORE_OP_WRITE:
	case VMSTORE_OP_READ_FALLIBLE:
	case VMSTORE_OP_WRITE_FALLIBLE:
		return gen_io_pair(g, op, err);
	case VMSTORE_OP_WRITER_FILL:
	case VMSTORE_OP_READER_READ_ONCE:
	case VMSTORE_OP_WRITER_WRITE_ONCE:
		return gen_io_value(g, op, err);
	case VMSTORE_OP_LIST_NEW:
		return true;
	case VMSTORE_OP_LIST_INSERT_AT:
	case VMSTORE_OP_LIST_PUSH_FRONT:
	case VMSTORE_OP_LIST_PUSH_BACK:
	case VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE:
		return gen_list_put(g, op, err);
	case VMSTORE_OP_LIST_CONTAINS:
	case VMSTORE_OP_LIST_CURSOR_AT:
		return gen_list_frame(g, op, err);
	case VMSTORE_OP_LIST_TAKE_AT:
		return gen_list_take_at(g, op, err);
	case VMSTORE_OP_LIST_DROP:
	case VMSTORE_OP_LIST_SIZE:
	case VMSTORE_OP_LIST_POP_FRONT:
	case VMSTORE_OP_LIST_POP_BACK:
	case VMSTORE_OP_LIST_CURSOR_FRONT:
	case VMSTORE_OP_LIST_CURSOR_BACK:
	case VMSTORE_OP_LIST_MOVE_NEXT:
	case VMSTORE_OP_LIST_MOVE_PREV:
	case VMSTORE_OP_LIST_CURRENT:
	case VMSTORE_OP_LIST_AS_LIST:
	case VMSTORE_OP_LIST_CURSOR_TAKE:
	case VMSTORE_OP_LIST_CURSOR_DROP:
		return gen_list_id(g, op, err);
	case VMSTORE_OP_TLB_ISSUE:
	case VMSTORE_OP_TLB_ISSUE_WITH:
	case VMSTORE_OP_TLB_DISPATCH:
	case VMSTORE_OP_TLB_SYNC:
	case VMSTORE_OP_TLB_FLUSH_LOCAL:
		return gen_tlb_build(g, op, err);
	}
	return gen_kvirt_build(g, op, err);
}

/* --- weights ------------------------------------------------------------------------- */

/* How often of 100 times is a drawn operation taken, to keep the store at some size? */
static __u32 gen_weight(const struct gen *g, __u16 opcode)
{
	const struct orc_state *s = g->s;

	switch (opcode) {
	case VMSTORE_OP_FRAME_ALLOC:
	case VMSTORE_OP_FRAME_FROM_UNUSED:
		return g->tight || s->frames.nr < 150 ? 100 : 15;
	case VMSTORE_OP_FRAME_FROM_IN_USE:
	case VMSTORE_OP_FRAME_CLONE:
		return s->frames.nr < 150 ? 100 : 15;
	case VMSTORE_OP_FRAME_DROP:
		return s->frames.nr > (g->tight ? 20 : 80) ? 100 : 30;
	case VMSTORE_OP_SPACE_NEW:
		return s->spaces.nr < 4 ? 100 : 10;
	case VMSTORE_OP_SPACE_DROP:
		return s->spaces.nr > 3 ? 100 : 5;
	case VMSTORE_OP_CURSOR_OPEN:
		return s->cursors.nr < 6 ? 70 : 20;
	case VMSTORE_OP_CURSOR_OPEN_MUT:
		return s->cursors.nr < 8 ? 100 : 10;
	case VMSTORE_OP_CURSOR_DROP:
		return s->cursors.nr > 6 ? 100 : 15;
	case VMSTORE_OP_CURSOR_UNMAP:
		return 50;
	case VMSTORE_OP_REAP:
		return g->tight ? 5 : 15;
	case VMSTORE_OP_SPACE_ACTIVATE:
		return 50;
	case VMSTORE_OP_SEGMENT_FROM_UNUSED:
	case VMSTORE_OP_SEGMENT_SPLIT:
	case VMSTORE_OP_SEGMENT_CLONE:
	case VMSTORE_OP_SEGMENT_SLICE:
	case VMSTORE_OP_FRAME_TO_SEGMENT:
		return s->segments.nr < 30 ? 100 : 15;
	case VMSTORE_OP_SEGMENT_DROP:
		return s->segments.nr > 12 ? 100 : 10;
	case VMSTORE_OP_UNIQUE_FROM_UNUSED:
	case VMSTORE_OP_TRY_FROM_SHARED:
		return s->uniques.nr < 16 ? 100 : 15;
	case VMSTORE_OP_READER_NEW:
	case VMSTORE_OP_WRITER_NEW:
	case VMSTORE_OP_KREADER_NEW:
	case VMSTORE_OP_KWRITER_NEW:
		return s->ios.nr < 24 ? 100 : 10;
	case VMSTORE_OP_READER_DROP:
	case VMSTORE_OP_WRITER_DROP:
		return s->ios.nr > 12 ? 100 : 10;
	case VMSTORE_OP_LIST_NEW:
		return s->lists.nr < 6 ? 100 : 10;
	case VMSTORE_OP_LIST_DROP:
		return s->lists.nr > 5 ? 60 : g->tight ? 20 : 8;
	case VMSTORE_OP_LIST_CURSOR_FRONT:
	case VMSTORE_OP_LIST_CURSOR_BACK:
	case VMSTORE_OP_LIST_CURSOR_AT:
		return 60;	/* or most lists would have a cursor */
	case VMSTORE_OP_TLB_ISSUE_WITH:
		return s->frames.nr > (g->tight ? 20 : 80) ? 100 : 50;
	case VMSTORE_OP_UNIQUE_DROP:
	case VMSTORE_OP_FROM_UNIQUE:
		return s->uniques.nr > 6 ? 100 : 30;
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
	case VMSTORE_OP_KVIRT_MAP_UNTRACKED:
		return s->kvirts.nr < 6 ? 100 : 15;
	case VMSTORE_OP_KVIRT_DROP:
		return s->kvirts.nr > 4 ? 100 : 15;
	}
	return 100;
}

/* The large segment that keeps the region full stays, mostly */
static bool gen_keeps_tight(const struct gen *g, const struct vmstore_op *op)
{
	const struct orc_segment *seg;

	if (!g->tight || (op->opcode != VMSTORE_OP_SEGMENT_DROP &&
			  op->opcode != VMSTORE_OP_SEGMENT_CLONE &&
			  op->opcode != VMSTORE_OP_SEGMENT_SPLIT))
		return true;
	seg = orc_find(&g->s->segments, op->arg.id.id);
	return !seg || seg->end - seg->start < 64 * ORC_PAGE;
}

/* What every operation can be refused for, whatever the state */
static void gen_spoil(struct gen *g, struct vmstore_op *op, int err)
{
	if (err == EOPNOTSUPP)
		op->flags |= 0x100 << gen_below(g, 8);
	else if (gen_chance(g, 50))
		op->cpu = g->s->config.nr_cpus + gen_below(g, 3);
	else if (gen_chance(g, 50))
		op->__reserved = 1;
	else
		op->arg.raw[5] = 1;
}

/* Does the operation itself know this errno? Then it need not be spoilt */
static bool gen_has_einval(__u16 opcode)
{
	switch (opcode) {
	case VMSTORE_OP_FRAME_ALLOC:
	case VMSTORE_OP_FRAME_DROP:
	case VMSTORE_OP_FRAME_CLONE:
	case VMSTORE_OP_FRAME_TO_SEGMENT:
	case VMSTORE_OP_SPACE_NEW:
	case VMSTORE_OP_SPACE_DROP:
	case VMSTORE_OP_SPACE_ACTIVATE:
	case VMSTORE_OP_CURSOR_OPEN:
	case VMSTORE_OP_CURSOR_OPEN_MUT:
	case VMSTORE_OP_CURSOR_DROP:
	case VMSTORE_OP_CURSOR_VADDR:
	case VMSTORE_OP_CURSOR_QUERY:
	case VMSTORE_OP_REAP:
	case VMSTORE_OP_SEGMENT_DROP:
	case VMSTORE_OP_SEGMENT_NEXT:
	case VMSTORE_OP_SEGMENT_CLONE:
	case VMSTORE_OP_UNIQUE_DROP:
	case VMSTORE_OP_FROM_UNIQUE:
	case VMSTORE_OP_TRY_FROM_SHARED:
	case VMSTORE_OP_READER_NEW:
	case VMSTORE_OP_WRITER_NEW:
	case VMSTORE_OP_KREADER_NEW:
	case VMSTORE_OP_KWRITER_NEW:
	case VMSTORE_OP_LIST_NEW:
	case VMSTORE_OP_LIST_DROP:
	case VMSTORE_OP_LIST_SIZE:
	case VMSTORE_OP_LIST_CONTAINS:
	case VMSTORE_OP_LIST_PUSH_FRONT:
	case VMSTORE_OP_LIST_PUSH_BACK:
	case VMSTORE_OP_LIST_TAKE_AT:
	case VMSTORE_OP_LIST_POP_FRONT:
	case VMSTORE_OP_LIST_POP_BACK:
	case VMSTORE_OP_LIST_CURSOR_FRONT:
	case VMSTORE_OP_LIST_CURSOR_BACK:
	case VMSTORE_OP_LIST_CURSOR_AT:
	case VMSTORE_OP_KVIRT_DROP:
		return false;
	}
	return true;
}

static int gen_draw_errno(struct gen *g, const struct gen_cell *cell)
{
	__u32 i = cell - gen_cells, n = 1;

	/* Mostly success; else one of the errnos of the operation */
	if (gen_chance(g, 75))
		return 0;
	while (i + n < gen_nr_cells && gen_cells[i + n].opcode == cell->opcode)
		n++;
	return gen_cells[i + gen_below(g, n)].err;
}

static const struct gen_cell *gen_draw_op(struct gen *g)
{
	const struct gen_cell *cell;
	__u16 opcode;

	do {
		opcode = 1 + gen_below(g, __VMSTORE_OP_MAX - 1);
		/* Without these nothing happens */
		if (gen_chance(g, 12))
			opcode = gen_chance(g, 50) ? VMSTORE_OP_CURSOR_MAP :
				 gen_chance(g, 50) ? VMSTORE_OP_CURSOR_JUMP :
				 VMSTORE_OP_ACCESS;
	} while (!orc_op_name(opcode) || !gen_chance(g, gen_weight(g, opcode)));
	for (cell = gen_cells; cell->opcode != opcode; cell++)
		;
	return cell;
}

/* Only where nothing is open can a wait not last */
static bool gen_may_wait(const struct gen *g, const struct vmstore_op *op)
{
	const struct orc_cursor *c;

	if (g->nr || (op->opcode != VMSTORE_OP_CURSOR_OPEN &&
		      op->opcode != VMSTORE_OP_CURSOR_OPEN_MUT))
		return false;
	orc_for_each(c, &g->s->cursors)
		if (c->space == op->arg.open.space)
			return false;
	return true;
}

static bool gen_may_defer(__u16 opcode)
{
	return opcode == VMSTORE_OP_CURSOR_MAP || opcode == VMSTORE_OP_CURSOR_UNMAP ||
	       opcode == VMSTORE_OP_CURSOR_MAP_FRAMES ||
	       opcode == VMSTORE_OP_CURSOR_MAP_SEGMENT;
}

bool gen_next(struct gen *g)
{
	const struct gen_cell *cell = gen_draw_op(g);
	int err = gen_draw_errno(g, cell);
	struct gen_op *o = &g->group[g->nr];
	bool spoil = err == EOPNOTSUPP ||
		     (err == EINVAL && (!gen_has_einval(cell->opcode) || gen_chance(g, 20)));

	memset(&o->op, 0, sizeof(o->op));
	o->len = 0;
	o->op.opcode = cell->opcode;
	o->op.cpu = gen_below(g, g->s->config.nr_cpus);
	if (gen_chance(g, 50))
		o->op.cpu = 0;
	if (!gen_build(g, &o->op, spoil ? 0 : err) || !gen_keeps_tight(g, &o->op))
		return false;
	if (spoil)
		gen_spoil(g, &o->op, err);
	else if (gen_may_wait(g, &o->op) && gen_chance(g, 30))
		o->op.flags |= VMSTORE_OPF_WAIT;
	else if (gen_may_defer(o->op.opcode) && gen_chance(g, 40))
		o->op.flags |= VMSTORE_OPF_DEFER;
	g->nr++;
	return true;
}
