// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLB litmus tests: running them
 *
 * A round makes the spaces, frames, mappings and cursors of the test, activates, runs the
 * programs, looks at what is left, and takes everything down again. A test has one store.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "litmus_run.h"

#define PAGE		VMSTORE_PAGE_SIZE
#define TABLE		(2ULL << 20)		/* what a leaf table translates */
#define FIRST_VA	(1ULL << 30)
#define PAGE_STRIDE	(1ULL << 30)		/* cursors of two pages never meet */
#define REGION		(16ULL << 20)
#define TAIL		(4ULL << 20)		/* for large pages */
#define MAX_HUGE	(TAIL / TABLE)
#define SOFT_CPUS	4

/**
 * struct round - a test that is being run once
 * @test: the test
 * @store: of the test
 * @batch: what is being built, or was run
 * @nr_machine_cpus: CPUs the machine has
 * @resident: active roots stay loaded only if that is asked for
 * @shift: the test's CPU 0 is this one of the machine's
 * @spaces: ids
 * @frames: handles; 0 = it was given back, or it is in a large page
 * @paddr: of frames
 * @device: it is in a large page
 * @extra: a handle that a frame got by being claimed again, and that nobody mapped
 * @areas: ids, by slot
 * @area_va: their addresses
 * @area_paddr: what large ones map
 * @area_frame: what a small one maps
 * @cursors: ids
 * @op_handle: what each map consumes
 * @outcome: registers
 * @arrived: times a CPU came to a barrier
 * @is_void: an area was made again at another address
 * @error: the first failure; only one thread writes it
 * @failed: there is one
 */
struct round {
	const struct litmus *test;
	struct vms_store *store;
	struct vms_batch *batch;
	__u32 nr_machine_cpus;
	bool resident;
	__u32 shift;
	__u64 spaces[LITMUS_MAX_SPACES];
	__u64 frames[LITMUS_MAX_FRAMES];
	__u64 paddr[LITMUS_MAX_FRAMES];
	bool device[LITMUS_MAX_FRAMES];
	__u64 extra[LITMUS_MAX_FRAMES];
	__u64 areas[LITMUS_MAX_SLOTS];
	__u64 area_va[LITMUS_MAX_SLOTS];
	__u64 area_paddr[LITMUS_MAX_SLOTS];
	__u64 area_frame[LITMUS_MAX_SLOTS];
	__u64 cursors[LITMUS_MAX_CURSORS];
	__u64 op_handle[LITMUS_MAX_CPUS][LITMUS_MAX_OPS];
	struct litmus_outcome outcome;
	atomic_int arrived;
	atomic_bool is_void;
	char *error;
	atomic_bool failed;
};

static void __printf(2, 3) fail(struct round *r, const char *fmt, ...)
{
	va_list args;

	if (atomic_exchange(&r->failed, true))
		return;
	va_start(args, fmt);
	vsnprintf(r->error, LITMUS_TEXT, fmt, args);
	va_end(args);
}

static const char *errno_text(int err)
{
	const char *name = vms_errno_name(err);

	return name ? name : strerror(abs(err));
}

/* --- chance ---------------------------------------------------------------- */

static __u64 mix(__u64 x)
{
	/* splitmix64 */
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static __u32 draw(__u64 *state, __u32 below)
{
	*state = mix(*state);
	return (*state >> 32) * below >> 32;
}

static __u64 seed_of(const struct litmus *test, __u32 seed)
{
	__u64 x = seed;
	const char *c;

	for (c = test->name; *c; c++)
		x = mix(x ^ (unsigned char)*c);
	return x;
}

/* --- places ---------------------------------------------------------------- */

static __u32 cpu_number(const struct round *r, int cpu)
{
	return (cpu + r->shift) % r->nr_machine_cpus;
}

static __u64 slot_va(const struct round *r, int slot)
{
	const struct litmus_slot *s = &r->test->slots[slot];

	if (s->kind != LITMUS_USER)
		return r->area_va[slot];
	return FIRST_VA + s->page * PAGE_STRIDE;
}

static __u64 place_va(const struct round *r, struct litmus_place place)
{
	return slot_va(r, place.slot) + place.idx * PAGE;
}

/* The space whose root an access is to load; a kernel page is in all of them */
static __u64 access_space(const struct round *r, int cpu, int op, struct litmus_place place)
{
	int space = r->test->slots[place.slot].space;

	if (litmus_is_kernel(r->test, place))
		space = litmus_active(r->test, cpu, op);
	return r->spaces[space < 0 ? 0 : space];
}

/* --- set-up ----------------------------------------------------------------- */

/* Run what was built, which must succeed */
static bool run_batch(struct round *r, const char *when)
{
	int ret = vms_batch_run(r->store, r->batch, 0, NULL);
	size_t i;

	for (i = 0; !ret && i < r->batch->nr; i++) {
		ret = r->batch->ops[i].out_errno;
		if (ret)
			fail(r, "%s: %s: %s", when,
			     vms_op_desc(r->batch->ops[i].opcode)->name, errno_text(ret));
	}
	if (ret)
		fail(r, "%s: %s", when, errno_text(ret));
	return !ret;
}

static __u64 made(const struct round *r, size_t at)
{
	return r->batch->ops[at].out.id;
}

static const struct litmus_mapping *mapping_of(const struct litmus *test, int slot, int idx)
{
	int i;

	for (i = 0; i < test->nr_mappings; i++)
		if (test->mappings[i].place.slot == slot && test->mappings[i].place.idx == idx)
			return &test->mappings[i];
	return NULL;
}

static bool is_reused(const struct litmus *test, int frame)
{
	int c, i;

	for (c = 0; c < test->nr_cpus; c++)
		for (i = 0; i < test->cpus[c].nr; i++)
			if (test->cpus[c].ops[i].code == LITMUS_REUSE &&
			    test->cpus[c].ops[i].frame == frame)
				return true;
	return false;
}

static void find_devices(struct round *r)
{
	const struct litmus *test = r->test;
	int i;

	for (i = 0; i < test->nr_mappings; i++)
		if (test->slots[test->mappings[i].place.slot].kind == LITMUS_HUGE)
			r->device[test->mappings[i].frame] = true;
}

static size_t add_huge(struct round *r, int slot, struct vmstore_prop prop)
{
	return vms_batch_kvirt_map_untracked(r->batch, TABLE, 0, r->area_paddr[slot],
					     r->area_paddr[slot] + TABLE, prop);
}

/* Large pages are first mapped for their words to be written */
static void add_huges(struct round *r)
{
	const struct vmstore_prop rw = vms_prop(VMSTORE_PROP_R | VMSTORE_PROP_W, 0);
	int i, nr = 0;

	for (i = 0; i < r->test->nr_slots; i++) {
		if (r->test->slots[i].kind != LITMUS_HUGE)
			continue;
		r->area_paddr[i] = REGION - TAIL + nr++ % MAX_HUGE * TABLE;
		add_huge(r, i, rw);
	}
}

/* Spaces, frames, the memory of large pages: what the rest has to know the addresses of */
static bool make_things(struct round *r)
{
	const struct litmus *test = r->test;
	int i, at = 0;

	vms_batch_clear(r->batch);
	for (i = 0; i < test->nr_spaces; i++)
		vms_batch_space_new(r->batch);
	for (i = 0; i < test->nr_frames; i++)
		if (!r->device[i])
			vms_batch_frame_alloc(r->batch);
	add_huges(r);
	if (!run_batch(r, "set-up"))
		return false;
	for (i = 0; i < test->nr_spaces; i++)
		r->spaces[i] = made(r, at++);
	for (i = 0; i < test->nr_frames; i++) {
		if (r->device[i])
			continue;
		r->paddr[i] = r->batch->ops[at].out.frame.paddr;
		r->frames[i] = made(r, at++);
	}
	for (i = 0; i < test->nr_slots; i++) {
		if (test->slots[i].kind != LITMUS_HUGE)
			continue;
		r->area_va[i] = r->batch->ops[at].out.kvirt.start;
		r->areas[i] = made(r, at++);
	}
	return true;
}

static void add_word(struct round *r, int frame, __u64 va)
{
	vms_batch_write(r->batch, r->spaces[0], va, 8,
			r->test->values[r->test->frames[frame].value]);
}

static void add_words(struct round *r)
{
	const struct litmus *test = r->test;
	int i, k;

	for (i = 0; i < test->nr_frames; i++)
		if (!r->device[i])
			add_word(r, i, VMSTORE_KERNEL_BASE + r->paddr[i]);
	for (i = 0; i < test->nr_slots; i++) {
		if (test->slots[i].kind != LITMUS_HUGE)
			continue;
		for (k = 0; k < LITMUS_SLOT_PAGES; k++)
			add_word(r, mapping_of(test, i, k)->frame, r->area_va[i] + k * PAGE);
		vms_batch_kvirt_drop(r->batch, r->areas[i]);
	}
}

/* One more handle of a frame, as a reference */
static __u64 add_handle(struct round *r, int frame)
{
	return VMSTORE_REF(vms_batch_frame_from_in_use(r->batch, r->paddr[frame]));
}

static void add_user(struct round *r, int slot)
{
	__u64 space = r->spaces[r->test->slots[slot].space];
	__u64 va = slot_va(r, slot), end = va + LITMUS_SLOT_PAGES * PAGE, cursor;
	const struct litmus_mapping *m;
	int i;

	cursor = VMSTORE_REF(vms_batch_cursor_open_mut(r->batch, space, va, end, 0));
	for (i = 0; i < LITMUS_SLOT_PAGES; i++) {
		m = mapping_of(r->test, slot, i);
		if (!m)
			continue;
		vms_batch_jump(r->batch, cursor, va + i * PAGE);
		vms_batch_map(r->batch, cursor, add_handle(r, m->frame), m->prop);
	}
	vms_batch_cursor_drop(r->batch, cursor);
}

/* Return: where in the batch an area is made; of a user's table nothing is kept */
static size_t add_slot(struct round *r, int slot)
{
	const struct litmus_mapping *m = mapping_of(r->test, slot, 0);

	switch (r->test->slots[slot].kind) {
	case LITMUS_HUGE:
		return add_huge(r, slot, m->prop);
	case LITMUS_AREA:
		r->area_frame[slot] = add_handle(r, m->frame);
		return vms_batch_kvirt_map_frames(r->batch, PAGE, 0, &r->area_frame[slot], 1,
						  m->prop);
	default:
		add_user(r, slot);
		return 0;
	}
}

/* What each map will consume, but that of a frame which is to be claimed again */
static void add_op_handles(struct round *r)
{
	const struct litmus *test = r->test;
	const struct litmus_op *op;
	int c, i;

	for (c = 0; c < test->nr_cpus; c++) {
		for (i = 0; i < test->cpus[c].nr; i++) {
			op = &test->cpus[c].ops[i];
			if (op->code == LITMUS_MAP && !is_reused(test, op->frame))
				r->op_handle[c][i] = add_handle(r, op->frame);
		}
	}
}

static size_t add_cursor(struct round *r, const struct litmus_cursor *cursor)
{
	__u64 va = slot_va(r, cursor->slot);
	/* A table can be removed through a cursor that covers more than that */
	__u64 len = cursor->wide ? 2 * TABLE : LITMUS_SLOT_PAGES * PAGE;

	return vms_batch_cursor_open_mut(r->batch,
					 r->spaces[r->test->slots[cursor->slot].space],
					 va, va + len, 0);
}

static bool is_user_cursor(const struct litmus *test, int i)
{
	return test->slots[test->cursors[i].slot].kind == LITMUS_USER;
}

static void add_activation(const struct round *r, struct vms_batch *batch, int cpu, int space)
{
	const struct vmstore_op op = {
		.opcode = VMSTORE_OP_SPACE_ACTIVATE,
		.flags = space >= 0 && r->resident ? VMSTORE_OPF_RESIDENT : 0,
		.cpu = cpu_number(r, cpu),
		.arg.id.id = space < 0 ? 0 : r->spaces[space],
	};

	vms_batch_append(batch, &op);
}

/* References become the ids they stood for */
static void take_made(struct round *r, const size_t *slot_at, const size_t *cursor_at)
{
	const struct litmus *test = r->test;
	__u64 *handle = &r->op_handle[0][0];
	int i;

	for (i = 0; i < LITMUS_MAX_CPUS * LITMUS_MAX_OPS; i++)
		if (handle[i])
			handle[i] = made(r, handle[i] & ~VMSTORE_REF_FLAG);
	for (i = 0; i < test->nr_slots; i++) {
		if (test->slots[i].kind == LITMUS_USER)
			continue;
		r->areas[i] = made(r, slot_at[i]);
		r->area_va[i] = r->batch->ops[slot_at[i]].out.kvirt.start;
	}
	for (i = 0; i < test->nr_cursors; i++)
		if (is_user_cursor(test, i))
			r->cursors[i] = made(r, cursor_at[i]);
}

static bool make_state(struct round *r)
{
	const struct litmus *test = r->test;
	size_t slot_at[LITMUS_MAX_SLOTS], cursor_at[LITMUS_MAX_CURSORS];
	int i;

	vms_batch_clear(r->batch);
	add_words(r);
	add_op_handles(r);
	for (i = 0; i < test->nr_slots; i++)
		slot_at[i] = add_slot(r, i);
	for (i = 0; i < test->nr_frames; i++) {
		/* What is to be claimed again must have no owner but its mappings */
		if (r->device[i] || !is_reused(test, i))
			continue;
		vms_batch_frame_drop(r->batch, r->frames[i]);
		r->frames[i] = 0;
	}
	for (i = 0; i < test->nr_cursors; i++)
		if (is_user_cursor(test, i))
			cursor_at[i] = add_cursor(r, &test->cursors[i]);
	for (i = 0; i < test->nr_cpus; i++)
		if (test->cpus[i].space >= 0)
			add_activation(r, r->batch, i, test->cpus[i].space);
	if (!run_batch(r, "set-up"))
		return false;
	take_made(r, slot_at, cursor_at);
	return true;
}

static bool set_up(struct round *r)
{
	find_devices(r);
	return make_things(r) && make_state(r);
}

/* --- programs: from operations to the ABI's ---------------------------------- */

/**
 * struct piece - operations of a test that are run with one call
 * @batch: what is run
 * @cpu: whose each operation is
 * @op: which one of that CPU's
 * @end: where in the batch it ends
 * @nr: operations
 */
struct piece {
	struct vms_batch batch;
	int cpu[LITMUS_MAX_CPUS * LITMUS_MAX_OPS];
	int op[LITMUS_MAX_CPUS * LITMUS_MAX_OPS];
	size_t end[LITMUS_MAX_CPUS * LITMUS_MAX_OPS];
	int nr;
};

static struct vmstore_prop change_mask(void)
{
	return vms_prop(VMSTORE_PROP_W | VMSTORE_PROP_X, 0);
}

static struct vmstore_prop changed_prop(const struct litmus_op *op)
{
	return vms_prop(op->prop.flags & (VMSTORE_PROP_W | VMSTORE_PROP_X), 0);
}

static void add_kernel_change(const struct round *r, struct vms_batch *batch,
			      const struct litmus_op *op)
{
	__u64 area = r->areas[op->place.slot], offset = op->place.idx * PAGE;

	if (op->code == LITMUS_UNMAP)
		vms_batch_kvirt_unmap_range(batch, area, offset, PAGE);
	else
		vms_batch_kvirt_protect_range(batch, area, offset, PAGE, changed_prop(op),
					      change_mask(), 0);
}

static void add_user_change(const struct round *r, struct vms_batch *batch,
			    const struct litmus_op *op, __u64 handle)
{
	__u64 cursor = r->cursors[op->cursor], va = place_va(r, op->place);
	size_t last;

	if (op->code == LITMUS_UNMAP_TABLE)
		va = slot_va(r, op->place.slot);
	vms_batch_jump(batch, cursor, va);
	switch (op->code) {
	case LITMUS_MAP:
		last = vms_batch_map(batch, cursor, handle, op->prop);
		break;
	case LITMUS_UNMAP:
		last = vms_batch_unmap(batch, cursor, PAGE);
		break;
	case LITMUS_UNMAP_TABLE:
		last = vms_batch_unmap(batch, cursor, TABLE);
		break;
	case LITMUS_CLEAR:
		last = vms_batch_protect_next(batch, cursor, PAGE, vms_prop(0, 0), op->prop, 0);
		break;
	default:
		last = vms_batch_protect_next(batch, cursor, PAGE, changed_prop(op),
					      change_mask(), 0);
		break;
	}
	if (op->defer && !batch->error)
		batch->ops[last].flags |= VMSTORE_OPF_DEFER;
}

static void add_flush(const struct round *r, struct vms_batch *batch,
		      const struct litmus_op *op)
{
	__u64 va = op->all ? 0 : place_va(r, op->place), len = op->all ? 0 : PAGE;
	int space = op->all ? op->space : r->test->slots[op->place.slot].space;

	if (op->code == LITMUS_INVLPG)
		vms_batch_tlb_flush_local(batch, r->spaces[space], va, len);
	else if (op->code == LITMUS_ISSUE)
		vms_batch_tlb_issue(batch, r->cursors[op->cursor], va, len);
	else
		vms_batch_flush(batch, r->cursors[op->cursor], va, len);
}

/* A dispatch or a sync is of all that the CPU changes things through */
static void add_each_cursor(const struct round *r, struct vms_batch *batch, int cpu,
			    enum litmus_code code)
{
	int i;

	for (i = 0; i < r->test->nr_cursors; i++) {
		if (r->test->cursors[i].cpu != cpu || !r->cursors[i])
			continue;
		if (code == LITMUS_DISPATCH)
			vms_batch_tlb_dispatch(batch, r->cursors[i]);
		else
			vms_batch_tlb_sync(batch, r->cursors[i]);
	}
}

static void add_op(struct round *r, struct vms_batch *batch, int cpu, int nr)
{
	const struct litmus_op *op = &r->test->cpus[cpu].ops[nr];

	switch (op->code) {
	case LITMUS_LOAD:
		vms_batch_load(batch, access_space(r, cpu, nr, op->place),
			       place_va(r, op->place), 8);
		break;
	case LITMUS_STORE:
		vms_batch_write(batch, access_space(r, cpu, nr, op->place),
				place_va(r, op->place), 8, r->test->values[op->value]);
		break;
	case LITMUS_MAP:
	case LITMUS_UNMAP:
	case LITMUS_UNMAP_TABLE:
	case LITMUS_PROTECT:
	case LITMUS_CLEAR:
		if (litmus_is_kernel(r->test, op->place))
			add_kernel_change(r, batch, op);
		else
			add_user_change(r, batch, op, r->op_handle[cpu][nr]);
		break;
	case LITMUS_INVLPG:
	case LITMUS_ISSUE:
	case LITMUS_FLUSH:
		add_flush(r, batch, op);
		break;
	case LITMUS_DISPATCH:
	case LITMUS_SYNC:
		add_each_cursor(r, batch, cpu, op->code);
		break;
	case LITMUS_REAP:
		vms_batch_reap(batch);
		break;
	case LITMUS_REUSE:
		vms_batch_frame_from_unused(batch, r->paddr[op->frame]);
		break;
	case LITMUS_MERGE:
		vms_batch_kvirt_drop(batch, r->areas[op->place.slot]);
		vms_batch_kvirt_map_untracked(batch, TABLE, 0, r->area_paddr[op->place.slot],
					      r->area_paddr[op->place.slot] + TABLE, op->prop);
		break;
	case LITMUS_ACTIVATE:
		add_activation(r, batch, cpu, op->space);
		break;
	default:
		break;
	}
}

/* --- programs: what came out ------------------------------------------------- */

static int value_result(const struct litmus *test, __u64 value)
{
	int i;

	for (i = 0; i < test->nr_values; i++)
		if (test->values[i] == value)
			return LITMUS_FIRST_VALUE + i;
	return LITMUS_STRANGE;
}

/* The next map of the frame that was claimed again */
static void give_handle(struct round *r, int cpu, int nr, __u64 handle)
{
	const struct litmus_program *p = &r->test->cpus[cpu];
	int i;

	for (i = nr + 1; i < p->nr; i++) {
		if (p->ops[i].code == LITMUS_MAP && p->ops[i].frame == p->ops[nr].frame) {
			r->op_handle[cpu][i] = handle;
			return;
		}
	}
	r->extra[p->ops[nr].frame] = handle;
}

static int access_result(const struct round *r, const struct vmstore_op *done)
{
	if (!done->out_errno)
		return done->flags & VMSTORE_OPF_WRITE ? LITMUS_OK :
		       value_result(r->test, done->out.access.value);
	return done->out.access.fault & VMSTORE_FAULT_PRESENT ? LITMUS_DENIED : LITMUS_ABSENT;
}

/* What an operation answers; errors that are answers are taken off @done */
static int result_of(struct round *r, int cpu, int nr, struct vmstore_op *done)
{
	const struct litmus_op *op = &r->test->cpus[cpu].ops[nr];
	int result = LITMUS_OK;

	switch (op->code) {
	case LITMUS_LOAD:
	case LITMUS_STORE:
		result = access_result(r, done);
		if (done->out_errno == -EFAULT)
			done->out_errno = 0;
		break;
	case LITMUS_REUSE:
		if (done->out_errno == -EBUSY) {
			done->out_errno = 0;
			result = LITMUS_BUSY;
		} else if (!done->out_errno) {
			give_handle(r, cpu, nr, done->out.frame.id);
		}
		break;
	case LITMUS_MERGE:
		if (done->out_errno)
			break;
		r->areas[op->place.slot] = done->out.kvirt.id;
		if (done->out.kvirt.start != r->area_va[op->place.slot])
			r->is_void = true;
		break;
	default:
		break;
	}
	return result;
}

static void take_result(struct round *r, struct piece *p, int i, size_t start)
{
	const struct litmus_op *op = &r->test->cpus[p->cpu[i]].ops[p->op[i]];
	struct vmstore_op *done = &p->batch.ops[start];
	int result;

	if (p->end[i] == start)
		return;
	result = result_of(r, p->cpu[i], p->op[i], &p->batch.ops[p->end[i] - 1]);
	if (op->reg >= 0)
		r->outcome.reg[op->reg] = result;
	for (; done < p->batch.ops + p->end[i]; done++)
		if (done->out_errno)
			fail(r, "line %u: %s: %s", op->line, vms_op_desc(done->opcode)->name,
			     errno_text(done->out_errno));
}

static void start_piece(struct piece *p)
{
	vms_batch_clear(&p->batch);
	p->nr = 0;
}

static void add_to_piece(struct round *r, struct piece *p, int cpu, int op)
{
	p->batch.cpu = cpu_number(r, cpu);
	add_op(r, &p->batch, cpu, op);
	p->cpu[p->nr] = cpu;
	p->op[p->nr] = op;
	p->end[p->nr++] = p->batch.nr;
}

static void run_piece(struct round *r, struct piece *p)
{
	int ret, i;

	if (!p->batch.nr)
		return;
	ret = vms_batch_run(r->store, &p->batch, VMSTORE_RUN_KEEP_GOING, NULL);
	if (ret)
		fail(r, "programs: %s", errno_text(ret));
	for (i = 0; !ret && i < p->nr; i++)
		take_result(r, p, i, i ? p->end[i - 1] : 0);
}

/* What makes the following ones possible is known only when it is done */
static bool ends_piece(enum litmus_code code)
{
	return code == LITMUS_REUSE || code == LITMUS_MERGE;
}

/* --- where threads are ------------------------------------------------------- */

/*
 * A CPU whose root is resident keeps nothing while a thread runs there. So threads share
 * one CPU: that of the test's first one, which changes things and seldom looks at them, or
 * any other one where there is no second. A hint: where it fails less is seen.
 */
static void keep_off(const struct round *r)
{
	cpu_set_t set;

	if (!r->resident)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu_number(r, r->test->nr_cpus > 1 ? 0 : 1), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* --- the order is the seed's -------------------------------------------------- */

static bool is_barrier(const struct litmus_program *p, int at)
{
	return at < p->nr && p->ops[at].code == LITMUS_BARRIER;
}

/* CPUs that can go on; when all that are not through stand at a barrier, they all can */
static int runnable(const struct litmus *test, int *at, int *cpus)
{
	int nr = 0, waiting = 0, c;

	for (c = 0; c < test->nr_cpus; c++) {
		if (is_barrier(&test->cpus[c], at[c]))
			waiting++;
		else if (at[c] < test->cpus[c].nr)
			cpus[nr++] = c;
	}
	if (nr || !waiting)
		return nr;
	for (c = 0; c < test->nr_cpus; c++)
		at[c] += is_barrier(&test->cpus[c], at[c]);
	return runnable(test, at, cpus);
}

static void run_in_order(struct round *r, struct piece *p, __u64 *random)
{
	int at[LITMUS_MAX_CPUS] = { 0 }, cpus[LITMUS_MAX_CPUS], nr, c;

	start_piece(p);
	while (!r->failed && (nr = runnable(r->test, at, cpus))) {
		c = cpus[draw(random, nr)];
		add_to_piece(r, p, c, at[c]);
		if (ends_piece(r->test->cpus[c].ops[at[c]++].code)) {
			run_piece(r, p);
			start_piece(p);
		}
	}
	run_piece(r, p);
}

/* --- the order is the host's -------------------------------------------------- */

static void wait_for_others(struct round *r, int nr)
{
	atomic_fetch_add(&r->arrived, 1);
	while (r->arrived < nr * r->test->nr_cpus && !r->failed)
		sched_yield();
}

static void dawdle(__u64 *random)
{
	__u32 nr;

	switch (draw(random, 4)) {
	case 0:
		/* Numbers nobody wants take time, too */
		for (nr = draw(random, 1u << draw(random, 10)); nr; nr--)
			draw(random, 2);
		break;
	case 1:
		for (nr = draw(random, 4); nr; nr--)
			sched_yield();
		break;
	default:
		break;
	}
}

/* A few operations up to a barrier, with one call */
static int run_some(struct round *r, struct piece *p, int cpu, int at, __u64 *random)
{
	const struct litmus_program *program = &r->test->cpus[cpu];
	bool more = true;

	start_piece(p);
	while (more && at < program->nr && !is_barrier(program, at)) {
		add_to_piece(r, p, cpu, at);
		more = !ends_piece(program->ops[at++].code) && draw(random, 2);
	}
	dawdle(random);
	run_piece(r, p);
	return at;
}

static void run_program(struct round *r, struct piece *p, int cpu, __u64 *random)
{
	const struct litmus_program *program = &r->test->cpus[cpu];
	int at = 0, barriers = 0;

	while (at < program->nr && !r->failed) {
		if (is_barrier(program, at)) {
			wait_for_others(r, ++barriers);
			at++;
		} else {
			at = run_some(r, p, cpu, at, random);
		}
	}
}

/**
 * struct crew - a thread for each CPU
 * @round: what they run
 * @lock: guards what follows
 * @wake: @nr_rounds, @stop or @running has changed
 * @nr_rounds: begun so far
 * @running: threads that have not ended the last one
 * @stop: there is no other one
 * @member: they
 * @nr: how many
 */
struct crew {
	struct round *round;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned int nr_rounds;
	int running;
	bool stop;
	struct member {
		struct crew *crew;
		pthread_t thread;
		struct piece piece;
		__u64 random;
		int cpu;
	} member[LITMUS_MAX_CPUS];
	int nr;
};

/* Return: false when there is no other round */
static bool member_starts(struct crew *crew, unsigned int done)
{
	bool stop;

	pthread_mutex_lock(&crew->lock);
	while (crew->nr_rounds == done && !crew->stop)
		pthread_cond_wait(&crew->wake, &crew->lock);
	stop = crew->stop;
	pthread_mutex_unlock(&crew->lock);
	return !stop;
}

static void member_ends(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	crew->running--;
	pthread_cond_broadcast(&crew->wake);
	pthread_mutex_unlock(&crew->lock);
}

static void *run_member(void *arg)
{
	struct member *m = arg;
	unsigned int done;

	for (done = 0; member_starts(m->crew, done); done++) {
		keep_off(m->crew->round);
		run_program(m->crew->round, &m->piece, m->cpu, &m->random);
		member_ends(m->crew);
	}
	return NULL;
}

static void crew_run(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	crew->running = crew->nr;
	crew->nr_rounds++;
	pthread_cond_broadcast(&crew->wake);
	while (crew->running)
		pthread_cond_wait(&crew->wake, &crew->lock);
	pthread_mutex_unlock(&crew->lock);
}

static int crew_init(struct crew *crew, struct round *r, __u64 seed)
{
	struct member *m;
	int ret = 0;

	memset(crew, 0, sizeof(*crew));
	crew->round = r;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->wake, NULL);
	while (!ret && crew->nr < r->test->nr_cpus) {
		m = &crew->member[crew->nr];
		*m = (struct member){ .crew = crew, .cpu = crew->nr,
				      .random = mix(seed + crew->nr) };
		ret = pthread_create(&m->thread, NULL, run_member, m);
		crew->nr += !ret;
	}
	return -ret;
}

static void crew_exit(struct crew *crew)
{
	int i;

	pthread_mutex_lock(&crew->lock);
	crew->stop = true;
	pthread_cond_broadcast(&crew->wake);
	pthread_mutex_unlock(&crew->lock);
	for (i = 0; i < crew->nr; i++) {
		pthread_join(crew->member[i].thread, NULL);
		vms_batch_free(&crew->member[i].piece.batch);
	}
	pthread_cond_destroy(&crew->wake);
	pthread_mutex_destroy(&crew->lock);
}

/* --- the end of a round ------------------------------------------------------- */

static size_t add_query(struct round *r, const struct litmus_op *op)
{
	__u64 space = r->spaces[r->test->slots[op->place.slot].space];
	__u64 va = place_va(r, op->place), cursor;
	size_t at;

	if (litmus_is_kernel(r->test, op->place))
		return vms_batch_kvirt_query(r->batch, r->areas[op->place.slot], va,
					     VMSTORE_OPF_PEEK);
	cursor = VMSTORE_REF(vms_batch_cursor_open(r->batch, space, va, va + PAGE, 0));
	at = vms_batch_query(r->batch, cursor, VMSTORE_OPF_PEEK);
	vms_batch_cursor_drop(r->batch, cursor);
	return at;
}

static size_t add_look(struct round *r, const struct litmus_op *op)
{
	if (op->code != LITMUS_VALUE)
		return add_query(r, op);
	return vms_batch_load(r->batch, r->spaces[0], VMSTORE_KERNEL_BASE + r->paddr[op->frame],
			      8);
}

static int look_result(const struct round *r, const struct litmus_op *op,
		       const struct vmstore_op *done)
{
	static const __u8 flags[] = {
		[LITMUS_ACCESSED] = VMSTORE_PROP_ACCESSED,
		[LITMUS_DIRTY] = VMSTORE_PROP_DIRTY,
		[LITMUS_WRITABLE] = VMSTORE_PROP_W,
		[LITMUS_EXECUTABLE] = VMSTORE_PROP_X,
	};

	if (op->code == LITMUS_VALUE)
		return value_result(r->test, done->out.access.value);
	if (!done->out.query.found)
		return LITMUS_ABSENT;
	return value_result(r->test, !!(done->out.query.prop.flags & flags[op->code]));
}

static void add_teardown(struct round *r)
{
	const struct litmus *test = r->test;
	int i;

	for (i = 0; i < test->nr_cpus; i++)
		add_activation(r, r->batch, i, -1);
	for (i = 0; i < test->nr_slots; i++)
		if (test->slots[i].kind != LITMUS_USER)
			vms_batch_kvirt_drop(r->batch, r->areas[i]);
	for (i = 0; i < test->nr_spaces; i++)
		vms_batch_space_drop(r->batch, r->spaces[i]);
	for (i = 0; i < test->nr_frames; i++) {
		if (r->frames[i])
			vms_batch_frame_drop(r->batch, r->frames[i]);
		if (r->extra[i])
			vms_batch_frame_drop(r->batch, r->extra[i]);
	}
}

static bool end_round(struct round *r)
{
	const struct litmus *test = r->test;
	size_t at[LITMUS_MAX_OPS];
	int i;

	vms_batch_clear(r->batch);
	for (i = 0; i < test->nr_cursors; i++)
		if (is_user_cursor(test, i))
			vms_batch_cursor_drop(r->batch, r->cursors[i]);
	for (i = 0; i < test->final.nr; i++)
		at[i] = add_look(r, &test->final.ops[i]);
	add_teardown(r);
	if (!run_batch(r, "the end"))
		return false;
	for (i = 0; i < test->final.nr; i++)
		r->outcome.reg[test->final.ops[i].reg] =
			look_result(r, &test->final.ops[i], &r->batch->ops[at[i]]);
	return true;
}

static void count(const struct round *r, const struct litmus_reachable *found,
		  struct litmus_counts *counts)
{
	int i = litmus_find(r->test, found, &r->outcome);

	counts->rounds++;
	if (r->is_void) {
		counts->void_rounds++;
		return;
	}
	if (i >= 0) {
		counts->seen[i]++;
		return;
	}
	counts->forbidden++;
	for (i = 0; i < counts->nr_strange; i++)
		if (!memcmp(&counts->strange[i].outcome, &r->outcome, sizeof(r->outcome)))
			break;
	if (i == LITMUS_MAX_STRANGE)
		return;
	counts->strange[i].outcome = r->outcome;
	counts->strange[i].seen++;
	if (i == counts->nr_strange)
		counts->nr_strange++;
}

/* --- a test ------------------------------------------------------------------- */

struct runner {
	const struct litmus *test;
	const struct litmus_reachable *found;
	const struct litmus_run_opts *opts;
	struct litmus_counts *counts;
	struct vms_store store;
	__u32 nr_cpus;
	struct round round;
	struct vms_batch batch;
	struct piece piece;
	struct crew crew;
};

static void start_round(struct runner *run, __u64 *random)
{
	memset(&run->round, 0, sizeof(run->round));
	run->round.test = run->test;
	run->round.store = &run->store;
	run->round.nr_machine_cpus = run->nr_cpus;
	run->round.resident = run->counts->machine == VMSTORE_MACHINE_LIVE;
	run->round.shift = draw(random, run->nr_cpus);
	run->round.batch = &run->batch;
	run->round.error = run->counts->error;
}

static void run_rounds(struct runner *run)
{
	bool threads = run->counts->order == LITMUS_ORDER_THREADS;
	__u64 random = seed_of(run->test, run->opts->seed);
	unsigned int i;

	for (i = 0; i < run->opts->rounds && !run->round.failed; i++) {
		start_round(run, &random);
		keep_off(&run->round);
		if (!set_up(&run->round))
			return;
		if (threads)
			crew_run(&run->crew);
		else
			run_in_order(&run->round, &run->piece, &random);
		if (!run->round.failed && end_round(&run->round))
			count(&run->round, run->found, run->counts);
	}
}

static void run_crew(struct runner *run)
{
	__u64 seed = mix(seed_of(run->test, run->opts->seed));
	int ret;

	run->round.test = run->test;
	ret = crew_init(&run->crew, &run->round, seed);
	if (ret)
		snprintf(run->counts->error, LITMUS_TEXT, "threads: %s", strerror(-ret));
	else
		run_rounds(run);
	crew_exit(&run->crew);
}

static void check_store(struct runner *run)
{
	struct vms_report report;
	int ret;

	if (*run->counts->error)
		return;
	ret = vms_check(&run->store, &report);
	if (ret) {
		snprintf(run->counts->error, LITMUS_TEXT, "check: %s", errno_text(ret));
		return;
	}
	if (report.total)
		snprintf(run->counts->error, LITMUS_TEXT, "the invariant is violated: %.16s %.96s",
			 report.nr_violations ? report.violations[0].clause : "",
			 report.nr_violations ? report.violations[0].text : "");
	vms_report_free(&report);
}

static const char *cap_text(__u32 cap)
{
	switch (cap) {
	case VMSTORE_CAP_KEEPS:
		return "that keeps translations";
	case VMSTORE_CAP_REMOTE:
		return "with more than one CPU";
	case VMSTORE_CAP_GLOBAL:
		return "with global translations";
	case VMSTORE_CAP_TAGGED:
		return "with tagged translations";
	default:
		return "with a paging-structure cache";
	}
}

/* Without residency the live machine loads a root for each access, and keeps nothing */
static bool is_resident(struct runner *run)
{
	struct vmstore_op none = {
		.opcode = VMSTORE_OP_SPACE_ACTIVATE, .flags = VMSTORE_OPF_RESIDENT,
	};

	return run->counts->machine != VMSTORE_MACHINE_LIVE ||
	       vms_run_op(&run->store, &none) != -EOPNOTSUPP;
}

static void find_reason(struct runner *run, const struct vmstore_info *info)
{
	__u32 lacks = run->test->needs, cap;

	if (run->test->nr_cpus > 1)
		lacks |= VMSTORE_CAP_REMOTE;
	lacks &= ~info->out_machine_caps;
	for (cap = 1; lacks && !(lacks & cap); cap <<= 1)
		;
	if (lacks)
		snprintf(run->counts->skip, LITMUS_TEXT, "needs a machine %s: caps are 0x%x",
			 cap_text(cap), info->out_machine_caps);
	else if ((int)info->out_nr_cpus < run->test->nr_cpus)
		snprintf(run->counts->skip, LITMUS_TEXT, "needs %d CPUs: the machine has %u",
			 run->test->nr_cpus, info->out_nr_cpus);
	else if (!is_resident(run))
		snprintf(run->counts->skip, LITMUS_TEXT,
			 "needs resident roots: this module has none");
}

static int open_store(struct runner *run)
{
	bool soft = run->opts->machine == VMSTORE_MACHINE_SOFT;
	struct vmstore_setup setup = {
		.region_size = REGION,
		.mmio_size = TAIL,
		.machine = run->opts->machine,
		.nr_cpus = soft ? SOFT_CPUS : 0,
		.check_mode = VMSTORE_CHECK_OFF,
		.seed = soft ? seed_of(run->test, run->opts->seed) : 0,
	};
	struct vmstore_info info;
	int ret;

	ret = vms_open(&run->store, run->opts->device);
	if (ret)
		return ret;
	ret = vms_setup(&run->store, &setup);
	if (!ret)
		ret = vms_info(&run->store, &info);
	if (ret) {
		vms_close(&run->store);
		return ret;
	}
	run->nr_cpus = info.out_nr_cpus;
	run->counts->machine = info.out_machine;
	run->counts->order = run->opts->order;
	if (!run->counts->order)
		run->counts->order = info.out_machine == VMSTORE_MACHINE_SOFT ?
				     LITMUS_ORDER_SEED : LITMUS_ORDER_THREADS;
	find_reason(run, &info);
	return 0;
}

int litmus_run(const struct litmus *test, const struct litmus_reachable *found,
	       const struct litmus_run_opts *opts, struct litmus_counts *counts)
{
	struct runner *run = calloc(1, sizeof(*run));
	cpu_set_t before;
	int ret;

	memset(counts, 0, sizeof(*counts));
	if (!run)
		return -ENOMEM;
	run->test = test;
	run->found = found;
	run->opts = opts;
	run->counts = counts;
	sched_getaffinity(0, sizeof(before), &before);
	ret = open_store(run);
	if (!ret) {
		if (*counts->skip)
			;
		else if (counts->order == LITMUS_ORDER_THREADS)
			run_crew(run);
		else
			run_rounds(run);
		if (!*counts->skip)
			check_store(run);
		vms_close(&run->store);
	}
	sched_setaffinity(0, sizeof(before), &before);
	vms_batch_free(&run->piece.batch);
	vms_batch_free(&run->batch);
	free(run);
	return ret;
}

unsigned int litmus_seen(const struct litmus *test, const struct litmus_reachable *found,
			 const struct litmus_counts *counts, const struct litmus_cond *cond)
{
	unsigned int nr = 0;
	int i;

	for (i = 0; i < found->nr; i++)
		if (litmus_matches(test, &cond->when, &found->outcomes[i]))
			nr += counts->seen[i];
	return nr;
}
