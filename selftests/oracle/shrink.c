// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delta debugging [Zeller, Hildebrandt: Simplifying and isolating failure-inducing
 * input]. A replay runs the operations one by one and compares the whole state at the end:
 * what has gone wrong stays wrong, mostly.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "links.h"
#include "shrink.h"

/* Where a value that no operation made stands for an id */
#define NO_ID	(1ULL << 41)

/**
 * struct replay - a log and which of its operations are left
 * @log: the log
 * @links: where their arguments come from
 * @keep: which are left
 * @judge: judges
 * @until: do not begin a replay after this time
 */
struct replay {
	const struct log *log;
	const struct links *links;
	bool *keep;
	lockstep_judge judge;
	time_t until;
};

/* The module's choice: without the operation that made it another one may do */
static bool is_address(const struct link *link)
{
	return link->what == LINK_PADDR || link->what == LINK_KVIRT;
}

static __u64 linked(const struct link *link, __u64 was, const struct vmstore_op *done,
		    const bool *keep)
{
	const struct vmstore_op *maker;

	if (!link->maker)
		return was;
	maker = &done[link->maker - 1];
	if (!keep[link->maker - 1] || maker->out_errno)
		return is_address(link) ? was : NO_ID;
	switch (link->what) {
	case LINK_SECOND:
		return maker->out.segment.second;
	case LINK_PADDR:
		return maker->out.frame.paddr + link->add;
	case LINK_KVIRT:
		return maker->out.kvirt.start + link->add;
	default:
		return maker->out.id;
	}
}

static void relink(const struct replay *r, size_t i, struct gen_op *o,
		   const struct vmstore_op *done)
{
	const struct logged *entry = &r->log->ops[i];
	const struct op_links *links = &r->links->op[i];
	__u64 *ids = (__u64 *)o->data;
	unsigned int k;

	o->op = entry->op;
	/* What it waited for may be what was dropped */
	o->op.flags &= ~VMSTORE_OPF_WAIT;
	o->len = entry->len;
	if (entry->len)
		memcpy(o->data, entry->data, entry->len);
	for (k = 0; k < LINKS_MAX; k++)
		o->op.arg.raw[k] = linked(&links->arg[k], o->op.arg.raw[k], done, r->keep);
	for (k = 0; k < links->nr_ids; k++)
		ids[k] = linked(&links->ids[k], ids[k], done, r->keep);
	links_point(&o->op, o->data);
}

static size_t last_left(const struct replay *r)
{
	size_t i = r->log->nr;

	while (i && !r->keep[i - 1])
		i--;
	return i ? i - 1 : 0;
}

/*
 * Run what is left; the operation it fails at, or log->nr. The whole state is compared
 * after every @every operations and at the end. @out gets what was run.
 */
static size_t replay(const struct replay *r, size_t every, struct orc_diff *diff,
		     struct log *out)
{
	struct vmstore_op *done = calloc(r->log->nr + 1, sizeof(*done));
	__u8 *data = malloc(GEN_DATA);
	size_t last = last_left(r), ran = 0, i;
	struct lockstep l;

	if (!done || !data)
		abort();
	if (lockstep_open(&l, &r->log->setup, r->judge))
		abort();
	for (i = 0; i < r->log->nr; i++) {
		struct gen_op o = { .data = data };
		bool good;

		if (!r->keep[i])
			continue;
		relink(r, i, &o, done);
		good = lockstep_run(&l, &o, 1, out, NULL) &&
		       ((++ran % every && i < last) || lockstep_compare(&l));
		done[i] = o.op;
		if (!good)
			break;
	}
	*diff = l.diff;
	lockstep_close(&l);
	free(done);
	free(data);
	return i;
}

static bool is_orphan(const struct replay *r, const struct link *link)
{
	return link->maker && !is_address(link) && !r->keep[link->maker - 1];
}

/* What an operation names by id goes with what made it */
static void drop_orphans(struct replay *r)
{
	size_t i;
	__u32 k;

	for (i = 0; i < r->log->nr; i++) {
		const struct op_links *links = &r->links->op[i];
		bool orphan = false;

		for (k = 0; k < LINKS_MAX; k++)
			orphan |= is_orphan(r, &links->arg[k]);
		for (k = 0; k < links->nr_ids; k++)
			orphan |= is_orphan(r, &links->ids[k]);
		if (orphan)
			r->keep[i] = false;
	}
}

/* Take what is left now, if it still fails, else what was left before */
static bool settle(struct replay *r, bool *was, struct orc_diff *diff)
{
	size_t at = r->log->nr;
	struct orc_diff now;

	if (memcmp(r->keep, was, r->log->nr))
		at = replay(r, r->log->nr, &now, NULL);
	if (at < r->log->nr) {
		*diff = now;
		memset(r->keep + at + 1, 0, r->log->nr - at - 1);
	} else {
		memcpy(r->keep, was, r->log->nr);
	}
	free(was);
	return at < r->log->nr;
}

static bool *what_is_left(const struct replay *r)
{
	bool *was = malloc(r->log->nr + 1);

	if (!was)
		abort();
	memcpy(was, r->keep, r->log->nr);
	return was;
}

/* Try without [from, to); true when it still fails */
static bool without(struct replay *r, size_t from, size_t to, struct orc_diff *diff)
{
	bool *was = what_is_left(r);

	memset(r->keep + from, 0, to - from);
	drop_orphans(r);
	return settle(r, was, diff);
}

/* Try without all that failed, or made nothing and changed nothing, but for the last */
static void without_idle(struct replay *r, size_t last, struct orc_diff *diff)
{
	bool *was = what_is_left(r);
	size_t i;

	for (i = 0; i < last; i++) {
		const struct vmstore_op *op = &r->log->ops[i].op;

		if (op->out_errno || op->opcode == VMSTORE_OP_CURSOR_VADDR ||
		    op->opcode == VMSTORE_OP_READER_QUERY ||
		    op->opcode == VMSTORE_OP_WRITER_QUERY)
			r->keep[i] = false;
	}
	settle(r, was, diff);
}

/* One pass over the log in chunks; true when something went */
static bool pass(struct replay *r, size_t chunk, struct orc_diff *diff)
{
	size_t end = r->log->nr;
	bool any = false;

	/* From the end: what comes late is needed by less */
	while (end && time(NULL) < r->until) {
		size_t from = end > chunk ? end - chunk : 0;

		any |= without(r, from, end, diff);
		end = from;
	}
	return any;
}

/* The log becomes what was run in the last replay */
static void keep_only(struct replay *r, struct log *log, struct orc_diff *diff)
{
	struct log out = { .setup = log->setup };

	replay(r, 1, diff, &out);
	log_free(log);
	*log = out;
}

/* Drop what can be dropped as long as the links of the log are as they are */
static void shrink_linked(struct log *log, lockstep_judge judge, time_t until,
			  struct orc_diff *diff)
{
	struct links *links = links_find(log);
	struct replay r = {
		.log = log,
		.links = links,
		.keep = malloc(log->nr + 1),
		.judge = judge,
		.until = until,
	};
	size_t at, chunk;
	bool any = true;

	if (!r.keep)
		abort();
	memset(r.keep, 1, log->nr);
	at = replay(&r, 1 + log->nr / 64, diff, NULL);
	if (at < log->nr) {
		memset(r.keep + at + 1, 0, log->nr - at - 1);
		without_idle(&r, at, diff);
		for (chunk = (at + 1) / 2; chunk; chunk /= 2)
			pass(&r, chunk, diff);
		/* Until not a single one can go */
		while (any && time(NULL) < until)
			any = pass(&r, 1, diff);
		keep_only(&r, log, diff);
	}
	free(r.keep);
	links_free(links);
}

bool shrink(struct log *log, lockstep_judge judge, unsigned int seconds,
	    struct orc_diff *diff)
{
	time_t until = time(NULL) + seconds;
	size_t was;

	/*
	 * What was dropped may have been an accident's only reason: that a number and
	 * the outcome of another operation are the same. Now they are linked.
	 */
	do {
		was = log->nr;
		shrink_linked(log, judge, until, diff);
	} while (diff->text[0] && log->nr < was);
	return diff->text[0];
}
