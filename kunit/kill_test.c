// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every flush, interrupt, wait, barrier and quarantine is for (omit.h): each is left
 * out, alone, while a scene is played on the simulated machine. The scene must go wrong:
 * an access sees what it must not, or memory is free that a CPU still reaches. With nothing
 * left out the same scene must go well. docs/kill_table.md is what this prints.
 *
 * Kicked CPUs answer only when somebody waits for them, so most of it happens at once; what
 * a CPU does by itself is tried with several seeds.
 */

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "step.h"
#include "fixture.h"

#define SEEDS		4

#define HUGE		vms_page_size(2)
#define KILL_REGION	(2 * VMS_BLOCK_SIZE)
#define TAIL		(KILL_REGION - HUGE)

#define VA		(64 * HUGE)
#define OLD		0x1111111111111111ULL
#define NEW		0x2222222222222222ULL
#define FAULT		0xffffffffffffffffULL	/* no value of a scene */

/**
 * struct kill - a scene on a store
 * @test: case
 * @s: store with two CPUs
 * @ops: its machine, which answers late
 * @asked: CPUs it has kicked and not waited for
 * @on_kick: called at each kick, or NULL
 * @on_flush: called before each flush, or NULL
 * @space: a space; active on CPU 1, but where the scene says otherwise
 * @root: its root
 * @cursor: over @pages pages from VA, the first of them mapped
 * @g: gather for what is done by hand
 * @leaf: node with the leaf of VA
 * @seen: what went wrong, NULL = nothing
 * @op: the last operation
 */
struct kill {
	struct kunit *test;
	struct vms_store *s;
	struct vms_mmu_ops ops;
	struct vms_cpuset asked;
	void (*on_kick)(struct kill *k);
	void (*on_flush)(struct kill *k);
	u64 space;
	struct vms_root *root;
	u64 cursor;
	struct vms_gather *g;
	u32 leaf;
	const char *seen;
	struct vmstore_op op;
};

/* Of the machine's callbacks, which know no case */
static struct kill *playing;

static const struct vmstore_prop global_rw = {
	.flags = VMSTORE_PROP_R | VMSTORE_PROP_W,
	.priv = VMSTORE_PRIV_GLOBAL,
};

static const struct vmstore_prop area_rw = {
	.flags = VMSTORE_PROP_R | VMSTORE_PROP_W,
};

static const struct vmstore_prop nothing;
static const struct vmstore_prop just_w = { .flags = VMSTORE_PROP_W };

/* --- the machine that answers late ---------------------------------------------------- */

static int late_kick(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	if (playing->on_kick)
		playing->on_kick(playing);
	bitmap_or(playing->asked.bits, playing->asked.bits, cpus->bits, VMS_MAX_CPUS);
	return 0;
}

static int late_wait(struct vms_mmu *m, const struct vms_cpuset *cpus)
{
	vms_mmu_soft_ops.kick(m, &playing->asked);
	vms_mmu_soft_ops.wait(m, &playing->asked);
	bitmap_zero(playing->asked.bits, VMS_MAX_CPUS);
	return 0;
}

static void told_flush(struct vms_mmu *m, int cpu, const struct vms_flush *f)
{
	if (playing->on_flush)
		playing->on_flush(playing);
	vms_mmu_soft_ops.flush(m, cpu, f);
}

/* --- what must not be ------------------------------------------------------------------ */

static void see(struct kill *k, const char *what)
{
	if (!k->seen)
		k->seen = what;
}

/* The window of the region is not taken away */
static bool is_linear(u64 va)
{
	return va >= VMSTORE_KERNEL_BASE && va < VMSTORE_KVIRT_BASE;
}

/* Does a CPU reach memory that is free? */
static void look(struct kill *k)
{
	struct vms_region *r = &k->s->region;
	struct vms_cached c;
	u32 cpu, pos, idx;

	for (cpu = 0; cpu < k->s->mmu.nr_cpus; cpu++)
		for (pos = 0; vms_mmu_soft_ops.cached(&k->s->mmu, cpu, &pos, &c);) {
			if (!c.usable || is_linear(c.va) ||
			    vms_region_slot_of_pa(r, vms_pte_pa(c.pte), &idx) ||
			    idx >= r->first_mmio || vms_slot_rc(r, idx) != VMSTORE_RC_UNUSED)
				continue;
			see(k, vms_pte_kind(c.pte) == VMS_ENTRY_LEAF ?
			       "a frame is free that a CPU still reaches" :
			       "a table is free that a CPU still walks through");
		}
}

/* Of what CPU 1 has cached of @va: the translation at @level, or the entry of the table there */
static u64 cached(struct kill *k, u64 va, int level, enum vms_entry_kind kind)
{
	struct vms_cached c;
	u32 pos = 0;

	while (vms_mmu_soft_ops.cached(&k->s->mmu, 1, &pos, &c))
		if (c.usable && c.level == level && c.va == vms_span_start(va, level) &&
		    vms_pte_kind(c.pte) == kind)
			return c.pte;
	return 0;
}

/* --- operations and accesses ------------------------------------------------------------ */

static const struct vmstore_op *does_with(struct kill *k, struct vmstore_op op, void *data)
{
	int err;

	k->op = op;
	err = vms_step(k->s, &k->op, data);
	if (!VMS_OMIT_ANY())
		KUNIT_ASSERT_EQ_MSG(k->test, err, 0, "%s", vms_op_row(op.opcode)->name);
	look(k);
	return &k->op;
}

static const struct vmstore_op *does(struct kill *k, struct vmstore_op op)
{
	return does_with(k, op, NULL);
}

/* Frame id */
static u64 new_frame(struct kill *k, u64 value)
{
	const struct vmstore_op *op = does(k, fx_op_simple(VMSTORE_OP_FRAME_ALLOC));
	u64 *kva = vms_slot_kva(&k->s->region, vms_paddr_slot(op->out.frame.paddr));

	*kva = value;
	return op->out.id;
}

static void map(struct kill *k, u64 va, u64 value)
{
	u64 frame = new_frame(k, value);

	does(k, fx_op_jump(k->cursor, va));
	does(k, fx_op_map(k->cursor, frame, fx_rw));
}

static void unmap(struct kill *k, u64 va, u64 len)
{
	does(k, fx_op_jump(k->cursor, va));
	does(k, fx_op_len(VMSTORE_OP_CURSOR_UNMAP, k->cursor, len));
}

static void reap(struct kill *k)
{
	does(k, fx_op_simple(VMSTORE_OP_REAP));
}

static u64 access(struct kill *k, int cpu, u64 va, bool write)
{
	u64 value = OLD;
	struct vms_access a = { .va = va, .buf = &value, .len = 8, .write = write };

	/* Not as an operation: it is told no space, and takes no interrupt before */
	if (vms_mmu_soft_ops.access(&k->s->mmu, cpu, k->root, &a) || a.fault)
		return FAULT;
	return value;
}

static u64 load(struct kill *k, int cpu, u64 va)
{
	return access(k, cpu, va, false);
}

static void expect_load(struct kill *k, u64 va, u64 value)
{
	if (load(k, 1, va) != value)
		see(k, "a load finds what was there before");
}

static void expect_read_only(struct kill *k, u64 va)
{
	if (access(k, 1, va, true) != FAULT)
		see(k, "a store goes to a page that is read-only");
}

static void set_root(struct kill *k, int cpu, struct vms_root *r)
{
	KUNIT_EXPECT_EQ(k->test, vms_mmu_soft_ops.set_root(&k->s->mmu, cpu, r, 0), 0);
}

/* --- an unmap by hand, which can be done where no operation can -------------------------- */

static void release(struct kill *k)
{
	struct vms_removed sum = {};

	vms_gather_try_release(&k->s->tlb, k->g, &sum);
	look(k);
}

static void unlink_va(struct kill *k)
{
	struct vms_removed sum = {};
	u32 slot = vms_node_unlink(&k->s->region, k->leaf, vms_pte_index(VA, 1), &sum);

	vms_gather_add(&k->s->tlb, k->g, slot, false);
	vms_tlb_issue(&k->s->tlb, k->g, k->root, VA, VA + FX_PAGE);
}

static void unmap_va(struct kill *k)
{
	unlink_va(k);
	vms_tlb_dispatch(&k->s->tlb, k->g, k->root);
	release(k);
}

static void unmap_meanwhile(enum vms_moment at)
{
	vms_meanwhile = NULL;
	/* As whatever root is loaded then: a CPU does not ask when it may */
	if (at == VMS_AT_SWITCH)
		load(playing, 1, VA);
	unmap_va(playing);
}

/* --- scenes ------------------------------------------------------------------------------ */

static void play_replace(struct kill *k)
{
	expect_load(k, VA, OLD);
	map(k, VA, NEW);
	reap(k);
	expect_load(k, VA, NEW);
}

static void play_unmap(struct kill *k)
{
	expect_load(k, VA, OLD);
	unmap(k, VA, FX_PAGE);
	reap(k);
	expect_load(k, VA, FAULT);
}

static void play_active(struct kill *k)
{
	set_root(k, 1, NULL);
	set_root(k, 1, k->root);
	play_unmap(k);
}

/* A table that lies in the range as a whole */
static void play_cut(struct kill *k)
{
	map(k, VA + HUGE, OLD);
	expect_load(k, VA + HUGE, OLD);
	/* Out of the table */
	does(k, fx_op_jump(k->cursor, VA));
	unmap(k, VA + HUGE, HUGE);
	reap(k);
	expect_load(k, VA + HUGE, FAULT);
}

/* More than a gather holds, and than a queue */
static void play_many(struct kill *k)
{
	int i;

	for (i = 0; i < VMS_GATHER_MAX + 6; i++) {
		map(k, VA + i * FX_PAGE, OLD);
		expect_load(k, VA + i * FX_PAGE, OLD);
	}
	reap(k);
	unmap(k, VA, i * FX_PAGE);
	reap(k);
}

static void play_protect(struct kill *k)
{
	KUNIT_EXPECT_EQ(k->test, access(k, 1, VA, true), OLD);
	does(k, fx_op_jump(k->cursor, VA));
	does(k, fx_op_protect(k->cursor, FX_PAGE, nothing, just_w));
	does(k, fx_op_flush(k->cursor, VA, FX_PAGE));
	expect_read_only(k, VA);
}

/* The same with the flusher */
static void play_protect_with(struct kill *k, struct vmstore_op issue)
{
	KUNIT_EXPECT_EQ(k->test, access(k, 1, VA, true), OLD);
	does(k, fx_op_jump(k->cursor, VA));
	does(k, fx_op_protect(k->cursor, FX_PAGE, nothing, just_w));
	does(k, issue);
	does(k, fx_op_id(VMSTORE_OP_TLB_DISPATCH, k->cursor));
	does(k, fx_op_id(VMSTORE_OP_TLB_SYNC, k->cursor));
	expect_read_only(k, VA);
}

static void play_issue(struct kill *k)
{
	play_protect_with(k, (struct vmstore_op) {
		.opcode = VMSTORE_OP_TLB_ISSUE,
		.arg.flush = { .cursor = k->cursor, .va = VA, .len = FX_PAGE },
	});
}

static void play_issue_with(struct kill *k)
{
	u64 frame = new_frame(k, OLD);

	play_protect_with(k, (struct vmstore_op) {
		.opcode = VMSTORE_OP_TLB_ISSUE_WITH,
		.arg.issue_with = {
			.cursor = k->cursor, .frame = frame, .va = VA, .len = FX_PAGE,
		},
	});
}

static void unmap_later(struct kill *k)
{
	struct vmstore_op op = fx_op_len(VMSTORE_OP_CURSOR_UNMAP, k->cursor, FX_PAGE);

	expect_load(k, VA, OLD);
	op.flags = VMSTORE_OPF_DEFER;
	does(k, fx_op_jump(k->cursor, VA));
	does(k, op);
}

static void play_reap(struct kill *k)
{
	unmap_later(k);
	reap(k);
	expect_load(k, VA, FAULT);
}

static void play_close(struct kill *k)
{
	unmap_later(k);
	does(k, fx_op_id(VMSTORE_OP_CURSOR_DROP, k->cursor));
	reap(k);
	expect_load(k, VA, FAULT);
}

static void play_local(struct kill *k)
{
	unmap_later(k);
	does(k, (struct vmstore_op) {
		.opcode = VMSTORE_OP_TLB_FLUSH_LOCAL,
		.cpu = 1,
		.arg.flush_local = { .space = k->space, .va = VA, .len = FX_PAGE },
	});
	expect_load(k, VA, FAULT);
}

static u64 new_area(struct kill *k, u32 count, struct vmstore_prop prop, u64 *start)
{
	const struct vmstore_op *op;
	u64 frame[48];
	u32 i;

	for (i = 0; i < count; i++)
		frame[i] = new_frame(k, OLD);
	op = does_with(k, fx_op_kvirt_frames(count * FX_PAGE, 0, count, prop), frame);
	*start = op->out.kvirt.start;
	for (i = 0; i < count; i++)
		expect_load(k, *start + i * FX_PAGE, OLD);
	return op->out.id;
}

static void play_area_unmap(struct kill *k)
{
	u64 start, area = new_area(k, 2, area_rw, &start);

	does(k, fx_op_kvirt_unmap(area, 0, FX_PAGE));
	expect_load(k, start, FAULT);
	expect_load(k, start + FX_PAGE, OLD);
}

static void play_area_global(struct kill *k)
{
	u64 start, area = new_area(k, 40, global_rw, &start);

	does(k, fx_op_id(VMSTORE_OP_KVIRT_DROP, area));
	expect_load(k, start, FAULT);
}

static void play_area_protect(struct kill *k)
{
	u64 start, area = new_area(k, 1, area_rw, &start);

	KUNIT_EXPECT_EQ(k->test, access(k, 1, start, true), OLD);
	does(k, fx_op_kvirt_protect(area, 0, FX_PAGE, nothing, just_w));
	expect_read_only(k, start);
}

/* A page of 2 MiB of device memory */
static u64 new_huge(struct kill *k, u64 *start)
{
	const struct vmstore_op *op;

	op = does(k, fx_op_kvirt_untracked(HUGE, 0, TAIL, KILL_REGION, area_rw));
	*start = op->out.kvirt.start;
	return op->out.id;
}

#define SPLIT_VA	(VMSTORE_KVIRT_BASE + FX_PAGE)

/* Walk there until CPU 1 does, too; it does by chance */
static void lure(struct kill *k, u64 va, int level, enum vms_entry_kind kind)
{
	int i;

	for (i = 0; i < 1000 && !cached(k, va, level, kind); i++)
		load(k, 0, va);
}

/* Once the page is read-only: has CPU 1 it cached twice, and not the same? */
static void look_for_doubles(struct kill *k)
{
	u64 small, large;
	struct vms_walk w;

	if (vms_mmu_walk(&k->s->mmu, k->root, SPLIT_VA, &w) || w.level != 1 || w.write)
		return;
	lure(k, SPLIT_VA, 1, VMS_ENTRY_LEAF);
	small = cached(k, SPLIT_VA, 1, VMS_ENTRY_LEAF);
	large = cached(k, SPLIT_VA, 2, VMS_ENTRY_LEAF);
	if (small && large && (small ^ large) & VMS_PTE_WRITE)
		see(k, "a CPU has two translations of an address");
}

static void play_split(struct kill *k)
{
	u64 start, area = new_huge(k, &start);

	KUNIT_EXPECT_EQ(k->test, start, VMSTORE_KVIRT_BASE);
	KUNIT_EXPECT_EQ(k->test, access(k, 1, SPLIT_VA, true), OLD);
	k->on_kick = look_for_doubles;
	does(k, fx_op_kvirt_protect(area, FX_PAGE, FX_PAGE, nothing, just_w));
	k->on_kick = NULL;
	expect_read_only(k, SPLIT_VA);
}

/* A table of an area that is gone gives way to a page of 2 MiB */
static void play_area_huge(struct kill *k)
{
	u64 start, area = new_area(k, 1, area_rw, &start);

	KUNIT_EXPECT_EQ(k->test, start, VMSTORE_KVIRT_BASE);
	does(k, fx_op_id(VMSTORE_OP_KVIRT_DROP, area));
	lure(k, start, 2, VMS_ENTRY_TABLE);
	KUNIT_EXPECT_NE(k->test, cached(k, start, 2, VMS_ENTRY_TABLE), 0ULL);
	new_huge(k, &start);
	KUNIT_EXPECT_EQ(k->test, start, VMSTORE_KVIRT_BASE);
	if (cached(k, start, 2, VMS_ENTRY_TABLE))
		see(k, "a CPU walks through a table that is there no more");
}

/* Active, elsewhere while it changes, active again */
static void play_again(struct kill *k)
{
	expect_load(k, VA, OLD);
	set_root(k, 1, NULL);
	unmap(k, VA, FX_PAGE);
	reap(k);
	set_root(k, 1, k->root);
	look(k);
	expect_load(k, VA, FAULT);
}

static void play_enter(struct kill *k)
{
	set_root(k, 1, NULL);
	vms_meanwhile = unmap_meanwhile;
	set_root(k, 1, k->root);
}

static void play_leave(struct kill *k)
{
	vms_meanwhile = unmap_meanwhile;
	set_root(k, 1, NULL);
}

static void play_window(struct kill *k)
{
	set_root(k, 1, NULL);
	vms_meanwhile = unmap_meanwhile;
	load(k, 1, VA);
}

/* The sets are read, a CPU comes and walks, the entry is written */
static void enter_meanwhile(enum vms_moment at)
{
	if (at != VMS_AT_ENTRY)
		return;
	vms_meanwhile = NULL;
	vms_tlb_sets_read = playing->root->active;
	set_root(playing, 1, playing->root);
	load(playing, 1, VA);
}

static void play_dispatch(struct kill *k)
{
	set_root(k, 1, NULL);
	vms_meanwhile = enter_meanwhile;
	unmap_va(k);
}

static void play_answer(struct kill *k)
{
	expect_load(k, VA, OLD);
	unmap_va(k);
	k->on_flush = release;
	vms_tlb_sync(&k->s->tlb, k->g);
	k->on_flush = NULL;
}

static void play_pending(struct kill *k)
{
	expect_load(k, VA, OLD);
	unlink_va(k);
	release(k);
}

/* A node, and a reader without a lock that may be in it; no CPU is asked */
static u32 gather_node(struct kill *k)
{
	struct vms_region *r = &k->s->region;
	u32 idx = VMS_NO_SLOT;

	set_root(k, 1, NULL);
	KUNIT_ASSERT_EQ(k->test, vms_node_alloc(r, 1, false, 0, &idx), 0);
	vms_gather_add(&k->s->tlb, k->g, idx, true);
	return idx;
}

static void play_reader(struct kill *k)
{
	u32 idx;

	set_root(k, 1, NULL);
	new_frame(k, OLD);
	idx = vms_paddr_slot(k->op.out.frame.paddr);
	rcu_read_lock();
	/* A frame that counts as a node: its release does not sleep */
	vms_gather_add(&k->s->tlb, k->g, idx, false);
	k->g->has_node = true;
	k->g->rcu_state = start_poll_synchronize_rcu();
	release(k);
	if (vms_slot_rc(&k->s->region, idx) == VMSTORE_RC_UNUSED)
		see(k, "a node is free that a reader is in");
	rcu_read_unlock();
}

/* A reader on another processor; it leaves by itself */
struct reader {
	struct completion in, out;
	bool inside;
	bool leave;
};

static int read_thread(void *arg)
{
	unsigned long until = jiffies + HZ / 20 + 2;
	struct reader *reader = arg;

	rcu_read_lock();
	WRITE_ONCE(reader->inside, true);
	complete(&reader->in);
	while (!READ_ONCE(reader->leave) && time_before(jiffies, until))
		cpu_relax();
	WRITE_ONCE(reader->inside, false);
	rcu_read_unlock();
	complete(&reader->out);
	return 0;
}

static void play_reap_reader(struct kill *k)
{
	struct reader reader = {};
	struct vms_removed sum = {};
	struct task_struct *task;
	unsigned int cpu;

	KUNIT_ASSERT_EQ(k->test, set_cpus_allowed_ptr(current, cpumask_of(0)), 0);
	cpu = cpumask_any_but(cpu_online_mask, 0);
	init_completion(&reader.in);
	init_completion(&reader.out);
	task = kthread_run_on_cpu(read_thread, &reader, cpu, "vmstore-reader/%u");
	KUNIT_ASSERT_FALSE(k->test, IS_ERR(task));
	wait_for_completion(&reader.in);
	gather_node(k);
	vms_gather_reap(&k->s->tlb, k->g, &sum);
	if (READ_ONCE(reader.inside))
		see(k, "a node is free that a reader is in");
	WRITE_ONCE(reader.leave, true);
	wait_for_completion(&reader.out);
}

/* --- the table ---------------------------------------------------------------------------- */

struct scene {
	const char *name;
	void (*play)(struct kill *k);
};

static const struct scene replace = { "a page is mapped over", play_replace };
static const struct scene unmap_one = { "a page is unmapped", play_unmap };
static const struct scene active = { "a CPU activates a space and a page is unmapped",
				     play_active };
static const struct scene cut = { "a table is cut off", play_cut };
static const struct scene many = { "70 pages are unmapped", play_many };
static const struct scene protect = { "a page becomes read-only and is flushed", play_protect };
static const struct scene issue = { "a page becomes read-only, then TLB_ISSUE, DISPATCH and SYNC",
				    play_issue };
static const struct scene issue_with = { "a page becomes read-only, then TLB_ISSUE_WITH",
					 play_issue_with };
static const struct scene reap_later = { "an unmap is deferred and REAP runs", play_reap };
static const struct scene close_later = { "an unmap is deferred and the cursor closed",
					  play_close };
static const struct scene local = { "an unmap is deferred and one CPU flushed", play_local };
static const struct scene area_unmap = { "a page of an area is unmapped", play_area_unmap };
static const struct scene area_global = { "an area of global pages is dropped", play_area_global };
static const struct scene area_protect = { "an area becomes read-only", play_area_protect };
static const struct scene area_huge = { "a large page is mapped in place of a table",
					play_area_huge };
static const struct scene split = { "a part of a large page becomes read-only", play_split };
static const struct scene again = { "a page is unmapped while its space is not active",
				    play_again };
static const struct scene enter = { "a page is unmapped while a CPU loads its root",
				    play_enter };
static const struct scene leave = { "a page is unmapped while a CPU leaves its root",
				    play_leave };
static const struct scene window = { "a page is unmapped while a CPU accesses it in a window",
				     play_window };
static const struct scene dispatch = { "a CPU loads the root while a page is unmapped",
				       play_dispatch };
static const struct scene answer = { "a gather is looked at while a CPU flushes", play_answer };
static const struct scene pending = { "a gather is looked at before it is dispatched",
				      play_pending };
static const struct scene reader = { "a node is unlinked under a reader without a lock",
				     play_reader };
static const struct scene reap_reader = { "a node is reaped under a reader without a lock",
					  play_reap_reader };

/* By site: where it shows, why it does not, or why it takes several processors to show it */
static const struct {
	const struct scene *scene;
	const char *survives;
	const char *elsewhere;
} sites[VMS_NR_OMIT_SOFT] = {
	[VMS_OMIT_ACTIVE_SET] = { &active },
	[VMS_OMIT_ACTIVE_BARRIER] = { &enter },
	[VMS_OMIT_ACTIVE_LEAVES] = { &leave },
	[VMS_OMIT_LOADED_SET] = { &window },
	[VMS_OMIT_LOADED_BARRIER] = { &window },
	[VMS_OMIT_LOADED_LEAVES] = { &window },
	[VMS_OMIT_LOAD_FLUSH] = { &again },
	[VMS_OMIT_FORGET_ROOT] = { &again, "no root gets the tag of one that is gone" },
	[VMS_OMIT_FLUSH_COLLAPSE] = { &cut },
	[VMS_OMIT_FLUSH_GLOBAL] = { &area_global },
	[VMS_OMIT_OP_ISSUE] = { &issue },
	[VMS_OMIT_OP_ISSUE_WITH] = { &issue_with },
	[VMS_OMIT_OP_DISPATCH] = { &issue },
	[VMS_OMIT_OP_SYNC] = { &issue },
	[VMS_OMIT_DROP_DISPATCH] = { &close_later },
	[VMS_OMIT_REAP_DISPATCH] = { &reap_later },
	[VMS_OMIT_LOCAL_FLUSH] = { &local },
	[VMS_OMIT_ANSWER_ACQUIRE] = {
		&answer,
		"stores after it are ordered by the branch, what is loaded does not change",
	},
	[VMS_OMIT_DISPATCH_BARRIER] = { &dispatch },
	[VMS_OMIT_DISPATCH_ACTIVE] = { &unmap_one },
	[VMS_OMIT_DISPATCH_LOADED] = { &window },
	[VMS_OMIT_DISPATCH_KERNEL] = { &area_unmap },
	[VMS_OMIT_DISPATCH_MERGE] = { &unmap_one },
	[VMS_OMIT_DISPATCH_KICK] = { &unmap_one },
	[VMS_OMIT_ANSWER_FLUSH] = { &unmap_one },
	[VMS_OMIT_ANSWER_ORDER] = { &answer },
	[VMS_OMIT_SYNC_WAIT] = { &unmap_one },
	[VMS_OMIT_GATHER_KEEP] = { &unmap_one },
	[VMS_OMIT_RELEASE_PENDING] = { &pending },
	[VMS_OMIT_RELEASE_FLUSHED] = { &unmap_one },
	[VMS_OMIT_RELEASE_READERS] = { &reader },
	[VMS_OMIT_REAP_SYNC] = { &unmap_one },
	[VMS_OMIT_REAP_READERS] = {
		&reap_reader,
		.elsewhere = "on one processor nobody is in a reader while another thread runs",
	},
	[VMS_OMIT_MAP_ISSUE] = { &replace },
	[VMS_OMIT_UNMAP_ISSUE] = { &unmap_one },
	[VMS_OMIT_CUT_ISSUE] = { &cut },
	[VMS_OMIT_SPLIT_ISSUE] = { &split },
	[VMS_OMIT_PROTECT_ISSUE] = { &area_protect },
	[VMS_OMIT_FLUSH_ISSUE] = { &protect },
	[VMS_OMIT_FINISH_DISPATCH] = { &area_unmap },
	[VMS_OMIT_ROOM_DISPATCH] = { &many },
	[VMS_OMIT_SPLIT_DISPATCH] = { &split },
	[VMS_OMIT_FLUSH_DISPATCH] = { &protect },
	[VMS_OMIT_SPLIT_SYNC] = { &split },
	[VMS_OMIT_FLUSH_SYNC] = { &protect },
	[VMS_OMIT_AREA_MAP_SYNC] = { &area_huge },
	[VMS_OMIT_AREA_UNMAP_SYNC] = { &area_unmap },
	[VMS_OMIT_AREA_PROTECT_SYNC] = { &area_protect },
};

static const struct {
	const char *name;
	const char *text;
} texts[VMS_NR_OMIT_SOFT] = {
	[VMS_OMIT_NONE] = {},	/* the others in the order of the enum */
#define SITE(name, text)	{ #name, text },
	VMS_OMIT_SITES(SITE)
};

/* --- playing ------------------------------------------------------------------------------ */

/* A page at VA with value OLD, its space active on CPU 1 */
static void set_stage(struct kill *k)
{
	struct vms_region *r = &k->s->region;
	struct vms_space *space;
	u32 level;

	k->space = does(k, fx_op_simple(VMSTORE_OP_SPACE_NEW))->out.id;
	space = vms_store_get_space(k->s, k->space);
	KUNIT_ASSERT_NOT_NULL(k->test, space);
	k->root = &space->pt.mroot;
	vms_space_put(space);
	k->cursor = does(k, fx_op_open(true, k->space, VA, VA + 2 * HUGE))->out.id;
	map(k, VA, OLD);
	k->leaf = space->pt.root;
	for (level = VMS_NR_LEVELS; level > 1; level--)
		k->leaf = vms_entry_slot(r, vms_node_read(r, k->leaf, vms_pte_index(VA, level)));
	set_root(k, 1, k->root);
}

static struct kill *begin(struct kunit *test, u32 seed)
{
	const struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = KILL_REGION,
		.mmio_size = KILL_REGION - TAIL,
		.machine = VMSTORE_MACHINE_SOFT,
		.nr_cpus = 2,
		.check_mode = VMSTORE_CHECK_OFF,
		.seed = seed,
	};
	struct kill *k = test->priv;

	*k = (struct kill) { .test = test, .s = vms_store_create() };
	KUNIT_ASSERT_NOT_NULL(test, k->s);
	KUNIT_ASSERT_EQ(test, vms_store_setup(k->s, &setup), 0);
	k->ops = vms_mmu_soft_ops;
	k->ops.kick = late_kick;
	k->ops.wait = late_wait;
	k->ops.flush = told_flush;
	k->g = vms_gather_alloc(&k->s->tlb);
	KUNIT_ASSERT_NOT_NULL(test, k->g);
	playing = k;
	set_stage(k);
	k->s->mmu.ops = &k->ops;
	return k;
}

static void end(struct kill *k)
{
	int cpu;

	WRITE_ONCE(vms_omit, VMS_OMIT_NONE);
	vms_meanwhile = NULL;
	if (!k->s)
		return;
	k->s->mmu.ops = &vms_mmu_soft_ops;
	for (cpu = 0; k->root && cpu < 2; cpu++)
		vms_mmu_soft_ops.set_root(&k->s->mmu, cpu, NULL, 0);
	vms_gather_free(k->g);
	vms_store_destroy(k->s);
	k->s = NULL;
}

/* Return: what went wrong, or NULL */
static const char *play(struct kunit *test, const struct scene *scene, enum vms_omit omit,
			u32 seed)
{
	struct kill *k = begin(test, seed);

	WRITE_ONCE(vms_omit, omit);
	scene->play(k);
	end(k);
	return k->seen;
}

static void kill_test_site(struct kunit *test)
{
	enum vms_omit omit = *(const enum vms_omit *)test->param_value;
	const struct scene *scene = sites[omit].scene;
	const char *seen = NULL, *well = NULL;
	u32 seed;

	KUNIT_ASSERT_NOT_NULL_MSG(test, scene, "no scene");
	if (sites[omit].elsewhere && num_online_cpus() == 1) {
		kunit_info(test, "elsewhere: %s: %s: %s: %s\n", texts[omit].name,
			   texts[omit].text, scene->name, sites[omit].elsewhere);
		kunit_skip(test, "needs several processors");
	}
	for (seed = 1; seed <= SEEDS; seed++) {
		well = well ?: play(test, scene, VMS_OMIT_NONE, seed);
		seen = seen ?: play(test, scene, omit, seed);
	}
	KUNIT_EXPECT_NULL_MSG(test, well, "nothing is left out, and %s", well);
	if (sites[omit].survives) {
		KUNIT_EXPECT_NULL_MSG(test, seen, "it is not as said: %s", seen);
		kunit_info(test, "survivor: %s: %s: %s\n", texts[omit].name, texts[omit].text,
			   sites[omit].survives);
		return;
	}
	KUNIT_EXPECT_NOT_NULL_MSG(test, seen, "nothing goes wrong without it");
	kunit_info(test, "kill: %s: %s: %s: %s\n", texts[omit].name, texts[omit].text,
		   scene->name, seen ?: "nothing");
}

static const void *kill_gen_params(const void *prev, char *desc)
{
	static enum vms_omit omit;

	omit = prev ? omit + 1 : VMS_OMIT_NONE + 1;
	if (omit == VMS_NR_OMIT_SOFT)
		return NULL;
	strscpy(desc, texts[omit].name, KUNIT_PARAM_DESC_SIZE);
	return &omit;
}

static int kill_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct kill), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

/* Also after a case that ended early */
static void kill_test_exit(struct kunit *test)
{
	if (test->priv)
		end(test->priv);
}

static struct kunit_case kill_test_cases[] = {
	KUNIT_CASE_PARAM(kill_test_site, kill_gen_params),
	{}
};

static struct kunit_suite kill_test_suite = {
	.name = "vmstore-kill",
	.init = kill_test_init,
	.exit = kill_test_exit,
	.test_cases = kill_test_cases,
};

kunit_test_suite(kill_test_suite);
