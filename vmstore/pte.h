/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The x86-64 page-table entry as the model uses it. No other file knows a bit.
 *
 * An entry is one of three things: none, a table, or a leaf. Everything else in
 * vmstore switches over enum vms_entry_kind and never tests a bit.
 *
 * The reference marks a leaf by bit 7 at every level. At level 1 that bit is PAT
 * for the hardware and Linux programs the PAT differently, so a software bit marks
 * leaves here [model 10.2]. The memory type of region RAM must stay write-back,
 * so the cache policy and GLOBAL live in software bits too and decode unchanged.
 */
#ifndef VMS_PTE_H
#define VMS_PTE_H

#include <linux/bits.h>
#include <linux/types.h>
#include <uapi/linux/vmstore.h>

#define VMS_PAGE_SHIFT		12
#define VMS_PAGE_SIZE		4096ULL
#define VMS_NR_ENTRIES		512
#define VMS_NR_LEVELS		4
#define VMS_MAX_LEAF_LEVEL	2	/* HIGHEST_TRANSLATION_LEVEL */
#define VMS_USER_ROOT_ENTRIES	256	/* root entries of the user half */

#define VMS_PTE_PRESENT		BIT_ULL(0)
#define VMS_PTE_WRITE		BIT_ULL(1)
#define VMS_PTE_USER		BIT_ULL(2)
#define VMS_PTE_ACCESSED	BIT_ULL(5)
#define VMS_PTE_DIRTY		BIT_ULL(6)
#define VMS_PTE_PS		BIT_ULL(7)	/* leaf above level 1, for the hardware */
#define VMS_PTE_LEAF		BIT_ULL(9)	/* software: a leaf, at every level */
#define VMS_PTE_CACHE_SHIFT	10		/* software: enum vmstore_cache, 2 bits */
#define VMS_PTE_CACHE_MASK	GENMASK_ULL(11, 10)
#define VMS_PTE_AVAIL1		BIT_ULL(52)
#define VMS_PTE_AVAIL2		BIT_ULL(53)
#define VMS_PTE_GLOBAL		BIT_ULL(54)	/* software: PRIV_GLOBAL */
#define VMS_PTE_NX		BIT_ULL(63)
#define VMS_PTE_PA_MASK		GENMASK_ULL(51, 12)

/* What the hardware sets behind our back */
#define VMS_PTE_AD		(VMS_PTE_ACCESSED | VMS_PTE_DIRTY)
/* A table entry; the hardware may add ACCESSED */
#define VMS_PTE_TABLE_BITS	(VMS_PTE_PRESENT | VMS_PTE_WRITE | VMS_PTE_USER)
/* Bits a leaf may have besides its address; PS depends on the level */
#define VMS_PTE_LEAF_BITS	(VMS_PTE_PRESENT | VMS_PTE_WRITE | VMS_PTE_USER | \
				 VMS_PTE_AD | VMS_PTE_PS | VMS_PTE_LEAF | \
				 VMS_PTE_CACHE_MASK | VMS_PTE_AVAIL1 | \
				 VMS_PTE_AVAIL2 | VMS_PTE_GLOBAL | VMS_PTE_NX)

enum vms_entry_kind {
	VMS_ENTRY_NONE,
	VMS_ENTRY_TABLE,
	VMS_ENTRY_LEAF,
};

/* vms_page_size - bytes an entry of a table at @level (1..5) translates */
static inline u64 vms_page_size(int level)
{
	return VMS_PAGE_SIZE << (9 * (level - 1));
}

/* vms_pte_index - which entry of a table at @level translates @va */
static inline unsigned int vms_pte_index(u64 va, int level)
{
	return (va >> (VMS_PAGE_SHIFT + 9 * (level - 1))) & (VMS_NR_ENTRIES - 1);
}

/* vms_span_start - first address of the entry at @level that translates @va */
static inline u64 vms_span_start(u64 va, int level)
{
	return va & ~(vms_page_size(level) - 1);
}

static inline bool vms_page_aligned(u64 x)
{
	return !(x & (VMS_PAGE_SIZE - 1));
}

static inline enum vms_entry_kind vms_pte_kind(u64 pte)
{
	if (!pte)
		return VMS_ENTRY_NONE;
	return pte & VMS_PTE_LEAF ? VMS_ENTRY_LEAF : VMS_ENTRY_TABLE;
}

/* vms_pte_pa - the machine address in @pte */
static inline u64 vms_pte_pa(u64 pte)
{
	return pte & VMS_PTE_PA_MASK;
}

static inline u64 vms_pte_make_table(u64 pa)
{
	return pa | VMS_PTE_TABLE_BITS;
}

/* Are only bits set that the model knows? SHARED is one it knows and vmstore refuses */
static inline bool vms_prop_bits_defined(struct vmstore_prop prop)
{
	return !(prop.flags & 0x20) && !(prop.priv & ~(VMSTORE_PRIV_USER |
						       VMSTORE_PRIV_GLOBAL |
						       VMSTORE_PRIV_SHARED));
}

/**
 * vms_prop_encodable - can @prop be written into a leaf?
 * @prop: property from a caller
 *
 * R must be set, as the proofs demand; WC, WP and SHARED have no encoding here
 * [N-PageProperty]. Undefined bits are refused.
 *
 * Return: true when it can.
 */
static inline bool vms_prop_encodable(struct vmstore_prop prop)
{
	return (prop.flags & VMSTORE_PROP_R) && vms_prop_bits_defined(prop) &&
	       !(prop.priv & VMSTORE_PRIV_SHARED) &&
	       prop.cache <= VMSTORE_CACHE_UC && !prop.__reserved;
}

/* vms_pte_make_leaf - @prop must be encodable, @pa aligned to the page of @level */
static inline u64 vms_pte_make_leaf(u64 pa, int level, struct vmstore_prop prop)
{
	u64 pte = pa | VMS_PTE_LEAF;

	if (level > 1)
		pte |= VMS_PTE_PS;
	if (prop.flags & VMSTORE_PROP_R)
		pte |= VMS_PTE_PRESENT;
	if (prop.flags & VMSTORE_PROP_W)
		pte |= VMS_PTE_WRITE;
	if (!(prop.flags & VMSTORE_PROP_X))
		pte |= VMS_PTE_NX;
	if (prop.flags & VMSTORE_PROP_ACCESSED)
		pte |= VMS_PTE_ACCESSED;
	if (prop.flags & VMSTORE_PROP_DIRTY)
		pte |= VMS_PTE_DIRTY;
	if (prop.flags & VMSTORE_PROP_AVAIL1)
		pte |= VMS_PTE_AVAIL1;
	if (prop.flags & VMSTORE_PROP_AVAIL2)
		pte |= VMS_PTE_AVAIL2;
	if (prop.priv & VMSTORE_PRIV_USER)
		pte |= VMS_PTE_USER;
	if (prop.priv & VMSTORE_PRIV_GLOBAL)
		pte |= VMS_PTE_GLOBAL;
	return pte | (u64)prop.cache << VMS_PTE_CACHE_SHIFT;
}

/* vms_pte_prop - decode the property of a leaf, A and D as the hardware left them */
static inline struct vmstore_prop vms_pte_prop(u64 pte)
{
	struct vmstore_prop prop = {
		.cache = (pte & VMS_PTE_CACHE_MASK) >> VMS_PTE_CACHE_SHIFT,
	};

	if (pte & VMS_PTE_PRESENT)
		prop.flags |= VMSTORE_PROP_R;
	if (pte & VMS_PTE_WRITE)
		prop.flags |= VMSTORE_PROP_W;
	if (!(pte & VMS_PTE_NX))
		prop.flags |= VMSTORE_PROP_X;
	if (pte & VMS_PTE_ACCESSED)
		prop.flags |= VMSTORE_PROP_ACCESSED;
	if (pte & VMS_PTE_DIRTY)
		prop.flags |= VMSTORE_PROP_DIRTY;
	if (pte & VMS_PTE_AVAIL1)
		prop.flags |= VMSTORE_PROP_AVAIL1;
	if (pte & VMS_PTE_AVAIL2)
		prop.flags |= VMSTORE_PROP_AVAIL2;
	if (pte & VMS_PTE_USER)
		prop.priv |= VMSTORE_PRIV_USER;
	if (pte & VMS_PTE_GLOBAL)
		prop.priv |= VMSTORE_PRIV_GLOBAL;
	return prop;
}

/* vms_pte_accessed, vms_pte_dirty - what the hardware has set in a leaf */
static inline bool vms_pte_accessed(u64 pte)
{
	return pte & VMS_PTE_ACCESSED;
}

static inline bool vms_pte_dirty(u64 pte)
{
	return pte & VMS_PTE_DIRTY;
}

/**
 * vms_pte_well_formed - are the bits of @pte those of an entry at @level?
 * @pte: an entry read from a table
 * @level: level of that table
 *
 * What the checker tests first (P3, P7): anything else was not written by vmstore
 * or the hardware's walker.
 *
 * Return: true when they are.
 */
static inline bool vms_pte_well_formed(u64 pte, int level)
{
	u64 bits = pte & ~VMS_PTE_PA_MASK;

	switch (vms_pte_kind(pte)) {
	case VMS_ENTRY_NONE:
		return true;
	case VMS_ENTRY_TABLE:
		return level > 1 && (bits & ~VMS_PTE_ACCESSED) == VMS_PTE_TABLE_BITS;
	case VMS_ENTRY_LEAF:
		return !(bits & ~(VMS_PTE_LEAF_BITS)) && (bits & VMS_PTE_PRESENT) &&
		       !!(bits & VMS_PTE_PS) == (level > 1) &&
		       (bits & VMS_PTE_CACHE_MASK) != VMS_PTE_CACHE_MASK;
	}
	return false;
}

#endif /* VMS_PTE_H */
