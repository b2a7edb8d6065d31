/* SPDX-License-Identifier: GPL-2.0-only */
/* Effects of the frame operations on slots [model 5.4]. No registry here. */
#ifndef VMS_FRAME_H
#define VMS_FRAME_H

#include "region.h"

int vms_frame_slot(const struct vms_region *r, u64 paddr, u32 *idx);
int vms_frame_from_unused(struct vms_region *r, u64 paddr, u32 *idx);
int vms_frame_from_in_use(struct vms_region *r, u64 paddr, u32 *idx);
int vms_frame_alloc(struct vms_region *r, u32 *idx);

#endif /* VMS_FRAME_H */
