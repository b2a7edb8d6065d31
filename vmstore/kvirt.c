// SPDX-License-Identifier: GPL-2.0-only
/* Kernel virtual areas: their addresses, and effects of the operations on them. */

#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "kvirt.h"

#define VMS_KVIRT_PAGES	((VMSTORE_KVIRT_END - VMSTORE_KVIRT_BASE) >> VMS_PAGE_SHIFT)

static u64 vms_huge_size(void)
{
	return vms_page_size(VMS_MAX_LEAF_LEVEL);
}

/* --- addresses -------------------------------------------------------------------- */

/**
 * vms_kvirts_init - no area
 * @k: zeroed
 * @tlb: flush queues of the store
 * @half: its kernel half
 * @pt: its kernel page table
 */
void vms_kvirts_init(struct vms_kvirts *k, struct vms_tlb *tlb,
		     const struct vms_kernel_half *half, struct vms_pt *pt)
{
	k->tlb = tlb;
	k->half = half;
	k->pt = pt;
	mutex_init(&k->lock);
	mt_init_flags(&k->tree, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU);
	INIT_LIST_HEAD(&k->dead);
	init_waitqueue_head(&k->wait);
}

/**
 * vms_kvirts_exit - free all areas
 * @k: areas that nobody uses, in the store's registry or not
 *
 * May sleep.
 */
void vms_kvirts_exit(struct vms_kvirts *k)
{
	struct vms_kvirt *area;
	unsigned long page = 0;

	/* Also those on @dead: they have addresses still */
	mt_for_each(&k->tree, area, page, ULONG_MAX)
		kfree(area);
	mtree_destroy(&k->tree);
	mutex_destroy(&k->lock);
}

/* Under the lock of @k. Memory may be lacking, for the tree grows by a hole too */
static bool vms_kvirts_give_back(struct vms_kvirts *k, struct vms_kvirt *area)
{
	MA_STATE(mas, &k->tree, area->first, area->last);
	int err;

	mas_lock(&mas);
	err = mas_store_gfp(&mas, NULL, GFP_KERNEL_ACCOUNT);
	mas_unlock(&mas);
	mas_destroy(&mas);
	if (err)
		return false;
	kfree_rcu(area, rcu);
	return true;
}

/* Under the lock of @k: try once more what failed before */
static void vms_kvirts_bury(struct vms_kvirts *k)
{
	struct vms_kvirt *area, *next;

	list_for_each_entry_safe(area, next, &k->dead, dead) {
		list_del_init(&area->dead);
		if (!vms_kvirts_give_back(k, area)) {
			list_add(&area->dead, &k->dead);
			return;
		}
	}
}

/* The first page from @page on whose offset in 2 MiB is that of @phase */
static unsigned long vms_kvirt_in_phase(unsigned long page, u64 phase)
{
	unsigned long pages = vms_huge_size() >> VMS_PAGE_SHIFT;

	return page + (((phase >> VMS_PAGE_SHIFT) - page) & (pages - 1));
}

/* Under the lock of @k. Nobody else stores, so what was found free stays so */
static int vms_kvirts_reserve(struct vms_kvirts *k, struct vms_kvirt *area,
			      unsigned long pages, u64 phase)
{
	MA_STATE(mas, &k->tree, 0, 0);
	bool any = phase == VMS_KVIRT_ANY_PHASE;
	unsigned long slack = any ? 0 : (vms_huge_size() >> VMS_PAGE_SHIFT) - 1;
	int err;

	mas_lock(&mas);
	/* And the guard */
	err = mas_empty_area(&mas, 0, VMS_KVIRT_PAGES - 1, pages + 1 + slack);
	if (err) {
		err = -ENOMEM;
		goto unlock;
	}
	area->first = any ? mas.index : vms_kvirt_in_phase(mas.index, phase);
	area->last = area->first + pages - VMS_WRONG(AREA_NO_GUARD);
	mas_set_range(&mas, area->first, area->last);
	err = mas_store_gfp(&mas, area, GFP_KERNEL_ACCOUNT);
unlock:
	mas_unlock(&mas);
	mas_destroy(&mas);
	return err;
}

/**
 * vms_kvirt_alloc - an area with addresses of its own and nothing mapped
 * @k: areas of the store
 * @size: bytes, page aligned; may be 0
 * @phase: what its start is to be, modulo 2 MiB, or VMS_KVIRT_ANY_PHASE
 *
 * May sleep.
 *
 * Return: the area, claimed and without an id; or NULL: no memory, or no such range.
 */
struct vms_kvirt *vms_kvirt_alloc(struct vms_kvirts *k, u64 size, u64 phase)
{
	unsigned long pages = size >> VMS_PAGE_SHIFT;
	struct vms_kvirt *area;
	int err = -ENOMEM;

	area = kzalloc(sizeof(*area), GFP_KERNEL_ACCOUNT);
	if (!area)
		return NULL;
	INIT_LIST_HEAD(&area->dead);
	mutex_lock(&k->lock);
	vms_kvirts_bury(k);
	if (pages < VMS_KVIRT_PAGES)
		err = vms_kvirts_reserve(k, area, pages, phase);
	mutex_unlock(&k->lock);
	if (err) {
		kfree(area);
		return NULL;
	}
	area->start = VMSTORE_KVIRT_BASE + ((u64)area->first << VMS_PAGE_SHIFT);
	area->end = area->start + size;
	if (VMS_WRONG(AREA_SHIFTED))
		area->start += VMS_PAGE_SIZE;
	if (VMS_WRONG(AREA_MISALIGNED))
		area->end -= 8;
	if (VMS_WRONG(AREA_TOO_HIGH))
		area->end = VMSTORE_KVIRT_END + VMS_PAGE_SIZE;
	vms_kvirt_claim(area);
	return area;
}

/**
 * vms_kvirt_free - give the addresses of an area back, and its memory
 * @k: areas of the store
 * @area: claimed for good, nothing mapped in it and all CPUs have flushed
 *
 * May sleep. Cannot fail: where memory is lacking the addresses come back later.
 */
void vms_kvirt_free(struct vms_kvirts *k, struct vms_kvirt *area)
{
	mutex_lock(&k->lock);
	if (!vms_kvirts_give_back(k, area))
		list_add(&area->dead, &k->dead);
	mutex_unlock(&k->lock);
}

/**
 * vms_kvirt_at - whose address is that?
 * @k: areas of the store
 * @va: in [VMSTORE_KVIRT_BASE, VMSTORE_KVIRT_END)
 *
 * Under RCU, or where nothing changes. It may be one that is being made, or is gone: then
 * it is claimed.
 *
 * Return: the area that @va, or the guard page @va, is kept for; or NULL.
 */
struct vms_kvirt *vms_kvirt_at(struct vms_kvirts *k, u64 va)
{
	return mtree_load(&k->tree, (va - VMSTORE_KVIRT_BASE) >> VMS_PAGE_SHIFT);
}

/**
 * vms_kvirt_ok - KVirtArea::inv [K4 to K8]
 * @area: area
 *
 * Return: true when it holds.
 */
bool vms_kvirt_ok(const struct vms_kvirt *area)
{
	return area->start >= VMSTORE_KVIRT_BASE && area->end <= VMSTORE_KVIRT_END &&
	       vms_page_aligned(area->start) && vms_page_aligned(area->end) &&
	       area->start <= area->end;
}

/**
 * vms_kvirt_phase - where an area should begin for large pages to fit
 * @paddr: first frame that will be mapped
 * @nr: frames
 * @offset: of the first in the area
 *
 * Return: the start of the area modulo 2 MiB; VMS_KVIRT_ANY_PHASE if no large page fits
 * anyhow.
 */
u64 vms_kvirt_phase(u64 paddr, u32 nr, u64 offset)
{
	u64 size = vms_huge_size();
	u64 end = paddr + ((u64)nr << VMS_PAGE_SHIFT);

	if (round_up(paddr, size) >= round_down(end, size))
		return VMS_KVIRT_ANY_PHASE;
	return (paddr - offset) & (size - 1);
}

/* --- cursors ----------------------------------------------------------------------- */

/*
 * A cursor over [@start, @end), not empty. The caller closes it within the operation.
 * -ENOMEM, or -EINTR killed while waiting.
 */
static int vms_kvirt_open(struct vms_kvirts *k, struct vms_cursor *c, u64 start, u64 end,
			  int min_level, bool mut)
{
	struct vms_region *r = k->tlb->mmu->region;
	u32 allocated;
	int seq, err;

	*c = (struct vms_cursor) {
		.id = VMS_KVIRT_CURSOR + atomic64_inc_return(&k->last_cursor),
		.kernel = k->half,
		.kernel_pt = k->pt,
		.min_level = min_level,
		.mut = mut,
		.start = start,
		.end = end,
	};
	if (mut) {
		c->gather = vms_gather_alloc(k->tlb);
		if (!c->gather)
			return -ENOMEM;
	}
	for (;;) {
		seq = atomic_read(&k->released);
		err = vms_cursor_open(r, c, &allocated);
		if (err != -EBUSY)
			break;
		err = wait_event_killable(k->wait, atomic_read(&k->released) != seq);
		if (err) {
			err = -EINTR;
			break;
		}
	}
	if (err)
		vms_gather_free(c->gather);
	return err;
}

/* Return: its gather, if that still holds something, for the caller to keep; else NULL */
static struct vms_gather *vms_kvirt_close(struct vms_kvirts *k, struct vms_cursor *c)
{
	vms_cursor_close(k->tlb->mmu->region, c);
	atomic_inc(&k->released);
	wake_up_all(&k->wait);
	if (!c->gather || c->gather->nr)
		return c->gather;
	vms_gather_free(c->gather);
	return NULL;
}

/* --- effects ------------------------------------------------------------------------ */

/**
 * vms_kvirt_map_frames - map data frames in a new area, all or none [O-KMapFrames]
 * @k: areas of the store
 * @area: claimed, nothing mapped in it
 * @offset: of the first
 * @frames: shared data frames that fit; the caller's references become the leaves'
 * @prop: property, encodable, without AVAIL1
 * @out: zeroed; what was done
 *
 * Nothing needs a flush, for nobody has seen these addresses since they were flushed.
 * Process context, may sleep.
 *
 * Return: 0; -ENOMEM; -EINTR killed.
 */
int vms_kvirt_map_frames(struct vms_kvirts *k, const struct vms_kvirt *area, u64 offset,
			 const struct vms_frames *frames, struct vmstore_prop prop,
			 struct vms_mapped *out)
{
	u64 start = area->start + offset;
	struct vms_cursor c;
	int err;

	if (!frames->nr)
		return 0;
	err = vms_kvirt_open(k, &c, start, start + ((u64)frames->nr << VMS_PAGE_SHIFT), 0, true);
	if (err)
		return err;
	if (!VMS_WRONG(AREA_UNMARKED))
		prop.flags |= VMSTORE_PROP_AVAIL1;
	err = vms_cursor_map(k->tlb, &c, frames, prop, false, out);
	WARN_ON_ONCE(vms_kvirt_close(k, &c) && !VMS_OMIT_ANY());
	return err;
}

/**
 * vms_kvirt_map_untracked - map device memory in a new area [O-KMapUntracked]
 * @k: areas of the store
 * @area: claimed, nothing mapped in it
 * @offset: of the first
 * @first: first slot, in the tail of the region [D17]
 * @nr: how many, all in the tail, and they fit
 * @prop: property, encodable, without AVAIL1
 * @out: zeroed; what was done
 * @left: out: a gather that the caller keeps until it is reaped, or NULL
 *
 * Process context, may sleep.
 *
 * Return: 0; -ENOMEM; -EINTR killed.
 */
int vms_kvirt_map_untracked(struct vms_kvirts *k, const struct vms_kvirt *area, u64 offset,
			    u32 first, u32 nr, struct vmstore_prop prop,
			    struct vms_mapped *out, struct vms_gather **left)
{
	u64 start = area->start + offset;
	struct vms_cursor c;
	int err;

	*left = NULL;
	if (!nr)
		return 0;
	err = vms_kvirt_open(k, &c, start, start + ((u64)nr << VMS_PAGE_SHIFT),
			     VMS_MAX_LEAF_LEVEL, true);
	if (err)
		return err;
	if (VMS_WRONG(AREA_MARKED))
		prop.flags |= VMSTORE_PROP_AVAIL1;
	first -= VMS_WRONG(AREA_RAM);
	err = vms_cursor_map_untracked(k->tlb, &c, first, nr, prop, out);
	/* Of empty tables that gave way to leaves, before anybody uses those */
	if (!VMS_OMIT(AREA_MAP_SYNC))
		vms_cursor_sync(k->tlb, &c);
	*left = vms_kvirt_close(k, &c);
	return err;
}

/**
 * vms_kvirt_query - what is at an address of an area [O-KQuery]
 * @k: areas of the store
 * @area: claimed
 * @addr: in it
 * @item: out; its property is that which callers see, without AVAIL1
 *
 * Takes no reference. Process context, may sleep.
 *
 * Return: 0; -EINTR killed.
 */
int vms_kvirt_query(struct vms_kvirts *k, const struct vms_kvirt *area, u64 addr,
		    struct vms_item *item)
{
	u64 page = vms_span_start(addr, 1);
	struct vms_cursor c;
	int err = vms_kvirt_open(k, &c, page, page + VMS_PAGE_SIZE, 0, false);

	if (err)
		return err;
	err = vms_cursor_query(k->tlb->mmu->region, &c, item);
	item->prop.flags &= ~VMSTORE_PROP_AVAIL1;
	vms_kvirt_close(k, &c);
	return err;
}

/**
 * vms_kvirt_unmap - remove every mapping in a part of an area [O-KDrop]
 * @k: areas of the store
 * @area: claimed, not pinned
 * @offset: where the part begins, page aligned, in the area
 * @len: bytes, page aligned, in the area
 * @sum: zeroed; what was removed
 * @left: out: a gather that the caller keeps until it is reaped, or NULL
 *
 * All CPUs have flushed when it returns. Process context, may sleep.
 *
 * Return: 0; -ENOMEM; -EINTR killed. Then nothing has changed.
 */
int vms_kvirt_unmap(struct vms_kvirts *k, const struct vms_kvirt *area, u64 offset, u64 len,
		    struct vms_removed *sum, struct vms_gather **left)
{
	u64 start = area->start + offset;
	struct vms_cursor c;
	int err;

	*left = NULL;
	if (VMS_WRONG(AREA_LEAF_KEPT) && len)
		len -= VMS_PAGE_SIZE;
	if (!len)
		return 0;
	err = vms_kvirt_open(k, &c, start, start + len, 0, true);
	if (err)
		return err;
	err = vms_cursor_unmap(k->tlb, &c, len, false, sum);
	if (!VMS_OMIT(AREA_UNMAP_SYNC))
		vms_cursor_sync(k->tlb, &c);
	*left = vms_kvirt_close(k, &c);
	return err;
}

/**
 * vms_kvirt_protect - change the property of every leaf in a part of an area
 * @k: areas of the store
 * @area: claimed, not pinned
 * @offset: where the part begins, page aligned, in the area
 * @len: bytes, page aligned, in the area
 * @change: new property, encodable, AVAIL1 not in its mask
 * @out: zeroed; what was done
 *
 * All CPUs have flushed when it returns. Process context, may sleep.
 *
 * Return: 0; -ENOMEM; -EINTR killed. Then nothing has changed.
 */
int vms_kvirt_protect(struct vms_kvirts *k, const struct vms_kvirt *area, u64 offset, u64 len,
		      const struct vms_prop_change *change, struct vms_protected *out)
{
	u64 start = area->start + offset;
	struct vms_cursor c;
	int err;

	if (!len)
		return 0;
	err = vms_kvirt_open(k, &c, start, start + len, 0, true);
	if (err)
		return err;
	err = vms_cursor_protect(k->tlb, &c, len, change, out);
	if (!VMS_OMIT(AREA_PROTECT_SYNC))
		vms_cursor_sync(k->tlb, &c);
	WARN_ON_ONCE(vms_kvirt_close(k, &c) && !VMS_OMIT_ANY());
	return err;
}

/* Is all of [@c's address, @end) mapped, and if @write writable? */
static bool vms_kvirt_is_mapped(struct vms_region *r, struct vms_cursor *c, bool write)
{
	struct vms_item item;

	for (;;) {
		if (vms_cursor_query(r, c, &item) || !item.found)
			return false;
		if (write && !(item.prop.flags & VMSTORE_PROP_W))
			return false;
		if (item.end >= c->end)
			return true;
		if (vms_cursor_jump(c, item.end))
			return false;
		cond_resched();
	}
}

/**
 * vms_kvirt_pin - let a reader or writer rely on what is mapped in a part of an area
 * @k: areas of the store
 * @area: claimed
 * @va: first address
 * @len: bytes; 0 pins the area all the same
 * @write: it must be writable
 *
 * Process context, may sleep.
 *
 * Return: 0; -EACCES when the range is not in the area, or not all of it is mapped so;
 * -EINTR killed.
 */
int vms_kvirt_pin(struct vms_kvirts *k, struct vms_kvirt *area, u64 va, u64 len, bool write)
{
	struct vms_region *r = k->tlb->mmu->region;
	struct vms_cursor c;
	bool mapped;
	int err;

	if (!vms_kvirt_has(area, va, len))
		return -EACCES;
	if (len) {
		err = vms_kvirt_open(k, &c, vms_span_start(va, 1),
				     vms_span_start(va + len - 1, 1) + VMS_PAGE_SIZE, 0, false);
		if (err)
			return err;
		mapped = vms_kvirt_is_mapped(r, &c, write);
		vms_kvirt_close(k, &c);
		if (!mapped)
			return -EACCES;
	}
	vms_touch_id(r->touch, VMS_TOUCH_KVIRTS, area->id);
	if (!VMS_WRONG(AREA_PIN_LOST))
		atomic_inc(&area->pins);
	return 0;
}

/* vms_kvirt_unpin - it does not rely on it any more; any context */
void vms_kvirt_unpin(struct vms_kvirts *k, struct vms_kvirt *area)
{
	vms_touch_id(k->tlb->mmu->region->touch, VMS_TOUCH_KVIRTS, area->id);
	if (!VMS_WRONG(AREA_PIN_KEPT))
		atomic_dec(&area->pins);
}
