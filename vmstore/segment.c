// SPDX-License-Identifier: GPL-2.0-only
/* Effects of the segment operations on slots. */

#include <linux/nospec.h>
#include <linux/sched.h>

#include "segment.h"

/* [start, end), checked, as slots */
static struct vms_segment vms_segment_of(u64 start, u64 end)
{
	return (struct vms_segment) {
		.first = vms_paddr_slot(start),
		.nr = vms_paddr_slot(end - start),
	};
}

/**
 * vms_segment_from_unused - claim a range of free frames, all or none
 *	[O-SegmentFromUnused]
 * @r: region
 * @start: paddr of the first
 * @end: one past the last
 * @seg: out: the segment, rc 1 at each slot
 *
 * Process context. The content is as vms_slot_from_unused() leaves it.
 *
 * Return: 0; -EINVAL misaligned; -ERANGE beyond the end of the region; -EINVAL empty;
 * or as vms_slots_from_unused().
 */
int vms_segment_from_unused(struct vms_region *r, u64 start, u64 end,
			    struct vms_segment *seg)
{
	if (!vms_page_aligned(start) || !vms_page_aligned(end))
		return -EINVAL;
	if (end > r->size)
		return -ERANGE;
	if (start >= end)
		return -EINVAL;
	*seg = vms_segment_of(start, end);
	seg->first = array_index_nospec(seg->first, r->nr_slots);
	return vms_slots_from_unused(r, seg->first, seg->nr);
}

/* Drop one reference of the first @nr slots; how many of them are unused now */
static u64 vms_segment_put(struct vms_region *r, struct vms_segment seg, u32 nr)
{
	u64 freed = 0;
	u32 i;

	for (i = 0; i < nr; i++) {
		if (!VMS_WRONG(SEGMENT_KEPT) || i + 1 < nr)
			freed += vms_slot_put(r, seg.first + i);
		if (!(i % 1024))
			cond_resched();
	}
	return freed;
}

/**
 * vms_segment_drop - drop the reference at each slot [O-SegmentDrop]
 * @r: region
 * @seg: segment the caller owns, and then no more
 *
 * Process context.
 *
 * Return: how many frames are unused now.
 */
u64 vms_segment_drop(struct vms_region *r, struct vms_segment seg)
{
	return vms_segment_put(r, seg, seg.nr);
}

/**
 * vms_segment_share - one more reference of each slot, or of none
 *	[O-SegmentClone, O-SegmentSlice]
 * @r: region
 * @seg: a part of a segment the caller owns
 *
 * Every slot is looked at before the first count changes. Process context.
 *
 * Return: 0, or -EOVERFLOW: a slot is saturated.
 */
int vms_segment_share(struct vms_region *r, struct vms_segment seg)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < seg.nr; i++)
		err = vms_slot_can_share(r, seg.first + i);
	if (err)
		return err;
	for (i = 0; i < seg.nr - VMS_WRONG(SEGMENT_NOT_TAKEN); i++) {
		err = vms_slot_from_in_use(r, seg.first + i);
		if (err) {	/* saturated since */
			vms_segment_put(r, seg, i);
			return err;
		}
		if (!(i % 1024))
			cond_resched();
	}
	return 0;
}

/**
 * vms_segment_split - cut a segment in two [O-SegmentSplit]
 * @seg: segment
 * @offset: bytes from its start
 * @part: out
 *
 * No slot changes.
 *
 * Return: 0, or -EINVAL: @offset is misaligned, or one part would be empty.
 */
int vms_segment_split(struct vms_segment seg, u64 offset, struct vms_segment part[2])
{
	u64 start = vms_segment_start(seg), end = vms_segment_end(seg);

	if (!vms_page_aligned(offset) || !offset || offset >= end - start)
		return -EINVAL;
	part[0] = vms_segment_of(start, start + offset);
	if (VMS_WRONG(SEGMENT_OVERLAP))
		offset -= VMS_PAGE_SIZE;
	part[1] = vms_segment_of(start + offset, end);
	return 0;
}

/**
 * vms_segment_slice - a part of a segment [O-SegmentSlice]
 * @seg: segment
 * @start: paddr
 * @end: paddr
 * @part: out
 *
 * No slot changes.
 *
 * Return: 0, or -EINVAL: misaligned, empty [S16], or not inside.
 */
int vms_segment_slice(struct vms_segment seg, u64 start, u64 end, struct vms_segment *part)
{
	if (!vms_page_aligned(start) || !vms_page_aligned(end) || start >= end ||
	    start < vms_segment_start(seg) || end > vms_segment_end(seg))
		return -EINVAL;
	*part = vms_segment_of(start, end);
	return 0;
}
