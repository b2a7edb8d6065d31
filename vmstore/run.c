// SPDX-License-Identifier: GPL-2.0-only
/* VMSTORE_RUN: operations are copied in, run and copied back one by one. */

#include <linux/nospec.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "run.h"

/* What an operation of the batch produced, for VMSTORE_REF and VMSTORE_REF_SECOND */
struct vms_produced {
	u64 id[2];
	enum vms_id_type type;
};

/* A batch in progress: what was asked, and what the first @nr operations produced */
struct vms_batch {
	const struct vmstore_run *run;
	struct vms_produced *produced;
	u32 nr;
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

/* An id that is a reference becomes the id it refers to */
static int vms_run_resolve_id(const struct vms_batch *batch, enum vms_id_type type, u64 *id)
{
	u64 ref = *id & ~(VMSTORE_REF_FLAG | VMSTORE_REF_SECOND_FLAG);
	const struct vms_produced *produced;

	if (!(*id & VMSTORE_REF_FLAG))
		return 0;
	if (ref >= batch->nr)
		return -EINVAL;
	produced = &batch->produced[array_index_nospec(ref, batch->nr)];
	ref = produced->id[*id & VMSTORE_REF_SECOND_FLAG ? 1 : 0];
	if (!ref || produced->type != type)
		return -EINVAL;
	*id = ref;
	return 0;
}

static int vms_run_resolve(const struct vms_batch *batch, const struct vms_op_row *row,
			   struct vmstore_op *op)
{
	int err = 0;
	int k;

	for (k = 0; !err && k < VMS_MAX_ID_ARGS && row->id_arg[k] != VMS_ID_NONE; k++)
		err = vms_run_resolve_id(batch, row->id_arg[k], &op->arg.raw[k]);
	return err;
}

static int vms_run_data_in(const struct vms_batch *batch, const struct vms_op_row *row,
			   void *data, const void __user *udata, u64 len)
{
	int err = 0;
	u64 i;

	if (copy_from_user(data, udata, len))
		return -EFAULT;
	if (row->data != VMS_DATA_FRAMES)
		return 0;
	for (i = 0; !err && i < len / sizeof(u64); i++)
		err = vms_run_resolve_id(batch, VMS_ID_FRAME, (u64 *)data + i);
	return err;
}

/*
 * Kernel memory for what the operation moves, filled if it reads. Memory that cannot be
 * written is found out before the operation runs, and without writing to it: an operation
 * that fails leaves it as it was.
 */
static int vms_run_data_get(const struct vms_batch *batch, const struct vms_op_row *row,
			    const struct vmstore_op *op, void **data)
{
	char __user *udata = u64_to_user_ptr(op->arg.raw[VMS_DATA_ARG]);
	u64 len = row->data == VMS_DATA_NONE ? 0 : row->data_len(op);
	int err;

	*data = NULL;
	if (!len)
		return 0;
	if (len > VMSTORE_MAX_DATA)
		return -EINVAL;
	if (row->data == VMS_DATA_OUT && fault_in_safe_writeable(udata, len))
		return -EFAULT;
	*data = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	if (!*data)
		return -ENOMEM;
	err = row->data == VMS_DATA_OUT ? 0 : vms_run_data_in(batch, row, *data, udata, len);
	if (err) {
		kvfree(*data);
		*data = NULL;
	}
	return err;
}

static int vms_run_data_put(const struct vms_op_row *row, const struct vmstore_op *op,
			    const void *data)
{
	if (row->data != VMS_DATA_OUT || op->out_errno || !data)
		return 0;
	if (copy_to_user(u64_to_user_ptr(op->arg.raw[VMS_DATA_ARG]), data, op->out.io.done))
		return -EFAULT;
	return 0;
}

static int vms_run_write_back(struct vmstore_op __user *uop, const struct vmstore_op *op)
{
	if (copy_to_user(&uop->out, &op->out, sizeof(op->out)) ||
	    put_user(op->out_errno, &uop->out_errno))
		return -EFAULT;
	return 0;
}

/* With its arguments in kernel memory; what is wrong with them is the operation's failure */
static int vms_run_step(struct vms_store *s, const struct vms_batch *batch,
			const struct vms_op_row *row, struct vmstore_op *op)
{
	void *data;
	int err;

	memset(&op->out, 0, sizeof(op->out));
	op->out_errno = row ? vms_run_resolve(batch, row, op) : -EOPNOTSUPP;
	if (op->out_errno)
		return 0;
	op->out_errno = vms_run_data_get(batch, row, op, &data);
	if (op->out_errno)
		return 0;
	vms_step(s, op, data);
	err = vms_run_data_put(row, op, data);
	kvfree(data);
	return err;
}

static void vms_run_note(struct vms_produced *produced, const struct vms_op_row *row,
			 const struct vmstore_op *op)
{
	if (!row || op->out_errno)
		return;
	produced->type = row->id_out;
	produced->id[0] = op->out.id;
	/* Nothing else makes two */
	if (row->id_out == VMS_ID_SEGMENT)
		produced->id[1] = op->out.segment.second;
}

static int vms_run_one(struct vms_store *s, struct vms_batch *batch, bool *failed)
{
	struct vmstore_op __user *uop = vms_run_op(batch->run, batch->nr);
	const struct vms_op_row *row;
	struct vmstore_op op;
	int err = copy_struct_from_user(&op, sizeof(op), uop, batch->run->op_size);

	if (err)
		return err;
	row = vms_op_row(op.opcode);
	err = vms_run_step(s, batch, row, &op);
	*failed = op.out_errno;
	vms_run_note(&batch->produced[batch->nr], row, &op);
	batch->nr++;
	return vms_run_write_back(uop, &op) ?: err;
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
	struct vms_batch batch = { .run = run };
	int err = vms_run_validate(run);

	if (err)
		return err;
	run->out_ran = 0;
	run->out_failed = 0;
	err = vms_run_cancel_all(run);
	if (err || !run->count)
		return err;
	batch.produced = kvcalloc(run->count, sizeof(*batch.produced), GFP_KERNEL_ACCOUNT);
	if (!batch.produced)
		return -ENOMEM;

	while (batch.nr < run->count) {
		bool failed = false;

		if (signal_pending(current)) {
			err = -EINTR;
			break;
		}
		err = vms_run_one(s, &batch, &failed);
		run->out_ran += !err;
		run->out_failed += failed;
		if (err || (failed && !(run->flags & VMSTORE_RUN_KEEP_GOING)))
			break;
		cond_resched();
	}
	kvfree(batch.produced);
	return err;
}
