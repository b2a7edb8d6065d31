/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel virtual areas: KVirtArea [model 2.12, 5.7].
 *
 * An area is a range of kernel addresses of a store, the same under every root of it. Its
 * leaves are tracked (data frames, level 1, AVAIL1 set: the reference is the leaf's) or
 * untracked (the reserved tail of the region, up to level 2, no count) [D17].
 *
 * Which addresses are whose is in a maple tree, by page. The range that it keeps for an area
 * is one page longer than the area, so nothing is ever mapped between two of them.
 *
 * Every operation opens a cursor of its own over what it works on and closes it again. Two
 * areas may share a table, so it may have to wait for another operation to be done with it:
 * that one holds no lock that this one has, and is not waiting itself (cursor.h), so
 * the wait ends. What changes or removes a leaf has all CPUs flush, and waits for that: then
 * frames and addresses may be used again.
 */
#ifndef VMS_KVIRT_H
#define VMS_KVIRT_H

#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/wait.h>

#include "cursor.h"

/* Owners of nodes that are no CursorId */
#define VMS_KVIRT_CURSOR	BIT_ULL(62)

/**
 * struct vms_kvirt - a kernel virtual area [F-KVirtArea.range]
 * @id: its KVirtId
 * @start: first address
 * @end: one past the last; the same as @start when it is empty
 * @first: first page that is kept for it, counted from VMSTORE_KVIRT_BASE
 * @last: the last one, a guard
 * @pins: readers and writers in it; while there are any, nothing mapped in it changes
 * @claimed: bit 0: an operation is working on it
 * @dead: in the list of those whose addresses could not be given back yet
 * @rcu: lookups are lock-free
 */
struct vms_kvirt {
	u64 id;
	u64 start;
	u64 end;
	unsigned long first;
	unsigned long last;
	atomic_t pins;
	unsigned long claimed;
	struct list_head dead;
	struct rcu_head rcu;
};

/**
 * struct vms_kvirts - the addresses of all areas of a store, and where they are mapped
 * @tlb: flush queues of the store
 * @half: its kernel half
 * @pt: its kernel page table [F2-kernel_pt]
 * @lock: guards @dead, and is held by who changes @tree
 * @tree: page number -> struct vms_kvirt
 * @dead: areas that are gone and still have addresses, for want of memory
 * @last_cursor: counts cursors
 * @released: counts cursors closed; who waits for a range looks again when it moves
 * @wait: they wait here
 */
struct vms_kvirts {
	struct vms_tlb *tlb;
	const struct vms_kernel_half *half;
	struct vms_pt *pt;
	struct mutex lock;		/* dead, changes of tree */
	struct maple_tree tree;
	struct list_head dead;
	atomic64_t last_cursor;
	atomic_t released;
	wait_queue_head_t wait;
};

void vms_kvirts_init(struct vms_kvirts *k, struct vms_tlb *tlb,
		     const struct vms_kernel_half *half, struct vms_pt *pt);
void vms_kvirts_exit(struct vms_kvirts *k);

#define VMS_KVIRT_ANY_PHASE	U64_MAX

struct vms_kvirt *vms_kvirt_alloc(struct vms_kvirts *k, u64 size, u64 phase);
void vms_kvirt_free(struct vms_kvirts *k, struct vms_kvirt *area);
struct vms_kvirt *vms_kvirt_at(struct vms_kvirts *k, u64 va);
bool vms_kvirt_ok(const struct vms_kvirt *area);
u64 vms_kvirt_phase(u64 paddr, u32 nr, u64 offset);

int vms_kvirt_map_frames(struct vms_kvirts *k, const struct vms_kvirt *area, u64 offset,
			 const struct vms_frames *frames, struct vmstore_prop prop,
			 struct vms_mapped *out);
int vms_kvirt_map_untracked(struct vms_kvirts *k, const struct vms_kvirt *area, u64 offset,
			    u32 first, u32 nr, struct vmstore_prop prop,
			    struct vms_mapped *out, struct vms_gather **left);
int vms_kvirt_query(struct vms_kvirts *k, const struct vms_kvirt *area, u64 addr,
		    struct vms_item *item);
int vms_kvirt_unmap(struct vms_kvirts *k, const struct vms_kvirt *area, u64 offset, u64 len,
		    struct vms_removed *sum, struct vms_gather **left);
int vms_kvirt_protect(struct vms_kvirts *k, const struct vms_kvirt *area, u64 offset, u64 len,
		      const struct vms_prop_change *change, struct vms_protected *out);
int vms_kvirt_pin(struct vms_kvirts *k, struct vms_kvirt *area, u64 va, u64 len, bool write);
void vms_kvirt_unpin(struct vms_kvirts *k, struct vms_kvirt *area);

static inline bool vms_va_in_kvirt(u64 va)
{
	return va >= VMSTORE_KVIRT_BASE && va < VMSTORE_KVIRT_END;
}

/* vms_kvirt_has - does it have all of [@va, @va + @len)? */
static inline bool vms_kvirt_has(const struct vms_kvirt *area, u64 va, u64 len)
{
	return va >= area->start && va <= area->end && len <= area->end - va;
}

/* vms_kvirt_claim - one operation at a time works on it; the loser is -EBUSY */
static inline bool vms_kvirt_claim(struct vms_kvirt *area)
{
	return !test_and_set_bit_lock(0, &area->claimed);
}

static inline void vms_kvirt_unclaim(struct vms_kvirt *area)
{
	clear_bit_unlock(0, &area->claimed);
}

#endif /* VMS_KVIRT_H */
