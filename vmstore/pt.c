// SPDX-License-Identifier: GPL-2.0-only
/* Page tables: root, kernel half, linear window, teardown, walk. */

#include <linux/gfp.h>
#include <linux/nospec.h>
#include <linux/sched.h>

#include "pt.h"

static const struct vmstore_prop vms_linear_prop = {
	.flags = VMSTORE_PROP_R | VMSTORE_PROP_W,
	.cache = VMSTORE_CACHE_WB,
};

/* Level-2 table number @n of the window: 1 GiB of region offsets */
static void vms_linear_fill(struct vms_region *r, u64 *entries, u32 n)
{
	u64 offset = n * vms_page_size(3);
	unsigned int i;

	for (i = 0; i < VMS_NR_ENTRIES && offset < r->size; i++) {
		u64 pa = vms_slot_pa(r, vms_paddr_slot(offset));

		entries[i] = vms_pte_make_leaf(pa, 2, vms_linear_prop);
		offset += vms_page_size(2);
	}
}

/**
 * vms_kernel_half_init - build the kernel half of a store
 * @k: zeroed
 * @r: region, of at most 256 GiB
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM; then nothing is held but what vms_kernel_half_exit() frees.
 */
int vms_kernel_half_init(struct vms_kernel_half *k, struct vms_region *r)
{
	u64 *top;
	u32 n = DIV_ROUND_UP_ULL(r->size, vms_page_size(3));
	int err;

	if (n > VMS_LINEAR_ENTRIES)
		return -EINVAL;
	err = vms_node_alloc(r, 3, false, 0, &k->top);
	if (err)
		return err;
	vms_slot_paths_set(r, k->top, 1);
	top = vms_node_entries(r, k->top);
	while (k->nr_linear < n) {
		u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

		if (!table)
			return -ENOMEM;
		vms_linear_fill(r, table, k->nr_linear);
		WRITE_ONCE(top[k->nr_linear], vms_pte_make_table(__pa(table)));
		k->linear[k->nr_linear++] = table;
	}
	return 0;
}

/**
 * vms_kernel_half_exit - free the tables that are not in the region
 * @k: kernel half that no CPU can reach, also one half built
 *
 * The level-3 node goes with the region. May sleep.
 */
void vms_kernel_half_exit(struct vms_kernel_half *k)
{
	while (k->nr_linear)
		free_page((unsigned long)k->linear[--k->nr_linear]);
}

/* vms_kernel_half_pte - the root entry that points at the kernel half */
u64 vms_kernel_half_pte(const struct vms_kernel_half *k, struct vms_region *r)
{
	return vms_pte_make_table(vms_slot_pa(r, k->top));
}

/**
 * vms_linear_slot - the slot a range of the linear window lies in
 * @r: region
 * @va: address
 * @len: bytes, more than 0
 * @idx: out: the slot
 *
 * Return: 0, or -EACCES when the range is not within one page of the window.
 */
int vms_linear_slot(const struct vms_region *r, u64 va, u64 len, u32 *idx)
{
	u64 paddr = va - VMSTORE_KERNEL_BASE;

	if (va < VMSTORE_KERNEL_BASE || paddr >= r->size ||
	    len > VMS_PAGE_SIZE - paddr % VMS_PAGE_SIZE)
		return -EACCES;
	*idx = array_index_nospec(vms_paddr_slot(paddr), r->nr_slots);
	return 0;
}

/**
 * vms_linear_range - the slots a range of the linear window covers
 * @r: region
 * @va: address
 * @len: bytes; 0 covers none
 * @first: out: the first slot
 * @nr: out: how many
 *
 * Return: 0, or -EACCES when the range is not within the window.
 */
int vms_linear_range(const struct vms_region *r, u64 va, u64 len, u32 *first, u32 *nr)
{
	u64 paddr = va - VMSTORE_KERNEL_BASE;

	if (va < VMSTORE_KERNEL_BASE || paddr > r->size || len > r->size - paddr)
		return -EACCES;
	*first = vms_paddr_slot(paddr);
	*nr = len ? vms_paddr_slot(paddr + len - 1) - *first + 1 : 0;
	return 0;
}

/**
 * vms_pt_init - a new, empty page table
 * @pt: zeroed
 * @mmu: machine, whose kernel_pte is set
 * @tag: number never used before in this store
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM or what the machine says; then nothing is held.
 */
int vms_pt_init(struct vms_pt *pt, struct vms_mmu *mmu, u64 tag)
{
	struct vms_region *r = mmu->region;
	int err;

	err = vms_node_alloc(r, VMS_NR_LEVELS, true, 0, &pt->root);
	if (err)
		return err;
	vms_slot_paths_set(r, pt->root, 1);
	pt->mroot.pa = vms_slot_pa(r, pt->root);
	pt->mroot.entries = vms_node_entries(r, pt->root);
	pt->mroot.tag = tag;
	err = mmu->ops->root_init(mmu, &pt->mroot);
	if (err)
		vms_node_cancel(r, pt->root);
	if (VMS_WRONG(ROOT_OTHER))
		pt->mroot.pa += VMS_PAGE_SIZE;
	if (VMS_WRONG(ROOT_WITHOUT_KERNEL))
		pt->mroot.entries[VMS_KERNEL_ROOT_INDEX] = 0;
	return err;
}

/**
 * vms_pt_exit - tear a page table down [O-DropVmSpace, D6]
 * @pt: page table that is active nowhere and that nobody walks
 * @mmu: its machine
 * @sum: added to: what was released
 *
 * The machine forgets the root first, so no CPU can hold a translation of it when
 * the first frame is released. May sleep.
 */
void vms_pt_exit(struct vms_pt *pt, struct vms_mmu *mmu, struct vms_removed *sum)
{
	struct vms_region *r = mmu->region;
	struct vms_removed cut = {};
	unsigned int i;

	mmu->ops->root_exit(mmu, &pt->mroot);
	for (i = 0; i < VMS_USER_ROOT_ENTRIES; i++) {
		if (vms_node_read(r, pt->root, i)) {
			u32 child = vms_node_unlink(r, pt->root, i, &cut);

			vms_node_release(r, child, sum);
		}
		cond_resched();
	}
	vms_slot_paths_set(r, pt->root, 0);
	sum->nodes++;
	if (!VMS_WRONG(ROOT_KEPT))
		vms_node_free(r, pt->root);
}

/**
 * vms_pt_access - load or store through the MMU
 * @pt: page table; its root is loaded for the access, whatever is active
 * @mmu: machine
 * @cpu: logical CPU
 * @a: the access; that it may go where it goes is checked by the caller
 *
 * Process context, IRQs on, may sleep.
 *
 * Return: 0, -EFAULT with a->fault, or what the machine says; a->done bytes were accessed.
 */
int vms_pt_access(struct vms_pt *pt, struct vms_mmu *mmu, int cpu, struct vms_access *a)
{
	int err = mmu->ops->access(mmu, cpu, &pt->mroot, a);

	return err ? err : a->fault ? -EFAULT : 0;
}

/**
 * vms_node_walk - visit a subtree in order of addresses
 * @r: region
 * @node: top node
 * @level: level it is expected to have; children are one below, whatever they say
 * @va: first address it translates
 * @node_fn: called for each node before its entries, or NULL
 * @leaf_fn: called for each leaf, or NULL
 * @ctx: passed on
 *
 * The walk never leaves the region and never goes below level 1, however broken the
 * tables are. A callback that returns non-zero ends it.
 *
 * Return: 0, or what the callback returned.
 */
int vms_node_walk(struct vms_region *r, u32 node, int level, u64 va,
		  int (*node_fn)(void *ctx, u32 node, int level, u64 va),
		  int (*leaf_fn)(void *ctx, u64 pte, int level, u64 va), void *ctx)
{
	unsigned int n = level == VMS_NR_LEVELS ? VMS_USER_ROOT_ENTRIES : VMS_NR_ENTRIES;
	unsigned int i;
	int err = node_fn ? node_fn(ctx, node, level, va) : 0;

	for (i = 0; !err && i < n; i++) {
		u64 pte = vms_node_read(r, node, i);
		u64 at = va + i * vms_page_size(level);
		u32 child;

		switch (vms_pte_kind(pte)) {
		case VMS_ENTRY_NONE:
			break;
		case VMS_ENTRY_TABLE:
			if (level > 1 && !vms_region_slot_of_pa(r, vms_pte_pa(pte), &child))
				err = vms_node_walk(r, child, level - 1, at, node_fn,
						    leaf_fn, ctx);
			break;
		case VMS_ENTRY_LEAF:
			err = leaf_fn ? leaf_fn(ctx, pte, level, at) : 0;
			break;
		}
	}
	return err;
}

/**
 * vms_pt_walk - visit the user half of a page table in order of addresses
 * @r: region
 * @pt: page table
 * @node_fn: as vms_node_walk()
 * @leaf_fn: as vms_node_walk()
 * @ctx: passed on
 *
 * Return: as vms_node_walk().
 */
int vms_pt_walk(struct vms_region *r, const struct vms_pt *pt,
		int (*node_fn)(void *ctx, u32 node, int level, u64 va),
		int (*leaf_fn)(void *ctx, u64 pte, int level, u64 va), void *ctx)
{
	return vms_node_walk(r, pt->root, VMS_NR_LEVELS, 0, node_fn, leaf_fn, ctx);
}
