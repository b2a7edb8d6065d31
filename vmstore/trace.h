/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace events: /sys/kernel/tracing/events/vmstore. Physical addresses are offsets into
 * the region, as everywhere; no kernel pointer and no machine address is in any of them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vmstore

#if !defined(VMS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VMS_TRACE_H

#include <linux/tracepoint.h>
#include <linux/vmstore.h>

#define VMS_TRACE_NAME		24	/* of an operation or clause, longest */

/* An operation begins; @arg is the first word of its arguments: an id, mostly */
TRACE_EVENT(vmstore_op_begin,
	TP_PROTO(const struct vmstore_op *op, const char *name),
	TP_ARGS(op, name),
	TP_STRUCT__entry(
		__array(char, name, VMS_TRACE_NAME)
		__field(u32, cpu)
		__field(u16, flags)
		__field(u64, arg)
	),
	TP_fast_assign(
		strscpy(__entry->name, name, VMS_TRACE_NAME);
		__entry->cpu = op->cpu;
		__entry->flags = op->flags;
		__entry->arg = op->arg.raw[0];
	),
	TP_printk("op=%s op_cpu=%u flags=%#x arg=%#llx", __entry->name, __entry->cpu,
		  __entry->flags, __entry->arg)
);

/* An operation is over; @id is what it made, or 0 */
TRACE_EVENT(vmstore_op_end,
	TP_PROTO(const struct vmstore_op *op, const char *name),
	TP_ARGS(op, name),
	TP_STRUCT__entry(
		__array(char, name, VMS_TRACE_NAME)
		__field(u32, cpu)
		__field(s32, err)
		__field(u64, id)
	),
	TP_fast_assign(
		strscpy(__entry->name, name, VMS_TRACE_NAME);
		__entry->cpu = op->cpu;
		__entry->err = op->out_errno;
		__entry->id = op->out_errno ? 0 : op->out.id;
	),
	TP_printk("op=%s op_cpu=%u errno=%d id=%llu", __entry->name, __entry->cpu,
		  __entry->err, __entry->id)
);

DECLARE_EVENT_CLASS(vmstore_node,
	TP_PROTO(u64 paddr, int level),
	TP_ARGS(paddr, level),
	TP_STRUCT__entry(
		__field(u64, paddr)
		__field(int, level)
	),
	TP_fast_assign(
		__entry->paddr = paddr;
		__entry->level = level;
	),
	TP_printk("paddr=%#llx level=%d", __entry->paddr, __entry->level)
);

DEFINE_EVENT(vmstore_node, vmstore_node_alloc,
	TP_PROTO(u64 paddr, int level),
	TP_ARGS(paddr, level)
);

DEFINE_EVENT(vmstore_node, vmstore_node_free,
	TP_PROTO(u64 paddr, int level),
	TP_ARGS(paddr, level)
);

/* CPUs are asked to flush; @targets has a bit for each of the first 64 */
TRACE_EVENT(vmstore_dispatch,
	TP_PROTO(u64 space, u64 targets, u32 ops, bool all),
	TP_ARGS(space, targets, ops, all),
	TP_STRUCT__entry(
		__field(u64, space)
		__field(u64, targets)
		__field(u32, ops)
		__field(bool, all)
	),
	TP_fast_assign(
		__entry->space = space;
		__entry->targets = targets;
		__entry->ops = ops;
		__entry->all = all;
	),
	TP_printk("space=%llu targets=%#llx ops=%u all=%d", __entry->space,
		  __entry->targets, __entry->ops, __entry->all)
);

/* A CPU flushes what it was asked to */
TRACE_EVENT(vmstore_ipi_flush,
	TP_PROTO(int cpu, u32 ops, bool all),
	TP_ARGS(cpu, ops, all),
	TP_STRUCT__entry(
		__field(int, cpu)
		__field(u32, ops)
		__field(bool, all)
	),
	TP_fast_assign(
		__entry->cpu = cpu;
		__entry->ops = ops;
		__entry->all = all;
	),
	TP_printk("op_cpu=%d ops=%u all=%d", __entry->cpu, __entry->ops, __entry->all)
);

/* What had been gathered was released: references of data frames, frames, nodes */
TRACE_EVENT(vmstore_reap,
	TP_PROTO(u64 refs, u64 frames, u64 nodes),
	TP_ARGS(refs, frames, nodes),
	TP_STRUCT__entry(
		__field(u64, refs)
		__field(u64, frames)
		__field(u64, nodes)
	),
	TP_fast_assign(
		__entry->refs = refs;
		__entry->frames = frames;
		__entry->nodes = nodes;
	),
	TP_printk("refs=%llu frames_freed=%llu nodes=%llu", __entry->refs, __entry->frames,
		  __entry->nodes)
);

/* A clause was found false; @kind and @object as in struct vmstore_violation */
TRACE_EVENT(vmstore_violation,
	TP_PROTO(const struct vmstore_violation *v),
	TP_ARGS(v),
	TP_STRUCT__entry(
		__array(char, clause, VMS_TRACE_NAME)
		__field(u32, kind)
		__field(u64, object)
		__field(u64, expected)
		__field(u64, found)
	),
	TP_fast_assign(
		strscpy(__entry->clause, v->clause, VMS_TRACE_NAME);
		__entry->kind = v->kind;
		__entry->object = v->object;
		__entry->expected = v->expected;
		__entry->found = v->found;
	),
	TP_printk("clause=%s kind=%u object=%#llx expected=%#llx found=%#llx",
		  __entry->clause, __entry->kind, __entry->object, __entry->expected,
		  __entry->found)
);

#endif /* VMS_TRACE_H */

/* Found through the folder of this file, which every build has among its -I */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
