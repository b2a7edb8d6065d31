// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles, segments, reference counts and leaks: accounting_inv [model 3.3], what
 * structural_inv says of handles, segments and exclusive handles [3.2], and I0.
 *
 * H(i) counts handles, gathered frames and leaves of gathered subtrees [D4], and the
 * references of kernel readers and writers; P(i) leaves reachable from a root; S(i)
 * segments that cover the slot.
 */

#include "inv.h"

/* What A1 to A3 speak of at one slot */
struct vms_account {
	u64 rc;
	u64 users;		/* H + P + S */
	bool frame;		/* usage is Frame */
};

static struct vms_account vms_account_of(const struct vms_inv_ctx *ctx,
					 const struct vms_subject *sub)
{
	const struct vms_recount *count = &ctx->recount[sub->slot];

	return (struct vms_account) {
		.rc = vms_slot_rc(&ctx->store->region, sub->slot),
		.users = (u64)count->h + count->p + count->s,
		.frame = vms_inv_slot(ctx, sub->slot)->usage == VMSTORE_USAGE_FRAME,
	};
}

/* A1: rc == UNUSED implies H == 0 and paths empty and S == 0 */
static void vms_clause_a1(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	struct vms_account a = vms_account_of(ctx, sub);

	if (!vms_premise(v, a.rc == VMS_RC_UNUSED))
		return;
	if (a.users)
		vms_violate(v, 0, a.users, "unused, H+P+S");
}

/* A2: Frame and rc neither UNUSED nor UNIQUE implies H > 0 or P > 0 or S > 0 */
static void vms_clause_a2(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	struct vms_account a = vms_account_of(ctx, sub);

	if (!vms_premise(v, a.frame && a.rc != VMS_RC_UNUSED && a.rc != VMS_RC_UNIQUE))
		return;
	if (!a.users)
		vms_violate(v, 0, a.rc, "no user, rc");
}

/* A3: Frame and (H > 0 or P > 0 or S > 0) implies (a) rc != UNUSED */
static void vms_clause_a3a(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	struct vms_account a = vms_account_of(ctx, sub);

	if (!vms_premise(v, a.frame && a.users))
		return;
	if (a.rc == VMS_RC_UNUSED)
		vms_violate(v, a.users, a.rc, "has users, rc is UNUSED");
}

/* ... (b) rc != UNIQUE */
static void vms_clause_a3b(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	struct vms_account a = vms_account_of(ctx, sub);

	if (!vms_premise(v, a.frame && a.users))
		return;
	if (a.rc == VMS_RC_UNIQUE)
		vms_violate(v, a.users, a.rc, "has shared users, rc is UNIQUE");
}

/* ... (c) rc == H + P + S */
static void vms_clause_a3c(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	struct vms_account a = vms_account_of(ctx, sub);

	if (!vms_premise(v, a.frame && a.users))
		return;
	if (a.rc != a.users)
		vms_violate(v, a.users, a.rc, "rc is not H+P+S");
}

/* ... (d) st */
static void vms_clause_a3d(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	struct vms_account a = vms_account_of(ctx, sub);

	if (!vms_premise(v, a.frame && a.users))
		return;
	if (!vms_inv_slot(ctx, sub->slot)->storage)
		vms_violate(v, 1, 0, "has users, storage initialised");
}

/* S12: each handle: has_safe_slot(paddr) */
static void vms_clause_s12(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	if (!vms_region_has_safe_slot(&ctx->store->region, vms_slot_paddr(sub->slot)))
		vms_violate(v, ctx->store->region.nr_slots, sub->slot,
			    "slot beyond the end of the region");
}

/* S13: each handle: usage(frame_to_index(paddr)) == Frame */
static void vms_clause_s13(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	u8 usage;

	if (!vms_premise(v, sub->slot < ctx->store->region.nr_slots))
		return;
	usage = vms_inv_slot(ctx, sub->slot)->usage;
	if (usage != VMSTORE_USAGE_FRAME)
		vms_violate(v, VMSTORE_USAGE_FRAME, usage, "usage of the slot");
}

/* S14: dom(frames) is finite: its size is known and within the limit */
static void vms_clause_s14(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	const struct vms_registry *frames = &ctx->store->frames;
	u64 count = atomic_read(&frames->count);

	if (count != ctx->nr_frames)
		vms_violate(v, ctx->nr_frames, count, "number of handles");
	if (count > frames->max)
		vms_violate(v, frames->max, count, "more handles than allowed");
}

/* S15: dom(segments) is finite: its size is known and within the limit */
static void vms_clause_s15(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	const struct vms_registry *segments = &ctx->store->segments;
	u64 count = atomic_read(&segments->count);

	if (count != ctx->nr_segments)
		vms_violate(v, ctx->nr_segments, count, "number of segments");
	if (count > segments->max)
		vms_violate(v, segments->max, count, "more segments than allowed");
}

/*
 * S16: each segment: start and end page aligned, start < end, end <= MAX_PADDR. That a
 * segment is a number of slots aligns it.
 */
static void vms_clause_s16(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	u64 nr_slots = ctx->store->region.nr_slots;
	u64 end = (u64)sub->slot + sub->nr;

	if (!sub->nr)
		vms_violate(v, 0, 0, "segment is empty");
	if (end > nr_slots)
		vms_violate(v, nr_slots, end, "ends beyond the last slot");
}

/* S17: for each page of each segment: usage == Frame: a slot at a time */
static void vms_clause_s17(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	u8 usage = vms_inv_slot(ctx, sub->slot)->usage;

	if (!vms_premise(v, ctx->recount[sub->slot].s))
		return;
	if (usage != VMSTORE_USAGE_FRAME)
		vms_violate(v, VMSTORE_USAGE_FRAME, usage, "in a segment, usage");
}

/* U1: each exclusive handle: valid_frame_paddr(paddr) */
static void vms_clause_u1(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_region_has_safe_slot(&ctx->store->region, vms_slot_paddr(sub->slot)))
		vms_violate(v, ctx->store->region.nr_slots, sub->slot,
			    "slot beyond the end of the region");
}

/* U2: its slot: usage == Frame, rc == UNIQUE, il == 0, no paths */
static void vms_clause_u2(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_slot *slot;

	if (!vms_premise(v, sub->slot < ctx->store->region.nr_slots))
		return;
	slot = vms_inv_slot(ctx, sub->slot);
	if (slot->usage != VMSTORE_USAGE_FRAME)
		vms_violate(v, VMSTORE_USAGE_FRAME, slot->usage, "usage of the slot");
	if (atomic64_read(&slot->rc) != VMS_RC_UNIQUE)
		vms_violate(v, VMS_RC_UNIQUE, atomic64_read(&slot->rc), "rc of the slot");
	if (slot->in_list)
		vms_violate(v, 0, slot->in_list, "in_list of the slot");
	if (atomic64_read(&slot->paths))
		vms_violate(v, 0, atomic64_read(&slot->paths), "paths of the slot");
}

/* U3: equal paddr implies equal uid */
static void vms_clause_u3(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	u32 u;

	if (!vms_premise(v, sub->slot < ctx->store->region.nr_slots))
		return;
	u = ctx->recount[sub->slot].u;	/* up to this handle */
	if (u != 1)
		vms_violate(v, 1, u, "exclusive handles of the frame");
}

/* R16: usage == MMIO iff the address is device memory: the tail of the region [D17] */
static void vms_clause_r16(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	bool mmio = sub->slot >= ctx->store->region.first_mmio;
	u8 usage = vms_inv_slot(ctx, sub->slot)->usage;

	if (mmio && usage != VMSTORE_USAGE_MMIO)
		vms_violate(v, VMSTORE_USAGE_MMIO, usage, "device memory, usage");
	if (!mmio && usage == VMSTORE_USAGE_MMIO)
		vms_violate(v, 0, 0, "usage MMIO, no device memory");
}

/*
 * R17: clean_inv: no outstanding obligation: whoever owes a drop is known. The ledger
 * has the handles, the leaves and the links of nodes; A3c says the same of data frames.
 */
static void vms_clause_r17(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	struct vms_account a = vms_account_of(ctx, sub);
	u64 known = a.users + ctx->recount[sub->slot].node_refs;

	if (!vms_premise(v, !a.frame && vms_rc_is_shared(a.rc)))
		return;
	if (a.rc != known)
		vms_violate(v, known, a.rc, "references, and of these are known");
}

/*
 * G1 [D4]: every live PageTable slot is reachable from a root, or the top of the
 * kernel half, or gathered: one of them, and once
 */
static void vms_clause_g1(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, sub->slot);
	u32 refs = ctx->recount[sub->slot].node_refs;

	if (!vms_premise(v, slot->usage == VMSTORE_USAGE_PAGETABLE &&
			 atomic64_read(&slot->rc) != VMS_RC_UNUSED))
		return;
	if (refs != 1)
		vms_violate(v, 1, refs, "times the node was found");
}

/* I0: structural_inv and accounting_inv: every other clause, evaluated before this */
static void vms_clause_i0(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (ctx->found)
		vms_violate(v, 0, ctx->found, "violations");
}

const struct vms_clause vms_clauses_accounting[] = {
	{ "S12", VMS_SCOPE_FRAME, vms_clause_s12, "handle: its frame lies in the region" },
	{ "S13", VMS_SCOPE_FRAME, vms_clause_s13, "handle: its slot has usage Frame" },
	{ "S14", VMS_SCOPE_STORE, vms_clause_s14, "the handles are finitely many" },
	{ "S15", VMS_SCOPE_STORE, vms_clause_s15, "the segments are finitely many" },
	{ "S16", VMS_SCOPE_SEGMENT, vms_clause_s16, "segment: not empty, in the region" },
	{ "S17", VMS_SCOPE_SLOT, vms_clause_s17, "in a segment: usage Frame" },
	{ "U1", VMS_SCOPE_UNIQUE, vms_clause_u1, "exclusive handle: its frame lies in the region" },
	{ "U2", VMS_SCOPE_UNIQUE, vms_clause_u2,
	  "exclusive handle: Frame, UNIQUE, no list, no path" },
	{ "U3", VMS_SCOPE_UNIQUE, vms_clause_u3, "exclusive handle: the only one of its frame" },
	{ "A1", VMS_SCOPE_SLOT, vms_clause_a1, "unused: no handle, no path, no segment" },
	{ "A2", VMS_SCOPE_SLOT, vms_clause_a2, "Frame in use: has a handle, a path or a segment" },
	{ "A3a", VMS_SCOPE_SLOT, vms_clause_a3a, "Frame with a user: rc is not UNUSED" },
	{ "A3b", VMS_SCOPE_SLOT, vms_clause_a3b, "Frame with a user: rc is not UNIQUE" },
	{ "A3c", VMS_SCOPE_SLOT, vms_clause_a3c, "Frame with a user: rc == H + P + S" },
	{ "A3d", VMS_SCOPE_SLOT, vms_clause_a3d, "Frame with a user: storage is initialised" },
	{ "R16", VMS_SCOPE_SLOT, vms_clause_r16, "usage is MMIO exactly in the device tail" },
	{ "R17", VMS_SCOPE_SLOT, vms_clause_r17, "every reference has somebody who owes its drop" },
	{ "G1", VMS_SCOPE_SLOT, vms_clause_g1, "every node is reachable or gathered, once" },
	{ "I0", VMS_SCOPE_STORE, vms_clause_i0, "structural_inv and accounting_inv: all clauses" },
	{}
};
