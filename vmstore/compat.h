/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the supported kernels. */
#ifndef VMS_COMPAT_H
#define VMS_COMPAT_H

#include <linux/version.h>

#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
#include <asm/mmu.h>

/* vms_leave_mm - put a kernel thread on init_mm; on @cpu, preemption off */
static inline void vms_leave_mm(unsigned int cpu)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
	leave_mm(cpu);
#else
	leave_mm();
#endif
}
#endif

#endif /* VMS_COMPAT_H */
