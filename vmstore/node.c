// SPDX-License-Identifier: GPL-2.0-only
/* Page-table nodes: allocate, own, link, replace, split, cut off, release. */

#include <linux/sched.h>
#include <linux/string.h>

#include "node.h"
#include "trace.h"

/**
 * vms_node_alloc - a new node that nothing points at
 * @r: region
 * @level: 1 to 4
 * @even: as vms_slot_alloc(): for a root
 * @owner: cursor that owns it from birth [Lk8], or 0
 * @idx: out: its slot, rc 1, usage PageTable, no path yet
 *
 * Any context.
 *
 * Return: 0 or -ENOMEM.
 */
int vms_node_alloc(struct vms_region *r, int level, bool even, u64 owner, u32 *idx)
{
	struct vms_node_meta *node;
	int err = vms_slot_alloc(r, VMSTORE_USAGE_PAGETABLE, even, idx);

	if (err)
		return err;
	vms_touch_node(r->touch, *idx);
	node = vms_node(r, *idx);
	node->nr_children = 0;
	node->level = level + (level < VMS_NR_LEVELS && VMS_WRONG(NODE_LEVEL));
	node->stray = false;
	node->owner = owner;
	memset(vms_node_entries(r, *idx), 0, VMS_PAGE_SIZE);
	trace_vmstore_node_alloc(vms_slot_paddr(*idx), level);
	return 0;
}

static void vms_node_set_owner(struct vms_region *r, u32 node, u64 owner)
{
	vms_touch_node(r->touch, node);
	WRITE_ONCE(vms_node(r, node)->owner, owner);
}

/**
 * vms_node_try_own - make a cursor the owner of a node
 * @r: region
 * @node: node that an RCU reader or owner can reach
 * @owner: cursor id
 *
 * Return: 0, -EBUSY another cursor owns it, -ESTALE it is stray: start again from
 * the root [Lk4].
 */
int vms_node_try_own(struct vms_region *r, u32 node, u64 owner)
{
	struct vms_node_meta *meta = vms_node(r, node);
	int err = 0;

	spin_lock(&meta->lock);
	if (meta->stray)
		err = -ESTALE;
	else if (meta->owner)
		err = -EBUSY;
	else
		vms_node_set_owner(r, node, owner);
	spin_unlock(&meta->lock);
	return err;
}

/* vms_node_disown - its owner lets go; publishes all it wrote [Lk9] */
void vms_node_disown(struct vms_region *r, u32 node)
{
	struct vms_node_meta *meta = vms_node(r, node);

	spin_lock(&meta->lock);
	if (!VMS_WRONG(OWNER_KEPT))
		vms_node_set_owner(r, node, 0);
	spin_unlock(&meta->lock);
}

/**
 * vms_node_link - make @child the table at an entry that is none
 * @r: region
 * @parent: node whose entries the caller may write
 * @i: index
 * @child: complete node, one level below, reachable by the caller alone
 */
void vms_node_link(struct vms_region *r, u32 parent, unsigned int i, u32 child)
{
	vms_slot_paths_set(r, child, !VMS_WRONG(NODE_NO_PATH));
	vms_node_set(r, parent, i, vms_pte_make_table(vms_slot_pa(r, child)) |
		     (VMS_WRONG(TABLE_BIT) ? VMS_PTE_NX : 0));
}

/**
 * vms_node_link_unowned - vms_node_link() into a node that nobody may own
 * @r: region
 * @parent: node that an RCU reader can reach
 * @i: index
 * @child: as vms_node_link()
 *
 * Return: 0; -EBUSY somebody owns @parent; -ESTALE it is stray; -EEXIST the entry is
 * not none any more.
 */
int vms_node_link_unowned(struct vms_region *r, u32 parent, unsigned int i, u32 child)
{
	struct vms_node_meta *meta = vms_node(r, parent);
	int err = 0;

	spin_lock(&meta->lock);
	if (meta->stray)
		err = -ESTALE;
	else if (meta->owner)
		err = -EBUSY;
	else if (vms_node_read(r, parent, i))
		err = -EEXIST;
	else
		vms_node_link(r, parent, i, child);
	spin_unlock(&meta->lock);
	return err;
}

/**
 * vms_node_set - replace an entry
 * @r: region
 * @node: node whose entries the caller may write
 * @i: index
 * @pte: new entry
 *
 * An exchange, because the hardware sets accessed and dirty bits behind our back and
 * none may be lost. Counts children; not references and paths.
 *
 * Return: the old entry with all that the hardware had set.
 */
u64 vms_node_set(struct vms_region *r, u32 node, unsigned int i, u64 pte)
{
	u64 old;

	VMS_MEANWHILE(ENTRY);
	old = xchg(&vms_node_entries(r, node)[i], pte);
	vms_touch_node(r->touch, node);
	if (!VMS_WRONG(NODE_NOT_COUNTED))
		vms_node(r, node)->nr_children += !!pte - !!old;
	return VMS_WRONG(DIRTY_LOST) ? old & ~VMS_PTE_DIRTY : old;
}

/**
 * vms_node_cmpxchg - replace an entry if it is what it was
 * @r: region
 * @node: node whose entries the caller may write
 * @i: index
 * @old: not none; what the caller has seen, the hardware's bits included
 * @pte: new entry, not none
 *
 * Return: what was there; @old when it was replaced.
 */
u64 vms_node_cmpxchg(struct vms_region *r, u32 node, unsigned int i, u64 old, u64 pte)
{
	vms_touch_node(r->touch, node);
	return cmpxchg(&vms_node_entries(r, node)[i], old, pte);
}

/**
 * vms_node_split - replace a huge leaf by a table of leaves that translate the same
 * @r: region
 * @parent: node of level 2 or 3 whose entries the caller may write
 * @i: index of a leaf
 * @child: empty node, one level below, reachable by the caller alone
 *
 * The pieces inherit the property, accessed and dirty included. Huge leaves are
 * untracked, so no count changes. The caller flushes the old translation before it
 * relies on the pieces [model 10.2].
 */
void vms_node_split(struct vms_region *r, u32 parent, unsigned int i, u32 child)
{
	int level = vms_node(r, child)->level;
	u64 *entries = vms_node_entries(r, child);
	u64 old = vms_node_read(r, parent, i);
	u64 cur;

	vms_slot_paths_set(r, child, !VMS_WRONG(SPLIT_NO_PATH));
	vms_touch_node(r->touch, child);
	vms_node(r, child)->nr_children = VMS_NR_ENTRIES;
	do {
		struct vmstore_prop prop = vms_pte_prop(old);
		unsigned int k;

		for (k = 0; k < VMS_NR_ENTRIES; k++)
			entries[k] = vms_pte_make_leaf(vms_pte_pa(old) +
						       k * vms_page_size(level),
						       level, prop);
		cur = old;
		old = vms_node_cmpxchg(r, parent, i, cur,
				       vms_pte_make_table(vms_slot_pa(r, child)));
	} while (old != cur);
}

/* Count one leaf that is about to go, and take it out of P of its frame */
static void vms_leaf_unmapped(struct vms_region *r, u64 pte, struct vms_removed *sum)
{
	u32 idx = vms_entry_slot(r, pte);

	sum->leaves++;
	sum->accessed += vms_pte_accessed(pte);
	sum->dirty += vms_pte_dirty(pte);
	if (idx != VMS_NO_SLOT && idx < r->first_mmio && !VMS_WRONG(PATH_KEPT))
		vms_slot_paths_add(r, idx, -1);
}

/* Stray before anything else: a cursor that has found the node must start again */
static void vms_node_cut_off(struct vms_region *r, u32 node, struct vms_removed *sum)
{
	struct vms_node_meta *meta = vms_node(r, node);
	unsigned int i;

	vms_touch_node(r->touch, node);
	spin_lock(&meta->lock);
	meta->stray = !VMS_WRONG(STRAY_NOT_SET);
	spin_unlock(&meta->lock);

	sum->nodes++;
	vms_slot_paths_set(r, node, VMS_WRONG(CUT_PATH_KEPT));
	for (i = 0; meta->nr_children && i < VMS_NR_ENTRIES; i++) {
		u64 pte = vms_node_read(r, node, i);

		switch (vms_pte_kind(pte)) {
		case VMS_ENTRY_NONE:
			break;
		case VMS_ENTRY_TABLE:
			vms_node_cut_off(r, vms_entry_slot(r, pte), sum);
			break;
		case VMS_ENTRY_LEAF:
			vms_leaf_unmapped(r, pte, sum);
			break;
		}
	}
	if (!VMS_WRONG(CUT_OWNER_KEPT))
		vms_node_disown(r, node);
	cond_resched();
}

/**
 * vms_node_unlink - take what an entry points at out of the page table
 * @r: region
 * @parent: node whose entries the caller may write
 * @i: index of an entry that is not none
 * @sum: added to: what was removed
 *
 * A leaf: P of its frame falls by one. A table: the entry is cleared as a whole, every
 * node below becomes stray and loses its owner, and P of every leaf in it falls
 * [Lk10]. The references stay as they are: they are the caller's now, to be kept
 * until every CPU has flushed and, for a table, a grace period has passed [Lk11].
 * The caller owns every node of the subtree. Process context.
 *
 * Return: the slot of the frame, or of the top node.
 */
u32 vms_node_unlink(struct vms_region *r, u32 parent, unsigned int i,
		    struct vms_removed *sum)
{
	u64 old = VMS_WRONG(LEAF_NOT_CLEARED) ? vms_node_read(r, parent, i) :
						vms_node_set(r, parent, i, 0);
	u32 idx = vms_entry_slot(r, old);

	if (vms_pte_kind(old) == VMS_ENTRY_LEAF)
		vms_leaf_unmapped(r, old, sum);
	else
		vms_node_cut_off(r, idx, sum);
	return idx;
}

/* vms_node_leaf_put - drop the reference a removed leaf held of slot @idx */
void vms_node_leaf_put(struct vms_region *r, u32 idx, struct vms_removed *sum)
{
	if (idx >= r->first_mmio)	/* untracked, VMS_NO_SLOT too */
		return;
	if (!vms_rc_is_shared(vms_slot_rc(r, idx)) ||
	    r->slots[idx].usage != VMSTORE_USAGE_FRAME) {
		sum->lost++;
		return;
	}
	sum->leaves++;
	sum->freed += vms_slot_put(r, idx);
}

/* vms_node_cancel - give back a node that was never linked and that nobody has seen */
void vms_node_cancel(struct vms_region *r, u32 node)
{
	trace_vmstore_node_free(vms_slot_paddr(node), vms_node(r, node)->level);
	vms_slot_cancel(r, node);
}

/* vms_node_free - drop the last reference of a node with nothing below it */
void vms_node_free(struct vms_region *r, u32 node)
{
	trace_vmstore_node_free(vms_slot_paddr(node), vms_node(r, node)->level);
	vms_slot_put(r, node);
}

/**
 * vms_node_release - drop a cut-off node and all below it
 * @r: region
 * @node: node that nobody can reach any more, neither a CPU nor an RCU reader
 * @sum: added to: references of leaves, nodes and frames released
 *
 * Of a root only the user half is walked; the rest is not its own. Process context.
 */
void vms_node_release(struct vms_region *r, u32 node, struct vms_removed *sum)
{
	struct vms_node_meta *meta = vms_node(r, node);
	unsigned int n = meta->level == VMS_NR_LEVELS ? VMS_USER_ROOT_ENTRIES : VMS_NR_ENTRIES;
	unsigned int i;

	if (!vms_rc_is_shared(vms_slot_rc(r, node)) ||
	    r->slots[node].usage != VMSTORE_USAGE_PAGETABLE) {
		sum->lost++;
		return;
	}
	for (i = 0; meta->nr_children && i < n && !VMS_WRONG(NODE_LEAVES_KEPT); i++) {
		u64 pte = vms_node_read(r, node, i);

		switch (vms_pte_kind(pte)) {
		case VMS_ENTRY_NONE:
			break;
		case VMS_ENTRY_TABLE:
			vms_node_release(r, vms_entry_slot(r, pte), sum);
			break;
		case VMS_ENTRY_LEAF:
			vms_node_leaf_put(r, vms_entry_slot(r, pte), sum);
			break;
		}
	}
	sum->nodes++;
	if (!VMS_WRONG(NODE_REF_KEPT))
		vms_node_free(r, node);
	cond_resched();
}
