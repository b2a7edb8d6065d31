/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-table cursors [model 2.7, 5.2, 6; design D3].
 *
 * The lock protocol
 * -----------------
 * A cursor owns the covering node of its range and every node below it whose span
 * meets the range. Ownership is a field of the node, not a held lock: it lives across
 * system calls, and whoever finds a node owned gets -EBUSY or waits holding nothing.
 *
 *  - Opening walks down from the root under RCU without taking anything [Lk3]. Where
 *    the path is missing it links a ready-made chain of nodes with one store, under
 *    the lock of the one node that gets the new entry; the lowest of the chain is born
 *    owned. Otherwise it owns the covering node it found [Lk4], unless that became
 *    stray on the way, and then the existing subtree in address order [Lk6]. If any
 *    part is owned already it lets go of all it has: nobody waits while owning, so
 *    there is no deadlock [Lk7].
 *  - Two cursors whose ranges overlap meet at a common node: the covering node of one
 *    lies in the owned subtree of the other, or they have the same.
 *  - Only an owner changes entries of an owned node. A node that nobody owns gets
 *    entries only by the linking above, under its lock [Lk1].
 *  - What a cursor owns cannot become stray but by that cursor, and stays allocated,
 *    so no RCU is needed while it lives [Lk2].
 *  - Closing lets go in the reverse order, the covering node last [Lk9].
 *
 * A cursor over kernel areas starts at the top of the kernel half, which is below every
 * root of the store, and lives within one operation. It owns the lowest node over its range
 * that exists and makes none to get there, so an operation that fails late has nothing to
 * take back. Who finds a part owned waits, holding nothing: see kvirt.h.
 */
#ifndef VMS_CURSOR_H
#define VMS_CURSOR_H

#include "space.h"

/**
 * struct vms_cursor_pos - where a cursor stands
 * @va: current address, page aligned; may be at or past the end of the range
 * @level: level of the current node
 * @path: node per level, index 1 to 4; VMS_NO_SLOT outside level..guard_level [C6].
 *	The nodes on the path are those with a guard object [F-CursorEntry.guards]
 */
struct vms_cursor_pos {
	u64 va;
	int level;
	u32 path[VMS_NR_LEVELS + 1];
};

/**
 * struct vms_cursor - a cursor [F-CursorEntry.owner]
 * @id: its CursorId; nodes it owns carry it
 * @space: its space, of which it is a user; NULL = the kernel half, and then
 * @kernel: that, and
 * @kernel_pt: the page table through which it is reached
 * @min_level: level below which the covering node may not lie, 0 = any
 * @mut: mutable
 * @start: range as requested
 * @end: the same (barrier_va of the reference)
 * @guard_level: level of the covering node
 * @pos: where it stands
 * @gather: of a mutable cursor; NULL while an operation works with it. REAP exchanges
 *	a gather that nobody works with for an empty one, so taking and giving back is
 *	atomic and nobody ever waits for it
 * @claimed: bit 0: an operation is working on it
 * @rcu: lookups are lock-free
 */
struct vms_cursor {
	u64 id;
	struct vms_space *space;
	const struct vms_kernel_half *kernel;
	struct vms_pt *kernel_pt;
	int min_level;
	bool mut;
	u64 start;
	u64 end;
	int guard_level;
	struct vms_cursor_pos pos;
	struct vms_gather *gather;
	unsigned long claimed;
	struct rcu_head rcu;
};

/* What a cursor finds at its address */
struct vms_item {
	u64 start;		/* what the entry translates */
	u64 end;
	int level;
	bool found;		/* it is a leaf */
	u32 slot;
	struct vmstore_prop prop;
};

/**
 * struct vms_frames - frames to map, in order; each reference becomes a leaf's
 * @nr: how many
 * @slot: their slots; NULL when they follow each other from
 * @first: on
 */
struct vms_frames {
	u32 nr;
	const u32 *slot;
	u32 first;
};

static inline u32 vms_frames_slot(const struct vms_frames *frames, u32 i)
{
	return frames->slot ? frames->slot[i] : frames->first + i;
}

/**
 * struct vms_mapped - what mapping amounted to
 * @replaced: leaves that were there
 * @huge: leaves of level 2 made
 * @nodes: nodes allocated
 * @last: the last leaf replaced, if any
 */
struct vms_mapped {
	u64 replaced;
	u64 huge;
	u64 nodes;
	struct vms_item last;
};

/* What changing the properties of a range amounted to */
struct vms_protected {
	u64 changed;		/* leaves */
	u64 split;		/* leaves of level 2 split */
};

/* How properties are changed: bits of @mask are replaced by those of @prop */
struct vms_prop_change {
	struct vmstore_prop prop;
	struct vmstore_prop mask;
	bool set_cache;
};

int vms_cursor_check_range(u64 start, u64 end);
int vms_cursor_open(struct vms_region *r, struct vms_cursor *c, u32 *allocated);
void vms_cursor_close(struct vms_region *r, struct vms_cursor *c);
bool vms_cursor_ok(const struct vms_cursor *c, struct vms_region *r);

int vms_cursor_query(struct vms_region *r, struct vms_cursor *c, struct vms_item *item);
int vms_cursor_find_next(struct vms_region *r, struct vms_cursor *c, u64 len, bool *found);
int vms_cursor_jump(struct vms_cursor *c, u64 va);

int vms_cursor_map(struct vms_tlb *tlb, struct vms_cursor *c,
		   const struct vms_frames *frames, struct vmstore_prop prop, bool defer,
		   struct vms_mapped *out);
int vms_cursor_unmap(struct vms_tlb *tlb, struct vms_cursor *c, u64 len, bool defer,
		     struct vms_removed *sum);
int vms_cursor_protect_next(struct vms_region *r, struct vms_cursor *c, u64 len,
			    const struct vms_prop_change *change, struct vms_item *old,
			    struct vmstore_prop *now);
int vms_cursor_flush(struct vms_tlb *tlb, struct vms_cursor *c, u64 va, u64 len);
void vms_cursor_issue(struct vms_tlb *tlb, struct vms_cursor *c, u64 va, u64 len);
void vms_cursor_issue_with(struct vms_tlb *tlb, struct vms_cursor *c, u64 va, u64 len,
			   u32 slot);
u64 vms_cursor_dispatch(struct vms_tlb *tlb, struct vms_cursor *c);
u32 vms_cursor_pending(struct vms_cursor *c);
int vms_cursor_map_untracked(struct vms_tlb *tlb, struct vms_cursor *c, u32 first, u32 nr,
			     struct vmstore_prop prop, struct vms_mapped *out);
int vms_cursor_protect(struct vms_tlb *tlb, struct vms_cursor *c, u64 len,
		       const struct vms_prop_change *change, struct vms_protected *out);
u32 vms_cursor_sync(struct vms_tlb *tlb, struct vms_cursor *c);
bool vms_prop_change_encodable(const struct vms_prop_change *change);

/* vms_cursor_take_gather - for one operation on a claimed mutable cursor */
static inline struct vms_gather *vms_cursor_take_gather(struct vms_cursor *c)
{
	return xchg(&c->gather, NULL);
}

static inline void vms_cursor_give_gather(struct vms_cursor *c, struct vms_gather *g)
{
	/* Pairs with the exchange by REAP: the gather is complete */
	smp_store_release(&c->gather, g);
}

/* vms_cursor_claim - one operation at a time works on a cursor; the loser is -EBUSY */
static inline bool vms_cursor_claim(struct vms_cursor *c)
{
	return !test_and_set_bit_lock(0, &c->claimed);
}

static inline void vms_cursor_unclaim(struct vms_cursor *c)
{
	clear_bit_unlock(0, &c->claimed);
}

#endif /* VMS_CURSOR_H */
