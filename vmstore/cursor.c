// SPDX-License-Identifier: GPL-2.0-only
/* Page-table cursors: see cursor.h for the lock protocol. */

#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "cursor.h"

/**
 * vms_cursor_check_range - may a cursor be opened over a range?
 * @start: first address
 * @end: one past the last
 *
 * Return: 0, or -EACCES: not in the user half, empty, or not page aligned.
 */
int vms_cursor_check_range(u64 start, u64 end)
{
	if (start >= end || end > VMSTORE_USER_END)
		return -EACCES;
	if (!vms_page_aligned(start) || !vms_page_aligned(end))
		return -EACCES;
	return 0;
}

/* Level of the lowest node whose span covers [start, end), were it to exist [Lk3] */
static int vms_covering_level(u64 start, u64 end)
{
	int level = VMS_NR_LEVELS;

	while (level > 1 &&
	       vms_pte_index(start, level) == vms_pte_index(end - 1, level))
		level--;
	return level;
}

/* --- ownership of the subtree ---------------------------------------------- */

/* The entries [first, last] of a node that meet the cursor's range */
static void vms_cursor_indices(const struct vms_cursor *c, int level, u64 base,
			       unsigned int *first, unsigned int *last)
{
	u64 end = base + vms_page_size(level + 1);

	*first = vms_pte_index(max(c->start, base), level);
	*last = vms_pte_index(min(c->end, end) - 1, level);
}

/* Let go of the children first..to of an owned node, last one first [Lk9] */
static void vms_cursor_disown_children(struct vms_region *r, struct vms_cursor *c,
				       u32 node, int level, u64 base,
				       unsigned int first, unsigned int to)
{
	unsigned int i = to + 1;

	if (level == 1)
		return;
	while (i-- > first) {
		u64 pte = vms_node_read(r, node, i);
		u64 at = base + i * vms_page_size(level);
		unsigned int lo, hi;
		u32 child;

		if (vms_pte_kind(pte) != VMS_ENTRY_TABLE)
			continue;
		child = vms_entry_slot(r, pte);
		vms_cursor_indices(c, level - 1, at, &lo, &hi);
		vms_cursor_disown_children(r, c, child, level - 1, at, lo, hi);
		vms_node_disown(r, child);
	}
}

/*
 * Own every existing node below @node that meets the range, in address order [Lk6].
 * On -EBUSY nothing below @node is owned.
 */
static int vms_cursor_own_children(struct vms_region *r, struct vms_cursor *c,
				   u32 node, int level, u64 base)
{
	unsigned int first, last, i;

	if (level == 1)
		return 0;
	vms_cursor_indices(c, level, base, &first, &last);
	for (i = first; i <= last; i++) {
		u64 pte = vms_node_read(r, node, i);
		u64 at = base + i * vms_page_size(level);
		u32 child;
		int err;

		if (vms_pte_kind(pte) != VMS_ENTRY_TABLE)
			continue;
		child = vms_entry_slot(r, pte);
		err = vms_node_try_own(r, child, c->id);
		if (!err) {
			err = vms_cursor_own_children(r, c, child, level - 1, at);
			if (err)
				vms_node_disown(r, child);
		}
		if (err) {
			if (i > first)
				vms_cursor_disown_children(r, c, node, level, base,
							   first, i - 1);
			return err;
		}
	}
	return 0;
}

/* --- opening and closing ---------------------------------------------------- */

/* Nodes made ready before the first change, the highest first */
struct vms_chain {
	u32 nr;
	u32 node[VMS_NR_LEVELS];
};

static void vms_chain_free(struct vms_region *r, struct vms_chain *chain)
{
	while (chain->nr)
		vms_slot_cancel(r, chain->node[--chain->nr]);
}

/*
 * Nodes of levels top..bottom, not linked. Only the lowest is owned by @low_owner, the
 * others by @owner.
 */
static int vms_chain_alloc(struct vms_region *r, struct vms_chain *chain, int top,
			   int bottom, u64 owner, u64 low_owner)
{
	int level, err;

	for (level = top; level >= bottom; level--) {
		err = vms_node_alloc(r, level, false, level == bottom ? low_owner : owner,
				     &chain->node[chain->nr]);
		if (err) {
			vms_chain_free(r, chain);
			return err;
		}
		chain->nr++;
	}
	return 0;
}

static void vms_cursor_stand(struct vms_cursor *c, u32 node, int level)
{
	int l;

	for (l = 0; l <= VMS_NR_LEVELS; l++)
		c->pos.path[l] = VMS_NO_SLOT;
	c->guard_level = level;
	c->pos.level = level;
	c->pos.path[level] = node;
	c->pos.va = c->start;
}

/*
 * One lock-free descent [Lk3]. Ends at the covering node, which it owns on success, or
 * where the path is missing: there it links @chain, whose lowest node becomes the
 * covering one. -ENODATA: a chain from level *need down is wanted first.
 */
static int vms_cursor_descend(struct vms_region *r, struct vms_cursor *c, int goal,
			      struct vms_chain *chain, int *need)
{
	u32 node = c->space->pt.root;
	int level = VMS_NR_LEVELS;
	u32 k;
	int err;

	while (level > goal) {
		unsigned int i = vms_pte_index(c->start, level);
		u64 pte = vms_node_read(r, node, i);

		if (vms_pte_kind(pte) == VMS_ENTRY_LEAF)
			break;
		if (vms_pte_kind(pte) == VMS_ENTRY_TABLE) {
			node = vms_entry_slot(r, pte);
			level--;
			continue;
		}
		/* In an owned node nothing can be linked: find out before allocating */
		if (READ_ONCE(vms_node(r, node)->owner))
			return -EBUSY;
		*need = level - 1;
		if (chain->nr != level - goal)
			return -ENODATA;
		for (k = 0; k + 1 < chain->nr; k++)
			vms_node_link(r, chain->node[k],
				      vms_pte_index(c->start, level - 1 - k),
				      chain->node[k + 1]);
		err = vms_node_link_unowned(r, node, i, chain->node[0]);
		if (err)
			return err;
		vms_cursor_stand(c, chain->node[chain->nr - 1], goal);
		return 0;
	}
	err = vms_node_try_own(r, node, c->id);
	if (!err)
		vms_cursor_stand(c, node, level);
	return err;
}

/**
 * vms_cursor_open - own the covering node of a range and the subtree that meets it
 * @r: region
 * @c: id, space, start, end set and checked; the caller is a user of the space
 * @allocated: out: nodes allocated on the way
 *
 * Process context. Does not wait.
 *
 * Return: 0; -EBUSY a part is owned by another cursor; -ENOMEM; -EINTR killed. On an
 * error nothing is owned and nothing was linked.
 */
int vms_cursor_open(struct vms_region *r, struct vms_cursor *c, u32 *allocated)
{
	int goal = vms_covering_level(c->start, c->end);
	struct vms_chain chain = {};
	int need = 0;
	int err;

	for (;;) {
		bool linking = chain.nr;

		rcu_read_lock();
		err = vms_cursor_descend(r, c, goal, &chain, &need);
		rcu_read_unlock();
		if (!err && linking && c->pos.path[c->guard_level] ==
		    chain.node[chain.nr - 1]) {
			*allocated = chain.nr;
			return 0;	/* new and empty: no subtree to own */
		}
		/*
		 * Not used, or used in vain: links within the chain make it
		 * unfit for another place, so make a new one.
		 */
		vms_chain_free(r, &chain);
		if (!err)
			break;
		if (err == -ENODATA)
			err = vms_chain_alloc(r, &chain, need, goal, 0, c->id);
		else if (err == -ESTALE || err == -EEXIST)
			err = 0;	/* the tree changed under us: look again */
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}

	*allocated = 0;
	err = vms_cursor_own_children(r, c, c->pos.path[c->guard_level], c->guard_level,
				      vms_span_start(c->start, c->guard_level + 1));
	if (err)
		vms_node_disown(r, c->pos.path[c->guard_level]);
	return err;
}

/**
 * vms_cursor_close - let go of all nodes [Lk9]
 * @r: region
 * @c: open cursor
 *
 * Process context.
 */
void vms_cursor_close(struct vms_region *r, struct vms_cursor *c)
{
	u64 base = vms_span_start(c->start, c->guard_level + 1);
	u32 node = c->pos.path[c->guard_level];
	unsigned int first, last;

	vms_cursor_indices(c, c->guard_level, base, &first, &last);
	vms_cursor_disown_children(r, c, node, c->guard_level, base, first, last);
	vms_node_disown(r, node);
}

/* --- moving ----------------------------------------------------------------- */

static u64 vms_pos_entry(struct vms_region *r, const struct vms_cursor_pos *pos)
{
	return vms_node_read(r, pos->path[pos->level], vms_pte_index(pos->va, pos->level));
}

static u64 vms_pos_start(const struct vms_cursor_pos *pos)
{
	return vms_span_start(pos->va, pos->level);
}

static u64 vms_pos_end(const struct vms_cursor_pos *pos)
{
	return vms_pos_start(pos) + vms_page_size(pos->level);
}

static void vms_pos_push(struct vms_cursor_pos *pos, u32 child)
{
	pos->path[--pos->level] = child;
}

static void vms_pos_pop(struct vms_cursor_pos *pos)
{
	pos->path[pos->level++] = VMS_NO_SLOT;
}

/* To the next entry, leaving a node at its end; never above the covering node */
static void vms_cursor_forward(struct vms_cursor *c)
{
	struct vms_cursor_pos *pos = &c->pos;
	u64 next = vms_pos_end(pos);

	while (pos->level < c->guard_level && !vms_pte_index(next, pos->level))
		vms_pos_pop(pos);
	pos->va = next;
}

/* An abort of the reference for FindNext, Unmap and ProtectNext; D7, D15 */
static int vms_cursor_check_len(const struct vms_cursor *c, u64 len)
{
	if (!vms_page_aligned(len) || c->pos.va > c->end || len > c->end - c->pos.va)
		return -EINVAL;
	return 0;
}

/**
 * vms_cursor_query - what is at the current address [O-Query]
 * @r: region
 * @c: claimed cursor; its level may fall, its address stays
 * @item: out
 *
 * Takes no reference. Process context.
 *
 * Return: 0, or -EACCES past the end of the range.
 */
int vms_cursor_query(struct vms_region *r, struct vms_cursor *c, struct vms_item *item)
{
	struct vms_cursor_pos *pos = &c->pos;
	u64 pte;

	if (pos->va >= c->end)
		return -EACCES;
	while (vms_pte_kind(pte = vms_pos_entry(r, pos)) == VMS_ENTRY_TABLE)
		vms_pos_push(pos, vms_entry_slot(r, pte));

	*item = (struct vms_item) {
		.start = vms_pos_start(pos),
		.end = vms_pos_end(pos),
		.level = pos->level,
		.found = vms_pte_kind(pte) == VMS_ENTRY_LEAF,
		.slot = VMS_NO_SLOT,
	};
	if (item->found) {
		item->slot = vms_entry_slot(r, pte);
		item->prop = vms_pte_prop(pte);
	}
	return 0;
}

/*
 * Move to the first leaf below @end, or with @tables to the first table whose whole
 * span lies below @end if that comes first. Empty tables are stepped over, but not
 * with @tables: there they are found like full ones.
 */
static bool vms_cursor_seek(struct vms_region *r, struct vms_cursor *c, u64 end, bool tables)
{
	struct vms_cursor_pos *pos = &c->pos;

	while (pos->va < end) {
		u64 pte = vms_pos_entry(r, pos);
		u32 child;

		switch (vms_pte_kind(pte)) {
		case VMS_ENTRY_NONE:
			vms_cursor_forward(c);
			break;
		case VMS_ENTRY_TABLE:
			if (tables && pos->va == vms_pos_start(pos) && vms_pos_end(pos) <= end)
				return true;
			child = vms_entry_slot(r, pte);
			if (vms_node(r, child)->nr_children)
				vms_pos_push(pos, child);
			else
				vms_cursor_forward(c);
			break;
		case VMS_ENTRY_LEAF:
			return true;
		}
	}
	return false;
}

/**
 * vms_cursor_find_next - move to the next leaf [O-FindNext]
 * @r: region
 * @c: claimed cursor
 * @len: bytes to look through
 * @found: out: the cursor stands at a leaf; else it is at or past the end of @len
 *
 * Process context.
 *
 * Return: 0, or -EINVAL: @len misaligned or past the range.
 */
int vms_cursor_find_next(struct vms_region *r, struct vms_cursor *c, u64 len, bool *found)
{
	int err = vms_cursor_check_len(c, len);

	if (!err)
		*found = vms_cursor_seek(r, c, c->pos.va + len, false);
	return err;
}

/**
 * vms_cursor_jump - move to an address [O-Jump]
 * @c: claimed cursor
 * @va: where to
 *
 * The covering node contains every address of the range, so a cursor past its end
 * can jump back.
 *
 * Return: 0; -EINVAL not page aligned; -EACCES not in the range.
 */
int vms_cursor_jump(struct vms_cursor *c, u64 va)
{
	struct vms_cursor_pos *pos = &c->pos;

	if (!vms_page_aligned(va))
		return -EINVAL;
	if (va < c->start || va >= c->end)
		return -EACCES;
	while (pos->level < c->guard_level &&
	       vms_span_start(pos->va, pos->level + 1) != vms_span_start(va, pos->level + 1))
		vms_pos_pop(pos);
	pos->va = va;
	return 0;
}

/* --- changing --------------------------------------------------------------- */

/* A full gather is flushed everywhere and emptied; then the operation goes on (D4) */
static void vms_cursor_make_room(struct vms_tlb *tlb, struct vms_cursor *c,
				 struct vms_gather *g)
{
	struct vms_removed sum = {};

	if (!vms_gather_full(g))
		return;
	vms_tlb_dispatch(tlb, g, &c->space->pt.mroot);
	vms_gather_reap(tlb, g, &sum);
}

/*
 * The end of an operation: dispatch what it issued, release at once what nobody can
 * see any more, give the gather back.
 */
static void vms_cursor_settle(struct vms_tlb *tlb, struct vms_cursor *c,
			      struct vms_gather *g)
{
	struct vms_removed sum = {};

	vms_tlb_dispatch(tlb, g, &c->space->pt.mroot);
	vms_gather_try_release(tlb, g, &sum);
	vms_cursor_give_gather(c, g);
}

/*
 * Go down to level 1, through new nodes and pieces of split leaves where needed. All
 * nodes, and room in the gather, are there before the first change (D14).
 */
static int vms_cursor_go_down(struct vms_tlb *tlb, struct vms_cursor *c,
			      struct vms_gather *g, u32 *allocated)
{
	struct vms_region *r = tlb->mmu->region;
	struct vms_cursor_pos *pos = &c->pos;
	struct vms_cursor_pos start = *pos;
	struct vms_chain chain = {};
	u32 used = 0;
	u64 pte;
	int err;

	while (pos->level > 1 &&
	       vms_pte_kind(pte = vms_pos_entry(r, pos)) == VMS_ENTRY_TABLE)
		vms_pos_push(pos, vms_entry_slot(r, pte));

	*allocated = pos->level - 1;
	err = vms_chain_alloc(r, &chain, pos->level - 1, 1, c->id, c->id);
	if (err) {
		*pos = start;
		return err;
	}
	vms_cursor_make_room(tlb, c, g);
	while (pos->level > 1) {
		u32 node = pos->path[pos->level];
		unsigned int i = vms_pte_index(pos->va, pos->level);
		u32 child = chain.node[used++];

		if (vms_pte_kind(vms_pos_entry(r, pos)) == VMS_ENTRY_LEAF)
			vms_node_split(r, node, i, child);
		else
			vms_node_link(r, node, i, child);
		vms_pos_push(pos, child);
	}
	return 0;
}

/**
 * vms_cursor_map - map a frame at the current address and move on [O-Map]
 * @tlb: flush queues
 * @c: claimed mutable cursor
 * @slot: shared data frame; the caller's reference becomes the leaf's
 * @prop: property
 * @old: out: the leaf that was replaced, if found; with accessed and dirty as the
 *	hardware left them
 * @allocated: out: nodes allocated
 *
 * A replaced frame goes into the gather; its flush is dispatched, not waited for.
 * Process context; may sleep only when the gather is full.
 *
 * Return: 0; -EINVAL past the range or @prop cannot be encoded; -ENOMEM.
 */
int vms_cursor_map(struct vms_tlb *tlb, struct vms_cursor *c, u32 slot,
		   struct vmstore_prop prop, struct vms_item *old, u32 *allocated)
{
	struct vms_region *r = tlb->mmu->region;
	struct vms_cursor_pos *pos = &c->pos;
	struct vms_gather *g;
	u64 va = pos->va;
	u64 was;
	int err;

	if (va >= c->end || c->end - va < VMS_PAGE_SIZE || !vms_prop_encodable(prop))
		return -EINVAL;
	g = vms_cursor_take_gather(c);
	err = vms_cursor_go_down(tlb, c, g, allocated);
	if (err) {
		vms_cursor_give_gather(c, g);
		return err;
	}

	atomic64_inc(&r->slots[slot].paths);
	was = vms_node_set(r, pos->path[1], vms_pte_index(va, 1),
			   vms_pte_make_leaf(vms_slot_pa(r, slot), 1, prop));
	*old = (struct vms_item) { .start = va, .end = va + VMS_PAGE_SIZE, .level = 1 };
	if (was) {
		old->found = true;
		old->slot = vms_entry_slot(r, was);
		old->prop = vms_pte_prop(was);
		atomic64_dec(&r->slots[old->slot].paths);
		vms_gather_add(tlb, g, old->slot, false);
		vms_tlb_issue(tlb, g, &c->space->pt.mroot, va, va + VMS_PAGE_SIZE);
	}
	vms_cursor_forward(c);
	vms_cursor_settle(tlb, c, g);
	return 0;
}

/**
 * vms_cursor_unmap - remove every mapping within a length [O-Unmap]
 * @tlb: flush queues
 * @c: claimed mutable cursor; ends at or past the end of @len
 * @len: bytes
 * @sum: added to: what was removed
 *
 * Tables whose whole span lies in the range are cut off as a whole, empty ones too.
 * Dispatches once at the end and does not wait, except when the gather is full.
 * Process context.
 *
 * Return: 0, or -EINVAL: @len misaligned or past the range.
 */
int vms_cursor_unmap(struct vms_tlb *tlb, struct vms_cursor *c, u64 len,
		     struct vms_removed *sum)
{
	struct vms_region *r = tlb->mmu->region;
	struct vms_cursor_pos *pos = &c->pos;
	int err = vms_cursor_check_len(c, len);
	struct vms_gather *g;
	u64 end;

	if (err)
		return err;
	g = vms_cursor_take_gather(c);
	end = pos->va + len;
	while (vms_cursor_seek(r, c, end, true)) {
		unsigned int i = vms_pte_index(pos->va, pos->level);
		u32 node = pos->path[pos->level];
		bool table;
		u32 slot;

		vms_cursor_make_room(tlb, c, g);
		table = vms_pte_kind(vms_pos_entry(r, pos)) == VMS_ENTRY_TABLE;
		slot = vms_node_unlink(r, node, i, sum);
		vms_gather_add(tlb, g, slot, table);
		vms_tlb_issue(tlb, g, &c->space->pt.mroot, vms_pos_start(pos),
			      vms_pos_end(pos));
		vms_cursor_forward(c);
		cond_resched();
	}
	vms_cursor_settle(tlb, c, g);
	return 0;
}

/* ACCESSED and DIRTY are flags like the others: a caller may set or clear them */
static struct vmstore_prop vms_prop_changed(struct vmstore_prop was,
					    const struct vms_prop_change *change)
{
	struct vmstore_prop now = was;

	now.flags = (was.flags & ~change->mask.flags) | (change->prop.flags & change->mask.flags);
	now.priv = (was.priv & ~change->mask.priv) | (change->prop.priv & change->mask.priv);
	if (change->set_cache)
		now.cache = change->prop.cache;
	return now;
}

/**
 * vms_cursor_protect_next - change the property of the next leaf [O-ProtectNext]
 * @r: region
 * @c: claimed mutable cursor; moves past the leaf, or to the end of @len
 * @len: bytes to look through
 * @change: new property
 * @old: out: the leaf as it was, if found
 * @now: out: its property now
 *
 * Flushes nothing and issues nothing: the caller must, if it needs the change to be
 * seen. Process context.
 *
 * Return: 0; -EINVAL @len misaligned or past the range, or @change could make a
 * property that cannot be encoded.
 */
int vms_cursor_protect_next(struct vms_region *r, struct vms_cursor *c, u64 len,
			    const struct vms_prop_change *change, struct vms_item *old,
			    struct vmstore_prop *now)
{
	/* Every leaf has R and can be encoded: what @change makes of one, it makes of all */
	const struct vmstore_prop any = { .flags = VMSTORE_PROP_R };
	struct vms_cursor_pos *pos = &c->pos;
	u64 *entry;
	u64 was, pte;
	int err = vms_cursor_check_len(c, len);

	if (err)
		return err;
	if (!vms_prop_encodable(vms_prop_changed(any, change)))
		return -EINVAL;

	*old = (struct vms_item) { .found = vms_cursor_seek(r, c, pos->va + len, false) };
	if (!old->found)
		return 0;

	entry = &vms_node_entries(r, pos->path[pos->level])[vms_pte_index(pos->va, pos->level)];
	pte = READ_ONCE(*entry);
	do {
		was = pte;
		*now = vms_prop_changed(vms_pte_prop(was), change);
		pte = cmpxchg(entry, was,
			      vms_pte_make_leaf(vms_pte_pa(was), pos->level, *now));
	} while (pte != was);

	old->start = vms_pos_start(pos);
	old->end = vms_pos_end(pos);
	old->level = pos->level;
	old->slot = vms_entry_slot(r, was);
	old->prop = vms_pte_prop(was);
	vms_cursor_forward(c);
	return 0;
}

/**
 * vms_cursor_flush - flush a range of the cursor's space everywhere and wait [O-Flusher]
 * @tlb: flush queues
 * @c: claimed mutable cursor
 * @va: page aligned
 * @len: bytes, page aligned; 0 = everything
 *
 * Process context, may sleep.
 *
 * Return: 0; -EINVAL misaligned; -EACCES not in the user half.
 */
int vms_cursor_flush(struct vms_tlb *tlb, struct vms_cursor *c, u64 va, u64 len)
{
	struct vms_gather *g;

	if (!vms_page_aligned(va) || !vms_page_aligned(len))
		return -EINVAL;
	if (va > VMSTORE_USER_END || len > VMSTORE_USER_END - va)
		return -EACCES;
	g = vms_cursor_take_gather(c);
	vms_tlb_issue(tlb, g, &c->space->pt.mroot, va, va + len);
	vms_tlb_dispatch(tlb, g, &c->space->pt.mroot);
	vms_tlb_sync(tlb, g);
	vms_cursor_settle(tlb, c, g);
	return 0;
}
