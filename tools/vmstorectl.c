// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl: drive /dev/vmstore from the command line
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "ctl.h"
#include "out.h"
#include "text.h"

struct ctl_options ctl;

const char *argp_program_version = "vmstorectl " VMSTORECTL_VERSION;

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
	const char *example;
};

static const struct command commands[] = {
	{ "info", cmd_info, "constants, limits and the machine",
	  "vmstorectl info" },
	{ "run", cmd_run, "run a script of operations",
	  "echo 'f = frame-alloc' | vmstorectl run --echo -" },
	{ "check", cmd_check, "run a script, then check the invariant",
	  "vmstorectl check examples/walk.vms" },
	{ "dump", cmd_dump, "run a script, then print the page tables",
	  "vmstorectl dump examples/walk.vms" },
	{ "tlb", cmd_tlb, "run a script, then print what is cached and stale",
	  "vmstorectl tlb examples/stale.vms" },
	{ "litmus", cmd_litmus, "run TLB litmus tests and count their outcomes",
	  "vmstorectl litmus --machine=soft litmus" },
	{ "record", cmd_record, "write what a command does to a store as a script",
	  "vmstorectl record walk.vms -- vmstorectl run examples/walk.vms" },
	{ "replay", cmd_replay, "replay the memory calls of a real program",
	  "vmstorectl replay program.strace" },
};

/* --- common options -------------------------------------------------------- */

static const struct argp_option common_options[] = {
	{ "device", 'D', "PATH", 0, "The device (default " VMS_DEVICE ")", 0 },
	{ "json", 'j', NULL, 0, "Print for machines", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t common_parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 'D':
		ctl.device = arg;
		return 0;
	case 'j':
		ctl.json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp ctl_common = {
	.options = common_options,
	.parser = common_parse,
};

/* --- what commands share --------------------------------------------------- */

static void error_prefix(void)
{
	fflush(stdout);
	fprintf(stderr, "vmstorectl: %serror:%s ",
		out_on(ctl.color_err, OUT_RED),
		out_on(ctl.color_err, OUT_PLAIN));
}

void ctl_error(const char *fmt, ...)
{
	va_list args;

	error_prefix();
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

int ctl_call_error(enum vms_call call, const char *what, int err)
{
	const char *name = vms_errno_name(err);

	ctl_error("%s: %s (%s)", what, vms_strerror(call, err),
		  name ? name : strerror(abs(err)));
	return CTL_DEVICE;
}

int ctl_open(struct vms_store *store)
{
	int ret = vms_open(store, ctl.device);

	return ret ? ctl_call_error(VMS_CALL_OPEN, ctl.device ? ctl.device : VMS_DEVICE,
				    ret) : CTL_OK;
}

int ctl_exit(struct vms_store *store, int status)
{
	vms_close(store);
	if (fflush(stdout) || ferror(stdout)) {
		ctl_error("cannot write standard output: %s", strerror(errno));
		return CTL_SYSTEM;
	}
	return status;
}

/* --- main ------------------------------------------------------------------ */

static const char main_doc[] =
	"Drive /dev/vmstore: real page tables in private memory and a checked model.\n"
	"\vExit status:\n"
	"  0   all as expected\n"
	"  1   an operation failed or an expectation was not met\n"
	"  2   the invariant is violated\n"
	"  64  wrong usage\n"
	"  65  the input file is wrong\n"
	"  66  the input file cannot be read\n"
	"  69  the device is not available\n"
	"  71  out of memory, or cannot write\n"
	"\n"
	"A file descriptor is a store: each command makes a new one and leaves nothing\n"
	"behind, unless " VMS_FD_VARIABLE " in the environment is the number of an open one.\n"
	"Colours are used on a terminal only, and never with NO_COLOR set.";

static char *help_filter(int key, const char *text, void *input)
{
	size_t i, len;
	char *list;
	FILE *to;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	to = open_memstream(&list, &len);
	if (!to)
		return (char *)text;
	fputs("Commands:\n", to);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-8s %s\n           %s\n", commands[i].name,
			commands[i].help, commands[i].example);
	fprintf(to, "\n'vmstorectl COMMAND --help' says more.\n\n%s", text);
	fclose(to);
	return list;
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

static void unknown_command(struct argp_state *state, const char *name)
{
	struct nearest nearest;
	size_t i;

	nearest_start(&nearest, name);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		nearest_try(&nearest, commands[i].name);
	if (nearest.best)
		argp_error(state, "no command '%s'; did you mean '%s'?", name,
			   nearest.best);
	else
		argp_error(state, "no command '%s'", name);
}

static int run_command(const struct command *command, int argc, char **argv)
{
	char name[32];

	snprintf(name, sizeof(name), "vmstorectl %s", command->name);
	argv[0] = name;
	return command->run(argc, argv);
}

static error_t main_parse(int key, char *arg, struct argp_state *state)
{
	const struct command *command;
	int first;

	switch (key) {
	case ARGP_KEY_ARG:
		if (!strcmp(arg, "help"))
			argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		command = find_command(arg);
		if (!command)
			unknown_command(state, arg);
		first = state->next - 1;
		state->next = state->argc;
		*(int *)state->input = run_command(command,
						   state->argc - first,
						   state->argv + first);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_state_help(state, stderr, ARGP_HELP_STD_HELP &
				~ARGP_HELP_EXIT_OK);
		exit(CTL_USAGE);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		.parser = main_parse,
		.args_doc = "COMMAND [ARG...]",
		.doc = main_doc,
		.children = CTL_COMMON_CHILDREN,
		.help_filter = help_filter,
	};
	int status = CTL_USAGE;

	ctl.color = out_is_color(stdout);
	ctl.color_err = out_is_color(stderr);
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &status);
	return status;
}
