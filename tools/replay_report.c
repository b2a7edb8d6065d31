// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a replay found, for people and for machines.
 */
#include <inttypes.h>
#include <string.h>
#include "ctl.h"
#include "out.h"
#include "replay_report.h"
#include "show.h"

/* Scaled mappings that people are shown. */
#define RR_SHOW_SCALED	8

#define RR_LABEL	14

static __u64 rr_sum(const struct rr *rr, const enum rq_check *checks, size_t nr)
{
	__u64 sum = 0;

	while (nr--)
		sum += rr->re.q.checks[checks[nr]];
	return sum;
}

static __u64 rr_writes(const struct rr *rr)
{
	static const enum rq_check checks[] = { RQ_WRITE, RQ_LINEAR };

	return rr_sum(rr, checks, 2);
}

static __u64 rr_reads(const struct rr *rr)
{
	static const enum rq_check checks[] = {
		RQ_ZERO, RQ_READBACK, RQ_KEPT, RQ_COPIED, RQ_OTHER, RQ_SHARED,
	};

	return rr_sum(rr, checks, 6);
}

static __u64 rr_faults(const struct rr *rr)
{
	static const enum rq_check checks[] = {
		RQ_UNMAPPED, RQ_NO_ACCESS, RQ_READ_ONLY, RQ_COW,
	};

	return rr_sum(rr, checks, 4);
}

static __u64 rr_calls(const struct rmm_names *names)
{
	__u64 calls = 0;
	size_t i;

	for (i = 0; i < names->nr; i++)
		calls += names->list[i].calls;
	return calls;
}

static __u64 rr_evaluated(const struct rr_result *result)
{
	__u64 evaluated = 0;
	__u32 i;

	for (i = 0; i < result->check.nr_clauses; i++)
		evaluated += result->check.clauses[i].evaluated;
	return evaluated;
}

int rr_status(const struct rr_result *result)
{
	if (result->check.total || result->rr->re.q.frozen)
		return CTL_VIOLATED;
	if (result->rr->re.q.failures || result->leaked || result->aborted)
		return CTL_FAILED;
	return CTL_OK;
}

/* --- people ---------------------------------------------------------------- */

static void rr_label(const char *label)
{
	if (*label)
		printf("  %s%-*s%s", out_on(ctl.color, OUT_BOLD), RR_LABEL,
		       label, out_on(ctl.color, OUT_PLAIN));
	else
		printf("  %*s", RR_LABEL, "");
}

static int rr_by_calls(const void *a, const void *b)
{
	const struct rmm_name *x = a, *y = b;

	if (x->calls != y->calls)
		return x->calls < y->calls ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void rr_print_names(const char *label, struct rmm_names *names)
{
	size_t i, column = 0;

	if (!names->nr)
		return;
	qsort(names->list, names->nr, sizeof(*names->list), rr_by_calls);
	for (i = 0; i < names->nr; i++) {
		char text[80];
		size_t len = snprintf(text, sizeof(text), "%s %u",
				      names->list[i].name,
				      names->list[i].calls);

		if (!i) {
			rr_label(label);
		} else if (column + len > 64) {
			printf(",\n  %*s", RR_LABEL, "");
			column = 0;
		} else {
			printf(", ");
		}
		printf("%s", text);
		column += len + 2;
	}
	printf("\n");
}

static void rr_print_calls(const struct rr_result *result)
{
	struct rmm *mm = &result->rr->mm;
	const struct st_log *log = result->log;

	rr_label("calls");
	printf("%u in %u lines, %llu re-enacted", log->calls, log->lines,
	       rr_calls(&mm->replayed));
	if (mm->failed)
		printf(", %u had failed", mm->failed);
	if (log->unfinished + mm->no_result)
		printf(", %u never returned", log->unfinished + mm->no_result);
	printf("\n");
	rr_print_names("", &mm->replayed);
	rr_print_names("no effect", &mm->neutral);
	rr_print_names("not modelled", &mm->unmodelled);
	if (log->nr_bad) {
		rr_label("malformed");
		printf("%zu lines, listed above\n", log->nr_bad);
	}
}

static void rr_print_processes(const struct rmm *mm)
{
	rr_label("processes");
	printf("%u, %u threads, %u programs, %u forks, %u address spaces",
	       mm->processes, mm->threads, mm->execs, mm->forks, mm->spaces);
	if (mm->attached)
		printf(", %u began before the log", mm->attached);
	if (mm->left)
		printf(", %u were left at its end", mm->left);
	printf("\n");
}

static void rr_print_scaled(const struct rr *rr)
{
	size_t i;

	rr_label("scaled");
	if (!rr->nr_scaled) {
		printf("0 mappings\n");
		return;
	}
	printf("%zu mappings larger than the free frames:\n", rr->nr_scaled);
	for (i = 0; i < rr->nr_scaled && i < RR_SHOW_SCALED; i++)
		printf("  %*sline %u: %llu of %llu pages populated\n", RR_LABEL,
		       "", rr->scaled[i].line, rr->scaled[i].populated,
		       rr->scaled[i].pages);
	if (i < rr->nr_scaled)
		printf("  %*s... and %zu more\n", RR_LABEL, "",
		       rr->nr_scaled - i);
}

static void rr_print_pages(const struct rr_result *result)
{
	const struct rr *rr = result->rr;
	const struct rmm *mm = &rr->mm;

	rr_label("pages");
	printf("%llu populated, %llu mapped, %llu at once (line %u)\n",
	       rr->pages, rr->re.mapped, rr->top_live,
	       rr->top_line);
	rr_label("");
	printf("%llu unmapped, %llu dropped by madvise, %llu moved by mremap\n",
	       rr->unmapped, rr->discarded, rr->re.moved);
	if (rr->kept) {
		rr_label("");
		printf("%llu became PROT_NONE and kept their contents, %llu came back\n",
		       rr->kept, rr->re.returned);
	}
	if (mm->forks) {
		rr_label("");
		printf("%llu shared by forks, %llu copied on a write, %llu no longer shared",
		       rr->forked, rr->re.copies, rr->re.reused);
		if (rr->re.no_copy)
			printf(", %llu not copied: no free frames",
			       rr->re.no_copy);
		printf("\n");
	}
	if (mm->learned || mm->unknown) {
		rr_label("");
		printf("%llu of mappings made by execve, %llu of mappings unknown to the log\n",
		       mm->learned, mm->unknown);
	}
	if (mm->outside) {
		rr_label("");
		printf("%llu outside the lower half, ignored\n",
		       mm->outside);
	}
	if (mm->overtaken) {
		rr_label("");
		printf("%llu left alone: mapped anew while another call ran\n",
		       mm->overtaken);
	}
	rr_print_scaled(rr);
}

static void rr_print_accesses(const struct rr *rr)
{
	const __u64 *n = rr->re.q.checks;

	rr_label("values");
	printf("%llu written, %llu read and right\n", rr_writes(rr),
	       rr_reads(rr));
	rr_label("faults");
	printf("%llu checked: %llu unmapped, %llu PROT_NONE, %llu read-only, %llu copy-on-write\n",
	       rr_faults(rr), n[RQ_UNMAPPED], n[RQ_NO_ACCESS],
	       n[RQ_READ_ONLY], n[RQ_COW]);
}

static void rr_print_store(const struct rr_result *result)
{
	const struct vmstore_info *before = &result->before;
	const struct vmstore_info *after = &result->after;
	static const char *const when[] = {
		[VMSTORE_CHECK_OFF] = "with most pages mapped, and at the end",
		[VMSTORE_CHECK_FULL] = "after every operation",
		[VMSTORE_CHECK_STEP] =
			"after every operation, for what it touched",
	};
	const struct rr *rr = result->rr;
	char size[24];

	rr_label("tables");
	printf("%llu built, %llu at once with those of the kernel half\n", rr->re.q.tables_built,
	       after->out_max_nodes);
	rr_label("flushes");
	printf("%llu requested, %llu dispatches, %llu CPUs interrupted\n",
	       (after->out_flush_ops - before->out_flush_ops),
	       (after->out_dispatches - before->out_dispatches),
	       (after->out_ipis - before->out_ipis));
	rr_label("region");
	printf("%s, machine %s, %u CPUs\n",
	       out_size_text(after->out_region_size, size),
	       vms_machine_name(after->out_machine), after->out_nr_cpus);
	rr_label("operations");
	printf("%llu in %llu calls of the device, %.1f s\n", rr->re.q.ops,
	       rr->re.q.runs, result->seconds);
	rr_label("clauses");
	printf("%llu evaluated (%u clauses, %s)\n", rr_evaluated(result),
	       result->check.nr_clauses, when[after->out_check_mode]);
}

static void rr_print_verdict(const struct rr_result *result)
{
	const struct rr *rr = result->rr;
	bool good = rr_status(result) == CTL_OK;

	if (result->dry) {
		printf("dry run: nothing was executed\n");
		return;
	}
	printf("%sviolations %llu, differences %llu, leaked frames %llu%s\n",
	       out_on(ctl.color, good ? OUT_GREEN : OUT_RED),
	       result->check.total, rr->re.q.failures,
	       result->leaked, out_on(ctl.color, OUT_PLAIN));
	if (result->aborted)
		printf("the replay ended early\n");
}

void rr_print(const struct rr_result *result)
{
	const struct rr *rr = result->rr;
	const struct show_opts show = { .color = ctl.color };

	if (result->picture)
		printf("The page tables at their largest, after line %u, %llu pages:\n\n%s\n",
		       rr->top_line, rr->top_live, result->picture);
	printf("%s%s%s\n", out_on(ctl.color, OUT_BOLD), result->path,
	       out_on(ctl.color, OUT_PLAIN));
	rr_print_calls(result);
	rr_print_processes(&rr->mm);
	rr_print_pages(result);
	if (!result->dry) {
		rr_print_accesses(rr);
		rr_print_store(result);
	}
	if (result->check.total)
		vms_print_report(&result->check, stdout, &show, false);
	rr_print_verdict(result);
}

/* --- machines -------------------------------------------------------------- */

static json_object *rr_json_names(const struct rmm_names *names)
{
	json_object *object = json_object_new_object();
	size_t i;

	for (i = 0; i < names->nr; i++)
		out_json_count(object, names->list[i].name,
			       names->list[i].calls);
	return object;
}

static json_object *rr_json_calls(const struct rr_result *result)
{
	const struct rmm *mm = &result->rr->mm;
	json_object *object = json_object_new_object();

	out_json_count(object, "total", result->log->calls);
	out_json_count(object, "joined", result->log->joined);
	out_json_count(object, "failed", mm->failed);
	out_json_count(object, "never_returned",
		       result->log->unfinished + mm->no_result);
	json_object_object_add(object, "replayed",
			       rr_json_names(&mm->replayed));
	json_object_object_add(object, "no_effect",
			       rr_json_names(&mm->neutral));
	json_object_object_add(object, "not_modelled",
			       rr_json_names(&mm->unmodelled));
	return object;
}

static json_object *rr_json_malformed(const struct st_log *log)
{
	json_object *array = json_object_new_array(), *object;
	size_t i;

	for (i = 0; i < log->nr_bad; i++) {
		object = json_object_new_object();
		out_json_count(object, "line", log->bad[i].line);
		out_json_text(object, "why", log->bad[i].why);
		json_object_array_add(array, object);
	}
	return array;
}

static json_object *rr_json_processes(const struct rmm *mm)
{
	json_object *object = json_object_new_object();

	out_json_count(object, "processes", mm->processes);
	out_json_count(object, "threads", mm->threads);
	out_json_count(object, "programs", mm->execs);
	out_json_count(object, "forks", mm->forks);
	out_json_count(object, "spaces", mm->spaces);
	out_json_count(object, "attached", mm->attached);
	out_json_count(object, "left", mm->left);
	return object;
}

static json_object *rr_json_scaled(const struct rr *rr)
{
	json_object *array = json_object_new_array(), *object;
	size_t i;

	for (i = 0; i < rr->nr_scaled; i++) {
		object = json_object_new_object();
		out_json_count(object, "line", rr->scaled[i].line);
		out_json_count(object, "pages", rr->scaled[i].pages);
		out_json_count(object, "populated", rr->scaled[i].populated);
		json_object_array_add(array, object);
	}
	return array;
}

static json_object *rr_json_pages(const struct rr *rr)
{
	json_object *object = json_object_new_object();

	out_json_count(object, "mappings", rr->mappings);
	out_json_count(object, "mappings_prot_none", rr->unpopulated);
	out_json_count(object, "populated", rr->pages);
	out_json_count(object, "mapped", rr->re.mapped);
	out_json_count(object, "largest", rr->top_live);
	out_json_count(object, "largest_line", rr->top_line);
	out_json_count(object, "unmapped", rr->unmapped);
	out_json_count(object, "discarded", rr->discarded);
	out_json_count(object, "moved", rr->re.moved);
	out_json_count(object, "kept", rr->kept);
	out_json_count(object, "returned", rr->re.returned);
	out_json_count(object, "forked", rr->forked);
	out_json_count(object, "copied", rr->re.copies);
	out_json_count(object, "no_longer_shared", rr->re.reused);
	out_json_count(object, "not_copied", rr->re.no_copy);
	out_json_count(object, "learned", rr->mm.learned);
	out_json_count(object, "unknown", rr->mm.unknown);
	out_json_count(object, "outside", rr->mm.outside);
	out_json_count(object, "overtaken", rr->mm.overtaken);
	json_object_object_add(object, "scaled", rr_json_scaled(rr));
	return object;
}

static json_object *rr_json_accesses(const struct rr *rr)
{
	json_object *object = json_object_new_object();
	enum rq_check check;

	out_json_count(object, "written_all", rr_writes(rr));
	out_json_count(object, "read_all", rr_reads(rr));
	out_json_count(object, "faults_all", rr_faults(rr));
	for (check = RQ_WRITE; check < RQ_NR_CHECKS; check++)
		out_json_count(object, rq_check_name(check),
			       rr->re.q.checks[check]);
	return object;
}

static json_object *rr_json_store(const struct rr_result *result)
{
	const struct rq *q = &result->rr->re.q;
	json_object *object = json_object_new_object();

	out_json_count(object, "operations", q->ops);
	out_json_count(object, "device_calls", q->runs);
	out_json_count(object, "tables_built", q->tables_built);
	out_json_count(object, "tables_removed", q->tables_removed);
	out_json_count(object, "flush_requests", result->after.out_flush_ops -
						 result->before.out_flush_ops);
	out_json_count(object, "dispatches", result->after.out_dispatches -
					     result->before.out_dispatches);
	out_json_count(object, "ipis", result->after.out_ipis -
				       result->before.out_ipis);
	out_json_count(object, "clauses_evaluated", rr_evaluated(result));
	out_json_count(object, "leaked", result->leaked);
	json_object_object_add(object, "seconds",
			       json_object_new_double(result->seconds));
	json_object_object_add(object, "info", vms_json_info(&result->after));
	json_object_object_add(object, "check",
			       vms_json_report(&result->check));
	return object;
}

json_object *rr_json(const struct rr_result *result)
{
	json_object *object = json_object_new_object();
	const struct rr *rr = result->rr;

	out_json_text(object, "log", result->path);
	out_json_count(object, "lines", result->log->lines);
	json_object_object_add(object, "malformed",
			       rr_json_malformed(result->log));
	json_object_object_add(object, "calls", rr_json_calls(result));
	json_object_object_add(object, "processes",
			       rr_json_processes(&rr->mm));
	json_object_object_add(object, "pages", rr_json_pages(rr));
	json_object_object_add(object, "accesses", rr_json_accesses(rr));
	out_json_bool(object, "dry_run", result->dry);
	if (result->dry)
		return object;
	json_object_object_add(object, "store", rr_json_store(result));
	out_json_count(object, "differences", rr->re.q.failures);
	out_json_count(object, "violations", result->check.total);
	out_json_bool(object, "ended_early", result->aborted);
	json_object_object_add(object, "failures",
			       json_object_get(result->failures));
	return object;
}
