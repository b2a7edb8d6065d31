// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers and writers: VmIoEntry::inv [model 3.7], the owner record of a space:
 * VmSpaceOwner::inv [model 3.9], and what structural_inv says of both.
 *
 * How the record is read here. A space is active if it is on some CPU. Its readers and
 * writers are those that vmio.h let enter. Its views are not stored: the total view is
 * what the page table says, the remaining view what the machine finds of it through the
 * root it loads, and the view of a reader or writer is its range of that; by V3 it has
 * none of its own.
 */

#include <linux/nospec.h>
#include <linux/sched.h>

#include "inv.h"

/* --- one reader or writer -------------------------------------------------------- */

/* V1: owner.range.start <= owner.range.end */
static void vms_clause_v1(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (sub->io->cursor > sub->io->end)
		vms_violate(v, sub->io->end, sub->io->cursor, "cursor is past the end");
}

/* The frame that the kernel page table translates @va to, or VMS_NO_SLOT */
static u32 vms_view_slot(struct vms_inv_ctx *ctx, u64 va, struct vms_walk *w)
{
	struct vms_store *s = ctx->store;
	u64 pte;
	u32 head;

	if (va < VMSTORE_KERNEL_BASE || vms_mmu_walk(&s->mmu, &s->kernel_pt.mroot, va, w))
		return VMS_NO_SLOT;
	pte = w->pte[w->level];
	if (vms_pte_kind(pte) != VMS_ENTRY_LEAF)
		return VMS_NO_SLOT;
	head = vms_inv_target(ctx, pte);
	if (head == VMS_NO_SLOT)
		return head;
	return head + vms_paddr_slot(va % vms_page_size(w->level));
}

/* It does, and in the linear window to the frame at that offset */
static bool vms_view_translates(struct vms_inv_ctx *ctx, const struct vms_io *io, u64 va,
				u64 *next)
{
	struct vms_walk w;
	u32 slot = vms_view_slot(ctx, va, &w);

	if (slot == VMS_NO_SLOT)
		return false;
	*next = vms_span_start(va, w.level) + vms_page_size(w.level);
	return io->area || slot == vms_paddr_slot(va - VMSTORE_KERNEL_BASE);
}

/*
 * V2: with a view: its mappings are disjoint and every address in range translates.
 * Each address of the window to its own offset of the region, so no two to the same.
 */
static void vms_clause_v2(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_io *io = sub->io;
	u64 va, next = 0;

	if (!vms_premise(v, io->view != VMS_VIEW_NONE && io->cursor < io->end))
		return;
	for (va = io->cursor; va < io->end && !v->violated; va = next) {
		if (!vms_view_translates(ctx, io, va, &next))
			vms_violate(v, 0, 0, "an address in range does not translate");
		cond_resched();
	}
}

/* V3: vm_space is Some implies mem_view is None */
static void vms_clause_v3(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_premise(v, sub->io->space))
		return;
	if (sub->io->view != VMS_VIEW_NONE)
		vms_violate(v, VMS_VIEW_NONE, sub->io->view, "of a space, view");
}

/* The frames it holds, as far as they are slots */
static void vms_io_slots(struct vms_inv_ctx *ctx, const struct vms_io *io, u32 *first, u32 *nr)
{
	if (io->view == VMS_VIEW_NONE ||
	    vms_linear_range(&ctx->store->region, io->vaddr, io->len, first, nr))
		*nr = 0;
}

/* Frames stay data frames; device memory stays what it is */
static void vms_io_check_slot(struct vms_inv_ctx *ctx, u32 idx, struct vms_verdict *v)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, idx);

	if (slot->usage == VMSTORE_USAGE_MMIO)
		return;
	if (slot->usage != VMSTORE_USAGE_FRAME)
		vms_violate(v, VMSTORE_USAGE_FRAME, slot->usage, "usage in its range");
	if (!vms_rc_is_shared(atomic64_read(&slot->rc)))
		vms_violate(v, 1, atomic64_read(&slot->rc), "rc in its range");
}

/* It lies in a live area that it pins, all of it mapped, for a writer writable */
static void vms_io_check_area(struct vms_inv_ctx *ctx, const struct vms_io *io,
			      struct vms_verdict *v)
{
	const struct vms_kvirt *area = io->area;
	u64 va = vms_span_start(io->vaddr, 1);
	u64 end = io->len ? io->vaddr + io->len : va;	/* an empty one covers no page */

	if (xa_load(&ctx->store->areas.xa, area->id) != area) {
		vms_violate(v, 0, area->id, "its area is not live");
		return;
	}
	if (!vms_kvirt_has(area, io->vaddr, io->len))
		vms_violate(v, 0, 0, "not within its area");
	if (!atomic_read(&area->pins))
		vms_violate(v, 1, 0, "its area is not pinned, pins");
	for (; va < end && !v->violated; va += VMS_PAGE_SIZE) {
		struct vms_walk w;
		u32 slot = vms_view_slot(ctx, va, &w);

		if (slot == VMS_NO_SLOT)
			return;		/* V2's */
		if (io->writer && !w.write)
			vms_violate(v, 1, 0, "a page in its range is not writable");
		vms_io_check_slot(ctx, slot, v);
		cond_resched();
	}
}

/* The view is there, and all it covers is initialised memory that stays */
static void vms_io_has_view(struct vms_inv_ctx *ctx, const struct vms_io *io,
			    enum vms_view view, struct vms_verdict *v)
{
	u32 first, nr, i;

	if (io->view != view) {
		vms_violate(v, view, io->view, "of kernel addresses, view");
		return;
	}
	if (io->area) {
		vms_io_check_area(ctx, io, v);
		return;
	}
	vms_io_slots(ctx, io, &first, &nr);
	for (i = 0; i < nr && !v->violated; i++) {
		vms_io_check_slot(ctx, first + i, v);
		if (!(i % 1024))
			cond_resched();
	}
}

/*
 * V4: vm_space is None and Reader implies a read view, and every byte in range is
 * initialised
 */
static void vms_clause_v4(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (vms_premise(v, !sub->io->space && !sub->io->writer))
		vms_io_has_view(ctx, sub->io, VMS_VIEW_READ, v);
}

/* V5: vm_space is None and Writer implies a write view */
static void vms_clause_v5(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (vms_premise(v, !sub->io->space && sub->io->writer))
		vms_io_has_view(ctx, sub->io, VMS_VIEW_WRITE, v);
}

/* V6: [cursor, end) is ordered and within the range at creation */
static void vms_clause_v6(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_io *io = sub->io;

	if (io->cursor > io->end)
		vms_violate(v, io->end, io->cursor, "cursor is past the end");
	if (io->cursor < io->vaddr)
		vms_violate(v, io->vaddr, io->cursor, "cursor is before the range");
	if (io->end - io->vaddr > io->len)
		vms_violate(v, io->vaddr + io->len, io->end, "end is past the range");
}

/* S9: vm_ios[id].inv(): V1 to V5 */
static void vms_clause_s9(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	vms_clause_v1(ctx, sub, v);
	vms_clause_v2(ctx, sub, v);
	vms_clause_v3(ctx, sub, v);
	vms_clause_v4(ctx, sub, v);
	vms_clause_v5(ctx, sub, v);
	v->vacuous = false;
}

/* S10: vm_ios[id].vm_space == Some(vs) implies vs in vm_spaces */
static void vms_clause_s10(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	const struct vms_space *space = sub->io->space;

	if (!vms_premise(v, space))
		return;
	if (xa_load(&ctx->store->spaces.xa, space->id) != space)
		vms_violate(v, 0, space->id, "its space is not live");
}

/* S11: vm_space is Some implies vaddr + len <= MAX_USERSPACE_VADDR, without wrapping */
static void vms_clause_s11(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	const struct vms_io *io = sub->io;

	if (!vms_premise(v, io->space))
		return;
	if (io->vaddr > VMSTORE_MAX_USERSPACE_VADDR ||
	    io->len > VMSTORE_MAX_USERSPACE_VADDR - io->vaddr)
		vms_violate(v, VMSTORE_MAX_USERSPACE_VADDR, io->vaddr + io->len,
			    "end of its range");
}

/* --- the owner record of a space ---------------------------------------------------- */

static bool vms_space_recorded_active(const struct vms_inv_ctx *ctx,
				      const struct vms_space *space, u32 cpu)
{
	return ctx->store->act.space[cpu] == space;
}

static bool vms_space_is_active(const struct vms_inv_ctx *ctx, const struct vms_space *space)
{
	return !bitmap_empty(space->pt.mroot.active.bits, ctx->store->mmu.nr_cpus);
}

/* Of a clause about the record of an active space with a reader or writer in it */
static bool vms_record_premise(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			       struct vms_verdict *v)
{
	return vms_premise(v, vms_space_is_active(ctx, sub->space) &&
			   !list_empty(&sub->space->ios));
}

static void vms_owner_violate(struct vms_inv_ctx *ctx, struct vms_verdict *v, u64 expected,
			      u64 found, const char *what)
{
	ctx->found_record++;
	vms_violate(v, expected, found, what);
}

/* W1: the page-table tree is well-formed: P1, P6, P7, evaluated before this */
static void vms_clause_w1(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (ctx->found_tree)
		vms_owner_violate(ctx, v, 0, 0, "one of P1, P6, P7 is violated in its table");
}

/*
 * W2: active: mem_view is Some iff mv_range is Some: the machine finds the space on the
 * CPUs on which the store has it active, and on no other
 */
static void vms_clause_w2(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_space *space = sub->space;
	bool active = vms_space_is_active(ctx, space);
	u32 cpu;

	for (cpu = 0; cpu < ctx->store->mmu.nr_cpus; cpu++) {
		bool recorded = vms_space_recorded_active(ctx, space, cpu);

		active |= recorded;
		if (recorded != test_bit(cpu, space->pt.mroot.active.bits))
			vms_owner_violate(ctx, v, recorded, !recorded,
					  "active for the machine");
	}
	v->vacuous = !active;
}

/*
 * W3: active: the remaining view is a subset of the total view, both are disjoint in
 * themselves, translations agree: the machine loads the root of this table, and P9
 */
static void vms_clause_w3(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_region *r = &ctx->store->region;
	const struct vms_pt *pt = &sub->space->pt;

	if (!vms_premise(v, vms_space_is_active(ctx, sub->space) && pt->root < r->nr_slots))
		return;
	if (pt->mroot.pa != vms_slot_pa(r, pt->root))
		vms_owner_violate(ctx, v, 0, 0, "the machine translates by another table");
	if (ctx->found_overlap)
		vms_owner_violate(ctx, v, 0, 0, "P9 is violated in its table");
}

/* W4: active: every reader and writer satisfies V1 and V2 */
static void vms_clause_w4(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	struct vms_subject one = *sub;

	if (!vms_record_premise(ctx, sub, v))
		return;
	list_for_each_entry(one.io, &sub->space->ios, link) {
		vms_clause_v1(ctx, &one, v);
		vms_clause_v2(ctx, &one, v);
	}
	v->vacuous = false;
	ctx->found_record += v->violated;
}

/*
 * Does one of @second meet one of @first that is not itself? In the order of addresses
 * it is enough to know where those before it end.
 */
static void vms_record_disjoint(struct vms_inv_ctx *ctx, const struct vms_space *space,
				bool first_writer, bool second_writer, struct vms_verdict *v)
{
	bool seen[2] = {};
	u64 end[2] = {};
	const struct vms_io *io;

	list_for_each_entry(io, &space->ios, link) {
		bool w = io->writer;
		bool other = w == first_writer ? second_writer : first_writer;

		if ((w == first_writer || w == second_writer) && seen[other] &&
		    io->cursor <= end[other])
			vms_owner_violate(ctx, v, end[other] + 1, io->cursor,
					  "ranges meet, the second begins");
		end[w] = seen[w] ? max(end[w], io->end) : io->end;
		seen[w] = true;
	}
}

/* W5: active: no reader range meets a writer range */
static void vms_clause_w5(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (vms_record_premise(ctx, sub, v))
		vms_record_disjoint(ctx, sub->space, false, true, v);
}

/* W6: active and not shared_reader: readers are pairwise disjoint */
static void vms_clause_w6(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_record_premise(ctx, sub, v))
		return;
	if (vms_premise(v, !sub->space->shared_reader))
		vms_record_disjoint(ctx, sub->space, false, false, v);
}

/* W7: active: writers are pairwise disjoint */
static void vms_clause_w7(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (vms_record_premise(ctx, sub, v))
		vms_record_disjoint(ctx, sub->space, true, true, v);
}

/* Its accesses go through the table of this space, and it is the entry of its id */
static void vms_record_views(struct vms_inv_ctx *ctx, const struct vms_space *space,
			     bool writer, struct vms_verdict *v)
{
	const struct vms_io *io;

	v->vacuous = true;
	list_for_each_entry(io, &space->ios, link) {
		if (io->writer != writer)
			continue;
		v->vacuous = false;
		if (io->pt != &space->pt || io->space != space)
			vms_owner_violate(ctx, v, 0, io->id, "goes through another table, id");
		if (xa_load(&ctx->store->ios.xa, io->id) != io)
			vms_owner_violate(ctx, v, 0, io->id, "in the record and not live, id");
	}
}

/*
 * W8: active: each writer holds a write view consistent with the total view and absent
 * from the remaining view; that nobody else has its range is W5 and W7
 */
static void vms_clause_w8(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (vms_record_premise(ctx, sub, v))
		vms_record_views(ctx, sub->space, true, v);
}

/* W9: active: each reader holds a read view consistent with the total view */
static void vms_clause_w9(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (vms_record_premise(ctx, sub, v))
		vms_record_views(ctx, sub->space, false, v);
}

/* S5: vm_spaces[id].inv(): W1 to W9, all of them evaluated before this */
static void vms_clause_s5(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (ctx->found_record)
		vms_violate(v, 0, 0, "one of W1 to W9 is violated");
}

const struct vms_clause vms_clauses_io[] = {
	{ "S9", VMS_SCOPE_IO, vms_clause_s9, "reader, writer: V1 to V5" },
	{ "S10", VMS_SCOPE_IO, vms_clause_s10, "reader, writer: its space is live" },
	{ "S11", VMS_SCOPE_IO, vms_clause_s11, "reader, writer of a space: ends in the user half" },
	{ "V1", VMS_SCOPE_IO, vms_clause_v1, "the range that remains is ordered" },
	{ "V2", VMS_SCOPE_IO, vms_clause_v2, "with a view: every address in range translates" },
	{ "V3", VMS_SCOPE_IO, vms_clause_v3, "of a space: no view, the MMU decides" },
	{ "V4", VMS_SCOPE_IO, vms_clause_v4, "kernel reader: a read view of data frames" },
	{ "V5", VMS_SCOPE_IO, vms_clause_v5, "kernel writer: a write view of data frames" },
	{ "V6", VMS_SCOPE_IO, vms_clause_v6, "what remains lies within the range at creation" },
	{ "W1", VMS_SCOPE_SPACE, vms_clause_w1, "space: its table is well-formed: P1, P6, P7" },
	{ "W2", VMS_SCOPE_SPACE, vms_clause_w2, "active for the machine as for the store" },
	{ "W3", VMS_SCOPE_SPACE, vms_clause_w3, "active: the machine translates by its table" },
	{ "W4", VMS_SCOPE_SPACE, vms_clause_w4, "active: readers and writers satisfy V1, V2" },
	{ "W5", VMS_SCOPE_SPACE, vms_clause_w5, "active: no reader meets a writer" },
	{ "W6", VMS_SCOPE_SPACE, vms_clause_w6, "active, not shared_reader: readers are disjoint" },
	{ "W7", VMS_SCOPE_SPACE, vms_clause_w7, "active: writers are disjoint" },
	{ "W8", VMS_SCOPE_SPACE, vms_clause_w8, "active: writers go through its table" },
	{ "W9", VMS_SCOPE_SPACE, vms_clause_w9, "active: readers go through its table" },
	/* behind its conjuncts */
	{ "S5", VMS_SCOPE_SPACE, vms_clause_s5, "space: W1 to W9" },
	{}
};
