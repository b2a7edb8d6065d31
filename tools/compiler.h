/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel has and libc has not
 */
#ifndef VMSTORE_TOOLS_COMPILER_H
#define VMSTORE_TOOLS_COMPILER_H

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

#define vms_attribute(attribute)	__attribute__((attribute))
#define __printf(a, b)	vms_attribute(format(printf, a, b))

#endif /* VMSTORE_TOOLS_COMPILER_H */
