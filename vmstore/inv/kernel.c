// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel areas: KVMStore::inv [model 3.10], and what the two stores over one region owe
 * each other.
 *
 * The kernel page table is the store's own root and what lies below the top of the kernel
 * half, without the linear window [D16]. Its leaves count in P as those of spaces do [D9].
 */

#include "inv.h"

/* K1: regions.inv(): R1 to R15, all of them evaluated before this */
static void vms_clause_k1(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (ctx->found_regions)
		vms_violate(v, 0, 0, "one of R1 to R15 is violated");
}

/* K2: kernel_pt.inv(): P1 to P7 in the kernel half, all of them evaluated before this */
static void vms_clause_k2(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (ctx->found_kernel)
		vms_violate(v, 0, 0, "one of P1 to P7 is violated in the kernel half");
}

/* K3: kernel_pt.metaregion_sound(regions): P10 to P13, likewise */
static void vms_clause_k3(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (ctx->found_unsound)
		vms_violate(v, 0, 0, "one of P10 to P13 is violated in the kernel half");
}

/* K4: KERNEL_BASE_VADDR <= start; here that of areas, for the window lies below it */
static void vms_clause_k4(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (sub->area->start < VMSTORE_KVIRT_BASE)
		vms_violate(v, VMSTORE_KVIRT_BASE, sub->area->start, "start");
}

/* K5: end <= FRAME_METADATA_BASE_VADDR */
static void vms_clause_k5(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (sub->area->end > VMSTORE_KVIRT_END)
		vms_violate(v, VMSTORE_KVIRT_END, sub->area->end, "end");
}

/* K6: start % PAGE_SIZE == 0 */
static void vms_clause_k6(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_page_aligned(sub->area->start))
		vms_violate(v, 0, sub->area->start % VMS_PAGE_SIZE, "start is not aligned");
}

/* K7: end % PAGE_SIZE == 0 */
static void vms_clause_k7(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_page_aligned(sub->area->end))
		vms_violate(v, 0, sub->area->end % VMS_PAGE_SIZE, "end is not aligned");
}

/* K8: start <= end; an empty area is legal */
static void vms_clause_k8(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (sub->area->start > sub->area->end)
		vms_violate(v, sub->area->end, sub->area->start, "starts after its end");
}

/* K9: dom(kvirt_areas) is finite: its size is known and within the limit */
static void vms_clause_k9(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_registry *areas = &ctx->store->areas;
	u64 count = atomic_read(&areas->count);

	if (count != ctx->nr_areas)
		vms_violate(v, ctx->nr_areas, count, "number of areas");
	if (count > areas->max)
		vms_violate(v, areas->max, count, "more areas than allowed");
}

/*
 * G6 [model 3.10, recommended]: areas are disjoint, with a page between two of them: each
 * has its range of the tree, where ranges cannot meet, and a page behind its end in it
 */
static void vms_clause_g6(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	struct vms_kvirts *k = &ctx->store->kvirts;
	const struct vms_kvirt *area = sub->area;

	if (!vms_premise(v, vms_kvirt_ok(area) && area->end < VMSTORE_KVIRT_END))
		return;
	if (vms_kvirt_at(k, area->start) != area || vms_kvirt_at(k, area->end) != area)
		vms_violate(v, 0, 0, "not all of its addresses are kept for it");
	if (area->first != (area->start - VMSTORE_KVIRT_BASE) >> VMS_PAGE_SHIFT ||
	    area->last != (area->end - VMSTORE_KVIRT_BASE) >> VMS_PAGE_SHIFT)
		vms_violate(v, 0, 0, "what is kept for it is not it and a guard page");
}

/* G7: every leaf of the kernel half lies in an area */
static void vms_clause_g7(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	struct vms_store *s = ctx->store;
	const struct vms_kvirt *area;

	if (!vms_premise(v, !sub->space && vms_va_in_kvirt(sub->va)))
		return;
	area = vms_kvirt_at(&s->kvirts, sub->va);
	if (!area || xa_load(&s->areas.xa, area->id) != area ||
	    !vms_kvirt_has(area, sub->va, vms_page_size(sub->level)))
		vms_violate(v, 0, 0, "leaf outside of any area");
}

/* G8: pins are the readers and writers that are in areas */
static void vms_clause_g8(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	struct vms_store *s = ctx->store;
	const struct vms_touch *t = s->region.touch;
	u64 pins = 0, users = 0;
	struct vms_kvirt *area;
	struct vms_io *io;
	unsigned long id;

	if (!vms_premise(v, !ctx->touched || t->kinds & VMS_TOUCH_KVIRTS))
		return;
	xa_for_each(&s->areas.xa, id, area)
		pins += atomic_read(&area->pins);
	xa_for_each(&s->ios.xa, id, io)
		users += !!io->area;
	if (pins != users)
		vms_violate(v, users, pins, "pins");
}

/*
 * D17: a leaf of the kernel half is untracked exactly when it maps the reserved tail, and
 * AVAIL1 says so
 */
static void vms_clause_d17(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	bool device = sub->target >= ctx->store->region.first_mmio;
	bool tracked = sub->pte & VMS_PTE_AVAIL1;

	if (!vms_premise(v, !sub->space && sub->target != VMS_NO_SLOT))
		return;
	if (tracked == device)
		vms_violate(v, !device, tracked, "leaf is tracked");
}

const struct vms_clause vms_clauses_kernel[] = {
	{ "K1", VMS_SCOPE_STORE, vms_clause_k1, "regions.inv holds: R1 to R15" },
	{ "K2", VMS_SCOPE_STORE, vms_clause_k2, "kernel half: P1 to P7" },
	{ "K3", VMS_SCOPE_STORE, vms_clause_k3, "kernel half: P10 to P13" },
	{ "K4", VMS_SCOPE_KVIRT, vms_clause_k4, "area: starts where areas may" },
	{ "K5", VMS_SCOPE_KVIRT, vms_clause_k5, "area: ends where areas may" },
	{ "K6", VMS_SCOPE_KVIRT, vms_clause_k6, "area: its start is page aligned" },
	{ "K7", VMS_SCOPE_KVIRT, vms_clause_k7, "area: its end is page aligned" },
	{ "K8", VMS_SCOPE_KVIRT, vms_clause_k8, "area: does not start after its end" },
	{ "K9", VMS_SCOPE_STORE, vms_clause_k9, "the areas are finitely many" },
	{ "G6", VMS_SCOPE_KVIRT, vms_clause_g6, "areas are disjoint, a guard page between them" },
	{ "G7", VMS_SCOPE_LEAF, vms_clause_g7, "kernel leaf: lies in an area" },
	{ "G8", VMS_SCOPE_STORE, vms_clause_g8, "pins are the readers and writers in areas" },
	{ "D17", VMS_SCOPE_LEAF, vms_clause_d17,
	  "kernel leaf: untracked exactly in the device tail" },
	{}
};
