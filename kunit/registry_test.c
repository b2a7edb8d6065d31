// SPDX-License-Identifier: GPL-2.0-only
/* Id spaces: absent, in hand, present, and the way between them. */

#include <linux/err.h>

#include "fixture.h"
#include "registry.h"

static struct vms_registry *new_registry(struct kunit *test, int max)
{
	struct vms_registry *reg = kunit_kzalloc(test, sizeof(*reg), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, reg);
	vms_registry_init(reg, max, 0);
	return reg;
}

static u64 reserve(struct kunit *test, struct vms_registry *reg)
{
	u64 id = 0;

	KUNIT_ASSERT_EQ(test, vms_registry_reserve(reg, &id), 0);
	return id;
}

static void expect_extract(struct kunit *test, struct vms_registry *reg, u64 id, int err)
{
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(vms_registry_extract(reg, id)), err);
}

/* Ids from 1, never used again, whatever became of them */
static void registry_test_ids(struct kunit *test)
{
	struct vms_registry *reg = new_registry(test, 100);
	u64 id, want = 0;
	unsigned int i;
	int a, b;

	for (i = 0; i < 5; i++) {
		void *entry = i & 1 ? &a : &b;

		id = reserve(test, reg);
		KUNIT_EXPECT_EQ(test, id, ++want);
		KUNIT_EXPECT_EQ(test, atomic_read(&reg->count), 1);
		vms_registry_release(reg, id);
		KUNIT_EXPECT_EQ(test, atomic_read(&reg->count), 0);

		id = reserve(test, reg);
		KUNIT_EXPECT_EQ(test, id, ++want);
		KUNIT_EXPECT_EQ(test, vms_registry_insert(reg, id, entry), 0);
		KUNIT_EXPECT_PTR_EQ(test, vms_registry_load(reg, id), entry);
		KUNIT_EXPECT_PTR_EQ(test, vms_registry_extract(reg, id), entry);
		vms_registry_release(reg, id);
		expect_extract(test, reg, id, -ENOENT);
		KUNIT_EXPECT_EQ(test, atomic_read(&reg->count), 0);
	}
	KUNIT_EXPECT_TRUE(test, xa_empty(&reg->xa));
	vms_registry_exit(reg);
}

/* In hand: nobody sees an entry, nobody else gets it, and its place stays */
static void registry_test_in_hand(struct kunit *test)
{
	struct vms_registry *reg = new_registry(test, 100);
	u64 id = reserve(test, reg);
	int a, b;

	KUNIT_EXPECT_NULL(test, vms_registry_load(reg, id));
	expect_extract(test, reg, id, -EBUSY);
	KUNIT_EXPECT_EQ(test, atomic_read(&reg->count), 1);
	/* The memory for its entry is still there, or insert could fail */
	KUNIT_EXPECT_FALSE(test, xa_empty(&reg->xa));
	KUNIT_EXPECT_EQ(test, vms_registry_insert(reg, id, &a), 0);
	KUNIT_EXPECT_EQ(test, vms_registry_insert(reg, id, &b), -EEXIST);
	KUNIT_EXPECT_PTR_EQ(test, vms_registry_load(reg, id), (void *)&a);

	KUNIT_EXPECT_PTR_EQ(test, vms_registry_extract(reg, id), (void *)&a);
	KUNIT_EXPECT_NULL(test, vms_registry_load(reg, id));
	expect_extract(test, reg, id, -EBUSY);
	KUNIT_EXPECT_EQ(test, atomic_read(&reg->count), 1);
	KUNIT_EXPECT_FALSE(test, xa_empty(&reg->xa));
	/* Back, with another entry if need be */
	KUNIT_EXPECT_EQ(test, vms_registry_insert(reg, id, &b), 0);
	KUNIT_EXPECT_PTR_EQ(test, vms_registry_load(reg, id), (void *)&b);
	KUNIT_EXPECT_PTR_EQ(test, vms_registry_extract(reg, id), (void *)&b);
	vms_registry_release(reg, id);
	KUNIT_EXPECT_TRUE(test, xa_empty(&reg->xa));
	vms_registry_exit(reg);
}

/* Absent: nothing to extract, and no place to insert */
static void registry_test_absent(struct kunit *test)
{
	struct vms_registry *reg = new_registry(test, 100);
	u64 id = reserve(test, reg);
	int a;

	expect_extract(test, reg, 0, -ENOENT);
	expect_extract(test, reg, id + 1, -ENOENT);
	expect_extract(test, reg, U64_MAX, -ENOENT);
	KUNIT_EXPECT_EQ(test, vms_registry_insert(reg, id + 1, &a), -EINVAL);
	vms_registry_release(reg, id);
	KUNIT_EXPECT_EQ(test, vms_registry_insert(reg, id, &a), -EINVAL);
	KUNIT_EXPECT_TRUE(test, xa_empty(&reg->xa));
	vms_registry_exit(reg);
}

static void registry_test_limit(struct kunit *test)
{
	struct vms_registry *reg = new_registry(test, 2);
	u64 first = reserve(test, reg), second = reserve(test, reg), id;

	KUNIT_EXPECT_EQ(test, vms_registry_reserve(reg, &id), -ENOSPC);
	KUNIT_EXPECT_EQ(test, atomic_read(&reg->count), 2);
	vms_registry_release(reg, first);
	KUNIT_EXPECT_GT(test, reserve(test, reg), second);
	vms_registry_exit(reg);
}

static int look(void *entry, void *arg)
{
	*(void **)arg = entry;
	return -ERANGE;
}

static void registry_test_with(struct kunit *test)
{
	struct vms_registry *reg = new_registry(test, 100);
	u64 id = reserve(test, reg);
	void *seen = NULL;
	int a;

	KUNIT_EXPECT_EQ(test, vms_registry_with(reg, id, look, &seen), -EBUSY);
	KUNIT_EXPECT_EQ(test, vms_registry_with(reg, id + 1, look, &seen), -ENOENT);
	KUNIT_EXPECT_NULL(test, seen);
	vms_registry_insert(reg, id, &a);
	KUNIT_EXPECT_EQ(test, vms_registry_with(reg, id, look, &seen), -ERANGE);
	KUNIT_EXPECT_PTR_EQ(test, seen, (void *)&a);
	KUNIT_EXPECT_PTR_EQ(test, vms_registry_load(reg, id), (void *)&a);
	vms_registry_exit(reg);
}

static struct kunit_case registry_test_cases[] = {
	KUNIT_CASE(registry_test_ids),
	KUNIT_CASE(registry_test_in_hand),
	KUNIT_CASE(registry_test_absent),
	KUNIT_CASE(registry_test_limit),
	KUNIT_CASE(registry_test_with),
	{}
};

static struct kunit_suite registry_test_suite = {
	.name = "vmstore-registry",
	.test_cases = registry_test_cases,
};

kunit_test_suite(registry_test_suite);
