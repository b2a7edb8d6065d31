// SPDX-License-Identifier: GPL-2.0-only
/*
 * The region: blocks of memory, slots, and the state machine of a slot's reference
 * count.
 *
 *	from_unused:   UNUSED -cmpxchg-> 0 -store-> 1 or UNIQUE
 *	from_in_use:   n -cmpxchg-> n + 1
 *	put:           n -> n - 1, and at the last reference 1 -> 0 -> UNUSED
 *	put_unique:    UNIQUE -> 0 -> UNUSED
 *	share_unique:  UNIQUE -store-> 1
 *	try_unique:    1 -cmpxchg-> UNIQUE
 *
 * rc 0 is an operation in flight. The cmpxchg out of UNUSED acquires what the
 * teardown released; the store of 1 releases the metadata to from_in_use.
 */

#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "region.h"

#ifdef CONFIG_VMSTORE_KUNIT_TEST
enum vms_wrong vms_wrong;
enum vms_omit vms_omit;
void (*vms_meanwhile)(enum vms_moment at);
#endif

#define VMS_BLOCK_ORDER		(VMS_BLOCK_SHIFT - PAGE_SHIFT)

static int vms_block_cmp(const void *a, const void *b)
{
	const struct vms_block *x = a, *y = b;

	return x->pa < y->pa ? -1 : x->pa > y->pa;
}

static void vms_region_free_blocks(struct vms_region *r)
{
	u32 i;

	for (i = 0; i < r->nr_blocks; i++)
		if (r->blocks[i].kva)
			free_pages((unsigned long)r->blocks[i].kva, VMS_BLOCK_ORDER);
	kvfree(r->blocks);
}

static int vms_region_alloc_blocks(struct vms_region *r)
{
	const gfp_t gfp = VMS_GFP_LARGE | __GFP_ZERO | __GFP_NORETRY;
	u32 i;

	r->blocks = kvcalloc(r->nr_blocks, sizeof(*r->blocks), VMS_GFP_LARGE);
	if (!r->blocks)
		return -ENOMEM;
	for (i = 0; i < r->nr_blocks; i++) {
		void *kva = (void *)__get_free_pages(gfp, VMS_BLOCK_ORDER);

		if (!kva) {
			vms_region_free_blocks(r);
			return -ENOMEM;
		}
		r->blocks[i].kva = kva;
		r->blocks[i].pa = __pa(kva);
	}
	sort(r->blocks, r->nr_blocks, sizeof(*r->blocks), vms_block_cmp, NULL);
	return 0;
}

static void vms_region_init_slots(struct vms_region *r)
{
	u32 i;

	for (i = 0; i < r->nr_slots; i++) {
		struct vms_slot *slot = &r->slots[i];

		atomic64_set(&slot->rc, VMS_RC_UNUSED);
		slot->self = i;
		slot->link = (struct vms_link) { VMS_NO_SLOT, VMS_NO_SLOT };
		spin_lock_init(&slot->node.lock);
		if (i >= r->first_mmio)
			slot->usage = VMSTORE_USAGE_MMIO;
	}
	bitmap_set(r->free_map, 0, r->first_mmio);
	atomic_set(&r->nr_free, r->first_mmio);
}

/**
 * vms_region_init - allocate a region
 * @r: zeroed
 * @size: bytes, a positive multiple of VMS_BLOCK_SIZE
 * @mmio_size: bytes at the end that stand for device memory [D17], page aligned and
 *	below @size
 *
 * Memory is zeroed and charged to the caller. May sleep.
 *
 * Return: 0, -EINVAL or -ENOMEM; then nothing is held.
 */
int vms_region_init(struct vms_region *r, u64 size, u64 mmio_size)
{
	int err;

	BUILD_BUG_ON(sizeof(spinlock_t) == 4 && sizeof(struct vms_slot) != 64);

	if (!size || size % VMS_BLOCK_SIZE || size >> VMS_PAGE_SHIFT > S32_MAX ||
	    !vms_page_aligned(mmio_size) || mmio_size >= size)
		return -EINVAL;

	r->size = size;
	r->nr_slots = size >> VMS_PAGE_SHIFT;
	r->first_mmio = (size - mmio_size) >> VMS_PAGE_SHIFT;
	r->nr_blocks = size >> VMS_BLOCK_SHIFT;

	r->slots = __vmalloc(array_size(r->nr_slots, sizeof(*r->slots)),
			     VMS_GFP_LARGE | __GFP_ZERO);
	if (!r->slots)
		return -ENOMEM;
	r->free_map = kvcalloc(BITS_TO_LONGS(r->nr_slots), sizeof(long), VMS_GFP_LARGE);
	if (!r->free_map) {
		err = -ENOMEM;
		goto free_slots;
	}
	err = vms_region_alloc_blocks(r);
	if (err)
		goto free_map;
	vms_region_init_slots(r);
	return 0;

free_map:
	kvfree(r->free_map);
free_slots:
	vfree(r->slots);
	memset(r, 0, sizeof(*r));
	return err;
}

/**
 * vms_region_exit - free the region, whatever its slots say
 * @r: region that nothing uses any more, or one that was never initialised
 *
 * May sleep.
 */
void vms_region_exit(struct vms_region *r)
{
	if (!r->slots)
		return;
	vms_region_free_blocks(r);
	kvfree(r->free_map);
	vfree(r->slots);
	memset(r, 0, sizeof(*r));
}

static void vms_region_count_node(struct vms_region *r)
{
	int now = atomic_inc_return(&r->nr_nodes);
	int max = atomic_read(&r->max_nodes);

	while (now > max && !atomic_try_cmpxchg(&r->max_nodes, &max, now))
		;
}

/* Take an unused slot in hand: nobody else gets it, and nothing but rc has changed */
static int vms_slot_claim(struct vms_region *r, u32 idx)
{
	s64 rc = VMS_RC_UNUSED;

	if (idx >= r->first_mmio)
		return -EBUSY;
	if (!atomic64_try_cmpxchg_acquire(&r->slots[idx].rc, &rc, 0))
		return rc ? -EBUSY : -EAGAIN;
	return 0;
}

/* Make a claimed slot what it is claimed for */
static void vms_slot_construct(struct vms_region *r, u32 idx, enum vmstore_usage usage, u64 rc)
{
	struct vms_slot *slot = &r->slots[idx];

	vms_touch_slot(r->touch, idx);
	clear_bit(idx, r->free_map);
	atomic_dec(&r->nr_free);
	/* What is left of a node holds machine addresses: not for a data frame */
	if (slot->usage == VMSTORE_USAGE_PAGETABLE && usage == VMSTORE_USAGE_FRAME)
		memset(vms_slot_kva(r, idx), 0, VMS_PAGE_SIZE);
	slot->birth += !VMS_WRONG(BIRTH_KEPT);
	slot->last_usage = slot->usage;
	WRITE_ONCE(slot->usage, usage);
	if (usage == VMSTORE_USAGE_FRAME && VMS_WRONG(USAGE_WRONG))
		slot->usage = VMSTORE_USAGE_KERNEL;
	slot->type = usage == VMSTORE_USAGE_PAGETABLE ? VMS_TYPE_NODE : VMS_TYPE_FRAME;
	if (VMS_WRONG(TYPE_NOT_SET))
		slot->type = VMS_TYPE_NONE;
	slot->storage = !VMS_WRONG(STORAGE_NOT_SET);
	if (usage == VMSTORE_USAGE_PAGETABLE)
		vms_region_count_node(r);
	atomic64_set_release(&slot->rc, rc + VMS_WRONG(RC_BORN_TWICE));
}

/**
 * vms_slot_from_unused - claim a given unused slot with one reference
 * @r: region
 * @idx: slot, in range
 * @usage: VMSTORE_USAGE_FRAME or VMSTORE_USAGE_PAGETABLE
 *
 * Any context. The content of a data frame is what the last user left, if that was
 * a data frame too; else it is zero.
 *
 * Return: 0; -EBUSY when it is in use, unique or not allocatable; -EAGAIN when an
 * operation on it is in flight.
 */
int vms_slot_from_unused(struct vms_region *r, u32 idx, enum vmstore_usage usage)
{
	int err = vms_slot_claim(r, idx);

	if (!err)
		vms_slot_construct(r, idx, usage, 1);
	return err;
}

/**
 * vms_slot_unique_from_unused - claim a given unused slot exclusively, for data
 * @r: region
 * @idx: slot, in range
 *
 * As vms_slot_from_unused(), but rc is UNIQUE.
 *
 * Return: as vms_slot_from_unused().
 */
int vms_slot_unique_from_unused(struct vms_region *r, u32 idx)
{
	int err = vms_slot_claim(r, idx);

	if (!err)
		vms_slot_construct(r, idx, VMSTORE_USAGE_FRAME,
				   VMS_WRONG(UNIQUE_SHARED) ? 1 : VMS_RC_UNIQUE);
	return err;
}

/**
 * vms_slots_from_unused - claim a run of unused slots for data, with one reference each
 * @r: region
 * @first: slot, in range
 * @nr: slots, the last one in range
 *
 * All are claimed before the first becomes a data frame: who looks at one before it is
 * sure to stay finds an operation in flight, and a failure leaves no trace. Process
 * context.
 *
 * Return: as vms_slot_from_unused(), of the first slot that is not to be had.
 */
int vms_slots_from_unused(struct vms_region *r, u32 first, u32 nr)
{
	u32 i;
	int err;

	for (i = 0; i < nr; i++) {
		err = vms_slot_claim(r, first + i);
		if (err)
			goto unclaim;
	}
	for (i = 0; i < nr; i++) {
		vms_slot_construct(r, first + i, VMSTORE_USAGE_FRAME, 1);
		if (!(i % 1024))
			cond_resched();
	}
	return 0;

unclaim:
	while (i)
		atomic64_set_release(&r->slots[first + --i].rc, VMS_RC_UNUSED);
	return err;
}

/* The next slot after @from that may be free; even ones only when @even */
static u32 vms_slot_next_free(struct vms_region *r, u32 from, bool even)
{
	u32 idx = from;

	for (;;) {
		/* A hint: who claims the slot decides */
		idx = data_race(find_next_bit(r->free_map, r->first_mmio, idx));
		if (idx >= r->first_mmio)
			return VMS_NO_SLOT;
		if (!even || !(idx & 1))
			return idx;
		idx++;
	}
}

/**
 * vms_slot_alloc - claim any unused slot with one reference
 * @r: region
 * @usage: VMSTORE_USAGE_FRAME or VMSTORE_USAGE_PAGETABLE
 * @even: only a slot whose physical bit 12 is clear, as a root must be
 * @idx: out: the slot
 *
 * Any context. The search goes round from where the last one ended, so that a freed
 * frame is not at once handed out again.
 *
 * Return: 0 or -ENOMEM.
 */
int vms_slot_alloc(struct vms_region *r, enum vmstore_usage usage, bool even, u32 *idx)
{
	u32 start = atomic_read(&r->hint);
	u32 from = start;
	bool wrapped = false;

	while (atomic_read(&r->nr_free) > 0) {
		u32 i = vms_slot_next_free(r, from, even);

		if (i == VMS_NO_SLOT || (wrapped && i >= start)) {
			if (wrapped || !start)
				break;
			wrapped = true;
			from = 0;
			continue;
		}
		if (!vms_slot_from_unused(r, i, usage)) {
			atomic_set(&r->hint, i + 1 < r->first_mmio ? i + 1 : 0);
			*idx = i;
			return 0;
		}
		from = i + 1;
	}
	return -ENOMEM;
}

/**
 * vms_slot_can_share - would vms_slot_from_in_use() succeed now?
 * @r: region
 * @idx: slot, in range
 *
 * Any context.
 *
 * Return: 0, -ENOENT unused or not a data frame, -EBUSY unique, -EAGAIN in flight,
 * -EOVERFLOW saturated.
 */
int vms_slot_can_share(struct vms_region *r, u32 idx)
{
	u64 rc = vms_slot_rc(r, idx);

	if (rc == VMS_RC_UNUSED)
		return -ENOENT;
	if (rc == VMS_RC_UNIQUE)
		return -EBUSY;
	if (!rc)
		return -EAGAIN;
	if (READ_ONCE(r->slots[idx].usage) != VMSTORE_USAGE_FRAME)
		return -ENOENT;
	if (rc >= VMS_RC_MAX)
		return -EOVERFLOW;
	return 0;
}

/**
 * vms_slot_from_in_use - take one more reference of a shared data frame
 * @r: region
 * @idx: slot, in range
 *
 * Any context.
 *
 * Return: as vms_slot_can_share().
 */
int vms_slot_from_in_use(struct vms_region *r, u32 idx)
{
	struct vms_slot *slot = &r->slots[idx];
	int n = VMS_WRONG(RC_NOT_TAKEN) ? 0 : VMS_WRONG(RC_TAKEN_TWICE) ? 2 : 1;
	int err;

	for (;;) {
		s64 rc = vms_slot_rc(r, idx);

		err = vms_slot_can_share(r, idx);
		if (err)
			return err;
		if (!vms_rc_is_shared(rc) || rc == VMS_RC_MAX)
			continue;
		vms_touch_slot(r->touch, idx);
		if (atomic64_try_cmpxchg_acquire(&slot->rc, &rc, rc + n))
			break;
	}
	/*
	 * The slot may have been freed and made a node between the look at its
	 * usage and the exchange. The reference taken is harmless: drop it.
	 */
	if (READ_ONCE(slot->usage) != VMSTORE_USAGE_FRAME) {
		vms_slot_put(r, idx);
		return -ENOENT;
	}
	return 0;
}

/* The end of a teardown: the metadata goes, then the slot is unused */
static void vms_slot_free(struct vms_region *r, u32 idx)
{
	struct vms_slot *slot = &r->slots[idx];

	slot->storage = VMS_WRONG(STORAGE_KEPT);
	if (!VMS_WRONG(TYPE_KEPT))
		slot->type = VMS_TYPE_NONE;
	if (VMS_WRONG(LIST_LEFT))
		slot->in_list = 1;
	atomic64_set_release(&slot->rc, VMS_RC_UNUSED);
	atomic_inc(&r->nr_free);
	set_bit(idx, r->free_map);
}

/**
 * vms_slot_put - drop one reference of a shared slot
 * @r: region
 * @idx: slot the caller holds a reference of
 *
 * At the last one the metadata is torn down and the slot is unused again; usage,
 * paths and in_list stay as they are [1.5, D10]. Any context.
 *
 * Return: true when the slot is unused now.
 */
bool vms_slot_put(struct vms_region *r, u32 idx)
{
	struct vms_slot *slot = &r->slots[idx];

	vms_touch_slot(r->touch, idx);
	if (VMS_WRONG(RC_NOT_DROPPED))
		return false;
	if (VMS_WRONG(RC_DROPPED_TWICE) && atomic64_read(&slot->rc) > 2)
		atomic64_dec(&slot->rc);
	if (atomic64_dec_return_release(&slot->rc))
		return false;

	smp_acquire__after_ctrl_dep();
	if (slot->usage == VMSTORE_USAGE_PAGETABLE)
		atomic_dec(&r->nr_nodes);
	vms_slot_free(r, idx);
	return true;
}

/**
 * vms_slot_cancel - give back a slot that was claimed and never used
 * @r: region
 * @idx: slot with the one reference of the caller, which nobody else has seen
 *
 * Usage is as it was before, so that an operation that fails has changed nothing. Any
 * context.
 */
void vms_slot_cancel(struct vms_region *r, u32 idx)
{
	struct vms_slot *slot = &r->slots[idx];
	u8 usage = slot->last_usage;
	s64 rc = 1;

	vms_touch_slot(r->touch, idx);
	/* One more is vms_slot_from_in_use() about to find that this is no data frame */
	while (!atomic64_try_cmpxchg_acquire(&slot->rc, &rc, 0)) {
		rc = 1;
		cpu_relax();
	}
	if (slot->usage == VMSTORE_USAGE_PAGETABLE)
		atomic_dec(&r->nr_nodes);
	/* A node's entries must not be read as data, whatever the slot says it was */
	if (slot->usage == VMSTORE_USAGE_PAGETABLE && usage != VMSTORE_USAGE_PAGETABLE)
		memset(vms_slot_kva(r, idx), 0, VMS_PAGE_SIZE);
	atomic64_set(&slot->paths, 0);
	WRITE_ONCE(slot->usage, usage);
	vms_slot_free(r, idx);
}

/**
 * vms_slot_put_unique - drop the only handle of a unique slot
 * @r: region
 * @idx: slot whose exclusive handle the caller has
 *
 * Torn down as by vms_slot_put(). Any context.
 */
void vms_slot_put_unique(struct vms_region *r, u32 idx)
{
	vms_touch_slot(r->touch, idx);
	atomic64_set(&r->slots[idx].rc, 0);
	vms_slot_free(r, idx);
}

/**
 * vms_slot_share_unique - make a unique slot a shared one with one reference
 * @r: region
 * @idx: slot whose exclusive handle the caller has
 *
 * Any context.
 */
void vms_slot_share_unique(struct vms_region *r, u32 idx)
{
	vms_touch_slot(r->touch, idx);
	/* What the exclusive owner wrote, as the first store of 1 does */
	atomic64_set_release(&r->slots[idx].rc, 1);
}

/**
 * vms_slot_try_unique - make a shared slot a unique one
 * @r: region
 * @idx: slot the caller holds a reference of
 *
 * Any context.
 *
 * Return: 0, or -EBUSY: the reference is not the only one.
 */
int vms_slot_try_unique(struct vms_region *r, u32 idx)
{
	s64 rc = 1;

	if (!atomic64_try_cmpxchg_acquire(&r->slots[idx].rc, &rc, VMS_RC_UNIQUE))
		return -EBUSY;
	vms_touch_slot(r->touch, idx);
	return 0;
}

/**
 * vms_region_slot_of_pa - the slot whose frame is at a machine address
 * @r: region
 * @pa: machine address, as read from an entry; may be anything
 * @idx: out: the slot
 *
 * Any context.
 *
 * Return: 0, or -ERANGE when @pa is no page of the region.
 */
int vms_region_slot_of_pa(const struct vms_region *r, u64 pa, u32 *idx)
{
	u32 lo = 0, hi = r->nr_blocks;
	u64 guess;

	if (!vms_page_aligned(pa) || pa < r->blocks[0].pa)
		return -ERANGE;

	/* Mostly the blocks follow each other */
	guess = (pa - r->blocks[0].pa) >> VMS_BLOCK_SHIFT;
	if (guess < hi && pa - r->blocks[guess].pa < VMS_BLOCK_SIZE) {
		lo = guess;
	} else {
		while (hi - lo > 1) {
			u32 mid = lo + (hi - lo) / 2;

			if (r->blocks[mid].pa <= pa)
				lo = mid;
			else
				hi = mid;
		}
		if (pa - r->blocks[lo].pa >= VMS_BLOCK_SIZE)
			return -ERANGE;
	}
	*idx = lo * VMS_SLOTS_PER_BLOCK + ((pa - r->blocks[lo].pa) >> VMS_PAGE_SHIFT);
	return 0;
}
