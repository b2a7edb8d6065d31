/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page table: its root, the machine's view of it, and the kernel half that all
 * page tables of a store share (Lk12, Lk13).
 *
 * The kernel half is one level-3 node at root index 256. Its lower 256 entries are
 * the linear window [D16]: level-2 tables outside the region that map region offset
 * i at VMSTORE_KERNEL_BASE + i, whatever the order of blocks in memory. They are
 * Borrowed: no slot, no path, no count. Its upper 256 entries are for kernel areas.
 *
 * A store has one page table without a user half, through which it reaches the kernel
 * half where no space is concerned.
 */
#ifndef VMS_PT_H
#define VMS_PT_H

#include "tlb.h"

#define VMS_KERNEL_ROOT_INDEX	256
#define VMS_LINEAR_ENTRIES	256	/* entries of the level-3 node for the window */

/**
 * struct vms_kernel_half - the private kernel subtree of a store
 * @top: slot of the level-3 node
 * @nr_linear: level-2 tables of the linear window
 * @linear: their entries
 */
struct vms_kernel_half {
	u32 top;
	u32 nr_linear;
	u64 *linear[VMS_LINEAR_ENTRIES];
};

/**
 * struct vms_pt - one page table
 * @root: slot of the level-4 node
 * @mroot: what the machine needs
 */
struct vms_pt {
	u32 root;
	struct vms_root mroot;
};

int vms_kernel_half_init(struct vms_kernel_half *k, struct vms_region *r);
void vms_kernel_half_exit(struct vms_kernel_half *k);
u64 vms_kernel_half_pte(const struct vms_kernel_half *k, struct vms_region *r);
int vms_linear_slot(const struct vms_region *r, u64 va, u64 len, u32 *idx);
int vms_linear_range(const struct vms_region *r, u64 va, u64 len, u32 *first, u32 *nr);

int vms_pt_init(struct vms_pt *pt, struct vms_mmu *mmu, u64 tag);
void vms_pt_exit(struct vms_pt *pt, struct vms_mmu *mmu, struct vms_removed *sum);
int vms_pt_access(struct vms_pt *pt, struct vms_mmu *mmu, int cpu, struct vms_access *a);
int vms_pt_walk(struct vms_region *r, const struct vms_pt *pt,
		int (*node_fn)(void *ctx, u32 node, int level, u64 va),
		int (*leaf_fn)(void *ctx, u64 pte, int level, u64 va), void *ctx);
int vms_node_walk(struct vms_region *r, u32 node, int level, u64 va,
		  int (*node_fn)(void *ctx, u32 node, int level, u64 va),
		  int (*leaf_fn)(void *ctx, u64 pte, int level, u64 va), void *ctx);

#endif /* VMS_PT_H */
