// SPDX-License-Identifier: GPL-2.0-only
/*
 * Effects of the operations on exclusive handles on slots. Those that begin with a handle
 * are steps of the count alone: vms_slot_put_unique(), vms_slot_share_unique() and
 * vms_slot_try_unique().
 */

#include "unique.h"

/**
 * vms_unique_from_unused - claim a given free frame exclusively [O-UniqueFromUnused]
 * @r: region
 * @paddr: of the frame
 * @idx: out: its slot, rc UNIQUE
 *
 * Any context. The content is as vms_slot_from_unused() leaves it.
 *
 * Return: as vms_frame_from_unused().
 */
int vms_unique_from_unused(struct vms_region *r, u64 paddr, u32 *idx)
{
	int err = vms_frame_slot(r, paddr, idx);

	return err ? err : vms_slot_unique_from_unused(r, *idx);
}
