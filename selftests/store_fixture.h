/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of most programs: an empty store per test, once for each machine, with
 * everything checked after each operation. When the test is over all must add up.
 */
#ifndef VMSTORE_STORE_FIXTURE_H
#define VMSTORE_STORE_FIXTURE_H

#include "vmstore_test.h"

FIXTURE(store) {
	int fd;
	struct vmstore_info info;
};

FIXTURE_VARIANT(store) {
	__u32 machine;
	__u32 mode;
};

FIXTURE_SETUP(store)
{
	const char *reason = vt_skip_reason(variant->machine);

	self->fd = -1;
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = vt_store(variant->machine, variant->mode, VT_SMALL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vt_info(self->fd, &self->info));
}

FIXTURE_TEARDOWN(store)
{
	if (self->fd < 0)
		return;
	EXPECT_EQ(0, vt_settled(self->fd));
	EXPECT_EQ(0, close(self->fd));
}

FIXTURE_VARIANT_ADD(store, default_full) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_FULL,
};

FIXTURE_VARIANT_ADD(store, default_step) {
	.machine = VMSTORE_MACHINE_DEFAULT,
	.mode = VMSTORE_CHECK_STEP,
};

FIXTURE_VARIANT_ADD(store, soft_full) {
	.machine = VMSTORE_MACHINE_SOFT,
	.mode = VMSTORE_CHECK_FULL,
};

#endif /* VMSTORE_STORE_FIXTURE_H */
