/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The translations that the model considers cached: TlbModel.mappings [model 2.9, D5].
 *
 * One set for the whole store, without tags, so it is kept only as far as T1 to T3 hold of
 * it: what would meet another of them, in addresses or in frames, is left out. A
 * translation enters it when an access has used it, from a walk of the table, and leaves it
 * when a flush request that meets it is dispatched, or with its space. It is for the
 * checker (T4) and for people: no operation looks at it, and in check mode off there is
 * none.
 */
#ifndef VMS_TLB_MODEL_H
#define VMS_TLB_MODEL_H

#include "mmu.h"

/* More are not needed to notice what goes wrong, and each is compared with all others */
#define VMS_TLB_MODEL_MAX	64

/**
 * struct vms_mapping - a cached translation
 * @space: id of its space, which is the tag of the root; VMS_KERNEL_TAG = kernel half
 * @va: first address
 * @pte: the leaf, A and D masked
 * @node: slot of the node it was found in
 * @level: of the leaf
 * @fresh: by the checker: admitted since the last check
 * @gone: by the checker: at the last check it was not in the table any more
 */
struct vms_mapping {
	u64 space;
	u64 va;
	u64 pte;
	u32 node;
	u8 level;
	bool fresh;
	bool gone;
};

/**
 * struct vms_tlb_model - the set
 * @touch: where changes of it are marked
 * @nr: mappings
 * @victim: which one gives way when there is no room
 * @mapping: they, in no order
 *
 * As all of the checker it changes under the store's lock of modes step and full.
 */
struct vms_tlb_model {
	struct vms_touch *touch;
	u32 nr;
	u32 victim;
	struct vms_mapping mapping[VMS_TLB_MODEL_MAX];
};

struct vms_tlb_model *vms_tlb_model_alloc(struct vms_touch *touch);
void vms_tlb_model_free(struct vms_tlb_model *model);
void vms_tlb_model_admit(struct vms_tlb_model *model, struct vms_mmu *mmu,
			 struct vms_root *root, u64 va);
void vms_tlb_model_flush(struct vms_tlb_model *model, const struct vms_flush *f);
void vms_tlb_model_forget(struct vms_tlb_model *model, u64 space);

static inline u64 vms_mapping_end(const struct vms_mapping *m)
{
	return m->va + vms_page_size(m->level);
}

/* vms_mapping_meets_va, vms_mapping_meets_pa - do two overlap? [T2, T3] */
static inline bool vms_mapping_meets_va(const struct vms_mapping *a, const struct vms_mapping *b)
{
	return a->va < vms_mapping_end(b) && b->va < vms_mapping_end(a);
}

static inline bool vms_mapping_meets_pa(const struct vms_mapping *a, const struct vms_mapping *b)
{
	return vms_pte_pa(a->pte) < vms_pte_pa(b->pte) + vms_page_size(b->level) &&
	       vms_pte_pa(b->pte) < vms_pte_pa(a->pte) + vms_page_size(a->level);
}

#endif /* VMS_TLB_MODEL_H */
