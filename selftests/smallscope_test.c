// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small scope, exhaustively: every operation with every argument of a small domain, in
 * every state that so few operations lead to, on the module. docs/smallscope.md
 *
 *	SMALLSCOPE_STATES	go to a further depth while fewer states are known; 100000
 *				is all of every domain
 *	SMALLSCOPE_CHECK	off, full or step: check mode of the stores
 *	SMALLSCOPE_ONLY		names of the domains to explore
 *
 * Each domain is a test. Another one is that each outcome an operation can have was seen;
 * it needs all domains, as far as they must be explored.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kselftest.h"

#include "oracle/device.h"
#include "oracle/gen.h"
#include "smallscope/explore.h"

/* Virtual addresses: the last page of a leaf table and the first two of the next one */
#define A	(0x40000000ULL + (2ULL << 20) - VMSTORE_PAGE_SIZE)
#define B	(A + VMSTORE_PAGE_SIZE)
#define C	(B + VMSTORE_PAGE_SIZE)
#define PAGE	VMSTORE_PAGE_SIZE

#define RW	{ .flags = VMSTORE_PROP_R | VMSTORE_PROP_W, .priv = VMSTORE_PRIV_USER }
#define RO	{ .flags = VMSTORE_PROP_R, .priv = VMSTORE_PRIV_USER }
#define NOT_R	{ .flags = VMSTORE_PROP_W, .priv = VMSTORE_PRIV_USER }

/*
 * States to go on to: for the whole of every domain; where that takes too long; and on the
 * live machine if the first state has an active space, for then every copy needs a CPU, and
 * few fit in a store
 */
#define MOST_FULL	100000
#define MOST_SOME	500
#define MOST_ACTIVE	100

#define LIST(name, ...)		.name = __VA_ARGS__, .nr_##name = ARRAY_SIZE(__VA_ARGS__)
#define OP(x)			VMSTORE_OP_##x

/* --- arguments ------------------------------------------ */

static const __u64 vas[] = { A, B, C, B + 1, C + PAGE };

static const __u64 lens[] = { 0, PAGE, 2 * PAGE, 100, -PAGE };

static const __u64 more_lens[] = { 0, PAGE, 2 * PAGE, 3 * PAGE, 100, -PAGE };

static const struct vmstore_prop props[] = { RW, NOT_R };
static const struct vmstore_prop more_props[] = { RW, RO, NOT_R };

static const struct change changes[] = {
	{ .prop = RO, .mask.flags = VMSTORE_PROP_W },
	{ .prop.flags = 0, .mask.flags = VMSTORE_PROP_R },
	{ .prop = RO, .mask.flags = VMSTORE_PROP_W, .flags = VMSTORE_OPF_CACHE },
};

static const struct range flushes[] = {
	{ A, PAGE }, { A, 0 }, { A + 1, PAGE }, { VMSTORE_USER_END, PAGE },
};

/* Within a leaf table, within the next one, across both; none of these */
static const struct range opens[] = {
	{ A, PAGE }, { B, 2 * PAGE }, { A, 3 * PAGE },
	{ A, 0 }, { A + 1, PAGE }, { VMSTORE_USER_END, PAGE },
};

static const struct range within_and_across[] = { { A, PAGE }, { A, 3 * PAGE }, { A, 0 } };

static const struct range two_pages[] = { { A, 2 * PAGE } };

static const __u64 two_vas[] = { A, B };

static const struct range across[] = { { A, 3 * PAGE } };

/* All of it mapped, the end of it not, nothing of it; empty; no room */
static const struct range ios[] = {
	{ A, 8 }, { B - 8, 16 }, { C, 8 }, { A, 0 }, { VMSTORE_MAX_USERSPACE_VADDR - 8, 16 },
};

static const struct range long_ios[] = { { A, 2 * VMSTORE_MAX_DATA } };

/* Offsets into the window: misaligned for a value, across two frames, empty */
static const struct range kernel_ios[] = { { 0, 16 }, { 4, 8 }, { PAGE - 8, 16 }, { 0, 0 } };

static const __u64 amounts[] = { 0, 8, 24 };

/* Kernel areas of two pages: none, one or two of them mapped; no room, misaligned */
static const struct area areas[] = {
	{ 2 * PAGE, 0, 1 }, { 2 * PAGE, PAGE, 1 }, { 2 * PAGE, 0, 2 }, { 2 * PAGE, 0, 0 },
	{ 2 * PAGE, PAGE, 2 }, { 2 * PAGE, 2 * PAGE, 0 }, { 2 * PAGE + 1, 0, 1 },
	{ 2 * PAGE, 0, 3 }, { VMSTORE_KVIRT_END - VMSTORE_KVIRT_BASE, 0, 1 },
};

static const struct area one_area[] = { { 2 * PAGE, 0, 2 } };

/* Of device memory: mapped; nothing to map; memory, no memory, misaligned; no room */
static const struct device_area device_areas[] = {
	{ 2 * PAGE, PAGE, 0, PAGE }, { 2 * PAGE, 0, 0, 0 },
	{ 2 * PAGE, 0, -PAGE, PAGE }, { 3 * PAGE, 0, PAGE, 2 * PAGE }, { PAGE, 0, 1, PAGE },
	{ PAGE, PAGE, 0, PAGE }, { -PAGE, 0, 0, PAGE }, { PAGE, 0, PAGE, -PAGE },
};

#define HUGE	(2ULL << 20)

/* With the page before it, and without */
static const struct device_area huge_areas[] = {
	{ HUGE + PAGE, 0, 0, HUGE + PAGE }, { HUGE + PAGE, PAGE, PAGE, HUGE },
};

static const struct range parts[] = {
	{ 0, PAGE }, { PAGE, PAGE }, { 0, 2 * PAGE },
	{ 0, 0 }, { PAGE, 2 * PAGE }, { 1, PAGE }, { -PAGE, PAGE },
};

/* Of the page of 2 MiB: all, one end, both ends, the last page; past the end */
static const struct range huge_parts[] = {
	{ PAGE, HUGE }, { PAGE, PAGE }, { HUGE / 2, 2 * PAGE }, { HUGE, PAGE },
	{ 0, HUGE + PAGE }, { 3 * PAGE, HUGE },
};

static const __u64 spots[] = { 0, PAGE + 8, 2 * PAGE - 8, 2 * PAGE, -8 };

static const __u64 huge_spots[] = { 0, PAGE, HUGE / 2, HUGE, HUGE + PAGE };

/* Part of a page, both pages, past the end; empty, at the end too */
static const struct range area_ios[] = {
	{ 0, 8 }, { PAGE - 8, 16 }, { 2 * PAGE - 8, 16 }, { PAGE, 0 }, { 2 * PAGE, 0 },
};

static const struct vmstore_prop kernel_props[] = {
	RW, { .flags = VMSTORE_PROP_R | VMSTORE_PROP_AVAIL1 },
};

static const struct vmstore_prop only_rw[] = { RW };

/* And back */
static const struct change kernel_changes[] = {
	{ .prop = RO, .mask.flags = VMSTORE_PROP_W },
	{ .prop = RW, .mask.flags = VMSTORE_PROP_W },
	{ .prop.flags = 0, .mask.flags = VMSTORE_PROP_AVAIL1 },
};

static const struct change to_ro[] = { { .prop = RO, .mask.flags = VMSTORE_PROP_W } };

/* --- the first states ------------------------------------------ */

#define FRAME(n)	{ .opcode = OP(FRAME_FROM_UNUSED), .arg.paddr.paddr = (n) }
#define SPACE		{ .opcode = OP(SPACE_NEW) }
#define CURSOR(at, n)	{ .opcode = OP(CURSOR_OPEN_MUT), \
			  .arg.open = { 1, (at), (at) + (n) * PAGE } }

static const struct vmstore_op two_spaces[] = {
	SPACE, SPACE, FRAME(0), FRAME(1), FRAME(2), FRAME(3),
};

static const struct vmstore_op a_frame_and_a_cursor[] = { SPACE, FRAME(0), CURSOR(A, 2) };

static const struct vmstore_op a_cursor[] = { SPACE, CURSOR(A, 3) };

/* An active space with a mapping, a frame that is not mapped; known bytes in both */
static const struct vmstore_op a_mapping[] = {
	SPACE, FRAME(0), FRAME(1),
	{ .opcode = OP(FRAME_CLONE), .arg.id.id = 1 },
	CURSOR(A, 1),
	{ .opcode = OP(CURSOR_MAP), .arg.map = { 1, 1, RW } },
	{ .opcode = OP(CURSOR_DROP), .arg.id.id = 1 },
	{ .opcode = OP(SPACE_ACTIVATE), .arg.id.id = 1 },
	{ .opcode = OP(KWRITER_NEW), .arg.kio_new = { 0, 2 * PAGE } },
	{ .opcode = OP(WRITER_FILL), .arg.io_value = { 1, 0x44, 8 } },
	{ .opcode = OP(WRITER_DROP), .arg.id.id = 1 },
};

static const struct vmstore_op a_space[] = { SPACE };

static const struct vmstore_op two_frames[] = { SPACE, FRAME(0), FRAME(1) };

/* All that is spare taken but for what a cursor needs */
static const struct vmstore_op a_huge_page[] = {
	FRAME(0), SPACE,
	{ .opcode = OP(KVIRT_MAP_UNTRACKED),
	  .arg.kvirt_untracked = { HUGE + PAGE, PAGE, PAGE, HUGE + PAGE, RW } },
};

static const struct vmstore_op two_handles_and_a_segment[] = {
	FRAME(0), FRAME(1), FRAME(2), { .opcode = OP(FRAME_TO_SEGMENT), .arg.id.id = 3 },
};

/* --- the domains ------------------------------------------ */

static const __u16 map_ops[] = {
	OP(FRAME_FROM_UNUSED), OP(FRAME_FROM_IN_USE), OP(FRAME_ALLOC), OP(FRAME_DROP),
	OP(FRAME_CLONE), OP(SPACE_NEW), OP(SPACE_DROP), OP(SPACE_ACTIVATE), OP(CURSOR_OPEN),
	OP(CURSOR_OPEN_MUT), OP(CURSOR_DROP), OP(CURSOR_QUERY), OP(CURSOR_FIND_NEXT),
	OP(CURSOR_JUMP), OP(CURSOR_VADDR), OP(CURSOR_MAP), OP(CURSOR_UNMAP),
	OP(CURSOR_PROTECT_NEXT), OP(CURSOR_FLUSH), OP(REAP), OP(ACCESS), 0,
};

static const __u16 frame_ops[] = {
	OP(FRAME_FROM_UNUSED), OP(FRAME_FROM_IN_USE), OP(FRAME_ALLOC), OP(FRAME_DROP),
	OP(FRAME_CLONE), OP(FRAME_TO_SEGMENT), OP(SEGMENT_FROM_UNUSED), OP(SEGMENT_DROP),
	OP(SEGMENT_SPLIT), OP(SEGMENT_NEXT), OP(SEGMENT_CLONE), OP(SEGMENT_SLICE),
	OP(UNIQUE_FROM_UNUSED), OP(UNIQUE_DROP), OP(FROM_UNIQUE), OP(TRY_FROM_SHARED), 0,
};

static const __u16 many_ops[] = {
	OP(FRAME_FROM_UNUSED), OP(FRAME_CLONE), OP(FRAME_DROP), OP(FRAME_TO_SEGMENT),
	OP(SEGMENT_FROM_UNUSED), OP(SEGMENT_DROP), OP(CURSOR_MAP_FRAMES),
	OP(CURSOR_MAP_SEGMENT), OP(CURSOR_JUMP), OP(CURSOR_UNMAP), 0,
};

static const __u16 io_ops[] = {
	OP(SPACE_DROP), OP(SPACE_ACTIVATE), OP(TRY_FROM_SHARED),
	OP(READER_NEW), OP(WRITER_NEW), OP(KREADER_NEW), OP(KWRITER_NEW), OP(READER_DROP),
	OP(WRITER_DROP), OP(READER_READ_VAL), OP(READER_COLLECT), OP(READER_LIMIT),
	OP(READER_SKIP), OP(READER_QUERY), OP(WRITER_WRITE_VAL), OP(WRITER_FILL_ZEROS),
	OP(WRITER_LIMIT), OP(WRITER_SKIP), OP(WRITER_QUERY), OP(READ), OP(WRITE),
	OP(READ_FALLIBLE), OP(WRITE_FALLIBLE), OP(WRITER_FILL), OP(READER_READ_ONCE),
	OP(WRITER_WRITE_ONCE), 0,
};

static const __u16 long_ops[] = {
	OP(READER_NEW), OP(WRITER_NEW), OP(READER_COLLECT), OP(WRITER_FILL_ZEROS), 0,
};

static const __u16 tight_ops[] = {
	OP(FRAME_ALLOC), OP(SPACE_NEW), OP(CURSOR_OPEN), OP(CURSOR_OPEN_MUT),
	OP(CURSOR_DROP), OP(CURSOR_MAP), OP(CURSOR_MAP_FRAMES), OP(CURSOR_MAP_SEGMENT), 0,
};

static const __u16 list_ops[] = {
	OP(UNIQUE_FROM_UNUSED), OP(UNIQUE_DROP), OP(LIST_NEW), OP(LIST_DROP), OP(LIST_SIZE),
	OP(LIST_CONTAINS), OP(LIST_INSERT_AT), OP(LIST_PUSH_FRONT), OP(LIST_PUSH_BACK),
	OP(LIST_TAKE_AT), OP(LIST_POP_FRONT), OP(LIST_POP_BACK), OP(LIST_CURSOR_FRONT),
	OP(LIST_CURSOR_BACK), OP(LIST_CURSOR_AT), OP(LIST_MOVE_NEXT), OP(LIST_MOVE_PREV),
	OP(LIST_CURRENT), OP(LIST_AS_LIST), OP(LIST_CURSOR_INSERT_BEFORE),
	OP(LIST_CURSOR_TAKE), OP(LIST_CURSOR_DROP), 0,
};

static const __u16 kvirt_ops[] = {
	OP(FRAME_DROP), OP(KVIRT_MAP_FRAMES), OP(KVIRT_MAP_UNTRACKED), OP(KVIRT_QUERY),
	OP(KVIRT_DROP), OP(KVIRT_UNMAP_RANGE), OP(KVIRT_PROTECT_RANGE), 0,
};

static const __u16 pins_ops[] = {
	OP(KVIRT_MAP_FRAMES), OP(KVIRT_DROP), OP(KVIRT_UNMAP_RANGE), OP(KVIRT_PROTECT_RANGE),
	OP(KVIRT_QUERY), OP(FRAME_DROP), OP(KREADER_NEW), OP(KWRITER_NEW), OP(READER_DROP),
	OP(WRITER_DROP), OP(READER_QUERY), OP(WRITER_LIMIT), OP(ACCESS), 0,
};

static const __u16 flush_ops[] = {
	OP(FRAME_CLONE), OP(FRAME_DROP), OP(SPACE_ACTIVATE), OP(CURSOR_OPEN_MUT),
	OP(CURSOR_DROP), OP(CURSOR_QUERY), OP(CURSOR_JUMP), OP(CURSOR_MAP), OP(CURSOR_UNMAP),
	OP(CURSOR_PROTECT_NEXT), OP(CURSOR_FLUSH), OP(REAP), OP(ACCESS), OP(TLB_ISSUE),
	OP(TLB_ISSUE_WITH), OP(TLB_DISPATCH), OP(TLB_SYNC), OP(TLB_FLUSH_LOCAL), 0,
};

static const __u16 huge_ops[] = {
	OP(KVIRT_MAP_UNTRACKED), OP(KVIRT_QUERY), OP(KVIRT_DROP), OP(KVIRT_UNMAP_RANGE),
	OP(KVIRT_PROTECT_RANGE), OP(ACCESS), 0,
};

static const __u16 split_ops[] = {
	OP(CURSOR_OPEN_MUT), OP(CURSOR_DROP), OP(KVIRT_UNMAP_RANGE), OP(KVIRT_PROTECT_RANGE), 0,
};

static const struct domain domains[] = {
	{
		/* From an empty store */
		.name = "empty",
		.window = 4, .depth = 5, .min_depth = 5, .min_states = 2000,
		.limits = { .per_frame = 2, .frames = 4, .spaces = 2, .cursors = 2 },
		.ops = map_ops,
		LIST(opens, opens), LIST(vas, vas), LIST(lens, lens), LIST(props, props),
		LIST(changes, changes), LIST(flushes, flushes),
	},
	{
		/* Handles, segments, exclusive handles */
		.name = "frames",
		.window = 4, .depth = 100, .fixpoint = true,
		.limits = { .per_frame = 2, .frames = 2, .uniques = 2, .segments = 2 },
		.ops = frame_ops,
		LIST(lens, lens),
	},
	{
		/* Two frame lists over three frames, each with a cursor or none */
		.name = "lists",
		.window = 3, .depth = 100, .fixpoint = true,
		.limits = { .per_frame = 1, .frames = 3, .uniques = 3, .lists = 2 },
		.ops = list_ops,
	},
	{
		/* Several pages in one operation */
		.name = "many",
		.window = 2, .depth = 100, .fixpoint = true,
		.limits = { .per_frame = 2, .frames = 2, .segments = 1, .spaces = 1,
			    .cursors = 1 },
		.ops = many_ops,
		LIST(vas, vas), LIST(lens, lens), LIST(props, props), LIST(first, a_cursor),
	},
	{
		/* Readers and writers, two at a time */
		.name = "io",
		.window = 2, .depth = 4, .min_depth = 4,
		.limits = { .per_frame = 2, .frames = 3, .spaces = 1, .cursors = 1,
			    .ios = 2 },
		.ops = io_ops,
		LIST(ios, ios), LIST(kernel_ios, kernel_ios), LIST(amounts, amounts),
		LIST(first, a_mapping),
	},
	{
		/* More than can be moved in one operation */
		.name = "long",
		.window = 2, .depth = 3, .min_depth = 3,
		.limits = { .per_frame = 2, .frames = 3, .spaces = 1, .cursors = 1,
			    .ios = 1 },
		.ops = long_ops,
		LIST(ios, long_ios), LIST(amounts, amounts), LIST(first, a_mapping),
	},
	{
		/* Few free slots: what fails for want of them */
		.name = "tight",
		.window = 3, .spare = 3, .depth = 100, .fixpoint = true,
		.limits = { .per_frame = 1, .frames = 3, .segments = 1, .spaces = 2,
			    .cursors = 2 },
		.ops = tight_ops,
		LIST(opens, across), LIST(props, props),
		LIST(first, two_handles_and_a_segment),
	},
	{
		/* Two kernel areas, frames and device memory in them */
		.name = "kvirt",
		.window = 2, .depth = 100, .fixpoint = true,
		.limits = { .per_frame = 2, .frames = 2, .spaces = 1, .areas = 2 },
		.ops = kvirt_ops,
		LIST(areas, areas), LIST(device_areas, device_areas), LIST(parts, parts),
		LIST(spots, spots), LIST(props, kernel_props), LIST(changes, kernel_changes),
		LIST(first, two_frames),
	},
	{
		/* One, with readers and writers in it */
		.name = "pins",
		.window = 2, .depth = 100, .fixpoint = true,
		.limits = { .per_frame = 1, .frames = 2, .spaces = 1, .areas = 1, .ios = 2 },
		.ops = pins_ops,
		LIST(areas, one_area), LIST(parts, parts), LIST(spots, spots),
		LIST(area_ios, area_ios), LIST(amounts, amounts), LIST(props, only_rw),
		LIST(changes, kernel_changes), LIST(first, two_frames),
	},
	{
		/* Flush requests, issued and left pending; a frame at two pages */
		.name = "flush",
		.window = 1, .depth = 100, .fixpoint = true,
		.limits = { .per_frame = 3, .frames = 2, .spaces = 1, .cursors = 1 },
		.ops = flush_ops, .defers = true,
		LIST(opens, two_pages), LIST(vas, two_vas), LIST(lens, lens),
		LIST(props, only_rw), LIST(changes, to_ro), LIST(flushes, flushes),
		LIST(first, a_frame_and_a_cursor),
	},
	{
		/* A page of 2 MiB and what it is split into */
		.name = "huge",
		.window = 1, .device = HUGE + PAGE, .depth = 100, .fixpoint = true,
		.limits = { .per_frame = 1, .frames = 1, .spaces = 1, .areas = 1 },
		.ops = huge_ops,
		LIST(device_areas, huge_areas), LIST(parts, huge_parts),
		LIST(spots, huge_spots), LIST(props, only_rw), LIST(changes, to_ro),
		LIST(first, a_space),
	},
	{
		/* The same where slots are few */
		.name = "split",
		.window = 1, .spare = 3, .device = HUGE + PAGE, .depth = 100,
		.fixpoint = true,
		.limits = { .per_frame = 1, .frames = 1, .spaces = 1, .areas = 1,
			    .cursors = 1 },
		.ops = split_ops,
		LIST(opens, across), LIST(parts, huge_parts), LIST(changes, to_ro),
		LIST(first, a_huge_page),
	},
	{
		/* Four frames, two spaces, pages in the same leaf table and in two */
		.name = "map",
		.window = 4, .depth = 6, .min_depth = 6, .min_states = 100000,
		.limits = { .per_frame = 2, .frames = 4, .spaces = 2, .cursors = 2 },
		.ops = map_ops,
		LIST(opens, within_and_across), LIST(vas, vas), LIST(lens, more_lens),
		LIST(props, more_props),
		LIST(changes, changes), LIST(flushes, flushes), LIST(first, two_spaces),
	},
};

/* --- outcomes ------------------------------------------ */

static const struct {
	int err;
	const char *why;
} unreachable[] = {
	{ EAGAIN, "a slot under construction needs a second thread" },
	{ EOVERFLOW, "a saturated count needs 2^63 references; KUnit seeds one" },
	{ EINTR, "a wait ended by a signal: cursor_test" },
	{ ENOSPC, "a limit of the store is 65536 objects and more" },
	{ EIO, "a violation of the invariant: KUnit plants them" },
	{ ECANCELED, "an operation that was not run: batch_test" },
};

static bool in_a_domain(__u16 opcode)
{
	const __u16 *op;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(domains); i++)
		for (op = domains[i].ops; *op; op++)
			if (*op == opcode)
				return true;
	return false;
}

/* Print the table; how many outcomes are missing, if @all were to be there */
static __u32 report_outcomes(const struct outcomes *outcomes, bool all)
{
	__u32 opcode, err, i, missing = 0;

	for (opcode = 1; opcode < __VMSTORE_OP_MAX; opcode++) {
		if (!orc_op_name(opcode))	/* left out: docs/oracle.md */
			continue;
		if (!in_a_domain(opcode)) {
			ksft_print_msg("%s is in no domain\n", orc_op_name(opcode));
			missing++;
			continue;
		}
		printf("# %-25s ok=%llu", orc_op_name(opcode), outcomes->count[opcode][0]);
		for (err = 1; err < OUTCOME_ERRNOS; err++)
			if (outcomes->count[opcode][err])
				printf(" %s=%llu", strerrorname_np(err),
				       outcomes->count[opcode][err]);
		printf("\n");
	}
	for (i = 0; all && i < gen_nr_cells; i++) {
		const struct gen_cell *cell = &gen_cells[i];

		if (!in_a_domain(cell->opcode) || outcomes->count[cell->opcode][cell->err])
			continue;
		ksft_print_msg("%s never had %s\n", orc_op_name(cell->opcode),
			       cell->err ? strerrorname_np(cell->err) : "success");
		missing++;
	}
	for (i = 0; i < ARRAY_SIZE(unreachable); i++)
		ksft_print_msg("unreachable: %s: %s\n", strerrorname_np(unreachable[i].err),
			       unreachable[i].why);
	return missing;
}

/* --- a domain ------------------------------------------ */

/* ksft_test_result_skip() does not name the test */
static void skip(const char *test, const char *reason)
{
	ksft_cnt.ksft_xskip++;
	printf("ok %u %s # SKIP %s\n", ksft_test_num(), test, reason);
}

static __u64 env(const char *name, __u64 preset)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : preset;
}

static __u32 env_check(void)
{
	const char *mode = getenv("SMALLSCOPE_CHECK");

	if (mode && !strcmp(mode, "full"))
		return VMSTORE_CHECK_FULL;
	return mode && !strcmp(mode, "step") ? VMSTORE_CHECK_STEP : VMSTORE_CHECK_OFF;
}

static void report_domain(const struct domain *d, const struct explored *done, long ms)
{
	ksft_print_msg("%s: %llu states, %llu of them over the limits; %llu expanded\n",
		       d->name, done->states, done->outside, done->expanded);
	ksft_print_msg("%s: %s, depth %u; %llu edges, %llu of them loops\n", d->name,
		       done->fixpoint ? "fixpoint" : "no fixpoint", done->depth, done->edges,
		       done->loops);
	ksft_print_msg("%s: %llu checks, %llu operations, %ld ms\n", d->name, done->checks,
		       done->ops, ms);
}

/* Return: true when the domain was explored as far as it must be */
static bool test_domain(const struct domain *d, const struct explore_config *config,
			struct outcomes *outcomes)
{
	struct timespec start, end;
	struct explored done;
	bool good, enough;

	clock_gettime(CLOCK_MONOTONIC, &start);
	good = explore(d, config, outcomes, &done);
	clock_gettime(CLOCK_MONOTONIC, &end);
	report_domain(d, &done, (end.tv_sec - start.tv_sec) * 1000 +
		      (end.tv_nsec - start.tv_nsec) / 1000000);
	enough = done.fixpoint || (!d->fixpoint && done.depth >= d->min_depth &&
				   done.states >= d->min_states);
	/* Unless less was asked for */
	ksft_test_result(good && (enough || config->most < MOST_FULL), "%s\n", d->name);
	return good && enough;
}

/* A rule that is wrong: a jump leaves the cursor where it is */
static bool wrong_rule(struct orc_state *s, const struct vmstore_op *op, struct orc_diff *diff)
{
	struct orc_cursor *c = op->opcode == VMSTORE_OP_CURSOR_JUMP ?
			       orc_find(&s->cursors, op->arg.jump.cursor) : NULL;
	__u64 va = c ? c->va : 0;
	bool same = orc_apply(s, op, diff);

	if (c)
		c->va = va;
	return same;
}

/* With a wrong oracle every domain that has the operation fails */
static void test_noticed(const struct explore_config *config)
{
	struct explore_config wrong = *config;
	struct outcomes ignored = {};
	struct explored done;
	bool noticed;

	wrong.judge = wrong_rule;
	ksft_print_msg("with a wrong rule for JUMP:\n");
	noticed = !explore(&domains[0], &wrong, &ignored, &done);
	ksft_test_result(noticed && done.states > 1, "wrong_rule_is_noticed\n");
}

/* Live where it exists */
static __u32 find_machine(void)
{
	struct vmstore_setup setup = {};
	struct orc_config config;
	struct device device;
	__u32 machine;

	for (machine = VMSTORE_MACHINE_LIVE; machine <= VMSTORE_MACHINE_SOFT; machine++) {
		setup.machine = machine;
		setup.region_size = VMSTORE_BLOCK_SIZE;
		if (device_open(&device, &setup, &config))
			continue;
		device_close(&device);
		return machine;
	}
	return 0;
}

static bool starts_active(const struct domain *d)
{
	__u32 i;

	for (i = 0; i < d->nr_first; i++)
		if (d->first[i].opcode == OP(SPACE_ACTIVATE))
			return true;
	return false;
}

/* All of it once, where nothing is slow; the live machine is mostly an emulated one */
static __u64 preset_states(const struct domain *d, __u32 machine)
{
	__u64 rounds = env("VMSTORE_ROUNDS", 100);

	if (machine == VMSTORE_MACHINE_SOFT)
		return rounds < 100 ? MOST_SOME : MOST_FULL;
	return (starts_active(d) ? MOST_ACTIVE : MOST_SOME) * rounds / 100;
}

int main(void)
{
	static struct outcomes outcomes;
	const char *only = getenv("SMALLSCOPE_ONLY");
	struct explore_config config = { .machine = find_machine(), .judge = orc_apply };
	bool all = true;
	size_t i;

	ksft_print_header();
	if (!config.machine)
		ksft_exit_skip("no /dev/vmstore: is the module loaded, are you root?\n");
	config.mode = env_check();
	ksft_set_plan(ARRAY_SIZE(domains) + 2);
	for (i = 0; i < ARRAY_SIZE(domains); i++) {
		if (only && !strstr(only, domains[i].name)) {
			skip(domains[i].name, "not asked for");
			all = false;
			continue;
		}
		config.most = env("SMALLSCOPE_STATES", preset_states(&domains[i], config.machine));
		all &= test_domain(&domains[i], &config, &outcomes);
	}
	i = report_outcomes(&outcomes, all);
	if (all)
		ksft_test_result(!i, "outcomes\n");
	else
		skip("outcomes", "not everything was explored");
	test_noticed(&config);
	ksft_finished();
}
