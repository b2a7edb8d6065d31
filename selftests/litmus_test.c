// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TLB litmus tests of the folder litmus: their verdicts against the model's, and what the
 * machines show. docs/litmus.md says what they are.
 */
#include <glob.h>

#include "litmus_run.h"
#include "vmstore_test.h"

#undef ARRAY_SIZE	/* the tools' is the same */
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

/* The harness wants a limit; this one is for a busy host */
#define SECONDS		500

/* Seeds to look for what is required, and for something stale, which may be rare */
#define MAX_SEEDS	20
#define STALE_SEEDS	300

/*
 * Its stale outcome is within one operation, which ends when all have flushed; without
 * threads nobody comes between. The KUnit case mmu_test_global has such a translation.
 */
static const char stale_within[] = "Global-load-root";

/*
 * Their stale outcome is looked for on the live machine, too, with as many seeds as it takes.
 * An idle host shows all of them at once, a busy one may run Linux on the CPU meanwhile.
 */
#define MIN_STALE_LIVE	12

static const char *const stale_live[] = {
	"Accessed-lost", "Activate-same", "Alias-flush-one", "Alias-stale-store",
	"CoTW-old-frame", "CoWT-remap", "Dirty-lost", "Dirty-lost-remote", "Down-all",
	"Down-write", "Local-flush-all", "Local-invlpg-other", "Local-issue", "Local-protect",
	"Local-sync", "Local-unmap", "Local-unmap-flush", "Remote-flush-other", "Remote-issue",
	"Remote-remap", "Remote-unmap", "Space-flush-other", "Table-new-and-old", "Table-unmap",
};

/* The suite, and the test that is looked at */
struct suite {
	glob_t files;
	struct litmus *test;
	struct litmus_reachable *found;
	struct litmus_counts *counts;
};

FIXTURE(litmus) {
	struct suite suite;
};

FIXTURE_SETUP(litmus)
{
	char path[PATH_MAX / 2] = {}, pattern[PATH_MAX];

	ASSERT_LT(0, readlink("/proc/self/exe", path, sizeof(path) - 1));
	*strrchr(path, '/') = 0;
	snprintf(pattern, sizeof(pattern), "%s/litmus/*.litmus", path);
	if (glob(pattern, 0, NULL, &self->suite.files))
		SKIP(return, "the folder litmus is not beside this program");
	self->suite.test = calloc(1, sizeof(*self->suite.test));
	self->suite.found = calloc(1, sizeof(*self->suite.found));
	self->suite.counts = calloc(1, sizeof(*self->suite.counts));
	ASSERT_TRUE(self->suite.test && self->suite.found && self->suite.counts);
}

FIXTURE_TEARDOWN(litmus)
{
	globfree(&self->suite.files);
	free(self->suite.test);
	free(self->suite.found);
	free(self->suite.counts);
}

/* Read a test and find what is possible; 0 or a negative errno */
static int load(struct suite *s, size_t i)
{
	const char *path = s->files.gl_pathv[i];
	FILE *from = fopen(path, "r");
	int err = from ? litmus_parse(s->test, path, from, stderr, false) : -errno;

	if (from)
		fclose(from);
	return err ? err : litmus_explore(s->test, 0, s->found);
}

/* Rounds in which an outcome was seen that needs a CPU that keeps something */
static unsigned int count_stale(const struct suite *s)
{
	unsigned int nr = 0;
	int i;

	for (i = 0; i < s->found->nr; i++)
		nr += s->found->stale[i] ? s->counts->seen[i] : 0;
	return nr;
}

static void say_strange(const struct suite *s)
{
	int i;

	for (i = 0; i < s->counts->nr_strange; i++) {
		fprintf(stderr, "# %s: FORBIDDEN SEEN %u times: ", s->test->name,
			s->counts->strange[i].seen);
		litmus_print(s->test, &s->counts->strange[i].outcome, stderr);
		fputc('\n', stderr);
	}
	if (*s->counts->error)
		fprintf(stderr, "# %s: %s\n", s->test->name, s->counts->error);
}

/* Run a test; how many things were wrong */
static int run(struct suite *s, const struct litmus_run_opts *opts)
{
	int err = litmus_run(s->test, s->found, opts, s->counts);

	if (err) {
		fprintf(stderr, "# %s: no store: %d\n", s->test->name, err);
		return 1;
	}
	say_strange(s);
	return s->counts->forbidden + (*s->counts->error != '\0');
}

/* What is required and was not seen */
static unsigned int missing(const struct suite *s, const unsigned int *seen)
{
	unsigned int nr = 0;
	int i;

	for (i = 0; i < s->test->nr_conds; i++)
		nr += s->test->conds[i].verdict == LITMUS_REQUIRED && !seen[i];
	return nr;
}

static bool is_named(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(stale_live); i++)
		if (!strcmp(stale_live[i], name))
			return true;
	return false;
}

TEST_F(litmus, verdicts)
{
	size_t i;

	EXPECT_LE(60, self->suite.files.gl_pathc);
	for (i = 0; i < self->suite.files.gl_pathc; i++) {
		EXPECT_EQ(0, load(&self->suite, i)) TH_LOG("%s", self->suite.files.gl_pathv[i]);
		EXPECT_EQ(0, litmus_compare(self->suite.test, self->suite.found, stderr));
	}
}

/* Does the model have an outcome that needs a CPU that keeps something? */
static bool has_stale(const struct suite *s)
{
	int i;

	for (i = 0; i < s->found->nr; i++)
		if (s->found->stale[i])
			return true;
	return false;
}

/*
 * Each outcome is one of the model's, and what is required is seen, and something stale if
 * there can be: with the first seed, or with one of the next.
 */
static int run_required(struct suite *s, unsigned int *stale)
{
	/* Fewer rounds may miss one */
	bool want_stale = vt_rounds(100) >= 100 && has_stale(s) &&
			  strcmp(s->test->name, stale_within);
	struct litmus_run_opts opts = {
		.machine = VMSTORE_MACHINE_SOFT, .rounds = vt_rounds(150),
	};
	unsigned int seen[LITMUS_MAX_CONDS] = { 0 };
	unsigned int max = want_stale ? STALE_SEEDS : MAX_SEEDS;
	int i;

	*stale = 0;
	for (opts.seed = 1; opts.seed <= max; opts.seed++) {
		if (run(s, &opts))
			return 1;
		for (i = 0; i < s->test->nr_conds; i++)
			seen[i] += litmus_seen(s->test, s->found, s->counts,
					       &s->test->conds[i]);
		*stale += count_stale(s);
		if (*s->counts->skip || (!missing(s, seen) && (!want_stale || *stale)))
			return 0;
	}
	fprintf(stderr, "# %s: %s was not seen\n", s->test->name,
		missing(s, seen) ? "a required outcome" : "something stale");
	return 1;
}

TEST_F_TIMEOUT(litmus, soft, SECONDS)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_SOFT);
	unsigned int skipped = 0, stale = 0, rounds;
	size_t i;

	if (reason)
		SKIP(return, "%s", reason);
	for (i = 0; i < self->suite.files.gl_pathc; i++) {
		ASSERT_EQ(0, load(&self->suite, i));
		EXPECT_EQ(0, run_required(&self->suite, &rounds))
			TH_LOG("%s", self->suite.files.gl_pathv[i]);
		skipped += *self->suite.counts->skip != '\0';
		stale += rounds != 0;
	}
	vt_show("%u tests were stale, %u skipped", stale, skipped);
}

/* With true concurrency, as far as there is any */
TEST_F(litmus, soft_threads)
{
	const struct litmus_run_opts opts = {
		.machine = VMSTORE_MACHINE_SOFT, .rounds = vt_rounds(40), .seed = 1,
		.order = LITMUS_ORDER_THREADS,
	};
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_SOFT);
	size_t i;

	if (reason)
		SKIP(return, "%s", reason);
	for (i = 0; i < self->suite.files.gl_pathc; i++) {
		ASSERT_EQ(0, load(&self->suite, i));
		EXPECT_EQ(0, run(&self->suite, &opts)) TH_LOG("%s", self->suite.files.gl_pathv[i]);
	}
}

/* A seed has its outcomes, and another one has others */
TEST_F(litmus, soft_repeats)
{
	struct litmus_run_opts opts = {
		.machine = VMSTORE_MACHINE_SOFT, .rounds = 20, .seed = 7,
	};
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_SOFT);
	struct litmus_counts first;
	unsigned int differ = 0;
	size_t i;

	if (reason)
		SKIP(return, "%s", reason);
	for (i = 0; i < self->suite.files.gl_pathc; i += 5) {
		opts.seed = 7;
		ASSERT_EQ(0, load(&self->suite, i));
		ASSERT_EQ(0, run(&self->suite, &opts));
		first = *self->suite.counts;
		ASSERT_EQ(0, run(&self->suite, &opts));
		EXPECT_EQ(0, memcmp(first.seen, self->suite.counts->seen, sizeof(first.seen)))
			TH_LOG("%s", self->suite.files.gl_pathv[i]);
		opts.seed = 8;
		ASSERT_EQ(0, run(&self->suite, &opts));
		differ += memcmp(first.seen, self->suite.counts->seen, sizeof(first.seen)) != 0;
	}
	EXPECT_LT(0, differ);
}

/*
 * Rounds in which something stale was seen. The tests that are named are run until there
 * is one, as far as there are seeds.
 */
static unsigned int run_live(struct suite *s, int *wrong)
{
	struct litmus_run_opts opts = {
		.machine = VMSTORE_MACHINE_LIVE, .rounds = vt_rounds(10),
	};
	/* How many are stale is asked for with full rounds only */
	unsigned int max = vt_rounds(100) >= 100 ? MAX_SEEDS : 1;
	unsigned int nr = 0;

	*wrong = 0;
	for (opts.seed = 1; opts.seed <= max && !nr; opts.seed++) {
		*wrong += run(s, &opts);
		nr = count_stale(s);
		if (*wrong || *s->counts->skip || !is_named(s->test->name))
			break;
	}
	return nr;
}

TEST_F_TIMEOUT(litmus, live, SECONDS)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_LIVE);
	unsigned int skipped = 0, stale = 0, named = 0, nr;
	int wrong = 0;
	size_t i;

	if (reason)
		SKIP(return, "%s", reason);
	for (i = 0; i < self->suite.files.gl_pathc; i++) {
		ASSERT_EQ(0, load(&self->suite, i));
		nr = run_live(&self->suite, &wrong);
		EXPECT_EQ(0, wrong) TH_LOG("%s", self->suite.files.gl_pathv[i]);
		if (*self->suite.counts->skip) {
			TH_LOG("%s: skipped: %s", self->suite.test->name, self->suite.counts->skip);
			skipped++;
			continue;
		}
		if (!nr)
			continue;
		stale++;
		named += is_named(self->suite.test->name);
		TH_LOG("%s: stale in %u of %u rounds", self->suite.test->name, nr,
		       self->suite.counts->rounds);
	}
	vt_show("%u tests were stale, %u skipped", stale, skipped);
	if (skipped == self->suite.files.gl_pathc)
		SKIP(return, "%s", self->suite.counts->skip);
	/* Fewer rounds may miss one */
	if (vt_rounds(100) >= 100)
		EXPECT_LE(MIN_STALE_LIVE, named);
}

TEST_HARNESS_MAIN
