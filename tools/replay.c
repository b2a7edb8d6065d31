// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl replay: re-enact what a real program did to its memory
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ctl.h"
#include "out.h"
#include "replay_report.h"
#include "replay_run.h"
#include "show.h"
#include "strace.h"

/* Differences that people are shown. */
#define RR_SHOW_FAILURES	20

/* What a region may be without --region: as large as the log needs, in between. */
#define RR_MIN_REGION	0x1000000ULL
#define RR_MAX_REGION	0x10000000ULL

struct replay {
	const char *path;
	__u64 region;
	__u32 machine;
	__u32 cpus;
	__u32 check_mode;
	__u64 check_every;
	__u64 cow_every;
	bool dry;
	bool verbose;
	bool maps;
	bool no_picture;
	struct vms_store store;
	struct st_log log;
	struct rr rr;
	struct rr_result result;
	struct out_progress progress;
	__u64 top_step;		/* from the rehearsal */
	__u64 ops_before;	/* of the step being done */
	__u64 shown;
};

enum {
	OPT_REGION = 0x100, OPT_MACHINE, OPT_CPUS, OPT_CHECK, OPT_CHECK_EVERY,
	OPT_COW_WRITES, OPT_MAPS, OPT_NO_PICTURE,
};

static const struct argp_option options[] = {
	{ "region", OPT_REGION, "SIZE", 0,
	  "Size of the region (default: what the log needs, 16M to 256M)", 0 },
	{ "machine", OPT_MACHINE, "live|soft", 0,
	  "What walks the tables (default live where it exists)", 0 },
	{ "cpus", OPT_CPUS, "N", 0, "CPUs of the soft machine (default 4)", 0 },
	{ "check", OPT_CHECK, "off|step|full", 0,
	  "Check after each operation what it touched, or all (default: all, twice)", 0 },
	{ "check-every", OPT_CHECK_EVERY, "N", 0,
	  "Check it after every Nth call", 0 },
	{ "cow-writes", OPT_COW_WRITES, "N", 0,
	  "After a fork write to every Nth page (default: one a mapping)", 0 },
	{ "dry-run", 'n', NULL, 0,
	  "Read the log, follow the address spaces, execute nothing", 0 },
	{ "verbose", 'v', NULL, 0, "Print a line for each call", 0 },
	{ "maps", OPT_MAPS, NULL, 0,
	  "Print the mappings of each space when it goes", 0 },
	{ "no-picture", OPT_NO_PICTURE, NULL, 0,
	  "Leave out the picture of the page tables", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static const char doc[] =
	"Re-enact the log of a real program on private page tables: an address space\n"
	"for each of the program's, its mappings at its own addresses, a value written\n"
	"to each page and read back, a fault after each unmap and each loss of\n"
	"permission, copy on write after each fork.\n"
	"\vFILE is the output of\n"
	"  strace -f -e trace=memory,process -o FILE PROGRAM\n"
	"\n"
	"Mappings made by execve itself are not in such a log: what mprotect or mremap\n"
	"first speaks of is taken for one. Mappings that need more frames than are free\n"
	"are populated in part. Malformed lines and calls that are not modelled are\n"
	"reported and do not end the replay.\n"
	"\n"
	"The invariant is checked when most pages are mapped, and at the end, at least.\n"
	"The exit status is 1 when the hardware answered otherwise than expected or a\n"
	"frame leaked, 2 when the invariant is violated.\n"
	"\n"
	"Example:\n"
	"  strace -f -e trace=memory,process -o ls.strace ls -l\n"
	"  vmstorectl replay ls.strace";

static __u64 positive(struct argp_state *state, const char *arg, __u64 max)
{
	__u64 value = 0;

	if (vms_number_parse(arg, &value) || !value || value > max)
		argp_error(state, "'%s' is no number from 1 to %llu", arg, max);
	return value;
}

static __u32 choice(struct argp_state *state, const char *arg,
		    const char *(*name)(__u32 value), __u32 from, __u32 to)
{
	char names[64] = "";
	size_t used = 0;
	__u32 value;

	for (value = from; value <= to; value++) {
		if (!strcmp(name(value), arg))
			return value;
		used += (size_t)snprintf(names + used, sizeof(names) - used, " %s",
					 name(value));
	}
	argp_error(state, "'%s' is none of:%s", arg, names);
	return from;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct replay *replay = state->input;

	switch (key) {
	case OPT_REGION:
		replay->region = positive(state, arg, 1ULL << 40);
		return 0;
	case OPT_MACHINE:
		replay->machine = choice(state, arg, vms_machine_name,
					 VMSTORE_MACHINE_LIVE,
					 VMSTORE_MACHINE_SOFT);
		return 0;
	case OPT_CPUS:
		replay->cpus = positive(state, arg, RR_MAX_CPUS);
		return 0;
	case OPT_CHECK:
		replay->check_mode = choice(state, arg, vms_check_mode_name,
					    VMSTORE_CHECK_OFF,
					    VMSTORE_CHECK_STEP);
		return 0;
	case OPT_CHECK_EVERY:
		replay->check_every = positive(state, arg, ~0ULL);
		return 0;
	case OPT_COW_WRITES:
		replay->cow_every = positive(state, arg, 1ULL << 30);
		return 0;
	case 'n':
		replay->dry = true;
		return 0;
	case 'v':
		replay->verbose = true;
		return 0;
	case OPT_MAPS:
		replay->maps = true;
		return 0;
	case OPT_NO_PICTURE:
		replay->no_picture = true;
		return 0;
	case ARGP_KEY_ARG:
		if (replay->path)
			argp_error(state, "only one FILE");
		replay->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which FILE? It is the output of strace");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- the log --------------------------------------------------------------- */

static int load(struct replay *replay)
{
	bool is_stdin = !strcmp(replay->path, "-");
	FILE *from = is_stdin ? stdin : fopen(replay->path, "r");
	int err;

	if (!from) {
		ctl_error("%s: %s", replay->path, strerror(errno));
		return CTL_INPUT;
	}
	err = st_read(&replay->log, from);
	if (!is_stdin)
		fclose(from);
	if (err == -ENOMEM) {
		ctl_error("%s: out of memory", replay->path);
		return CTL_SYSTEM;
	}
	if (err) {
		ctl_error("%s: %s", replay->path, strerror(-err));
		return CTL_INPUT;
	}
	return CTL_OK;
}

static void print_malformed(const struct replay *replay)
{
	size_t i;

	fflush(stdout);
	for (i = 0; i < replay->log.nr_bad && !ctl.json; i++)
		fprintf(stderr, "%s:%u: malformed: %s\n", replay->path,
			replay->log.bad[i].line, replay->log.bad[i].why);
}

/* --- during the run -------------------------------------------------------- */

static void on_failure(void *ctx, const char *text)
{
	struct replay *replay = ctx;

	if (ctl.json) {
		json_object_array_add(replay->result.failures,
				      json_object_new_string(text));
		return;
	}
	if (replay->shown++ >= RR_SHOW_FAILURES)
		return;
	out_progress_end(&replay->progress);
	fflush(stdout);
	fprintf(stderr, "%s%s: %s%s\n", out_on(ctl.color_err, OUT_RED),
		replay->path, text, out_on(ctl.color_err, OUT_PLAIN));
	if (replay->shown == RR_SHOW_FAILURES)
		fprintf(stderr, "more differences are only counted\n");
}

static void print_maps(const struct rmm_space *space)
{
	const struct rmm_maps *maps = &space->maps;
	size_t i;

	printf("space %u, %zu mappings:\n", space->nr, maps->nr);
	for (i = 0; i < maps->nr; i++)
		printf("  %012llx-%012llx %c%c%c%c line %u\n",
		       maps->vma[i].start, maps->vma[i].end,
		       maps->vma[i].prot & RMM_READ ? 'r' : '-',
		       maps->vma[i].prot & RMM_WRITE ? 'w' : '-',
		       maps->vma[i].prot & RMM_EXEC ? 'x' : '-',
		       maps->vma[i].shared ? 's' : 'p', maps->vma[i].born);
}

static void on_space_end(void *ctx, const struct rmm_space *space)
{
	struct replay *replay = ctx;

	if (replay->maps && !ctl.json)
		print_maps(space);
}

static void print_step(struct replay *replay, const struct st_event *event)
{
	const struct rr *rr = &replay->rr;
	__u64 ops = rr->re.q.ops - replay->ops_before;

	replay->ops_before = rr->re.q.ops;
	if (!replay->verbose || ctl.json)
		return;
	if (event->line)
		printf("%6u %6d %-14s", event->line, event->pid,
		       event->kind == ST_CALL ? event->name :
		       event->kind == ST_GONE ? "(ends)" : "(execs)");
	else
		printf("%6s %6s %-14s", "", "", "(end of log)");
	printf(" %6llu ops, %llu pages mapped\n", ops, rr->re.live);
}

static int take_picture(struct replay *replay)
{
	const struct show_opts show = { .color = ctl.color };
	size_t len;
	FILE *to = open_memstream(&replay->result.picture, &len);
	int err;

	if (!to)
		return -ENOMEM;
	err = vms_print_tables(&replay->store, to, &show);
	return fclose(to) ? -ENOMEM : err;
}

static int check_now(struct replay *replay)
{
	struct vms_report report;
	int err = vms_check(&replay->store, &report);

	if (err)
		return err;
	if (report.total) {
		replay->rr.re.q.frozen = true;
		err = -EIO;
	}
	vms_report_free(&report);
	return err;
}

static int at_step(void *ctx, struct rr *rr, const struct st_event *event)
{
	struct replay *replay = ctx;
	int err = 0;

	out_progress_at(&replay->progress, rr->steps);
	print_step(replay, event);
	if (replay->dry)
		return 0;
	if (rr->steps == replay->top_step && !replay->no_picture && !ctl.json)
		err = take_picture(replay);
	/* At the end nothing is left that could be wrong: look at the top, too. */
	if (!err && (rr->steps == replay->top_step ||
		     (replay->check_every &&
		      rr->steps % replay->check_every == 0)))
		err = check_now(replay);
	return err;
}

/* Frames for data, of @slots free ones; the rest is for tables. */
static __u64 room_for_data(__u64 slots)
{
	return slots - slots / 8;
}

/* Without the device, silently. */
static int rehearse(struct replay *replay, struct rr *rr, __u64 room,
		    bool strict)
{
	int err;

	memset(rr, 0, sizeof(*rr));
	rr->re.nr_cpus = 1;
	rr->re.room = room;
	rr->cow_every = replay->cow_every;
	rr->mm.strict = strict;
	err = rr_run(rr, &replay->log);
	if (err)
		ctl_error("out of memory");
	return err ? CTL_SYSTEM : CTL_OK;
}

/* How large a region has to be so that no mapping is scaled, if @max allows. */
static int choose_region(struct replay *replay, __u64 max)
{
	__u64 slots;
	struct rr rr;
	int status;

	if (max > RR_MAX_REGION)
		max = RR_MAX_REGION;
	status = rehearse(replay, &rr, room_for_data(max / RE_PAGE), false);
	/* An eighth is for tables; a little more for those of the kernel half. */
	slots = rr.re.top_frames + rr.re.top_frames / 7 + 256;
	replay->region = (slots * RE_PAGE + VMSTORE_BLOCK_SIZE - 1) /
			 VMSTORE_BLOCK_SIZE * VMSTORE_BLOCK_SIZE;
	if (replay->region < RR_MIN_REGION)
		replay->region = RR_MIN_REGION;
	if (rr.nr_scaled || replay->region > max)
		replay->region = max;
	rr_free(&rr);
	return status;
}

/* Finds where most pages are mapped, and reads arguments that make no sense. */
static int find_top(struct replay *replay)
{
	struct rr rr;
	int status;

	status = rehearse(replay, &rr, replay->rr.re.room, true);
	replay->top_step = rr.top_step;
	rr_free(&rr);
	return status;
}

/* --- the store ------------------------------------------------------------- */

/* A region that was not asked for may be smaller when memory is short. */
static int make_store(struct replay *replay, bool smaller)
{
	struct vmstore_setup setup = {
		.region_size = replay->region,
		.machine = replay->machine,
		.nr_cpus = replay->cpus,
		.check_mode = replay->check_mode,
	};
	int err;

	for (;;) {
		err = vms_setup(&replay->store, &setup);
		if (err != -ENOMEM || !smaller ||
		    setup.region_size / 2 < RR_MIN_REGION)
			return err;
		setup.region_size /= 2;
		setup.region_size -= setup.region_size % VMSTORE_BLOCK_SIZE;
	}
}

static int set_up(struct replay *replay)
{
	struct vmstore_info *info = &replay->result.before;
	bool choose = !replay->region;
	int err = ctl_open(&replay->store);

	if (err)
		return err;
	err = vms_info(&replay->store, info);
	if (err)
		return ctl_call_error(VMS_CALL_INFO, "cannot ask the module",
				      err);
	if (choose) {
		err = choose_region(replay, info->out_max_region_size);
		if (err)
			return err;
	}
	err = make_store(replay, choose);
	if (err)
		return ctl_call_error(VMS_CALL_SETUP, "cannot make a store",
				      err);
	err = vms_info(&replay->store, info);
	if (err)
		return ctl_call_error(VMS_CALL_INFO, "cannot ask the module",
				      err);
	replay->rr.re.q.store = &replay->store;
	replay->rr.re.room = room_for_data(info->out_free_slots);
	replay->rr.re.nr_cpus = info->out_nr_cpus > RR_MAX_CPUS ?
				RR_MAX_CPUS : info->out_nr_cpus;
	return CTL_OK;
}

static int set_up_dry(struct replay *replay)
{
	int err = 0;

	if (!replay->region)
		err = choose_region(replay, RR_MAX_REGION);
	replay->rr.re.nr_cpus = 1;
	replay->rr.re.room = room_for_data(replay->region / RE_PAGE);
	return err;
}

/* Everything was dropped: nothing may be left but what was there at first. */
static int finish(struct replay *replay)
{
	struct rr_result *result = &replay->result;
	struct vms_store *store = &replay->store;
	int err = 0;

	if (!replay->rr.re.q.frozen && !result->aborted)
		err = vms_reap(store, NULL);
	if (err && err != -EIO)
		return ctl_call_error(VMS_CALL_OP, "cannot reap", err);
	err = vms_check(store, &result->check);
	if (err)
		return ctl_call_error(VMS_CALL_CHECK, "cannot check", err);
	err = vms_info(store, &result->after);
	if (err)
		return ctl_call_error(VMS_CALL_INFO, "cannot ask the module",
				      err);
	if (!result->aborted &&
	    result->after.out_free_slots < result->before.out_free_slots)
		result->leaked = result->before.out_free_slots -
				 result->after.out_free_slots;
	return CTL_OK;
}

/* --- the command ----------------------------------------------------------- */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int perform(struct replay *replay)
{
	struct rr *rr = &replay->rr;
	double start = now();
	int err;

	rr->cow_every = replay->cow_every;
	rr->re.q.on_failure = on_failure;
	rr->re.q.ctx = replay;
	rr->at_step = at_step;
	rr->on_space_end = on_space_end;
	rr->ctx = replay;
	out_progress_start(&replay->progress, "events", replay->log.nr_events);
	err = rr_run(rr, &replay->log);
	out_progress_end(&replay->progress);
	replay->result.seconds = now() - start;
	replay->result.aborted = err;
	if (err && !rr->re.q.frozen && !replay->dry)
		return ctl_call_error(VMS_CALL_RUN, "the replay ended early",
				      err);
	if (err == -ENOMEM) {
		ctl_error("out of memory");
		return CTL_SYSTEM;
	}
	return CTL_OK;
}

static int replay_log(struct replay *replay)
{
	int status;

	if (!replay->log.nr_events && !replay->log.nr_bad) {
		ctl_error("%s: there is no call in it", replay->path);
		return CTL_DATA;
	}
	status = replay->dry ? set_up_dry(replay) : set_up(replay);
	if (!status)
		status = find_top(replay);
	if (status)
		return status;
	print_malformed(replay);
	if (!replay->log.nr_events) {
		ctl_error("%s: there is no call in it", replay->path);
		return CTL_DATA;
	}
	status = perform(replay);
	if (!status && !replay->dry)
		status = finish(replay);
	if (status)
		return status;
	if (ctl.json)
		out_json_print(rr_json(&replay->result));
	else
		rr_print(&replay->result);
	return rr_status(&replay->result);
}

int cmd_replay(int argc, char **argv)
{
	const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "FILE|-",
		.doc = doc, .children = CTL_COMMON_CHILDREN,
	};
	struct replay replay = { .store = { .fd = -1 } };
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &replay);
	replay.result.path = replay.path;
	replay.result.log = &replay.log;
	replay.result.rr = &replay.rr;
	replay.result.dry = replay.dry;
	replay.result.failures = ctl.json ? json_object_new_array() : NULL;
	status = load(&replay);
	if (!status)
		status = replay_log(&replay);
	json_object_put(replay.result.failures);
	vms_report_free(&replay.result.check);
	free(replay.result.picture);
	rr_free(&replay.rr);
	st_free(&replay.log);
	return ctl_exit(&replay.store, status);
}
