/* SPDX-License-Identifier: GPL-2.0-only */
/* The device /dev/vmstore. */
#ifndef VMS_CHARDEV_H
#define VMS_CHARDEV_H

int vms_chardev_register(void);
void vms_chardev_unregister(void);

#endif /* VMS_CHARDEV_H */
