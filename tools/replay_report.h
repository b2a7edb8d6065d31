/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a replay found, for people and for machines.
 */
#ifndef VMS_REPLAY_REPORT_H
#define VMS_REPLAY_REPORT_H

#include <json-c/json.h>
#include "libvmstore.h"
#include "replay_run.h"
#include "strace.h"

/**
 * struct rr_result - a replay
 * @path: of the log
 * @log: the log
 * @rr: the run
 * @dry: there was no device
 * @before: the store before the first event
 * @after: and after everything was dropped
 * @check: the invariant at the end
 * @leaked: slots that are in use though everything was dropped
 * @aborted: negative errno that ended the run early, or 0
 * @failures: array of texts, or NULL
 * @picture: the page tables at their largest as text, or NULL
 * @seconds: taken
 */
struct rr_result {
	const char *path;
	struct st_log *log;
	struct rr *rr;
	bool dry;
	struct vmstore_info before;
	struct vmstore_info after;
	struct vms_report check;
	__u64 leaked;
	int aborted;
	json_object *failures;
	char *picture;
	double seconds;
};

/**
 * rr_print() - for people, on standard output
 * @result: the replay
 */
void rr_print(const struct rr_result *result);

/**
 * rr_json() - for machines
 * @result: the replay
 *
 * Return: a new object.
 */
json_object *rr_json(const struct rr_result *result);

/**
 * rr_status() - the exit status
 * @result: the replay
 *
 * Return: CTL_OK, CTL_FAILED or CTL_VIOLATED.
 */
int rr_status(const struct rr_result *result);

#endif /* VMS_REPLAY_REPORT_H */
