// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations with what is expected of each.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay_queue.h"

#define RQ_FLAGS	(VMSTORE_PROP_R | VMSTORE_PROP_W | VMSTORE_PROP_X)
#define RQ_FAULTS	(VMSTORE_FAULT_TAKEN | VMSTORE_FAULT_PRESENT | \
			 VMSTORE_FAULT_WRITE | VMSTORE_FAULT_RSVD)

static const struct {
	const char *name;
	const char *text;
} rq_checks[RQ_NR_CHECKS] = {
	[RQ_NONE] = { "other", NULL },
	[RQ_WRITE] = { "written", "write" },
	[RQ_LINEAR] = { "written_linear", "write through the linear window" },
	[RQ_ZERO] = { "fresh_zero", "read of a fresh page" },
	[RQ_READBACK] = { "read_back", "read-back" },
	[RQ_KEPT] = { "kept", "read of a value that must be kept" },
	[RQ_COPIED] = { "copied", "read of a copied page" },
	[RQ_OTHER] = { "other_side", "read on the other side of a fork" },
	[RQ_SHARED] = { "shared", "read of a shared page" },
	[RQ_UNMAPPED] = { "fault_unmapped", "access after unmap" },
	[RQ_NO_ACCESS] = { "fault_no_access", "access to a PROT_NONE page" },
	[RQ_READ_ONLY] = { "fault_read_only", "store to a read-only page" },
	[RQ_COW] = { "fault_cow", "store to a page shared by a fork" },
};

const char *rq_check_name(enum rq_check check)
{
	return rq_checks[check].name;
}

size_t rq_want(struct rq *q, size_t index, struct rq_want want)
{
	struct rq_want *grown;
	size_t room = q->room_want;

	if (index >= room) {
		room = room ? room * 2 : 1024;
		while (index >= room)
			room *= 2;
		grown = reallocarray(q->want, room, sizeof(*grown));
		if (!grown) {
			q->batch.error = -ENOMEM;
			return index;
		}
		memset(grown + q->room_want, 0,
		       (room - q->room_want) * sizeof(*grown));
		q->want = grown;
		q->room_want = room;
	}
	q->want[index] = want;
	return index;
}

static const struct rq_want rq_nothing;

static const struct rq_want *rq_wanted(const struct rq *q, size_t index)
{
	return index < q->room_want ? &q->want[index] : &rq_nothing;
}

/* --- comparing ------------------------------------------------------------- */

static void rq_say(FILE *to, const char *fault, int err)
{
	const char *name = vms_errno_name(err);

	if (fault)
		fprintf(to, "fault %s", fault);
	else
		fputs(name ? name : strerror(-err), to);
}

static char *rq_fault_text(__u32 fault, char *buf, size_t len)
{
	snprintf(buf, len, "(%s%s%s)",
		 fault & VMSTORE_FAULT_PRESENT ? "protection" : "absent",
		 fault & VMSTORE_FAULT_WRITE ? ", write" : ", read",
		 fault & VMSTORE_FAULT_RSVD ? ", reserved bit" : "");
	return buf;
}

static void rq_expected(FILE *to, const struct rq_want *want)
{
	char buf[64];

	switch (want->kind) {
	case RQ_OK:
		fputs("ok", to);
		break;
	case RQ_VALUE:
		fprintf(to, "0x%016llx", want->value);
		break;
	case RQ_FAULT:
		rq_say(to, rq_fault_text(want->value, buf, sizeof(buf)), 0);
		break;
	case RQ_FRESH:
		fputs("nothing there", to);
		break;
	case RQ_REPLACE:
	case RQ_FRAME:
		fprintf(to, "frame 0x%llx", want->value);
		break;
	case RQ_REMOVED:
	case RQ_LEAVES:
		fprintf(to, "%llu mappings", want->value);
		break;
	case RQ_PROTECTED:
		fprintf(to, "0x%llx with flags 0x%llx",
			want->va,
			want->value);
		break;
	}
}

static void rq_found(FILE *to, const struct rq_want *want,
		     const struct vmstore_op *op)
{
	char buf[64];

	if (op->out_errno == -EFAULT && op->out.access.fault) {
		rq_say(to, rq_fault_text(op->out.access.fault, buf,
					 sizeof(buf)), 0);
		return;
	}
	if (op->out_errno) {
		rq_say(to, NULL, op->out_errno);
		return;
	}
	switch (want->kind) {
	case RQ_VALUE:
		fprintf(to, "0x%016llx",
			op->out.access.value);
		break;
	default:
		vms_outcome_print(to, op, NULL);
	}
}

/*
 * One difference on one line: which call, where, what was done, what should have
 * come out and what did.
 */
static void rq_fail(struct rq *q, const struct rq_want *want,
		    const struct vmstore_op *op)
{
	const struct st_event *event = q->event;
	const struct vms_op_desc *desc = vms_op_desc(op->opcode);
	char *text;
	size_t len;
	FILE *to;

	q->failures++;
	if (!q->on_failure)
		return;
	to = open_memstream(&text, &len);
	if (!to)
		return;
	if (event && event->line)
		fprintf(to, "line %u: ", event->line);
	if (event && event->pid)
		fprintf(to, "pid %d: ", event->pid);
	fprintf(to, "%s: ", event && event->name ? event->name :
		event && event->line ? "process ends" : "end of the log");
	if (want->space)
		fprintf(to, "space %u ", want->space);
	if (want->space && want->check)
		fprintf(to, "va 0x%llx ", want->va);
	if (rq_checks[want->check].text)
		fprintf(to, "(%s): ", rq_checks[want->check].text);
	fputs(desc ? desc->name : "?", to);
	fprintf(to, " on CPU %u: expected ", op->cpu);
	rq_expected(to, want);
	fputs(", found ", to);
	rq_found(to, want, op);
	if (!fclose(to)) {
		q->on_failure(q->ctx, text);
		free(text);
	}
}

static bool rq_matches(const struct rq_want *want, const struct vmstore_op *op)
{
	if (want->kind == RQ_FAULT)
		return op->out_errno == -EFAULT &&
		       (op->out.access.fault & RQ_FAULTS) == want->value;
	if (op->out_errno)
		return false;
	switch (want->kind) {
	case RQ_VALUE:
		return op->out.access.value == want->value;
	case RQ_FRESH:
		return !op->out.map.replaced;
	case RQ_REPLACE:
		return op->out.map.replaced &&
		       op->out.map.old_paddr == want->value;
	case RQ_FRAME:
		return op->out.query.found &&
		       op->out.query.paddr == want->value;
	case RQ_REMOVED:
		return op->out.unmap.removed == want->value;
	case RQ_PROTECTED:
		return op->out.protect.found &&
		       op->out.protect.start == want->va &&
		       (op->out.protect.new_prop.flags & RQ_FLAGS) == want->value;
	case RQ_LEAVES:
		return op->out.space_drop.leaves == want->value;
	default:
		return true;
	}
}

static void rq_count_tables(struct rq *q, const struct vmstore_op *op)
{
	switch (op->opcode) {
	case VMSTORE_OP_SPACE_NEW:
		q->tables_built++;
		break;
	case VMSTORE_OP_CURSOR_OPEN:
	case VMSTORE_OP_CURSOR_OPEN_MUT:
		q->tables_built += op->out.open.nodes_allocated;
		break;
	case VMSTORE_OP_CURSOR_MAP:
		q->tables_built += op->out.map.nodes_allocated;
		break;
	case VMSTORE_OP_CURSOR_UNMAP:
		q->tables_removed += op->out.unmap.nodes;
		break;
	case VMSTORE_OP_SPACE_DROP:
		q->tables_removed += op->out.space_drop.nodes;
		break;
	}
}

static void rq_take(struct rq *q, const struct rq_want *want,
		    const struct vmstore_op *op)
{
	/* A frame's paddr is behind its id; a query's is not. */
	if (want->id)
		*want->id = op->out.id;
	if (want->paddr)
		*want->paddr = op->out.frame.paddr;
	if (op->out_errno == -EIO)
		q->frozen = true;
	if (!rq_matches(want, op)) {
		rq_fail(q, want, op);
		return;
	}
	q->checks[want->check]++;
	if (!op->out_errno)
		rq_count_tables(q, op);
}

/* --- running --------------------------------------------------------------- */

static void rq_pretend(struct rq *q)
{
	const struct rq_want *want;
	size_t i;

	for (i = 0; i < q->batch.nr; i++) {
		want = rq_wanted(q, i);
		q->checks[want->check]++;
		if (want->id)
			*want->id = ++q->fake;
		if (want->paddr)
			*want->paddr = ++q->fake * VMSTORE_PAGE_SIZE;
	}
}

static void rq_reset(struct rq *q)
{
	size_t nr = q->batch.nr < q->room_want ? q->batch.nr : q->room_want;

	if (nr)
		memset(q->want, 0, nr * sizeof(*q->want));
	vms_batch_clear(&q->batch);
}

int rq_run(struct rq *q)
{
	struct vms_counts counts = { 0 };
	int err = q->batch.error;
	size_t i;

	if (err || !q->batch.nr)
		return err;
	q->runs++;
	if (q->store) {
		err = vms_batch_run(q->store, &q->batch, VMSTORE_RUN_KEEP_GOING,
				    &counts);
		q->ops += counts.ran;
		for (i = 0; i < counts.ran && !q->frozen; i++)
			rq_take(q, rq_wanted(q, i), &q->batch.ops[i]);
		if (!err && q->frozen)
			err = -EIO;
	} else {
		q->ops += q->batch.nr;
		rq_pretend(q);
	}
	rq_reset(q);
	return err;
}

int rq_room(struct rq *q, size_t nr)
{
	return q->batch.nr + nr > RQ_LIMIT ? rq_run(q) : 0;
}

void rq_free(struct rq *q)
{
	vms_batch_free(&q->batch);
	free(q->want);
	q->want = NULL;
	q->room_want = 0;
}
