// SPDX-License-Identifier: GPL-2.0-only
/* Accesses: what a CPU may have cached, and where a load or store goes. */

#include <stdint.h>
#include <stdlib.h>

#include "model.h"

/* --- translations that may be cached [7] --------------------------------------------- */

/* What the CPUs on which the space is active may have of [va, va + len) */
static struct orc_stale *orc_stale_get(struct orc_space *space, __u64 va, __u64 len,
				       __u64 paddr, bool write)
{
	struct orc_stale *stale;
	__u32 i;

	for (i = orc_lower(&space->stale, va); i < space->stale.nr; i++) {
		stale = orc_at(&space->stale, i);
		if (stale->va != va)
			break;
		if (stale->paddr == paddr && stale->len == len && stale->write == write)
			return stale;
	}
	stale = orc_add(&space->stale, va);
	stale->len = len;
	stale->paddr = paddr;
	stale->write = write;
	return stale;
}

/*
 * orc_stale_add - a translation is not what the tables say any more
 * @space: its space; CPUs on which that is not active hold nothing of it
 * @va: page
 * @paddr: of the frame
 * @write: it permits writing
 * @held: the frame's reference is gathered
 */
void orc_stale_add(struct orc_space *space, __u64 va, __u64 paddr, bool write, bool held)
{
	struct orc_stale *stale;

	if (!space->active)
		return;
	stale = orc_stale_get(space, va, ORC_PAGE, paddr, write);
	stale->cpus |= space->active;
	stale->state = ORC_CHANGED;
	stale->held |= held;
}

/* orc_stale_add_hole - tables of the range were removed */
void orc_stale_add_hole(struct orc_space *space, __u64 start, __u64 end)
{
	struct orc_stale *stale;

	if (!space->active)
		return;
	stale = orc_stale_get(space, start, end - start, ORC_HOLE, false);
	stale->cpus |= space->active;
	stale->state = ORC_CHANGED;
	stale->held = true;
}

static bool orc_stale_within(const struct orc_stale *stale, __u64 start, __u64 end)
{
	return stale->va >= start && stale->va + stale->len <= end;
}

/* orc_stale_issue - the cursor has a request for the range */
void orc_stale_issue(struct orc_space *space, const struct orc_cursor *c, __u64 start,
		     __u64 end)
{
	struct orc_stale *stale;

	orc_for_each(stale, &space->stale)
		if (orc_stale_within(stale, start, end)) {
			stale->state = ORC_QUEUED;
			stale->cursor = c->id;
		}
}

/* orc_stale_dispatch - the CPUs were asked for what the cursor had issued */
void orc_stale_dispatch(struct orc_space *space, const struct orc_cursor *c)
{
	struct orc_stale *stale;

	orc_for_each(stale, &space->stale)
		if (stale->cursor == c->id && stale->state == ORC_QUEUED)
			stale->state = ORC_SENT;
}

/* orc_stale_synced - the CPUs have flushed what the cursor had dispatched */
void orc_stale_synced(struct orc_space *space, const struct orc_cursor *c)
{
	__u32 i;

	for (i = space->stale.nr; i--;) {
		struct orc_stale *stale = orc_at(&space->stale, i);

		if (stale->cursor == c->id && stale->state == ORC_SENT)
			orc_del(&space->stale, stale);
	}
}

/* orc_stale_flushed - every CPU has flushed the range */
void orc_stale_flushed(struct orc_space *space, __u64 start, __u64 end)
{
	__u32 i;

	for (i = space->stale.nr; i--;) {
		struct orc_stale *stale = orc_at(&space->stale, i);

		if (orc_stale_within(stale, start, end))
			orc_del(&space->stale, stale);
	}
}

/* orc_stale_flushed_on - one CPU has flushed the range */
void orc_stale_flushed_on(struct orc_space *space, __u32 cpu, __u64 start, __u64 end)
{
	__u32 i;

	for (i = space->stale.nr; i--;) {
		struct orc_stale *stale = orc_at(&space->stale, i);

		if (!orc_stale_within(stale, start, end))
			continue;
		stale->cpus &= ~(1ULL << cpu);
		if (!stale->cpus)
			orc_del(&space->stale, stale);
	}
}

/* orc_stale_reused - the frame was unused: nothing cached may name it */
void orc_stale_reused(struct orc_state *s, __u64 paddr)
{
	struct orc_space *space;
	__u32 i;

	orc_for_each(space, &s->spaces)
		for (i = space->stale.nr; i--;) {
			struct orc_stale *stale = orc_at(&space->stale, i);

			if (stale->paddr == paddr)
				orc_del(&space->stale, stale);
		}
}

/* orc_stale_left - the space is not active on @cpu any more */
void orc_stale_left(struct orc_space *space, __u32 cpu)
{
	orc_stale_flushed_on(space, cpu, 0, VMSTORE_USER_END);
}

/**
 * orc_targets - where an access of a page may go
 * @space: space
 * @cpu: CPU of the access
 * @va: address in the page
 * @nr: out: how many
 *
 * The first is what the tables say now. Return: array to be freed.
 */
struct orc_target *orc_targets(const struct orc_space *space, __u32 cpu, __u64 va,
			       unsigned int *nr)
{
	__u64 page = va & -ORC_PAGE;
	const struct orc_leaf *leaf = orc_find(&space->leaves, page);
	const struct orc_stale *stale;
	struct orc_target *targets;

	targets = calloc(space->stale.nr + 1, sizeof(*targets));
	if (!targets)
		abort();
	if (leaf)
		targets[0] = (struct orc_target) {
			.mapped = true,
			.write = leaf->prop.flags & VMSTORE_PROP_W,
			.paddr = leaf->paddr,
		};
	*nr = 1;
	orc_for_each(stale, &space->stale) {
		if (page < stale->va || page - stale->va >= stale->len ||
		    !(stale->cpus & 1ULL << cpu))
			continue;
		targets[*nr].mapped = stale->paddr != ORC_HOLE;
		targets[*nr].write = stale->write;
		targets[(*nr)++].paddr = stale->paddr;
	}
	return targets;
}

/**
 * orc_accessed - the hardware's bits after an access that succeeded
 * @space: space
 * @va: address in the page
 * @write: the access was a store
 * @sure: it went through what the tables say now, and nothing else can be cached
 */
void orc_accessed(struct orc_space *space, __u64 va, bool write, bool sure)
{
	struct orc_leaf *leaf = orc_find(&space->leaves, va & -ORC_PAGE);
	__u8 bits = VMSTORE_PROP_ACCESSED | (write ? VMSTORE_PROP_DIRTY : 0);

	if (!leaf || (write && !(leaf->prop.flags & VMSTORE_PROP_W)))
		return;
	leaf->may |= bits;
	if (sure)
		leaf->must |= bits;
}

/* orc_adopt_ad - what the module says of the hardware's bits of a leaf */
void orc_adopt_ad(struct orc_step *t, struct orc_leaf *leaf, struct vmstore_prop got)
{
	__u8 ad = got.flags & ORC_AD;

	if (leaf->must & ~ad)
		orc_differ(t, "bits %#x of the leaf at %#llx were lost", leaf->must & ~ad,
			   leaf->va);
	if (ad & ~leaf->may)
		orc_differ(t, "bits %#x of the leaf at %#llx, which nothing has set",
			   ad & ~leaf->may, leaf->va);
	leaf->must = ad & leaf->may;
}

/* orc_fault - what an access gets there: 0 or VMSTORE_FAULT_* */
__u32 orc_fault(const struct orc_target *target, bool write)
{
	__u32 fault = VMSTORE_FAULT_TAKEN | (write ? VMSTORE_FAULT_WRITE : 0);

	if (!target->mapped)
		return fault;
	return write && !target->write ? fault | VMSTORE_FAULT_PRESENT : 0;
}

/* --- the operation ------------------------------------------------------------------- */

/* Bytes of a register, little endian like the machine */
static __u64 orc_value(__u64 value, __u32 width)
{
	return width == 8 ? value : value & ((1ULL << 8 * width) - 1);
}

static void orc_access_memory(struct orc_step *t, __u64 paddr, bool write)
{
	const struct vmstore_arg_access *arg = &t->op->arg.access;
	__u64 value = write ? arg->value : t->op->out.access.value;

	if (write)
		orc_store(t->s, paddr, &value, arg->width);
	else if (!orc_holds(t->s, paddr, &value, arg->width))
		orc_differ(t, "loads %#llx from %#llx, which has something else", value, paddr);
	else
		orc_store(t->s, paddr, &value, arg->width);
}

/* Several frames may have been meant: all that is known is that it was one of them */
static void orc_access_one_of(struct orc_step *t, struct orc_target *targets, unsigned int nr,
			      bool write)
{
	const struct vmstore_arg_access *arg = &t->op->arg.access;
	__u64 at = arg->va % ORC_PAGE, value = t->op->out.access.value;
	bool fits = false;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (orc_fault(&targets[i], write))
			continue;
		if (write)
			orc_blur(t->s, targets[i].paddr + at, arg->width);
		fits |= write || orc_holds(t->s, targets[i].paddr + at, &value, arg->width);
	}
	if (!fits)
		orc_differ(t, "loads %#llx, which is in no frame it may reach", value);
}

static bool orc_same_frame(const struct orc_target *targets, unsigned int nr, bool write)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (targets[i].paddr != targets[0].paddr || orc_fault(&targets[i], write))
			return false;
	return true;
}

static void orc_access_user(struct orc_step *t, struct orc_space *space)
{
	const struct vmstore_arg_access *arg = &t->op->arg.access;
	bool write = t->op->flags & VMSTORE_OPF_WRITE;
	struct orc_target *targets;
	unsigned int nr, i, faults = 0;

	targets = orc_targets(space, t->op->cpu, arg->va, &nr);
	for (i = 0; i < nr; i++)
		faults += !!orc_fault(&targets[i], write);
	if (faults == nr)
		orc_refuse(t, EFAULT);
	else if (faults)
		orc_may_refuse(t, EFAULT);

	if (!orc_goes(t)) {
		t->want.out.access.fault = orc_fault(&targets[0], write);
		for (i = 0; i < nr; i++)
			if (orc_fault(&targets[i], write) == t->op->out.access.fault)
				t->want.out.access.fault = t->op->out.access.fault;
		free(targets);
		return;
	}
	if (orc_same_frame(targets, nr, write))
		orc_access_memory(t, targets[0].paddr + arg->va % ORC_PAGE, write);
	else
		orc_access_one_of(t, targets, nr, write);
	orc_accessed(space, arg->va, write, nr == 1);
	if (!write)
		t->want.out.access.value = orc_value(t->op->out.access.value, arg->width);
	free(targets);
}

/* Through the linear window: only shared data frames */
static void orc_access_linear(struct orc_step *t)
{
	const struct vmstore_arg_access *arg = &t->op->arg.access;
	bool write = t->op->flags & VMSTORE_OPF_WRITE;
	__u64 paddr = arg->va - VMSTORE_KERNEL_BASE;
	const struct orc_slot *slot;

	if (arg->va < VMSTORE_KERNEL_BASE || paddr >= orc_region_size(t->s)) {
		orc_refuse(t, EACCES);
	} else {
		slot = orc_peek(t->s, paddr);
		if (!slot || (!orc_users(slot) && !slot->gathered))
			orc_refuse(t, EACCES);
		else if (!orc_users(slot))
			orc_may_refuse(t, EACCES);
	}
	if (!orc_goes(t))
		return;
	orc_access_memory(t, paddr, write);
	if (!write)
		t->want.out.access.value = orc_value(t->op->out.access.value, arg->width);
}

/* A kernel area, if there is one: nothing but what is mapped can be cached */
static void orc_access_area(struct orc_step *t)
{
	const struct vmstore_arg_access *arg = &t->op->arg.access;
	bool write = t->op->flags & VMSTORE_OPF_WRITE;
	struct orc_target target = orc_kvirt_target(t->s, arg->va);

	if (orc_fault(&target, write))
		orc_refuse(t, EFAULT);
	if (!orc_goes(t)) {
		t->want.out.access.fault = orc_fault(&target, write);
		return;
	}
	orc_access_memory(t, target.paddr + arg->va % ORC_PAGE, write);
	orc_kvirt_accessed(t->s, arg->va, write);
	if (!write)
		t->want.out.access.value = orc_value(t->op->out.access.value, arg->width);
}

void orc_access(struct orc_step *t)
{
	const struct vmstore_arg_access *arg = &t->op->arg.access;
	struct orc_space *space = orc_get(t, &t->s->spaces, arg->space);
	bool bad = arg->__reserved || (arg->width != 1 && arg->width != 2 &&
				       arg->width != 4 && arg->width != 8);

	if (bad || arg->va % arg->width)
		orc_refuse(t, EINVAL);
	if (t->nr_errnos)
		orc_goes(t);
	else if (arg->va < VMSTORE_MAX_USERSPACE_VADDR)
		orc_access_user(t, space);
	else if (arg->va >= VMSTORE_KVIRT_BASE && arg->va < VMSTORE_KVIRT_END)
		orc_access_area(t);
	else
		orc_access_linear(t);
}
