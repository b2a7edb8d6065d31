// SPDX-License-Identifier: GPL-2.0-only
/* Frames, segments, exclusive handles [5.4 to 5.6]. */

#include "model.h"

/* --- claiming what is free ----------------------------------------------------------- */

/*
 * Can the slot be claimed? The order is NotAligned, OutOfBound, state. What is only
 * gathered is released first. Where a node may be that no dump has shown, both are
 * possible.
 */
static void orc_may_claim(struct orc_step *t, __u64 paddr)
{
	const struct orc_slot *slot;

	if (!orc_aligned(paddr)) {
		orc_refuse(t, EINVAL);
		return;
	}
	if (paddr >= orc_region_size(t->s)) {
		orc_refuse(t, ERANGE);
		return;
	}
	slot = orc_peek(t->s, paddr);
	if (paddr / ORC_PAGE >= t->s->config.first_mmio ||
	    (slot && (orc_users(slot) || slot->uniques)))
		orc_refuse(t, EBUSY);
	else if (t->s->moved)
		orc_may_refuse(t, EBUSY);
	else if (slot && slot->node)
		orc_refuse(t, EBUSY);
}

/*
 * The slot is a data frame now, with what its last user left if that was one too. A node
 * leaves zeros [decisions.md]; whether it was one is not known if nodes moved.
 */
static void orc_claim(struct orc_step *t, __u64 paddr)
{
	struct orc_slot *slot = orc_slot(t->s, paddr);

	if (t->s->moved)
		orc_forget(t->s, paddr);
	else if (slot->usage == VMSTORE_USAGE_PAGETABLE)
		orc_zero(t->s, paddr);
	slot = orc_slot(t->s, paddr);
	slot->usage = VMSTORE_USAGE_FRAME;
	slot->node = false;
	slot->gathered = 0;
	/* It was not free before every CPU had flushed what named it [Tl7, T5] */
	orc_stale_reused(t->s, paddr);
}

/* One more reference of a shared data frame [O-FrameFromInUse] */
static void orc_may_share(struct orc_step *t, __u64 paddr)
{
	const struct orc_slot *slot;

	if (!orc_aligned(paddr)) {
		orc_refuse(t, EINVAL);
		return;
	}
	if (paddr >= orc_region_size(t->s)) {
		orc_refuse(t, ERANGE);
		return;
	}
	slot = orc_peek(t->s, paddr);
	if (slot && slot->uniques)
		orc_refuse(t, EBUSY);
	else if (slot && orc_users(slot))
		return;
	else if (slot && slot->gathered)
		orc_may_refuse(t, ENOENT);
	else
		orc_refuse(t, ENOENT);
}

/* Is the frame unused after its last known user is gone? If gathered, the module says */
static __u32 orc_freed(struct orc_step *t, __u64 paddr, __u32 reported)
{
	struct orc_slot *slot = orc_slot(t->s, paddr);

	if (orc_users(slot))
		return 0;
	if (!slot->gathered)
		return 1;
	if (reported)
		slot->gathered = 0;
	return !!reported;
}

/* --- handles ------------------------------------------------------------------------- */

static void orc_new_handle(struct orc_step *t, __u64 paddr)
{
	struct orc_frame *f = orc_add(&t->s->frames,
				      orc_fresh(t, ORC_FRAME, t->op->out.frame.id));

	f->paddr = paddr;
	ORC_COUNT(t->s, paddr, handles, 1);
	t->want.out.frame.id = f->id;
	t->want.out.frame.paddr = paddr;
}

static void orc_del_handle(struct orc_step *t, struct orc_frame *f)
{
	ORC_COUNT(t->s, f->paddr, handles, -1);
	orc_del(&t->s->frames, f);
}

void orc_frame_from_unused(struct orc_step *t)
{
	__u64 paddr = t->op->arg.paddr.paddr;

	orc_may_claim(t, paddr);
	if (!orc_goes(t))
		return;
	orc_claim(t, paddr);
	orc_new_handle(t, paddr);
}

void orc_frame_from_in_use(struct orc_step *t)
{
	__u64 paddr = t->op->arg.paddr.paddr;

	orc_may_share(t, paddr);
	if (orc_goes(t))
		orc_new_handle(t, paddr);
}

void orc_frame_alloc(struct orc_step *t)
{
	__u64 paddr = t->op->out.frame.paddr;
	const struct orc_slot *slot;

	orc_need_slots(t, 1);
	if (!orc_goes(t)) {
		if (t->op->out_errno == -ENOMEM)
			orc_reaped(t->s, false);
		return;
	}
	slot = orc_peek(t->s, paddr);
	if (!orc_aligned(paddr) || paddr / ORC_PAGE >= t->s->config.first_mmio ||
	    (slot && (orc_users(slot) || slot->uniques || (slot->node && !t->s->moved)))) {
		orc_differ(t, "took %#llx, which is not free", paddr);
		return;
	}
	orc_claim(t, paddr);
	orc_zero(t->s, paddr);
	orc_new_handle(t, paddr);
}

void orc_frame_drop(struct orc_step *t)
{
	struct orc_frame *f = orc_get(t, &t->s->frames, t->op->arg.id.id);
	__u64 paddr;

	if (!orc_goes(t))
		return;
	paddr = f->paddr;
	orc_del_handle(t, f);
	t->want.out.drop.paddr = paddr;
	t->want.out.drop.freed = orc_freed(t, paddr, t->op->out.drop.freed);
}

void orc_frame_clone(struct orc_step *t)
{
	struct orc_frame *f = orc_get(t, &t->s->frames, t->op->arg.id.id);

	if (orc_goes(t))
		orc_new_handle(t, f->paddr);
}

/* --- segments ------------------------------------------------------------------------ */

static struct orc_segment *orc_new_segment(struct orc_step *t, __u64 id, __u64 start,
					   __u64 end)
{
	struct orc_segment *seg = orc_add(&t->s->segments, orc_fresh(t, ORC_SEGMENT, id));

	seg->start = start;
	seg->end = end;
	t->want.out.segment.id = t->op->out.segment.id;
	t->want.out.segment.start = start;
	t->want.out.segment.end = end;
	return seg;
}

static void orc_cover(struct orc_step *t, __u64 start, __u64 end, int by)
{
	for (; start < end; start += ORC_PAGE)
		ORC_COUNT(t->s, start, segments, by);
}

/* The first frame that cannot be claimed says the errno [O-SegmentFromUnused] */
static void orc_may_claim_range(struct orc_step *t, __u64 start, __u64 end)
{
	__u64 at;

	for (at = start; at < end && !t->nr_errnos; at += ORC_PAGE)
		orc_may_claim(t, at);
}

void orc_segment_from_unused(struct orc_step *t)
{
	__u64 start = t->op->arg.range.start, end = t->op->arg.range.end, at;

	if (!orc_aligned(start) || !orc_aligned(end))
		orc_refuse(t, EINVAL);
	else if (end > orc_region_size(t->s))
		orc_refuse(t, ERANGE);
	else if (start >= end)
		orc_refuse(t, EINVAL);
	else
		orc_may_claim_range(t, start, end);
	if (!orc_goes(t))
		return;
	for (at = start; at < end; at += ORC_PAGE)
		orc_claim(t, at);
	orc_cover(t, start, end, 1);
	orc_new_segment(t, t->op->out.segment.id, start, end);
}

/* What a drop of these frames may report as freed; the counts are already lower */
static __u64 orc_freed_range(struct orc_step *t, __u64 start, __u64 end, __u64 reported)
{
	__u64 sure = 0, maybe = 0, at;

	for (at = start; at < end; at += ORC_PAGE) {
		const struct orc_slot *slot = orc_slot(t->s, at);

		if (orc_users(slot))
			continue;
		if (slot->gathered)
			maybe++;
		else
			sure++;
	}
	return reported >= sure && reported <= sure + maybe ? reported : sure;
}

void orc_segment_drop(struct orc_step *t)
{
	struct orc_segment *seg = orc_get(t, &t->s->segments, t->op->arg.id.id);
	struct vmstore_out_segment_drop *out = &t->want.out.segment_drop;

	if (!orc_goes(t))
		return;
	out->start = seg->start;
	out->end = seg->end;
	orc_cover(t, seg->start, seg->end, -1);
	orc_del(&t->s->segments, seg);
	out->frames_freed = orc_freed_range(t, out->start, out->end,
					    t->op->out.segment_drop.frames_freed);
}

void orc_segment_split(struct orc_step *t)
{
	const struct vmstore_arg_split *arg = &t->op->arg.split;
	struct orc_segment *seg = orc_get(t, &t->s->segments, arg->segment);
	__u64 start, middle, end;

	if (!orc_aligned(arg->offset) || !arg->offset ||
	    (seg && arg->offset >= seg->end - seg->start))
		orc_refuse(t, EINVAL);
	if (!orc_goes(t))
		return;
	start = seg->start;
	end = seg->end;
	middle = start + arg->offset;
	orc_del(&t->s->segments, seg);
	orc_new_segment(t, t->op->out.segment.id, start, middle);
	orc_new_segment(t, t->op->out.segment.second, middle, end);
	t->want.out.segment.second = t->op->out.segment.second;
	t->want.out.segment.start = start;
	t->want.out.segment.middle = middle;
}

void orc_segment_next(struct orc_step *t)
{
	struct orc_segment *seg = orc_get(t, &t->s->segments, t->op->arg.id.id);
	__u64 paddr;

	if (!orc_goes(t))
		return;
	paddr = seg->start;
	seg->start += ORC_PAGE;
	if (seg->start == seg->end)
		orc_del(&t->s->segments, seg);
	orc_new_handle(t, paddr);
	orc_cover(t, paddr, paddr + ORC_PAGE, -1);
}

void orc_segment_clone(struct orc_step *t)
{
	struct orc_segment *seg = orc_get(t, &t->s->segments, t->op->arg.id.id);
	__u64 start, end;

	if (!orc_goes(t))
		return;
	start = seg->start;
	end = seg->end;
	orc_cover(t, start, end, 1);
	orc_new_segment(t, t->op->out.segment.id, start, end);
}

void orc_segment_slice(struct orc_step *t)
{
	const struct vmstore_arg_slice *arg = &t->op->arg.slice;
	struct orc_segment *seg = orc_get(t, &t->s->segments, arg->segment);

	if (!orc_aligned(arg->start) || !orc_aligned(arg->end) || arg->start >= arg->end ||
	    (seg && (arg->start < seg->start || arg->end > seg->end)))
		orc_refuse(t, EINVAL);
	if (!orc_goes(t))
		return;
	orc_cover(t, arg->start, arg->end, 1);
	orc_new_segment(t, t->op->out.segment.id, arg->start, arg->end);
}

void orc_frame_to_segment(struct orc_step *t)
{
	struct orc_frame *f = orc_get(t, &t->s->frames, t->op->arg.id.id);
	__u64 paddr;

	if (!orc_goes(t))
		return;
	paddr = f->paddr;
	orc_cover(t, paddr, paddr + ORC_PAGE, 1);
	orc_del_handle(t, f);
	orc_new_segment(t, t->op->out.segment.id, paddr, paddr + ORC_PAGE);
}

/* --- exclusive handles --------------------------------------------------------------- */

static void orc_new_unique(struct orc_step *t, __u64 paddr)
{
	struct orc_unique *u = orc_add(&t->s->uniques,
				       orc_fresh(t, ORC_UNIQUE, t->op->out.frame.id));

	u->paddr = paddr;
	ORC_COUNT(t->s, paddr, uniques, 1);
	t->want.out.frame.id = u->id;
	t->want.out.frame.paddr = paddr;
}

void orc_unique_from_unused(struct orc_step *t)
{
	__u64 paddr = t->op->arg.paddr.paddr;

	orc_may_claim(t, paddr);
	if (!orc_goes(t))
		return;
	orc_claim(t, paddr);
	orc_new_unique(t, paddr);
}

static __u64 orc_del_unique(struct orc_step *t, struct orc_unique *u)
{
	__u64 paddr = u->paddr;

	ORC_COUNT(t->s, paddr, uniques, -1);
	orc_del(&t->s->uniques, u);
	return paddr;
}

void orc_unique_drop(struct orc_step *t)
{
	struct orc_unique *u = orc_get(t, &t->s->uniques, t->op->arg.id.id);

	if (!orc_goes(t))
		return;
	t->want.out.drop.paddr = orc_del_unique(t, u);
	t->want.out.drop.freed = 1;
}

void orc_from_unique(struct orc_step *t)
{
	struct orc_unique *u = orc_get(t, &t->s->uniques, t->op->arg.id.id);

	if (orc_goes(t))
		orc_new_handle(t, orc_del_unique(t, u));
}

/* Succeeds when the handle is the only reference; a gathered one counts until released */
void orc_try_from_shared(struct orc_step *t)
{
	struct orc_frame *f = orc_get(t, &t->s->frames, t->op->arg.id.id);
	const struct orc_slot *slot = f ? orc_peek(t->s, f->paddr) : NULL;
	__u64 paddr;

	if (slot && orc_users(slot) > 1)
		orc_refuse(t, EBUSY);
	else if (slot && slot->gathered)
		orc_may_refuse(t, EBUSY);
	if (!orc_goes(t))
		return;
	paddr = f->paddr;
	orc_slot(t->s, paddr)->gathered = 0;
	orc_del_handle(t, f);
	orc_new_unique(t, paddr);
}
