// SPDX-License-Identifier: GPL-2.0-only
/* One step: what is asked of every operation, and who judges which. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model.h"

/* orc_differ - module and model differ; the first difference is told */
void orc_differ(struct orc_step *t, const char *fmt, ...)
{
	const char *name = orc_op_name(t->op->opcode);
	va_list args;
	int n;

	if (t->diff->text[0])
		return;
	n = snprintf(t->diff->text, sizeof(t->diff->text), "%s: ", name ?: "unknown opcode");
	va_start(args, fmt);
	vsnprintf(t->diff->text + n, sizeof(t->diff->text) - n, fmt, args);
	va_end(args);
}

bool orc_differs(const struct orc_step *t)
{
	return t->diff->text[0];
}

/* orc_refuse - a precondition is false: the operation must fail */
void orc_refuse(struct orc_step *t, int err)
{
	if (t->nr_errnos < ORC_MAX_ERRNOS)
		t->errnos[t->nr_errnos++] = err;
}

/* orc_may_refuse - the operation may fail for this, and need not */
void orc_may_refuse(struct orc_step *t, int err)
{
	if (t->nr_maybe < ORC_MAX_ERRNOS)
		t->maybe[t->nr_maybe++] = err;
}

/* orc_need_slots - -ENOMEM without so many free slots */
void orc_need_slots(struct orc_step *t, __u64 nr)
{
	__u64 free = orc_free_slots(t->s);

	if (free + t->s->unsure < nr)
		orc_refuse(t, ENOMEM);
	else if (free < nr)
		orc_may_refuse(t, ENOMEM);
}

static bool orc_among(int err, const int *errnos, int nr)
{
	while (nr--)
		if (errnos[nr] == err)
			return true;
	return false;
}

/* orc_goes - judge the errno; true when the operation succeeded and was allowed to */
bool orc_goes(struct orc_step *t)
{
	int err = -t->op->out_errno;

	if (t->ask)
		return false;
	if (!err && !t->nr_errnos)
		return true;
	if (!err)
		orc_differ(t, "succeeds, must fail with %s", strerrorname_np(t->errnos[0]));
	else if (!orc_among(err, t->errnos, t->nr_errnos) &&
		 !orc_among(err, t->maybe, t->nr_maybe))
		orc_differ(t, "fails with %s, must %s%s", strerrorname_np(err) ?: "?",
			   t->nr_errnos ? "fail with " : "succeed",
			   t->nr_errnos ? strerrorname_np(t->errnos[0]) : "");
	return false;
}

/* orc_fresh - an id the module made: any that was never used before */
__u64 orc_fresh(struct orc_step *t, enum orc_id kind, __u64 id)
{
	if (id <= t->s->last[kind])
		orc_differ(t, "new id %llu after %llu", id, t->s->last[kind]);
	t->s->last[kind] = id;
	return id;
}

/* orc_get - an object; a missing one is -ENOENT */
void *orc_get(struct orc_step *t, const struct orc_vec *v, __u64 id)
{
	void *e = orc_find(v, id);

	if (!e)
		orc_refuse(t, ENOENT);
	return e;
}

/* orc_get_cursor - a cursor; one that is not mutable is -EINVAL with @mut */
struct orc_cursor *orc_get_cursor(struct orc_step *t, __u64 id, bool mut)
{
	struct orc_cursor *c = orc_get(t, &t->s->cursors, id);

	if (c && mut && !c->mut)
		orc_refuse(t, EINVAL);
	return c;
}

/* --- the operations ------------------------------------------------------------------ */

struct orc_row {
	const char *name;
	void (*judge)(struct orc_step *t);
	size_t arg_size;
	__u16 flags;
};

#define ROW(op, judge, arg, ...) \
	[VMSTORE_OP_##op] = { #op, judge, sizeof(struct vmstore_arg_##arg), __VA_ARGS__ }
/* Of the arguments those before @end */
#define ROW_PART(op, judge, arg, end) \
	[VMSTORE_OP_##op] = { #op, judge, offsetof(struct vmstore_arg_##arg, end) }
#define ROW_NO_ARG(op, judge) \
	[VMSTORE_OP_##op] = { #op, judge }

static const struct orc_row orc_rows[__VMSTORE_OP_MAX] = {
	ROW(FRAME_FROM_UNUSED, orc_frame_from_unused, paddr),
	ROW(FRAME_FROM_IN_USE, orc_frame_from_in_use, paddr),
	ROW_NO_ARG(FRAME_ALLOC, orc_frame_alloc),
	ROW(FRAME_DROP, orc_frame_drop, id),
	ROW_NO_ARG(SPACE_NEW, orc_space_new),
	ROW(SPACE_DROP, orc_space_drop, id),
	ROW(SPACE_ACTIVATE, orc_space_activate, id, VMSTORE_OPF_RESIDENT),
	ROW(CURSOR_OPEN, orc_cursor_open, open, VMSTORE_OPF_WAIT),
	ROW(CURSOR_OPEN_MUT, orc_cursor_open_mut, open, VMSTORE_OPF_WAIT),
	ROW(CURSOR_DROP, orc_cursor_drop, id),
	ROW(CURSOR_QUERY, orc_cursor_query, id, VMSTORE_OPF_PEEK),
	ROW(CURSOR_FIND_NEXT, orc_cursor_find_next, len),
	ROW(CURSOR_JUMP, orc_cursor_jump, jump),
	ROW(CURSOR_VADDR, orc_cursor_vaddr, id),
	ROW(CURSOR_MAP, orc_cursor_map, map, VMSTORE_OPF_DEFER),
	ROW(CURSOR_UNMAP, orc_cursor_unmap, len, VMSTORE_OPF_DEFER),
	ROW(CURSOR_PROTECT_NEXT, orc_cursor_protect_next, protect, VMSTORE_OPF_CACHE),
	ROW(CURSOR_FLUSH, orc_cursor_flush, flush),
	ROW_NO_ARG(REAP, orc_reap),
	ROW(ACCESS, orc_access, access, VMSTORE_OPF_WRITE),
	ROW(FRAME_CLONE, orc_frame_clone, id),
	ROW(SEGMENT_FROM_UNUSED, orc_segment_from_unused, range),
	ROW(SEGMENT_DROP, orc_segment_drop, id),
	ROW(SEGMENT_SPLIT, orc_segment_split, split),
	ROW(SEGMENT_NEXT, orc_segment_next, id),
	ROW(SEGMENT_CLONE, orc_segment_clone, id),
	ROW(SEGMENT_SLICE, orc_segment_slice, slice),
	ROW(FRAME_TO_SEGMENT, orc_frame_to_segment, id),
	ROW(UNIQUE_FROM_UNUSED, orc_unique_from_unused, paddr),
	ROW(UNIQUE_DROP, orc_unique_drop, id),
	ROW(FROM_UNIQUE, orc_from_unique, id),
	ROW(TRY_FROM_SHARED, orc_try_from_shared, id),
	ROW(CURSOR_MAP_FRAMES, orc_cursor_map_frames, map_frames, VMSTORE_OPF_DEFER),
	ROW(CURSOR_MAP_SEGMENT, orc_cursor_map_segment, map_segment, VMSTORE_OPF_DEFER),
	ROW(READER_NEW, orc_io_new, io_new),
	ROW(WRITER_NEW, orc_io_new, io_new),
	ROW(KREADER_NEW, orc_kio_new, kio_new),
	ROW(KWRITER_NEW, orc_kio_new, kio_new),
	ROW(READER_DROP, orc_io_drop, id),
	ROW(WRITER_DROP, orc_io_drop, id),
	ROW(READER_READ_VAL, orc_reader_read, io_data),
	ROW(READER_COLLECT, orc_reader_collect, io_data),
	ROW(READER_LIMIT, orc_io_limit, io_len),
	ROW(READER_SKIP, orc_io_skip, io_len),
	ROW(READER_QUERY, orc_io_query, id),
	ROW(WRITER_WRITE_VAL, orc_writer_write, io_data),
	ROW(WRITER_FILL_ZEROS, orc_writer_fill_zeros, io_len),
	ROW(WRITER_LIMIT, orc_io_limit, io_len),
	ROW(WRITER_SKIP, orc_io_skip, io_len),
	ROW(WRITER_QUERY, orc_io_query, id),
	ROW(READ, orc_io_copy, io_pair),
	ROW(WRITE, orc_io_copy, io_pair),
	ROW(READ_FALLIBLE, orc_io_copy, io_pair),
	ROW(WRITE_FALLIBLE, orc_io_copy, io_pair),
	ROW(WRITER_FILL, orc_writer_fill, io_value),
	ROW(READER_READ_ONCE, orc_io_once, io_value),
	ROW(WRITER_WRITE_ONCE, orc_io_once, io_value),
	ROW_NO_ARG(LIST_NEW, orc_list_new),
	ROW(LIST_DROP, orc_list_drop, id),
	ROW(LIST_SIZE, orc_list_size, id),
	ROW(LIST_CONTAINS, orc_list_contains, list_frame),
	ROW(LIST_INSERT_AT, orc_list_insert, list_insert),
	ROW_PART(LIST_PUSH_FRONT, orc_list_insert, list_insert, n),
	ROW_PART(LIST_PUSH_BACK, orc_list_insert, list_insert, n),
	ROW(LIST_TAKE_AT, orc_list_take, list_at),
	ROW(LIST_POP_FRONT, orc_list_take, id),
	ROW(LIST_POP_BACK, orc_list_take, id),
	ROW(LIST_CURSOR_FRONT, orc_list_cursor, id),
	ROW(LIST_CURSOR_BACK, orc_list_cursor, id),
	ROW(LIST_CURSOR_AT, orc_list_cursor, list_frame),
	ROW(LIST_MOVE_NEXT, orc_list_move, id),
	ROW(LIST_MOVE_PREV, orc_list_move, id),
	ROW(LIST_CURRENT, orc_list_current, id),
	ROW(LIST_AS_LIST, orc_list_size, id),
	ROW_PART(LIST_CURSOR_INSERT_BEFORE, orc_list_insert, list_insert, n),
	ROW(LIST_CURSOR_TAKE, orc_list_take, id),
	ROW(LIST_CURSOR_DROP, orc_list_cursor_drop, id),
	ROW(TLB_ISSUE, orc_tlb_issue, flush, VMSTORE_OPF_ALL),
	ROW(TLB_ISSUE_WITH, orc_tlb_issue_with, issue_with, VMSTORE_OPF_ALL),
	ROW(TLB_DISPATCH, orc_tlb_dispatch, id),
	ROW(TLB_SYNC, orc_tlb_sync, id),
	ROW(TLB_FLUSH_LOCAL, orc_tlb_flush_local, flush_local, VMSTORE_OPF_ALL),
	ROW(KVIRT_MAP_FRAMES, orc_kvirt_map_frames, kvirt_frames),
	ROW(KVIRT_MAP_UNTRACKED, orc_kvirt_map_untracked, kvirt_untracked),
	ROW(KVIRT_QUERY, orc_kvirt_query, kvirt_addr, VMSTORE_OPF_PEEK),
	ROW(KVIRT_DROP, orc_kvirt_drop, id),
	ROW(KVIRT_UNMAP_RANGE, orc_kvirt_unmap_range, kvirt_range),
	ROW(KVIRT_PROTECT_RANGE, orc_kvirt_protect_range, kvirt_protect, VMSTORE_OPF_CACHE),
};

const char *orc_op_name(__u32 opcode)
{
	return opcode < __VMSTORE_OP_MAX ? orc_rows[opcode].name : NULL;
}

/* What is wrong whatever the state; then nothing else is asked */
static bool orc_validate(struct orc_step *t, const struct orc_row *row)
{
	const __u8 *arg = (const __u8 *)&t->op->arg;
	size_t i;

	if (t->op->flags & ~row->flags)
		orc_refuse(t, EOPNOTSUPP);
	if (t->op->__reserved || t->op->cpu >= t->s->config.nr_cpus)
		orc_refuse(t, EINVAL);
	for (i = row->arg_size; i < sizeof(t->op->arg); i++)
		if (arg[i]) {
			orc_refuse(t, EINVAL);
			break;
		}
	return !t->nr_errnos;
}

bool orc_apply(struct orc_state *s, const struct vmstore_op *op, struct orc_diff *diff)
{
	struct orc_step t = { .s = s, .op = op, .want = *op, .diff = diff };
	size_t i;

	diff->text[0] = 0;
	memset(&t.want.out, 0, sizeof(t.want.out));
	if (!orc_op_name(op->opcode)) {
		orc_refuse(&t, EOPNOTSUPP);
		orc_goes(&t);
	} else if (!orc_validate(&t, &orc_rows[op->opcode])) {
		orc_goes(&t);
	} else {
		orc_may_reap(&t);
		orc_rows[op->opcode].judge(&t);
	}
	for (i = 0; i < ARRAY_SIZE(op->out.raw); i++)
		if (t.want.out.raw[i] != op->out.raw[i])
			orc_differ(&t, "word %zu of the outcome is %#llx, must be %#llx", i,
				   op->out.raw[i], t.want.out.raw[i]);
	return !orc_differs(&t);
}

int orc_refused(struct orc_state *s, const struct vmstore_op *op)
{
	struct orc_diff diff = {};
	struct orc_step t = { .s = s, .op = &t.want, .want = *op, .ask = true, .diff = &diff };

	t.want.out_errno = 0;
	memset(&t.want.out, 0, sizeof(t.want.out));
	if (!orc_op_name(op->opcode))
		return -EOPNOTSUPP;
	if (orc_validate(&t, &orc_rows[op->opcode]))
		orc_rows[op->opcode].judge(&t);
	return t.nr_errnos ? -t.errnos[0] : 0;
}
