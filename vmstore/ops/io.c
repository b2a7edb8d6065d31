// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations on readers and writers [model 5.3].
 *
 * What a fault leaves behind is the exception to "a failed operation changes nothing":
 * READ_VAL, COLLECT and WRITE_VAL stay where they were, FILL_ZEROS and the copies are
 * past the bytes done, and bytes that were written stay written.
 */

#include <linux/err.h>
#include <linux/slab.h>

#include "ops.h"

/* The outcome of an operation on @io that moved something, or failed to */
static int vms_io_outcome(struct vms_step *step, const struct vms_io *io,
			  const struct vms_moved *moved, int err)
{
	struct vmstore_out_io *out = &step->op->out.io;

	if (err && err != -EFAULT)
		return err;
	out->done = moved->done;
	out->fault = moved->fault;
	if (err)
		return err;
	out->cursor = io->cursor;
	out->end = io->end;
	return 0;
}

/* Of one that moved nothing */
static int vms_io_position(struct vms_step *step, const struct vms_io *io)
{
	const struct vms_moved none = {};

	return vms_io_outcome(step, io, &none, 0);
}

static int vms_io_width(const struct vmstore_arg_io_value *arg)
{
	if (arg->__reserved)
		return -EINVAL;
	if (arg->width != 1 && arg->width != 2 && arg->width != 4 && arg->width != 8)
		return -EINVAL;
	return 0;
}

/* --- life ------------------------------------------------------------------------- */

static int vms_io_setup_area(struct vms_store *s, struct vms_io *io, bool writer,
			     const struct vmstore_arg_kio_new *arg)
{
	struct vms_kvirt *area = vms_store_claim_kvirt_at(s, arg->vaddr);
	int err;

	if (IS_ERR(area))
		return PTR_ERR(area);
	err = vms_io_init_area(io, &s->kvirts, area, writer, arg->vaddr, arg->len);
	vms_kvirt_unclaim(area);
	return err;
}

static int vms_io_setup(struct vms_step *step, struct vms_io *io, struct vms_space *space,
			bool writer)
{
	const struct vmstore_arg_io_new *arg = &step->op->arg.io_new;
	const struct vmstore_arg_kio_new *karg = &step->op->arg.kio_new;
	struct vms_store *s = step->store;

	if (space)
		return vms_io_init_space(io, space, writer, arg->vaddr, arg->len);
	if (vms_va_in_kvirt(karg->vaddr))
		return vms_io_setup_area(s, io, writer, karg);
	return vms_io_init_kernel(io, &s->region, &s->kernel_pt, writer, karg->vaddr,
				  karg->len);
}

/* The caller is a user of @space, if that is not NULL, and on success @io is instead */
static int vms_io_new(struct vms_step *step, struct vms_space *space, bool writer)
{
	struct vms_store *s = step->store;
	struct vms_io *io = kzalloc(sizeof(*io), GFP_KERNEL_ACCOUNT);
	int err;

	if (!io)
		return -ENOMEM;
	err = vms_registry_reserve(&s->ios, &io->id);
	if (err)
		goto free;
	err = vms_io_setup(step, io, space, writer);
	if (err)
		goto release;
	err = vms_store_insert_io(s, io->id, io);
	if (err)
		goto exit;
	step->op->out.io.id = io->id;
	return vms_io_position(step, io);

exit:
	if (space)
		vms_space_get(space);	/* cannot fail: the caller was a user until now */
	vms_io_exit(io, &s->region, &s->kvirts);
release:
	vms_registry_release(&s->ios, io->id);
free:
	kfree(io);
	return err;
}

static int vms_op_io_new(struct vms_step *step, bool writer)
{
	struct vms_store *s = step->store;
	struct vms_space *space = vms_store_get_space(s, step->op->arg.io_new.space);
	int err = -EACCES;

	if (!space)
		return -ENOENT;
	if (vms_space_active(&s->act, step->op->cpu, space))
		err = vms_io_new(step, space, writer);
	if (err)
		vms_space_put(space);
	return err;
}

int vms_op_reader_new(struct vms_step *step)
{
	return vms_op_io_new(step, false);
}

int vms_op_writer_new(struct vms_step *step)
{
	return vms_op_io_new(step, true);
}

int vms_op_kreader_new(struct vms_step *step)
{
	return vms_io_new(step, NULL, false);
}

int vms_op_kwriter_new(struct vms_step *step)
{
	return vms_io_new(step, NULL, true);
}

static int vms_op_io_drop(struct vms_step *step, bool writer)
{
	struct vms_store *s = step->store;
	u64 id = step->op->arg.id.id;
	struct vms_io *io = vms_store_claim_io(s, id, writer);
	int err;

	if (IS_ERR(io))
		return PTR_ERR(io);
	err = vms_store_extract_io(s, id, &io);
	if (err) {
		vms_io_unclaim(io);
		return err;
	}
	vms_registry_release(&s->ios, id);
	vms_io_position(step, io);
	vms_io_exit(io, &s->region, &s->kvirts);
	kfree_rcu(io, rcu);		/* stays claimed */
	return 0;
}

int vms_op_reader_drop(struct vms_step *step)
{
	return vms_op_io_drop(step, false);
}

int vms_op_writer_drop(struct vms_step *step)
{
	return vms_op_io_drop(step, true);
}

/* --- position ----------------------------------------------------------------------- */

static int vms_op_io_limit(struct vms_step *step, bool writer)
{
	const struct vmstore_arg_io_len *arg = &step->op->arg.io_len;
	struct vms_io *io = vms_store_claim_io(step->store, arg->io, writer);

	if (IS_ERR(io))
		return PTR_ERR(io);
	if (arg->n < vms_io_remain(io))
		io->end = io->cursor + arg->n;
	vms_io_position(step, io);
	vms_io_unclaim(io);
	return 0;
}

int vms_op_reader_limit(struct vms_step *step)
{
	return vms_op_io_limit(step, false);
}

int vms_op_writer_limit(struct vms_step *step)
{
	return vms_op_io_limit(step, true);
}

static int vms_op_io_skip(struct vms_step *step, bool writer)
{
	const struct vmstore_arg_io_len *arg = &step->op->arg.io_len;
	struct vms_io *io = vms_store_claim_io(step->store, arg->io, writer);
	int err = -EINVAL;

	if (IS_ERR(io))
		return PTR_ERR(io);
	if (arg->n <= vms_io_remain(io)) {
		io->cursor += arg->n + VMS_WRONG(IO_PAST_END);
		err = vms_io_position(step, io);
	}
	vms_io_unclaim(io);
	return err;
}

int vms_op_reader_skip(struct vms_step *step)
{
	return vms_op_io_skip(step, false);
}

int vms_op_writer_skip(struct vms_step *step)
{
	return vms_op_io_skip(step, true);
}

static int vms_op_io_query(struct vms_step *step, bool writer)
{
	struct vms_io *io = vms_store_claim_io(step->store, step->op->arg.id.id, writer);

	if (IS_ERR(io))
		return PTR_ERR(io);
	vms_io_position(step, io);
	vms_io_unclaim(io);
	return 0;
}

int vms_op_reader_query(struct vms_step *step)
{
	return vms_op_io_query(step, false);
}

int vms_op_writer_query(struct vms_step *step)
{
	return vms_op_io_query(step, true);
}

/* --- values ------------------------------------------------------------------------- */

/* All of @len bytes, and then the cursor is behind them; else it stays */
static int vms_io_value(struct vms_step *step, struct vms_io *io, void *buf, u64 len)
{
	struct vms_moved moved;
	int err;

	if (len > vms_io_remain(io))
		return -EINVAL;
	err = vms_io_move(&step->store->mmu, step->op->cpu, io, buf, len, &moved);
	if (!err)
		io->cursor += len;
	return vms_io_outcome(step, io, &moved, err);
}

static int vms_op_io_val(struct vms_step *step, bool writer)
{
	const struct vmstore_arg_io_data *arg = &step->op->arg.io_data;
	struct vms_io *io = vms_store_claim_io(step->store, arg->io, writer);
	int err;

	if (IS_ERR(io))
		return PTR_ERR(io);
	err = vms_io_value(step, io, step->data, arg->len);
	vms_io_unclaim(io);
	return err;
}

int vms_op_reader_read_val(struct vms_step *step)
{
	return vms_op_io_val(step, false);
}

int vms_op_writer_write_val(struct vms_step *step)
{
	return vms_op_io_val(step, true);
}

int vms_op_reader_collect(struct vms_step *step)
{
	const struct vmstore_arg_io_data *arg = &step->op->arg.io_data;
	struct vms_io *io = vms_store_claim_io(step->store, arg->io, false);
	int err;

	if (IS_ERR(io))
		return PTR_ERR(io);
	if (vms_io_remain(io) > VMSTORE_MAX_DATA)
		err = -ENOMEM;
	else if (vms_io_remain(io) > arg->len)
		err = -EINVAL;
	else
		err = vms_io_value(step, io, step->data, vms_io_remain(io));
	vms_io_unclaim(io);
	return err;
}

/* One access of kernel memory, not torn */
static int vms_op_io_once(struct vms_step *step, bool writer)
{
	const struct vmstore_arg_io_value *arg = &step->op->arg.io_value;
	u64 value = arg->value;
	struct vms_io *io;
	int err = vms_io_width(arg);

	if (err || (!writer && value))
		return -EINVAL;
	io = vms_store_claim_io(step->store, arg->io, writer);
	if (IS_ERR(io))
		return PTR_ERR(io);
	if (io->space || io->cursor % arg->width)
		err = -EINVAL;
	else
		err = vms_io_value(step, io, &value, arg->width);
	if (!err && !writer)
		step->op->out.io.value = value;
	vms_io_unclaim(io);
	return err;
}

int vms_op_reader_read_once(struct vms_step *step)
{
	return vms_op_io_once(step, false);
}

int vms_op_writer_write_once(struct vms_step *step)
{
	return vms_op_io_once(step, true);
}

/* --- filling ------------------------------------------------------------------------ */

int vms_op_writer_fill_zeros(struct vms_step *step)
{
	const struct vmstore_arg_io_len *arg = &step->op->arg.io_len;
	struct vms_store *s = step->store;
	struct vms_io *io = vms_store_claim_io(s, arg->io, true);
	struct vms_moved moved;
	int err;

	if (IS_ERR(io))
		return PTR_ERR(io);
	err = vms_io_fill(&s->mmu, step->op->cpu, io, 0, 1, min(arg->n, vms_io_remain(io)),
			  &moved);
	err = vms_io_outcome(step, io, &moved, err);
	vms_io_unclaim(io);
	return err;
}

int vms_op_writer_fill(struct vms_step *step)
{
	const struct vmstore_arg_io_value *arg = &step->op->arg.io_value;
	struct vms_store *s = step->store;
	struct vms_moved moved = {};
	struct vms_io *io;
	int err = vms_io_width(arg);

	if (err)
		return err;
	io = vms_store_claim_io(s, arg->io, true);
	if (IS_ERR(io))
		return PTR_ERR(io);
	if (io->space || io->cursor % arg->width || vms_io_remain(io) % arg->width)
		err = -EINVAL;
	else
		err = vms_io_fill(&s->mmu, step->op->cpu, io, arg->value, arg->width,
				  vms_io_remain(io), &moved);
	moved.done /= arg->width;
	err = vms_io_outcome(step, io, &moved, err);
	vms_io_unclaim(io);
	return err;
}

/* --- copies ------------------------------------------------------------------------- */

/* Kernel to kernel, which cannot fault, or with a space on one side at least */
static int vms_op_io_copy(struct vms_step *step, bool fallible)
{
	const struct vmstore_arg_io_pair *arg = &step->op->arg.io_pair;
	struct vms_store *s = step->store;
	struct vms_io *source, *dest;
	struct vms_moved moved = {};
	int err = vms_store_claim_ios(s, arg->source, arg->dest, &source, &dest);

	if (err)
		return err;
	if ((source->space || dest->space) != fallible)
		err = -EINVAL;
	else
		err = vms_io_copy(&s->mmu, step->op->cpu, source, dest, &moved);
	err = vms_io_outcome(step, source, &moved, err);
	vms_io_unclaim(dest);
	vms_io_unclaim(source);
	return err;
}

/* READ and WRITE differ in whose method it is in the reference, and in nothing else */
int vms_op_io_read(struct vms_step *step)
{
	return vms_op_io_copy(step, false);
}

int vms_op_io_read_fallible(struct vms_step *step)
{
	return vms_op_io_copy(step, true);
}

u64 vms_op_io_data_len(const struct vmstore_op *op)
{
	return op->arg.io_data.len;
}
