// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frame lists [5.8]: a sequence of frames each, and a number in it where there is a
 * cursor. What is in a list has no handle; what goes in and comes out has an exclusive one.
 */

#include <stdlib.h>

#include "model.h"

/* --- sequences ----------------------------------------------------------------------- */

static void orc_list_put_in(struct orc_list *l, __u64 n, __u64 paddr)
{
	if (l->nr == l->room) {
		l->room = 2 * l->room + 4;
		l->paddr = realloc(l->paddr, l->room * sizeof(*l->paddr));
		if (!l->paddr)
			abort();
	}
	memmove(l->paddr + n + 1, l->paddr + n, (l->nr - n) * sizeof(*l->paddr));
	l->paddr[n] = paddr;
	l->nr++;
}

static __u64 orc_list_take_out(struct orc_list *l, __u64 n)
{
	__u64 paddr = l->paddr[n];

	l->nr--;
	memmove(l->paddr + n, l->paddr + n + 1, (l->nr - n) * sizeof(*l->paddr));
	return paddr;
}

/* orc_list_find - the number of a frame in the list, or how many there are */
__u64 orc_list_find(const struct orc_list *l, __u64 paddr)
{
	__u64 n;

	for (n = 0; n < l->nr; n++)
		if (l->paddr[n] == paddr)
			break;
	return n;
}

/* orc_list_copied - the list was copied as it is: let it have frames of its own */
void orc_list_copied(struct orc_list *l)
{
	const __u64 *from = l->paddr;

	l->room = l->nr;
	l->paddr = malloc(l->nr * sizeof(*from) + 1);
	if (!l->paddr)
		abort();
	if (l->nr)
		memcpy(l->paddr, from, l->nr * sizeof(*from));
}

/* --- what all of them do ------------------------------------------------------------- */

/* The list, which must have a cursor or must not [L7] */
static struct orc_list *orc_get_list(struct orc_step *t, bool cursor)
{
	struct orc_list *l = orc_get(t, &t->s->lists, t->op->arg.id.id);

	if (l && l->cursor != cursor)
		orc_refuse(t, cursor ? EINVAL : EBUSY);
	return l;
}

static void orc_list_is(struct orc_step *t, const struct orc_list *l)
{
	struct vmstore_out_list *out = &t->want.out.list;

	out->nr = l->nr;
	out->tag = l->tag;
	out->index = l->cursor ? l->index : 0;
}

static void orc_list_is_about(struct orc_step *t, __u64 paddr)
{
	t->want.out.list.found = 1;
	t->want.out.list.paddr = paddr;
}

/* Its cursor, and the frame that is at */
static void orc_list_is_at(struct orc_step *t, const struct orc_list *l)
{
	orc_list_is(t, l);
	if (l->cursor && l->index < l->nr)
		orc_list_is_about(t, l->paddr[l->index]);
}

void orc_list_new(struct orc_step *t)
{
	struct orc_list *l;

	if (!orc_goes(t))
		return;
	l = orc_add(&t->s->lists, orc_fresh(t, ORC_LIST, t->op->out.list.id));
	t->want.out.list.id = l->id;
}

void orc_list_drop(struct orc_step *t)
{
	struct orc_list *l = orc_get_list(t, false);
	__u64 n;

	if (!orc_goes(t))
		return;
	for (n = 0; n < l->nr; n++) {
		ORC_COUNT(t->s, l->paddr[n], uniques, -1);
		orc_slot(t->s, l->paddr[n])->tag = 0;
	}
	t->want.out.list_drop.frames_freed = l->nr;
	free(l->paddr);
	orc_del(&t->s->lists, l);
}

void orc_list_size(struct orc_step *t)
{
	struct orc_list *l = orc_get_list(t, t->op->opcode == VMSTORE_OP_LIST_AS_LIST);

	if (orc_goes(t))
		orc_list_is(t, l);
}

void orc_list_contains(struct orc_step *t)
{
	struct orc_list *l = orc_get_list(t, false);
	__u64 n;

	if (!orc_goes(t))
		return;
	orc_list_is(t, l);
	n = orc_list_find(l, t->op->arg.list_frame.paddr);
	if (n < l->nr)
		orc_list_is_about(t, l->paddr[n]);
}

/* --- in and out ---------------------------------------------------------------------- */

/* Which number will the frame have? Where the cursor is; the first; the last [D11] */
static __u64 orc_list_where(const struct orc_step *t, const struct orc_list *l)
{
	switch (t->op->opcode) {
	case VMSTORE_OP_LIST_INSERT_AT:
		return t->op->arg.list_insert.n;
	case VMSTORE_OP_LIST_PUSH_FRONT:
		return 0;
	case VMSTORE_OP_LIST_PUSH_BACK:
		return l->nr;
	default:
		return l->index;
	}
}

/* The first frame gives a list its tag: one that no list ever had */
static void orc_list_mint(struct orc_step *t, struct orc_list *l)
{
	if (l->tag)
		return;
	l->tag = t->op->out.list.tag;
	if (l->tag <= t->s->last_tag)
		orc_differ(t, "new tag %llu after %llu", l->tag, t->s->last_tag);
	t->s->last_tag = l->tag;
}

void orc_list_insert(struct orc_step *t)
{
	bool cursor = t->op->opcode == VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE;
	struct orc_list *l = orc_get_list(t, cursor);
	struct orc_unique *u = orc_get(t, &t->s->uniques, t->op->arg.list_insert.unique);
	__u64 paddr;

	if (l && orc_list_where(t, l) > l->nr)
		orc_refuse(t, EINVAL);
	if (!orc_goes(t))
		return;
	paddr = u->paddr;
	orc_list_mint(t, l);
	orc_list_put_in(l, orc_list_where(t, l), paddr);
	l->index += cursor;
	/* Exclusively used it stays; it was the handle's and is the list's */
	orc_slot(t->s, paddr)->tag = l->tag;
	orc_del(&t->s->uniques, u);
	orc_list_is(t, l);
	orc_list_is_about(t, paddr);
}

/* Which number does the frame have that comes out? One there is not: none does */
static __u64 orc_list_which(const struct orc_step *t, const struct orc_list *l)
{
	switch (t->op->opcode) {
	case VMSTORE_OP_LIST_TAKE_AT:
		return t->op->arg.list_at.n;
	case VMSTORE_OP_LIST_POP_FRONT:
		return 0;
	case VMSTORE_OP_LIST_POP_BACK:
		return l->nr ? l->nr - 1 : 0;
	default:
		return l->index;
	}
}

void orc_list_take(struct orc_step *t)
{
	struct orc_list *l = orc_get_list(t, t->op->opcode == VMSTORE_OP_LIST_CURSOR_TAKE);
	struct orc_unique *u;
	__u64 n;

	if (!orc_goes(t))
		return;
	n = orc_list_which(t, l);
	if (n < l->nr) {
		u = orc_add(&t->s->uniques, orc_fresh(t, ORC_UNIQUE, t->op->out.list.id));
		u->paddr = orc_list_take_out(l, n);
		orc_slot(t->s, u->paddr)->tag = 0;
		t->want.out.list.id = u->id;
		orc_list_is_about(t, u->paddr);
	}
	orc_list_is(t, l);
}

/* --- cursors ------------------------------------------------------------------------- */

void orc_list_cursor(struct orc_step *t)
{
	struct orc_list *l = orc_get_list(t, false);
	__u64 n = 0;

	if (!orc_goes(t))
		return;
	if (t->op->opcode == VMSTORE_OP_LIST_CURSOR_BACK && l->nr)
		n = l->nr - 1;
	if (t->op->opcode == VMSTORE_OP_LIST_CURSOR_AT)
		n = orc_list_find(l, t->op->arg.list_frame.paddr);
	l->cursor = t->op->opcode != VMSTORE_OP_LIST_CURSOR_AT || n < l->nr;
	l->index = l->cursor ? n : 0;
	orc_list_is_at(t, l);
}

/* There is one place more than frames, and round it goes */
void orc_list_move(struct orc_step *t)
{
	struct orc_list *l = orc_get_list(t, true);
	__u64 by = t->op->opcode == VMSTORE_OP_LIST_MOVE_NEXT ? 1 : l ? l->nr : 0;

	if (!orc_goes(t))
		return;
	l->index = (l->index + by) % (l->nr + 1);
	orc_list_is_at(t, l);
}

void orc_list_current(struct orc_step *t)
{
	struct orc_list *l = orc_get_list(t, true);

	if (orc_goes(t))
		orc_list_is_at(t, l);
}

void orc_list_cursor_drop(struct orc_step *t)
{
	struct orc_list *l = orc_get_list(t, true);

	if (!orc_goes(t))
		return;
	l->cursor = false;
	l->index = 0;
	orc_list_is(t, l);
}
