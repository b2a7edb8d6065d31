/* SPDX-License-Identifier: GPL-2.0-only */
/* Windows of the live machine: the time a CPU runs on a private root. */
#ifndef VMS_MMU_WINDOW_H
#define VMS_MMU_WINDOW_H

#include <asm/special_insns.h>

#include "mmu.h"

#define VMS_PRIV_INDEX		256	/* the private slot, at the level of the root */
#define VMS_LDT_INDEX		272	/* top-level entry that differs between processes */
#define VMS_LAST_INDEX		511

/**
 * struct vms_window - an open window
 * @root: loaded
 * @cr3: CR3 that loads it
 * @saved: CR3 before
 * @outer_host: CR3 of Linux, if this window was opened in another one, else 0
 * @outer_loaded: that other one is on the same root
 */
struct vms_window {
	struct vms_root *root;
	unsigned long cr3;
	unsigned long saved;
	unsigned long outer_host;
	bool outer_loaded;
};

bool vms_host_5level(void);
u64 *vms_host_top(void);
u64 *vms_host_priv_table(void);

int vms_window_root_init(struct vms_mmu *m, struct vms_root *r);
void vms_window_root_exit(struct vms_mmu *m, struct vms_root *r);

void vms_window_enter(struct vms_window *w, struct vms_root *r);
void vms_window_leave(struct vms_window *w);
int vms_window_access(struct vms_mmu *m, struct vms_root *r, struct vms_access *a);

/* vms_window_is_open - is the root still loaded? IRQs off */
static __always_inline bool vms_window_is_open(const struct vms_window *w)
{
	return __native_read_cr3() == w->cr3;
}

#endif /* VMS_MMU_WINDOW_H */
