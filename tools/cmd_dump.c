// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl dump: run a script, then print the state it left
 */
#include <string.h>

#include "compiler.h"
#include "ctl.h"
#include "exec.h"
#include "out.h"
#include "show.h"
#include "story.h"
#include "text.h"

static int print_story(struct vms_store *store, FILE *to, const struct show_opts *opts)
{
	(void)opts;
	return story_print(store, to);
}

typedef int (*print_fn)(struct vms_store *store, FILE *to,
			const struct show_opts *opts);

static const struct section {
	const char *name;
	print_fn print;
} sections[] = {
	{ "tables", vms_print_tables },
	{ "map", vms_print_region_map },
	{ "spaces", vms_print_spaces },
	{ "cursors", vms_print_cursors },
	{ "handles", vms_print_handles },
	{ "segments", vms_print_segments },
	{ "uniques", vms_print_uniques },
	{ "lists", vms_print_lists },
	{ "areas", vms_print_areas },
	{ "ios", vms_print_ios },
	{ "gathered", vms_print_gathered },
	{ "flushes", vms_print_flushes },
	{ "story", print_story },
};

/* Without --section all but the story, which is long: it comes with a violation. */
#define DEFAULT_SECTIONS	((1u << (ARRAY_SIZE(sections) - 1)) - 1)

struct dump_options {
	const char *path;
	bool keep_going;
	unsigned int sections;		/* bit per element of sections[] */
	struct show_opts show;
};

static const struct argp_option options[] = {
	{ "section", 's', "NAME", 0,
	  "Only this: tables, map, spaces, cursors, handles, segments, uniques, lists, areas, ios, gathered, flushes or story; may be given more than once",
	  0 },
	{ "space", 'S', "ID", 0, "Only this space", 0 },
	{ "width", 'w', "FRAMES", 0, "Frames a line of the map (default 64)",
	  0 },
	{ "compact", 'c', NULL, 0,
	  "Merge leaves of one property even if their frames are scattered", 0 },
	{ "keep-going", 'k', NULL, 0, "Go on behind an unexpected outcome", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static const char doc[] =
	"Run a script in a new store, then print what it left: the page tables as trees\n"
	"with equal neighbours merged, first the kernel half, which all spaces share; a\n"
	"map of the region with one character a frame; and lists of spaces, cursors,\n"
	"handles, segments, exclusive handles, kernel areas with what is mapped in them,\n"
	"readers and writers, what was removed but not yet released, and flush requests\n"
	"that not every CPU has served; if it violated the invariant, also the last\n"
	"operations as a script. Without FILE the store is empty.\n"
	"\vProperties are columns: r w x, u user, a accessed, d dirty, g global. All\n"
	"addresses are hexadecimal; a physical address is a byte offset into the region,\n"
	"and area 2+1000 is 0x1000 bytes from the start of kernel area 2.\n"
	"\n"
	"Example:\n"
	"  vmstorectl dump examples/walk.vms\n"
	"  vmstorectl dump --section=tables --space=1 examples/alias.vms";

static void add_section(struct argp_state *state, struct dump_options *opts,
			const char *name)
{
	struct nearest nearest;
	size_t i;

	nearest_start(&nearest, name);
	for (i = 0; i < ARRAY_SIZE(sections); i++) {
		if (!strcmp(sections[i].name, name)) {
			opts->sections |= 1u << i;
			return;
		}
		nearest_try(&nearest, sections[i].name);
	}
	if (nearest.best)
		argp_error(state, "no section '%s'; did you mean '%s'?", name,
			   nearest.best);
	argp_error(state, "no section '%s'", name);
}

static __u64 parse_number(struct argp_state *state, const char *text,
			  __u64 most)
{
	__u64 value = 0;

	if (vms_number_parse(text, &value) || !value || value > most)
		argp_error(state, "'%s' is not a number from 1 to %llu", text,
			   (unsigned long long)most);
	return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct dump_options *opts = state->input;

	switch (key) {
	case 's':
		add_section(state, opts, arg);
		return 0;
	case 'S':
		opts->show.space = parse_number(state, arg, ~0ULL);
		return 0;
	case 'w':
		opts->show.width = parse_number(state, arg, 4096);
		return 0;
	case 'c':
		opts->show.compact = true;
		return 0;
	case 'k':
		opts->keep_going = true;
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

static int print_text(struct vms_store *store, const struct dump_options *opts)
{
	unsigned int wanted = opts->sections ? opts->sections : DEFAULT_SECTIONS;
	bool first = true;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(sections); i++) {
		if (!(wanted & 1u << i))
			continue;
		if (!first)
			putchar('\n');
		first = false;
		ret = sections[i].print(store, stdout, &opts->show);
		if (ret)
			return ret;
	}
	return 0;
}

static int print_json(struct vms_store *store, json_object *failures, bool violated)
{
	json_object *object = json_object_new_object();
	struct vmstore_info info;
	int ret;

	ret = vms_info(store, &info);
	if (!ret) {
		json_object_object_add(object, "info", vms_json_info(&info));
		ret = vms_json_state(store, object);
	}
	json_object_object_add(object, "failures", json_object_get(failures));
	if (violated)
		json_object_object_add(object, "story", story_json(store));
	if (ret)
		json_object_put(object);
	else
		out_json_print(object);
	return ret;
}

int cmd_dump(int argc, char **argv)
{
	const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "[FILE|-]",
		.doc = doc, .children = CTL_COMMON_CHILDREN,
	};
	struct dump_options opts = { .show.color = ctl.color };
	struct vms_store store;
	json_object *failures;
	int status, ret;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	status = ctl_open(&store);
	if (status)
		return status;
	failures = ctl.json ? json_object_new_array() : NULL;
	status = exec_file(&store, opts.path, opts.keep_going, failures);
	if (status < CTL_USAGE) {
		ret = ctl.json ? print_json(&store, failures, status == CTL_VIOLATED) :
				 print_text(&store, &opts);
		if (ret)
			status = ctl_call_error(VMS_CALL_DUMP, "cannot dump",
						ret);
	}
	json_object_put(failures);
	return ctl_exit(&store, status);
}
