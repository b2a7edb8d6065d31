// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module and a model that shares no code with it, in lockstep: random operations,
 * valid and invalid, each outcome predicted, the whole state compared. docs/oracle.md
 *
 *	ORACLE_OPS	operations per variant, however long they take
 *	ORACLE_SEED	of the first store; the next ones follow
 *
 * Without ORACLE_OPS a slow kernel ends early, and the least that every cell of the table
 * must have is less in proportion.
 *
 * A failure prints its seed and the shortest script that still fails.
 */
#include "vmstore_test.h"

#include <time.h>

#include "oracle/gen.h"
#include "oracle/lockstep.h"
#include "oracle/model.h"
#include "oracle/shrink.h"

#define EPISODE		4000	/* operations on one store */
#define BETWEEN		64	/* operations between two compares, at most */
#define SHRINK_SECONDS	60

/* Operations when ORACLE_OPS says nothing, and seconds after which it is enough */
#define OPS_SOFT	1000000
#define OPS_LIVE	100000
#define OPS_BESIDES	20000	/* soft, where the live machine is the one that counts */
#define OPS_CHECKED	4000
#define SECONDS_MOST	120
#define SECONDS_BESIDES	25

/* Of a million operations each kind succeeds this often, and each errno is seen */
#define PER_MILLION_OK	1000
#define PER_MILLION_ERR	20

static __u64 env(const char *name, __u64 preset)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : preset;
}

/* --- one store ----------------------------------------------------------------------- */

struct episode {
	struct lockstep l;
	struct log log;
	struct gen g;
	struct gen_op group[GEN_MAX_GROUP];
	__u64 ops;	/* so far */
};

static void episode_init(struct episode *e, const struct vmstore_setup *setup, __u64 seed,
			 bool tight)
{
	int i;

	memset(e, 0, sizeof(*e));
	e->log.setup = *setup;
	for (i = 0; i < GEN_MAX_GROUP; i++) {
		e->group[i].data = malloc(GEN_DATA + VT_PAGE);
		if (!e->group[i].data)
			abort();
	}
	e->g = (struct gen) { .seed = seed, .group = e->group, .tight = tight };
}

static void episode_exit(struct episode *e)
{
	int i;

	lockstep_close(&e->l);
	log_free(&e->log);
	for (i = 0; i < GEN_MAX_GROUP; i++)
		free(e->group[i].data);
}

/* Nearly everything in one segment: what fails for want of a slot */
static bool fill_up(struct episode *e, struct lockstep_table *table)
{
	__u64 left = 16 + gen_below(&e->g, 40), at = e->l.s->config.first_mmio, end = at;

	/* Down from the end to the first slot that is not free: a node, at most */
	while (at > left) {
		const struct orc_slot *slot = orc_peek(e->l.s, (at - 1) * ORC_PAGE);

		if (slot && (slot->node || orc_users(slot)))
			break;
		at--;
	}
	memset(&e->group[0].op, 0, sizeof(e->group[0].op));
	e->group[0].op.opcode = VMSTORE_OP_SEGMENT_FROM_UNUSED;
	e->group[0].op.arg.range.start = at * ORC_PAGE;
	e->group[0].op.arg.range.end = end * ORC_PAGE;
	e->group[0].len = 0;
	return at == end || lockstep_run(&e->l, e->group, 1, &e->log, table);
}

static void make_group(struct episode *e)
{
	__u32 nr = gen_below(&e->g, 4) ? 2 + gen_below(&e->g, GEN_MAX_GROUP - 1) : 1, tries;

	e->g.s = e->l.s;
	e->g.nr = 0;
	for (tries = 0; e->g.nr < nr && tries < 1000; tries++) {
		gen_next(&e->g);
		/* A wait in a group would wait for what comes before it in the group */
		if (e->g.nr && e->group[0].op.flags & VMSTORE_OPF_WAIT)
			break;
	}
}

static bool episode_run(struct episode *e, lockstep_judge judge, __u64 ops,
			struct lockstep_table *table)
{
	__u64 since = 0;
	int err = lockstep_open(&e->l, &e->log.setup, judge);

	if (err) {
		snprintf(e->l.diff.text, sizeof(e->l.diff.text), "no store: %s",
			 strerror(-err));
		return false;
	}
	if (e->g.tight && !fill_up(e, table))
		return false;
	while (e->ops < ops) {
		make_group(e);
		if (!lockstep_run(&e->l, e->group, e->g.nr, &e->log, table))
			return false;
		e->ops += e->g.nr;
		since += e->g.nr;
		/* As late as allowed, mostly */
		if (since + GEN_MAX_GROUP > BETWEEN || !gen_below(&e->g, 40) ||
		    e->ops >= ops) {
			if (!lockstep_compare(&e->l))
				return false;
			since = 0;
		}
	}
	return true;
}

/* --- the table ----------------------------------------------------------------------- */

struct unreachable {
	int err;
	const char *why;
};

/* Errnos of model.md 5.0 that one thread on a sound store never sees, or not here */
static const struct unreachable unreachable[] = {
	{ EAGAIN, "a slot under construction: needs a second thread" },
	{ EOVERFLOW, "a saturated count: 2^63 references; KUnit seeds one" },
	{ EINTR, "a wait ended by a signal: cursor_test" },
	{ ENOSPC, "a limit of the store: 65536 objects and more" },
	{ EIO, "a violation of the invariant: KUnit plants them" },
	{ ECANCELED, "an operation that was not run: batch_test" },
};

static bool is_cell(__u16 opcode, int err)
{
	__u32 i;

	for (i = 0; i < gen_nr_cells; i++)
		if (gen_cells[i].opcode == opcode && gen_cells[i].err == err)
			return true;
	return false;
}

/* How often must a cell be seen? Of few operations the rare ones are left to chance */
static __u64 least(int err, __u64 ops)
{
	if (ops < 200000)
		return err ? 0 : ops * PER_MILLION_OK / 4000000;
	return ops * (err ? PER_MILLION_ERR : PER_MILLION_OK) / 1000000;
}

/* Print the table; how many reachable cells stay below their minimum */
static __u32 report(const struct lockstep_table *table, __u64 ops)
{
	__u32 opcode, err, low = 0, i;

	for (opcode = 1; opcode < __VMSTORE_OP_MAX; opcode++) {
		if (!orc_op_name(opcode))	/* left out: docs/oracle.md */
			continue;
		printf("# %-25s ok=%llu", orc_op_name(opcode), table->count[opcode][0]);
		for (err = 0; err < LOCKSTEP_ERRNOS; err++) {
			__u64 n = table->count[opcode][err];
			__u64 want = least(err, ops);

			if (err && (n || is_cell(opcode, err)))
				printf(" %s=%llu", strerrorname_np(err) ?: "?", n);
			if (is_cell(opcode, err) && n < want) {
				printf("(of %llu)", want);
				low++;
			}
		}
		printf("\n");
	}
	for (i = 0; i < ARRAY_SIZE(unreachable); i++)
		printf("# unreachable: %s: %s\n", strerrorname_np(unreachable[i].err),
		       unreachable[i].why);
	return low;
}

static void report_failure(struct episode *e, __u64 seed)
{
	struct orc_diff diff;

	printf("# seed %#llx, operation %zu of its store: %s\n", seed, e->log.nr,
	       e->l.diff.text);
	lockstep_close(&e->l);
	if (!shrink(&e->log, e->l.judge, SHRINK_SECONDS, &diff)) {
		printf("# it does not fail again\n");
		return;
	}
	printf("# script (%zu operations), to be run with \"vmstorectl run\": %s\n", e->log.nr,
	       diff.text);
	script_print(&e->log, stdout, "#   ");
	fflush(stdout);
}

/* --- tests --------------------------------------------------------------------------- */

FIXTURE(oracle) {
	struct vmstore_setup setup;
	struct lockstep_table *table;
};

FIXTURE_VARIANT(oracle) {
	__u32 machine;
	__u32 mode;
};

FIXTURE_VARIANT_ADD(oracle, soft) {
	.machine = VMSTORE_MACHINE_SOFT, .mode = VMSTORE_CHECK_OFF,
};

FIXTURE_VARIANT_ADD(oracle, live) {
	.machine = VMSTORE_MACHINE_LIVE, .mode = VMSTORE_CHECK_OFF,
};

FIXTURE_VARIANT_ADD(oracle, soft_step) {
	.machine = VMSTORE_MACHINE_SOFT, .mode = VMSTORE_CHECK_STEP,
};

FIXTURE_VARIANT_ADD(oracle, live_step) {
	.machine = VMSTORE_MACHINE_LIVE, .mode = VMSTORE_CHECK_STEP,
};

FIXTURE_VARIANT_ADD(oracle, soft_full) {
	.machine = VMSTORE_MACHINE_SOFT, .mode = VMSTORE_CHECK_FULL,
};

FIXTURE_VARIANT_ADD(oracle, live_full) {
	.machine = VMSTORE_MACHINE_LIVE, .mode = VMSTORE_CHECK_FULL,
};

FIXTURE_SETUP(oracle)
{
	const char *reason = vt_skip_reason(variant->machine);

	if (reason)
		SKIP(return, "%s", reason);
	self->table = calloc(1, sizeof(*self->table));
	ASSERT_NE(NULL, self->table);
	self->setup = (struct vmstore_setup) {
		.region_size = VT_SMALL,
		.machine = variant->machine,
		.check_mode = variant->mode,
	};
}

FIXTURE_TEARDOWN(oracle)
{
	free(self->table);
}

/* Stores of different shapes: reserved tail, CPUs, nearly full */
static void vary(struct vmstore_setup *setup, __u64 seed, bool *tight)
{
	/* None, some pages, two pages of 2 MiB and some pages before them */
	setup->mmio_size = seed % 3 ? 0 : 16 * VT_PAGE;
	setup->region_size = VT_SMALL;
	if (seed % 3 == 1) {
		setup->mmio_size = 2 * VT_2M + 16 * VT_PAGE;
		setup->region_size = 2 * VMSTORE_BLOCK_SIZE;
	}
	if (setup->machine == VMSTORE_MACHINE_SOFT)
		setup->nr_cpus = 1 + seed / 3 % 4;
	*tight = !(seed % 4);
}

static __u64 milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* How much of this variant is enough */
static __u64 enough(__u32 machine, __u32 mode, __u64 *ms)
{
	bool besides = machine == VMSTORE_MACHINE_SOFT && vt_has_machine(VMSTORE_MACHINE_LIVE);
	__u64 ops = machine == VMSTORE_MACHINE_SOFT ? OPS_SOFT : OPS_LIVE;

	if (besides)
		ops = OPS_BESIDES;
	if (mode != VMSTORE_CHECK_OFF)
		ops = OPS_CHECKED;
	ops = vt_rounds(ops);
	*ms = 1000ULL * (besides || mode != VMSTORE_CHECK_OFF ? SECONDS_BESIDES : SECONDS_MOST);
	if (getenv("ORACLE_OPS")) {
		ops = env("ORACLE_OPS", ops);
		*ms = ~0ULL;
	}
	return ops;
}

TEST_F_TIMEOUT(oracle, lockstep, 600)
{
	__u64 seed = env("ORACLE_SEED", 1), done = 0, start = milliseconds(), most;
	__u64 ops = enough(variant->machine, variant->mode, &most);
	struct episode e;
	__u32 low;

	for (; done < ops && milliseconds() - start < most; seed++) {
		__u64 n = ops - done < EPISODE ? ops - done : EPISODE;
		bool tight, same;

		vary(&self->setup, seed, &tight);
		episode_init(&e, &self->setup, seed, tight);
		same = episode_run(&e, orc_apply, n, self->table);
		done += e.ops;
		if (!same)
			report_failure(&e, seed);
		episode_exit(&e);
		ASSERT_TRUE(same);
	}
	low = report(self->table, done);
	vt_show("%llu operations in %llu ms, the whole state compared every %u at most",
		done, milliseconds() - start, BETWEEN);
	EXPECT_EQ(0, low)
		TH_LOG("%u cells below their minimum", low);
}

/* A rule that is wrong: ProtectNext does not change AVAIL1 */
static bool wrong_rule(struct orc_state *s, const struct vmstore_op *op, struct orc_diff *diff)
{
	const struct orc_cursor *c;
	struct orc_space *space;
	struct orc_leaf *leaf;
	bool same = orc_apply(s, op, diff);

	if (!same || op->opcode != VMSTORE_OP_CURSOR_PROTECT_NEXT || op->out_errno ||
	    !op->out.protect.found)
		return same;
	c = orc_find(&s->cursors, op->arg.protect.cursor);
	space = orc_find(&s->spaces, c->space);
	leaf = orc_find(&space->leaves, op->out.protect.start);
	leaf->prop.flags &= ~VMSTORE_PROP_AVAIL1;
	leaf->prop.flags |= op->out.protect.old_prop.flags & VMSTORE_PROP_AVAIL1;
	return true;
}

/* Beside this program, or where the tree has it */
static bool find_tool(char *tool, size_t len)
{
	static const char *const places[] = { "vmstorectl", "../tools/vmstorectl" };
	char self[PATH_MAX / 2] = {};
	size_t i;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return false;
	*strrchr(self, '/') = 0;
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(tool, len, "%s/%s", self, places[i]);
		if (!access(tool, X_OK))
			return true;
	}
	return false;
}

/* "vmstorectl run" with the script as its input; the exit status */
static int run_script(const char *tool, const struct log *log)
{
	int script = memfd_create("script", 0), status;
	FILE *to = fdopen(dup(script), "w");
	pid_t pid;

	if (!to)
		return -1;
	script_print(log, to, "");
	fclose(to);
	lseek(script, 0, SEEK_SET);
	pid = fork();
	if (!pid) {
		dup2(script, 0);
		dup2(2, 1);
		execl(tool, "vmstorectl", "run", "-", (char *)NULL);
		_exit(127);
	}
	close(script);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* With a wrong oracle the run fails, and a few operations show why */
TEST(shrinks)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_DEFAULT);
	const struct vmstore_setup setup = { .region_size = VT_SMALL };
	char tool[PATH_MAX];
	struct orc_diff diff;
	struct episode e;
	bool same;

	if (reason)
		SKIP(return, "%s", reason);
	episode_init(&e, &setup, env("ORACLE_SEED", 3), false);
	same = episode_run(&e, wrong_rule, 4000, NULL);
	EXPECT_FALSE(same);
	if (!same) {
		size_t was = e.log.nr;

		lockstep_close(&e.l);
		EXPECT_TRUE(shrink(&e.log, wrong_rule, SHRINK_SECONDS, &diff));
		printf("# %zu operations shrank to %zu: %s\n", was, e.log.nr, diff.text);
		script_print(&e.log, stdout, "#   ");
		/* Space, cursor, frame, map, jump back, protect, and what leads there */
		EXPECT_LE(e.log.nr, 16);
		if (find_tool(tool, sizeof(tool)))
			EXPECT_EQ(0, run_script(tool, &e.log));
		/* And the right oracle finds nothing wrong with them */
		EXPECT_FALSE(shrink(&e.log, orc_apply, 1, &diff));
	}
	episode_exit(&e);
}

TEST_HARNESS_MAIN
