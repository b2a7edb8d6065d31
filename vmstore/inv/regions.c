// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots: MetaRegionOwners::inv and MetaSlotOwner::inv [model 3.4], and what
 * structural_inv says of slots.
 *
 * The slots are an array of nr_slots records, one per frame of the region; every
 * index beyond is an implicit free slot [D1]. A record's address is its index times
 * its size, so what the reference says of addresses is said of the stored index.
 *
 * Notation: rc, usage, st (storage initialised), vt (type tag set), il (in_list) and
 * paths are those of slot i; H and P are recounted.
 */

#include <linux/align.h>
#include <linux/limits.h>

#include "inv.h"

static u64 vms_rc_of(const struct vms_inv_ctx *ctx, const struct vms_subject *sub)
{
	return vms_slot_rc(&ctx->store->region, sub->slot);
}

static u64 vms_paths_of(const struct vms_slot *slot)
{
	return atomic64_read(&slot->paths);
}

static void vms_region_violate(struct vms_inv_ctx *ctx, struct vms_verdict *v, u64 expected,
			       u64 found, const char *what)
{
	ctx->found_regions++;
	vms_violate(v, expected, found, what);
}

/* R1: dom(slots) is finite */
static void vms_clause_r1(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	u32 n = ctx->store->region.nr_slots;

	if (n > S32_MAX)
		vms_region_violate(ctx, v, S32_MAX, n, "more slots than there may be");
}

/* R2: i in dom(slot_owners) iff 0 <= i < max_meta_slots() */
static void vms_clause_r2(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_region *r = &ctx->store->region;

	if (r->nr_slots != r->size >> VMS_PAGE_SHIFT)
		vms_region_violate(ctx, v, r->size >> VMS_PAGE_SHIFT, r->nr_slots,
				   "number of slots");
}

/* R3: dom(slot_owners) is contained in dom(slots): each record has its frame */
static void vms_clause_r3(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_region *r = &ctx->store->region;
	u64 frames = (u64)r->nr_blocks * VMS_SLOTS_PER_BLOCK;

	if (r->nr_slots > frames)
		vms_region_violate(ctx, v, frames, r->nr_slots, "slots without a frame");
}

/* R4: i in dom(slots) implies i < max_meta_slots() */
static void vms_clause_r4(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_region *r = &ctx->store->region;

	if (r->nr_slots > r->size >> VMS_PAGE_SHIFT)
		vms_region_violate(ctx, v, r->size >> VMS_PAGE_SHIFT, r->nr_slots,
				   "slots beyond the end of the region");
}

/* R7: rc == UNUSED implies !st, !vt, il == 0 and (usage != MMIO implies no paths) */
static void vms_clause_r7(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, sub->slot);

	if (!vms_premise(v, vms_rc_of(ctx, sub) == VMS_RC_UNUSED))
		return;
	if (slot->storage)
		vms_region_violate(ctx, v, 0, 1, "unused, storage initialised");
	if (slot->type != VMS_TYPE_NONE)
		vms_region_violate(ctx, v, 0, slot->type, "unused, type tag");
	if (slot->in_list)
		vms_region_violate(ctx, v, 0, slot->in_list, "unused, in_list");
	if (slot->usage != VMSTORE_USAGE_MMIO && vms_paths_of(slot))
		vms_region_violate(ctx, v, 0, vms_paths_of(slot), "unused, paths");
}

/* R8: rc == UNIQUE implies vt, st and (usage != MMIO implies no paths) */
static void vms_clause_r8(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, sub->slot);

	if (!vms_premise(v, vms_rc_of(ctx, sub) == VMS_RC_UNIQUE))
		return;
	if (!slot->storage)
		vms_region_violate(ctx, v, 1, 0, "unique, storage initialised");
	if (slot->type == VMS_TYPE_NONE)
		vms_region_violate(ctx, v, 0, 0, "unique, no type tag");
	if (slot->usage != VMSTORE_USAGE_MMIO && vms_paths_of(slot))
		vms_region_violate(ctx, v, 0, vms_paths_of(slot), "unique, paths");
}

/* R9: 0 < rc <= REF_COUNT_MAX implies vt, st, il == 0 */
static void vms_clause_r9(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, sub->slot);

	if (!vms_premise(v, vms_rc_is_shared(vms_rc_of(ctx, sub))))
		return;
	if (!slot->storage)
		vms_region_violate(ctx, v, 1, 0, "shared, storage initialised");
	if (slot->type == VMS_TYPE_NONE)
		vms_region_violate(ctx, v, 0, 0, "shared, no type tag");
	if (slot->in_list)
		vms_region_violate(ctx, v, 0, slot->in_list, "shared, in_list");
}

/* R10: not REF_COUNT_MAX < rc < UNIQUE */
static void vms_clause_r10(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	u64 rc = vms_rc_of(ctx, sub);

	if (rc > VMS_RC_MAX && rc < VMS_RC_UNIQUE)
		vms_region_violate(ctx, v, VMS_RC_MAX, rc, "rc in the forbidden range");
}

/* R11: rc == 0 implies il == 0 */
static void vms_clause_r11(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, sub->slot);

	if (!vms_premise(v, !vms_rc_of(ctx, sub)))
		return;
	if (slot->in_list)
		vms_region_violate(ctx, v, 0, slot->in_list, "under construction, in_list");
}

/* R12: slot_vaddr lies in the slot table */
static void vms_clause_r12(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	u32 self = vms_inv_slot(ctx, sub->slot)->self;

	if (self >= ctx->store->region.nr_slots)
		vms_region_violate(ctx, v, sub->slot, self, "index outside of the slot table");
}

/* R13: slot_vaddr % 64 == 0 */
static void vms_clause_r13(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	if (!IS_ALIGNED((unsigned long)vms_inv_slot(ctx, sub->slot), 64))
		vms_region_violate(ctx, v, 0, 0, "slot is not aligned");
}

/*
 * R14: paths is finite: it holds the paths that exist and no other, and these are
 * counted. That of a node is P10's.
 */
static void vms_clause_r14(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, sub->slot);
	u64 p = ctx->recount[sub->slot].p;

	if (!vms_premise(v, slot->usage != VMSTORE_USAGE_PAGETABLE && (p || vms_paths_of(slot))))
		return;
	if (vms_paths_of(slot) != p)
		vms_region_violate(ctx, v, p, vms_paths_of(slot), "paths recorded");
}

/* R15: the cells of the slot are those its record speaks of */
static void vms_clause_r15(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	u32 self = vms_inv_slot(ctx, sub->slot)->self;

	if (self != sub->slot)
		vms_region_violate(ctx, v, sub->slot, self, "record of another slot");
}

/* The owner invariant of one slot: R7 to R14 */
static void vms_owner_inv(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	static void (*const conjunct[])(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
					struct vms_verdict *v) = {
		vms_clause_r7, vms_clause_r8, vms_clause_r9, vms_clause_r10,
		vms_clause_r11, vms_clause_r12, vms_clause_r13, vms_clause_r14,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(conjunct) && !v->violated; i++)
		conjunct[i](ctx, sub, v);
	v->vacuous = false;
}

/*
 * R5: for each slot: (a) R7 to R14; (b) its memory is initialised; (c) its address is
 * index_to_meta(i); (d) R15; (e) slot_vaddr == address
 */
static void vms_clause_r5(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	vms_owner_inv(ctx, sub, v);
	vms_clause_r15(ctx, sub, v);
}

/* R6: the owner invariant for every entry of slot_owners */
static void vms_clause_r6(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	vms_owner_inv(ctx, sub, v);
}

/* S1: regions.inv(): R1 to R15, all of them evaluated before this */
static void vms_clause_s1(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (ctx->found_regions)
		vms_violate(v, 0, 0, "one of R1 to R15 is violated");
}

/* S2: for all i: i in dom(slots): no record has been moved away from its place */
static void vms_clause_s2(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	u32 self = vms_inv_slot(ctx, sub->slot)->self;

	if (self != sub->slot)
		vms_violate(v, sub->slot, self, "slot is not in its place");
}

/* S2h: for all i: i in dom(slots), or a live node, whose record HEAD lets its owner take */
static void vms_clause_s2h(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, sub->slot);

	if (slot->usage == VMSTORE_USAGE_PAGETABLE && vms_rc_of(ctx, sub) != VMS_RC_UNUSED)
		return;
	if (slot->self != sub->slot)
		vms_violate(v, sub->slot, slot->self, "slot is not in its place");
}

/* S3: for all i: il(i) == 0, or it is a link of a list: then L3 has the word [D8] */
static void vms_clause_s3(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	u64 list = vms_inv_slot(ctx, sub->slot)->in_list;

	if (!vms_premise(v, !ctx->recount[sub->slot].l))
		return;
	if (list)
		vms_violate(v, 0, list, "in_list");
}

const struct vms_clause vms_clauses_regions[] = {
	{ "S2", VMS_SCOPE_SLOT, vms_clause_s2, "every slot is present in its place" },
	{ "S2h", VMS_SCOPE_SLOT, vms_clause_s2h, "every slot but a live node is in its place" },
	{ "S3", VMS_SCOPE_SLOT, vms_clause_s3, "in_list is 0 at every slot that is no link" },
	{ "R1", VMS_SCOPE_STORE, vms_clause_r1, "the slots are finitely many" },
	{ "R2", VMS_SCOPE_STORE, vms_clause_r2, "there is a record for each frame of the region" },
	{ "R3", VMS_SCOPE_STORE, vms_clause_r3, "each record belongs to a frame" },
	{ "R4", VMS_SCOPE_STORE, vms_clause_r4, "no slot lies beyond the end of the region" },
	{ "R5", VMS_SCOPE_SLOT, vms_clause_r5, "slot: R7 to R15, in its place" },
	{ "R6", VMS_SCOPE_SLOT, vms_clause_r6, "slot: R7 to R14" },
	{ "R7", VMS_SCOPE_SLOT, vms_clause_r7, "unused: no storage, no tag, no list, no path" },
	{ "R8", VMS_SCOPE_SLOT, vms_clause_r8, "unique: storage and tag set, no path" },
	{ "R9", VMS_SCOPE_SLOT, vms_clause_r9, "shared: storage and tag set, in no list" },
	{ "R10", VMS_SCOPE_SLOT, vms_clause_r10, "rc is never between REF_COUNT_MAX and UNIQUE" },
	{ "R11", VMS_SCOPE_SLOT, vms_clause_r11, "rc 0: in no list" },
	{ "R12", VMS_SCOPE_SLOT, vms_clause_r12, "the slot lies in the slot table" },
	{ "R13", VMS_SCOPE_SLOT, vms_clause_r13, "the slot is aligned to 64 bytes" },
	{ "R14", VMS_SCOPE_SLOT, vms_clause_r14, "the paths recorded are those that exist" },
	{ "R15", VMS_SCOPE_SLOT, vms_clause_r15, "the slot's cells are those of its record" },
	/* behind its conjuncts */
	{ "S1", VMS_SCOPE_STORE, vms_clause_s1, "regions.inv holds: R1 to R15" },
	{}
};
