// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl: the state of a store for people and for machines
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "show.h"

#define DEFAULT_WIDTH	64
#define NODE_PAGES(level)	(1ULL << (9 * (level)))
#define LEAF_SIZE(level)	(VMSTORE_PAGE_SIZE << (9 * ((level) - 1)))

typedef unsigned long long ull;

static const struct show_opts plain;

/* A section in memory. */
#define SECTION(type)							\
	struct {							\
		type *recs;						\
		size_t nr;						\
	}

#define section_read(store, section, into)				\
	vms_dump_read(store, section, sizeof(*(into)->recs),		\
		      (void **)&(into)->recs, &(into)->nr, NULL)

/* --- page tables ----------------------------------------------------------- */

struct tables {
	SECTION(struct vmstore_rec_space) spaces;
	SECTION(struct vmstore_rec_node) nodes;
	SECTION(struct vmstore_rec_leaves) leaves;
};

static int compare(__u64 a, __u64 b)
{
	return a < b ? -1 : a > b;
}

static int compare_nodes(const void *a, const void *b)
{
	const struct vmstore_rec_node *na = a, *nb = b;
	int ret = compare(na->space, nb->space);

	if (!ret)
		ret = compare(na->va, nb->va);
	return ret ? ret : compare(nb->level, na->level);
}

static int compare_leaves(const void *a, const void *b)
{
	const struct vmstore_rec_leaves *la = a, *lb = b;
	int ret = compare(la->space, lb->space);

	return ret ? ret : compare(la->va, lb->va);
}

static void tables_free(struct tables *tables)
{
	free(tables->spaces.recs);
	free(tables->nodes.recs);
	free(tables->leaves.recs);
}

static int tables_read(struct vms_store *store, struct tables *tables)
{
	int ret;

	memset(tables, 0, sizeof(*tables));
	ret = section_read(store, VMSTORE_DUMP_SPACES, &tables->spaces);
	if (!ret)
		ret = section_read(store, VMSTORE_DUMP_NODES, &tables->nodes);
	if (!ret)
		ret = section_read(store, VMSTORE_DUMP_LEAVES, &tables->leaves);
	if (ret) {
		tables_free(tables);
		return ret;
	}
	if (tables->nodes.nr)
		qsort(tables->nodes.recs, tables->nodes.nr,
		      sizeof(*tables->nodes.recs), compare_nodes);
	if (tables->leaves.nr)
		qsort(tables->leaves.recs, tables->leaves.nr,
		      sizeof(*tables->leaves.recs), compare_leaves);
	return 0;
}

/* Where the printing of one space's tree is. */
struct tree {
	FILE *to;
	bool color;
	const struct vmstore_rec_node *node, *nodes_end;
	struct vmstore_rec_leaves *leaf, *leaves_end;
	const char *unit;
};

static __u64 node_end(const struct vmstore_rec_node *node)
{
	return node->va + VMSTORE_PAGE_SIZE * NODE_PAGES(node->level);
}

static __u64 leaves_end(const struct vmstore_rec_leaves *leaf)
{
	return leaf->va + leaf->nr * LEAF_SIZE(leaf->level);
}

static void indent(const struct tree *tree, unsigned int level)
{
	fprintf(tree->to, "%*s", 2 * (VMSTORE_NR_LEVELS - (int)level + 1), "");
}

static void print_va_range(FILE *to, __u64 start, __u64 end)
{
	fprintf(to, "%016llx-%016llx", (ull)start, (ull)end);
}

static const char *leaf_unit(__u32 level)
{
	static const char *const units[] = { "?", "4k", "2M", "1G", "512G" };

	return units[level <= VMSTORE_NR_LEVELS ? level : 0];
}

/* The first nr leaves of the current record; the rest stays there. */
static void print_leaves(struct tree *tree, __u64 nr)
{
	struct vmstore_rec_leaves *leaf = tree->leaf;
	__u64 size = LEAF_SIZE(leaf->level);
	char buf[VMS_PROP_TEXT];

	indent(tree, leaf->level - 1);
	print_va_range(tree->to, leaf->va, leaf->va + nr * size);
	fprintf(tree->to, "  %s%s%s  -> %llx-%llx  %llu x %s\n",
		out_on(tree->color, OUT_GREEN),
		vms_prop_columns(leaf->prop, buf),
		out_on(tree->color, OUT_PLAIN), (ull)leaf->paddr,
		(ull)(leaf->paddr + nr * size), (ull)nr,
		leaf_unit(leaf->level));
	leaf->va += nr * size;
	leaf->paddr += nr * size;
	leaf->nr -= nr;
	if (!leaf->nr)
		tree->leaf++;
}

/* What is left of the leaves below an address; 0 = all. */
static void print_leaves_below(struct tree *tree, __u64 end)
{
	__u64 stop, size;

	while (tree->leaf < tree->leaves_end &&
	       (!end || tree->leaf->va < end)) {
		stop = leaves_end(tree->leaf);
		size = LEAF_SIZE(tree->leaf->level);
		if (stop - 1 > end - 1)
			stop = end;
		print_leaves(tree, (stop - tree->leaf->va + size - 1) / size);
	}
}

/*
 * How many level-1 nodes from here on follow each other, alike and each covered
 * by the current record as a whole: they are one line.
 */
static size_t full_nodes(const struct tree *tree)
{
	const struct vmstore_rec_node *node = tree->node;
	__u64 va = node->va, end;
	size_t nr = 0;

	if (tree->leaf == tree->leaves_end || tree->leaf->level != 1 ||
	    tree->leaf->va != va)
		return 1;
	end = leaves_end(tree->leaf);
	while (node < tree->nodes_end && node->level == 1 && node->va == va &&
	       node->owner == tree->node->owner && node_end(node) - 1 <= end - 1) {
		va = node_end(node++);
		nr++;
	}
	return nr ? nr : 1;
}

static void print_nodes(struct tree *tree, size_t nr)
{
	const struct vmstore_rec_node *first = tree->node;
	const struct vmstore_rec_node *last = first + nr - 1;

	indent(tree, first->level);
	fprintf(tree->to, "%sL%u%s ", out_on(tree->color, OUT_CYAN),
		first->level, out_on(tree->color, OUT_PLAIN));
	print_va_range(tree->to, first->va, node_end(last));
	if (nr == 1)
		fprintf(tree->to, "  node %llx, %u %s", (ull)first->paddr,
			first->nr_children,
			first->nr_children == 1 ? "entry" : "entries");
	else
		fprintf(tree->to, "  %zu full nodes %llx..%llx", nr,
			(ull)first->paddr, (ull)last->paddr);
	if (first->owner)
		fprintf(tree->to, ", owned by cursor %llu", (ull)first->owner);
	fputc('\n', tree->to);
	tree->node += nr;
}

static void print_tree(struct tree *tree)
{
	size_t nr;

	while (tree->node < tree->nodes_end) {
		/* What is left of the nodes before this one. */
		if (tree->node->va)
			print_leaves_below(tree, tree->node->va);
		nr = tree->node->level == 1 ? full_nodes(tree) : 1;
		print_nodes(tree, nr);
		if (nr > 1)
			print_leaves_below(tree, node_end(tree->node - 1));
	}
	print_leaves_below(tree, 0);
}

static void print_cpus(FILE *to, __u64 cpus)
{
	const char *sep = " ";
	unsigned int cpu;

	for (cpu = 0; cpu < 64; cpu++) {
		if (!(cpus & 1ULL << cpu))
			continue;
		fprintf(to, "%s%u", sep, cpu);
		sep = ",";
	}
}

static void print_space_line(FILE *to, const struct vmstore_rec_space *space,
			     bool color)
{
	fprintf(to, "%sspace %llu%s  root %llx", out_on(color, OUT_BOLD),
		(ull)space->id, out_on(color, OUT_PLAIN), (ull)space->root);
	if (space->cursors)
		fprintf(to, ", cursors %llu", (ull)space->cursors);
	if (space->active) {
		fputs(", active on CPU", to);
		print_cpus(to, space->active);
	}
	fputc('\n', to);
}

/* The records of one space: they are sorted by space. */
#define section_slice(section, id, first, last)				\
	do {								\
		first = (section)->recs;				\
		last = first + (section)->nr;				\
		while (first < last && first->space != (id))		\
			first++;					\
		while (last > first && last[-1].space != (id))		\
			last--;						\
	} while (0)

static void tree_of(struct tree *tree, struct tables *tables, __u64 space)
{
	section_slice(&tables->nodes, space, tree->node, tree->nodes_end);
	section_slice(&tables->leaves, space, tree->leaf, tree->leaves_end);
}

int vms_print_tables(struct vms_store *store, FILE *to,
		     const struct show_opts *opts)
{
	struct tables tables;
	struct tree tree = { .to = to };
	size_t i;
	int ret;

	opts = opts ? opts : &plain;
	tree.color = opts->color;
	ret = tables_read(store, &tables);
	if (ret)
		return ret;

	tree_of(&tree, &tables, 0);
	if (!opts->space && tree.node < tree.nodes_end) {
		fprintf(to, "%skernel half%s\n", out_on(opts->color, OUT_BOLD),
			out_on(opts->color, OUT_PLAIN));
		print_tree(&tree);
	}
	for (i = 0; i < tables.spaces.nr; i++) {
		if (opts->space && tables.spaces.recs[i].id != opts->space)
			continue;
		print_space_line(to, &tables.spaces.recs[i], opts->color);
		tree_of(&tree, &tables, tables.spaces.recs[i].id);
		print_tree(&tree);
	}
	if (!tables.spaces.nr && !tables.nodes.nr)
		fputs("no spaces\n", to);
	tables_free(&tables);
	return 0;
}

/* --- map of the region ----------------------------------------------------- */

static const struct legend {
	char letter;
	enum out_color color;
	const char *text;
} legends[] = {
	{ '.', OUT_DIM, "free" },
	{ 'f', OUT_YELLOW, "frame, not mapped" },
	{ 'm', OUT_GREEN, "frame, mapped once" },
	{ 'M', OUT_GREEN, "frame, mapped more than once" },
	{ '1', OUT_CYAN, "node of level 1" },
	{ '2', OUT_CYAN, "node of level 2" },
	{ '3', OUT_CYAN, "node of level 3" },
	{ '4', OUT_CYAN, "node of level 4: a root" },
	{ 'n', OUT_CYAN, "node, not linked" },
	{ 'u', OUT_YELLOW, "unique" },
	{ 'g', OUT_RED, "gathered: removed, not released" },
	{ '~', OUT_BLUE, "mmio" },
	{ '#', OUT_DIM, "reserved" },
	{ '?', OUT_RED, "being constructed or torn down" },
};

#define NR_LEGENDS	(sizeof(legends) / sizeof(legends[0]))

static char frame_letter(const struct vmstore_rec_slots *slots)
{
	if (!slots->paths)
		return 'f';
	return slots->paths == 1 ? 'm' : 'M';
}

static char node_letter(const struct vmstore_rec_slots *slots)
{
	if (slots->stray || !slots->level || slots->level > VMSTORE_NR_LEVELS)
		return 'n';
	return '0' + slots->level;
}

static char slot_letter(const struct vmstore_rec_slots *slots)
{
	if (slots->usage == VMSTORE_USAGE_MMIO)
		return '~';
	if (slots->rc == VMSTORE_RC_UNUSED)
		return '.';
	if (slots->rc == VMSTORE_RC_UNIQUE)
		return 'u';
	if (!slots->rc)
		return '?';
	if (slots->usage == VMSTORE_USAGE_FRAME)
		return frame_letter(slots);
	return slots->usage == VMSTORE_USAGE_PAGETABLE ? node_letter(slots) :
							 '#';
}

/* One letter a frame. */
struct region_map {
	char *letters;
	size_t nr;
};

static void map_slots(struct region_map *map,
		      const struct vmstore_rec_slots *slots)
{
	__u64 first = slots->paddr / VMSTORE_PAGE_SIZE;

	if (first < map->nr && slots->nr <= map->nr - first)
		memset(map->letters + first, slot_letter(slots), slots->nr);
}

static int map_gathered(struct vms_store *store, struct region_map *map)
{
	SECTION(struct vmstore_rec_gathered) tlb;
	size_t i;
	__u64 at;
	int ret;

	ret = section_read(store, VMSTORE_DUMP_TLB, &tlb);
	if (ret)
		return ret;
	for (i = 0; i < tlb.nr; i++) {
		at = tlb.recs[i].paddr / VMSTORE_PAGE_SIZE;
		if (at < map->nr)
			map->letters[at] = 'g';
	}
	free(tlb.recs);
	return 0;
}

static int map_read(struct vms_store *store, struct region_map *map)
{
	SECTION(struct vmstore_rec_slots) slots;
	size_t i;
	int ret;

	memset(map, 0, sizeof(*map));
	ret = section_read(store, VMSTORE_DUMP_SLOTS, &slots);
	if (ret)
		return ret;
	for (i = 0; i < slots.nr; i++)
		map->nr += slots.recs[i].nr;
	map->letters = malloc(map->nr + 1);
	if (!map->letters) {
		free(slots.recs);
		return -ENOMEM;
	}
	memset(map->letters, '?', map->nr + 1);
	for (i = 0; i < slots.nr; i++)
		map_slots(map, &slots.recs[i]);
	free(slots.recs);
	ret = map_gathered(store, map);
	if (ret)
		free(map->letters);
	return ret;
}

static enum out_color letter_color(char letter)
{
	size_t i;

	for (i = 0; i < NR_LEGENDS; i++) {
		if (legends[i].letter == letter)
			return legends[i].color;
	}
	return OUT_PLAIN;
}

static void print_letters(FILE *to, const char *letters, size_t nr, bool color)
{
	size_t i, run;

	for (i = 0; i < nr; i += run) {
		for (run = 1; i + run < nr && letters[i + run] == letters[i];)
			run++;
		fprintf(to, "%s%.*s%s", out_on(color, letter_color(letters[i])),
			(int)run, letters + i, out_on(color, OUT_PLAIN));
	}
}

static void print_legend(FILE *to, const struct region_map *map, bool color)
{
	size_t i, j, counts[256] = { 0 };

	for (j = 0; j < map->nr; j++)
		counts[(unsigned char)map->letters[j]]++;
	for (i = 0; i < NR_LEGENDS; i++) {
		j = counts[(unsigned char)legends[i].letter];
		if (!j)
			continue;
		fprintf(to, "  %s%c%s %zu %s\n", out_on(color, legends[i].color),
			legends[i].letter, out_on(color, OUT_PLAIN), j,
			legends[i].text);
	}
}

/* Lines from the one at @at on that look like it. */
static size_t equal_lines(const struct region_map *map, size_t at, size_t width)
{
	size_t nr = 1;

	while (at + (nr + 1) * width <= map->nr &&
	       !memcmp(map->letters + at, map->letters + at + nr * width,
		       width))
		nr++;
	return nr;
}

static void print_map(FILE *to, const struct region_map *map, size_t width,
		      bool color)
{
	size_t at, len, same;

	for (at = 0; at < map->nr; at += same * width) {
		len = map->nr - at < width ? map->nr - at : width;
		same = len == width ? equal_lines(map, at, width) : 1;
		fprintf(to, "%10llx  ", (ull)at * VMSTORE_PAGE_SIZE);
		print_letters(to, map->letters + at, len, color);
		if (same > 1)
			fprintf(to, "  and %zu more line%s", same - 1,
				same == 2 ? "" : "s");
		fputc('\n', to);
	}
}

int vms_print_region_map(struct vms_store *store, FILE *to,
			 const struct show_opts *opts)
{
	struct region_map map;
	char buf[24];
	int ret;

	opts = opts ? opts : &plain;
	ret = map_read(store, &map);
	if (ret)
		return ret;
	fprintf(to, "%sregion%s  %s, %zu frames, one character each\n",
		out_on(opts->color, OUT_BOLD), out_on(opts->color, OUT_PLAIN),
		out_size_text(map.nr * VMSTORE_PAGE_SIZE, buf), map.nr);
	print_map(to, &map, opts->width ? opts->width : DEFAULT_WIDTH,
		  opts->color);
	print_legend(to, &map, opts->color);
	free(map.letters);
	return 0;
}

/* --- lists ----------------------------------------------------------------- */

static void print_title(FILE *to, const struct show_opts *opts,
			const char *title, size_t nr)
{
	fprintf(to, "%s%s%s  %zu\n", out_on(opts->color, OUT_BOLD), title,
		out_on(opts->color, OUT_PLAIN), nr);
}

int vms_print_spaces(struct vms_store *store, FILE *to,
		     const struct show_opts *opts)
{
	SECTION(struct vmstore_rec_space) spaces;
	size_t i;
	int ret;

	opts = opts ? opts : &plain;
	ret = section_read(store, VMSTORE_DUMP_SPACES, &spaces);
	if (ret)
		return ret;
	print_title(to, opts, "spaces", spaces.nr);
	for (i = 0; i < spaces.nr; i++) {
		fputs("  ", to);
		print_space_line(to, &spaces.recs[i], false);
	}
	free(spaces.recs);
	return 0;
}

static void print_cursor(FILE *to, const struct vmstore_rec_cursor *cursor)
{
	fprintf(to, "  cursor %llu  %s, space %llu, ", (ull)cursor->id,
		cursor->mut ? "mutable" : "read-only", (ull)cursor->space);
	print_va_range(to, cursor->start, cursor->end);
	fprintf(to, ", at %llx, level %u of %u", (ull)cursor->va,
		cursor->level, cursor->guard_level);
	if (cursor->gathered)
		fprintf(to, ", gathered %llu", (ull)cursor->gathered);
	if (cursor->pending)
		fprintf(to, ", flushes pending %u", cursor->pending);
	fputc('\n', to);
}

int vms_print_cursors(struct vms_store *store, FILE *to,
		      const struct show_opts *opts)
{
	SECTION(struct vmstore_rec_cursor) cursors;
	size_t i;
	int ret;

	opts = opts ? opts : &plain;
	ret = section_read(store, VMSTORE_DUMP_CURSORS, &cursors);
	if (ret)
		return ret;
	print_title(to, opts, "cursors", cursors.nr);
	for (i = 0; i < cursors.nr; i++) {
		if (!opts->space || cursors.recs[i].space == opts->space)
			print_cursor(to, &cursors.recs[i]);
	}
	free(cursors.recs);
	return 0;
}

/* Handles from the first on whose ids and frames both follow each other. */
static size_t handle_run(const struct vmstore_rec_frame *frame, size_t nr)
{
	size_t run = 1;

	while (run < nr && frame[run].id == frame->id + run &&
	       frame[run].paddr == frame->paddr + run * VMSTORE_PAGE_SIZE)
		run++;
	return run;
}

static void print_handles(FILE *to, const struct vmstore_rec_frame *frame,
			  size_t run)
{
	if (run == 1)
		fprintf(to, "  frame %llu  %llx\n", (ull)frame->id,
			(ull)frame->paddr);
	else
		fprintf(to, "  frames %llu..%llu  %llx-%llx\n", (ull)frame->id,
			(ull)(frame->id + run - 1), (ull)frame->paddr,
			(ull)(frame->paddr + run * VMSTORE_PAGE_SIZE));
}

int vms_print_handles(struct vms_store *store, FILE *to,
		      const struct show_opts *opts)
{
	SECTION(struct vmstore_rec_frame) frames;
	size_t i, run;
	int ret;

	ret = section_read(store, VMSTORE_DUMP_FRAMES, &frames);
	if (ret)
		return ret;
	print_title(to, opts ? opts : &plain, "handles", frames.nr);
	for (i = 0; i < frames.nr; i += run) {
		run = handle_run(&frames.recs[i], frames.nr - i);
		print_handles(to, &frames.recs[i], run);
	}
	free(frames.recs);
	return 0;
}

static void print_gathered(FILE *to, const struct vmstore_rec_gathered *rec)
{
	fprintf(to, "  %s %llx  space %llu", rec->node ? "node" : "frame",
		(ull)rec->paddr, (ull)rec->space);
	if (rec->cursor)
		fprintf(to, ", cursor %llu", (ull)rec->cursor);
	fprintf(to, ", %s\n", rec->flushed ? "flushed" : "not flushed");
}

int vms_print_gathered(struct vms_store *store, FILE *to,
		       const struct show_opts *opts)
{
	SECTION(struct vmstore_rec_gathered) tlb;
	size_t i;
	int ret;

	opts = opts ? opts : &plain;
	ret = section_read(store, VMSTORE_DUMP_TLB, &tlb);
	if (ret)
		return ret;
	print_title(to, opts, "gathered", tlb.nr);
	for (i = 0; i < tlb.nr; i++) {
		if (!opts->space || tlb.recs[i].space == opts->space)
			print_gathered(to, &tlb.recs[i]);
	}
	free(tlb.recs);
	return 0;
}

/* --- check ----------------------------------------------------------------- */

static void print_object(FILE *to, const struct vmstore_violation *violation)
{
	switch (violation->kind) {
	case VMSTORE_OBJ_STORE:
		fputs("store", to);
		break;
	case VMSTORE_OBJ_SLOT:
	case VMSTORE_OBJ_NODE:
	case VMSTORE_OBJ_LEAF:
		fprintf(to, "%s %#llx", vms_object_name(violation->kind),
			(ull)violation->object);
		break;
	default:
		fprintf(to, "%s %llu", vms_object_name(violation->kind),
			(ull)violation->object);
	}
	if (violation->space)
		fprintf(to, " of space %llu", (ull)violation->space);
}

static void print_violation(FILE *to, const struct vmstore_violation *violation,
			    bool color)
{
	fprintf(to, "%sviolated:%s %s%.16s%s, ", out_on(color, OUT_RED),
		out_on(color, OUT_PLAIN), out_on(color, OUT_BOLD),
		violation->clause, out_on(color, OUT_PLAIN));
	print_object(to, violation);
	fprintf(to, ": expected %#llx, found %#llx\n          %.96s\n",
		(ull)violation->expected, (ull)violation->found,
		violation->text);
}

static void print_clause(FILE *to, const struct vmstore_clause *clause,
			 bool color)
{
	fprintf(to, "%-10.16s %12llu %12llu  ", clause->id,
		(ull)clause->evaluated, (ull)clause->not_vacuous);
	fprintf(to, "%s%8llu%s  %.88s\n",
		out_on(color && clause->violated, OUT_RED),
		(ull)clause->violated,
		out_on(color && clause->violated, OUT_PLAIN), clause->text);
}

void vms_print_report(const struct vms_report *report, FILE *to,
		      const struct show_opts *opts, bool clauses)
{
	__u32 i;

	opts = opts ? opts : &plain;
	if (clauses)
		fprintf(to, "%s%-10s %12s %12s  %8s  %s%s\n",
			out_on(opts->color, OUT_BOLD), "clause", "evaluated",
			"not vacuous", "violated", "what it says",
			out_on(opts->color, OUT_PLAIN));
	for (i = 0; clauses && i < report->nr_clauses; i++)
		print_clause(to, &report->clauses[i], opts->color);
	for (i = 0; i < report->nr_violations; i++)
		print_violation(to, &report->violations[i], opts->color);
	if (report->total > report->nr_violations)
		fprintf(to, "%llu violations in all\n", (ull)report->total);
}

static json_object *json_violation(const struct vmstore_violation *violation)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "clause",
			       json_object_new_string_len(violation->clause,
				strnlen(violation->clause,
					sizeof(violation->clause))));
	out_json_text(object, "kind", vms_object_name(violation->kind));
	out_json_addr(object, "object", violation->object);
	out_json_count(object, "space", violation->space);
	out_json_addr(object, "expected", violation->expected);
	out_json_addr(object, "found", violation->found);
	json_object_object_add(object, "text",
			       json_object_new_string_len(violation->text,
				strnlen(violation->text,
					sizeof(violation->text))));
	return object;
}

static json_object *json_clause(const struct vmstore_clause *clause)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "id",
			       json_object_new_string_len(clause->id,
				strnlen(clause->id, sizeof(clause->id))));
	out_json_count(object, "evaluated", clause->evaluated);
	out_json_count(object, "not_vacuous", clause->not_vacuous);
	out_json_count(object, "violated", clause->violated);
	json_object_object_add(object, "text",
			       json_object_new_string_len(clause->text,
				strnlen(clause->text, sizeof(clause->text))));
	return object;
}

json_object *vms_json_report(const struct vms_report *report)
{
	json_object *object = json_object_new_object();
	json_object *clauses = json_object_new_array();
	json_object *violations = json_object_new_array();
	__u32 i;

	out_json_bool(object, "holds", !report->total);
	out_json_count(object, "total", report->total);
	for (i = 0; i < report->nr_violations; i++)
		json_object_array_add(violations,
				      json_violation(&report->violations[i]));
	json_object_object_add(object, "violations", violations);
	for (i = 0; i < report->nr_clauses; i++)
		json_object_array_add(clauses,
				      json_clause(&report->clauses[i]));
	json_object_object_add(object, "clauses", clauses);
	return object;
}

/* --- dump for machines ----------------------------------------------------- */

static json_object *json_prop(struct vmstore_prop prop)
{
	char buf[VMS_PROP_TEXT];

	return json_object_new_string(vms_prop_text(prop, buf));
}

static json_object *json_space(const void *rec)
{
	const struct vmstore_rec_space *space = rec;
	json_object *object = json_object_new_object();

	out_json_count(object, "id", space->id);
	out_json_addr(object, "root", space->root);
	out_json_addr(object, "active", space->active);
	out_json_count(object, "cursors", space->cursors);
	return object;
}

static json_object *json_cursor(const void *rec)
{
	const struct vmstore_rec_cursor *cursor = rec;
	json_object *object = json_object_new_object();

	out_json_count(object, "id", cursor->id);
	out_json_count(object, "space", cursor->space);
	out_json_addr(object, "start", cursor->start);
	out_json_addr(object, "end", cursor->end);
	out_json_addr(object, "va", cursor->va);
	out_json_bool(object, "mut", cursor->mut);
	out_json_count(object, "level", cursor->level);
	out_json_count(object, "guard_level", cursor->guard_level);
	out_json_count(object, "gathered", cursor->gathered);
	out_json_count(object, "pending", cursor->pending);
	return object;
}

static json_object *json_frame(const void *rec)
{
	const struct vmstore_rec_frame *frame = rec;
	json_object *object = json_object_new_object();

	out_json_count(object, "id", frame->id);
	out_json_addr(object, "paddr", frame->paddr);
	return object;
}

static const char *usage_name(unsigned int usage)
{
	static const char *const names[] = {
		[VMSTORE_USAGE_UNUSED] = "unused",
		[VMSTORE_USAGE_RESERVED] = "reserved",
		[VMSTORE_USAGE_FRAME] = "frame",
		[VMSTORE_USAGE_PAGETABLE] = "pagetable",
		[VMSTORE_USAGE_META] = "meta",
		[VMSTORE_USAGE_KERNEL] = "kernel",
		[VMSTORE_USAGE_MMIO] = "mmio",
	};

	return usage < sizeof(names) / sizeof(names[0]) ? names[usage] : "?";
}

static json_object *json_slots(const void *rec)
{
	const struct vmstore_rec_slots *slots = rec;
	json_object *object = json_object_new_object();

	out_json_addr(object, "paddr", slots->paddr);
	out_json_count(object, "nr", slots->nr);
	out_json_addr(object, "rc", slots->rc);
	out_json_count(object, "paths", slots->paths);
	out_json_count(object, "in_list", slots->in_list);
	out_json_text(object, "usage", usage_name(slots->usage));
	out_json_bool(object, "storage", slots->storage);
	out_json_bool(object, "type", slots->type);
	out_json_count(object, "level", slots->level);
	out_json_count(object, "nr_children", slots->nr_children);
	out_json_bool(object, "stray", slots->stray);
	out_json_count(object, "owner", slots->owner);
	return object;
}

static json_object *json_node(const void *rec)
{
	const struct vmstore_rec_node *node = rec;
	json_object *object = json_object_new_object();

	out_json_count(object, "space", node->space);
	out_json_addr(object, "va", node->va);
	out_json_addr(object, "paddr", node->paddr);
	out_json_count(object, "level", node->level);
	out_json_count(object, "nr_children", node->nr_children);
	out_json_count(object, "owner", node->owner);
	return object;
}

static json_object *json_leaves(const void *rec)
{
	const struct vmstore_rec_leaves *leaves = rec;
	json_object *object = json_object_new_object();

	out_json_count(object, "space", leaves->space);
	out_json_addr(object, "va", leaves->va);
	out_json_addr(object, "paddr", leaves->paddr);
	out_json_count(object, "nr", leaves->nr);
	out_json_count(object, "level", leaves->level);
	json_object_object_add(object, "prop", json_prop(leaves->prop));
	return object;
}

static json_object *json_gathered(const void *rec)
{
	const struct vmstore_rec_gathered *gathered = rec;
	json_object *object = json_object_new_object();

	out_json_count(object, "space", gathered->space);
	out_json_count(object, "cursor", gathered->cursor);
	out_json_addr(object, "paddr", gathered->paddr);
	out_json_bool(object, "node", gathered->node);
	out_json_bool(object, "flushed", gathered->flushed);
	return object;
}

static const struct json_section {
	const char *name;
	__u32 section;
	__u32 rec_size;
	json_object *(*json)(const void *rec);
} json_sections[] = {
	{ "spaces", VMSTORE_DUMP_SPACES, sizeof(struct vmstore_rec_space),
	  json_space },
	{ "cursors", VMSTORE_DUMP_CURSORS, sizeof(struct vmstore_rec_cursor),
	  json_cursor },
	{ "handles", VMSTORE_DUMP_FRAMES, sizeof(struct vmstore_rec_frame),
	  json_frame },
	{ "slots", VMSTORE_DUMP_SLOTS, sizeof(struct vmstore_rec_slots),
	  json_slots },
	{ "nodes", VMSTORE_DUMP_NODES, sizeof(struct vmstore_rec_node),
	  json_node },
	{ "leaves", VMSTORE_DUMP_LEAVES, sizeof(struct vmstore_rec_leaves),
	  json_leaves },
	{ "gathered", VMSTORE_DUMP_TLB, sizeof(struct vmstore_rec_gathered),
	  json_gathered },
};

struct json_ctx {
	json_object *array;
	json_object *(*json)(const void *rec);
};

static int add_rec(const void *rec, void *arg)
{
	struct json_ctx *ctx = arg;

	json_object_array_add(ctx->array, ctx->json(rec));
	return 0;
}

int vms_json_state(struct vms_store *store, json_object *object)
{
	const struct json_section *section = json_sections;
	size_t i, nr = sizeof(json_sections) / sizeof(json_sections[0]);
	struct json_ctx ctx;
	int ret;

	for (i = 0; i < nr; i++, section++) {
		ctx.array = json_object_new_array();
		ctx.json = section->json;
		json_object_object_add(object, section->name, ctx.array);
		ret = vms_dump_foreach(store, section->section,
				       section->rec_size, add_rec, &ctx);
		if (ret)
			return ret;
	}
	return 0;
}
