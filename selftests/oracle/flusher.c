// SPDX-License-Identifier: GPL-2.0-only
/* Flush requests of cursors [5.2 O-Flusher, 7]. */

#include "model.h"

#define ORC_ALL	(1ULL << ORC_MAX_PENDING)	/* of orc_cursor.pending */

/* Could the cursor have had to flush and release what it holds, to hold @nr more? [D4] */
static bool orc_may_fill(const struct orc_state *s, __u64 nr)
{
	const struct orc_slot *slot;

	nr += s->strays;
	orc_for_each(slot, &s->slots)
		nr += slot->gathered;
	return nr > ORC_GATHER;
}

/* orc_queue - @nr more requests, each of no more pages than one may have [Tl2] */
void orc_queue(struct orc_state *s, struct orc_cursor *c, __u64 nr)
{
	if (nr && orc_may_fill(s, 0))
		c->pending |= 2 * ORC_ALL - 1;
	for (; nr && c->pending != ORC_ALL; nr--)
		c->pending = (c->pending << 1 & (2 * ORC_ALL - 1)) | (c->pending & ORC_ALL);
}

/* orc_queue_all - one for everything */
void orc_queue_all(struct orc_cursor *c)
{
	c->pending = ORC_ALL;
}

/* orc_dispatch - all that is pending is asked for */
void orc_dispatch(struct orc_state *s, struct orc_cursor *c)
{
	struct orc_space *space = orc_find(&s->spaces, c->space);

	if (c->pending != 1)
		c->asked |= space->active;
	c->pending = 1;
	orc_stale_dispatch(space, c);
}

/* May the operation, for want of a slot, have reaped? Then nothing is pending */
static bool orc_takes_slots(const struct vmstore_op *op)
{
	switch (op->opcode) {
	case VMSTORE_OP_FRAME_FROM_UNUSED:
	case VMSTORE_OP_FRAME_ALLOC:
	case VMSTORE_OP_SPACE_NEW:
	case VMSTORE_OP_CURSOR_OPEN:
	case VMSTORE_OP_CURSOR_OPEN_MUT:
	case VMSTORE_OP_CURSOR_MAP:
	case VMSTORE_OP_CURSOR_MAP_FRAMES:
	case VMSTORE_OP_CURSOR_MAP_SEGMENT:
	case VMSTORE_OP_SEGMENT_FROM_UNUSED:
	case VMSTORE_OP_UNIQUE_FROM_UNUSED:
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
	case VMSTORE_OP_KVIRT_MAP_UNTRACKED:
	case VMSTORE_OP_KVIRT_UNMAP_RANGE:
	case VMSTORE_OP_KVIRT_PROTECT_RANGE:
		return true;
	default:
		return op->out_errno == -ENOMEM;
	}
}

/* orc_may_reap - before an operation is judged */
void orc_may_reap(struct orc_step *t)
{
	struct orc_cursor *c;

	if (!orc_takes_slots(t->op) || !orc_may_fill(t->s, ORC_GATHER))
		return;
	orc_for_each(c, &t->s->cursors) {
		c->asked |= c->pending != 1 ? ((struct orc_space *)
			    orc_find(&t->s->spaces, c->space))->active : 0;
		c->pending |= 1;
	}
}

/* Everything has no range, anything else has one */
static void orc_check_flush(struct orc_step *t, __u64 va, __u64 len)
{
	bool all = t->op->flags & VMSTORE_OPF_ALL;

	if (!orc_aligned(va) || !orc_aligned(len) || all != !len || (all && va))
		orc_refuse(t, EINVAL);
}

static bool orc_is_within(__u64 va, __u64 len, __u64 start, __u64 end)
{
	return va >= start && va <= end && len <= end - va;
}

/* How many requests are pending is one of those that may be */
static void orc_adopt_pending(struct orc_step *t, struct orc_cursor *c)
{
	__u32 got = t->op->out.tlb.pending;

	if (got > ORC_MAX_PENDING || !(c->pending & 1ULL << got))
		orc_differ(t, "%u requests pending, may be %#llx", got, c->pending);
	c->pending = 1ULL << got;
	t->want.out.tlb.pending = got;
}

static void orc_issue(struct orc_step *t, struct orc_cursor *c, __u64 va, __u64 len)
{
	struct orc_space *space = orc_find(&t->s->spaces, c->space);

	if (len)
		orc_stale_issue(space, c, va, va + len);
	else
		orc_stale_issue(space, c, 0, VMSTORE_USER_END);
	if (len && len <= 32 * ORC_PAGE)
		orc_queue(t->s, c, 1);
	else
		orc_queue_all(c);
	orc_adopt_pending(t, c);
}

void orc_tlb_issue(struct orc_step *t)
{
	const struct vmstore_arg_flush *arg = &t->op->arg.flush;
	struct orc_cursor *c = orc_get_cursor(t, arg->cursor, true);

	orc_check_flush(t, arg->va, arg->len);
	if (!orc_is_within(arg->va, arg->len, 0, VMSTORE_USER_END))
		orc_refuse(t, EACCES);
	if (orc_goes(t))
		orc_issue(t, c, arg->va, arg->len);
}

/* The handle's reference is gathered now */
void orc_tlb_issue_with(struct orc_step *t)
{
	const struct vmstore_arg_issue_with *arg = &t->op->arg.issue_with;
	struct orc_cursor *c = orc_get_cursor(t, arg->cursor, true);
	struct orc_frame *f = orc_get(t, &t->s->frames, arg->frame);
	__u64 paddr;

	orc_check_flush(t, arg->va, arg->len);
	if (!orc_is_within(arg->va, arg->len, 0, VMSTORE_USER_END))
		orc_refuse(t, EACCES);
	if (!orc_goes(t))
		return;
	paddr = f->paddr;
	ORC_COUNT(t->s, paddr, handles, -1);
	orc_del(&t->s->frames, f);
	orc_slot(t->s, paddr)->gathered++;
	orc_issue(t, c, arg->va, arg->len);
}

void orc_tlb_dispatch(struct orc_step *t)
{
	struct orc_cursor *c = orc_get_cursor(t, t->op->arg.id.id, true);
	__u64 got = t->op->out.tlb.asked;
	struct orc_space *space;

	if (!orc_goes(t))
		return;
	/* Exactly those on which it is active, if there is anything to ask for */
	space = orc_find(&t->s->spaces, c->space);
	t->want.out.tlb.asked = c->pending == 1 || (c->pending & 1 && !got) ? 0 :
				space->active;
	orc_dispatch(t->s, c);
}

void orc_tlb_sync(struct orc_step *t)
{
	struct orc_cursor *c = orc_get_cursor(t, t->op->arg.id.id, true);
	__u32 got = t->op->out.tlb.waited;

	if (!orc_goes(t))
		return;
	if (got > (__u32)__builtin_popcountll(c->asked))
		orc_differ(t, "waits for %u CPUs, %#llx were asked", got, c->asked);
	t->want.out.tlb.waited = got;
	c->asked = 0;
	orc_stale_synced(orc_find(&t->s->spaces, c->space), c);
	orc_adopt_pending(t, c);
}

void orc_tlb_flush_local(struct orc_step *t)
{
	const struct vmstore_arg_flush_local *arg = &t->op->arg.flush_local;
	struct orc_space *space = orc_get(t, &t->s->spaces, arg->space);

	orc_check_flush(t, arg->va, arg->len);
	if (!orc_is_within(arg->va, arg->len, 0, VMSTORE_USER_END) &&
	    !orc_is_within(arg->va, arg->len, VMSTORE_KERNEL_BASE, VMSTORE_KVIRT_END))
		orc_refuse(t, EACCES);
	if (!orc_goes(t))
		return;
	if (!arg->len)
		orc_stale_flushed_on(space, t->op->cpu, 0, VMSTORE_USER_END);
	else if (arg->va < VMSTORE_USER_END)
		orc_stale_flushed_on(space, t->op->cpu, arg->va, arg->va + arg->len);
}
