// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl litmus: which outcomes TLB litmus tests have
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl.h"
#include "litmus_run.h"
#include "out.h"

#define DEFAULT_ROUNDS	1000
#define DEFAULT_DIR	"litmus"

struct litmus_options {
	const char *path;
	struct litmus_run_opts run;
	bool explore_only;
};

/**
 * struct totals - of all tests
 * @tests: read
 * @skipped: not possible here
 * @differ: verdicts are not those of the model
 * @forbidden: with an outcome that the model does not have
 * @missing: an outcome the soft machine has to show was not seen
 * @failed: something else went wrong
 */
struct totals {
	unsigned int tests;
	unsigned int skipped;
	unsigned int differ;
	unsigned int forbidden;
	unsigned int missing;
	unsigned int failed;
};

/* A test and what is known of it */
struct result {
	struct litmus test;
	struct litmus_reachable found;
	struct litmus_counts counts;
	int differences;
	bool ran;
};

enum { OPT_ROUNDS = 'n', OPT_SEED = 's', OPT_MACHINE = 'm', OPT_ORDER = 'o', OPT_EXPLORE = 'e' };

static const struct argp_option options[] = {
	{ "rounds", OPT_ROUNDS, "N", 0, "Run each test N times (default 1000)", 0 },
	{ "seed", OPT_SEED, "N", 0, "Seed of all chance (default 1)", 0 },
	{ "machine", OPT_MACHINE, "live|soft", 0, "The machine (default: the store's)", 0 },
	{ "order", OPT_ORDER, "seed|threads", 0,
	  "Who decides which CPU goes on (default: the seed on soft, threads on live)", 0 },
	{ "explore-only", OPT_EXPLORE, NULL, 0, "Only compare the verdicts with the model's", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static const char doc[] =
	"Run TLB litmus tests: FILE, or all *.litmus of a folder. The verdicts of a test are\n"
	"compared with those of a model that explores all interleavings; then it is run, and\n"
	"each outcome is counted.\n"
	"\vAn outcome is 'stale' when it needs a CPU that keeps a translation. 'required' ones\n"
	"are allowed, and the soft machine has to show them. The exit status is 1 when a\n"
	"verdict differs, or when a forbidden outcome was seen.\n"
	"\n"
	"Example:\n"
	"  vmstorectl litmus --explore-only litmus\n"
	"  vmstorectl litmus --machine=soft --seed=7 litmus/Local-unmap.litmus";

static error_t parse_number(struct argp_state *state, const char *arg, const char *what,
			    unsigned int *to)
{
	__u64 value;

	if (vms_number_parse(arg, &value) || !value || value > ~0u)
		argp_error(state, "'%s' is no number of %s", arg, what);
	*to = value;
	return 0;
}

static error_t parse_word(struct argp_state *state, const char *arg, const char *first,
			  const char *second, unsigned int *to)
{
	if (strcmp(arg, first) && strcmp(arg, second))
		argp_error(state, "'%s' is neither %s nor %s", arg, first, second);
	*to = strcmp(arg, first) ? 2 : 1;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct litmus_options *opts = state->input;
	unsigned int order;

	switch (key) {
	case OPT_ROUNDS:
		return parse_number(state, arg, "rounds", &opts->run.rounds);
	case OPT_SEED:
		return parse_number(state, arg, "a seed", &opts->run.seed);
	case OPT_MACHINE:
		return parse_word(state, arg, "live", "soft", &opts->run.machine);
	case OPT_ORDER:
		parse_word(state, arg, "seed", "threads", &order);
		opts->run.order = order;
		return 0;
	case OPT_EXPLORE:
		opts->explore_only = true;
		return 0;
	case ARGP_KEY_ARG:
		if (opts->path)
			argp_error(state, "only one FILE or folder");
		opts->path = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- what an outcome is ------------------------------------------------------- */

/* The strongest verdict of a line that an outcome of the model fulfils */
static enum litmus_verdict verdict_of(const struct litmus *test,
				      const struct litmus_outcome *outcome)
{
	enum litmus_verdict verdict = LITMUS_ALLOWED;
	int i;

	for (i = 0; i < test->nr_conds; i++)
		if (test->conds[i].verdict == LITMUS_REQUIRED &&
		    litmus_matches(test, &test->conds[i].when, outcome))
			verdict = LITMUS_REQUIRED;
	return verdict;
}

static unsigned int count_missing(const struct result *r)
{
	unsigned int nr = 0;
	int i;

	if (!r->ran || *r->counts.skip || *r->counts.error ||
	    r->counts.machine != VMSTORE_MACHINE_SOFT)
		return 0;
	for (i = 0; i < r->test.nr_conds; i++)
		nr += r->test.conds[i].verdict == LITMUS_REQUIRED &&
		      !litmus_seen(&r->test, &r->found, &r->counts, &r->test.conds[i]);
	return nr;
}

static const char *order_name(enum litmus_order order)
{
	return order == LITMUS_ORDER_THREADS ? "threads" : "seed";
}

static const char *machine_name(__u32 machine)
{
	return machine == VMSTORE_MACHINE_SOFT ? "soft" : "live";
}

/* --- people ------------------------------------------------------------------- */

static void print_row(const struct result *r, unsigned int seen, const char *verdict, bool stale,
		      const struct litmus_outcome *outcome, enum out_color color)
{
	if (r->ran)
		printf("  %8u", seen);
	printf("  %s%-19s%s %-5s  ", out_on(ctl.color, color), verdict,
	       out_on(ctl.color, OUT_PLAIN), stale ? "stale" : "");
	litmus_print(&r->test, outcome, stdout);
	putchar('\n');
}

static void print_outcome(const struct result *r, int i)
{
	const struct litmus_outcome *outcome = &r->found.outcomes[i];
	unsigned int seen = r->counts.seen[i];
	bool required = verdict_of(&r->test, outcome) == LITMUS_REQUIRED;

	if (r->ran && !seen)
		print_row(r, seen, required ? "required, not seen" : "allowed, not seen",
			  r->found.stale[i], outcome, required ? OUT_YELLOW : OUT_DIM);
	else
		print_row(r, seen, required ? "required" : "allowed", r->found.stale[i],
			  outcome, OUT_GREEN);
}

static void print_result(const struct result *r)
{
	const struct litmus_counts *counts = &r->counts;
	int i;

	printf("%s%s%s  %s\n", out_on(ctl.color, OUT_BOLD), r->test.name,
	       out_on(ctl.color, OUT_PLAIN), r->test.doc);
	if (*counts->skip) {
		printf("  SKIP %s\n", counts->skip);
		return;
	}
	for (i = 0; i < r->found.nr; i++)
		print_outcome(r, i);
	for (i = 0; i < counts->nr_strange; i++)
		print_row(r, counts->strange[i].seen, "FORBIDDEN SEEN", false,
			  &counts->strange[i].outcome, OUT_RED);
	if (counts->void_rounds)
		printf("  %8u  void: an area was made again at another address\n",
		       counts->void_rounds);
	if (*counts->error)
		printf("  %sfailed%s in round %u: %s\n", out_on(ctl.color, OUT_RED),
		       out_on(ctl.color, OUT_PLAIN), counts->rounds + 1, counts->error);
}

static void print_totals(const struct totals *t)
{
	printf("%u tests", t->tests);
	if (t->skipped)
		printf(", %u skipped", t->skipped);
	printf(": %u with a forbidden outcome, %u whose verdicts differ from the model's",
	       t->forbidden, t->differ);
	if (t->missing)
		printf(", %u without a required outcome", t->missing);
	if (t->failed)
		printf(", %u failed", t->failed);
	putchar('\n');
}

/* --- machines ----------------------------------------------------------------- */

static json_object *json_outcome(const struct litmus *test, const struct litmus_outcome *outcome,
				 unsigned int seen, const char *verdict, bool stale)
{
	json_object *object = json_object_new_object();
	size_t len;
	char *text;
	FILE *to = open_memstream(&text, &len);

	if (to) {
		litmus_print(test, outcome, to);
		fclose(to);
		out_json_text(object, "outcome", text);
		free(text);
	}
	out_json_text(object, "verdict", verdict);
	out_json_bool(object, "stale", stale);
	out_json_count(object, "seen", seen);
	return object;
}

static json_object *json_outcomes(const struct result *r)
{
	json_object *array = json_object_new_array(), *one;
	const struct litmus_outcome *outcome;
	int i;

	for (i = 0; i < r->found.nr; i++) {
		outcome = &r->found.outcomes[i];
		one = json_outcome(&r->test, outcome, r->counts.seen[i],
				   litmus_verdict_name(verdict_of(&r->test, outcome)),
				   r->found.stale[i]);
		json_object_array_add(array, one);
	}
	for (i = 0; i < r->counts.nr_strange; i++) {
		outcome = &r->counts.strange[i].outcome;
		one = json_outcome(&r->test, outcome, r->counts.strange[i].seen,
				   litmus_verdict_name(LITMUS_FORBIDDEN), false);
		json_object_array_add(array, one);
	}
	return array;
}

static json_object *json_result(const struct result *r)
{
	json_object *object = json_object_new_object();
	const struct litmus_counts *counts = &r->counts;

	out_json_text(object, "name", r->test.name);
	out_json_text(object, "doc", r->test.doc);
	out_json_text(object, "file", r->test.source.path);
	out_json_count(object, "differences", r->differences);
	out_json_count(object, "states", r->found.states);
	if (r->ran) {
		out_json_text(object, "machine", machine_name(counts->machine));
		out_json_text(object, "order", order_name(counts->order));
		out_json_count(object, "rounds", counts->rounds);
		out_json_count(object, "void", counts->void_rounds);
		out_json_count(object, "forbidden_seen", counts->forbidden);
		out_json_count(object, "required_not_seen", count_missing(r));
	}
	if (*counts->skip)
		out_json_text(object, "skip", counts->skip);
	if (*counts->error)
		out_json_text(object, "error", counts->error);
	json_object_object_add(object, "outcomes", json_outcomes(r));
	return object;
}

static json_object *json_totals(const struct totals *t)
{
	json_object *object = json_object_new_object();

	out_json_count(object, "tests", t->tests);
	out_json_count(object, "skipped", t->skipped);
	out_json_count(object, "differ", t->differ);
	out_json_count(object, "forbidden_seen", t->forbidden);
	out_json_count(object, "required_not_seen", t->missing);
	out_json_count(object, "failed", t->failed);
	return object;
}

/* --- tests -------------------------------------------------------------------- */

static void add_totals(struct totals *t, const struct result *r)
{
	t->tests++;
	t->skipped += *r->counts.skip != '\0';
	t->differ += r->differences != 0;
	t->forbidden += r->counts.forbidden != 0;
	t->missing += count_missing(r) != 0;
	t->failed += *r->counts.error != '\0';
}

static int read_test(struct result *r, const char *path)
{
	FILE *from = fopen(path, "r");
	int ret;

	if (!from) {
		ctl_error("cannot open %s: %s", path, strerror(errno));
		return CTL_INPUT;
	}
	ret = litmus_parse(&r->test, path, from, stderr, ctl.color_err);
	fclose(from);
	if (!ret)
		return CTL_OK;
	if (ret == -EINVAL)
		return CTL_DATA;
	ctl_error("cannot read %s: %s", path, strerror(-ret));
	return ret == -ENOMEM ? CTL_SYSTEM : CTL_INPUT;
}

static int explore_test(struct result *r)
{
	int ret = litmus_explore(&r->test, 0, &r->found);

	if (ret) {
		ctl_error("%s: cannot be explored: %s", r->test.source.path,
			  ret == -E2BIG ? "it has too many states" : strerror(-ret));
		return ret == -E2BIG ? CTL_DATA : CTL_SYSTEM;
	}
	r->differences = litmus_compare(&r->test, &r->found, stderr);
	return CTL_OK;
}

static int run_test(struct result *r, const struct litmus_options *opts)
{
	int ret;

	if (opts->explore_only)
		return CTL_OK;
	ret = litmus_run(&r->test, &r->found, &opts->run, &r->counts);
	if (ret)
		return ctl_call_error(VMS_CALL_SETUP, "cannot make a store", ret);
	r->ran = true;
	return CTL_OK;
}

static int do_test(const char *path, const struct litmus_options *opts, struct totals *totals,
		   json_object *tests)
{
	struct result *r = calloc(1, sizeof(*r));
	int status;

	if (!r)
		return CTL_SYSTEM;
	status = read_test(r, path);
	if (!status)
		status = explore_test(r);
	if (!status)
		status = run_test(r, opts);
	if (!status) {
		add_totals(totals, r);
		if (tests)
			json_object_array_add(tests, json_result(r));
		else
			print_result(r);
	}
	free(r);
	return status;
}

/* --- files -------------------------------------------------------------------- */

static int is_test(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 7 && !strcmp(entry->d_name + len - 7, ".litmus");
}

static int do_folder(const char *path, const struct litmus_options *opts, struct totals *totals,
		     json_object *tests)
{
	int nr, i, status = CTL_OK, one;
	struct dirent **entries;
	char *name;

	nr = scandir(path, &entries, is_test, alphasort);
	if (nr < 0) {
		ctl_error("cannot read %s: %s", path, strerror(errno));
		return CTL_INPUT;
	}
	for (i = 0; i < nr; i++) {
		if (status < CTL_DEVICE && asprintf(&name, "%s/%s", path, entries[i]->d_name) > 0) {
			one = do_test(name, opts, totals, tests);
			status = one > status ? one : status;
			free(name);
		}
		free(entries[i]);
	}
	free(entries);
	if (!nr) {
		ctl_error("%s has no *.litmus", path);
		status = CTL_INPUT;
	}
	return status;
}

static int do_path(const struct litmus_options *opts, struct totals *totals, json_object *tests)
{
	struct stat st;

	if (!stat(opts->path, &st) && S_ISDIR(st.st_mode))
		return do_folder(opts->path, opts, totals, tests);
	return do_test(opts->path, opts, totals, tests);
}

static void print_json(const struct litmus_options *opts, const struct totals *totals,
		       json_object *tests)
{
	json_object *object = json_object_new_object();

	if (!opts->explore_only) {
		out_json_count(object, "seed", opts->run.seed);
		out_json_count(object, "rounds", opts->run.rounds);
	}
	json_object_object_add(object, "tests", tests);
	json_object_object_add(object, "totals", json_totals(totals));
	out_json_print(object);
}

int cmd_litmus(int argc, char **argv)
{
	const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "[FILE|DIR]",
		.doc = doc, .children = CTL_COMMON_CHILDREN,
	};
	struct litmus_options opts = {
		.path = NULL, .run = { .rounds = DEFAULT_ROUNDS, .seed = 1 },
	};
	struct vms_store none = { .fd = -1 };
	struct totals totals = { 0 };
	json_object *tests;
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	if (!opts.path)
		opts.path = DEFAULT_DIR;
	opts.run.device = ctl.device;
	tests = ctl.json ? json_object_new_array() : NULL;
	status = do_path(&opts, &totals, tests);
	if (ctl.json)
		print_json(&opts, &totals, tests);
	else if (totals.tests > 1)
		print_totals(&totals);
	if (!status && (totals.differ || totals.forbidden || totals.failed))
		status = CTL_FAILED;
	return ctl_exit(&none, status);
}
