// SPDX-License-Identifier: GPL-2.0-only
/* The flusher as operations [model 5.2 O-Flusher, 7]. */

#include <linux/err.h>

#include "ops.h"

/* Everything has no range, anything else has one */
static int vms_op_check_flush(const struct vms_step *step, u64 va, u64 len)
{
	bool all = step->op->flags & VMSTORE_OPF_ALL;

	if (!vms_page_aligned(va) || !vms_page_aligned(len) || all != !len || (all && va))
		return -EINVAL;
	return 0;
}

static bool vms_range_within(u64 va, u64 len, u64 start, u64 end)
{
	return va >= start && va <= end && len <= end - va;
}

static void vms_out_tlb(struct vms_step *step, struct vms_cursor *c, u64 asked, u32 waited)
{
	step->op->out.tlb = (struct vmstore_out_tlb) {
		.asked = asked,
		.pending = vms_cursor_pending(c),
		.waited = waited,
	};
}

/* A request that a cursor may queue: of the user half */
static struct vms_cursor *vms_op_flush_cursor(struct vms_step *step, u64 id, u64 va, u64 len)
{
	int err = vms_op_check_flush(step, va, len);

	if (!err && !vms_range_within(va, len, 0, VMSTORE_USER_END))
		err = -EACCES;
	return err ? ERR_PTR(err) : vms_store_claim_cursor(step->store, id, true);
}

int vms_op_tlb_issue(struct vms_step *step)
{
	const struct vmstore_arg_flush *arg = &step->op->arg.flush;
	struct vms_cursor *c = vms_op_flush_cursor(step, arg->cursor, arg->va, arg->len);

	if (IS_ERR(c))
		return PTR_ERR(c);
	vms_cursor_issue(&step->store->tlb, c, arg->va, arg->len);
	vms_out_tlb(step, c, 0, 0);
	vms_cursor_unclaim(c);
	return 0;
}

int vms_op_tlb_issue_with(struct vms_step *step)
{
	const struct vmstore_arg_issue_with *arg = &step->op->arg.issue_with;
	struct vms_cursor *c = vms_op_flush_cursor(step, arg->cursor, arg->va, arg->len);
	struct vms_store *s = step->store;
	u32 slot;
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	err = vms_store_extract_frame(s, arg->frame, &slot);
	if (!err) {
		vms_cursor_issue_with(&s->tlb, c, arg->va, arg->len, slot);
		if (VMS_WRONG(ISSUE_HANDLE_KEPT))
			vms_op_must(vms_store_insert_frame(s, arg->frame, slot));
		else
			vms_registry_release(&s->frames, arg->frame);
		vms_out_tlb(step, c, 0, 0);
	}
	vms_cursor_unclaim(c);
	return err;
}

int vms_op_tlb_dispatch(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vms_cursor *c = vms_store_claim_cursor(s, step->op->arg.id.id, true);

	if (IS_ERR(c))
		return PTR_ERR(c);
	vms_out_tlb(step, c, vms_cursor_dispatch(&s->tlb, c), 0);
	vms_cursor_unclaim(c);
	return 0;
}

int vms_op_tlb_sync(struct vms_step *step)
{
	struct vms_store *s = step->store;
	struct vms_cursor *c = vms_store_claim_cursor(s, step->op->arg.id.id, true);

	if (IS_ERR(c))
		return PTR_ERR(c);
	vms_out_tlb(step, c, 0, vms_cursor_sync(&s->tlb, c));
	vms_cursor_unclaim(c);
	return 0;
}

int vms_op_tlb_flush_local(struct vms_step *step)
{
	const struct vmstore_arg_flush_local *arg = &step->op->arg.flush_local;
	struct vms_store *s = step->store;
	struct vms_space *space;
	int err = vms_op_check_flush(step, arg->va, arg->len);

	if (err)
		return err;
	if (!vms_range_within(arg->va, arg->len, 0, VMSTORE_USER_END) &&
	    !vms_range_within(arg->va, arg->len, VMSTORE_KERNEL_BASE, VMSTORE_KVIRT_END))
		return -EACCES;
	space = vms_store_get_space(s, arg->space);
	if (!space)
		return -ENOENT;
	err = vms_tlb_flush_local(&s->tlb, step->op->cpu, &space->pt.mroot, arg->va,
				  arg->va + arg->len);
	vms_space_put(space);
	return err;
}
