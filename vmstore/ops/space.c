// SPDX-License-Identifier: GPL-2.0-only
/* Operations on address spaces [model 5.1]. */

#include <linux/err.h>
#include <linux/slab.h>

#include "ops.h"

int vms_op_space_new(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vms_space *space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	u64 id;
	int err;

	if (!space)
		return -ENOMEM;
	err = vms_registry_reserve(&s->spaces, &id);
	if (err)
		goto free;
	err = vms_space_init(space, &s->mmu, id);
	if (err)
		goto release;
	err = vms_store_insert_space(s, id, space);
	vms_op_must(err);
	if (err)	/* its root stays as it is, for the checker to see */
		goto exit;
	step->op->out.id = id;
	return 0;

exit:
	s->mmu.ops->root_exit(&s->mmu, &space->pt.mroot);
release:
	vms_registry_release(&s->spaces, id);
free:
	kfree(space);
	return err;
}

int vms_op_space_drop(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vmstore_out_space_drop *out = &step->op->out.space_drop;
	u64 id = step->op->arg.id.id;
	struct vms_space *space = vms_store_extract_space(s, id);
	struct vms_removed sum = {};

	if (IS_ERR(space))
		return PTR_ERR(space);
	vms_space_exit(space, &s->mmu, &sum);
	if (s->tlb.model)
		vms_tlb_model_forget(s->tlb.model, id);
	vms_registry_release(&s->spaces, id);
	kfree_rcu(space, rcu);
	out->leaves = sum.leaves;
	out->nodes = sum.nodes;
	out->frames_freed = sum.freed;
	return 0;
}

int vms_op_space_activate(struct vms_step *step)
{
	struct vms_store *s = step->store;
	u64 id = step->op->arg.id.id;
	bool resident = step->op->flags & VMSTORE_OPF_RESIDENT;
	struct vms_space *space = NULL;
	int err;

	if (id) {
		space = vms_store_get_space(s, id);
		if (!space)
			return -ENOENT;
	}
	err = vms_space_activate(&s->act, &s->mmu, step->op->cpu, space,
				 id && resident ? VMS_ROOT_RESIDENT : 0);
	if (space)
		vms_space_put(space);
	return err;
}
