// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the sets, interrupts, waits and flushes of the live machine are for (omit.h): each is
 * left out, alone, while a scene is played on two processors. CPU 1 has a private root
 * loaded, CPU 0 takes a page away from it. As in vmstore-kill the scene must go wrong then,
 * and well with nothing left out.
 *
 * Where it matters who is first, CPU 1 is held, with IRQs off, until CPU 0 is through, or
 * for a while: if it has to wait for CPU 1. What a CPU still reaches is what it then loads.
 */

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "step.h"
#include "fixture.h"

#define OTHER		1	/* the CPU that is looked at; the case itself is on CPU 0 */
#define HOLD_NS		(100 * NSEC_PER_MSEC)
#define WAIT_NS		(2000 * NSEC_PER_MSEC)
#define ANSWER_MS	5000	/* a busy host may take its time */
#define LOADS		3

/* A CPU may lose what it has cached */
#define ATTEMPTS	5

#define VA		(64 * vms_page_size(2))
#define OLD		0x1111111111111111ULL

/**
 * struct live - a scene on a store
 * @test: case
 * @s: store on the live machine
 * @on_kick: of its machine
 * @root: of a space
 * @space: id
 * @cursor: over the page at VA
 * @frame: slot of the frame that is, or was, mapped there
 * @watch: what CPU 1 loads at VA
 * @over: it has
 * @may_hold: CPU 1 is to be held
 * @held: it is, or was
 * @holding: it is
 * @go: it need not be held any longer
 * @watching: a thread of CPU 1 uses all this
 * @kicks: interrupts that CPU 1 has begun to answer
 * @seen: what went wrong, NULL = nothing
 */
struct live {
	struct kunit *test;
	struct vms_store *s;
	void (*on_kick)(struct vms_mmu *m, int cpu);
	struct vms_root *root;
	u64 space;
	u64 cursor;
	u32 frame;
	struct vms_watch watch;
	struct completion over;
	bool may_hold;
	bool held;
	bool holding;
	bool go;
	bool watching;
	atomic_t kicks;
	const char *seen;
};

/* Of hooks, which know no case */
static struct live *playing;

static void see(struct live *l, const char *what)
{
	if (!l->seen)
		l->seen = what;
}

static u64 now(void)
{
	/* As in the worker */
	return data_race(ktime_get_mono_fast_ns());
}

/* --- CPU 1 --------------------------------------------------------------------------- */

/* IRQs off */
static void hold(struct live *l)
{
	u64 end = now() + HOLD_NS;

	if (!READ_ONCE(l->may_hold) || READ_ONCE(l->held))
		return;
	WRITE_ONCE(l->holding, true);
	WRITE_ONCE(l->held, true);
	while (!READ_ONCE(l->go) && now() < end)
		cpu_relax();
	WRITE_ONCE(l->holding, false);
}

static void hold_in_window(enum vms_moment at)
{
	if (at == VMS_AT_WINDOW)
		hold(playing);
}

/* The same, and interrupts are taken, as they are in a resident window at any rate */
static void wait_in_window(enum vms_moment at)
{
	struct live *l = playing;
	u64 end = now() + WAIT_NS;

	if (at != VMS_AT_WINDOW || READ_ONCE(l->held))
		return;
	WRITE_ONCE(l->held, true);
	while (!READ_ONCE(l->go) && now() < end) {
		local_irq_enable();
		asm volatile("nop");	/* as the worker does */
		local_irq_disable();
	}
}

static void hold_in_answer(struct vms_mmu *m, int cpu)
{
	if (cpu == OTHER && smp_processor_id() == OTHER) {
		atomic_inc(&playing->kicks);
		hold(playing);
	}
	playing->on_kick(m, cpu);
}

static int watch_thread(void *arg)
{
	struct live *l = arg;
	struct vms_mmu *m = &l->s->mmu;

	m->ops->watch(m, OTHER, l->root, &l->watch);
	complete(&l->over);
	return 0;
}

/* Load VA some times in one window; @after_load is called there */
static void start_watch(struct live *l, void (*after_load)(enum vms_moment at))
{
	struct task_struct *task;

	l->watch = (struct vms_watch) {
		.va = VA, .width = 8, .loads = LOADS, .until = jiffies + 60 * HZ,
	};
	l->may_hold = true;
	WRITE_ONCE(vms_meanwhile, after_load);
	task = kthread_run_on_cpu(watch_thread, l, OTHER, "vmstore-watch/%u");
	KUNIT_ASSERT_FALSE(l->test, IS_ERR(task));
	l->watching = true;
}

static void wait_until_held(struct live *l)
{
	unsigned long until = jiffies + 60 * HZ;

	while (!READ_ONCE(l->held) && !completion_done(&l->over) && time_before(jiffies, until))
		cond_resched();
	KUNIT_ASSERT_TRUE(l->test, READ_ONCE(l->held));
}

static void end_watch(struct live *l)
{
	WRITE_ONCE(l->go, true);
	wait_for_completion(&l->over);
	l->watching = false;
	WRITE_ONCE(vms_meanwhile, NULL);
}

static void set_root(struct live *l, struct vms_root *r, u32 flags)
{
	struct vms_mmu *m = &l->s->mmu;

	KUNIT_EXPECT_EQ(l->test, m->ops->set_root(m, OTHER, r, flags), 0);
}

/* --- CPU 0 --------------------------------------------------------------------------- */

static struct vmstore_op does(struct live *l, struct vmstore_op op)
{
	int err = vms_step(l->s, &op, NULL);

	/* A store that has seen a release come too early does no more */
	if (!VMS_OMIT_ANY())
		KUNIT_ASSERT_EQ_MSG(l->test, err, 0, "%s", vms_op_row(op.opcode)->name);
	return op;
}

static void map(struct live *l)
{
	struct vmstore_op op = does(l, fx_op_simple(VMSTORE_OP_FRAME_ALLOC));

	l->frame = vms_paddr_slot(op.out.frame.paddr);
	*(u64 *)vms_slot_kva(&l->s->region, l->frame) = OLD;
	does(l, fx_op_jump(l->cursor, VA));
	does(l, fx_op_map(l->cursor, op.out.id, fx_rw));
}

static void unmap_with(struct live *l, u32 flags)
{
	struct vmstore_op op = fx_op_len(VMSTORE_OP_CURSOR_UNMAP, l->cursor, FX_PAGE);

	op.flags = flags;
	does(l, fx_op_jump(l->cursor, VA));
	does(l, op);
}

static void unmap(struct live *l)
{
	unmap_with(l, 0);
}

/* Everything is flushed, and the page not by itself */
static void unmap_all(struct live *l)
{
	unmap_with(l, VMSTORE_OPF_DEFER);
	does(l, fx_op_issue(l->cursor, 0, 0));
	does(l, fx_op_id(VMSTORE_OP_TLB_DISPATCH, l->cursor));
}

static void reap(struct live *l)
{
	does(l, fx_op_simple(VMSTORE_OP_REAP));
}

static bool frame_is_free(const struct live *l)
{
	return vms_slot_rc(&l->s->region, l->frame) == VMSTORE_RC_UNUSED;
}

/* --- scenes -------------------------------------------------------------------------- */

/* A window that is held after a load */
static void play_window(struct live *l)
{
	bool early;

	start_watch(l, hold_in_window);
	wait_until_held(l);
	unmap(l);
	reap(l);
	early = frame_is_free(l) && READ_ONCE(l->holding);
	end_watch(l);
	KUNIT_EXPECT_EQ(l->test, l->watch.first, OLD);
	if (early && l->watch.before.stale + l->watch.after.stale)
		see(l, "a CPU loads from a frame that is free");
}

/* The answer to an interrupt is held */
static void play_answer(struct live *l)
{
	set_root(l, l->root, 0);
	l->s->mmu.on_kick = hold_in_answer;
	l->may_hold = true;
	unmap(l);
	wait_until_held(l);
	reap(l);
	if (frame_is_free(l) && READ_ONCE(l->holding))
		see(l, "a frame is free and a CPU has not flushed");
	WRITE_ONCE(l->go, true);
}

static void kick(struct live *l)
{
	struct vms_mmu *m = &l->s->mmu;
	struct vms_cpuset other = {};

	set_bit(OTHER, other.bits);
	cpus_read_lock();
	m->ops->kick(m, &other);
	cpus_read_unlock();
}

/* One that is asked again while it answers */
static void play_again(struct live *l)
{
	unsigned long until;

	l->s->mmu.on_kick = hold_in_answer;
	l->may_hold = true;
	kick(l);
	wait_until_held(l);
	kick(l);
	WRITE_ONCE(l->go, true);
	until = jiffies + msecs_to_jiffies(ANSWER_MS);
	while (atomic_read(&l->kicks) < 2 && time_before(jiffies, until))
		cond_resched();
	if (atomic_read(&l->kicks) < 2)
		see(l, "a CPU that was asked does not answer");
	/* It does now; nobody may wait for it in vain */
	WRITE_ONCE(vms_omit, VMS_OMIT_NONE);
	kick(l);
}

/* A resident window, in which interrupts are taken */
static void play_resident(struct live *l, void (*unmap_some)(struct live *l))
{
	bool early;

	set_root(l, l->root, VMS_ROOT_RESIDENT);
	start_watch(l, wait_in_window);
	wait_until_held(l);
	unmap_some(l);
	reap(l);
	early = frame_is_free(l);
	end_watch(l);
	KUNIT_EXPECT_EQ(l->test, l->watch.first, OLD);
	if (early && l->watch.before.stale + l->watch.after.stale)
		see(l, "a CPU loads from a frame that is free");
}

static void play_resident_page(struct live *l)
{
	play_resident(l, unmap);
}

static void play_resident_all(struct live *l)
{
	play_resident(l, unmap_all);
}

/* A window of a root that is to be resident no more is held */
static void play_leave(struct live *l)
{
	set_root(l, l->root, VMS_ROOT_RESIDENT);
	start_watch(l, hold_in_window);
	wait_until_held(l);
	set_root(l, NULL, 0);
	if (test_bit(OTHER, l->root->loaded.bits))
		see(l, "a root may be freed that a CPU has loaded");
	end_watch(l);
}

static void unmap_meanwhile(enum vms_moment at)
{
	struct live *l = playing;

	if (at != VMS_AT_SWITCH) {
		hold_in_window(at);
		return;
	}
	unmap(l);
	reap(l);
	if (frame_is_free(l) && READ_ONCE(l->holding))
		see(l, "a frame is free that a CPU still reaches");
}

static void play_leave_unmap(struct live *l)
{
	set_root(l, l->root, VMS_ROOT_RESIDENT);
	start_watch(l, hold_in_window);
	wait_until_held(l);
	WRITE_ONCE(vms_meanwhile, unmap_meanwhile);
	set_root(l, NULL, 0);
	end_watch(l);
}

/* --- the table ------------------------------------------------------------------------ */

struct scene {
	const char *name;
	void (*play)(struct live *l);
};

static const struct scene window = { "a page is unmapped and reaped while a CPU has it in a window",
				     play_window };
static const struct scene answer = { "a page is unmapped and reaped while a CPU answers",
				     play_answer };
static const struct scene again = { "a CPU is asked again while it answers", play_again };
static const struct scene resident = { "a page is unmapped and reaped where it is resident",
				       play_resident_page };
static const struct scene resident_all = { "the same, and everything is flushed",
					   play_resident_all };
static const struct scene leave = { "a space is active no more while a window is open",
				    play_leave };
static const struct scene leave_unmap = { "the same, and a page is unmapped",
					  play_leave_unmap };

static const char loaded[] =
	"where anything is cached a window is open, and the CPU in the other set";

#define NR(site)	(VMS_OMIT_##site - VMS_NR_OMIT_SOFT)

/* By site: where it shows, or why it does not */
static const struct site {
	const struct scene *scene;
	const char *survives;
} sites[] = {
	[NR(RESIDENT_SET)] = { &resident, loaded },
	[NR(RESIDENT_LEAVES)] = { &leave_unmap, loaded },
	[NR(RESIDENT_END)] = { &leave },
	[NR(WINDOW_SET)] = { &window },
	[NR(WINDOW_BARRIER)] = { &window },
	[NR(WINDOW_LEAVES)] = { &window },
	[NR(IPI_SEND)] = { &window },
	[NR(IPI_ORDER)] = { &again },
	[NR(IPI_ANSWER)] = { &answer },
	[NR(IPI_WAIT)] = { &window },
	[NR(INVLPG)] = { &resident },
	[NR(CR3_RELOAD)] = { &resident_all },
};

static const struct {
	const char *name;
	const char *text;
} texts[VMS_NR_OMIT - VMS_NR_OMIT_SOFT] = {
	{},	/* the others in the order of the enum */
#define SITE(name, text)	{ #name, text },
	VMS_OMIT_LIVE_SITES(SITE)
};

/* --- playing -------------------------------------------------------------------------- */

static struct live *begin(struct kunit *test)
{
	const struct vmstore_setup setup = {
		.size = sizeof(setup),
		.region_size = VMS_BLOCK_SIZE,
		.machine = VMSTORE_MACHINE_LIVE,
		.check_mode = VMSTORE_CHECK_OFF,
	};
	struct live *l = test->priv;
	struct vms_space *space;

	*l = (struct live) { .test = test, .s = vms_store_create() };
	KUNIT_ASSERT_NOT_NULL(test, l->s);
	KUNIT_ASSERT_EQ(test, vms_store_setup(l->s, &setup), 0);
	init_completion(&l->over);
	l->on_kick = l->s->mmu.on_kick;
	playing = l;
	l->space = does(l, fx_op_simple(VMSTORE_OP_SPACE_NEW)).out.id;
	space = vms_store_get_space(l->s, l->space);
	KUNIT_ASSERT_NOT_NULL(test, space);
	l->root = &space->pt.mroot;
	vms_space_put(space);
	l->cursor = does(l, fx_op_open(true, l->space, VA, VA + FX_PAGE)).out.id;
	map(l);
	return l;
}

static void end(struct live *l)
{
	WRITE_ONCE(vms_omit, VMS_OMIT_NONE);
	WRITE_ONCE(vms_meanwhile, NULL);
	if (!l->s)
		return;
	if (l->watching)
		end_watch(l);
	if (l->root)
		set_root(l, NULL, 0);
	/* Closes it, and waits for whoever was asked */
	vms_store_destroy(l->s);
	l->s = NULL;
}

/* Return: what went wrong, or NULL */
static const char *play(struct kunit *test, const struct scene *scene, enum vms_omit omit)
{
	struct live *l = begin(test);

	WRITE_ONCE(vms_omit, omit);
	scene->play(l);
	end(l);
	return l->seen;
}

static void say(struct kunit *test, u32 nr)
{
	const struct site *site = &sites[nr];

	if (site->survives)
		kunit_info(test, "survivor: %s: %s: %s\n", texts[nr].name, texts[nr].text,
			   site->survives);
	else
		kunit_info(test, "live: %s: %s: %s\n", texts[nr].name, texts[nr].text,
			   site->scene->name);
}

static void kill_live_test_site(struct kunit *test)
{
	u32 nr = *(const u32 *)test->param_value;
	const struct scene *scene = nr < ARRAY_SIZE(sites) ? sites[nr].scene : NULL;
	const char *seen = NULL, *well = NULL;
	int i;

	KUNIT_ASSERT_NOT_NULL_MSG(test, scene, "no scene");
	say(test, nr);
	if (!vms_mmu_live_usable())
		kunit_skip(test, "needs the live machine");
	if (num_online_cpus() == 1)
		kunit_skip(test, "needs several processors");
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(0)), 0);
	for (i = 0; i < ATTEMPTS; i++) {
		well = well ?: play(test, scene, VMS_OMIT_NONE);
		seen = seen ?: play(test, scene, VMS_NR_OMIT_SOFT + nr);
	}
	KUNIT_EXPECT_NULL_MSG(test, well, "nothing is left out, and %s", well);
	if (sites[nr].survives)
		KUNIT_EXPECT_NULL_MSG(test, seen, "it is not as said: %s", seen);
	else
		KUNIT_EXPECT_NOT_NULL_MSG(test, seen, "nothing goes wrong without it");
	kunit_info(test, "seen: %s: %s\n", texts[nr].name, seen ?: "nothing");
}

static const void *kill_live_gen_params(const void *prev, char *desc)
{
	static u32 nr;

	nr = prev ? nr + 1 : 1;
	if (nr == ARRAY_SIZE(texts))
		return NULL;
	strscpy(desc, texts[nr].name, KUNIT_PARAM_DESC_SIZE);
	return &nr;
}

static int kill_live_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct live), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

/* Also after a case that ended early */
static void kill_live_test_exit(struct kunit *test)
{
	if (test->priv)
		end(test->priv);
}

static struct kunit_case kill_live_test_cases[] = {
	KUNIT_CASE_PARAM(kill_live_test_site, kill_live_gen_params),
	{}
};

static struct kunit_suite kill_live_test_suite = {
	.name = "vmstore-kill-live",
	.init = kill_live_test_init,
	.exit = kill_live_test_exit,
	.test_cases = kill_live_test_cases,
};

kunit_test_suite(kill_live_test_suite);
