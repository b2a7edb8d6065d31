// SPDX-License-Identifier: GPL-2.0-only
/* The store: set-up, teardown, locks, helpers [model 4], gathers left behind. */

#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "store.h"
#include "trace.h"
#include "inv/shadow.h"

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
	vms_story_init(&s->story);
	vms_registry_init(&s->spaces, VMS_MAX_SPACES, VMS_TOUCH_SPACES);
	vms_registry_init(&s->cursors, VMS_MAX_CURSORS, VMS_TOUCH_CURSORS);
	vms_registry_init(&s->frames, VMS_MAX_FRAMES, VMS_TOUCH_FRAMES);
	vms_registry_init(&s->segments, VMS_MAX_SEGMENTS, VMS_TOUCH_SEGMENTS);
	vms_registry_init(&s->uniques, VMS_MAX_UNIQUES, VMS_TOUCH_UNIQUES);
	vms_registry_init(&s->ios, VMS_MAX_IOS, VMS_TOUCH_IOS);
	vms_registry_init(&s->areas, VMS_MAX_KVIRTS, VMS_TOUCH_KVIRTS);
	vms_registry_init(&s->lists, VMS_MAX_LISTS, VMS_TOUCH_LISTS);
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

static void vms_store_violates_t5(struct vms_tlb *tlb, u32 slot, const char *what)
{
	vms_inv_report_t5(container_of(tlb, struct vms_store, tlb), slot, what);
}

/* From here on changes are marked: nobody has made any yet */
static int vms_store_watch(struct vms_store *s)
{
	struct vms_registry *reg[] = {
		&s->spaces, &s->cursors, &s->frames, &s->segments, &s->uniques, &s->ios,
		&s->areas,
		&s->lists,
	};
	struct vms_touch *t = vms_touch_alloc(s->region.nr_slots);
	int i;

	if (!t)
		return -ENOMEM;
	s->tlb.model = vms_tlb_model_alloc(t);
	if (!s->tlb.model || vms_shadow_init(s)) {
		vms_touch_free(t);
		return -ENOMEM;
	}
	s->region.touch = t;
	for (i = 0; i < ARRAY_SIZE(reg); i++)
		reg[i]->touch = t;
	return 0;
}

static void vms_store_unwatch(struct vms_store *s)
{
	struct vms_gather_seen *seen, *next;

	if (!s->region.touch)
		return;
	list_for_each_entry_safe(seen, next, &s->region.touch->gathers, touched)
		vms_gather_seen_free(seen);
	vms_touch_free(s->region.touch);
}

static int vms_store_build(struct vms_store *s, const struct vmstore_setup *args, u64 size)
{
	int err = vms_region_init(&s->region, size, args->mmio_size);

	if (err)
		return err;
	s->mmu.seed = args->seed;
	err = vms_mmu_init(&s->mmu, args->machine, &s->region, args->nr_cpus);
	if (err)
		goto region;
	err = vms_kernel_half_init(&s->kernel, &s->region);
	if (err)
		goto kernel;
	s->mmu.kernel_pte = vms_kernel_half_pte(&s->kernel, &s->region);
	err = vms_pt_init(&s->kernel_pt, &s->mmu, VMS_KERNEL_TAG);
	if (err)
		goto kernel;
	err = vms_tlb_init(&s->tlb, &s->mmu);
	if (err)
		goto root;
	vms_kvirts_init(&s->kvirts, &s->tlb, &s->kernel, &s->kernel_pt);
	err = vms_activation_init(&s->act, s->mmu.nr_cpus);
	if (err)
		goto tlb;
	err = vms_story_begin(&s->story);
	if (err)
		goto act;
	err = vms_inv_init(s);
	if (err)
		goto story;
	s->tlb.violates_t5 = vms_store_violates_t5;
	if (args->check_mode == VMSTORE_CHECK_OFF)
		return 0;
	err = vms_store_watch(s);
	if (err)
		goto inv;
	return 0;

inv:
	vms_inv_exit(s);
story:
	vms_story_exit(&s->story);
act:
	vms_activation_exit(&s->act);
tlb:
	vms_kvirts_exit(&s->kvirts);
	vms_tlb_exit(&s->tlb);
root:
	s->mmu.ops->root_exit(&s->mmu, &s->kernel_pt.mroot);
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
	    !vms_page_aligned(args->mmio_size) || args->check_mode > VMSTORE_CHECK_STEP ||
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
		vms_space_activate(&s->act, &s->mmu, cpu, NULL, 0);
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
	struct vms_io *io;
	struct vms_list *list;
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
	xa_for_each(&s->ios.xa, id, io)
		kfree(io);
	xa_for_each(&s->lists.xa, id, list)
		kfree(list);
	s->mmu.ops->root_exit(&s->mmu, &s->kernel_pt.mroot);
	vms_mmu_exit(&s->mmu);
	vms_inv_exit(s);
	vms_store_unwatch(s);
	vms_story_exit(&s->story);
	vms_activation_exit(&s->act);
	vms_kvirts_exit(&s->kvirts);
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
	vms_registry_exit(&s->areas);
	vms_registry_exit(&s->lists);
	vms_registry_exit(&s->ios);
	vms_registry_exit(&s->uniques);
	vms_registry_exit(&s->segments);
	vms_registry_exit(&s->frames);
	vms_registry_exit(&s->cursors);
	vms_registry_exit(&s->spaces);
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

/* --- lookups ------------------------------------------------------------------- */

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
	else
		vms_touch_id(s->region.touch, VMS_TOUCH_CURSORS, id);
	rcu_read_unlock();
	return c;
}

/* One that is being made, or is gone, is claimed */
static struct vms_kvirt *vms_store_try_kvirt(struct vms_store *s, struct vms_kvirt *area)
{
	if (!vms_kvirt_claim(area))
		return ERR_PTR(-EBUSY);
	vms_touch_id(s->region.touch, VMS_TOUCH_KVIRTS, area->id);
	return area;
}

/**
 * vms_store_claim_kvirt - get an area for one operation
 * @s: store
 * @id: its id
 *
 * Return: the area, to be given back with vms_kvirt_unclaim(), or -ENOENT, -EBUSY another
 * operation has it.
 */
struct vms_kvirt *vms_store_claim_kvirt(struct vms_store *s, u64 id)
{
	struct vms_kvirt *area;

	rcu_read_lock();
	area = xa_load(&s->areas.xa, id);
	area = area ? vms_store_try_kvirt(s, area) : ERR_PTR(-ENOENT);
	rcu_read_unlock();
	return area;
}

/**
 * vms_store_claim_kvirt_at - get the area at an address for one operation
 * @s: store
 * @va: in [VMSTORE_KVIRT_BASE, VMSTORE_KVIRT_END)
 *
 * Return: as vms_store_claim_kvirt(), but -EACCES where none is.
 */
struct vms_kvirt *vms_store_claim_kvirt_at(struct vms_store *s, u64 va)
{
	struct vms_kvirt *area;

	rcu_read_lock();
	area = vms_kvirt_at(&s->kvirts, va);
	/* Not one whose addresses could not be given back yet */
	if (area && !list_empty_careful(&area->dead))
		area = NULL;
	area = area ? vms_store_try_kvirt(s, area) : ERR_PTR(-EACCES);
	rcu_read_unlock();
	return area;
}

/* A reader or writer, as asked for; RCU. Its kind never changes */
static struct vms_io *vms_store_find_io(struct vms_store *s, u64 id, bool writer)
{
	struct vms_io *io = xa_load(&s->ios.xa, id);

	if (!io)
		return ERR_PTR(-ENOENT);
	if (io->writer != writer)
		return ERR_PTR(-EINVAL);
	vms_touch_id(s->region.touch, VMS_TOUCH_IOS, id);
	return io;
}

/**
 * vms_store_claim_io - get a reader or writer for one operation
 * @s: store
 * @id: its id
 * @writer: which of the two it must be
 *
 * Return: it, to be given back with vms_io_unclaim(), or -ENOENT, -EINVAL the other kind,
 * -EBUSY another operation has it.
 */
struct vms_io *vms_store_claim_io(struct vms_store *s, u64 id, bool writer)
{
	struct vms_io *io;

	rcu_read_lock();
	io = vms_store_find_io(s, id, writer);
	if (!IS_ERR(io) && !vms_io_claim(io))	/* a dropped one stays claimed */
		io = ERR_PTR(-EBUSY);
	rcu_read_unlock();
	return io;
}

/**
 * vms_store_claim_ios - get a reader and a writer for one operation
 * @s: store
 * @source: id of the reader
 * @dest: id of the writer
 * @reader: out
 * @writer: out
 *
 * In the order of their ids, so that of two operations that want both one gets them.
 *
 * Return: 0, or as vms_store_claim_io(); then neither is claimed.
 */
int vms_store_claim_ios(struct vms_store *s, u64 source, u64 dest, struct vms_io **reader,
			struct vms_io **writer)
{
	struct vms_io *first, *second;
	int err = 0;

	rcu_read_lock();
	*reader = vms_store_find_io(s, source, false);
	*writer = vms_store_find_io(s, dest, true);
	first = source < dest ? *reader : *writer;
	second = source < dest ? *writer : *reader;
	if (IS_ERR(*reader)) {
		err = PTR_ERR(*reader);
	} else if (IS_ERR(*writer)) {
		err = PTR_ERR(*writer);
	} else if (!vms_io_claim(first)) {
		err = -EBUSY;
	} else if (!vms_io_claim(second)) {
		vms_io_unclaim(first);
		err = -EBUSY;
	}
	rcu_read_unlock();
	return err;
}

/* --- helpers [model 4] ------------------------------------------------------------ */

/*
 * The frame rule of all of them: one registry changes at one id, and nothing else in the
 * store does. What is extracted stays in the caller's hand: then it goes, and its id with
 * vms_registry_release(), or it is inserted again. What is inserted has an id from
 * vms_registry_reserve(), or one extracted before. None of them sleeps.
 *
 * H1 to H6 require the whole invariant and keep it: a frozen store is -EIO. H7 to H12 are
 * one half of a step each: the caller pairs them with the change of the slot.
 */

/**
 * vms_store_extract_space - take a space out of the store [H1]
 * @s: locked store
 * @id: which
 *
 * Return: the space, which has no users and gets none; -EIO the store is frozen; -ENOENT;
 * -EBUSY it has a cursor, a reader or writer, is active on a CPU or in use by an operation.
 */
struct vms_space *vms_store_extract_space(struct vms_store *s, u64 id)
{
	struct vms_space *space;

	if (READ_ONCE(s->frozen))
		return ERR_PTR(-EIO);
	space = vms_store_get_space(s, id);
	if (!space)
		return ERR_PTR(-ENOENT);
	if (vms_space_kill(space)) {
		vms_space_put(space);
		return ERR_PTR(-EBUSY);
	}
	return vms_registry_extract(&s->spaces, id);
}

/**
 * vms_store_insert_space - put a space into the store [H2]
 * @s: locked store
 * @id: in the caller's hand
 * @space: a new space, or one extracted before
 *
 * Return: 0; -EIO the store is frozen; -EINVAL vms_space_ok() says no; or as
 * vms_registry_insert().
 */
int vms_store_insert_space(struct vms_store *s, u64 id, struct vms_space *space)
{
	int err;

	if (READ_ONCE(s->frozen))
		return -EIO;
	if (space->id != id || !vms_space_ok(space, &s->region))
		return -EINVAL;
	err = vms_registry_insert(&s->spaces, id, space);
	if (!err)
		atomic_cmpxchg(&space->users, -1, 0);
	return err;
}

/**
 * vms_store_extract_cursor - take a cursor out of the store [H3]
 * @s: locked store
 * @id: which
 *
 * Return: the cursor, claimed for good unless it is inserted again; -EIO the store is
 * frozen; -ENOENT; -EBUSY another operation has it.
 */
struct vms_cursor *vms_store_extract_cursor(struct vms_store *s, u64 id)
{
	struct vms_cursor *c;

	if (READ_ONCE(s->frozen))
		return ERR_PTR(-EIO);
	c = vms_store_claim_cursor(s, id, false);
	return IS_ERR(c) ? c : vms_registry_extract(&s->cursors, id);
}

/**
 * vms_store_insert_cursor - put a cursor into the store [H4]
 * @s: locked store
 * @id: in the caller's hand
 * @c: an open cursor that no operation works on, a user of its space
 *
 * Return: 0; -EIO the store is frozen; -ENOENT its space is not in the store; -EINVAL
 * vms_cursor_ok() says no; or as vms_registry_insert().
 */
int vms_store_insert_cursor(struct vms_store *s, u64 id, struct vms_cursor *c)
{
	if (READ_ONCE(s->frozen))
		return -EIO;
	if (c->id != id || !vms_cursor_ok(c, &s->region))
		return -EINVAL;
	if (vms_registry_load(&s->spaces, c->space->id) != c->space)
		return -ENOENT;
	return vms_registry_insert(&s->cursors, id, c);
}

/* The owner record of a space changes with what enters or leaves it */
static void vms_store_touch_record(struct vms_store *s, const struct vms_io *io)
{
	if (io->space)
		vms_touch_id(s->region.touch, VMS_TOUCH_SPACES, io->space->id);
}

/**
 * vms_store_extract_io - take a reader or writer out of the store [H5]
 * @s: locked store
 * @id: of one the caller has claimed
 * @io: out
 *
 * Return: 0; -EIO the store is frozen; -ENOENT; -EBUSY another operation has it in hand.
 */
int vms_store_extract_io(struct vms_store *s, u64 id, struct vms_io **io)
{
	void *entry;

	if (READ_ONCE(s->frozen))
		return -EIO;
	entry = vms_registry_extract(&s->ios, id);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	vms_store_touch_record(s, entry);
	*io = entry;
	return 0;
}

/* VmIoEntry::inv as far as the entry alone tells: V1, V3 to V6 */
static bool vms_io_entry_valid(const struct vms_io *io)
{
	enum vms_view kernel = io->writer ? VMS_VIEW_WRITE : VMS_VIEW_READ;

	return io->cursor <= io->end && io->cursor >= io->vaddr &&
	       io->end - io->vaddr <= io->len &&
	       io->view == (io->space ? VMS_VIEW_NONE : kernel);
}

/**
 * vms_store_insert_io - put a reader or writer into the store [H6]
 * @s: locked store
 * @id: in the caller's hand
 * @io: the entry
 *
 * Return: 0; -EIO the store is frozen; -ENOENT its space is not in the store; -EINVAL it
 * is not valid or ends beyond VMSTORE_MAX_USERSPACE_VADDR; or as vms_registry_insert().
 */
int vms_store_insert_io(struct vms_store *s, u64 id, struct vms_io *io)
{
	if (READ_ONCE(s->frozen))
		return -EIO;
	if (!vms_io_entry_valid(io) && !VMS_WRONG_ANY())
		return -EINVAL;
	if (io->space && vms_registry_load(&s->spaces, io->space->id) != io->space)
		return -ENOENT;
	if (io->space && (io->vaddr > VMSTORE_MAX_USERSPACE_VADDR ||
			  io->len > VMSTORE_MAX_USERSPACE_VADDR - io->vaddr))
		return -EINVAL;
	vms_store_touch_record(s, io);
	return vms_registry_insert(&s->ios, id, io);
}

/**
 * vms_store_extract_frame - take a handle out of the store [H7]
 * @s: locked store
 * @id: which
 * @slot: out: its slot
 *
 * Return: 0; -ENOENT; -EBUSY another operation has it.
 */
int vms_store_extract_frame(struct vms_store *s, u64 id, u32 *slot)
{
	void *entry = vms_registry_extract(&s->frames, id);

	if (IS_ERR(entry))
		return PTR_ERR(entry);
	*slot = vms_frame_entry_slot(entry);
	return 0;
}

/**
 * vms_store_insert_frame - put a handle into the store [H8]
 * @s: locked store
 * @id: in the caller's hand
 * @slot: its slot
 *
 * Return: 0; -EINVAL the slot is not in the region or no data frame; or as
 * vms_registry_insert().
 */
int vms_store_insert_frame(struct vms_store *s, u64 id, u32 slot)
{
	if (slot >= s->region.nr_slots ||
	    READ_ONCE(s->region.slots[slot].usage) != VMSTORE_USAGE_FRAME)
		return -EINVAL;
	return vms_registry_insert(&s->frames, id,
				   vms_frame_entry(slot + VMS_WRONG(HANDLE_OTHER_FRAME)));
}

/**
 * vms_store_extract_segment - take a segment out of the store [H9]
 * @s: locked store
 * @id: which
 * @seg: out
 *
 * Return: 0; -ENOENT; -EBUSY another operation has it.
 */
int vms_store_extract_segment(struct vms_store *s, u64 id, struct vms_segment *seg)
{
	void *entry = vms_registry_extract(&s->segments, id);

	if (IS_ERR(entry))
		return PTR_ERR(entry);
	*seg = vms_segment_of_entry(entry);
	return 0;
}

/**
 * vms_store_insert_segment - put a segment into the store [H10]
 * @s: locked store
 * @id: in the caller's hand
 * @seg: any; that it covers data frames is the caller's
 *
 * Return: as vms_registry_insert().
 */
int vms_store_insert_segment(struct vms_store *s, u64 id, struct vms_segment seg)
{
	return vms_registry_insert(&s->segments, id, vms_segment_entry(seg));
}

/**
 * vms_store_extract_unique - take an exclusive handle out of the store [H11]
 * @s: locked store
 * @id: which
 * @slot: out: its slot
 *
 * Return: 0; -ENOENT; -EBUSY another operation has it.
 */
int vms_store_extract_unique(struct vms_store *s, u64 id, u32 *slot)
{
	void *entry = vms_registry_extract(&s->uniques, id);

	if (IS_ERR(entry))
		return PTR_ERR(entry);
	*slot = vms_frame_entry_slot(entry);
	return 0;
}

/**
 * vms_store_insert_unique - put an exclusive handle into the store [H12]
 * @s: locked store
 * @id: in the caller's hand
 * @slot: any; that it is UNIQUE is the caller's
 *
 * Return: as vms_registry_insert().
 */
int vms_store_insert_unique(struct vms_store *s, u64 id, u32 slot)
{
	return vms_registry_insert(&s->uniques, id, vms_frame_entry(slot));
}

/**
 * vms_store_extract_kvirt - take an area out of the store
 * @s: locked store
 * @id: of one the caller has claimed
 * @area: out
 *
 * Return: 0; -EIO the store is frozen; -ENOENT; -EBUSY it is pinned.
 */
int vms_store_extract_kvirt(struct vms_store *s, u64 id, struct vms_kvirt **area)
{
	void *entry;

	if (READ_ONCE(s->frozen))
		return -EIO;
	entry = vms_registry_load(&s->areas, id);
	if (entry && atomic_read(&((struct vms_kvirt *)entry)->pins))
		return -EBUSY;
	entry = vms_registry_extract(&s->areas, id);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	*area = entry;
	return 0;
}

/**
 * vms_store_insert_kvirt - put an area into the store
 * @s: locked store
 * @id: in the caller's hand
 * @area: the area
 *
 * Return: 0; -EIO the store is frozen; -EINVAL vms_kvirt_ok() says no; or as
 * vms_registry_insert().
 */
int vms_store_insert_kvirt(struct vms_store *s, u64 id, struct vms_kvirt *area)
{
	if (READ_ONCE(s->frozen))
		return -EIO;
	if (area->id != id || (!vms_kvirt_ok(area) && !VMS_WRONG_ANY()))
		return -EINVAL;
	return vms_registry_insert(&s->areas, id, area);
}

/**
 * vms_store_extract_list - take a frame list out of the store
 * @s: locked store
 * @id: which
 * @out: whether it must have a cursor or must not [L7]
 * @list: out
 *
 * That it is in the caller's hand is what claims it: of two operations on one list the
 * second gets -EBUSY.
 *
 * Return: 0; -ENOENT; -EBUSY another operation has it, or it has a cursor; -EINVAL it has
 * none.
 */
int vms_store_extract_list(struct vms_store *s, u64 id, bool out, struct vms_list **list)
{
	struct vms_list *entry = vms_registry_extract(&s->lists, id);

	if (IS_ERR(entry))
		return PTR_ERR(entry);
	if (entry->out != out) {
		WARN_ON_ONCE(vms_registry_insert(&s->lists, id, entry));
		return out ? -EINVAL : -EBUSY;
	}
	*list = entry;
	return 0;
}

/**
 * vms_store_insert_list - put a frame list into the store
 * @s: locked store
 * @id: in the caller's hand
 * @list: any; that its links are links is the caller's
 *
 * Return: as vms_registry_insert().
 */
int vms_store_insert_list(struct vms_store *s, u64 id, struct vms_list *list)
{
	return vms_registry_insert(&s->lists, id, list);
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
	vms_gather_touch(g);
	if (VMS_WRONG(GATHER_NOT_LEFT)) {
		vms_gather_free_rcu(g);
		return;
	}
	spin_lock(&s->left_lock);
	list_add_tail(&g->link, &s->left);
	spin_unlock(&s->left_lock);
}

/*
 * From cursor *id on, exchange the gather of the first cursor that has anything in it,
 * be it a request, and that no operation works with for @empty. *space becomes the
 * cursor's space, and the caller a user of it, if there are requests to dispatch.
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
		if (!g || vms_gather_idle(g))
			continue;
		empty->space = g->space;
		empty->cursor = g->cursor;
		if (try_cmpxchg(&c->gather, &g, empty))
			break;
	}
	if (c && (!vms_flush_empty(&g->pending) || !vms_flush_empty(&g->changed))) {
		if (vms_space_get(c->space)) {
			*space = c->space;
		} else {	/* dropped: the machine has forgotten its root */
			vms_flush_clear(&g->changed);
			vms_flush_clear(&g->pending);
		}
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
			if (!VMS_OMIT(REAP_DISPATCH)) {
				vms_tlb_issue_changed(&s->tlb, g);
				vms_tlb_dispatch(&s->tlb, g, &space->pt.mroot);
			}
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
	trace_vmstore_reap(sum->leaves, sum->freed, sum->nodes);
	mutex_unlock(&s->reap_lock);
}
