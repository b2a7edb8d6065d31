// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl record: write what a command does to a store as a script
 *
 * A thread follows the story of the store. It sleeps in the module while there is
 * nothing new, and a signal wakes it when the command has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "script.h"
#include "story.h"

#define WAKE_SIGNAL	SIGUSR1
#define WAKE_AGAIN_MS	10

struct record_options {
	const char *path;
	const char *setup;
	char **command;
};

static const struct argp_option options[] = {
	{ "setup", 's', "ARG=VALUE...", 0,
	  "Make the store so, as a script's setup would; by default the command does", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static const char doc[] =
	"Run a command on a new store, and write what it does there to FILE as a script.\n"
	"\vThe store is passed on as a file descriptor, whose number is in the variable\n"
	VMS_FD_VARIABLE ". vmstorectl and every program that opens its store with libvmstore's\n"
	"vms_open() use it; several processes and threads may. With --setup the store is\n"
	"made before the command starts, and what setup the command asks for is ignored.\n"
	"\n"
	"With check=full or check=step the script has the operations in the order of their\n"
	"effects. With check=off, operations that ran side by side may have had their\n"
	"effects in another order. An address in a kernel area is written as the area's\n"
	"name and the distance from its start, as where it lies is the module's choice.\n"
	"\n"
	"The exit status is that of the command if it is not 0. Else it is 1 when the\n"
	"command was too fast to be followed, so that operations are missing in FILE, and\n"
	"2 when the invariant is violated.\n"
	"\n"
	"Example:\n"
	"  vmstorectl record --setup='region=64M check=step' walk.vms -- \\\n"
	"      sh -c 'vmstorectl run examples/walk.vms; vmstorectl run examples/alias.vms'\n"
	"  vmstorectl run walk.vms";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct record_options *opts = state->input;

	switch (key) {
	case 's':
		opts->setup = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (!opts->path) {
			opts->path = arg;
			return 0;
		}
		opts->command = &state->argv[state->next - 1];
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (!opts->command)
			argp_error(state, opts->path ? "COMMAND is missing" :
						       "FILE and COMMAND are missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- the store -------------------------------------------------------------- */

/* The arguments of --setup are those of the statement; so are its mistakes. */
static int make_store(struct vms_store *store, const char *args)
{
	struct script script;
	char *text = NULL;
	FILE *from;
	int ret;

	if (asprintf(&text, "setup %s\n", args) < 0)
		return CTL_SYSTEM;
	from = fmemopen(text, strlen(text), "r");
	if (!from) {
		free(text);
		return CTL_SYSTEM;
	}
	script_init(&script, "--setup", stderr, ctl.color_err);
	ret = script_parse(&script, from) ? CTL_USAGE : CTL_OK;
	fclose(from);
	free(text);
	if (!ret) {
		ret = vms_setup(store, &script.stmts[0].setup);
		if (ret)
			ret = ctl_call_error(VMS_CALL_SETUP, "cannot make a store", ret);
	}
	script_free(&script);
	return ret;
}

/* --- following -------------------------------------------------------------- */

/**
 * struct recorder - a recording
 * @store: followed
 * @to: the script's file
 * @story: the script, once the store is made
 * @begun: it is
 * @next: number of the operation to read next
 * @done: the command has ended
 * @error: what ended the recording early: 0 or a negative errno
 * @recs: scratch
 */
struct recorder {
	struct vms_store store;
	FILE *to;
	struct story story;
	bool begun;
	__u64 next;
	atomic_bool done;
	int error;
	struct vmstore_rec_story recs[VMSTORE_STORY_OPS];
};

static int begin(struct recorder *rec)
{
	struct vmstore_info info;
	int ret;

	if (rec->begun)
		return 0;
	ret = vms_info(&rec->store, &info);
	if (ret)
		return ret;
	story_begin(&rec->story, rec->to, &info);
	rec->begun = true;
	return 0;
}

/* Return: 1 when something was read, 0 at the end, or a negative errno. */
static int read_some(struct recorder *rec, __u32 flags)
{
	__u64 before = rec->next;
	size_t i, nr;
	int ret;

	ret = vms_story_read(&rec->store, &rec->next, flags, rec->recs, VMSTORE_STORY_OPS, &nr);
	if (!ret && nr)
		ret = begin(rec);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++)
		story_add(&rec->story, &rec->recs[i]);
	fflush(rec->to);	/* somebody may be looking */
	return rec->next != before;
}

static void *follow(void *arg)
{
	struct recorder *rec = arg;
	int ret = 1;

	while (!atomic_load(&rec->done) && (ret > 0 || ret == -EINTR))
		ret = read_some(rec, VMSTORE_DUMP_WAIT);
	if (ret < 0 && ret != -EINTR)
		rec->error = ret;
	return NULL;
}

/* What came when the command was ending; a store that was never made stays so. */
static int read_rest(struct recorder *rec)
{
	struct vmstore_info info;
	int ret;

	ret = vms_info(&rec->store, &info);
	if (ret || !info.out_region_size)
		return ret;
	do {
		ret = read_some(rec, 0);
	} while (ret > 0);
	return ret ? ret : begin(rec);
}

static void wake(int sig)
{
	(void)sig;
}

static int start_following(struct recorder *rec, pthread_t *thread)
{
	const struct sigaction action = { .sa_handler = wake };	/* no restart */

	sigaction(WAKE_SIGNAL, &action, NULL);
	return -pthread_create(thread, NULL, follow, rec);
}

/* The signal may come just before the thread goes to sleep: hence again and again. */
static void stop_following(struct recorder *rec, pthread_t thread)
{
	struct timespec until;

	atomic_store(&rec->done, true);
	do {
		pthread_kill(thread, WAKE_SIGNAL);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += WAKE_AGAIN_MS * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
	} while (pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT);
}

/* --- the command ------------------------------------------------------------ */

static void become(const struct record_options *opts, int store)
{
	char number[16];
	int fd;

	fd = fcntl(store, F_DUPFD, 0);	/* one that exec() leaves open */
	snprintf(number, sizeof(number), "%d", fd);
	if (fd >= 0 && !setenv(VMS_FD_VARIABLE, number, 1))
		execvp(opts->command[0], opts->command);
	ctl_error("cannot run %s: %s", opts->command[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static pid_t start_command(const struct record_options *opts, int store)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		become(opts, store);
	/* Keys that end the command are meant for it, not for us. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	return pid;
}

/* Return: its exit status, as a shell has it. */
static int wait_for_command(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- all together ----------------------------------------------------------- */

/* The thread comes second: the child of a process with threads may do little. */
static int record(struct recorder *rec, const struct record_options *opts)
{
	pid_t pid = start_command(opts, rec->store.fd);
	pthread_t thread;
	int status;

	if (pid < 0) {
		ctl_error("cannot start a process: %s", strerror(errno));
		return CTL_SYSTEM;
	}
	rec->error = start_following(rec, &thread);
	status = wait_for_command(pid);
	if (rec->error)
		return status;
	stop_following(rec, thread);
	if (!rec->error)
		rec->error = read_rest(rec);
	return status;
}

static int judge(const struct recorder *rec, const struct record_options *opts, int status)
{
	struct vmstore_info info;

	if (rec->error || rec->story.error) {
		ctl_error("%s ends early: %s", opts->path,
			  vms_strerror(VMS_CALL_DUMP, rec->error ? rec->error :
								   rec->story.error));
		return status ? status : CTL_DEVICE;
	}
	if (rec->story.lost)
		ctl_error("%s is not complete: %llu operations came too fast and are missing",
			  opts->path, rec->story.lost);
	if (status)
		return status;
	if (rec->story.lost)
		return CTL_FAILED;
	if (vms_info((struct vms_store *)&rec->store, &info) || !info.out_frozen)
		return CTL_OK;
	ctl_error("the invariant is violated by the last operation in %s", opts->path);
	return CTL_VIOLATED;
}

static int close_file(struct recorder *rec, const struct record_options *opts, int status)
{
	bool failed = ferror(rec->to);

	if (!fclose(rec->to) && !failed)
		return status;
	ctl_error("cannot write %s: %s", opts->path, strerror(errno));
	return CTL_SYSTEM;
}

int cmd_record(int argc, char **argv)
{
	const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "FILE -- COMMAND...",
		.doc = doc, .children = CTL_COMMON_CHILDREN,
	};
	struct record_options opts = { 0 };
	static struct recorder rec;
	int status;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &opts);
	status = ctl_open(&rec.store);
	if (status)
		return status;
	if (opts.setup)
		status = make_store(&rec.store, opts.setup);
	if (status)
		return ctl_exit(&rec.store, status);
	rec.to = fopen(opts.path, "we");
	if (!rec.to) {
		ctl_error("cannot write %s: %s", opts.path, strerror(errno));
		return ctl_exit(&rec.store, CTL_SYSTEM);
	}
	status = record(&rec, &opts);
	status = close_file(&rec, &opts, judge(&rec, &opts, status));
	story_end(&rec.story);
	return ctl_exit(&rec.store, status);
}
