/* SPDX-License-Identifier: GPL-2.0-only */
/* Batches of operations in user memory. */
#ifndef VMS_RUN_H
#define VMS_RUN_H

#include "step.h"

int vms_run(struct vms_store *s, struct vmstore_run *run);

#endif /* VMS_RUN_H */
