// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables: PageTableOwner::inv, metaregion_sound [model 3.5], and the linear
 * window [D16].
 *
 * The walk gives a node its level and address by its place, so what the reference says
 * of paths is said of places. The level stored in the node, its counts and its slot are
 * compared with that. A user half belongs to its space, the upper half of the kernel
 * half's top node to no space.
 */

#include <linux/io.h>
#include <linux/math.h>

#include "inv.h"

static const struct vms_pt *vms_pt_of(const struct vms_inv_ctx *ctx,
				      const struct vms_subject *sub)
{
	return sub->space ? &sub->space->pt : &ctx->store->kernel_pt;
}

static const struct vms_node_meta *vms_meta(const struct vms_inv_ctx *ctx, u32 node)
{
	return &vms_inv_slot(ctx, node)->node;
}

/* MMIO needs no count; anything else that is mapped does */
static bool vms_is_counted(const struct vms_inv_ctx *ctx, u32 idx)
{
	return vms_inv_slot(ctx, idx)->usage == VMSTORE_USAGE_MMIO ||
	       vms_rc_is_shared(vms_slot_rc(&ctx->store->region, idx));
}

/* Conjuncts of K2 and K3 */
static void vms_count_kernel(u64 *found, const struct vms_subject *sub,
			     const struct vms_verdict *v)
{
	*found += v->violated && !sub->space;
}

/* Does a mapping of @size from @sub's frame on lie, aligned, in the region? */
static bool vms_maps_region(const struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			    u64 size)
{
	u64 paddr = vms_slot_paddr(sub->target);

	return sub->target != VMS_NO_SLOT && !(paddr & (size - 1)) &&
	       size <= ctx->store->region.size - paddr;
}

/*
 * P1: tree shape: root at depth 0, child depth = parent depth + 1, depth <= 4, 512
 * children per node, nodes at depth < 4 only. Depth and fan-out are the walk's own; that
 * what it walks is a tree means that no node is reached twice.
 */
static void vms_clause_p1(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	u32 seen = ctx->recount[sub->slot].node_refs;

	if (sub->level < 1 || sub->level > VMS_NR_LEVELS)
		vms_violate(v, 0, sub->level, "depth");
	if (seen > 1)
		vms_violate(v, 1, seen, "no tree: times the node was reached");
	ctx->found_tree += v->violated;
	vms_count_kernel(&ctx->found_kernel, sub, v);
}

/*
 * P2: edge to a child at index j: its path is the parent's + [j], its parent_level the
 * parent's level; it matches the entry. A node's stored level is what it keeps of that.
 */
static void vms_clause_p2(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	int level;

	if (!vms_premise(v, vms_pte_kind(sub->pte) == VMS_ENTRY_TABLE &&
			 sub->target != VMS_NO_SLOT))
		return;
	level = vms_meta(ctx, sub->target)->level;
	if (level != sub->level - 1)
		vms_violate(v, sub->level - 1, level, "stored level of the child");
	vms_count_kernel(&ctx->found_kernel, sub, v);
}

/*
 * P3: match_pte: the address is that of a frame; what is neither none, nor a table, nor
 * a leaf was not written by vmstore
 */
static void vms_clause_p3(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_pte_well_formed(sub->pte, sub->level))
		vms_violate(v, 0, sub->pte & ~VMS_PTE_PA_MASK, "malformed entry, its bits");
	if (sub->target == VMS_NO_SLOT)
		vms_violate(v, 0, 0, "address is not in the region");
	vms_count_kernel(&ctx->found_kernel, sub, v);
}

/* P4: what is not a node has no children: the slot of a leaf has no node's metadata */
static void vms_clause_p4(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (!vms_premise(v, sub->target != VMS_NO_SLOT))
		return;
	if (vms_inv_slot(ctx, sub->target)->type == VMS_TYPE_NODE)
		vms_violate(v, VMS_TYPE_FRAME, VMS_TYPE_NODE, "a node is mapped, type tag");
	vms_count_kernel(&ctx->found_kernel, sub, v);
}

/*
 * P5: the root entry is a node; path length == depth == 0, parent_level == 5. The
 * machine walks this node and no other; bit 12 of its address is clear.
 */
static void vms_clause_p5(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_region *r = &ctx->store->region;
	const struct vms_pt *pt = vms_pt_of(ctx, sub);
	u32 root = pt->root;

	if (root >= r->nr_slots)
		vms_violate(v, r->nr_slots, root, "slot of the root");
	else if (vms_meta(ctx, root)->level != VMS_NR_LEVELS)
		vms_violate(v, VMS_NR_LEVELS, vms_meta(ctx, root)->level, "level of the root");
	else if (pt->mroot.pa != vms_slot_pa(r, root) ||
		 pt->mroot.entries != vms_slot_kva(r, root))
		vms_violate(v, 0, 0, "the machine walks another root");
	else if (root & 1)
		vms_violate(v, 0, 0, "bit 12 of the root's address is set");
	vms_count_kernel(&ctx->found_kernel, sub, v);
}

/*
 * P6: node: 1 <= level <= 4, 0 <= nr_children <= 512, all entries readable, slot index
 * in range, frame below MAX_PADDR. What can be reached is not stray.
 */
static void vms_clause_p6(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	const struct vms_node_meta *meta = vms_meta(ctx, sub->slot);

	if (meta->level < 1 || meta->level > VMS_NR_LEVELS)
		vms_violate(v, sub->level, meta->level, "stored level");
	if (meta->nr_children > VMS_NR_ENTRIES)
		vms_violate(v, VMS_NR_ENTRIES, meta->nr_children, "too many children");
	if (sub->slot >= ctx->store->region.first_mmio)
		vms_violate(v, 0, 0, "node in device memory");
	if (meta->stray)
		vms_violate(v, 0, 1, "stray, and reachable");
	ctx->found_tree += v->violated;
	vms_count_kernel(&ctx->found_kernel, sub, v);
}

/*
 * P7: leaf: its table has level 1 to 3; pa valid, aligned to page_size(level), and
 * pa + page_size(level) <= MAX_PADDR; item rule: user: level 1; kernel: AVAIL1 implies
 * level 1; property encodable, with R
 */
static void vms_clause_p7(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	if (sub->level >= VMS_NR_LEVELS)
		vms_violate(v, VMS_NR_LEVELS - 1, sub->level, "level of the leaf");
	if (!vms_maps_region(ctx, sub, vms_page_size(sub->level)))
		vms_violate(v, 0, 0, "maps no aligned frame of the region");
	if (sub->level > 1 && (sub->space || sub->pte & VMS_PTE_AVAIL1))
		vms_violate(v, 1, sub->level, "level of a tracked leaf");
	if (!vms_prop_encodable(vms_pte_prop(sub->pte)))
		vms_violate(v, 0, 0, "property cannot be encoded");
	ctx->found_tree += v->violated;
	vms_count_kernel(&ctx->found_kernel, sub, v);
}

/*
 * P8: mapping: its size is 4 KiB, 2 MiB or 1 GiB; va and pa ranges are aligned to and as
 * long as it; pa end <= MAX_PADDR; va end does not wrap
 */
void vms_clause_p8(struct vms_inv_ctx *ctx, const struct vms_subject *sub, struct vms_verdict *v)
{
	u64 size = vms_page_size(sub->level);

	if (sub->level >= VMS_NR_LEVELS)
		vms_violate(v, 0, 0, "size of the mapping");
	if (sub->va & (size - 1) || sub->va + size - 1 < sub->va)
		vms_violate(v, 0, 0, "virtual range of the mapping");
	if (!vms_maps_region(ctx, sub, size))
		vms_violate(v, 0, 0, "physical range of the mapping");
}

/* P9: the mappings of a table are disjoint in va and inside its half */
static void vms_clause_p9(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			  struct vms_verdict *v)
{
	u64 start = sub->space ? 0 : VMSTORE_KVIRT_BASE;
	u64 end = sub->space ? VMSTORE_USER_END :
			       VMSTORE_KERNEL_BASE + vms_page_size(VMS_NR_LEVELS);

	if (sub->va < ctx->next_va)
		vms_violate(v, ctx->next_va, sub->va, "begins before the last mapping ends");
	if (sub->va < start || sub->va >= end || vms_page_size(sub->level) > end - sub->va)
		vms_violate(v, 0, 0, "outside of its half");
	ctx->found_overlap += v->violated;
}

/**
 * vms_clause_p10 - P10: node sound: 0 < rc <= REF_COUNT_MAX; its slot's own record;
 *	paths == {path}; usage PageTable; storage holds node metadata of the same level
 * @ctx: check
 * @sub: node
 * @v: out
 */
void vms_clause_p10(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		    struct vms_verdict *v)
{
	const struct vms_slot *slot = vms_inv_slot(ctx, sub->slot);
	u64 rc = atomic64_read(&slot->rc);

	if (!vms_rc_is_shared(rc))
		vms_violate(v, 1, rc, "rc of a node");
	if (slot->usage != VMSTORE_USAGE_PAGETABLE)
		vms_violate(v, VMSTORE_USAGE_PAGETABLE, slot->usage, "usage of a node");
	if (slot->type != VMS_TYPE_NODE)
		vms_violate(v, VMS_TYPE_NODE, slot->type, "type tag of a node");
	if (slot->node.level != sub->level)
		vms_violate(v, sub->level, slot->node.level, "stored level");
	if (atomic64_read(&slot->paths) != 1)
		vms_violate(v, 1, atomic64_read(&slot->paths), "paths recorded of a node");
	vms_count_kernel(&ctx->found_unsound, sub, v);
}

/**
 * vms_clause_p11 - P11: leaf sound: its slot exists, usage != PageTable; usage != MMIO
 *	implies 0 < rc <= REF_COUNT_MAX and paths contains this path
 * @ctx: check
 * @sub: leaf
 * @v: out
 *
 * Paths are recorded as their number. It contains this one if it is not below the
 * number of leaves seen so far, this one included.
 */
void vms_clause_p11(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		    struct vms_verdict *v)
{
	const struct vms_slot *slot;
	u32 idx = sub->target;
	u64 paths;

	if (!vms_premise(v, idx != VMS_NO_SLOT))
		return;
	slot = vms_inv_slot(ctx, idx);
	if (slot->usage == VMSTORE_USAGE_PAGETABLE)
		vms_violate(v, VMSTORE_USAGE_FRAME, slot->usage, "usage of a mapped slot");
	if (!vms_is_counted(ctx, idx))
		vms_violate(v, 1, atomic64_read(&slot->rc), "rc of a mapped slot");
	paths = atomic64_read(&slot->paths);
	if (paths < ctx->recount[idx].p)	/* of device memory none is counted */
		vms_violate(v, ctx->recount[idx].p, paths, "path not recorded, paths");
	vms_count_kernel(&ctx->found_unsound, sub, v);
}

/**
 * vms_clause_p12 - P12: huge leaf: each further 4 KiB of it has a slot that is MMIO or
 *	has 0 < rc <= REF_COUNT_MAX
 * @ctx: check
 * @sub: leaf
 * @v: out
 */
void vms_clause_p12(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		    struct vms_verdict *v)
{
	const struct vms_region *r = &ctx->store->region;
	u64 n = vms_page_size(sub->level) >> VMS_PAGE_SHIFT;
	u64 idx = sub->target;
	u64 j;

	if (!vms_premise(v, sub->level > 1 && idx != VMS_NO_SLOT))
		return;
	for (j = 1; j < n && !v->violated; j++) {
		if (idx + j >= r->nr_slots)
			vms_violate(v, r->nr_slots, idx + j, "slot of a sub-page");
		else if (!vms_is_counted(ctx, idx + j))
			vms_violate(v, 1, vms_slot_rc(r, idx + j), "rc of a sub-page");
	}
	vms_count_kernel(&ctx->found_unsound, sub, v);
}

/**
 * vms_clause_p13 - P13: nr_children is the number of valid entries
 * @ctx: check
 * @sub: node
 * @v: out
 */
void vms_clause_p13(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		    struct vms_verdict *v)
{
	const u64 *entries = vms_slot_kva(&ctx->store->region, sub->slot);
	unsigned int i, end, n = 0;

	vms_inv_own_entries(ctx, sub->slot, sub->level, &i, &end);
	for (; i < end; i++)
		n += !!READ_ONCE(entries[i]);
	if (vms_meta(ctx, sub->slot)->nr_children != n)
		vms_violate(v, n, vms_meta(ctx, sub->slot)->nr_children, "nr_children");
	vms_count_kernel(&ctx->found_unsound, sub, v);
}

/**
 * vms_clause_p14 - P14: root entries outside of its own half are borrowed or absent
 * @ctx: check
 * @sub: page table
 * @v: out
 *
 * Entry 256 is the kernel half's, where the paging mode has it in the root. The rest of
 * the upper half is the machine's: nothing, or tables of Linux, which are not looked at
 * any closer. The store's kernel page table has no user half.
 */
void vms_clause_p14(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
		    struct vms_verdict *v)
{
	const struct vms_mmu *mmu = &ctx->store->mmu;
	u32 root = vms_pt_of(ctx, sub)->root;
	unsigned int i;
	u64 own;

	if (!vms_premise(v, root < ctx->store->region.nr_slots))
		return;
	own = mmu->kernel_in_root ? mmu->kernel_pte & ~VMS_PTE_ACCESSED : 0;
	if (vms_inv_entry(ctx, root, VMS_KERNEL_ROOT_INDEX) != own)
		vms_violate(v, 0, 0, "root entry 256 is not the kernel half");
	for (i = VMS_KERNEL_ROOT_INDEX + 1; i < VMS_NR_ENTRIES; i++) {
		u64 pte = vms_inv_entry(ctx, root, i);

		if (pte && (!(pte & VMS_PTE_PRESENT) || pte & VMS_PTE_PS))
			vms_violate(v, 0, i, "borrowed root entry is no table, index");
	}
	for (i = 0; !sub->space && i < VMS_USER_ROOT_ENTRIES; i++)
		if (vms_inv_entry(ctx, root, i))
			vms_violate(v, 0, i, "user half of the kernel page table, index");
}

/* What the window may do with the region: read and write, by the kernel */
static u64 vms_linear_leaf(const struct vms_region *r, u64 offset)
{
	const struct vmstore_prop prop = { .flags = VMSTORE_PROP_R | VMSTORE_PROP_W };

	return vms_pte_make_leaf(vms_slot_pa(r, vms_paddr_slot(offset)), 2, prop);
}

/*
 * D16: the linear window maps region offset i at KERNEL_BASE + i and nothing else: its
 * tables are those made for it, their leaves the blocks in ascending order
 */
static void vms_clause_d16(struct vms_inv_ctx *ctx, const struct vms_subject *sub,
			   struct vms_verdict *v)
{
	const struct vms_kernel_half *k = &ctx->store->kernel;
	const struct vms_region *r = &ctx->store->region;
	u64 offset = sub->index * vms_page_size(sub->level);
	u64 want = 0;

	if (!vms_premise(v, offset < r->size || sub->pte))
		return;
	if (offset < r->size && sub->level == 2)
		want = vms_linear_leaf(r, offset);
	else if (offset < r->size && sub->index < k->nr_linear)
		want = vms_pte_make_table(virt_to_phys(k->linear[sub->index]));
	if (sub->pte == want && want)
		return;
	if (offset >= r->size)
		vms_violate(v, 0, 0, "window maps beyond the region");
	else if (vms_pte_pa(sub->pte) != vms_pte_pa(want))
		vms_violate(v, 0, 0, "window maps another block");
	else
		vms_violate(v, want & ~VMS_PTE_PA_MASK, sub->pte & ~VMS_PTE_PA_MASK,
			    "bits of a window entry");
}

const struct vms_clause vms_clauses_tables[] = {
	{ "P1", VMS_SCOPE_NODE, vms_clause_p1, "the table is a tree, 4 levels deep" },
	{ "P2", VMS_SCOPE_ENTRY, vms_clause_p2, "edge: the child is one level below" },
	{ "P3", VMS_SCOPE_ENTRY, vms_clause_p3, "entry: well formed, its address a frame's" },
	{ "P4", VMS_SCOPE_LEAF, vms_clause_p4, "leaf: what it maps has no children" },
	{ "P5", VMS_SCOPE_TABLE, vms_clause_p5, "the root is a node, and the machine's root" },
	{ "P6", VMS_SCOPE_NODE, vms_clause_p6, "node: level, children, slot in bounds; not stray" },
	{ "P7", VMS_SCOPE_LEAF, vms_clause_p7, "leaf: level, alignment, bound, property" },
	{ "P8", VMS_SCOPE_LEAF, vms_clause_p8, "mapping: size, alignment, bounds" },
	{ "P9", VMS_SCOPE_LEAF, vms_clause_p9, "mappings are disjoint and in their half" },
	{ "P10", VMS_SCOPE_NODE, vms_clause_p10, "node: shared, PageTable, one path, its level" },
	{ "P11", VMS_SCOPE_LEAF, vms_clause_p11, "leaf: its slot counted, the path recorded" },
	{ "P12", VMS_SCOPE_LEAF, vms_clause_p12, "huge leaf: every sub-page is counted" },
	{ "P13", VMS_SCOPE_NODE, vms_clause_p13, "nr_children is the number of valid entries" },
	{ "P14", VMS_SCOPE_TABLE, vms_clause_p14, "the root's other half is borrowed or absent" },
	{ "D16", VMS_SCOPE_LINEAR, vms_clause_d16, "the window maps the region in order" },
	{}
};
