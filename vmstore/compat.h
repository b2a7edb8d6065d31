/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the supported kernels, 6.1 and 6.12, and nothing else. */
#ifndef VMS_COMPAT_H
#define VMS_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "vmstore needs Linux 6.1 or newer"
#endif

#endif /* VMS_COMPAT_H */
