/* SPDX-License-Identifier: GPL-2.0-only */
/* Effects of the operations on exclusive handles on slots [model 5.6]. No registry here. */
#ifndef VMS_UNIQUE_H
#define VMS_UNIQUE_H

#include "frame.h"

int vms_unique_from_unused(struct vms_region *r, u64 paddr, u32 *idx);

#endif /* VMS_UNIQUE_H */
