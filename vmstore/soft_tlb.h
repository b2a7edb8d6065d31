/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one CPU of the simulated machine caches: translations, and on the way to them
 * entries of tables.
 *
 * Everything that is not global carries the tag of its root and the number of the load
 * that it was made under. A load of a root gets a new number: it flushes what the root's
 * tag had before, as a load of CR3 does, and leaves all other tags alone. Those keep what
 * they have, and nobody can use it. A flush of everything is a new number too: nothing with
 * an older one is there any more, though its place is not yet taken.
 *
 * No locks here: the machine has them.
 */
#ifndef VMS_SOFT_TLB_H
#define VMS_SOFT_TLB_H

#include "mmu.h"

#define VMS_SOFT_SETS		64
#define VMS_SOFT_WAYS		8
#define VMS_SOFT_ENTRIES	(VMS_SOFT_SETS * VMS_SOFT_WAYS)
#define VMS_SOFT_TABLES		16

/**
 * struct vms_soft_load - a root that is loaded
 * @root: which, NULL = none
 * @nr: number of the load, from 1
 */
struct vms_soft_load {
	struct vms_root *root;
	u64 nr;
};

/**
 * struct vms_soft_entry - a cached translation
 * @tag: of the root it was made for
 * @load: number of the load it was made under
 * @va: first address
 * @pte: the leaf as it was walked, with what the walk set
 * @kva: where the page is
 * @used: when it was last, by the clock of the CPU
 * @level: of the leaf; 0 = unused
 * @write: every level permitted writing
 * @global: valid under every root, only flushed by address
 */
struct vms_soft_entry {
	u64 tag;
	u64 load;
	u64 va;
	u64 pte;
	void *kva;
	u32 used;
	u8 level;
	bool write;
	bool global;
};

/**
 * struct vms_soft_table - a cached entry that is a table
 * @tag: as of a translation
 * @load: the same
 * @va: first address the entry translates
 * @table: the table it points at
 * @level: of the entry; 0 = unused
 */
struct vms_soft_table {
	u64 tag;
	u64 load;
	u64 va;
	u64 *table;
	u8 level;
};

/**
 * struct vms_soft_tlb - what one CPU caches
 * @active: the root that is active on it
 * @now: what it walks now, that or the root of a window
 * @loads: loads so far
 * @flushed: what is not global and was made under a load up to this one is not there
 * @clock: lookups so far
 * @nr: entries in use
 * @nr_large: of these, of level 2
 * @nr_global: of these, global
 * @nr_tables: tables in use
 * @victim: next one to evict of each set
 * @next_table: next one to evict
 * @entry: set i has those from i * VMS_SOFT_WAYS on
 * @table: in any order
 */
struct vms_soft_tlb {
	struct vms_soft_load active;
	struct vms_soft_load now;
	u64 loads;
	u64 flushed;
	u32 clock;
	u32 nr;
	u32 nr_large;
	u32 nr_global;
	u32 nr_tables;
	u8 victim[VMS_SOFT_SETS];
	u8 next_table;
	struct vms_soft_entry entry[VMS_SOFT_ENTRIES];
	struct vms_soft_table table[VMS_SOFT_TABLES];
};

void vms_soft_load(struct vms_soft_tlb *t, struct vms_root *r);
struct vms_soft_entry *vms_soft_lookup(struct vms_soft_tlb *t, u64 va, bool large_first);
void vms_soft_fill(struct vms_soft_tlb *t, const struct vms_soft_entry *new);
void vms_soft_drop(struct vms_soft_tlb *t, struct vms_soft_entry *e);
void vms_soft_evict(struct vms_soft_tlb *t, u32 random);
const struct vms_soft_table *vms_soft_table_lookup(const struct vms_soft_tlb *t, u64 va);
void vms_soft_tables_fill(struct vms_soft_tlb *t, u64 va, const struct vms_walk *w);
void vms_soft_tables_forget(struct vms_soft_tlb *t, u64 va);
void vms_soft_tlb_flush(struct vms_soft_tlb *t, const struct vms_flush *f);
void vms_soft_tlb_forget_tag(struct vms_soft_tlb *t, u64 tag);
bool vms_soft_tlb_cached(const struct vms_soft_tlb *t, u32 *pos, struct vms_cached *c);

#endif /* VMS_SOFT_TLB_H */
