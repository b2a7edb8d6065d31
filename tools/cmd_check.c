// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl check: run a script, then evaluate the invariant
 */
#include "ctl.h"
#include "exec.h"
#include "out.h"
#include "show.h"
#include "story.h"

struct check_options {
	const char *path;
	bool keep_going;
	bool quiet;
};

static const struct argp_option options[] = {
	{ "keep-going", 'k', NULL, 0, "Go on behind an unexpected outcome", 0 },
	{ "quiet", 'q', NULL, 0, "Leave out the table of clauses", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static const char doc[] =
	"Run a script in a new store, then evaluate the whole invariant and print a\n"
	"line for each clause. Without FILE the store is empty.\n"
	"\vA clause is vacuous where its premise is false: 'not vacuous' counts how often\n"
	"it was really put to the test. The exit status is 2 when one is violated.\n"
	"\n"
	"Example:\n"
	"  vmstorectl check examples/walk.vms\n"
	"  vmstorectl check --json examples/walk.vms | jq .check.holds";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct check_options *opts = state->input;

	switch (key) {
	case 'k':
		opts->keep_going = true;
		return 0;
	case 'q':
		opts->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (opts->path)
			argp_error(state, "only one FILE");
		opts->path = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_verdict(const struct vms_report *report)
{
	if (report->total)
		printf("%sviolated%s\n", out_on(ctl.color, OUT_RED),
		       out_on(ctl.color, OUT_PLAIN));
	else
		printf("%sthe invariant holds%s, %u clauses\n",
		       out_on(ctl.color, OUT_GREEN),
		       out_on(ctl.color, OUT_PLAIN), report->nr_clauses);
}

static void print_json(struct vms_store *store, const struct vms_report *report,
		       json_object *failures)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "failures", json_object_get(failures));
	json_object_object_add(object, "check", vms_json_report(report));
	if (report->total)
		json_object_object_add(object, "story", story_json(store));
	out_json_print(object);
}

static int check_store(struct vms_store *store,
		       const struct check_options *opts, json_object *failures,
		       int status)
{
	const struct show_opts show = { .color = ctl.color };
	struct vms_report report;
	int ret;

	ret = vms_check(store, &report);
	if (ret)
		return ctl_call_error(VMS_CALL_CHECK, "cannot check", ret);
	if (ctl.json) {
		print_json(store, &report, failures);
	} else {
		vms_print_report(&report, stdout, &show, !opts->quiet);
		print_verdict(&report);
	}
	/* Unless running the script has printed it already */
	if (report.total && !ctl.json && status != CTL_VIOLATED)
		ret = story_print(store, stdout);
	if (report.total)
		status = CTL_VIOLATED;
	vms_report_free(&report);
	return ret ? ctl_call_error(VMS_CALL_DUMP, "cannot read the story", ret) : status;
}

int cmd_check(int argc, char **argv)
{
	const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "[FILE|-]",
		.doc = doc, .children = CTL_COMMON_CHILDREN,
	};
	struct check_options opts = { 0 };
	struct vms_store store;
	json_object *failures;
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	status = ctl_open(&store);
	if (status)
		return status;
	failures = ctl.json ? json_object_new_array() : NULL;
	status = exec_file(&store, opts.path, opts.keep_going, failures);
	if (status < CTL_USAGE)
		status = check_store(&store, &opts, failures, status);
	json_object_put(failures);
	return ctl_exit(&store, status);
}
