// SPDX-License-Identifier: GPL-2.0-only
/*
 * The entry format [model 1.1, 1.6]. Bits are given as numbers here, not by the names
 * of pte.h: a wrong name shall not agree with itself.
 */

#include <kunit/test.h>

#include "pte.h"
#include "region.h"

static const u64 pte_pas[] = {
	0, 0x1000, 0x200000, 0x40000000, 0x123456789000ULL, 0x000fffffc0000000ULL,
	0x000ffffffffff000ULL,
};

/* Which bit of an entry a flag sets; X is the other way round */
static const struct {
	u8 flag;
	unsigned int bit;
} pte_flag_bits[] = {
	{ 0x01, 0 }, { 0x02, 1 }, { 0x08, 5 }, { 0x10, 6 }, { 0x40, 52 }, { 0x80, 53 },
};

static u64 pte_reference(u64 pa, int level, struct vmstore_prop prop)
{
	u64 pte = pa | BIT_ULL(9) | (u64)prop.cache << 10;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pte_flag_bits); i++)
		if (prop.flags & pte_flag_bits[i].flag)
			pte |= BIT_ULL(pte_flag_bits[i].bit);
	if (!(prop.flags & 0x04))
		pte |= BIT_ULL(63);
	if (prop.priv & 0x01)
		pte |= BIT_ULL(2);
	if (prop.priv & 0x02)
		pte |= BIT_ULL(54);
	if (level > 1)
		pte |= BIT_ULL(7);
	return pte;
}

/* The next property that can be encoded; false after the last one */
static bool pte_next_prop(struct vmstore_prop *prop)
{
	do {
		if (++prop->flags)
			continue;
		if (++prop->priv < 4)
			continue;
		prop->priv = 0;
		if (++prop->cache > 2)
			return false;
	} while (!(prop->flags & 1) || prop->flags & 0x20);
	return true;
}

static bool pte_same_prop(struct vmstore_prop a, struct vmstore_prop b)
{
	return a.flags == b.flags && a.cache == b.cache && a.priv == b.priv &&
	       a.__reserved == b.__reserved;
}

/* N-PAGE_SIZE and its neighbours: values, not names */
static void pte_test_constants(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, VMS_PAGE_SIZE, 4096ULL);
	KUNIT_EXPECT_EQ(test, VMSTORE_PAGE_SIZE, 4096ULL);
	KUNIT_EXPECT_EQ(test, VMS_NR_ENTRIES, 512);
	KUNIT_EXPECT_EQ(test, VMSTORE_NR_ENTRIES, 512);
	KUNIT_EXPECT_EQ(test, VMS_NR_LEVELS, 4);
	KUNIT_EXPECT_EQ(test, VMSTORE_NR_LEVELS, 4);
	KUNIT_EXPECT_EQ(test, VMS_MAX_LEAF_LEVEL, 2);
	KUNIT_EXPECT_EQ(test, VMS_USER_ROOT_ENTRIES, 256);
	KUNIT_EXPECT_EQ(test, VMSTORE_USER_END, 1ULL << 47);
	KUNIT_EXPECT_EQ(test, VMSTORE_MAX_USERSPACE_VADDR, 0x00007ffffffff000ULL);
	KUNIT_EXPECT_EQ(test, VMSTORE_KERNEL_BASE, 0xffff800000000000ULL);
	KUNIT_EXPECT_EQ(test, VMSTORE_RC_UNUSED, 0xffffffffffffffffULL);
	KUNIT_EXPECT_EQ(test, VMSTORE_RC_UNIQUE, 0xfffffffffffffffeULL);
	KUNIT_EXPECT_EQ(test, VMSTORE_RC_MAX, 0x7fffffffffffffffULL);
	KUNIT_EXPECT_EQ(test, VMSTORE_BLOCK_SIZE, VMS_BLOCK_SIZE);
}

/* N-PageUsage: seven usages, all different, 0 = never used */
static void pte_test_usages(struct kunit *test)
{
	static const enum vmstore_usage all[] = {
		VMSTORE_USAGE_UNUSED, VMSTORE_USAGE_RESERVED, VMSTORE_USAGE_FRAME,
		VMSTORE_USAGE_PAGETABLE, VMSTORE_USAGE_META, VMSTORE_USAGE_KERNEL,
		VMSTORE_USAGE_MMIO,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		KUNIT_EXPECT_EQ(test, (unsigned int)all[i], i);
}

static void pte_test_page_size(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vms_page_size(1), 4096ULL);
	KUNIT_EXPECT_EQ(test, vms_page_size(2), 2ULL << 20);
	KUNIT_EXPECT_EQ(test, vms_page_size(3), 1ULL << 30);
	KUNIT_EXPECT_EQ(test, vms_page_size(4), 512ULL << 30);
	KUNIT_EXPECT_EQ(test, vms_page_size(5), 1ULL << 48);
}

static void pte_expect_address(struct kunit *test, u64 va)
{
	u64 sum = va & 0xfff;
	int level;

	for (level = 1; level <= 4; level++) {
		u64 start = vms_span_start(va, level);

		sum += vms_pte_index(va, level) * vms_page_size(level);
		KUNIT_EXPECT_LT(test, vms_pte_index(va, level), 512U);
		KUNIT_EXPECT_EQ(test, start % vms_page_size(level), 0ULL);
		KUNIT_EXPECT_LE(test, start, va);
		KUNIT_EXPECT_LT(test, va - start, vms_page_size(level));
	}
	/* The indices and the offset are all of the address that is translated */
	KUNIT_EXPECT_EQ(test, sum, va & (BIT_ULL(48) - 1));
	KUNIT_EXPECT_EQ(test, vms_page_aligned(va), va % 4096 == 0);
}

/* On both sides of each multiple of each page size that has one bit set */
static void pte_test_addresses(struct kunit *test)
{
	unsigned int bit;

	for (bit = 12; bit < 48; bit++) {
		pte_expect_address(test, BIT_ULL(bit));
		pte_expect_address(test, BIT_ULL(bit) - 1);
		pte_expect_address(test, BIT_ULL(bit) + 4096);
		pte_expect_address(test, VMSTORE_KERNEL_BASE + BIT_ULL(bit) - 1);
	}
	pte_expect_address(test, 0);
	pte_expect_address(test, U64_MAX);
	pte_expect_address(test, 0x00007f1234567abcULL);

	KUNIT_EXPECT_EQ(test, vms_pte_index(VMSTORE_USER_END - 1, 4), 255U);
	KUNIT_EXPECT_EQ(test, vms_pte_index(VMSTORE_KERNEL_BASE, 4), 256U);
	KUNIT_EXPECT_EQ(test, vms_pte_index(U64_MAX, 4), 511U);
	KUNIT_EXPECT_EQ(test, vms_pte_index(VMSTORE_KVIRT_BASE, 3), 256U);
	KUNIT_EXPECT_EQ(test, vms_pte_index(0x200000 - 1, 1), 511U);
	KUNIT_EXPECT_EQ(test, vms_pte_index(0x200000, 1), 0U);
	KUNIT_EXPECT_EQ(test, vms_pte_index(0x200000, 2), 1U);
}

/* N-PageProperty: every property x level x address, encoded and decoded */
static void pte_test_leaf_all(struct kunit *test)
{
	struct vmstore_prop prop = {};
	unsigned int nr = 0;

	while (pte_next_prop(&prop)) {
		unsigned int i;
		int level;

		KUNIT_ASSERT_TRUE(test, vms_prop_encodable(prop));
		for (i = 0; i < ARRAY_SIZE(pte_pas); i++) {
			for (level = 1; level <= 3; level++) {
				u64 pa = pte_pas[i] & ~(vms_page_size(level) - 1);
				u64 pte = vms_pte_make_leaf(pa, level, prop);

				KUNIT_ASSERT_EQ(test, pte, pte_reference(pa, level, prop));
				KUNIT_ASSERT_EQ(test, vms_pte_pa(pte), pa);
				KUNIT_ASSERT_TRUE(test, pte_same_prop(vms_pte_prop(pte), prop));
				KUNIT_ASSERT_EQ(test, (int)vms_pte_kind(pte),
						(int)VMS_ENTRY_LEAF);
				KUNIT_ASSERT_TRUE(test, vms_pte_well_formed(pte, level));
				/* PS belongs to the levels above 1 and to no other */
				KUNIT_ASSERT_EQ(test, vms_pte_well_formed(pte, 1), level == 1);
				KUNIT_ASSERT_EQ(test, vms_pte_accessed(pte),
						!!(prop.flags & VMSTORE_PROP_ACCESSED));
				KUNIT_ASSERT_EQ(test, vms_pte_dirty(pte),
						!!(prop.flags & VMSTORE_PROP_DIRTY));
			}
		}
		nr++;
	}
	/* 6 free flags, 3 policies, 2 private flags */
	KUNIT_EXPECT_EQ(test, nr, 64U * 3 * 4);
}

/* The memory type of region RAM stays write-back: no PWT, PCD, hardware G, bit 51 */
static void pte_test_leaf_hardware(struct kunit *test)
{
	const u64 never = BIT_ULL(3) | BIT_ULL(4) | BIT_ULL(8) | BIT_ULL(51);
	struct vmstore_prop prop = {};

	while (pte_next_prop(&prop)) {
		KUNIT_ASSERT_EQ(test, vms_pte_make_leaf(0x1000, 1, prop) & never, 0ULL);
		KUNIT_ASSERT_EQ(test, vms_pte_make_leaf(0x200000, 2, prop) & never, 0ULL);
	}
}

static bool pte_reference_encodable(unsigned int flags, unsigned int cache,
				    unsigned int priv, unsigned int reserved)
{
	if (flags & ~0xdfU || !(flags & 1))
		return false;
	return cache <= 2 && priv <= 3 && !reserved;
}

static void pte_test_encodable(struct kunit *test)
{
	static const u8 caches[] = { 0, 1, 2, 3, 4, 5, 0x80, 0xff };
	unsigned int flags, priv, i, reserved;

	for (flags = 0; flags < 256; flags++)
		for (priv = 0; priv < 256; priv++)
			for (i = 0; i < ARRAY_SIZE(caches); i++)
				for (reserved = 0; reserved < 2; reserved++) {
					struct vmstore_prop prop = {
						flags, caches[i], priv, reserved,
					};

					if (vms_prop_encodable(prop) ==
					    pte_reference_encodable(flags, caches[i], priv,
								    reserved))
						continue;
					KUNIT_FAIL(test, "flags %#x cache %u priv %#x reserved %u",
						   flags, caches[i], priv, reserved);
				}
}

static void pte_test_table(struct kunit *test)
{
	unsigned int i, bit;

	for (i = 0; i < ARRAY_SIZE(pte_pas); i++) {
		u64 pte = vms_pte_make_table(pte_pas[i]);
		int level;

		KUNIT_EXPECT_EQ(test, pte, pte_pas[i] | 7);
		KUNIT_EXPECT_EQ(test, vms_pte_pa(pte), pte_pas[i]);
		KUNIT_EXPECT_EQ(test, (int)vms_pte_kind(pte), (int)VMS_ENTRY_TABLE);
		KUNIT_EXPECT_FALSE(test, vms_pte_well_formed(pte, 1));
		for (level = 2; level <= 4; level++) {
			KUNIT_EXPECT_TRUE(test, vms_pte_well_formed(pte, level));
			/* The walker marks tables accessed, and never dirty */
			KUNIT_EXPECT_TRUE(test, vms_pte_well_formed(pte | BIT_ULL(5), level));
		}
		for (bit = 0; bit < 64; bit++) {
			if (bit == 5 || (bit >= 12 && bit < 52))
				continue;
			KUNIT_EXPECT_FALSE(test, vms_pte_well_formed(pte ^ BIT_ULL(bit), 2));
		}
	}
}

/* None is zero and nothing else; a leaf has the leaf bit */
static void pte_test_kind(struct kunit *test)
{
	unsigned int bit;

	KUNIT_EXPECT_EQ(test, (int)vms_pte_kind(0), (int)VMS_ENTRY_NONE);
	KUNIT_EXPECT_EQ(test, (int)vms_pte_kind(U64_MAX), (int)VMS_ENTRY_LEAF);
	KUNIT_EXPECT_EQ(test, (int)vms_pte_kind(~BIT_ULL(9)), (int)VMS_ENTRY_TABLE);
	for (bit = 0; bit < 64; bit++) {
		KUNIT_EXPECT_EQ(test, (int)vms_pte_kind(BIT_ULL(bit)),
				(int)(bit == 9 ? VMS_ENTRY_LEAF : VMS_ENTRY_TABLE));
		KUNIT_EXPECT_EQ(test, (int)vms_pte_kind(BIT_ULL(bit) | BIT_ULL(9)),
				(int)VMS_ENTRY_LEAF);
	}
}

/* P3, P7: what could have been written by vmstore or the walker, from the makers */
static bool pte_reference_well_formed(u64 pte, int level)
{
	u64 pa = pte & 0x000ffffffffff000ULL;
	struct vmstore_prop prop = vms_pte_prop(pte);

	if (!pte)
		return true;
	if (!(pte & BIT_ULL(9)))
		return level > 1 && (pte & ~BIT_ULL(5)) == vms_pte_make_table(pa);
	return pte_reference_encodable(prop.flags, prop.cache, prop.priv, 0) &&
	       pte == pte_reference(pa, level, prop);
}

/* All 12 low bits x the upper bits, one by one and those with a meaning together */
static void pte_test_well_formed(struct kunit *test)
{
	u64 high[12 + 16];
	unsigned int low, i;
	int level;

	for (i = 0; i < 12; i++)
		high[i] = BIT_ULL(52 + i);
	for (i = 0; i < 16; i++)
		high[12 + i] = (u64)(i & 7) << 52 | (u64)(i >> 3) << 63;

	for (low = 0; low < 4096; low++)
		for (i = 0; i < ARRAY_SIZE(high); i++)
			for (level = 1; level <= 4; level++) {
				u64 pte = high[i] | 0x40000000 | low;

				if (vms_pte_well_formed(pte, level) ==
				    pte_reference_well_formed(pte, level))
					continue;
				KUNIT_FAIL(test, "%#llx at level %d", pte, level);
			}
	for (level = 1; level <= 4; level++)
		KUNIT_EXPECT_TRUE(test, vms_pte_well_formed(0, level));
	/* An absent entry has no address either */
	KUNIT_EXPECT_FALSE(test, vms_pte_well_formed(0x1000, 2));
}

static struct kunit_case pte_test_cases[] = {
	KUNIT_CASE(pte_test_constants),
	KUNIT_CASE(pte_test_usages),
	KUNIT_CASE(pte_test_page_size),
	KUNIT_CASE(pte_test_addresses),
	KUNIT_CASE(pte_test_leaf_all),
	KUNIT_CASE(pte_test_leaf_hardware),
	KUNIT_CASE(pte_test_encodable),
	KUNIT_CASE(pte_test_table),
	KUNIT_CASE(pte_test_kind),
	KUNIT_CASE(pte_test_well_formed),
	{}
};

static struct kunit_suite pte_test_suite = {
	.name = "vmstore-pte",
	.test_cases = pte_test_cases,
};

kunit_test_suite(pte_test_suite);
