// SPDX-License-Identifier: GPL-2.0-only
/* The generator's operations on flush requests. */

#include "gen_parts.h"

/* A page or all of [start, end), or everything, or, for @err, what is refused */
static void gen_flush_range(struct gen *g, struct vmstore_op *op, __u64 start, __u64 end,
			    int err, __u64 *va, __u64 *len)
{
	if (err == EACCES) {
		*va = VMSTORE_USER_END - gen_below(g, 2) * ORC_PAGE;
		*len = 2 * ORC_PAGE;
		return;
	}
	if (gen_chance(g, 15)) {
		op->flags |= VMSTORE_OPF_ALL;
		*va = err == EINVAL ? ORC_PAGE : 0;
		return;
	}
	*va = start;
	*len = end - start;
	if (gen_chance(g, 60)) {
		*va += gen_below(g, (end - start) / ORC_PAGE) * ORC_PAGE;
		*len = ORC_PAGE;
	}
	if (err == EINVAL && gen_chance(g, 30))
		*len = 0;
	else if (err == EINVAL)
		*(gen_chance(g, 50) ? va : len) += 1 + gen_below(g, ORC_PAGE - 1);
}

static void gen_cursor_range(struct gen *g, struct vmstore_op *op, __u64 cursor, int err,
			     __u64 *va, __u64 *len)
{
	const struct orc_cursor *c = orc_find(&g->s->cursors, cursor);

	gen_flush_range(g, op, c ? c->start : 0, c ? c->end : ORC_PAGE, err, va, len);
}

static bool gen_issue(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_flush *arg = &op->arg.flush;

	if (!gen_cursor_id(g, true, err == EACCES ? 0 : err, &arg->cursor))
		return false;
	gen_cursor_range(g, op, arg->cursor, err, &arg->va, &arg->len);
	return true;
}

static bool gen_issue_with(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_issue_with *arg = &op->arg.issue_with;
	bool bad_frame = err == ENOENT && gen_chance(g, 50);
	bool good_cursor = bad_frame || err == EACCES;

	if (!gen_cursor_id(g, true, good_cursor ? 0 : err, &arg->cursor) ||
	    !gen_id(g, ORC_FRAME, bad_frame ? err : 0, &arg->frame))
		return false;
	gen_cursor_range(g, op, arg->cursor, err, &arg->va, &arg->len);
	return true;
}

/* Also of the kernel half, where it changes nothing that is known */
static bool gen_flush_local(struct gen *g, struct vmstore_op *op, int err)
{
	struct vmstore_arg_flush_local *arg = &op->arg.flush_local;
	const struct orc_space *space;
	const struct orc_leaf *leaf;

	if (!gen_id(g, ORC_SPACE, err == ENOENT ? err : 0, &arg->space))
		return false;
	space = orc_find(&g->s->spaces, arg->space);
	leaf = space ? gen_any(g, &space->leaves) : NULL;
	if (gen_chance(g, 20))
		gen_flush_range(g, op, VMSTORE_KVIRT_BASE, VMSTORE_KVIRT_BASE + 64 * ORC_PAGE,
				err, &arg->va, &arg->len);
	else
		gen_flush_range(g, op, leaf ? leaf->va : 0,
				(leaf ? leaf->va : 0) + 8 * ORC_PAGE, err, &arg->va, &arg->len);
	return true;
}

bool gen_tlb_build(struct gen *g, struct vmstore_op *op, int err)
{
	switch (op->opcode) {
	case VMSTORE_OP_TLB_ISSUE:
		return gen_issue(g, op, err);
	case VMSTORE_OP_TLB_ISSUE_WITH:
		return gen_issue_with(g, op, err);
	case VMSTORE_OP_TLB_DISPATCH:
	case VMSTORE_OP_TLB_SYNC:
		return gen_cursor_id(g, true, err, &op->arg.id.id);
	case VMSTORE_OP_TLB_FLUSH_LOCAL:
		return gen_flush_local(g, op, err);
	}
	return false;
}
