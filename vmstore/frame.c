// SPDX-License-Identifier: GPL-2.0-only
/* Effects of the frame operations on slots. */

#include <linux/nospec.h>
#include <linux/string.h>

#include "frame.h"

/**
 * vms_frame_slot - the slot of a paddr from a caller
 * @r: region
 * @paddr: anything
 * @idx: out
 *
 * Return: 0; -EINVAL not page aligned; else -ERANGE not in the region.
 */
int vms_frame_slot(const struct vms_region *r, u64 paddr, u32 *idx)
{
	if (!vms_page_aligned(paddr))
		return -EINVAL;
	if (paddr >= r->size)
		return -ERANGE;
	*idx = array_index_nospec(vms_paddr_slot(paddr), r->nr_slots);
	return 0;
}

/**
 * vms_frame_from_unused - claim a given free frame [O-FrameFromUnused]
 * @r: region
 * @paddr: of the frame
 * @idx: out: its slot, rc 1
 *
 * Any context. The content is as vms_slot_from_unused() leaves it.
 *
 * Return: 0, -EINVAL, -ERANGE, or as vms_slot_from_unused().
 */
int vms_frame_from_unused(struct vms_region *r, u64 paddr, u32 *idx)
{
	int err = vms_frame_slot(r, paddr, idx);

	return err ? err : vms_slot_from_unused(r, *idx, VMSTORE_USAGE_FRAME);
}

/**
 * vms_frame_from_in_use - one more reference of a shared frame [O-FrameFromInUse]
 * @r: region
 * @paddr: of the frame
 * @idx: out: its slot
 *
 * Any context.
 *
 * Return: 0, -EINVAL, -ERANGE, or as vms_slot_from_in_use().
 */
int vms_frame_from_in_use(struct vms_region *r, u64 paddr, u32 *idx)
{
	int err = vms_frame_slot(r, paddr, idx);

	return err ? err : vms_slot_from_in_use(r, *idx);
}

/**
 * vms_frame_alloc - claim any free frame and zero it
 * @r: region
 * @idx: out: its slot, rc 1
 *
 * Any context.
 *
 * Return: 0 or -ENOMEM.
 */
int vms_frame_alloc(struct vms_region *r, u32 *idx)
{
	int err = vms_slot_alloc(r, VMSTORE_USAGE_FRAME, false, idx);

	if (!err)
		memset(vms_slot_kva(r, *idx), 0, VMS_PAGE_SIZE);
	return err;
}
