// SPDX-License-Identifier: GPL-2.0-only

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../oracle/device.h"
#include "../oracle/links.h"
#include "../oracle/model.h"
#include "../oracle/shrink.h"
#include "explore.h"
#include "states.h"

#define REGION		(2 * VMSTORE_BLOCK_SIZE)
#define MMIO		(2 * VMSTORE_PAGE_SIZE)
#define MAX_COPIES	120
#define MAX_PATH	64
#define MAX_OBJECTS	256	/* of a kind, ever made on a path */
#define MAX_OPS		32768	/* of a group */
#define SPARE_NODES	4	/* that one operation may make, or skip */
#define INV_EVERY	16	/* groups between looks at the oracle's own state */

/*
 * Where kernel areas are is the module's choice, and another one in each copy. In a scene
 * area n is in the middle of the n-th of these.
 */
#define AREA_ROOM	(1ULL << 30)
#define AREA_PHASE	(2ULL << 20)	/* but for that, it matters for pages of 2 MiB */

/* A place in a path: which operation made an id */
struct maker {
	__u32 op;
	bool second;
	bool known;
};

/**
 * struct scene - a state in the model, as if it were alone in a store
 * @s: it
 * @record: its record
 * @path: records from the first operation to the last
 * @nr: how many
 * @nodes: slots the path takes for nodes, freed ones included
 * @activates: there is an activation on the path
 * @makers: of ids
 */
struct scene {
	struct orc_state *s;
	__u32 record;
	__u32 path[MAX_PATH];
	__u32 nr;
	__u32 nodes;
	bool activates;
	struct maker makers[ORC_NR_IDS][MAX_OBJECTS];
};

/* An address in an area: the operation that made it plus 1, and where from its start on */
struct in_area {
	__u32 maker;
	__u32 word;
	__u64 offset;
};

/**
 * struct copy - a state in the store, and what is run in it
 * @record: the state
 * @cpu: of its operations
 * @start: in the batch: first operation of its path
 * @moves: first operation run in the state
 * @end: behind the last one
 * @edge: there is one, and it may change the state
 * @move: that one
 * @last: newest id of each kind in the scene
 * @tag: what the list its move names has there, or gets by it
 * @part: its part of the state
 */
struct copy {
	__u32 record;
	__u32 cpu;
	__u32 start;
	__u32 moves;
	__u32 end;
	bool edge;
	struct move move;
	__u64 last[ORC_NR_IDS];
	__u64 tag;
	struct part part;
};

/**
 * struct explorer - the work
 * @d: domain
 * @judge: judges operations
 * @device: the store
 * @setup: of it
 * @config: what SETUP made of that
 * @s: what the oracle says of it
 * @states: reached
 * @going_first: on the way to the first state, which may pass one twice
 * @outcomes: counted
 * @done: what was done
 * @fixed: slots below this one hold the nodes of an empty store
 * @ballast: segment that takes all but the spare slots; 0 = none
 * @most_copies: in a group
 * @copies: of this group
 * @nr_copies: how many
 * @nodes: slots they take for nodes
 * @cpus: CPUs of their own some have; the last CPU is that of all others
 * @ops: batch of this group
 * @data: what each operation points at
 * @in_area: address in an area that each names, which is known when that was made
 * @want: the errno each has if it is there to make a state
 * @nr: how many
 * @prefix: of these, the ones that drop the group before
 * @diff: what differs
 */
struct explorer {
	const struct domain *d;
	lockstep_judge judge;
	struct device device;
	struct vmstore_setup setup;
	struct orc_config config;
	struct orc_state *s;
	struct states states;
	bool going_first;
	struct outcomes *outcomes;
	struct explored *done;
	__u32 fixed;
	__u64 ballast;
	__u32 most_copies;
	struct copy copies[MAX_COPIES];
	__u32 nr_copies;
	__u32 nodes;
	__u32 cpus;
	struct vmstore_op *ops;
	__u64 (*data)[MOVE_DATA];
	struct in_area *in_area;
	int *want;
	__u32 nr;
	__u32 prefix;
	struct orc_diff diff;
};

/* --- ids and addresses ------------------------------------------ */

static int id_kind(enum arg_what what)
{
	switch (what) {
	case ARG_FRAME:
		return ORC_FRAME;
	case ARG_SPACE:
		return ORC_SPACE;
	case ARG_CURSOR:
		return ORC_CURSOR;
	case ARG_SEGMENT:
		return ORC_SEGMENT;
	case ARG_UNIQUE:
		return ORC_UNIQUE;
	case ARG_IO:
		return ORC_IO;
	case ARG_LIST:
		return ORC_LIST;
	case ARG_KVIRT:
		return ORC_KVIRT;
	default:
		return -1;
	}
}

static __u64 window_size(const struct explorer *e)
{
	return e->d->window * VMSTORE_PAGE_SIZE;
}

/* Windows lie at the end of the region, nodes at its start */
static __u64 window_base(const struct explorer *e, __u32 copy)
{
	return e->config.first_mmio * VMSTORE_PAGE_SIZE -
	       (e->most_copies - copy) * window_size(e);
}

/* An address in the window at @from, or in the linear window over it, moved to @to */
static __u64 move_address(const struct explorer *e, __u64 x, __u64 from, __u64 to)
{
	__u64 offset = x >= VMSTORE_KERNEL_BASE ? x - VMSTORE_KERNEL_BASE : x;

	return offset >= from && offset <= from + window_size(e) ? x - from + to : x;
}

static __u64 area_in_scene(__u64 id, const struct vmstore_out_kvirt *out)
{
	return VMSTORE_KVIRT_BASE + id * AREA_ROOM + AREA_ROOM / 2 +
	       (out->huge ? out->start % AREA_PHASE : 0);
}

static const struct maker *find_maker(const struct scene *scene, int kind, __u64 id)
{
	return id < MAX_OBJECTS && scene->makers[kind][id].known ?
	       &scene->makers[kind][id] : NULL;
}

/* --- a state in the model ------------------------------------------ */

static void note_maker(struct scene *scene, __u32 op, int kind, __u64 id, bool second)
{
	if (kind >= 0 && id && id < MAX_OBJECTS)
		scene->makers[kind][id] = (struct maker) { op, second, true };
}

static void note_makers(struct scene *scene, __u32 at, const struct vmstore_op *op)
{
	int kind = id_kind(links_makes(op->opcode));

	note_maker(scene, at, kind, op->out.id, false);
	if (op->opcode == VMSTORE_OP_SEGMENT_SPLIT)
		note_maker(scene, at, kind, op->out.segment.second, true);
}

/* Slots a path's operation takes for nodes; a root may pass over one, it must be even */
static __u32 nodes_of(const struct vmstore_op *op)
{
	switch (op->opcode) {
	case VMSTORE_OP_SPACE_NEW:
		return 2;
	case VMSTORE_OP_CURSOR_OPEN:
	case VMSTORE_OP_CURSOR_OPEN_MUT:
		return op->out.open.nodes_allocated;
	case VMSTORE_OP_CURSOR_MAP:
		return op->out.map.nodes_allocated;
	case VMSTORE_OP_CURSOR_MAP_FRAMES:
	case VMSTORE_OP_CURSOR_MAP_SEGMENT:
		return op->out.map_many.nodes_allocated;
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
	case VMSTORE_OP_KVIRT_MAP_UNTRACKED:
		return op->out.kvirt.nodes_allocated;
	case VMSTORE_OP_KVIRT_UNMAP_RANGE:
		return op->out.kvirt_unmap.split;
	case VMSTORE_OP_KVIRT_PROTECT_RANGE:
		return op->out.kvirt_protect.split;
	}
	return 0;
}

static bool scene_set(struct explorer *e, struct scene *scene, __u32 record)
{
	const struct record *records = e->states.records;
	__u32 i = record, k;

	scene->record = record;
	scene->nr = 0;
	scene->nodes = 0;
	scene->activates = false;
	memset(scene->makers, 0, sizeof(scene->makers));
	for (; records[i].parent != i; i = records[i].parent)
		scene->path[scene->nr++] = i;
	for (k = 0; k < scene->nr / 2; k++) {
		i = scene->path[k];
		scene->path[k] = scene->path[scene->nr - 1 - k];
		scene->path[scene->nr - 1 - k] = i;
	}
	scene->s = orc_new(&e->config);
	for (k = 0; k < scene->nr; k++) {
		struct move *move = &e->states.records[scene->path[k]].move;

		links_point(&move->op, move->data);
		if (!e->judge(scene->s, &move->op, &e->diff))
			return false;
		note_makers(scene, k, &move->op);
		scene->nodes += nodes_of(&move->op);
		scene->activates |= move->op.opcode == VMSTORE_OP_SPACE_ACTIVATE;
	}
	return true;
}

/* --- the batch ------------------------------------------ */

static struct vmstore_op *emit(struct explorer *e, __u16 opcode)
{
	struct vmstore_op *op = &e->ops[e->nr];

	e->in_area[e->nr].maker = 0;
	e->want[e->nr++] = 0;
	memset(op, 0, sizeof(*op));
	op->opcode = opcode;
	return op;
}

static void emit_id(struct explorer *e, __u16 opcode, __u64 id)
{
	emit(e, opcode)->arg.id.id = id;
}

static __u64 as_reference(const struct scene *scene, __u32 start, int kind, __u64 id)
{
	const struct maker *maker = find_maker(scene, kind, id);

	if (!maker)
		return id;
	return maker->second ? VMSTORE_REF_SECOND(start + maker->op) :
			       VMSTORE_REF(start + maker->op);
}

/* Does the word name an address in an area of the scene? Then it is found out later */
static struct in_area find_in_area(const struct explorer *e, const struct scene *scene,
				   __u32 start, __u32 word, __u64 va)
{
	__u64 id = (va - VMSTORE_KVIRT_BASE) / AREA_ROOM;
	const struct vmstore_op *made;
	const struct maker *maker;

	if (va < VMSTORE_KVIRT_BASE || va >= VMSTORE_KVIRT_END)
		return (struct in_area) {};
	maker = find_maker(scene, ORC_KVIRT, id);
	if (!maker)
		return (struct in_area) {};
	made = &e->states.records[scene->path[maker->op]].move.op;
	return (struct in_area) {
		.maker = start + maker->op + 1,
		.word = word,
		.offset = va - made->out.kvirt.start,
	};
}

/* An operation of the scene, for a copy */
static void emit_move(struct explorer *e, const struct scene *scene, const struct move *move,
		      const struct copy *copy)
{
	__u64 from = window_base(e, 0), to = copy->part.base;
	struct in_area *in_area = &e->in_area[e->nr];
	struct vmstore_op *op = &e->ops[e->nr];
	__u64 *data = e->data[e->nr];
	unsigned int w;

	in_area->maker = 0;
	e->want[e->nr++] = move->op.out_errno;
	*op = move->op;
	memset(&op->out, 0, sizeof(op->out));
	op->out_errno = 0;
	if (!op->cpu)
		op->cpu = copy->cpu;
	for (w = 0; w < LINKS_MAX; w++) {
		enum arg_what what = links_arg(op->opcode, w);
		int kind = id_kind(what);

		if (kind >= 0)
			op->arg.raw[w] = as_reference(scene, copy->start, kind, op->arg.raw[w]);
		else if (what == ARG_PADDR || what == ARG_LINEAR)
			op->arg.raw[w] = move_address(e, op->arg.raw[w], from, to);
		if (what == ARG_LINEAR)
			*in_area = find_in_area(e, scene, copy->start, w, op->arg.raw[w]);
	}
	memcpy(data, move->data, sizeof(move->data));
	if (links_takes_frames(op->opcode))
		for (w = 0; w < move->len / sizeof(*data); w++)
			data[w] = as_reference(scene, copy->start, ORC_FRAME, data[w]);
	links_point(op, data);
}

/* Drop everything but the ballast */
static void emit_teardown(struct explorer *e)
{
	const struct orc_segment *seg;
	const struct orc_cursor *c;
	const struct orc_kvirt *area;
	const struct orc_space *space;
	const struct orc_unique *u;
	const struct orc_frame *f;
	const struct orc_list *l;
	const struct orc_io *io;

	orc_for_each(l, &e->s->lists) {
		if (l->cursor)
			emit_id(e, VMSTORE_OP_LIST_CURSOR_DROP, l->id);
		emit_id(e, VMSTORE_OP_LIST_DROP, l->id);
	}
	orc_for_each(io, &e->s->ios)
		emit_id(e, io->writer ? VMSTORE_OP_WRITER_DROP : VMSTORE_OP_READER_DROP,
			io->id);
	orc_for_each(c, &e->s->cursors)
		emit_id(e, VMSTORE_OP_CURSOR_DROP, c->id);
	orc_for_each(area, &e->s->kvirts)
		emit_id(e, VMSTORE_OP_KVIRT_DROP, area->id);
	orc_for_each(space, &e->s->spaces)
		if (space->active)
			emit(e, VMSTORE_OP_SPACE_ACTIVATE)->cpu =
				__builtin_ctzll(space->active);
	orc_for_each(space, &e->s->spaces)
		emit_id(e, VMSTORE_OP_SPACE_DROP, space->id);
	orc_for_each(seg, &e->s->segments)
		if (seg->id != e->ballast)
			emit_id(e, VMSTORE_OP_SEGMENT_DROP, seg->id);
	orc_for_each(u, &e->s->uniques)
		emit_id(e, VMSTORE_OP_UNIQUE_DROP, u->id);
	orc_for_each(f, &e->s->frames)
		emit_id(e, VMSTORE_OP_FRAME_DROP, f->id);
	emit(e, VMSTORE_OP_REAP);
}

/*
 * The search for a free slot goes on from where the last one ended. Take it back to the
 * start of the region, or nodes would some time be where windows are.
 */
static void emit_rewind(struct explorer *e)
{
	__u32 segment = e->nr;
	struct vmstore_op *op = emit(e, VMSTORE_OP_SEGMENT_FROM_UNUSED);

	/* But for one */
	op->arg.range.start = (e->fixed + 1) * VMSTORE_PAGE_SIZE;
	op->arg.range.end = e->config.first_mmio * VMSTORE_PAGE_SIZE;
	emit(e, VMSTORE_OP_FRAME_ALLOC);
	emit_id(e, VMSTORE_OP_SEGMENT_DROP, VMSTORE_REF(segment));
	emit_id(e, VMSTORE_OP_FRAME_DROP, VMSTORE_REF(segment + 1));
}

static void group_begin(struct explorer *e)
{
	e->nr = 0;
	e->nr_copies = 0;
	e->nodes = 0;
	e->cpus = 0;
	emit_teardown(e);
	if (!e->ballast)
		emit_rewind(e);
	e->prefix = e->nr;
}

/* --- running ------------------------------------------ */

/* What a reference leads to, if that is an operation before number @limit */
static void resolve(const struct explorer *e, __u32 limit, __u64 *id)
{
	__u64 k = *id & ~(VMSTORE_REF_FLAG | VMSTORE_REF_SECOND_FLAG);
	const struct vmstore_op *made = &e->ops[k];

	if (!(*id & VMSTORE_REF_FLAG) || k >= limit)
		return;
	*id = *id & VMSTORE_REF_SECOND_FLAG ? made->out.segment.second : made->out.id;
}

static void resolve_op(const struct explorer *e, __u32 at, __u32 limit)
{
	struct vmstore_op *op = &e->ops[at];
	unsigned int w;

	for (w = 0; w < LINKS_MAX; w++)
		if (id_kind(links_arg(op->opcode, w)) >= 0)
			resolve(e, limit, &op->arg.raw[w]);
	for (w = 0; links_takes_frames(op->opcode) && w < MOVE_DATA; w++)
		resolve(e, limit, &e->data[at][w]);
}

/* References count from the first operation of the batch */
static void shift_op(const struct explorer *e, __u32 at, __u64 by)
{
	struct vmstore_op *op = &e->ops[at];
	unsigned int w;

	for (w = 0; w < LINKS_MAX; w++)
		if (id_kind(links_arg(op->opcode, w)) >= 0 &&
		    op->arg.raw[w] & VMSTORE_REF_FLAG)
			op->arg.raw[w] += by;
	for (w = 0; links_takes_frames(op->opcode) && w < MOVE_DATA; w++)
		if (e->data[at][w] & VMSTORE_REF_FLAG)
			e->data[at][w] += by;
}

/* Operations [from, to) in one go; references are ids afterwards */
static int run_part(struct explorer *e, __u32 from, __u32 to)
{
	__u32 i;
	int err;

	for (i = from; i < to; i++) {
		resolve_op(e, i, from);
		shift_op(e, i, -(__u64)from);
	}
	err = device_run(&e->device, e->ops + from, to - from);
	for (i = from; i < to; i++) {
		shift_op(e, i, from);
		resolve_op(e, i, to);
	}
	return err;
}

/* All of the batch, as far as the addresses it names are known */
static int run_batch(struct explorer *e)
{
	__u32 from = 0, i;
	int err;

	for (i = 0; i < e->nr; i++) {
		const struct in_area *in_area = &e->in_area[i];

		if (!in_area->maker)
			continue;
		if (in_area->maker > from) {
			err = run_part(e, from, i);
			if (err)
				return err;
			from = i;
		}
		e->ops[i].arg.raw[in_area->word] =
			e->ops[in_area->maker - 1].out.kvirt.start + in_area->offset;
	}
	return run_part(e, from, e->nr);
}

/* --- judging ------------------------------------------ */

static bool judge(struct explorer *e, __u32 at)
{
	return e->judge(e->s, &e->ops[at], &e->diff);
}

static void differ(struct explorer *e, const char *what, int err)
{
	snprintf(e->diff.text, sizeof(e->diff.text), "%s: %s", what, strerror(-err));
}

/* What makes a state must go as it went before */
static bool judge_again(struct explorer *e, __u32 at)
{
	if (!judge(e, at))
		return false;
	if (e->ops[at].out_errno == e->want[at])
		return true;
	snprintf(e->diff.text, sizeof(e->diff.text), "%s: errno %d this time, not %d",
		 orc_op_name(e->ops[at].opcode), -e->ops[at].out_errno, -e->want[at]);
	return false;
}

static bool is_empty(const struct explorer *e)
{
	const struct orc_state *s = e->s;

	return !s->frames.nr && !s->uniques.nr && !s->spaces.nr && !s->cursors.nr &&
	       !s->ios.nr && !s->lists.nr && !s->kvirts.nr &&
	       s->segments.nr == !!e->ballast;
}

static void count_outcome(struct explorer *e, const struct vmstore_op *op)
{
	__u32 err = -op->out_errno;

	e->done->edges++;
	if (op->opcode < __VMSTORE_OP_MAX && err < OUTCOME_ERRNOS)
		e->outcomes->count[op->opcode][err]++;
}

/* Is a tag part of the outcome? */
static bool tells_tag(__u16 opcode)
{
	return links_arg(opcode, 0) == ARG_LIST && opcode != VMSTORE_OP_LIST_DROP;
}

/* What a list has as a tag after a move, alone: tags without gaps, too */
static __u64 tag_after(const struct orc_state *s, const struct vmstore_op *op)
{
	const struct orc_list *l = tells_tag(op->opcode) ?
				   orc_find(&s->lists, op->arg.id.id) : NULL;

	if (!l || l->tag || links_arg(op->opcode, 1) != ARG_UNIQUE)
		return l ? l->tag : 0;
	return s->last_tag + 1;
}

/* An address in an area of the copy as it is in a scene */
static __u64 scene_address(const struct explorer *e, const struct copy *copy, __u64 x)
{
	__u64 id = 0, found = x;
	__u32 i;

	if (x < VMSTORE_KVIRT_BASE || x >= VMSTORE_KVIRT_END)
		return x;
	for (i = copy->start; i <= copy->moves; i++) {
		const struct vmstore_out_kvirt *out = &e->ops[i].out.kvirt;

		if (links_makes(e->ops[i].opcode) != ARG_KVIRT || e->ops[i].out_errno)
			continue;
		id++;
		if (x >= out->start && x <= out->end)
			found = area_in_scene(id, out) + x - out->start;
	}
	return found;
}

/* Which nodes there were before is not the scene's business */
static void forget_nodes(struct vmstore_op *op)
{
	switch (op->opcode) {
	case VMSTORE_OP_KVIRT_MAP_FRAMES:
	case VMSTORE_OP_KVIRT_MAP_UNTRACKED:
		/* There it crosses no boundary that it might cross here */
		if (!op->out.kvirt.huge && op->out.kvirt.nodes_allocated > 2)
			op->out.kvirt.nodes_allocated = 2;
		else if (op->out.kvirt.nodes_allocated &&
			 op->out.kvirt.start / AREA_ROOM != op->out.kvirt.end / AREA_ROOM)
			op->out.kvirt.nodes_allocated--;
		break;
	case VMSTORE_OP_KVIRT_DROP:
	case VMSTORE_OP_KVIRT_UNMAP_RANGE:
		op->out.kvirt_unmap.nodes = 0;
		break;
	}
}

/* The outcome of a move as if it had run alone: ids without gaps from 1 on, window 0 */
static struct vmstore_op alone(const struct explorer *e, const struct copy *copy)
{
	const struct vmstore_op *ran = &e->ops[copy->moves];
	struct vmstore_op op = copy->move.op;
	int kind = id_kind(links_makes(op.opcode));
	unsigned int w;

	op.out_errno = ran->out_errno;
	op.out = ran->out;
	forget_nodes(&op);
	/* Virtual addresses of a domain are no addresses of the region */
	for (w = 0; w < sizeof(op.out) / sizeof(__u64); w++)
		op.out.raw[w] = scene_address(e, copy,
					      move_address(e, op.out.raw[w], copy->part.base,
							   window_base(e, 0)));
	if (kind >= 0 && ran->out.id)
		op.out.id = copy->last[kind] + 1;
	if (op.opcode == VMSTORE_OP_SEGMENT_SPLIT && !op.out_errno)
		op.out.segment.second = copy->last[kind] + 2;
	if (tells_tag(op.opcode) && !op.out_errno)
		op.out.list.tag = copy->tag;
	/* There all is done on the first CPU */
	if (op.opcode == VMSTORE_OP_TLB_DISPATCH)
		op.out.tlb.asked = !!op.out.tlb.asked;
	return op;
}

/* The state after the edge: known, to be explored, or over the limits */
static void arrive(struct explorer *e, const struct copy *copy, __u64 hash)
{
	__u32 depth = e->states.records[copy->record].depth + 1;
	struct record *record;

	if (states_add(&e->states, hash))
		e->done->states++;
	else if (!e->going_first)
		return;
	if (!part_within(&copy->part, &e->d->limits)) {
		e->done->outside++;
		return;
	}
	record = states_record(&e->states, copy->record, depth, hash);
	record->move = copy->move;
	record->move.op = alone(e, copy);
	/* What was read */
	if (links_makes(copy->move.op.opcode) == ARG_NUMBER &&
	    !links_takes_frames(copy->move.op.opcode))
		memcpy(record->move.data, e->data[copy->moves], sizeof(record->move.data));
}

static bool judge_copy(struct explorer *e, struct copy *copy, __u32 *at)
{
	__u64 hash;

	memcpy(copy->part.since, e->s->last, sizeof(copy->part.since));
	for (*at = copy->start; *at < copy->moves; ++*at)
		if (!judge_again(e, *at))
			return false;
	for (; *at < copy->end; ++*at) {
		if (!judge(e, *at))
			return false;
		count_outcome(e, &e->ops[*at]);
	}
	--*at;
	hash = part_hash(&copy->part);
	if (copy->edge) {
		copy->move.op.out_errno = e->ops[copy->moves].out_errno;
		arrive(e, copy, hash);
		return true;
	}
	e->done->loops += copy->end - copy->moves;
	if (hash == e->states.records[copy->record].hash)
		return true;
	snprintf(e->diff.text, sizeof(e->diff.text),
		 "an operation that must leave the state as it is changes it");
	return false;
}

/* Nodes of the kernel half are the store's, and stay when areas go */
static void find_fixed(struct explorer *e, const struct orc_dump *dump)
{
	const struct vmstore_rec_node *node = dump->rec[VMSTORE_DUMP_NODES];
	size_t i;

	for (i = 0; i < dump->nr[VMSTORE_DUMP_NODES]; i++)
		if (!node[i].space && node[i].paddr / VMSTORE_PAGE_SIZE >= e->fixed)
			e->fixed = node[i].paddr / VMSTORE_PAGE_SIZE + 1;
}

/* Dump against oracle, invariant from nothing */
static bool check(struct explorer *e)
{
	struct orc_dump dump = {};
	int err = device_dump(&e->device, &dump);

	if (err) {
		differ(e, "VMSTORE_DUMP", err);
		return false;
	}
	e->done->checks++;
	find_fixed(e, &dump);
	return orc_compare(e->s, &dump, &e->diff) && !device_check(&e->device, &e->diff) &&
	       (e->done->checks % INV_EVERY || orc_inv(e->s, &e->diff));
}

/* --- the store ------------------------------------------ */

static bool take_ballast(struct explorer *e)
{
	struct vmstore_op op = { .opcode = VMSTORE_OP_SEGMENT_FROM_UNUSED };

	if (!e->d->spare)
		return true;
	op.arg.range.start = (e->fixed + e->d->spare) * VMSTORE_PAGE_SIZE;
	op.arg.range.end = window_base(e, 0);
	if (device_run(&e->device, &op, 1) || op.out_errno || !orc_apply(e->s, &op, &e->diff)) {
		printf("# %s: no ballast: %d %s\n", e->d->name, op.out_errno, e->diff.text);
		return false;
	}
	e->ballast = op.out.id;
	return true;
}

static bool explorer_open(struct explorer *e)
{
	int err = device_open(&e->device, &e->setup, &e->config);

	if (err) {
		printf("# no store: %s\n", strerror(-err));
		return false;
	}
	e->most_copies = e->d->spare ? 1 : MAX_COPIES;
	e->s = orc_new(&e->config);
	if (!check(e)) {
		printf("# a new store: %s\n", e->diff.text);
		return false;
	}
	return take_ballast(e);
}

static void explorer_close(struct explorer *e)
{
	device_close(&e->device);
	orc_free(e->s);
}

/* --- telling ------------------------------------------ */

/* The path of a copy, and what was run in it up to @at, alone on a store */
static void print_script(struct explorer *e, const struct copy *copy, __u32 at)
{
	struct log log = { .setup = e->setup };
	__u32 i = copy->record, nr = 0, path[MAX_PATH], k;

	for (; e->states.records[i].parent != i; i = e->states.records[i].parent)
		path[nr++] = i;
	log.ops = calloc(nr + 1, sizeof(*log.ops));
	if (!log.ops)
		abort();
	while (nr--) {
		struct move *move = &e->states.records[path[nr]].move;

		log.ops[log.nr++] = (struct logged) {
			move->op, move->len ? (__u8 *)move->data : NULL, move->len,
		};
	}
	if (copy->edge)
		log.ops[log.nr++] = (struct logged) {
			copy->move.op, copy->move.len ? (__u8 *)copy->move.data : NULL,
			copy->move.len,
		};
	script_print(&log, stdout, "#   ");
	if (!copy->edge)
		for (k = copy->moves; k <= at; k++)
			printf("#   then %s %#llx %#llx %#llx -> %d\n",
			       orc_op_name(e->ops[k].opcode), e->ops[k].arg.raw[0],
			       e->ops[k].arg.raw[1], e->ops[k].arg.raw[2], e->ops[k].out_errno);
	free(log.ops);
}

/* --- groups ------------------------------------------ */

/* Run the group and look at it; @where and @at say which copy and operation fails */
static bool group_try(struct explorer *e, struct copy **where, __u32 *at)
{
	int err = run_batch(e);
	__u32 k;

	*where = NULL;
	if (err) {
		differ(e, "VMSTORE_RUN", err);
		return false;
	}
	e->done->ops += e->nr;
	for (*at = 0; *at < e->prefix; ++*at)
		if (!judge_again(e, *at))
			return false;
	if (!is_empty(e)) {
		snprintf(e->diff.text, sizeof(e->diff.text), "the store is not empty");
		return false;
	}
	for (k = 0; k < e->nr_copies; k++)
		if (!judge_copy(e, &e->copies[k], at)) {
			*where = &e->copies[k];
			return false;
		}
	return check(e);
}

static bool group_has_room(const struct explorer *e, const struct scene *scene, __u32 nr)
{
	__u32 nodes = e->fixed + e->nodes + scene->nodes + SPARE_NODES;

	return e->nr_copies < e->most_copies && e->nr + scene->nr + nr <= MAX_OPS &&
	       e->cpus + 1 < e->config.nr_cpus &&
	       (e->ballast || nodes * VMSTORE_PAGE_SIZE <= window_base(e, 0));
}

static void group_put(struct explorer *e, const struct scene *scene, const struct move *moves,
		      const __u32 *which, __u32 nr, bool edge)
{
	struct copy *copy;
	__u32 i;

	copy = &e->copies[e->nr_copies];
	*copy = (struct copy) {
		.record = scene->record,
		.cpu = e->config.nr_cpus - 1,
		.start = e->nr,
		.edge = edge,
		.part.s = e->s,
		.part.base = window_base(e, e->nr_copies),
		.part.end = window_base(e, e->nr_copies) + window_size(e),
		.part.device = e->config.first_mmio * VMSTORE_PAGE_SIZE,
	};
	memcpy(copy->last, scene->s->last, sizeof(copy->last));
	if (edge) {
		copy->move = moves[which[0]];
		copy->tag = tag_after(scene->s, &copy->move.op);
	}
	if (scene->activates || (edge && copy->move.op.opcode == VMSTORE_OP_SPACE_ACTIVATE))
		copy->cpu = e->cpus++;
	e->nr_copies++;
	e->nodes += scene->nodes + SPARE_NODES;
	for (i = 0; i < scene->nr; i++)
		emit_move(e, scene, &e->states.records[scene->path[i]].move, copy);
	copy->moves = e->nr;
	for (i = 0; i < nr; i++)
		emit_move(e, scene, &moves[which[i]], copy);
	copy->end = e->nr;
}

/* A store of its own for one edge: does it fail there, too? */
static bool fails_alone(struct explorer *e, const struct copy *copy)
{
	struct explorer *x = malloc(sizeof(*x));
	struct scene *scene = calloc(1, sizeof(*scene));
	const __u32 which = 0;
	struct explored done = {};
	struct copy *where;
	bool fails = false;
	__u32 at;

	if (!x || !scene)
		abort();
	*x = *e;
	x->s = NULL;
	x->done = &done;
	x->ballast = 0;
	x->fixed = 0;
	if (explorer_open(x) && scene_set(x, scene, copy->record)) {
		group_begin(x);
		group_put(x, scene, &copy->move, &which, 1, true);
		fails = !group_try(x, &where, &at);
	}
	/* They may have moved */
	e->states = x->states;
	explorer_close(x);
	orc_free(scene->s);
	free(scene);
	free(x);
	return fails;
}

static void tell(struct explorer *e, const struct copy *where, __u32 at)
{
	__u32 k;

	printf("# %s: %s\n", e->d->name, e->diff.text);
	for (k = 0; !where && k < e->nr_copies; k++)
		if (e->copies[k].edge && fails_alone(e, &e->copies[k]))
			where = &e->copies[k];
	if (where)
		print_script(e, where, at);
	else
		printf("# no edge of the group fails alone\n");
}

static bool group_run(struct explorer *e)
{
	struct copy *where;
	__u32 at;

	if (!e->nr_copies)
		return true;
	if (!group_try(e, &where, &at)) {
		tell(e, where, at);
		return false;
	}
	group_begin(e);
	return true;
}

/* One more copy of the scene, with these moves; room is made for it */
static bool group_add(struct explorer *e, const struct scene *scene, const struct move *moves,
		      const __u32 *which, __u32 nr, bool edge)
{
	if (!group_has_room(e, scene, nr) && !group_run(e))
		return false;
	group_put(e, scene, moves, which, nr, edge);
	return true;
}

/* --- exploring ------------------------------------------ */

/* Is nothing mapped in the part of an area? */
static bool part_is_empty(const struct orc_state *s, const struct vmstore_arg_kvirt_range *arg)
{
	const struct orc_kvirt *area = orc_find(&s->kvirts, arg->area);
	__u64 at;

	for (at = arg->offset; area && at < arg->offset + arg->len; at += VMSTORE_PAGE_SIZE)
		if (orc_kvirt_leaf(area, area->start + at))
			return false;
	return true;
}

/* Is there no frame that a query would make a handle of? */
static bool query_makes_nothing(const struct orc_state *s,
				const struct vmstore_arg_kvirt_addr *arg)
{
	const struct orc_kvirt *area = orc_find(&s->kvirts, arg->area);
	const struct orc_leaf *leaf = area ? orc_kvirt_leaf(area, arg->addr) : NULL;

	return !leaf || !orc_tracked(s, leaf);
}

/* May the cursor have flush requests? */
static bool has_pending(const struct orc_state *s, __u64 cursor)
{
	const struct orc_cursor *c = orc_find(&s->cursors, cursor);

	return c && c->pending > 1;
}

static bool any_pending(const struct orc_state *s)
{
	const struct orc_cursor *c;

	orc_for_each(c, &s->cursors)
		if (c->pending > 1)
			return true;
	return false;
}

/* Successes that change nothing that part_hash() looks at */
static bool only_looks(const struct orc_state *s, const struct vmstore_op *op)
{
	const struct orc_cursor *c;
	const struct orc_space *space;

	switch (op->opcode) {
	case VMSTORE_OP_CURSOR_QUERY:
		return op->flags & VMSTORE_OPF_PEEK;
	case VMSTORE_OP_CURSOR_FIND_NEXT:
		return !op->arg.len.len;
	case VMSTORE_OP_CURSOR_UNMAP:
		return !op->arg.len.len && (op->flags & VMSTORE_OPF_DEFER ||
					    !has_pending(s, op->arg.len.cursor));
	case VMSTORE_OP_TLB_ISSUE:
		return has_pending(s, op->arg.flush.cursor);
	case VMSTORE_OP_TLB_DISPATCH:
	case VMSTORE_OP_CURSOR_FLUSH:
		return !has_pending(s, op->arg.id.id);
	case VMSTORE_OP_REAP:
		return !any_pending(s);
	case VMSTORE_OP_CURSOR_PROTECT_NEXT:
		return !op->arg.protect.len;
	case VMSTORE_OP_CURSOR_JUMP:
		c = orc_find(&s->cursors, op->arg.jump.cursor);
		return c && c->va == op->arg.jump.va;
	case VMSTORE_OP_SPACE_ACTIVATE:
		orc_for_each(space, &s->spaces)
			if (space->active)
				return space->id == op->arg.id.id;
		return !op->arg.id.id;
	case VMSTORE_OP_CURSOR_VADDR:
	case VMSTORE_OP_ACCESS:
	case VMSTORE_OP_TLB_SYNC:
	case VMSTORE_OP_TLB_FLUSH_LOCAL:
	case VMSTORE_OP_READER_QUERY:
	case VMSTORE_OP_WRITER_QUERY:
		return true;
	case VMSTORE_OP_READER_SKIP:
	case VMSTORE_OP_WRITER_SKIP:
	case VMSTORE_OP_WRITER_FILL_ZEROS:
		return !op->arg.io_len.n;
	case VMSTORE_OP_KVIRT_QUERY:
		return op->flags & VMSTORE_OPF_PEEK ||
		       query_makes_nothing(s, &op->arg.kvirt_addr);
	case VMSTORE_OP_KVIRT_UNMAP_RANGE:
	case VMSTORE_OP_KVIRT_PROTECT_RANGE:
		/* The part is at the same place in both */
		return part_is_empty(s, &op->arg.kvirt_range);
	}
	return false;
}

/* A fault in the middle moves these on [5.3] */
static bool stays_when_refused(const struct vmstore_op *op, int err)
{
	return err != -EFAULT || (op->opcode != VMSTORE_OP_WRITER_FILL_ZEROS &&
				 op->opcode != VMSTORE_OP_READ_FALLIBLE &&
				 op->opcode != VMSTORE_OP_WRITE_FALLIBLE);
}

static bool stays(const struct scene *scene, struct move *move)
{
	int err;

	links_point(&move->op, move->data);
	err = orc_refused(scene->s, &move->op);
	return err ? stays_when_refused(&move->op, err) : only_looks(scene->s, &move->op);
}

static bool expand(struct explorer *e, __u32 record, struct scene *scene, struct menu *menu)
{
	__u32 *loops, nr = 0, i;
	bool ok = false;

	if (!scene_set(e, scene, record)) {
		printf("# %s: a state alone: %s\n", e->d->name, e->diff.text);
		orc_free(scene->s);
		return false;
	}
	menu_make(menu, e->d, scene->s, window_base(e, 0));
	loops = calloc(menu->nr, sizeof(*loops));
	if (!loops)
		abort();
	for (i = 0; i < menu->nr; i++) {
		if (stays(scene, &menu->moves[i]))
			loops[nr++] = i;
		else if (!group_add(e, scene, menu->moves, &i, 1, true))
			goto out;
	}
	ok = !nr || group_add(e, scene, menu->moves, loops, nr, false);
	e->done->expanded++;
out:
	free(loops);
	orc_free(scene->s);
	return ok;
}

/* In a domain's description frames are numbers */
static void place_in_window(const struct explorer *e, struct vmstore_op *op, unsigned int w)
{
	__u64 paddr = window_base(e, 0) + op->arg.raw[w] * VMSTORE_PAGE_SIZE;

	if (links_arg(op->opcode, w) == ARG_PADDR)
		op->arg.raw[w] = paddr;
	if (links_arg(op->opcode, w) == ARG_LINEAR)
		op->arg.raw[w] = VMSTORE_KERNEL_BASE + paddr;
}

/* And device memory begins at 0 */
static void place_device(const struct explorer *e, struct vmstore_op *op)
{
	__u64 device = e->config.first_mmio * VMSTORE_PAGE_SIZE;

	if (op->opcode != VMSTORE_OP_KVIRT_MAP_UNTRACKED)
		return;
	op->arg.kvirt_untracked.start += device;
	op->arg.kvirt_untracked.end += device;
}

/* The operations that lead to the first state: each is an edge that must succeed */
static bool go_first(struct explorer *e, struct scene *scene)
{
	const __u32 which = 0;
	__u32 i, at = 0;

	e->going_first = true;
	for (i = 0; i < e->d->nr_first; i++) {
		struct move move = { .op = e->d->first[i] };
		__u32 known = e->states.nr;
		unsigned int w;
		bool ok;

		for (w = 0; w < LINKS_MAX; w++)
			place_in_window(e, &move.op, w);
		place_device(e, &move.op);
		ok = scene_set(e, scene, at) && group_add(e, scene, &move, &which, 1, true) &&
		     group_run(e);
		orc_free(scene->s);
		if (!ok)
			return false;
		if (e->states.nr != known + 1) {
			printf("# %s: operation %u of those that lead to the first state\n",
			       e->d->name, i);
			return false;
		}
		at = known;
		e->states.records[at].depth = 0;
	}
	e->going_first = false;
	return true;
}

static bool go_all(struct explorer *e, __u64 most, struct scene *scene, struct menu *menu)
{
	__u32 next = e->states.nr - 1, depth = 0;

	for (;; next++) {
		if (next == e->states.nr && !group_run(e))
			return false;
		if (next == e->states.nr) {
			e->done->fixpoint = true;
			e->done->depth = depth + 1;
			return true;
		}
		if (e->states.records[next].depth > depth) {
			/* What is still in the group belongs to the depth before */
			if (!group_run(e))
				return false;
			depth = e->states.records[next].depth;
			e->done->depth = depth;
			if (depth == e->d->depth || e->done->states >= most)
				return true;
		}
		if (!expand(e, next, scene, menu))
			return false;
	}
}

bool explore(const struct domain *d, const struct explore_config *config,
	     struct outcomes *outcomes, struct explored *done)
{
	struct explorer *e = calloc(1, sizeof(*e));
	struct scene *scene = malloc(sizeof(*scene));
	struct part empty = {};
	struct menu menu = {};
	struct record *root;
	bool ok = false;

	if (!e || !scene)
		abort();
	memset(done, 0, sizeof(*done));
	e->d = d;
	e->judge = config->judge;
	e->outcomes = outcomes;
	e->done = done;
	e->setup = (struct vmstore_setup) {
		.region_size = REGION,
		.mmio_size = d->device ?: MMIO,
		.machine = config->machine,
		.nr_cpus = config->machine == VMSTORE_MACHINE_SOFT ? 64 : 0,
		.check_mode = config->mode,
	};
	e->ops = calloc(MAX_OPS, sizeof(*e->ops));
	e->data = calloc(MAX_OPS, sizeof(*e->data));
	e->in_area = calloc(MAX_OPS, sizeof(*e->in_area));
	e->want = calloc(MAX_OPS, sizeof(*e->want));
	if (!e->ops || !e->data || !e->in_area || !e->want)
		abort();
	if (explorer_open(e)) {
		empty.s = e->s;
		memcpy(empty.since, e->s->last, sizeof(empty.since));
		root = states_record(&e->states, 0, 0, part_hash(&empty));
		states_add(&e->states, root->hash);
		done->states = 1;
		group_begin(e);
		ok = go_first(e, scene) && go_all(e, config->most, scene, &menu);
	}
	explorer_close(e);
	states_free(&e->states);
	free(menu.moves);
	free(e->ops);
	free(e->data);
	free(e->in_area);
	free(e->want);
	free(scene);
	free(e);
	return ok;
}
