// SPDX-License-Identifier: GPL-2.0-only
/* The store: set-up, teardown, locks, registries, gathers left behind. */

#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "store.h"
#include "inv/inv.h"

static unsigned long default_region_mib = 16;
module_param(default_region_mib, ulong, 0444);
MODULE_PARM_DESC(default_region_mib, "Region of a store that asks for none, MiB (16)");

static unsigned long max_region_mib;
module_param(max_region_mib, ulong, 0444);
MODULE_PARM_DESC(max_region_mib, "Largest region of one store, MiB (0 = half of RAM)");

static unsigned long max_total_mib;
module_param(max_total_mib, ulong, 0444);
MODULE_PARM_DESC(max_total_mib, "All regions together, MiB (0 = half of RAM)");

static atomic64_t vms_total_bytes;

static u64 vms_limit_bytes(unsigned long mib)
{
	u64 bytes = mib ? (u64)mib << 20 : (u64)totalram_pages() << PAGE_SHIFT >> 1;

	return max(bytes & ~(VMS_BLOCK_SIZE - 1), VMS_BLOCK_SIZE);
}

/* vms_store_max_region - largest region SETUP allows, bytes */
u64 vms_store_max_region(void)
{
	return min(vms_limit_bytes(max_region_mib), vms_limit_bytes(max_total_mib));
}

/* vms_store_default_region - what SETUP takes for 0, bytes */
u64 vms_store_default_region(void)
{
	return min(vms_limit_bytes(default_region_mib ?: 1), vms_store_max_region());
}

/* --- life ------------------------------------------------------------------- */

static void vms_registry_init(struct vms_registry *reg, int max)
{
	xa_init_flags(&reg->xa, XA_FLAGS_ACCOUNT);
	reg->max = max;
}

/**
 * vms_store_create - an empty store without a region
 *
 * May sleep.
 *
 * Return: the store, or NULL without memory.
 */
struct vms_store *vms_store_create(void)
{
	struct vms_store *s = kvzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return NULL;
	if (percpu_init_rwsem(&s->rwsem)) {
		kvfree(s);
		return NULL;
	}
	mutex_init(&s->setup_lock);
	mutex_init(&s->serial);
	mutex_init(&s->reap_lock);
	spin_lock_init(&s->left_lock);
	INIT_LIST_HEAD(&s->left);
	vms_registry_init(&s->spaces, VMS_MAX_SPACES);
	vms_registry_init(&s->cursors, VMS_MAX_CURSORS);
	vms_registry_init(&s->frames, VMS_MAX_FRAMES);
	return s;
}

static int vms_store_charge(u64 size)
{
	if (size > vms_store_max_region())
		return -ENOSPC;
	if (atomic64_add_return(size, &vms_total_bytes) > vms_limit_bytes(max_total_mib)) {
		atomic64_sub(size, &vms_total_bytes);
		return -ENOSPC;
	}
	return 0;
}

static int vms_store_build(struct vms_store *s, const struct vmstore_setup *args, u64 size)
{
	int err = vms_region_init(&s->region, size, args->mmio_size);

	if (err)
		return err;
	err = vms_mmu_init(&s->mmu, args->machine, &s->region, args->nr_cpus);
	if (err)
		goto region;
	err = vms_kernel_half_init(&s->kernel, &s->region);
	if (err)
		goto kernel;
	s->mmu.kernel_pte = vms_kernel_half_pte(&s->kernel, &s->region);
	err = vms_tlb_init(&s->tlb, &s->mmu);
	if (err)
		goto kernel;
	err = vms_activation_init(&s->act, s->mmu.nr_cpus);
	if (err)
		goto tlb;
	err = vms_inv_init(s);
	if (err)
		goto act;
	return 0;

act:
	vms_activation_exit(&s->act);
tlb:
	vms_tlb_exit(&s->tlb);
kernel:
	vms_mmu_exit(&s->mmu);
	vms_kernel_half_exit(&s->kernel);
region:
	vms_region_exit(&s->region);
	return err;
}

static int vms_store_setup_locked(struct vms_store *s, const struct vmstore_setup *args)
{
	u64 size = args->region_size ?: vms_store_default_region();
	int err;

	if (s->ready)
		return -EBUSY;
	if (size % VMS_BLOCK_SIZE || args->mmio_size >= size ||
	    !vms_page_aligned(args->mmio_size) || args->check_mode > VMSTORE_CHECK_FULL ||
	    args->machine > VMSTORE_MACHINE_SOFT)
		return -EINVAL;
	err = vms_store_charge(size);
	if (err)
		return err;
	err = vms_store_build(s, args, size);
	if (err) {
		atomic64_sub(size, &vms_total_bytes);
		return err;
	}
	s->mode = args->check_mode;
	/* Pairs with vms_store_ready(): who sees it sees the whole store */
	smp_store_release(&s->ready, true);
	return 0;
}

/**
 * vms_store_setup - give a store its region and machine, once
 * @s: store
 * @args: from the caller, sizes and flags not yet checked
 *
 * May sleep.
 *
 * Return: 0, -EBUSY it has them, -EINVAL, -ENOMEM, -ENOSPC, -EOPNOTSUPP, -EINTR.
 */
int vms_store_setup(struct vms_store *s, const struct vmstore_setup *args)
{
	int err;

	if (mutex_lock_killable(&s->setup_lock))
		return -EINTR;
	err = vms_store_setup_locked(s, args);
	mutex_unlock(&s->setup_lock);
	return err;
}

/* vms_store_make_ready - set a store up with all defaults, unless it is */
int vms_store_make_ready(struct vms_store *s)
{
	static const struct vmstore_setup defaults = { .size = sizeof(defaults) };
	int err;

	if (vms_store_ready(s))
		return 0;
	err = vms_store_setup(s, &defaults);
	return err == -EBUSY ? 0 : err;
}

static void vms_store_deactivate_all(struct vms_store *s)
{
	u32 cpu;

	cpus_read_lock();
	for (cpu = 0; cpu < s->act.nr_cpus; cpu++)
		vms_space_activate(&s->act, &s->mmu, cpu, NULL);
	cpus_read_unlock();
}

static void vms_store_free_gathers(struct vms_store *s)
{
	struct vms_gather *g, *next;

	list_for_each_entry_safe(g, next, &s->left, link)
		vms_gather_free(g);
}

/*
 * Never walks a table and never counts: it works in any state, also after a violation.
 * All memory of the model goes with the region.
 */
static void vms_store_demolish(struct vms_store *s)
{
	struct vms_cursor *c;
	struct vms_space *space;
	u64 size = s->region.size;
	unsigned long id;

	vms_store_deactivate_all(s);
	xa_for_each(&s->cursors.xa, id, c) {
		vms_gather_free(c->gather);
		kfree(c);
	}
	vms_store_free_gathers(s);
	xa_for_each(&s->spaces.xa, id, space) {
		s->mmu.ops->root_exit(&s->mmu, &space->pt.mroot);
		kfree(space);
	}
	vms_mmu_exit(&s->mmu);
	vms_inv_exit(s);
	vms_activation_exit(&s->act);
	vms_tlb_exit(&s->tlb);
	vms_kernel_half_exit(&s->kernel);
	vms_region_exit(&s->region);
	atomic64_sub(size, &vms_total_bytes);
}

/**
 * vms_store_destroy - tear a store down, in whatever state it is
 * @s: store without users
 *
 * May sleep.
 */
void vms_store_destroy(struct vms_store *s)
{
	if (s->ready)
		vms_store_demolish(s);
	xa_destroy(&s->frames.xa);
	xa_destroy(&s->cursors.xa);
	xa_destroy(&s->spaces.xa);
	percpu_free_rwsem(&s->rwsem);
	mutex_destroy(&s->reap_lock);
	mutex_destroy(&s->serial);
	mutex_destroy(&s->setup_lock);
	kvfree(s);
}

/* --- locks ------------------------------------------------------------------- */

/**
 * vms_store_lock - before one operation
 * @s: ready store
 *
 * Holds CPU hotplug off as well: which CPUs must flush cannot change.
 *
 * Return: 0 or -EINTR.
 */
int vms_store_lock(struct vms_store *s)
{
	cpus_read_lock();
	if (s->mode == VMSTORE_CHECK_OFF) {
		percpu_down_read(&s->rwsem);
	} else if (mutex_lock_killable(&s->serial)) {
		cpus_read_unlock();
		return -EINTR;
	}
	return 0;
}

void vms_store_unlock(struct vms_store *s)
{
	if (s->mode == VMSTORE_CHECK_OFF)
		percpu_up_read(&s->rwsem);
	else
		mutex_unlock(&s->serial);
	cpus_read_unlock();
}

/**
 * vms_store_lock_quiet - before something that wants no operation in flight
 * @s: ready store
 *
 * Return: 0 or -EINTR.
 */
int vms_store_lock_quiet(struct vms_store *s)
{
	if (s->mode != VMSTORE_CHECK_OFF)
		return vms_store_lock(s);
	cpus_read_lock();
	percpu_down_write(&s->rwsem);
	return 0;
}

void vms_store_unlock_quiet(struct vms_store *s)
{
	if (s->mode != VMSTORE_CHECK_OFF) {
		vms_store_unlock(s);
		return;
	}
	percpu_up_write(&s->rwsem);
	cpus_read_unlock();
}

/* --- registries --------------------------------------------------------------- */

/**
 * vms_registry_reserve - a fresh id and the memory for its entry
 * @reg: registry
 * @id: out
 *
 * May sleep.
 *
 * Return: 0, -ENOSPC too many entries, -ENOMEM.
 */
int vms_registry_reserve(struct vms_registry *reg, u64 *id)
{
	int err;

	if (atomic_inc_return(&reg->count) > reg->max) {
		atomic_dec(&reg->count);
		return -ENOSPC;
	}
	*id = atomic64_inc_return(&reg->last);
	err = xa_reserve(&reg->xa, *id, GFP_KERNEL_ACCOUNT);
	if (err)
		atomic_dec(&reg->count);
	return err;
}

/* vms_registry_unreserve - give back an id that got no entry */
void vms_registry_unreserve(struct vms_registry *reg, u64 id)
{
	xa_release(&reg->xa, id);
	atomic_dec(&reg->count);
}

/* vms_registry_insert - the entry of a reserved id; cannot fail */
void vms_registry_insert(struct vms_registry *reg, u64 id, void *entry)
{
	WARN_ON_ONCE(xa_is_err(xa_store(&reg->xa, id, entry, GFP_NOWAIT)));
}

/* Change an entry that is there, and not held or only reserved; the old one or NULL */
static void *vms_registry_replace(struct vms_registry *reg, u64 id, void *with)
{
	void *entry = xa_load(&reg->xa, id);

	if (!entry || xa_cmpxchg(&reg->xa, id, entry, with, GFP_NOWAIT) != entry)
		return NULL;
	return entry;
}

/* vms_registry_extract - take an entry out; NULL when there is none */
void *vms_registry_extract(struct vms_registry *reg, u64 id)
{
	void *entry = vms_registry_replace(reg, id, NULL);

	if (entry)
		atomic_dec(&reg->count);
	return entry;
}

/**
 * vms_registry_hold - take an entry out for now, keeping its place
 * @reg: registry
 * @id: which
 *
 * For an operation that consumes a handle only if it succeeds: then it goes with
 * vms_registry_unreserve(), else it goes back with vms_registry_unhold(). Others do not
 * see it meanwhile. Does not sleep.
 *
 * Return: the entry, or NULL.
 */
void *vms_registry_hold(struct vms_registry *reg, u64 id)
{
	return vms_registry_replace(reg, id, XA_ZERO_ENTRY);
}

/* vms_registry_unhold - put a held entry back; cannot fail */
void vms_registry_unhold(struct vms_registry *reg, u64 id, void *entry)
{
	vms_registry_insert(reg, id, entry);
}

/**
 * vms_store_get_space - become a user of a space
 * @s: store
 * @id: its id
 *
 * Return: the space, to be given back with vms_space_put(), or NULL.
 */
struct vms_space *vms_store_get_space(struct vms_store *s, u64 id)
{
	struct vms_space *space;

	rcu_read_lock();
	space = xa_load(&s->spaces.xa, id);
	if (space && !vms_space_get(space))
		space = NULL;
	rcu_read_unlock();
	return space;
}

/**
 * vms_store_claim_cursor - get a cursor for one operation
 * @s: store
 * @id: its id
 * @mut: it must be mutable
 *
 * Return: the cursor, to be given back with vms_cursor_unclaim(), or -ENOENT, -EINVAL
 * read-only, -EBUSY another operation has it.
 */
struct vms_cursor *vms_store_claim_cursor(struct vms_store *s, u64 id, bool mut)
{
	struct vms_cursor *c;

	rcu_read_lock();
	c = xa_load(&s->cursors.xa, id);
	if (!c)
		c = ERR_PTR(-ENOENT);
	else if (mut && !c->mut)
		c = ERR_PTR(-EINVAL);
	else if (!vms_cursor_claim(c))	/* a dropped cursor stays claimed */
		c = ERR_PTR(-EBUSY);
	rcu_read_unlock();
	return c;
}

/* --- gathers -------------------------------------------------------------------- */

/**
 * vms_store_leave_gather - keep what a closed cursor could not release yet
 * @s: store
 * @g: its gather, everything dispatched
 */
void vms_store_leave_gather(struct vms_store *s, struct vms_gather *g)
{
	g->cursor = 0;
	spin_lock(&s->left_lock);
	list_add_tail(&g->link, &s->left);
	spin_unlock(&s->left_lock);
}

/*
 * From cursor *id on, exchange the gather of the first cursor that has anything in it
 * and that no operation works with for @empty. *space becomes the cursor's space, and
 * the caller a user of it, if there are requests to dispatch.
 */
static struct vms_gather *vms_store_swap_gather(struct vms_store *s, unsigned long *id,
						struct vms_gather *empty,
						struct vms_space **space)
{
	struct vms_gather *g = NULL;
	struct vms_cursor *c;

	*space = NULL;
	rcu_read_lock();
	xa_for_each_start(&s->cursors.xa, *id, c, *id) {
		g = READ_ONCE(c->gather);	/* freed after a grace period only */
		if (!g || !READ_ONCE(g->nr))
			continue;
		empty->space = g->space;
		empty->cursor = g->cursor;
		if (try_cmpxchg(&c->gather, &g, empty))
			break;
	}
	if (c && !vms_flush_empty(&g->pending)) {
		if (vms_space_get(c->space))
			*space = c->space;
		else	/* dropped: the machine has forgotten its root */
			vms_flush_clear(&g->pending);
	}
	rcu_read_unlock();
	return c ? g : NULL;
}

/* What live cursors have gathered; one spare gather goes round */
static void vms_store_reap_cursors(struct vms_store *s, struct vms_removed *sum)
{
	struct vms_gather *spare = vms_gather_alloc(&s->tlb);
	struct vms_space *space;
	struct vms_gather *g;
	unsigned long id = 0;

	while (spare && (g = vms_store_swap_gather(s, &id, spare, &space))) {
		if (space) {
			vms_tlb_dispatch(&s->tlb, g, &space->pt.mroot);
			vms_space_put(space);
		}
		vms_gather_reap(&s->tlb, g, sum);
		spare = g;
		id++;
	}
	vms_gather_free(spare);
}

/**
 * vms_store_reap - release everything that is gathered
 * @s: locked store
 * @sum: added to: what was released
 *
 * The gather of a cursor that an operation works with is left alone. Waits for flushes,
 * a grace period, and for another reap: what that one has in hand is released too.
 */
void vms_store_reap(struct vms_store *s, struct vms_removed *sum)
{
	struct vms_gather *g, *next;
	LIST_HEAD(left);

	mutex_lock(&s->reap_lock);
	spin_lock(&s->left_lock);
	list_splice_init(&s->left, &left);
	spin_unlock(&s->left_lock);
	list_for_each_entry_safe(g, next, &left, link) {
		vms_gather_reap(&s->tlb, g, sum);
		vms_gather_free(g);
	}
	vms_store_reap_cursors(s, sum);
	mutex_unlock(&s->reap_lock);
}
