// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"

static const __u32 rec_size[ORC_NR_SECTIONS + 1] = {
	[VMSTORE_DUMP_SPACES] = sizeof(struct vmstore_rec_space),
	[VMSTORE_DUMP_CURSORS] = sizeof(struct vmstore_rec_cursor),
	[VMSTORE_DUMP_FRAMES] = sizeof(struct vmstore_rec_frame),
	[VMSTORE_DUMP_SLOTS] = sizeof(struct vmstore_rec_slots),
	[VMSTORE_DUMP_NODES] = sizeof(struct vmstore_rec_node),
	[VMSTORE_DUMP_LEAVES] = sizeof(struct vmstore_rec_leaves),
	[VMSTORE_DUMP_TLB] = sizeof(struct vmstore_rec_gathered),
	[VMSTORE_DUMP_SEGMENTS] = sizeof(struct vmstore_rec_segment),
	[VMSTORE_DUMP_UNIQUES] = sizeof(struct vmstore_rec_unique),
	[VMSTORE_DUMP_IOS] = sizeof(struct vmstore_rec_io),
	[VMSTORE_DUMP_LISTS] = sizeof(struct vmstore_rec_list),
	[VMSTORE_DUMP_FLUSHES] = sizeof(struct vmstore_rec_flush),
	[VMSTORE_DUMP_KVIRTS] = sizeof(struct vmstore_rec_kvirt),
};

static int device_ioctl(const struct device *d, unsigned long cmd, void *arg)
{
	return ioctl(d->fd, cmd, arg) < 0 ? -errno : 0;
}

int device_open(struct device *d, const struct vmstore_setup *setup, struct orc_config *config)
{
	struct vmstore_info info = { .size = sizeof(info) };
	struct vmstore_setup args = *setup;
	int err = 0;

	memset(d, 0, sizeof(*d));
	d->fd = open("/dev/vmstore", O_RDWR | O_CLOEXEC);
	if (d->fd < 0)
		return -errno;
	args.size = sizeof(args);
	err = device_ioctl(d, VMSTORE_SETUP, &args);
	if (!err)
		err = device_ioctl(d, VMSTORE_INFO, &info);
	if (err) {
		device_close(d);
		return err;
	}
	*config = (struct orc_config) {
		.nr_slots = info.out_nr_slots,
		.first_mmio = info.out_nr_slots - info.out_mmio_size / VMSTORE_PAGE_SIZE,
		.nr_cpus = info.out_nr_cpus,
	};
	return 0;
}

void device_close(struct device *d)
{
	int i;

	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	for (i = 0; i <= ORC_NR_SECTIONS; i++) {
		free(d->buf[i]);
		d->buf[i] = NULL;
	}
}

int device_run(struct device *d, struct vmstore_op *ops, __u32 nr)
{
	struct vmstore_run run = {
		.size = sizeof(run),
		.flags = VMSTORE_RUN_KEEP_GOING,
		.ops = (uintptr_t)ops,
		.count = nr,
		.op_size = sizeof(*ops),
	};
	int err = device_ioctl(d, VMSTORE_RUN, &run);

	return err ? err : run.out_ran == nr ? 0 : -EPROTO;
}

static int device_dump_section(struct device *d, __u32 section, size_t *nr)
{
	struct vmstore_dump args = {
		.size = sizeof(args),
		.section = section,
		.rec_size = rec_size[section],
	};
	size_t used = 0;
	int err;

	do {
		if (d->room[section] - used < rec_size[section]) {
			d->room[section] = 2 * d->room[section] + 4096;
			d->buf[section] = realloc(d->buf[section], d->room[section]);
			if (!d->buf[section])
				abort();
		}
		args.buf = (uintptr_t)d->buf[section] + used;
		args.buf_len = d->room[section] - used;
		err = device_ioctl(d, VMSTORE_DUMP, &args);
		if (err)
			return err;
		used += args.out_len;
	} while (args.out_more);
	*nr = used / rec_size[section];
	return 0;
}

int device_dump(struct device *d, struct orc_dump *dump)
{
	int i, err = 0;

	for (i = 1; !err && i <= ORC_NR_SECTIONS; i++) {
		if (!rec_size[i])
			continue;
		err = device_dump_section(d, i, &dump->nr[i]);
		dump->rec[i] = d->buf[i];
	}
	return err;
}

long device_check(struct device *d, struct orc_diff *diff)
{
	struct vmstore_violation v = {};
	struct vmstore_check args = {
		.size = sizeof(args),
		.violations = (uintptr_t)&v,
		.nr_violations = 1,
	};
	int err = device_ioctl(d, VMSTORE_CHECK, &args);

	if (err)
		return err;
	if (args.out_violations)
		snprintf(diff->text, sizeof(diff->text),
			 "the module's check: %.16s: %.96s (%#llx)", v.clause, v.text,
			 v.object);
	return args.out_violations;
}
