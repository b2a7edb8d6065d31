/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-table nodes [O-PtPrimitives].
 *
 * Who may write a node's entries and nr_children [Lk1]:
 *  - the cursor that owns the node, or
 *  - while nobody owns it, who holds its lock (linking a new child on the way to a
 *    covering node, Lk3), or
 *  - who alone can reach it (not linked yet, or cut off and gathered).
 * Everybody may read entries, under RCU or as the owner. The hardware reads them any
 * time, so each store of an entry is one 8-byte release and each intermediate state
 * is valid for a walk.
 */
#ifndef VMS_NODE_H
#define VMS_NODE_H

#include "region.h"

/**
 * struct vms_removed - what cutting off or releasing a subtree amounted to
 * @leaves: leaves in it
 * @accessed: of these, accessed
 * @dirty: of these, dirty
 * @nodes: page-table nodes in it
 * @freed: data frames that became unused
 * @split: leaves of level 2 that were split for it
 * @lost: leaves and nodes that had no owner when they were to be released
 */
struct vms_removed {
	u64 leaves;
	u64 accessed;
	u64 dirty;
	u64 nodes;
	u64 freed;
	u64 split;
	u64 lost;
};

int vms_node_alloc(struct vms_region *r, int level, bool even, u64 owner, u32 *idx);
void vms_node_link(struct vms_region *r, u32 parent, unsigned int i, u32 child);
int vms_node_link_unowned(struct vms_region *r, u32 parent, unsigned int i, u32 child);
u64 vms_node_set(struct vms_region *r, u32 node, unsigned int i, u64 pte);
u64 vms_node_cmpxchg(struct vms_region *r, u32 node, unsigned int i, u64 old, u64 pte);
void vms_node_split(struct vms_region *r, u32 parent, unsigned int i, u32 child);
u32 vms_node_unlink(struct vms_region *r, u32 parent, unsigned int i,
		    struct vms_removed *sum);
void vms_node_cancel(struct vms_region *r, u32 node);
void vms_node_free(struct vms_region *r, u32 node);
void vms_node_release(struct vms_region *r, u32 node, struct vms_removed *sum);
void vms_node_leaf_put(struct vms_region *r, u32 idx, struct vms_removed *sum);

int vms_node_try_own(struct vms_region *r, u32 node, u64 owner);
void vms_node_disown(struct vms_region *r, u32 node);

static inline struct vms_node_meta *vms_node(struct vms_region *r, u32 idx)
{
	return &r->slots[idx].node;
}

/* vms_node_sound - is the slot, in range, a live node of a level? [P10 without its paths] */
static inline bool vms_node_sound(struct vms_region *r, u32 idx, int level)
{
	return r->slots[idx].usage == VMSTORE_USAGE_PAGETABLE &&
	       vms_rc_is_shared(vms_slot_rc(r, idx)) && vms_node(r, idx)->level == level;
}

static inline u64 *vms_node_entries(struct vms_region *r, u32 idx)
{
	return vms_slot_kva(r, idx);
}

/* vms_node_read - pairs with the release of every store of an entry */
static inline u64 vms_node_read(struct vms_region *r, u32 node, unsigned int i)
{
	/* What the entry points at was complete before it was stored */
	return smp_load_acquire(&vms_node_entries(r, node)[i]);
}

/**
 * vms_entry_slot - the slot a table or leaf entry points at
 * @r: region
 * @pte: not none
 *
 * Return: the slot. Entries are written by this module alone, so one that points
 * out of the region is a bug that the checker reports (P3); here it is VMS_NO_SLOT.
 */
static inline u32 vms_entry_slot(struct vms_region *r, u64 pte)
{
	u32 idx;

	if (WARN_ON_ONCE(vms_region_slot_of_pa(r, vms_pte_pa(pte), &idx)))
		return VMS_NO_SLOT;
	return idx;
}

#endif /* VMS_NODE_H */
