// SPDX-License-Identifier: GPL-2.0-only
/* Single accesses through the MMU. */

#include "ops.h"

#define VMS_WATCH_TIME	(2 * HZ)

/* What an access may reach through the linear window is held, where it is one */
struct vms_access_target {
	bool held;
	u32 slot;
};

static bool vms_width_valid(u64 va, u32 width)
{
	return (width == 1 || width == 2 || width == 4 || width == 8) && !(va & (width - 1));
}

/*
 * Through the linear window only a shared data frame can be reached. A reference is
 * held meanwhile, or it might become a node under the access. Whatever is mapped in an
 * area is data, so that needs no look at what it is.
 */
static int vms_access_hold(struct vms_store *s, u64 va, u64 len, struct vms_access_target *t)
{
	int err;

	t->held = false;
	if (va < VMSTORE_MAX_USERSPACE_VADDR || vms_va_in_kvirt(va))
		return 0;
	err = vms_linear_slot(&s->region, va, len, &t->slot);
	if (err)
		return err;
	err = vms_slot_from_in_use(&s->region, t->slot);
	if (err)
		return err == -EAGAIN ? err : -EACCES;
	t->held = true;
	return 0;
}

static void vms_access_release(struct vms_store *s, const struct vms_access_target *t)
{
	if (t->held)
		vms_slot_put(&s->region, t->slot);
}

int vms_op_access(struct vms_step *step)
{
	const struct vmstore_arg_access *arg = &step->op->arg.access;
	struct vmstore_out_access *out = &step->op->out.access;
	struct vms_store *s = step->store;
	u64 value = arg->value;
	struct vms_access a = {
		.va = arg->va,
		.buf = &value,
		.len = arg->width,
		.write = step->op->flags & VMSTORE_OPF_WRITE,
	};
	struct vms_access_target target;
	struct vms_space *space;
	int err;

	if (arg->__reserved || !vms_width_valid(arg->va, arg->width))
		return -EINVAL;
	space = vms_store_get_space(s, arg->space);
	if (!space)
		return -ENOENT;
	if (!a.write)
		value = 0;
	err = vms_access_hold(s, a.va, a.len, &target);
	if (!err) {
		err = vms_space_access(space, &s->mmu, step->op->cpu, &a);
		vms_access_release(s, &target);
	}
	if (!err && s->tlb.model)
		vms_tlb_model_admit(s->tlb.model, &s->mmu, &space->pt.mroot, a.va);
	vms_space_put(space);
	out->fault = a.fault;
	if (!err && !a.write)
		out->value = value;
	return err;
}

static struct vmstore_watch_count vms_out_count(const struct vms_watch_count *count)
{
	return (struct vmstore_watch_count) {
		.same = count->same,
		.stale = count->stale,
		.other = count->other,
		.fault = count->fault,
	};
}

static int vms_watch(struct vms_step *step, struct vms_space *space, struct vms_watch *w)
{
	struct vms_store *s = step->store;
	struct vms_access_target target;
	int err;

	if (!vms_space_active(&s->act, step->op->cpu, space))
		return -EACCES;
	err = vms_access_hold(s, w->va, w->width, &target);
	if (err)
		return err;
	err = vms_space_watch(space, &s->mmu, step->op->cpu, w);
	vms_access_release(s, &target);
	return err;
}

int vms_op_tlb_watch(struct vms_step *step)
{
	const struct vmstore_arg_watch *arg = &step->op->arg.watch;
	struct vms_watch w = {
		.va = arg->va,
		.width = arg->width,
		.loads = arg->loads,
		.until = jiffies + VMS_WATCH_TIME,
	};
	struct vms_space *space;
	int err;

	if (!vms_width_valid(w.va, w.width) || !w.loads || w.loads > VMSTORE_MAX_LOADS)
		return -EINVAL;
	space = vms_store_get_space(step->store, arg->space);
	if (!space)
		return -ENOENT;
	err = vms_watch(step, space, &w);
	vms_space_put(space);
	if (err)
		return err;
	step->op->out.watch = (struct vmstore_out_watch) {
		.first = w.first,
		.before = vms_out_count(&w.before),
		.after = vms_out_count(&w.after),
		.flushes = w.flushes,
		.first_fault = w.first_fault,
	};
	return 0;
}
