// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl run: run a script of operations
 */
#include <string.h>

#include "ctl.h"
#include "exec.h"
#include "out.h"
#include "show.h"
#include "story.h"

struct run_options {
	const char *path;
	bool keep_going;
	bool parse_only;
	enum exec_echo echo;
	bool list;
	__u32 machine;
};

static const struct argp_option options[] = {
	{ "echo", 'e', NULL, 0, "Print each operation and its outcome", 0 },
	{ "tell", 't', NULL, 0,
	  "Print the script as it runs: comments, operations, what came of them", 0 },
	{ "keep-going", 'k', NULL, 0, "Go on behind an unexpected outcome", 0 },
	{ "parse-only", 'n', NULL, 0, "Read the script, run nothing", 0 },
	{ "list", 'l', NULL, 0, "List the operations and leave", 0 },
	{ "machine", 'm', "live|soft", 0,
	  "The machine, where the script does not choose one", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static const char doc[] =
	"Run a script of operations in a new store.\n"
	"\vOne statement a line:\n"
	"\n"
	"  [name =] operation arg=value... [flag...] [@cpu N] [-> outcome]\n"
	"  setup region=16M machine=soft check=full cpus=2 mmio=64k\n"
	"  check\n"
	"\n"
	"A value is a number (0x, k, M, G), a name, which stands for the id made there,\n"
	"name.field for any field of that outcome, or a sum of these. Where an address is\n"
	"wanted, the name of a kernel area is its first one: area+8k. A property is\n"
	"letters: r w x, u user, a accessed, d dirty, g global, then perhaps ,uc or ,wt.\n"
	"An outcome is ok, an errno or any, then field=value or field!=value. Without\n"
	"one, ok is expected.\n"
	"\n"
	"Example:\n"
	"  s = space-new\n"
	"  f = frame-alloc\n"
	"  c = cursor-open-mut space=s start=4M end=4M+8k\n"
	"  cursor-map cursor=c frame=f prop=rwu -> va=4M+4k replaced=0\n"
	"  access space=s va=4M value=42 write\n"
	"  access space=s va=4M -> value=42\n"
	"  access space=s va=4M+4k -> EFAULT\n"
	"\n"
	"  vmstorectl run --echo example.vms\n"
	"  vmstorectl run --tell examples/views.vms\n"
	"  vmstorectl run --list              the operations and their words";

static __u32 parse_machine(struct argp_state *state, const char *name)
{
	__u32 m;

	for (m = VMSTORE_MACHINE_DEFAULT; m <= VMSTORE_MACHINE_SOFT; m++) {
		if (!strcmp(vms_machine_name(m), name))
			return m;
	}
	argp_error(state, "no machine '%s'; live or soft", name);
	return VMSTORE_MACHINE_DEFAULT;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *opts = state->input;

	switch (key) {
	case 'e':
		opts->echo = EXEC_ECHO;
		return 0;
	case 't':
		opts->echo = EXEC_TELL;
		return 0;
	case 'k':
		opts->keep_going = true;
		return 0;
	case 'n':
		opts->parse_only = true;
		return 0;
	case 'l':
		opts->list = true;
		return 0;
	case 'm':
		opts->machine = parse_machine(state, arg);
		return 0;
	case ARGP_KEY_ARG:
		if (opts->path)
			argp_error(state, "only one FILE");
		opts->path = arg;
		return 0;
	case ARGP_KEY_END:
		if (!opts->path && !opts->list)
			argp_error(state, "FILE is missing; - is standard input");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- the list of operations ------------------------------------------------ */

static void list_op(const struct vms_op_desc *desc)
{
	const struct vms_field *field;
	unsigned int bit;

	printf("%s%s%s", out_on(ctl.color, OUT_BOLD), desc->name,
	       out_on(ctl.color, OUT_PLAIN));
	vms_for_each_arg(field, desc)
		printf(field->optional ? " [%s=]" : " %s=", field->name);
	for (bit = 1; bit <= 0x8000; bit <<= 1) {
		if (desc->flags & bit)
			printf(" [%s]", vms_flag_name(bit));
	}
	fputs(" ->", stdout);
	vms_for_each_out(field, desc)
		printf(" %s", field->name);
	printf("\n    %s\n", desc->help);
}

static void list_ops(void)
{
	__u16 i;

	for (i = 1; i < __VMSTORE_OP_MAX; i++)
		list_op(vms_op_desc(i));
}

/* --- the command ----------------------------------------------------------- */

static void summary(const struct exec *exec)
{
	fflush(stderr);
	printf("%s: %zu operation%s run", exec->script->source.path, exec->ran,
	       exec->ran == 1 ? "" : "s");
	if (exec->checks)
		printf(", %zu check%s", exec->checks,
		       exec->checks == 1 ? "" : "s");
	if (exec->unexpected)
		printf(", %s%zu unexpected%s", out_on(ctl.color, OUT_RED),
		       exec->unexpected, out_on(ctl.color, OUT_PLAIN));
	else
		fputs(", all as expected", stdout);
	puts(exec->violated ? "; the invariant is violated" : "");
}

static void json_summary(const struct exec *exec, int status)
{
	json_object *object = json_object_new_object();

	out_json_text(object, "file", exec->script->source.path);
	out_json_count(object, "ran", exec->ran);
	out_json_count(object, "checks", exec->checks);
	out_json_count(object, "unexpected", exec->unexpected);
	out_json_bool(object, "violated", exec->violated);
	out_json_count(object, "status", status);
	if (exec->steps)
		json_object_object_add(object, "steps", exec->steps);
	json_object_object_add(object, "failures", exec->failures);
	if (exec->violated)
		json_object_object_add(object, "story", story_json(exec->store));
	out_json_print(object);
}

static int run_script(const struct run_options *opts, struct script *script)
{
	struct vms_store store;
	struct exec exec = {
		.store = &store,
		.script = script,
		.keep_going = opts->keep_going,
		.machine = opts->machine,
		.echo = opts->echo,
	};
	int status;

	status = ctl_open(&store);
	if (status)
		return status;
	if (ctl.json) {
		exec.failures = json_object_new_array();
		exec.steps = opts->echo ? json_object_new_array() : NULL;
	}
	status = exec_script(&exec);
	if (ctl.json)
		json_summary(&exec, status);
	else
		summary(&exec);
	return ctl_exit(&store, status);
}

int cmd_run(int argc, char **argv)
{
	const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "FILE|-",
		.doc = doc, .children = CTL_COMMON_CHILDREN,
	};
	struct run_options opts = { 0 };
	struct script script;
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	if (opts.list) {
		list_ops();
		return CTL_OK;
	}
	status = script_load(&script, opts.path);
	if (status == CTL_OK && !opts.parse_only)
		status = run_script(&opts, &script);
	script_free(&script);
	return status;
}
