/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The region: private physical memory in 4 MiB blocks, one slot of metadata for
 * each 4 KiB frame of it, and the states of a slot's reference count [model 1.4].
 *
 * A paddr is a byte offset into the region. Blocks are sorted by machine address,
 * so an ascending paddr is an ascending machine address, but two blocks need not
 * be adjacent: nothing may span a block boundary.
 */
#ifndef VMS_REGION_H
#define VMS_REGION_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "omit.h"
#include "pte.h"
#include "touch.h"
#include "wrong.h"

#define VMS_BLOCK_SHIFT		22
#define VMS_BLOCK_SIZE		BIT_ULL(VMS_BLOCK_SHIFT)
#define VMS_SLOTS_PER_BLOCK	(1U << (VMS_BLOCK_SHIFT - VMS_PAGE_SHIFT))
#define VMS_NO_SLOT		U32_MAX

/* For what grows with the region: that it fails is an answer, not worth a warning */
#define VMS_GFP_LARGE		(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

#define VMS_RC_UNUSED		VMSTORE_RC_UNUSED
#define VMS_RC_UNIQUE		VMSTORE_RC_UNIQUE
#define VMS_RC_MAX		VMSTORE_RC_MAX

/* Dynamic type tag of a slot's metadata (vtable_ptr of the reference) */
enum vms_slot_type {
	VMS_TYPE_NONE = 0,
	VMS_TYPE_FRAME = 1,
	VMS_TYPE_NODE = 2,
	VMS_TYPE_LINK = 3,
};

/**
 * struct vms_node_meta - metadata of a page-table node [F-PageTablePageMeta]
 * @lock: guards @owner, @stray, and, while @owner is 0, the entries and
 *	@nr_children. Held for a few instructions only, never two at a time
 * @nr_children: entries that are not none
 * @level: 1 to 4
 * @stray: cut off from its parent; what is written here would be lost
 * @owner: id of the cursor that owns the node, or 0. The owner alone writes the
 *	entries and @nr_children [Lk1]
 */
struct vms_node_meta {
	spinlock_t lock;	/* owner, stray; see above */
	u16 nr_children;
	u8 level;
	bool stray;
	u64 owner;
};

/**
 * struct vms_link - metadata of a frame in a list
 * @prev: slot of the frame before it, VMS_NO_SLOT for the first
 * @next: slot of the one behind it, VMS_NO_SLOT for the last
 *
 * Both are VMS_NO_SLOT in a slot that is no link.
 */
struct vms_link {
	u32 prev;
	u32 next;
};

/**
 * struct vms_slot - metadata of one frame [F-MetaRegionOwners.slot_owners]
 * @rc: reference count with the sentinels VMS_RC_*
 * @paths: P: leaves that map the frame; for a node that is linked, 1
 * @in_list: 0, or the id of the frame list that holds the frame
 * @self: index of this slot [R5, R15]
 * @usage: enum vmstore_usage, sticky
 * @last_usage: what it was before the last allocation
 * @birth: how often it was claimed: who remembers it knows the same owner again [T5]
 * @type: enum vms_slot_type, NONE = not initialised
 * @storage: metadata storage is initialised
 * @node: storage of a page-table node
 * @link: storage of a link
 *
 * @type says which of the storages is in use. They share no bytes: the lock of a node
 * stays a lock whatever the slot becomes, and there is room.
 */
struct vms_slot {
	atomic64_t rc;
	atomic64_t paths;
	u64 in_list;
	u32 self;
	u8 usage;
	u8 type;
	bool storage;
	u8 last_usage;
	struct vms_node_meta node;
	struct vms_link link;
	u32 birth;
} __aligned(64);

struct vms_block {
	void *kva;
	u64 pa;
};

/**
 * struct vms_region - private physical memory and its slots
 * @size: bytes; MAX_PADDR of the model
 * @nr_slots: frames in the region
 * @first_mmio: slots from this one on have usage MMIO [D17]
 * @nr_blocks: blocks
 * @blocks: sorted by machine address
 * @slots: one per frame
 * @free_map: bit set = slot is allocatable and probably unused; only a hint, the
 *	reference count decides
 * @hint: where the next search begins
 * @nr_free: unused allocatable slots
 * @nr_nodes: live page-table nodes
 * @max_nodes: most of them at one time
 * @touch: where changes are marked, NULL in check mode off
 */
struct vms_region {
	u64 size;
	u32 nr_slots;
	u32 first_mmio;
	u32 nr_blocks;
	struct vms_block *blocks;
	struct vms_slot *slots;
	unsigned long *free_map;
	atomic_t hint;
	atomic_t nr_free;
	atomic_t nr_nodes;
	atomic_t max_nodes;
	struct vms_touch *touch;
};

int vms_region_init(struct vms_region *r, u64 size, u64 mmio_size);
void vms_region_exit(struct vms_region *r);

int vms_slot_from_unused(struct vms_region *r, u32 idx, enum vmstore_usage usage);
int vms_slot_unique_from_unused(struct vms_region *r, u32 idx);
int vms_slots_from_unused(struct vms_region *r, u32 first, u32 nr);
int vms_slot_alloc(struct vms_region *r, enum vmstore_usage usage, bool even, u32 *idx);
int vms_slot_from_in_use(struct vms_region *r, u32 idx);
int vms_slot_can_share(struct vms_region *r, u32 idx);
bool vms_slot_put(struct vms_region *r, u32 idx);
void vms_slot_cancel(struct vms_region *r, u32 idx);
void vms_slot_put_unique(struct vms_region *r, u32 idx);
void vms_slot_share_unique(struct vms_region *r, u32 idx);
int vms_slot_try_unique(struct vms_region *r, u32 idx);

int vms_region_slot_of_pa(const struct vms_region *r, u64 pa, u32 *idx);

/* [N-has_safe_slot] */
static inline bool vms_region_has_safe_slot(const struct vms_region *r, u64 paddr)
{
	return vms_page_aligned(paddr) && paddr < r->size;
}

/* [N-index_to_frame] */
static inline u64 vms_slot_paddr(u32 idx)
{
	return (u64)idx << VMS_PAGE_SHIFT;
}

/* [N-frame_to_index] */
static inline u32 vms_paddr_slot(u64 paddr)
{
	return paddr >> VMS_PAGE_SHIFT;
}

/* vms_slot_kva - the kernel's own address of the frame of slot @idx */
static inline void *vms_slot_kva(const struct vms_region *r, u32 idx)
{
	return r->blocks[idx / VMS_SLOTS_PER_BLOCK].kva +
	       vms_slot_paddr(idx % VMS_SLOTS_PER_BLOCK);
}

/* vms_slot_pa - the machine address of the frame of slot @idx */
static inline u64 vms_slot_pa(const struct vms_region *r, u32 idx)
{
	return r->blocks[idx / VMS_SLOTS_PER_BLOCK].pa +
	       vms_slot_paddr(idx % VMS_SLOTS_PER_BLOCK);
}

static inline u64 vms_slot_rc(const struct vms_region *r, u32 idx)
{
	return atomic64_read(&r->slots[idx].rc);
}

/* vms_slot_paths_set, vms_slot_paths_add - change P as recorded */
static inline void vms_slot_paths_set(struct vms_region *r, u32 idx, u64 paths)
{
	vms_touch_slot(r->touch, idx);
	atomic64_set(&r->slots[idx].paths, paths);
}

static inline void vms_slot_paths_add(struct vms_region *r, u32 idx, s64 n)
{
	vms_touch_slot(r->touch, idx);
	atomic64_add(n, &r->slots[idx].paths);
}

static inline bool vms_rc_is_shared(u64 rc)
{
	return rc > 0 && rc <= VMS_RC_MAX;
}

#endif /* VMS_REGION_H */
