// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLB litmus tests: which outcomes are possible
 *
 * An operation is a few steps that are atomic. A state is everything that can make a
 * difference; all states that can be reached are visited, each once.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "litmus_explore.h"

#define MAX_STEPS	64
#define MAX_TABLES	12
#define MAX_STATES	(1UL << 21)

/* Whose flush requests a step speaks of, if not a cursor's */
#define OWN_CURSORS	(-1)
#define ALL_CURSORS	(-2)

/* A leaf: a frame, from 1, and these */
#define BIT_W	1
#define BIT_A	2
#define BIT_D	4
#define BIT_G	8
#define BIT_X	16

struct leaf {
	uint8_t frame;
	uint8_t bits;
};

/* state.link: a table, from 1; or the slot is one large leaf */
#define LINK_HUGE	0xff

/**
 * struct state - where everything is
 * @pc: next step of each CPU
 * @active: space of each CPU, from 1
 * @link: of each slot
 * @huge: what the large leaf of a slot permits
 * @nr_tables: tables made so far
 * @table: leaf tables
 * @tlb: translations that each CPU keeps
 * @tlb_huge: large ones: bits and 0x80
 * @psc: links that each CPU keeps
 * @pend: keys each cursor will ask to flush
 * @owes: CPUs that each cursor waits for
 * @held: frames each cursor's gather holds
 * @ipi: keys each CPU was asked to flush
 * @reg: registers
 * @mem: what is in each frame
 */
struct state {
	uint8_t pc[LITMUS_MAX_CPUS];
	uint8_t active[LITMUS_MAX_CPUS];
	uint8_t link[LITMUS_MAX_SLOTS];
	uint8_t huge[LITMUS_MAX_SLOTS];
	uint8_t nr_tables;
	struct leaf table[MAX_TABLES][LITMUS_SLOT_PAGES];
	struct leaf tlb[LITMUS_MAX_CPUS][LITMUS_MAX_KEYS];
	uint8_t tlb_huge[LITMUS_MAX_CPUS][LITMUS_MAX_SLOTS];
	uint8_t psc[LITMUS_MAX_CPUS][LITMUS_MAX_SLOTS];
	uint8_t owes[LITMUS_MAX_CURSORS];
	uint8_t held[LITMUS_MAX_CURSORS];
	uint8_t reg[LITMUS_MAX_REGS];
	uint8_t mem[LITMUS_MAX_FRAMES];
	uint16_t pend[LITMUS_MAX_CURSORS];
	uint16_t ipi[LITMUS_MAX_CPUS];
};

#define TLB_HUGE	0x80

enum step_code {
	STEP_LOAD,
	STEP_STORE,
	STEP_MAP,
	STEP_UNMAP,
	STEP_UNLINK,
	STEP_PROTECT,
	STEP_CLEAR,
	STEP_INVLPG,
	STEP_ISSUE,
	STEP_DISPATCH,
	STEP_SYNC,
	STEP_CLAIM,
	STEP_SPLIT,
	STEP_MERGE,
	STEP_ACTIVATE,
	STEP_BARRIER,
};

struct step {
	enum step_code code;
	const struct litmus_op *op;
	int key;
	int cursor;
	uint16_t mask;
	uint8_t bits;
};

struct program {
	struct step steps[MAX_STEPS];
	int nr;
	uint16_t future[MAX_STEPS + 1];		/* keys accessed from here on */
	uint8_t barriers[MAX_STEPS + 1];	/* of these, before here */
};

/**
 * struct explorer - an exploration
 * @test: the test
 * @without: a bit per rule left out
 * @programs: of each CPU
 * @watched: keys whose accessed bit is looked at in the end
 * @relink: links can change, so that kept ones matter
 * @states: visited, or to be visited
 * @nr: how many
 * @room: allocated
 * @hash: index of a state, from 1
 * @hash_size: a power of two
 * @found: outcomes
 * @error: negative errno
 */
struct explorer {
	const struct litmus *test;
	unsigned int without;
	struct program programs[LITMUS_MAX_CPUS];
	uint16_t watched;
	bool relink;
	struct state *states;
	size_t nr;
	size_t room;
	uint32_t *hash;
	size_t hash_size;
	struct litmus_reachable *found;
	int error;
};

static bool has(const struct explorer *x, enum litmus_rule rule)
{
	return !(x->without >> rule & 1);
}

/* --- keys ------------------------------------------------------------------ */

static int key_of(struct litmus_place place)
{
	return place.slot * LITMUS_SLOT_PAGES + place.idx;
}

static int slot_of(int key)
{
	return key / LITMUS_SLOT_PAGES;
}

static uint16_t keys_of_slot(int slot)
{
	return ((1 << LITMUS_SLOT_PAGES) - 1) << (slot * LITMUS_SLOT_PAGES);
}

static bool is_kernel(const struct explorer *x, int slot)
{
	return x->test->slots[slot].kind != LITMUS_USER;
}

/* All pages of a space; the kernel's are in none */
static uint16_t keys_of_space(const struct explorer *x, int space)
{
	uint16_t mask = 0;
	int i;

	for (i = 0; i < x->test->nr_slots; i++)
		if (!is_kernel(x, i) && x->test->slots[i].space == space)
			mask |= keys_of_slot(i);
	return mask;
}

/* The same address in other spaces */
static uint16_t aliases_of(const struct explorer *x, int key)
{
	const struct litmus_slot *slots = x->test->slots;
	uint16_t mask = 0;
	int i;

	for (i = 0; i < x->test->nr_slots; i++)
		if (i != slot_of(key) && !is_kernel(x, i) && !is_kernel(x, slot_of(key)) &&
		    slots[i].page == slots[slot_of(key)].page)
			mask |= 1 << (i * LITMUS_SLOT_PAGES + key % LITMUS_SLOT_PAGES);
	return mask;
}

/* --- from operations to steps ---------------------------------------------- */

static uint8_t bits_of(struct vmstore_prop prop)
{
	return (prop.flags & VMSTORE_PROP_W ? BIT_W : 0) |
	       (prop.flags & VMSTORE_PROP_X ? BIT_X : 0) |
	       (prop.flags & VMSTORE_PROP_ACCESSED ? BIT_A : 0) |
	       (prop.flags & VMSTORE_PROP_DIRTY ? BIT_D : 0) |
	       (prop.priv & VMSTORE_PRIV_GLOBAL ? BIT_G : 0);
}

static struct step *add_step(struct explorer *x, struct program *p, enum step_code code,
			     const struct litmus_op *op)
{
	struct step *step = &p->steps[p->nr];

	if (p->nr == MAX_STEPS) {
		x->error = -E2BIG;
		return step - 1;
	}
	p->nr++;
	*step = (struct step){
		.code = code, .op = op, .key = key_of(op->place), .cursor = op->cursor,
		.bits = bits_of(op->prop),
	};
	step->mask = op->all ? keys_of_space(x, op->space) : 1 << step->key;
	return step;
}

static void add_flush(struct explorer *x, struct program *p, const struct litmus_op *op,
		      int cursor, bool wait)
{
	add_step(x, p, STEP_DISPATCH, op)->cursor = cursor;
	if (wait)
		add_step(x, p, STEP_SYNC, op)->cursor = cursor;
}

/* A kernel page is changed by one operation, with the flushes that it needs */
static void add_kernel(struct explorer *x, struct program *p, const struct litmus_op *op,
		       enum step_code code)
{
	if (x->test->slots[op->place.slot].kind == LITMUS_HUGE) {
		add_step(x, p, STEP_SPLIT, op);
		if (has(x, LITMUS_RULE_SPLIT))
			add_flush(x, p, op, op->cursor, true);
	}
	add_step(x, p, code, op);
	if (code == STEP_PROTECT)
		add_step(x, p, STEP_ISSUE, op);
	add_flush(x, p, op, op->cursor, true);
}

static void add_change(struct explorer *x, struct program *p, const struct litmus_op *op,
		       enum step_code code)
{
	if (litmus_is_kernel(x->test, op->place)) {
		add_kernel(x, p, op, code);
		return;
	}
	add_step(x, p, code, op);
	if (code != STEP_PROTECT && !op->defer)
		add_flush(x, p, op, op->cursor, false);
}

static void add_op(struct explorer *x, struct program *p, const struct litmus_op *op)
{
	static const enum step_code same[] = {
		[LITMUS_LOAD] = STEP_LOAD,
		[LITMUS_STORE] = STEP_STORE,
		[LITMUS_MAP] = STEP_MAP,
		[LITMUS_UNMAP] = STEP_UNMAP,
		[LITMUS_UNMAP_TABLE] = STEP_UNLINK,
		[LITMUS_PROTECT] = STEP_PROTECT,
		[LITMUS_CLEAR] = STEP_CLEAR,
		[LITMUS_INVLPG] = STEP_INVLPG,
		[LITMUS_ISSUE] = STEP_ISSUE,
		[LITMUS_REUSE] = STEP_CLAIM,
		[LITMUS_MERGE] = STEP_MERGE,
		[LITMUS_ACTIVATE] = STEP_ACTIVATE,
		[LITMUS_BARRIER] = STEP_BARRIER,
	};

	switch (op->code) {
	case LITMUS_MAP:
	case LITMUS_UNMAP:
	case LITMUS_UNMAP_TABLE:
	case LITMUS_PROTECT:
		add_change(x, p, op, same[op->code]);
		break;
	case LITMUS_DISPATCH:
		add_flush(x, p, op, OWN_CURSORS, false);
		break;
	case LITMUS_SYNC:
		add_step(x, p, STEP_SYNC, op)->cursor = OWN_CURSORS;
		break;
	case LITMUS_FLUSH:
		add_step(x, p, STEP_ISSUE, op);
		add_flush(x, p, op, op->cursor, true);
		break;
	case LITMUS_REAP:
		add_flush(x, p, op, ALL_CURSORS, true);
		break;
	case LITMUS_REUSE:
		if (has(x, LITMUS_RULE_QUARANTINE))
			add_flush(x, p, op, ALL_CURSORS, true);
		add_step(x, p, STEP_CLAIM, op);
		break;
	case LITMUS_MERGE:
		add_step(x, p, STEP_UNLINK, op);
		add_flush(x, p, op, op->cursor, true);
		add_step(x, p, STEP_MERGE, op);
		break;
	default:
		add_step(x, p, same[op->code], op);
		break;
	}
}

/* What a CPU will still access: other pages need not be looked at */
static void look_ahead(const struct explorer *x, struct program *p)
{
	uint16_t future = 0;
	int i;

	p->future[p->nr] = 0;
	for (i = p->nr - 1; i >= 0; i--) {
		if (p->steps[i].code == STEP_LOAD || p->steps[i].code == STEP_STORE)
			future |= 1 << p->steps[i].key | aliases_of(x, p->steps[i].key);
		p->future[i] = future;
	}
	for (i = 0; i < p->nr; i++)
		p->barriers[i + 1] = p->barriers[i] + (p->steps[i].code == STEP_BARRIER);
}

static void make_programs(struct explorer *x)
{
	const struct litmus *test = x->test;
	int c, i;

	for (c = 0; c < test->nr_cpus; c++) {
		for (i = 0; i < test->cpus[c].nr; i++) {
			add_op(x, &x->programs[c], &test->cpus[c].ops[i]);
			x->relink |= test->cpus[c].ops[i].code == LITMUS_UNMAP_TABLE ||
				     test->cpus[c].ops[i].code == LITMUS_MERGE;
		}
		look_ahead(x, &x->programs[c]);
	}
	for (i = 0; i < test->final.nr; i++)
		if (test->final.ops[i].code == LITMUS_ACCESSED)
			x->watched |= 1 << key_of(test->final.ops[i].place);
}

/* --- states ---------------------------------------------------------------- */

static size_t hash_state(const struct state *s)
{
	const unsigned char *bytes = (const unsigned char *)s;
	uint64_t hash = 0xcbf29ce484222325ull;
	size_t i;

	for (i = 0; i < sizeof(*s); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull;
	return hash ^ hash >> 32;
}

static bool grow(struct explorer *x)
{
	size_t room = x->room ? 2 * x->room : 1024, i, at;
	struct state *states = reallocarray(x->states, room, sizeof(*states));
	uint32_t *hash;

	if (!states)
		return false;
	x->states = states;
	hash = calloc(4 * room, sizeof(*hash));
	if (!hash)
		return false;
	free(x->hash);
	x->hash = hash;
	x->room = room;
	x->hash_size = 4 * room;
	for (i = 0; i < x->nr; i++) {
		at = hash_state(&states[i]) & (x->hash_size - 1);
		while (hash[at])
			at = (at + 1) & (x->hash_size - 1);
		hash[at] = i + 1;
	}
	return true;
}

/* Forget what cannot make a difference any more */
static void normalize(const struct explorer *x, struct state *s)
{
	int c, key, slot;
	uint16_t future;

	for (c = 0; c < x->test->nr_cpus; c++) {
		future = x->programs[c].future[s->pc[c]];
		for (key = 0; key < LITMUS_MAX_KEYS; key++)
			if (!(future & 1 << key))
				s->tlb[c][key] = (struct leaf){ 0 };
		for (slot = 0; slot < LITMUS_MAX_SLOTS; slot++) {
			if (future & keys_of_slot(slot))
				continue;
			s->tlb_huge[c][slot] = 0;
			s->psc[c][slot] = 0;
		}
	}
	for (c = 0; c < x->test->nr_cursors; c++)
		if (!s->pend[c] && !s->owes[c])
			s->held[c] = 0;
}

static void add_state(struct explorer *x, struct state *s)
{
	size_t at;

	normalize(x, s);
	if (x->error)
		return;
	if (x->nr == MAX_STATES) {
		x->error = -E2BIG;
		return;
	}
	if (x->nr == x->room && !grow(x)) {
		x->error = -ENOMEM;
		return;
	}
	at = hash_state(s) & (x->hash_size - 1);
	while (x->hash[at]) {
		if (!memcmp(&x->states[x->hash[at] - 1], s, sizeof(*s)))
			return;
		at = (at + 1) & (x->hash_size - 1);
	}
	x->states[x->nr++] = *s;
	x->hash[at] = x->nr;
}

/* --- page tables ----------------------------------------------------------- */

static struct leaf *leaf_of(struct state *s, int link, int key)
{
	return &s->table[link - 1][key % LITMUS_SLOT_PAGES];
}

static void new_table(struct explorer *x, struct state *s, int slot)
{
	if (s->nr_tables == MAX_TABLES) {
		x->error = -E2BIG;
		return;
	}
	s->link[slot] = ++s->nr_tables;
}

/* What the page at @key is in the tables, or NULL */
static const struct leaf *mapped(const struct explorer *x, struct state *s, int key,
				 struct leaf *buf)
{
	int link = s->link[slot_of(key)], i;

	if (!link)
		return NULL;
	if (link != LINK_HUGE)
		return leaf_of(s, link, key)->frame ? leaf_of(s, link, key) : NULL;
	*buf = (struct leaf){ .bits = s->huge[slot_of(key)] };
	for (i = 0; i < x->test->nr_mappings; i++)
		if (key_of(x->test->mappings[i].place) == key)
			buf->frame = x->test->mappings[i].frame + 1;
	return buf;
}

/* The large leaf in pieces that mean the same */
static void split(struct explorer *x, struct state *s, int slot, int cursor)
{
	struct leaf buf, pieces[LITMUS_SLOT_PAGES];
	int i;

	if (s->link[slot] != LINK_HUGE)
		return;
	for (i = 0; i < LITMUS_SLOT_PAGES; i++)
		pieces[i] = *mapped(x, s, slot * LITMUS_SLOT_PAGES + i, &buf);
	new_table(x, s, slot);
	if (x->error)
		return;
	memcpy(s->table[s->link[slot] - 1], pieces, sizeof(pieces));
	s->pend[cursor] |= keys_of_slot(slot);
}

/* --- what CPUs keep -------------------------------------------------------- */

/* @psc: the link goes, too */
static void drop(struct state *s, int c, uint16_t mask, bool psc)
{
	int key;

	for (key = 0; key < LITMUS_MAX_KEYS; key++) {
		if (!(mask & 1 << key))
			continue;
		s->tlb[c][key] = (struct leaf){ 0 };
		s->tlb_huge[c][slot_of(key)] = 0;
		if (psc)
			s->psc[c][slot_of(key)] = 0;
	}
}

static void flush(const struct explorer *x, struct state *s, int c, uint16_t mask)
{
	if (mask && !has(x, LITMUS_RULE_RANGE))
		mask = ~0;
	drop(s, c, mask, has(x, LITMUS_RULE_PSC_FLUSH));
}

/* What the load of a root of @space does */
static void load_root(const struct explorer *x, struct state *s, int c, int space)
{
	int key;

	if (!has(x, LITMUS_RULE_LOAD))
		return;
	for (key = 0; key < x->test->nr_slots * LITMUS_SLOT_PAGES; key++) {
		if (!is_kernel(x, slot_of(key)))
			continue;
		if (!(s->tlb[c][key].bits & BIT_G) || !has(x, LITMUS_RULE_GLOBAL))
			s->tlb[c][key] = (struct leaf){ 0 };
		if (!(s->tlb_huge[c][slot_of(key)] & BIT_G) || !has(x, LITMUS_RULE_GLOBAL))
			s->tlb_huge[c][slot_of(key)] = 0;
		s->psc[c][slot_of(key)] = 0;
	}
	if (space >= 0)
		drop(s, c, keys_of_space(x, space), true);
}

/* May @c walk a page of @slot now, without being told? */
static bool can_walk(const struct explorer *x, const struct state *s, int c, int slot)
{
	if (is_kernel(x, slot))
		return s->active[c];
	return s->active[c] == x->test->slots[slot].space + 1;
}

/* A leaf as it was walked. @huge: it is the large one of its slot. */
struct walk {
	struct leaf *leaf;
	struct leaf whole;
	bool huge;
};

static bool walk(const struct explorer *x, struct state *s, int c, int key, struct walk *w)
{
	int slot = slot_of(key), link = s->link[slot];
	struct leaf buf;

	memset(w, 0, sizeof(*w));
	if (s->psc[c][slot])
		link = s->psc[c][slot];
	if (link == LINK_HUGE) {
		w->huge = true;
		w->whole = *mapped(x, s, key, &buf);
		w->leaf = &w->whole;
		return true;
	}
	if (!link || !leaf_of(s, link, key)->frame)
		return false;
	w->leaf = leaf_of(s, link, key);
	return true;
}

/* Set bits in the leaf that was walked, and keep it if that is possible */
static void use_walk(const struct explorer *x, struct state *s, int c, int key, struct walk *w,
		     uint8_t bits)
{
	if (!has(x, LITMUS_RULE_ACCESSED))
		bits &= ~BIT_A;
	w->leaf->bits |= bits;
	if (w->huge)
		s->huge[slot_of(key)] |= bits;
	if (!has(x, LITMUS_RULE_CACHE))
		return;
	if (w->huge)
		s->tlb_huge[c][slot_of(key)] = w->leaf->bits | TLB_HUGE;
	else
		s->tlb[c][key] = *w->leaf;
}

/* --- accesses -------------------------------------------------------------- */

/* A leaf that a CPU keeps, with what must be dropped to forget it */
struct kept {
	struct leaf leaf;
	int key;
	bool huge;
};

#define MAX_KEPT	(2 + LITMUS_MAX_SPACES)

/* The frame is -1 where it is kept that nothing is there */
#define KEPT_ABSENT	0xff

static int find_kept(const struct explorer *x, struct state *s, int c, int key,
		     struct kept *kept)
{
	uint16_t keys = 1 << key;
	struct leaf buf;
	int nr = 0, i;

	if (!has(x, LITMUS_RULE_TAG))
		keys |= aliases_of(x, key);
	for (i = 0; i < LITMUS_MAX_KEYS; i++)
		if (keys & 1 << i && s->tlb[c][i].frame)
			kept[nr++] = (struct kept){ s->tlb[c][i], i, false };
	if (s->tlb_huge[c][slot_of(key)]) {
		struct state now = *s;

		now.link[slot_of(key)] = LINK_HUGE;
		kept[nr] = (struct kept){ *mapped(x, &now, key, &buf), key, true };
		kept[nr++].leaf.bits = s->tlb_huge[c][slot_of(key)] & ~TLB_HUGE;
	}
	return nr;
}

static void forget(struct state *s, int c, const struct kept *kept)
{
	if (kept->huge)
		s->tlb_huge[c][slot_of(kept->key)] = 0;
	else
		s->tlb[c][kept->key] = (struct leaf){ 0 };
}

static void set_reg(struct state *s, const struct litmus_op *op, int result)
{
	if (op->reg >= 0)
		s->reg[op->reg] = result;
}

static void fault(const struct explorer *x, struct state *s, int c, const struct step *step,
		  int result)
{
	set_reg(s, step->op, result);
	if (has(x, LITMUS_RULE_FAULT))
		drop(s, c, 1 << step->key, true);
	if (result == LITMUS_ABSENT && !has(x, LITMUS_RULE_PRESENT))
		s->tlb[c][step->key].frame = KEPT_ABSENT;
}

static void access_frame(struct state *s, const struct step *step, int frame)
{
	if (step->code == STEP_LOAD) {
		set_reg(s, step->op, LITMUS_FIRST_VALUE + s->mem[frame - 1]);
		return;
	}
	s->mem[frame - 1] = step->op->value;
	set_reg(s, step->op, LITMUS_OK);
}

static void access_walk(struct explorer *x, struct state *s, int c, const struct step *step)
{
	bool store = step->code == STEP_STORE;
	struct walk w;

	if (!walk(x, s, c, step->key, &w)) {
		fault(x, s, c, step, LITMUS_ABSENT);
		return;
	}
	if (store && !(w.leaf->bits & BIT_W)) {
		fault(x, s, c, step, LITMUS_DENIED);
		return;
	}
	use_walk(x, s, c, step->key, &w, store ? BIT_A | BIT_D : BIT_A);
	access_frame(s, step, w.leaf->frame);
}

static bool may_store(const struct explorer *x, struct state *s, int c, const struct step *step,
		      const struct leaf *leaf)
{
	struct walk w;

	if (has(x, LITMUS_RULE_PERMISSIONS))
		return leaf->bits & BIT_W;
	return walk(x, s, c, step->key, &w) && w.leaf->bits & BIT_W;
}

static void access_kept(struct explorer *x, struct state *s, int c, const struct step *step,
			const struct kept *kept)
{
	bool store = step->code == STEP_STORE;

	if (kept->leaf.frame == KEPT_ABSENT) {
		fault(x, s, c, step, LITMUS_ABSENT);
	} else if (store && !may_store(x, s, c, step, &kept->leaf)) {
		fault(x, s, c, step, LITMUS_DENIED);
	} else if (store && !(kept->leaf.bits & BIT_D) && has(x, LITMUS_RULE_DIRTY)) {
		forget(s, c, kept);
		access_walk(x, s, c, step);
	} else {
		access_frame(s, step, kept->leaf.frame);
	}
}

/* Is the root that an access needs loaded for it alone? */
static bool is_window(const struct explorer *x, const struct state *s, int c, int key)
{
	return !can_walk(x, s, c, slot_of(key));
}

static int window_space(const struct explorer *x, int key)
{
	return is_kernel(x, slot_of(key)) ? 0 : x->test->slots[slot_of(key)].space;
}

static void next(struct explorer *x, struct state *s, int c)
{
	s->pc[c]++;
	add_state(x, s);
}

static void end_access(struct explorer *x, struct state *s, int c, int key, bool window)
{
	if (window)
		drop(s, c, keys_of_space(x, window_space(x, key)), true);
	next(x, s, c);
}

static void step_access(struct explorer *x, const struct state *from, int c,
			const struct step *step)
{
	bool window = is_window(x, from, c, step->key);
	struct kept kept[MAX_KEPT];
	struct state base = *from, s;
	int nr, i;

	if (window) {
		load_root(x, &base, c, window_space(x, step->key));
		if (!has(x, LITMUS_RULE_KEEP) && base.active[c])
			drop(&base, c, keys_of_space(x, base.active[c] - 1), true);
	}
	nr = find_kept(x, &base, c, step->key, kept);
	for (i = 0; i < nr; i++) {
		s = base;
		access_kept(x, &s, c, step, &kept[i]);
		end_access(x, &s, c, step->key, window);
	}
	if (!nr) {
		s = base;
		access_walk(x, &s, c, step);
		end_access(x, &s, c, step->key, window);
	}
}

/* --- changes --------------------------------------------------------------- */

/* A leaf goes: it waits in the gather until it is flushed */
static void remove_leaf(const struct explorer *x, struct state *s, const struct step *step,
			struct leaf *leaf, int key)
{
	if (!leaf->frame)
		return;
	if (has(x, LITMUS_RULE_ISSUE))
		s->pend[step->cursor] |= 1 << key;
	s->held[step->cursor] |= 1 << (leaf->frame - 1);
	*leaf = (struct leaf){ 0 };
}

static void step_map(struct explorer *x, struct state *s, int c, const struct step *step)
{
	int slot = slot_of(step->key);
	struct leaf *leaf;

	if (!s->link[slot])
		new_table(x, s, slot);
	if (x->error)
		return;
	leaf = leaf_of(s, s->link[slot], step->key);
	/* The dispatch that follows is for what was replaced */
	if (!leaf->frame && !step->op->defer)
		s->pc[c]++;
	remove_leaf(x, s, step, leaf, step->key);
	*leaf = (struct leaf){ step->op->frame + 1, step->bits };
}

static void step_unlink(const struct explorer *x, struct state *s, const struct step *step)
{
	int slot = slot_of(step->key), i;
	struct leaf leaf;

	if (!s->link[slot])
		return;
	for (i = 0; i < LITMUS_SLOT_PAGES && s->link[slot] != LINK_HUGE; i++) {
		/* A copy: what is in the table stays, whoever has a link to it sees it */
		leaf = s->table[s->link[slot] - 1][i];
		remove_leaf(x, s, step, &leaf, slot * LITMUS_SLOT_PAGES + i);
	}
	if (has(x, LITMUS_RULE_ISSUE))
		s->pend[step->cursor] |= keys_of_slot(slot);
	s->link[slot] = 0;
}

static void step_protect(struct state *s, const struct step *step)
{
	int link = s->link[slot_of(step->key)];
	struct leaf *leaf;

	if (!link)
		return;
	leaf = leaf_of(s, link, step->key);
	if (!leaf->frame)
		return;
	if (step->code == STEP_CLEAR)
		leaf->bits &= ~step->bits;
	else
		leaf->bits = (leaf->bits & (BIT_A | BIT_D | BIT_G)) |
			     (step->bits & (BIT_W | BIT_X));
}

static bool is_mapped(const struct explorer *x, struct state *s, int frame)
{
	const struct leaf *leaf;
	struct leaf buf;
	int key;

	for (key = 0; key < x->test->nr_slots * LITMUS_SLOT_PAGES; key++) {
		leaf = mapped(x, s, key, &buf);
		if (leaf && leaf->frame == frame + 1)
			return true;
	}
	return false;
}

static void step_claim(const struct explorer *x, struct state *s, const struct step *step)
{
	int frame = step->op->frame, i;
	bool busy = is_mapped(x, s, frame);

	for (i = 0; i < x->test->nr_cursors && has(x, LITMUS_RULE_QUARANTINE); i++)
		busy |= s->held[i] >> frame & 1;
	set_reg(s, step->op, busy ? LITMUS_BUSY : LITMUS_OK);
}

/* --- flushes --------------------------------------------------------------- */

static void answer(const struct explorer *x, struct state *s, int c)
{
	int i;

	flush(x, s, c, s->ipi[c]);
	s->ipi[c] = 0;
	for (i = 0; i < x->test->nr_cursors; i++)
		s->owes[i] &= ~(1 << c);
}

static bool is_target(const struct explorer *x, const struct state *s, int c, int slot)
{
	return is_kernel(x, slot) || s->active[c] == x->test->slots[slot].space + 1;
}

static void dispatch_cursor(const struct explorer *x, struct state *s, int cursor)
{
	uint16_t mask = s->pend[cursor];
	int c;

	s->pend[cursor] = 0;
	for (c = 0; mask && has(x, LITMUS_RULE_IPI) && c < x->test->nr_cpus; c++) {
		if (!is_target(x, s, c, x->test->cursors[cursor].slot))
			continue;
		s->ipi[c] |= mask;
		s->owes[cursor] |= 1 << c;
		if (!has(x, LITMUS_RULE_DELAY))
			answer(x, s, c);
	}
}

static bool is_meant(const struct explorer *x, const struct step *step, int self, int cursor)
{
	if (step->cursor == ALL_CURSORS)
		return true;
	if (step->cursor == OWN_CURSORS)
		return x->test->cursors[cursor].cpu == self;
	return step->cursor == cursor;
}

static void step_dispatch(const struct explorer *x, struct state *s, int self,
			  const struct step *step)
{
	int i;

	for (i = 0; i < x->test->nr_cursors; i++)
		if (is_meant(x, step, self, i))
			dispatch_cursor(x, s, i);
}

static bool has_answers(const struct explorer *x, const struct state *s, int self,
			const struct step *step)
{
	int i;

	if (!has(x, LITMUS_RULE_SYNC))
		return true;
	for (i = 0; i < x->test->nr_cursors; i++)
		if (is_meant(x, step, self, i) && s->owes[i])
			return false;
	return true;
}

/* --- steps ----------------------------------------------------------------- */

static void step_activate(const struct explorer *x, struct state *s, int c,
			  const struct step *step)
{
	/* Active already: then nothing is loaded */
	if (s->active[c] == step->op->space + 1)
		return;
	load_root(x, s, c, step->op->space);
	s->active[c] = step->op->space + 1;
}

static bool all_arrived(const struct explorer *x, const struct state *s, int self)
{
	int want = x->programs[self].barriers[s->pc[self]] + 1, c;

	for (c = 0; c < x->test->nr_cpus; c++) {
		const struct program *p = &x->programs[c];
		bool here = s->pc[c] < p->nr && p->steps[s->pc[c]].code == STEP_BARRIER;

		if (p->barriers[s->pc[c]] + here < want)
			return false;
	}
	return true;
}

static void run_step(struct explorer *x, const struct state *from, int c)
{
	const struct step *step = &x->programs[c].steps[from->pc[c]];
	struct state s = *from;

	switch (step->code) {
	case STEP_LOAD:
	case STEP_STORE:
		step_access(x, from, c, step);
		return;
	case STEP_MAP:
		step_map(x, &s, c, step);
		break;
	case STEP_UNMAP:
		if (s.link[slot_of(step->key)])
			remove_leaf(x, &s, step, leaf_of(&s, s.link[slot_of(step->key)], step->key),
				    step->key);
		break;
	case STEP_UNLINK:
		step_unlink(x, &s, step);
		break;
	case STEP_PROTECT:
	case STEP_CLEAR:
		step_protect(&s, step);
		break;
	case STEP_INVLPG:
		if (has(x, LITMUS_RULE_INVLPG))
			flush(x, &s, c, step->mask);
		break;
	case STEP_ISSUE:
		if (!step->op->all || has(x, LITMUS_RULE_ALL))
			s.pend[step->cursor] |= step->mask;
		break;
	case STEP_DISPATCH:
		step_dispatch(x, &s, c, step);
		break;
	case STEP_SYNC:
		if (!has_answers(x, &s, c, step))
			return;
		break;
	case STEP_CLAIM:
		step_claim(x, &s, step);
		break;
	case STEP_SPLIT:
		split(x, &s, slot_of(step->key), step->cursor);
		break;
	case STEP_MERGE:
		s.link[slot_of(step->key)] = LINK_HUGE;
		s.huge[slot_of(step->key)] = step->bits;
		break;
	case STEP_ACTIVATE:
		step_activate(x, &s, c, step);
		break;
	case STEP_BARRIER:
		if (!all_arrived(x, from, c))
			return;
		break;
	}
	next(x, &s, c);
}

/* --- what CPUs do by themselves -------------------------------------------- */

static void fill(struct explorer *x, const struct state *from, int c, int key)
{
	struct state s = *from;
	struct walk w;

	if (s.tlb[c][key].frame || !can_walk(x, &s, c, slot_of(key)))
		return;
	if (walk(x, &s, c, key, &w)) {
		if (w.huge && s.tlb_huge[c][slot_of(key)])
			return;
		use_walk(x, &s, c, key, &w, BIT_A);
		add_state(x, &s);
	} else if (!has(x, LITMUS_RULE_PRESENT) && has(x, LITMUS_RULE_CACHE)) {
		s.tlb[c][key].frame = KEPT_ABSENT;
		add_state(x, &s);
	}
}

static void evict(struct explorer *x, const struct state *from, int c, int key)
{
	struct state s = *from;

	if (!s.tlb[c][key].frame)
		return;
	s.tlb[c][key] = (struct leaf){ 0 };
	add_state(x, &s);
}

static void slot_by_itself(struct explorer *x, const struct state *from, int c, int slot)
{
	struct state s = *from;
	int link = s.link[slot];

	if (s.tlb_huge[c][slot] && has(x, LITMUS_RULE_EVICT)) {
		s.tlb_huge[c][slot] = 0;
		add_state(x, &s);
		s = *from;
	}
	if (!x->relink || !has(x, LITMUS_RULE_PSC))
		return;
	if (s.psc[c][slot])
		s.psc[c][slot] = 0;
	else if (link && link != LINK_HUGE && can_walk(x, &s, c, slot))
		s.psc[c][slot] = link;
	else
		return;
	add_state(x, &s);
}

static void by_itself(struct explorer *x, const struct state *from, int c)
{
	uint16_t future = x->programs[c].future[from->pc[c]];
	struct state s = *from;
	int key, slot;

	if (from->ipi[c]) {
		answer(x, &s, c);
		add_state(x, &s);
	}
	for (key = 0; key < x->test->nr_slots * LITMUS_SLOT_PAGES; key++) {
		if (has(x, LITMUS_RULE_SPECULATE) && (future | x->watched) & 1 << key)
			fill(x, from, c, key);
		if (has(x, LITMUS_RULE_EVICT))
			evict(x, from, c, key);
	}
	for (slot = 0; slot < x->test->nr_slots; slot++)
		if (future & keys_of_slot(slot))
			slot_by_itself(x, from, c, slot);
}

/* --- the end --------------------------------------------------------------- */

static int final_result(const struct explorer *x, struct state *s, const struct litmus_op *op)
{
	const struct leaf *leaf;
	struct leaf buf;
	uint8_t bit;

	if (op->code == LITMUS_VALUE)
		return LITMUS_FIRST_VALUE + s->mem[op->frame];
	leaf = mapped(x, s, key_of(op->place), &buf);
	if (!leaf)
		return LITMUS_ABSENT;
	switch (op->code) {
	case LITMUS_ACCESSED:
		bit = BIT_A;
		break;
	case LITMUS_DIRTY:
		bit = BIT_D;
		break;
	case LITMUS_WRITABLE:
		bit = BIT_W;
		break;
	default:
		bit = BIT_X;
		break;
	}
	/* Of litmus.values the first are 0 and 1 */
	return LITMUS_FIRST_VALUE + !!(leaf->bits & bit);
}

static bool is_over(const struct explorer *x, const struct state *s)
{
	int c;

	for (c = 0; c < x->test->nr_cpus; c++)
		if (s->pc[c] < x->programs[c].nr)
			return false;
	return true;
}

static void add_outcome(struct explorer *x, struct state *s)
{
	struct litmus_outcome outcome = { 0 };
	struct litmus_reachable *found = x->found;
	int i;

	memcpy(outcome.reg, s->reg, sizeof(outcome.reg));
	for (i = 0; i < x->test->final.nr; i++)
		outcome.reg[x->test->final.ops[i].reg] =
			final_result(x, s, &x->test->final.ops[i]);
	if (litmus_find(x->test, found, &outcome) >= 0)
		return;
	if (found->nr == LITMUS_MAX_OUTCOMES) {
		x->error = -E2BIG;
		return;
	}
	found->outcomes[found->nr++] = outcome;
}

static void make_first(struct explorer *x)
{
	const struct litmus *test = x->test;
	struct state s = { 0 };
	int i;

	for (i = 0; i < test->nr_cpus; i++)
		s.active[i] = test->cpus[i].space + 1;
	for (i = 0; i < test->nr_frames; i++)
		s.mem[i] = test->frames[i].value;
	/* Every page has a table at the beginning: a cursor that is open made it */
	for (i = 0; i < test->nr_slots; i++) {
		if (test->slots[i].kind == LITMUS_HUGE)
			s.link[i] = LINK_HUGE;
		else
			new_table(x, &s, i);
	}
	for (i = 0; i < test->nr_mappings; i++) {
		const struct litmus_mapping *m = &test->mappings[i];
		int slot = m->place.slot;

		if (s.link[slot] == LINK_HUGE)
			s.huge[slot] = bits_of(m->prop);
		else
			*leaf_of(&s, s.link[slot], key_of(m->place)) =
				(struct leaf){ m->frame + 1, bits_of(m->prop) };
	}
	add_state(x, &s);
}

static void explore(struct explorer *x)
{
	struct state s;
	size_t i;
	int c;

	make_first(x);
	for (i = 0; i < x->nr && !x->error; i++) {
		/* The array may move */
		s = x->states[i];
		if (is_over(x, &s))
			add_outcome(x, &s);
		for (c = 0; c < x->test->nr_cpus; c++) {
			by_itself(x, &s, c);
			if (s.pc[c] < x->programs[c].nr)
				run_step(x, &s, c);
		}
	}
}

static int explore_with(const struct litmus *test, unsigned int without,
			struct litmus_reachable *found)
{
	struct explorer *x = calloc(1, sizeof(*x));
	int ret;

	memset(found, 0, sizeof(*found));
	if (!x)
		return -ENOMEM;
	x->test = test;
	x->without = without;
	x->found = found;
	make_programs(x);
	explore(x);
	found->states = x->nr;
	ret = x->error;
	free(x->states);
	free(x->hash);
	free(x);
	return ret;
}

/* What is possible, but not when nobody keeps anything, is stale */
int litmus_explore(const struct litmus *test, unsigned int without,
		   struct litmus_reachable *found)
{
	const unsigned int forgetful = 1u << LITMUS_RULE_CACHE | 1u << LITMUS_RULE_PSC;
	struct litmus_reachable *fresh = malloc(sizeof(*fresh));
	int ret, i;

	if (!fresh)
		return -ENOMEM;
	ret = explore_with(test, without, found);
	if (!ret)
		ret = explore_with(test, without | forgetful, fresh);
	for (i = 0; !ret && i < found->nr; i++)
		found->stale[i] = litmus_find(test, fresh, &found->outcomes[i]) < 0;
	free(fresh);
	return ret;
}

int litmus_find(const struct litmus *test, const struct litmus_reachable *found,
		const struct litmus_outcome *outcome)
{
	int i;

	for (i = 0; i < found->nr; i++)
		if (!memcmp(found->outcomes[i].reg, outcome->reg, test->nr_regs))
			return i;
	return -1;
}

/* --- verdicts -------------------------------------------------------------- */

static bool is_reachable(const struct litmus *test, const struct litmus_reachable *found,
			 const struct litmus_cond *cond)
{
	int i;

	for (i = 0; i < found->nr; i++)
		if (litmus_matches(test, &cond->when, &found->outcomes[i]))
			return true;
	return false;
}

/* Does any line speak of it? What is possible and forbidden has been complained of */
static bool is_listed(const struct litmus *test, const struct litmus_outcome *outcome)
{
	int i;

	for (i = 0; i < test->nr_conds; i++)
		if (litmus_matches(test, &test->conds[i].when, outcome))
			return true;
	return false;
}

static void differ(const struct litmus *test, FILE *to, unsigned int line, const char *what,
		   const struct litmus_outcome *outcome)
{
	if (!to)
		return;
	fprintf(to, "%s:%u: error: %s: ", test->source.path, line, what);
	litmus_print(test, outcome, to);
	fputc('\n', to);
}

int litmus_compare(const struct litmus *test, const struct litmus_reachable *found, FILE *to)
{
	int nr = 0, i;

	for (i = 0; i < test->nr_conds; i++) {
		const struct litmus_cond *cond = &test->conds[i];
		bool possible = is_reachable(test, found, cond);
		bool allowed = cond->verdict != LITMUS_FORBIDDEN;

		if (possible == allowed)
			continue;
		nr++;
		differ(test, to, cond->line, possible ? "the model allows what is forbidden here" :
		       "the model forbids what is allowed here", &cond->when);
	}
	for (i = 0; i < found->nr; i++) {
		if (is_listed(test, &found->outcomes[i]))
			continue;
		nr++;
		differ(test, to, test->conds[0].line, "the model allows what no line does",
		       &found->outcomes[i]);
	}
	return nr;
}

/* --- rules ----------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *text;
} rules[] = {
	[LITMUS_RULE_CACHE] = { "cache", "a CPU may keep a translation that it walked" },
	[LITMUS_RULE_SPECULATE] = { "speculate", "it may walk what nobody accessed" },
	[LITMUS_RULE_EVICT] = { "evict", "it may forget a translation at any time" },
	[LITMUS_RULE_PRESENT] = { "present", "what is not present is not kept" },
	[LITMUS_RULE_PERMISSIONS] = { "permissions", "permissions are kept with the translation" },
	[LITMUS_RULE_FAULT] = { "fault", "a fault drops what is kept of its page" },
	[LITMUS_RULE_ACCESSED] = { "accessed", "a walk sets the accessed bit" },
	[LITMUS_RULE_DIRTY] = { "dirty", "a store through a clean translation walks again" },
	[LITMUS_RULE_TAG] = { "tag", "a translation is one of its space" },
	[LITMUS_RULE_LOAD] = { "load", "loading a root drops what is kept of its space" },
	[LITMUS_RULE_KEEP] = { "keep", "what is kept of another space stays" },
	[LITMUS_RULE_GLOBAL] = { "global", "a global translation survives the load of a root" },
	[LITMUS_RULE_PSC] = { "psc", "a CPU may keep a link to a leaf table" },
	[LITMUS_RULE_PSC_FLUSH] = { "psc-flush", "a flush drops the link of what it flushes" },
	[LITMUS_RULE_INVLPG] = { "invlpg", "invlpg drops what this CPU keeps of a page" },
	[LITMUS_RULE_ALL] = { "all", "a flush of everything drops every page of the space" },
	[LITMUS_RULE_RANGE] = { "range", "a flush of a page drops no other one" },
	[LITMUS_RULE_IPI] = { "ipi", "a dispatch asks the CPUs of the space" },
	[LITMUS_RULE_DELAY] = { "delay", "a CPU that was asked may flush later" },
	[LITMUS_RULE_SYNC] = { "sync", "a sync waits until all have flushed" },
	[LITMUS_RULE_ISSUE] = { "issue", "what replaces or removes a leaf asks for a flush" },
	[LITMUS_RULE_SPLIT] = { "split", "a large page is flushed before its pieces change" },
	[LITMUS_RULE_QUARANTINE] = { "quarantine", "a frame is free when all have flushed" },
};

const char *litmus_rule_name(enum litmus_rule rule)
{
	return rules[rule].name;
}

const char *litmus_rule_text(enum litmus_rule rule)
{
	return rules[rule].text;
}
