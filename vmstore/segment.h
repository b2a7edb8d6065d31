/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Effects of the segment operations on slots [model 5.5]. No registry here.
 *
 * The frames of a segment follow each other in the region; it may span blocks. Segments
 * may overlap, and the frames of one may be mapped and have handles.
 */
#ifndef VMS_SEGMENT_H
#define VMS_SEGMENT_H

#include "region.h"

/**
 * struct vms_segment - a segment [F-SegmentEntry.range]
 * @first: its first slot
 * @nr: how many, at least 1 [S16]
 */
struct vms_segment {
	u32 first;
	u32 nr;
};

static inline u64 vms_segment_start(struct vms_segment seg)
{
	return vms_slot_paddr(seg.first);
}

static inline u64 vms_segment_end(struct vms_segment seg)
{
	return vms_segment_start(seg) + ((u64)seg.nr << VMS_PAGE_SHIFT);
}

int vms_segment_from_unused(struct vms_region *r, u64 start, u64 end,
			    struct vms_segment *seg);
u64 vms_segment_drop(struct vms_region *r, struct vms_segment seg);
int vms_segment_share(struct vms_region *r, struct vms_segment seg);
int vms_segment_split(struct vms_segment seg, u64 offset, struct vms_segment part[2]);
int vms_segment_slice(struct vms_segment seg, u64 start, u64 end, struct vms_segment *part);

#endif /* VMS_SEGMENT_H */
