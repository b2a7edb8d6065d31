// SPDX-License-Identifier: GPL-2.0-only
/* Page-table cursors: see cursor.h for the lock protocol. */

#include <linux/math.h>
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

/* Where it starts: the root of its space, or the top of the kernel half */
static u32 vms_cursor_top(const struct vms_cursor *c, int *level)
{
	*level = c->space ? VMS_NR_LEVELS : VMS_NR_LEVELS - 1;
	return c->space ? c->space->pt.root : c->kernel->top;
}

static struct vms_root *vms_cursor_root(const struct vms_cursor *c)
{
	return c->space ? &c->space->pt.mroot : &c->kernel_pt->mroot;
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
		if (VMS_WRONG(CHILD_NOT_OWNED))
			continue;
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
		vms_node_cancel(r, chain->node[--chain->nr]);
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
	int level;
	u32 node = vms_cursor_top(c, &level);
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
		if (!c->space)
			break;		/* the lowest one that exists will do */
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
 * @c: id, space, start, end set and checked; the caller is a user of the space. Without
 *	one kernel and kernel_pt instead
 * @allocated: out: nodes allocated on the way
 *
 * Process context. Does not wait.
 *
 * Return: 0; -EBUSY a part is owned by another cursor; -ENOMEM; -EINTR killed. On an
 * error nothing is owned and nothing was linked.
 */
int vms_cursor_open(struct vms_region *r, struct vms_cursor *c, u32 *allocated)
{
	int goal = max(vms_covering_level(c->start, c->end), c->min_level);
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

/**
 * vms_cursor_ok - does it stand where it may, on nodes that it owns? [C1a, C1c, C3, C4, C6]
 * @c: open cursor
 * @r: region
 *
 * Return: true when it does. What lies off its path is the checker's.
 */
bool vms_cursor_ok(const struct vms_cursor *c, struct vms_region *r)
{
	const struct vms_cursor_pos *pos = &c->pos;
	int level;

	if (vms_cursor_check_range(c->start, c->end) || !vms_page_aligned(pos->va) ||
	    pos->va < c->start || c->guard_level < 1 || c->guard_level > VMS_NR_LEVELS ||
	    pos->level < 1 || pos->level > c->guard_level)
		return false;
	for (level = 1; level <= VMS_NR_LEVELS; level++) {
		u32 node = pos->path[level];

		if (level < pos->level || level > c->guard_level) {
			if (node != VMS_NO_SLOT)
				return false;
		} else if (node >= r->nr_slots || !vms_node_sound(r, node, level) ||
			   READ_ONCE(vms_node(r, node)->owner) != c->id) {
			return false;
		}
	}
	return true;
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
	if (!VMS_WRONG(POS_PATH_KEPT))
		pos->path[pos->level] = VMS_NO_SLOT;
	pos->level++;
}

/* To the next entry, leaving a node at its end; never above @guard_level */
static void vms_pos_forward(struct vms_cursor_pos *pos, int guard_level)
{
	u64 next = vms_pos_end(pos);

	while (pos->level < guard_level && !vms_pte_index(next, pos->level) &&
	       !VMS_WRONG(POS_NOT_POPPED))
		vms_pos_pop(pos);
	pos->va = VMS_WRONG(POS_PAST_END) ? VMSTORE_USER_END + VMS_PAGE_SIZE : next;
}

static void vms_cursor_forward(struct vms_cursor *c)
{
	vms_pos_forward(&c->pos, c->guard_level);
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
	if (VMS_WRONG(POS_BEFORE_START))
		pos->va = c->start - VMS_PAGE_SIZE;
	if (VMS_WRONG(POS_MISALIGNED))
		pos->va = va + 8;
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
	if (!VMS_OMIT(ROOM_DISPATCH))
		vms_tlb_dispatch(tlb, g, vms_cursor_root(c));
	vms_gather_reap(tlb, g, &sum);
}

/* Release at once what nobody can see any more, give the gather back */
static void vms_cursor_settle(struct vms_tlb *tlb, struct vms_cursor *c,
			      struct vms_gather *g)
{
	struct vms_removed sum = {};

	vms_gather_try_release(tlb, g, &sum);
	vms_cursor_give_gather(c, g);
}

/* The end of an operation that issued requests: they are dispatched, with all others */
static void vms_cursor_finish(struct vms_tlb *tlb, struct vms_cursor *c,
			      struct vms_gather *g)
{
	if (!VMS_OMIT(FINISH_DISPATCH))
		vms_tlb_dispatch(tlb, g, vms_cursor_root(c));
	vms_cursor_settle(tlb, c, g);
}

/*
 * Nodes made ready before the first change [D14], by level: lists through their first
 * words, for there may be thousands.
 */
struct vms_stash {
	u32 nr[VMS_NR_LEVELS];
	u32 head[VMS_NR_LEVELS];
};

static int vms_stash_add(struct vms_region *r, struct vms_stash *stash, int level, u64 owner)
{
	u32 node;
	int err = vms_node_alloc(r, level, false, VMS_WRONG(NEW_NODE_NOT_OWNED) ? 0 : owner,
				 &node);

	if (err)
		return err;
	vms_node_entries(r, node)[0] = stash->head[level];
	stash->head[level] = node;
	stash->nr[level]++;
	return 0;
}

static u32 vms_stash_take(struct vms_region *r, struct vms_stash *stash, int level)
{
	u32 node = stash->head[level];

	stash->head[level] = vms_node_entries(r, node)[0];
	vms_node_entries(r, node)[0] = 0;
	stash->nr[level]--;
	return node;
}

static void vms_stash_free(struct vms_region *r, struct vms_stash *stash)
{
	int level;

	for (level = 1; level < VMS_NR_LEVELS; level++)
		while (stash->nr[level])
			vms_slot_cancel(r, vms_stash_take(r, stash, level));
}

/* Addresses that get leaves of level 2, whole ones: no nodes of level 1 there */
struct vms_huge_range {
	u64 start;
	u64 end;
};

/* All nodes below an entry of @top that lead to the pages of [start, end) in it */
static int vms_stash_below(struct vms_region *r, struct vms_stash *stash, int top, u64 start,
			   u64 end, const struct vms_huge_range *huge, u64 owner)
{
	int level, err;
	u64 va;

	for (level = min_t(int, top, VMS_NR_LEVELS) - 1; level >= 1; level--) {
		for (va = start; va < end; va = vms_span_start(va, level + 1) +
						vms_page_size(level + 1)) {
			if (level == 1 && va >= huge->start && va < huge->end)
				continue;
			err = vms_stash_add(r, stash, level, owner);
			if (err)
				return err;
			cond_resched();
		}
	}
	return 0;
}

/* Make ready what is missing between the cursor and its leaves everywhere up to @end */
static int vms_cursor_stash(struct vms_region *r, const struct vms_cursor *c, u64 end,
			    const struct vms_huge_range *huge, struct vms_stash *stash)
{
	struct vms_cursor_pos pos = c->pos;
	int err = 0;
	u64 pte;

	while (pos.va < end) {
		while (pos.level > 1 &&
		       vms_pte_kind(pte = vms_pos_entry(r, &pos)) == VMS_ENTRY_TABLE)
			vms_pos_push(&pos, vms_entry_slot(r, pte));
		/* In a leaf table nothing is missing: over it */
		if (pos.level == 1 && pos.level == c->guard_level)
			return 0;
		if (pos.level > 1)
			err = vms_stash_below(r, stash, pos.level, pos.va,
					      min(end, vms_pos_end(&pos)), huge, c->id);
		else
			vms_pos_pop(&pos);
		if (err) {
			vms_stash_free(r, stash);
			return err;
		}
		vms_pos_forward(&pos, c->guard_level);
	}
	return 0;
}

static u64 vms_stash_total(const struct vms_stash *stash)
{
	u64 n = 0;
	int level;

	for (level = 1; level < VMS_NR_LEVELS; level++)
		n += stash->nr[level];
	return n;
}

/*
 * Go down to @level, through new nodes where needed. No leaf is in the way: those of spaces
 * are pages, and areas are mapped where nothing is.
 */
static void vms_cursor_go_down(struct vms_region *r, struct vms_cursor *c, int level,
			       struct vms_stash *stash)
{
	struct vms_cursor_pos *pos = &c->pos;

	while (pos->level > level) {
		u64 pte = vms_pos_entry(r, pos);
		u32 node = pos->path[pos->level];
		unsigned int i = vms_pte_index(pos->va, pos->level);
		u32 child;

		if (vms_pte_kind(pte) == VMS_ENTRY_TABLE) {
			vms_pos_push(pos, vms_entry_slot(r, pte));
			continue;
		}
		child = vms_stash_take(r, stash, pos->level - 1);
		vms_node_link(r, node, i, child);
		vms_pos_push(pos, child);
	}
}

/* The leaf of @slot; @i is the index it goes to */
static u64 vms_map_leaf(struct vms_region *r, u32 node, unsigned int *i, u32 slot,
			struct vmstore_prop prop)
{
	u64 pte = vms_pte_make_leaf(vms_slot_pa(r, slot + VMS_WRONG(LEAF_OTHER_FRAME)), 1, prop);

	if (VMS_WRONG(LEAF_UNDEFINED_BIT))
		pte |= BIT_ULL(3);
	if (VMS_WRONG(LEAF_CACHE_BITS))
		pte |= VMS_PTE_CACHE_MASK;
	if (VMS_WRONG(LEAF_NOT_PRESENT))
		pte &= ~VMS_PTE_PRESENT;
	if (VMS_WRONG(LEAF_DOUBLED))
		vms_node_set(r, node, *i ^ 1, pte);
	if (VMS_WRONG(LEAF_OTHER_INDEX))
		*i ^= 1;
	return pte;
}

/* One leaf at the current address, in the leaf table the cursor stands in */
static void vms_cursor_map_one(struct vms_tlb *tlb, struct vms_cursor *c,
			       struct vms_gather *g, u32 slot, struct vmstore_prop prop,
			       struct vms_mapped *out)
{
	struct vms_region *r = tlb->mmu->region;
	struct vms_cursor_pos *pos = &c->pos;
	unsigned int i = vms_pte_index(pos->va, 1);
	u64 was, pte;

	if (vms_pos_entry(r, pos))
		vms_cursor_make_room(tlb, c, g);
	pte = vms_map_leaf(r, pos->path[1], &i, slot, prop);
	vms_slot_paths_add(r, slot, VMS_WRONG(PATH_NOT_COUNTED) ? 0 :
				    VMS_WRONG(PATH_COUNTED_TWICE) ? 2 : 1);
	was = vms_node_set(r, pos->path[1], i, pte);
	if (!was)
		return;
	out->replaced++;
	out->last = (struct vms_item) {
		.start = pos->va,
		.end = pos->va + VMS_PAGE_SIZE,
		.level = 1,
		.found = true,
		.slot = vms_entry_slot(r, was),
		.prop = vms_pte_prop(was),
	};
	vms_slot_paths_add(r, out->last.slot, -1);
	vms_gather_add(tlb, g, out->last.slot, false);
	if (!VMS_OMIT(MAP_ISSUE))
		vms_tlb_issue(tlb, g, vms_cursor_root(c), out->last.start, out->last.end);
}

/**
 * vms_cursor_map - map frames from the current address on, all or none [O-Map]
 * @tlb: flush queues
 * @c: claimed mutable cursor; moves past the last
 * @frames: shared data frames; the caller's references become the leaves'
 * @prop: property
 * @defer: leave the requests for replaced leaves pending
 * @out: zeroed; what was done, replaced leaves with accessed and dirty as the hardware
 *	left them
 *
 * All nodes are there before the first change. Then a page costs its entry and its count:
 * a leaf table is walked to once. Replaced frames go into the gather; one dispatch at the
 * end if there are any, not waited for, except when the gather is full [D4]: that wait
 * holds no lock, and what is mapped by then is whole. Process context.
 *
 * Return: 0; -EINVAL past the range or @prop cannot be encoded; -ENOMEM.
 */
int vms_cursor_map(struct vms_tlb *tlb, struct vms_cursor *c,
		   const struct vms_frames *frames, struct vmstore_prop prop, bool defer,
		   struct vms_mapped *out)
{
	struct vms_region *r = tlb->mmu->region;
	u64 len = (u64)frames->nr << VMS_PAGE_SHIFT;
	const struct vms_huge_range huge = {};
	struct vms_stash stash = {};
	struct vms_gather *g;
	u32 i;
	int err;

	if (vms_cursor_check_len(c, len) || !vms_prop_encodable(prop))
		return -EINVAL;
	g = vms_cursor_take_gather(c);
	err = vms_cursor_stash(r, c, c->pos.va + len, &huge, &stash);
	if (err) {
		vms_cursor_give_gather(c, g);
		return err;
	}
	out->nodes = vms_stash_total(&stash);
	for (i = 0; i < frames->nr; i++) {
		if (c->pos.level > 1) {
			vms_cursor_go_down(r, c, 1, &stash);
			cond_resched();
		}
		vms_cursor_map_one(tlb, c, g, vms_frames_slot(frames, i), prop, out);
		vms_cursor_forward(c);
	}
	if (out->replaced && !defer)
		vms_cursor_finish(tlb, c, g);
	else
		vms_cursor_settle(tlb, c, g);
	return 0;
}

/* --- leaves of level 2: device memory in kernel areas ---------------------------- */

/* Does the leaf at the current address lie in [@start, @end) in part only? */
static bool vms_pos_sticks_out(const struct vms_cursor_pos *pos, u64 start, u64 end)
{
	return vms_pos_start(pos) < start || vms_pos_end(pos) > end;
}

/* Where the entry over @va begins, if it is a leaf that lies in [@start, @end) in part only */
static u64 vms_cursor_leaf_across(struct vms_region *r, const struct vms_cursor *c, u64 va,
				  u64 start, u64 end)
{
	struct vms_cursor_pos pos = c->pos;
	u64 pte;

	while (pos.level < c->guard_level &&
	       vms_span_start(pos.va, pos.level + 1) != vms_span_start(va, pos.level + 1))
		vms_pos_pop(&pos);
	pos.va = va;
	while (vms_pte_kind(pte = vms_pos_entry(r, &pos)) == VMS_ENTRY_TABLE)
		vms_pos_push(&pos, vms_entry_slot(r, pte));
	if (vms_pte_kind(pte) != VMS_ENTRY_LEAF || !vms_pos_sticks_out(&pos, start, end))
		return 0;
	return vms_pos_start(&pos);
}

/* Make ready a node for each leaf that lies across an end of [current address, @end) */
static int vms_cursor_stash_splits(struct vms_region *r, const struct vms_cursor *c, u64 end,
				   struct vms_stash *stash)
{
	u64 start = c->pos.va;
	u64 first, last;
	int err = 0;

	if (start >= end)
		return 0;
	first = vms_cursor_leaf_across(r, c, start, start, end);
	last = vms_cursor_leaf_across(r, c, end - VMS_PAGE_SIZE, start, end);
	if (first)
		err = vms_stash_add(r, stash, VMS_MAX_LEAF_LEVEL - 1, c->id);
	if (!err && last && last != first)
		err = vms_stash_add(r, stash, VMS_MAX_LEAF_LEVEL - 1, c->id);
	if (err)
		vms_stash_free(r, stash);
	return err;
}

/*
 * Split the leaf at the current address and go down to its pieces. The one translation is
 * flushed everywhere before the first of them changes: a CPU that had both might take
 * either, or a machine check [model 10.2].
 */
static void vms_cursor_split(struct vms_tlb *tlb, struct vms_cursor *c, struct vms_gather *g,
			     struct vms_stash *stash)
{
	struct vms_region *r = tlb->mmu->region;
	struct vms_cursor_pos *pos = &c->pos;
	u32 child = vms_stash_take(r, stash, pos->level - 1);

	vms_node_split(r, pos->path[pos->level], vms_pte_index(pos->va, pos->level), child);
	if (!VMS_OMIT(SPLIT_ISSUE))
		vms_tlb_issue(tlb, g, vms_cursor_root(c), vms_pos_start(pos), vms_pos_end(pos));
	if (!VMS_OMIT(SPLIT_DISPATCH))
		vms_tlb_dispatch(tlb, g, vms_cursor_root(c));
	if (!VMS_OMIT(SPLIT_SYNC))
		vms_tlb_sync(tlb, g);
	vms_pos_push(pos, child);
}

/* Take the entry at the current address out, and flush what it translates */
static void vms_cursor_take_out(struct vms_tlb *tlb, struct vms_cursor *c,
				struct vms_gather *g, struct vms_removed *sum)
{
	struct vms_region *r = tlb->mmu->region;
	struct vms_cursor_pos *pos = &c->pos;
	bool table = vms_pte_kind(vms_pos_entry(r, pos)) == VMS_ENTRY_TABLE;
	u32 slot = vms_node_unlink(r, pos->path[pos->level],
				   vms_pte_index(pos->va, pos->level), sum);

	if (table || slot < r->first_mmio)	/* no reference of device memory */
		vms_gather_add(tlb, g, slot, table);
	if (VMS_WRONG(GATHER_TWICE) && !table)
		vms_gather_add(tlb, g, slot, table);
	if (table ? !VMS_OMIT(CUT_ISSUE) : !VMS_OMIT(UNMAP_ISSUE))
		vms_tlb_issue(tlb, g, vms_cursor_root(c), vms_pos_start(pos), vms_pos_end(pos));
}

/* Where leaves of level 2 fit, if @nr frames from @paddr on are mapped from @va on */
static struct vms_huge_range vms_huge_fit(u64 va, u64 paddr, u32 nr)
{
	u64 size = vms_page_size(VMS_MAX_LEAF_LEVEL);
	struct vms_huge_range huge = {
		.start = round_up(va, size),
		.end = round_down(va + ((u64)nr << VMS_PAGE_SHIFT), size),
	};

	if ((va ^ paddr) & (size - 1) || huge.start >= huge.end)
		return (struct vms_huge_range) {};
	return huge;
}

/*
 * One leaf at the current address. A table may be there, but only an empty one, that of an
 * area which was there before; with it goes what the paging-structure caches know of it.
 */
static void vms_cursor_map_leaf(struct vms_tlb *tlb, struct vms_cursor *c,
				struct vms_gather *g, u32 slot, struct vmstore_prop prop)
{
	struct vms_region *r = tlb->mmu->region;
	struct vms_cursor_pos *pos = &c->pos;
	struct vms_removed sum = {};

	if (vms_pos_entry(r, pos)) {
		vms_cursor_make_room(tlb, c, g);
		vms_cursor_take_out(tlb, c, g, &sum);
		WARN_ON_ONCE(sum.leaves && !VMS_WRONG_ANY());
	}
	vms_node_set(r, pos->path[pos->level], vms_pte_index(pos->va, pos->level),
		     vms_pte_make_leaf(vms_slot_pa(r, slot), pos->level, prop));
}

/**
 * vms_cursor_map_untracked - map device memory from the current address on
 *	[O-KMapUntracked]
 * @tlb: flush queues
 * @c: cursor over kernel addresses where no leaf is, min_level 2; moves past the last
 * @first: first slot, in the tail of the region [D17]
 * @nr: how many, all in the tail
 * @prop: property
 * @out: zeroed; what was done
 *
 * Uses leaves of level 2 where address and frames are aligned for them. No count changes.
 * Process context.
 *
 * Return: 0; -EINVAL past the range or @prop cannot be encoded; -ENOMEM.
 */
int vms_cursor_map_untracked(struct vms_tlb *tlb, struct vms_cursor *c, u32 first, u32 nr,
			     struct vmstore_prop prop, struct vms_mapped *out)
{
	struct vms_region *r = tlb->mmu->region;
	struct vms_huge_range huge = vms_huge_fit(c->pos.va, vms_slot_paddr(first), nr);
	u64 start = c->pos.va;
	u64 end = start + ((u64)nr << VMS_PAGE_SHIFT);
	struct vms_stash stash = {};
	struct vms_gather *g;
	int err;

	if (vms_cursor_check_len(c, end - start) || !vms_prop_encodable(prop))
		return -EINVAL;
	err = vms_cursor_stash(r, c, end, &huge, &stash);
	if (err)
		return err;
	out->nodes = vms_stash_total(&stash);
	g = vms_cursor_take_gather(c);
	while (c->pos.va < end) {
		bool is_huge = c->pos.va >= huge.start && c->pos.va < huge.end;
		u32 slot = first + ((c->pos.va - start) >> VMS_PAGE_SHIFT);

		vms_cursor_go_down(r, c, is_huge ? VMS_MAX_LEAF_LEVEL : 1, &stash);
		vms_cursor_map_leaf(tlb, c, g, slot, prop);
		out->huge += is_huge;
		vms_cursor_forward(c);
		cond_resched();
	}
	vms_cursor_finish(tlb, c, g);
	return 0;
}

/**
 * vms_cursor_unmap - remove every mapping within a length [O-Unmap]
 * @tlb: flush queues
 * @c: claimed mutable cursor; ends at or past the end of @len
 * @len: bytes
 * @defer: leave the requests for what is removed pending
 * @sum: added to: what was removed
 *
 * Tables whose whole span lies in the range are cut off as a whole, empty ones too. A leaf
 * of level 2 that lies in it in part is split, with nodes that are there before the first
 * change. Dispatches once at the end, with @defer not then, and does not wait, except when
 * the gather is full or a leaf is split. Process context.
 *
 * Return: 0; -EINVAL: @len misaligned or past the range; -ENOMEM no node for a split.
 */
int vms_cursor_unmap(struct vms_tlb *tlb, struct vms_cursor *c, u64 len, bool defer,
		     struct vms_removed *sum)
{
	struct vms_region *r = tlb->mmu->region;
	struct vms_cursor_pos *pos = &c->pos;
	int err = vms_cursor_check_len(c, len);
	struct vms_stash stash = {};
	struct vms_gather *g;
	u64 start = pos->va;
	u64 end = start + len;

	if (!err && !c->space)
		err = vms_cursor_stash_splits(r, c, end, &stash);
	if (err)
		return err;
	g = vms_cursor_take_gather(c);
	while (vms_cursor_seek(r, c, end, true)) {
		if (vms_pte_kind(vms_pos_entry(r, pos)) == VMS_ENTRY_LEAF &&
		    vms_pos_sticks_out(pos, start, end)) {
			vms_cursor_split(tlb, c, g, &stash);
			sum->split++;
			continue;
		}
		vms_cursor_make_room(tlb, c, g);
		vms_cursor_take_out(tlb, c, g, sum);
		vms_cursor_forward(c);
		cond_resched();
	}
	if (defer)
		vms_cursor_settle(tlb, c, g);
	else
		vms_cursor_finish(tlb, c, g);
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
 * vms_prop_change_encodable - can what a change makes of a leaf be encoded?
 * @change: change
 *
 * Every leaf has R and can be encoded: what a change makes of one, it makes of all.
 *
 * Return: true when it can.
 */
bool vms_prop_change_encodable(const struct vms_prop_change *change)
{
	const struct vmstore_prop any = { .flags = VMSTORE_PROP_R };

	return vms_prop_encodable(vms_prop_changed(any, change));
}

/* Of the leaf at the current address. Return: the entry as it was */
static u64 vms_cursor_change_leaf(struct vms_region *r, struct vms_cursor *c,
				  const struct vms_prop_change *change)
{
	struct vms_cursor_pos *pos = &c->pos;
	u64 pte = vms_pos_entry(r, pos);
	struct vmstore_prop now;
	u64 was;

	do {
		was = pte;
		now = vms_prop_changed(vms_pte_prop(was), change);
		pte = vms_node_cmpxchg(r, pos->path[pos->level],
				       vms_pte_index(pos->va, pos->level), was,
				       vms_pte_make_leaf(vms_pte_pa(was), pos->level, now) +
				       (VMS_WRONG(PROTECT_OTHER_FRAME) ? VMS_PAGE_SIZE : 0));
	} while (pte != was);
	return was;
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
 * seen. The gather knows the leaf's range as changed until then. Process context.
 *
 * Return: 0; -EINVAL @len misaligned or past the range, or @change could make a
 * property that cannot be encoded.
 */
int vms_cursor_protect_next(struct vms_region *r, struct vms_cursor *c, u64 len,
			    const struct vms_prop_change *change, struct vms_item *old,
			    struct vmstore_prop *now)
{
	struct vms_cursor_pos *pos = &c->pos;
	int err = vms_cursor_check_len(c, len);
	struct vms_gather *g;
	u64 was;

	if (err)
		return err;
	if (!vms_prop_change_encodable(change))
		return -EINVAL;

	*old = (struct vms_item) { .found = vms_cursor_seek(r, c, pos->va + len, false) };
	if (!old->found)
		return 0;

	was = vms_cursor_change_leaf(r, c, change);
	old->start = vms_pos_start(pos);
	old->end = vms_pos_end(pos);
	g = vms_cursor_take_gather(c);
	vms_tlb_changed(g, vms_cursor_root(c), old->start, old->end);
	vms_cursor_give_gather(c, g);
	old->level = pos->level;
	old->slot = vms_entry_slot(r, was);
	old->prop = vms_pte_prop(was);
	*now = vms_prop_changed(old->prop, change);
	vms_cursor_forward(c);
	return 0;
}

/**
 * vms_cursor_protect - change the property of all leaves within a length
 * @tlb: flush queues
 * @c: cursor over kernel addresses; ends at or past the end of @len
 * @len: bytes
 * @change: new property
 * @out: zeroed; what was done
 *
 * A leaf of level 2 that lies in the range in part is split, with nodes that are there
 * before the first change. Dispatches at the end and does not wait. Process context.
 *
 * Return: 0; -EINVAL as vms_cursor_protect_next(); -ENOMEM no node for a split.
 */
int vms_cursor_protect(struct vms_tlb *tlb, struct vms_cursor *c, u64 len,
		       const struct vms_prop_change *change, struct vms_protected *out)
{
	struct vms_region *r = tlb->mmu->region;
	struct vms_cursor_pos *pos = &c->pos;
	struct vms_stash stash = {};
	u64 start = pos->va;
	u64 end = start + len;
	struct vms_gather *g;
	int err;

	if (vms_cursor_check_len(c, len) || !vms_prop_change_encodable(change))
		return -EINVAL;
	err = vms_cursor_stash_splits(r, c, end, &stash);
	if (err)
		return err;
	g = vms_cursor_take_gather(c);
	while (vms_cursor_seek(r, c, end, false)) {
		if (vms_pos_sticks_out(pos, start, end)) {
			vms_cursor_split(tlb, c, g, &stash);
			out->split++;
			continue;
		}
		vms_cursor_change_leaf(r, c, change);
		if (!VMS_OMIT(PROTECT_ISSUE))
			vms_tlb_issue(tlb, g, vms_cursor_root(c), vms_pos_start(pos),
				      vms_pos_end(pos));
		out->changed++;
		vms_cursor_forward(c);
		cond_resched();
	}
	vms_cursor_finish(tlb, c, g);
	return 0;
}

/**
 * vms_cursor_issue - queue a flush request; nothing is sent [Tl3]
 * @tlb: flush queues
 * @c: claimed mutable cursor
 * @va: page aligned, checked
 * @len: bytes, page aligned, checked; 0 = everything
 *
 * Process context.
 */
void vms_cursor_issue(struct vms_tlb *tlb, struct vms_cursor *c, u64 va, u64 len)
{
	struct vms_gather *g = vms_cursor_take_gather(c);

	if (!VMS_OMIT(OP_ISSUE))
		vms_tlb_issue(tlb, g, vms_cursor_root(c), va, va + len);
	vms_cursor_give_gather(c, g);
}

/**
 * vms_cursor_issue_with - queue a flush request that keeps a frame [Tl3]
 * @tlb: flush queues
 * @c: claimed mutable cursor
 * @va: page aligned, checked
 * @len: bytes, page aligned, checked; 0 = everything
 * @slot: a shared data frame; the caller's reference becomes the gather's
 *
 * A full gather is flushed and emptied first [D4]. Process context, may sleep.
 */
void vms_cursor_issue_with(struct vms_tlb *tlb, struct vms_cursor *c, u64 va, u64 len,
			   u32 slot)
{
	struct vms_gather *g = vms_cursor_take_gather(c);

	vms_cursor_make_room(tlb, c, g);
	if (!VMS_WRONG(ISSUE_FRAME_LOST))
		vms_gather_add(tlb, g, slot, false);
	if (!VMS_OMIT(OP_ISSUE_WITH))
		vms_tlb_issue(tlb, g, vms_cursor_root(c), va, va + len);
	vms_cursor_give_gather(c, g);
}

/**
 * vms_cursor_pending - how many flush requests are queued in a cursor?
 * @c: claimed mutable cursor
 *
 * Return: vms_flush_count() of its queue.
 */
u32 vms_cursor_pending(struct vms_cursor *c)
{
	struct vms_gather *g = vms_cursor_take_gather(c);
	u32 nr = vms_flush_count(&g->pending);

	vms_cursor_give_gather(c, g);
	return nr;
}

/**
 * vms_cursor_dispatch - ask the CPUs to flush what is pending [Tl4]
 * @tlb: flush queues
 * @c: claimed mutable cursor
 *
 * Does not wait, and releases what may be released. Process context.
 *
 * Return: which of the first 64 CPUs were asked.
 */
u64 vms_cursor_dispatch(struct vms_tlb *tlb, struct vms_cursor *c)
{
	struct vms_gather *g = vms_cursor_take_gather(c);
	u64 asked = VMS_OMIT(OP_DISPATCH) ? 0 : vms_tlb_dispatch(tlb, g, vms_cursor_root(c));

	vms_cursor_settle(tlb, c, g);
	return asked;
}

/**
 * vms_cursor_sync - wait until every CPU has flushed what a cursor dispatched [Tl6]
 * @tlb: flush queues
 * @c: claimed mutable cursor
 *
 * Does not dispatch. Then releases what may be released. Process context, may sleep.
 *
 * Return: how many CPUs had not flushed.
 */
u32 vms_cursor_sync(struct vms_tlb *tlb, struct vms_cursor *c)
{
	struct vms_gather *g = vms_cursor_take_gather(c);
	u32 nr = VMS_OMIT(OP_SYNC) ? 0 : vms_tlb_sync(tlb, g);

	vms_cursor_settle(tlb, c, g);
	return nr;
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
	if (!VMS_OMIT(FLUSH_ISSUE))
		vms_tlb_issue(tlb, g, vms_cursor_root(c), va, va + len);
	if (!VMS_OMIT(FLUSH_DISPATCH))
		vms_tlb_dispatch(tlb, g, vms_cursor_root(c));
	if (!VMS_OMIT(FLUSH_SYNC))
		vms_tlb_sync(tlb, g);
	vms_cursor_settle(tlb, c, g);
	return 0;
}
