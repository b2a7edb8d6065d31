/* SPDX-License-Identifier: GPL-2.0-only */
/* The module: a store of /dev/vmstore and its whole state. */
#ifndef ORC_DEVICE_H
#define ORC_DEVICE_H

#include "oracle.h"

/**
 * struct device - an open store
 * @fd: of it
 * @buf: records of each section
 * @room: bytes of each
 */
struct device {
	int fd;
	char *buf[ORC_NR_SECTIONS + 1];
	size_t room[ORC_NR_SECTIONS + 1];
};

/* device_open - 0 or -errno; @config is what SETUP made of it */
int device_open(struct device *d, const struct vmstore_setup *setup, struct orc_config *config);
void device_close(struct device *d);

/* device_run - run @nr operations, all of them whatever fails; 0 or -errno */
int device_run(struct device *d, struct vmstore_op *ops, __u32 nr);

/* device_dump - every section; the records are good until the next dump; 0 or -errno */
int device_dump(struct device *d, struct orc_dump *dump);

/* device_check - the module's own check: violations, or -errno; @diff is the first */
long device_check(struct device *d, struct orc_diff *diff);

#endif /* ORC_DEVICE_H */
