// SPDX-License-Identifier: GPL-2.0-only
/* TlbModel.mappings: see tlb_model.h. */

#include <linux/slab.h>

#include "tlb_model.h"

/**
 * vms_tlb_model_alloc - an empty set
 * @touch: of the store
 *
 * May sleep.
 *
 * Return: the set, or NULL.
 */
struct vms_tlb_model *vms_tlb_model_alloc(struct vms_touch *touch)
{
	struct vms_tlb_model *model = kzalloc(sizeof(*model), GFP_KERNEL_ACCOUNT);

	if (model)
		model->touch = touch;
	return model;
}

/* vms_tlb_model_free - NULL is fine */
void vms_tlb_model_free(struct vms_tlb_model *model)
{
	kfree(model);
}

static void vms_tlb_model_touch(struct vms_tlb_model *model)
{
	model->touch->kinds |= VMS_TOUCH_TLB;
}

/* T2 and T3 of the set with @new in it */
static bool vms_tlb_model_takes(const struct vms_tlb_model *model, const struct vms_mapping *new)
{
	u32 i;

	for (i = 0; i < model->nr; i++)
		if (vms_mapping_meets_va(&model->mapping[i], new) ||
		    vms_mapping_meets_pa(&model->mapping[i], new))
			return false;
	return true;
}

/*
 * The leaf over @va, if there is one, and in a node, so none of the linear window. T1 is what
 * a walk demands of a leaf
 */
static bool vms_mapping_walk(struct vms_mmu *mmu, struct vms_root *root, u64 va,
			     struct vms_mapping *m)
{
	struct vms_walk w;

	if (vms_mmu_walk(mmu, root, va, &w) || vms_pte_kind(w.pte[w.level]) != VMS_ENTRY_LEAF)
		return false;
	*m = (struct vms_mapping) {
		.space = va < VMSTORE_KERNEL_BASE ? root->tag : VMS_KERNEL_TAG,
		.va = vms_span_start(va, w.level),
		.pte = w.pte[w.level] & ~VMS_PTE_AD,
		.level = w.level,
		.fresh = true,
	};
	return !vms_region_slot_of_pa(mmu->region, vms_pte_pa(w.pte[w.level + 1]), &m->node);
}

/**
 * vms_tlb_model_admit - an access has used a translation
 * @model: set
 * @mmu: machine
 * @root: through which
 * @va: address; what is in the linear window is left out
 *
 * Enters what the table says now, unless something in the set meets it. A full set lets go
 * of one, as a TLB may at any time.
 */
void vms_tlb_model_admit(struct vms_tlb_model *model, struct vms_mmu *mmu,
			 struct vms_root *root, u64 va)
{
	struct vms_mapping new;
	u32 at = model->nr;

	if (!vms_mapping_walk(mmu, root, va, &new))
		return;
	if (!vms_tlb_model_takes(model, &new) && !VMS_WRONG(MAPPING_ADMITTED))
		return;
	if (at == VMS_TLB_MODEL_MAX)
		at = model->victim++ % VMS_TLB_MODEL_MAX;
	else
		model->nr++;
	model->mapping[at] = new;
	vms_tlb_model_touch(model);
}

static bool vms_mapping_is_flushed(const struct vms_mapping *m, const struct vms_flush *f)
{
	bool kernel = m->space == VMS_KERNEL_TAG;
	u32 i;

	if (f->all)
		return !kernel || f->global;
	for (i = 0; i < f->nr; i++)
		if (f->ops[i].start < vms_mapping_end(m) && m->va < f->ops[i].end &&
		    (kernel || f->ops[i].tag == m->space))
			return true;
	return false;
}

static void vms_tlb_model_remove(struct vms_tlb_model *model, u32 i)
{
	model->mapping[i] = model->mapping[--model->nr];
	vms_tlb_model_touch(model);
}

/**
 * vms_tlb_model_flush - requests are dispatched: what they meet is cached no more [Tl10]
 * @model: set
 * @f: all of them have their full effect; everything means every space
 */
void vms_tlb_model_flush(struct vms_tlb_model *model, const struct vms_flush *f)
{
	u32 i = model->nr;

	if (VMS_WRONG(MAPPING_KEPT))
		return;
	while (i--)
		if (vms_mapping_is_flushed(&model->mapping[i], f))
			vms_tlb_model_remove(model, i);
}

/**
 * vms_tlb_model_forget - a space goes, and the machine forgets its root
 * @model: set
 * @space: its id
 */
void vms_tlb_model_forget(struct vms_tlb_model *model, u64 space)
{
	u32 i = model->nr;

	while (i--)
		if (model->mapping[i].space == space && !VMS_WRONG(MAPPING_LEFT))
			vms_tlb_model_remove(model, i);
}
