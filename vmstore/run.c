// SPDX-License-Identifier: GPL-2.0-only
/* VMSTORE_RUN: operations are copied in, run and copied back one by one. */

#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "run.h"

/* What an operation of the batch produced, for VMSTORE_REF */
struct vms_produced {
	u64 id;
	enum vms_id_type type;
};

static struct vmstore_op __user *vms_run_op(const struct vmstore_run *run, u32 i)
{
	return u64_to_user_ptr(run->ops + (u64)i * run->op_size);
}

static int vms_run_validate(const struct vmstore_run *run)
{
	if (run->flags & ~VMSTORE_RUN_KEEP_GOING)
		return -EOPNOTSUPP;
	if (run->count > VMSTORE_MAX_BATCH)
		return -EINVAL;
	if (run->op_size < sizeof(struct vmstore_op) || run->ops % __alignof__(u64) ||
	    run->op_size % __alignof__(u64))
		return -EINVAL;
	if (run->op_size > PAGE_SIZE)
		return -E2BIG;
	return 0;
}

/* Also finds out that every element can be written before anything runs */
static int vms_run_cancel_all(const struct vmstore_run *run)
{
	u32 i;

	for (i = 0; i < run->count; i++) {
		if (put_user(-ECANCELED, &vms_run_op(run, i)->out_errno))
			return -EFAULT;
		if (!(i % 1024))
			cond_resched();
	}
	return 0;
}

/* An argument that is a reference becomes the id it refers to */
static int vms_run_resolve(struct vmstore_op *op, const struct vms_op_row *row,
			   const struct vms_produced *produced, u32 n)
{
	int k;

	for (k = 0; k < VMS_MAX_ID_ARGS && row->id_arg[k] != VMS_ID_NONE; k++) {
		u64 ref = op->arg.raw[k] & ~VMSTORE_REF_FLAG;

		if (!(op->arg.raw[k] & VMSTORE_REF_FLAG))
			continue;
		if (ref >= n)
			return -EINVAL;
		ref = array_index_nospec(ref, n);
		if (!produced[ref].id || produced[ref].type != row->id_arg[k])
			return -EINVAL;
		op->arg.raw[k] = produced[ref].id;
	}
	return 0;
}

static int vms_run_write_back(struct vmstore_op __user *uop, const struct vmstore_op *op)
{
	if (copy_to_user(&uop->out, &op->out, sizeof(op->out)) ||
	    put_user(op->out_errno, &uop->out_errno))
		return -EFAULT;
	return 0;
}

static int vms_run_one(struct vms_store *s, const struct vmstore_run *run, u32 i,
		       struct vms_produced *produced, bool *failed)
{
	struct vmstore_op __user *uop = vms_run_op(run, i);
	const struct vms_op_row *row;
	struct vmstore_op op;
	int err = copy_struct_from_user(&op, sizeof(op), uop, run->op_size);

	if (err)
		return err;
	row = vms_op_row(op.opcode);
	memset(&op.out, 0, sizeof(op.out));
	op.out_errno = row ? vms_run_resolve(&op, row, produced, i) : -EOPNOTSUPP;
	if (!op.out_errno)
		vms_step(s, &op);

	*failed = op.out_errno;
	produced[i].id = op.out_errno ? 0 : op.out.id;
	produced[i].type = row ? row->id_out : VMS_ID_NONE;
	return vms_run_write_back(uop, &op);
}

/**
 * vms_run - run a batch
 * @s: ready store
 * @run: argument of VMSTORE_RUN; out_ran and out_failed are written
 *
 * Process context, may sleep. No lock is held while user memory is touched.
 *
 * Return: as documented for VMSTORE_RUN.
 */
int vms_run(struct vms_store *s, struct vmstore_run *run)
{
	struct vms_produced *produced;
	int err = vms_run_validate(run);
	u32 i;

	if (err)
		return err;
	run->out_ran = 0;
	run->out_failed = 0;
	err = vms_run_cancel_all(run);
	if (err || !run->count)
		return err;
	produced = kvcalloc(run->count, sizeof(*produced), GFP_KERNEL_ACCOUNT);
	if (!produced)
		return -ENOMEM;

	for (i = 0; i < run->count; i++) {
		bool failed = false;

		if (signal_pending(current)) {
			err = -EINTR;
			break;
		}
		err = vms_run_one(s, run, i, produced, &failed);
		run->out_ran += !err;
		run->out_failed += failed;
		if (err || (failed && !(run->flags & VMSTORE_RUN_KEEP_GOING)))
			break;
		cond_resched();
	}
	kvfree(produced);
	return err;
}
