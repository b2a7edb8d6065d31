// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "links.h"

int lockstep_open(struct lockstep *l, const struct vmstore_setup *setup, lockstep_judge judge)
{
	struct orc_config config;
	int err;

	memset(l, 0, sizeof(*l));
	err = device_open(&l->device, setup, &config);
	if (err)
		return err;
	l->judge = judge;
	l->s = orc_new(&config);
	if (!lockstep_compare(l)) {
		fprintf(stderr, "# a new store: %s\n", l->diff.text);
		lockstep_close(l);
		return -EPROTO;
	}
	return 0;
}

void lockstep_close(struct lockstep *l)
{
	device_close(&l->device);
	orc_free(l->s);
	l->s = NULL;
}

bool lockstep_compare(struct lockstep *l)
{
	struct orc_dump dump = {};
	int err = device_dump(&l->device, &dump);

	if (err) {
		snprintf(l->diff.text, sizeof(l->diff.text), "VMSTORE_DUMP: %s",
			 strerror(-err));
		return false;
	}
	return orc_compare(l->s, &dump, &l->diff) && orc_inv(l->s, &l->diff) &&
	       !device_check(&l->device, &l->diff);
}

/* --- references ---------------------------------------------------------------------- */

/* How many of the first words of the arguments are ids */
static unsigned int nr_ids(__u16 opcode)
{
	switch (opcode) {
	case VMSTORE_OP_FRAME_FROM_UNUSED:
	case VMSTORE_OP_FRAME_FROM_IN_USE:
	case VMSTORE_OP_FRAME_ALLOC:
	case VMSTORE_OP_SPACE_NEW:
	case VMSTORE_OP_REAP:
	case VMSTORE_OP_SEGMENT_FROM_UNUSED:
	case VMSTORE_OP_UNIQUE_FROM_UNUSED:
	case VMSTORE_OP_KREADER_NEW:
	case VMSTORE_OP_KWRITER_NEW:
	case VMSTORE_OP_LIST_NEW:
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
	case VMSTORE_OP_KVIRT_MAP_UNTRACKED:
		return 0;
	case VMSTORE_OP_CURSOR_MAP:
	case VMSTORE_OP_CURSOR_MAP_SEGMENT:
	case VMSTORE_OP_READ:
	case VMSTORE_OP_WRITE:
	case VMSTORE_OP_READ_FALLIBLE:
	case VMSTORE_OP_WRITE_FALLIBLE:
	case VMSTORE_OP_LIST_INSERT_AT:
	case VMSTORE_OP_LIST_PUSH_FRONT:
	case VMSTORE_OP_LIST_PUSH_BACK:
	case VMSTORE_OP_LIST_CURSOR_INSERT_BEFORE:
	case VMSTORE_OP_TLB_ISSUE_WITH:
		return 2;
	}
	return 1;
}

/* What operation k made; false when it made nothing of the kind */
static bool resolve(const struct gen_op *group, __u32 before, __u64 *id)
{
	__u64 k = *id & ~(VMSTORE_REF_FLAG | VMSTORE_REF_SECOND_FLAG);

	if (!(*id & VMSTORE_REF_FLAG))
		return true;
	if (k >= before || group[k].op.out_errno)
		return false;
	*id = *id & VMSTORE_REF_SECOND_FLAG ? group[k].op.out.segment.second :
					      group[k].op.out.id;
	return *id;
}

/* The operation as it was executed; false when a reference led nowhere */
static bool resolve_op(struct gen_op *group, __u32 i)
{
	struct vmstore_op *op = &group[i].op;
	__u64 *ids = (__u64 *)group[i].data;
	bool good = true;
	unsigned int k;

	for (k = 0; k < nr_ids(op->opcode); k++)
		good &= resolve(group, i, &op->arg.raw[k]);
	if (links_takes_frames(op->opcode))
		for (k = 0; k < group[i].len / sizeof(*ids); k++)
			good &= resolve(group, i, &ids[k]);
	return good;
}

/* --- the log ------------------------------------------------------------------------- */

static void log_add(struct log *log, const struct gen_op *o)
{
	struct logged *entry;

	if (log->nr == log->room) {
		log->room = log->room ? 2 * log->room : 1024;
		log->ops = realloc(log->ops, log->room * sizeof(*log->ops));
		if (!log->ops)
			abort();
	}
	entry = &log->ops[log->nr++];
	*entry = (struct logged) { .op = o->op, .len = o->len };
	if (!o->len)
		return;
	entry->data = malloc(o->len);
	if (!entry->data)
		abort();
	memcpy(entry->data, o->data, o->len);
}

void log_free(struct log *log)
{
	size_t i;

	for (i = 0; i < log->nr; i++)
		free(log->ops[i].data);
	free(log->ops);
	log->ops = NULL;
	log->nr = 0;
	log->room = 0;
}

/* --- running ------------------------------------------------------------------------- */

static bool dangling(struct lockstep *l, const struct vmstore_op *op)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(op->out.raw); i++)
		if (op->out.raw[i] || op->out_errno != -EINVAL) {
			snprintf(l->diff.text, sizeof(l->diff.text),
				 "%s: a reference to nothing, and errno %d",
				 orc_op_name(op->opcode), op->out_errno);
			return false;
		}
	return true;
}

bool lockstep_run(struct lockstep *l, struct gen_op *group, __u32 nr, struct log *log,
		  struct lockstep_table *table)
{
	struct vmstore_op ops[GEN_MAX_GROUP];
	__u32 i;
	int err;

	for (i = 0; i < nr; i++)
		ops[i] = group[i].op;
	err = device_run(&l->device, ops, nr);
	if (err) {
		snprintf(l->diff.text, sizeof(l->diff.text), "VMSTORE_RUN: %s", strerror(-err));
		return false;
	}
	for (i = 0; i < nr; i++) {
		struct vmstore_op *op = &group[i].op;
		__u32 failed = -ops[i].out_errno;

		op->out_errno = ops[i].out_errno;
		op->out = ops[i].out;
		if (table && failed < LOCKSTEP_ERRNOS)
			table->count[op->opcode][failed]++;
		if (!resolve_op(group, i)) {
			if (!dangling(l, op))
				return false;
			continue;
		}
		if (log)
			log_add(log, &group[i]);
		if (!l->judge(l->s, op, &l->diff))
			return false;
	}
	return true;
}
