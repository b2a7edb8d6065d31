// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl: the state of a store for people and for machines
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "out.h"
#include "show.h"

#define DEFAULT_WIDTH	64
#define NODE_PAGES(level)	(1ULL << (9 * (level)))
#define LEAF_SIZE(level)	(VMSTORE_PAGE_SIZE << (9 * ((level) - 1)))

static const struct show_opts plain;

/* A section in memory. */
struct section {
	void *recs;
	size_t nr;
	size_t rec_size;
};

static int section_read(struct vms_store *store, __u32 id, size_t rec_size,
			struct section *section)
{
	section->rec_size = rec_size;
	return vms_dump_read(store, id, rec_size, &section->recs, &section->nr,
			     NULL);
}

/* --- kernel areas ---------------------------------------------------------- */

static int compare(__u64 a, __u64 b)
{
	return a < b ? -1 : a > b;
}

static int compare_areas(const void *a, const void *b)
{
	const struct vmstore_rec_kvirt *aa = a, *ab = b;

	return compare(aa->start, ab->start);
}

static int areas_read(struct vms_store *store, struct section *areas)
{
	int ret = section_read(store, VMSTORE_DUMP_KVIRTS, sizeof(struct vmstore_rec_kvirt),
			       areas);

	if (!ret && areas->nr)
		qsort(areas->recs, areas->nr, areas->rec_size, compare_areas);
	return ret;
}

static int compare_to_area(const void *va, const void *area)
{
	const struct vmstore_rec_kvirt *rec = area;
	__u64 at = *(const __u64 *)va;

	if (at < rec->start)
		return -1;
	return at >= rec->end;
}

/* The area that an address lies in, or NULL. */
static const struct vmstore_rec_kvirt *area_at(const struct section *areas, __u64 va)
{
	if (!areas->nr)
		return NULL;
	return bsearch(&va, areas->recs, areas->nr, areas->rec_size, compare_to_area);
}

/* --- page tables ----------------------------------------------------------- */

/* A line of leaves. */
struct leaves {
	__u64 space;
	__u64 va;
	__u64 paddr;
	__u64 nr;
	struct vmstore_prop prop;
	__u32 level;
	bool scattered;		/* in paddr, not one behind the other */
};

struct tables {
	struct section spaces;
	struct section areas;
	struct section nodes;
	struct section records;
	struct leaves *leaves;
	size_t nr_leaves;
};

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
	free(tables->areas.recs);
	free(tables->nodes.recs);
	free(tables->records.recs);
	free(tables->leaves);
}

static void section_sort(struct section *section,
			 int (*order)(const void *a, const void *b))
{
	if (section->nr)
		qsort(section->recs, section->nr, section->rec_size, order);
}

static bool continues(const struct leaves *leaves,
		      const struct vmstore_rec_leaves *rec)
{
	return leaves->space == rec->space && leaves->level == rec->level &&
	       leaves->va + leaves->nr * LEAF_SIZE(leaves->level) == rec->va &&
	       !memcmp(&leaves->prop, &rec->prop, sizeof(rec->prop));
}

static void add_leaves(struct tables *tables,
		       const struct vmstore_rec_leaves *rec, bool compact)
{
	struct leaves *last = tables->leaves + tables->nr_leaves;

	if (compact && tables->nr_leaves && continues(last - 1, rec)) {
		last[-1].nr += rec->nr;
		last[-1].scattered = true;
		return;
	}
	*last = (struct leaves){
		.space = rec->space, .va = rec->va, .paddr = rec->paddr,
		.nr = rec->nr, .prop = rec->prop, .level = rec->level,
	};
	tables->nr_leaves++;
}

static int tables_sort(struct tables *tables, bool compact)
{
	const struct vmstore_rec_leaves *rec;
	size_t i;

	section_sort(&tables->nodes, compare_nodes);
	section_sort(&tables->records, compare_leaves);
	tables->leaves = calloc(tables->records.nr + 1,
				sizeof(*tables->leaves));
	if (!tables->leaves)
		return -ENOMEM;
	rec = tables->records.recs;
	for (i = 0; i < tables->records.nr; i++)
		add_leaves(tables, &rec[i], compact);
	return 0;
}

static int tables_read(struct vms_store *store, struct tables *tables,
		       bool compact)
{
	int ret;

	memset(tables, 0, sizeof(*tables));
	ret = section_read(store, VMSTORE_DUMP_SPACES,
			   sizeof(struct vmstore_rec_space), &tables->spaces);
	if (!ret)
		ret = areas_read(store, &tables->areas);
	if (!ret)
		ret = section_read(store, VMSTORE_DUMP_NODES,
				   sizeof(struct vmstore_rec_node),
				   &tables->nodes);
	if (!ret)
		ret = section_read(store, VMSTORE_DUMP_LEAVES,
				   sizeof(struct vmstore_rec_leaves),
				   &tables->records);
	if (!ret)
		ret = tables_sort(tables, compact);
	if (ret)
		tables_free(tables);
	return ret;
}

/* Where the printing of one space's tree is. */
struct tree {
	FILE *to;
	bool color;
	const struct section *areas;
	const struct vmstore_rec_node *node, *nodes_end;
	struct leaves *leaf, *leaves_end;
};

/* Of a root only the user half is the space's. */
static __u64 node_end(const struct vmstore_rec_node *node)
{
	if (node->level == VMSTORE_NR_LEVELS && !node->va)
		return VMSTORE_USER_END;
	return node->va + VMSTORE_PAGE_SIZE * NODE_PAGES(node->level);
}

static __u64 leaves_end(const struct leaves *leaf)
{
	return leaf->va + leaf->nr * LEAF_SIZE(leaf->level);
}

static void indent(const struct tree *tree, unsigned int level)
{
	fprintf(tree->to, "%*s", 2 * (VMSTORE_NR_LEVELS - (int)level + 1), "");
}

static void print_va_range(FILE *to, __u64 start, __u64 end)
{
	fprintf(to, "%016llx-%016llx", start, end);
}

static const char *leaf_unit(__u32 level)
{
	static const char *const units[] = { "?", "4k", "2M", "1G", "512G" };

	return units[level <= VMSTORE_NR_LEVELS ? level : 0];
}

/* What the first nr leaves of a record map. */
static void print_frames(FILE *to, const struct leaves *leaf, __u64 nr)
{
	if (leaf->scattered)
		fputs("  -> scattered", to);
	else
		fprintf(to, "  -> %llx-%llx", leaf->paddr,
			leaf->paddr + nr * LEAF_SIZE(leaf->level));
	fprintf(to, "  %llu x %s", nr, leaf_unit(leaf->level));
}

/* The first nr leaves of the current record; the rest stays there. */
static void print_leaves(struct tree *tree, __u64 nr)
{
	const struct vmstore_rec_kvirt *area = area_at(tree->areas, tree->leaf->va);
	struct leaves *leaf = tree->leaf;
	__u64 size = LEAF_SIZE(leaf->level);
	char buf[VMS_PROP_TEXT];

	indent(tree, leaf->level - 1);
	print_va_range(tree->to, leaf->va, leaf->va + nr * size);
	fprintf(tree->to, "  %s%s%s", out_on(tree->color, OUT_GREEN),
		vms_prop_columns(leaf->prop, buf),
		out_on(tree->color, OUT_PLAIN));
	print_frames(tree->to, leaf, nr);
	if (area)
		fprintf(tree->to, "  area %llu+%llx", area->id, leaf->va - area->start);
	fputc('\n', tree->to);
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
		fprintf(tree->to, "  node %llx, %u %s", first->paddr,
			first->nr_children,
			first->nr_children == 1 ? "entry" : "entries");
	else
		fprintf(tree->to, "  %zu full nodes %llx..%llx", nr,
			first->paddr, last->paddr);
	if (first->owner)
		fprintf(tree->to, ", owned by cursor %llu", first->owner);
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
		space->id, out_on(color, OUT_PLAIN), space->root);
	if (space->cursors)
		fprintf(to, ", cursors %llu", space->cursors);
	if (space->active) {
		fputs(", active on CPU", to);
		print_cpus(to, space->active);
	}
	fputc('\n', to);
}

static void tree_of(struct tree *tree, const struct tables *tables, __u64 space)
{
	const struct vmstore_rec_node *nodes = tables->nodes.recs;

	/* They are sorted by space. */
	tree->node = nodes;
	tree->nodes_end = nodes + tables->nodes.nr;
	while (tree->node < tree->nodes_end && tree->node->space < space)
		tree->node++;
	while (tree->nodes_end > tree->node &&
	       tree->nodes_end[-1].space > space)
		tree->nodes_end--;

	tree->leaf = tables->leaves;
	tree->leaves_end = tables->leaves + tables->nr_leaves;
	while (tree->leaf < tree->leaves_end && tree->leaf->space < space)
		tree->leaf++;
	while (tree->leaves_end > tree->leaf &&
	       tree->leaves_end[-1].space > space)
		tree->leaves_end--;
}

/*
 * One for all spaces: a linear window, in which each frame lies that far behind its
 * start as in the region, and the areas. The entries of the window are not in nodes. The
 * store has a root of its own for it, whose user half is empty: it is not of the tree.
 */
static void print_kernel_half(struct tree *tree, const struct tables *tables,
			      __u64 region_size)
{
	tree_of(tree, tables, 0);
	if (tree->node == tree->nodes_end)
		return;
	fprintf(tree->to, "%skernel half%s  ", out_on(tree->color, OUT_BOLD),
		out_on(tree->color, OUT_PLAIN));
	if (tree->node->level == VMSTORE_NR_LEVELS)
		fprintf(tree->to, "root %llx, ", (tree->node++)->paddr);
	fputs("linear window ", tree->to);
	print_va_range(tree->to, VMSTORE_KERNEL_BASE, VMSTORE_KERNEL_BASE + region_size);
	fprintf(tree->to, ", areas %zu\n", tables->areas.nr);
	print_tree(tree);
}

static void print_space_tree(struct tree *tree, const struct tables *tables,
			     const struct vmstore_rec_space *space)
{
	print_space_line(tree->to, space, tree->color);
	tree_of(tree, tables, space->id);
	print_tree(tree);
}

int vms_print_tables(struct vms_store *store, FILE *to,
		     const struct show_opts *opts)
{
	const struct vmstore_rec_space *space;
	struct tables tables;
	struct tree tree = { .to = to, .areas = &tables.areas };
	struct vmstore_info info;
	size_t i;
	int ret;

	opts = opts ? opts : &plain;
	tree.color = opts->color;
	ret = vms_info(store, &info);
	if (!ret)
		ret = tables_read(store, &tables, opts->compact);
	if (ret)
		return ret;

	if (!opts->space)
		print_kernel_half(&tree, &tables, info.out_region_size);
	space = tables.spaces.recs;
	for (i = 0; i < tables.spaces.nr; i++, space++) {
		if (!opts->space || space->id == opts->space)
			print_space_tree(&tree, &tables, space);
	}
	if (!tables.spaces.nr)
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
	const struct vmstore_rec_gathered *rec;
	struct section tlb;
	size_t i;
	__u64 at;
	int ret;

	ret = section_read(store, VMSTORE_DUMP_TLB, sizeof(*rec), &tlb);
	if (ret)
		return ret;
	rec = tlb.recs;
	for (i = 0; i < tlb.nr; i++, rec++) {
		at = rec->paddr / VMSTORE_PAGE_SIZE;
		if (at < map->nr)
			map->letters[at] = 'g';
	}
	free(tlb.recs);
	return 0;
}

static int map_fill(struct region_map *map, const struct section *section)
{
	const struct vmstore_rec_slots *slots = section->recs;
	size_t i;

	for (i = 0; i < section->nr; i++)
		map->nr += slots[i].nr;
	map->letters = malloc(map->nr + 1);
	if (!map->letters)
		return -ENOMEM;
	memset(map->letters, '?', map->nr + 1);
	for (i = 0; i < section->nr; i++)
		map_slots(map, &slots[i]);
	return 0;
}

static int map_read(struct vms_store *store, struct region_map *map)
{
	struct section slots;
	int ret;

	memset(map, 0, sizeof(*map));
	ret = section_read(store, VMSTORE_DUMP_SLOTS,
			   sizeof(struct vmstore_rec_slots), &slots);
	if (ret)
		return ret;
	ret = map_fill(map, &slots);
	free(slots.recs);
	if (!ret)
		ret = map_gathered(store, map);
	if (ret)
		free(map->letters);
	return ret;
}

static enum out_color letter_color(char letter)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(legends); i++) {
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
	for (i = 0; i < ARRAY_SIZE(legends); i++) {
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
		fprintf(to, "%10llx  ", at * VMSTORE_PAGE_SIZE);
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
	const struct vmstore_rec_space *rec;
	struct section spaces;
	size_t i;
	int ret;

	opts = opts ? opts : &plain;
	ret = section_read(store, VMSTORE_DUMP_SPACES, sizeof(*rec), &spaces);
	if (ret)
		return ret;
	print_title(to, opts, "spaces", spaces.nr);
	for (i = 0, rec = spaces.recs; i < spaces.nr; i++, rec++) {
		fputs("  ", to);
		print_space_line(to, rec, false);
	}
	free(spaces.recs);
	return 0;
}

static void print_cursor(FILE *to, const struct vmstore_rec_cursor *cursor)
{
	fprintf(to, "  cursor %llu  %s, space %llu, ", cursor->id,
		cursor->mut ? "mutable" : "read-only", cursor->space);
	print_va_range(to, cursor->start, cursor->end);
	fprintf(to, ", at %llx, level %u of %u", cursor->va,
		cursor->level, cursor->guard_level);
	if (cursor->gathered)
		fprintf(to, ", gathered %llu", cursor->gathered);
	if (cursor->pending)
		fprintf(to, ", flushes pending %u", cursor->pending);
	fputc('\n', to);
}

int vms_print_cursors(struct vms_store *store, FILE *to,
		      const struct show_opts *opts)
{
	const struct vmstore_rec_cursor *rec;
	struct section cursors;
	size_t i;
	int ret;

	opts = opts ? opts : &plain;
	ret = section_read(store, VMSTORE_DUMP_CURSORS, sizeof(*rec), &cursors);
	if (ret)
		return ret;
	print_title(to, opts, "cursors", cursors.nr);
	for (i = 0, rec = cursors.recs; i < cursors.nr; i++, rec++) {
		if (!opts->space || rec->space == opts->space)
			print_cursor(to, rec);
	}
	free(cursors.recs);
	return 0;
}

static void print_io(FILE *to, const struct vmstore_rec_io *io, const struct section *areas)
{
	const struct vmstore_rec_kvirt *area = io->space ? NULL : area_at(areas, io->vaddr);

	fprintf(to, "  %s %llu  ", io->writer ? "writer" : "reader", io->id);
	if (io->space)
		fprintf(to, "space %llu, ", io->space);
	else if (area)
		fprintf(to, "area %llu, ", area->id);
	else
		fputs("kernel, ", to);
	print_va_range(to, io->vaddr, io->vaddr + io->len);
	fprintf(to, ", left ");
	print_va_range(to, io->cursor, io->end);
	fputc('\n', to);
}

int vms_print_segments(struct vms_store *store, FILE *to,
		       const struct show_opts *opts)
{
	const struct vmstore_rec_segment *rec;
	struct section segments;
	size_t i;
	int ret;

	ret = section_read(store, VMSTORE_DUMP_SEGMENTS, sizeof(*rec), &segments);
	if (ret)
		return ret;
	print_title(to, opts ? opts : &plain, "segments", segments.nr);
	for (i = 0, rec = segments.recs; i < segments.nr; i++, rec++)
		fprintf(to, "  segment %llu  %llx-%llx, %llu frames\n", rec->id,
			rec->start, rec->end,
			(rec->end - rec->start) / VMSTORE_PAGE_SIZE);
	free(segments.recs);
	return 0;
}

int vms_print_uniques(struct vms_store *store, FILE *to,
		      const struct show_opts *opts)
{
	const struct vmstore_rec_unique *rec;
	struct section uniques;
	size_t i;
	int ret;

	ret = section_read(store, VMSTORE_DUMP_UNIQUES, sizeof(*rec), &uniques);
	if (ret)
		return ret;
	print_title(to, opts ? opts : &plain, "exclusive handles", uniques.nr);
	for (i = 0, rec = uniques.recs; i < uniques.nr; i++, rec++)
		fprintf(to, "  unique %llu  %llx\n", rec->id, rec->paddr);
	free(uniques.recs);
	return 0;
}

/* The records of a list: its frames, and in brackets where its cursor is. */
static size_t print_list(FILE *to, const struct vmstore_rec_list *rec, size_t nr)
{
	bool past = rec->cursor && rec->at == rec->nr;
	size_t i;

	fprintf(to, "  list %llu  %llu frames", rec->id, rec->nr);
	if (rec->tag)
		fprintf(to, ", tag %llu", rec->tag);
	for (i = 0; i < nr && rec[i].id == rec->id; i++) {
		bool at = rec->cursor && rec[i].index == rec->at;

		if (rec[i].index < rec->nr)
			fprintf(to, at ? "%s[%llx]" : "%s%llx", i ? " " : ": ", rec[i].paddr);
	}
	fputs(past ? (rec->nr ? " []\n" : ": []\n") : "\n", to);
	return i;
}

int vms_print_lists(struct vms_store *store, FILE *to,
		    const struct show_opts *opts)
{
	const struct vmstore_rec_list *rec;
	struct section lists;
	size_t i, nr = 0;
	int ret;

	ret = section_read(store, VMSTORE_DUMP_LISTS, sizeof(*rec), &lists);
	if (ret)
		return ret;
	rec = lists.recs;
	for (i = 0; i < lists.nr; i++)
		nr += !rec[i].index;	/* each list has a first record */
	print_title(to, opts ? opts : &plain, "frame lists", nr);
	for (i = 0; i < lists.nr; )
		i += print_list(to, &rec[i], lists.nr - i);
	free(lists.recs);
	return 0;
}

static void print_area_line(FILE *to, const struct vmstore_rec_kvirt *area)
{
	char size[24];

	fprintf(to, "  area %llu  ", area->id);
	print_va_range(to, area->start, area->end);
	fprintf(to, "  %s", out_size_text(area->end - area->start, size));
	if (area->pins)
		fprintf(to, area->pins == 1 ? ", kept by %llu reader or writer" :
					      ", kept by %llu readers or writers", area->pins);
	fputc('\n', to);
}

/* A part of an area, as distances from its start; true where it is not empty. */
static bool print_part(FILE *to, const struct vmstore_rec_kvirt *area, __u64 start, __u64 end)
{
	if (start < end)
		fprintf(to, "    +%llx-%llx  ", start - area->start, end - area->start);
	return start < end;
}

/* The leaves of an area and what is between them; the tree moves on to the next one's. */
static void print_area(struct tree *tree, const struct vmstore_rec_kvirt *area)
{
	char buf[VMS_PROP_TEXT];
	__u64 at = area->start;
	struct leaves *leaf;

	print_area_line(tree->to, area);
	for (; tree->leaf < tree->leaves_end && tree->leaf->va < area->end; tree->leaf++) {
		leaf = tree->leaf;
		if (print_part(tree->to, area, at, leaf->va))
			fputs("not mapped\n", tree->to);
		at = leaves_end(leaf);
		print_part(tree->to, area, leaf->va, at);
		fprintf(tree->to, "%s%s%s", out_on(tree->color, OUT_GREEN),
			vms_prop_columns(leaf->prop, buf), out_on(tree->color, OUT_PLAIN));
		print_frames(tree->to, leaf, leaf->nr);
		fputc('\n', tree->to);
	}
	if (print_part(tree->to, area, at, area->end))
		fputs("not mapped\n", tree->to);
}

int vms_print_areas(struct vms_store *store, FILE *to,
		    const struct show_opts *opts)
{
	const struct vmstore_rec_kvirt *area;
	struct tables tables;
	struct tree tree = { .to = to };
	size_t i;
	int ret;

	opts = opts ? opts : &plain;
	tree.color = opts->color;
	ret = tables_read(store, &tables, opts->compact);
	if (ret)
		return ret;
	print_title(to, opts, "kernel areas", tables.areas.nr);
	tree_of(&tree, &tables, 0);
	for (i = 0, area = tables.areas.recs; i < tables.areas.nr; i++, area++)
		print_area(&tree, area);
	tables_free(&tables);
	return 0;
}

int vms_print_ios(struct vms_store *store, FILE *to,
		  const struct show_opts *opts)
{
	const struct vmstore_rec_io *rec;
	struct section ios, areas;
	size_t i;
	int ret;

	opts = opts ? opts : &plain;
	ret = areas_read(store, &areas);
	if (ret)
		return ret;
	ret = section_read(store, VMSTORE_DUMP_IOS, sizeof(*rec), &ios);
	if (ret) {
		free(areas.recs);
		return ret;
	}
	print_title(to, opts, "readers and writers", ios.nr);
	for (i = 0, rec = ios.recs; i < ios.nr; i++, rec++) {
		if (!opts->space || rec->space == opts->space)
			print_io(to, rec, &areas);
	}
	free(ios.recs);
	free(areas.recs);
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
		fprintf(to, "  frame %llu  %llx\n", frame->id,
			frame->paddr);
	else
		fprintf(to, "  frames %llu..%llu  %llx-%llx\n", frame->id,
			(frame->id + run - 1), frame->paddr,
			frame->paddr + run * VMSTORE_PAGE_SIZE);
}

int vms_print_handles(struct vms_store *store, FILE *to,
		      const struct show_opts *opts)
{
	const struct vmstore_rec_frame *rec;
	struct section frames;
	size_t i, run;
	int ret;

	ret = section_read(store, VMSTORE_DUMP_FRAMES, sizeof(*rec), &frames);
	if (ret)
		return ret;
	print_title(to, opts ? opts : &plain, "handles", frames.nr);
	rec = frames.recs;
	for (i = 0; i < frames.nr; i += run) {
		run = handle_run(rec + i, frames.nr - i);
		print_handles(to, rec + i, run);
	}
	free(frames.recs);
	return 0;
}

/* Whose a gather is. */
static void print_gather(FILE *to, __u64 space, __u64 cursor)
{
	if (space)
		fprintf(to, "space %llu", space);
	else
		fputs("kernel half", to);
	if (cursor)
		fprintf(to, ", cursor %llu", cursor);
}

static void print_gathered(FILE *to, const struct vmstore_rec_gathered *rec)
{
	fprintf(to, "  %s %llx  ", rec->node ? "node" : "frame", rec->paddr);
	print_gather(to, rec->space, rec->cursor);
	fprintf(to, ", %s\n", rec->flushed ? "flushed" : "not flushed");
}

int vms_print_gathered(struct vms_store *store, FILE *to,
		       const struct show_opts *opts)
{
	const struct vmstore_rec_gathered *rec;
	struct section tlb;
	size_t i;
	int ret;

	opts = opts ? opts : &plain;
	ret = section_read(store, VMSTORE_DUMP_TLB, sizeof(*rec), &tlb);
	if (ret)
		return ret;
	print_title(to, opts, "gathered", tlb.nr);
	for (i = 0, rec = tlb.recs; i < tlb.nr; i++, rec++) {
		if (!opts->space || rec->space == opts->space)
			print_gathered(to, rec);
	}
	free(tlb.recs);
	return 0;
}

static const char *flush_state(__u32 state)
{
	switch (state) {
	case VMSTORE_FLUSH_CHANGED:
		return "changed";
	case VMSTORE_FLUSH_PENDING:
		return "pending";
	case VMSTORE_FLUSH_SENT:
		return "sent";
	default:
		return "?";
	}
}

static void print_flush(FILE *to, const struct vmstore_rec_flush *rec)
{
	fputs("  ", to);
	if (rec->all)
		fputs("everything", to);
	else
		print_va_range(to, rec->start, rec->end);
	fputs("  ", to);
	print_gather(to, rec->space, rec->cursor);
	fprintf(to, ", %s", flush_state(rec->state));
	if (rec->state == VMSTORE_FLUSH_SENT)
		fprintf(to, ", CPUs %llx have not flushed", rec->cpus);
	fputc('\n', to);
}

int vms_print_flushes(struct vms_store *store, FILE *to,
		      const struct show_opts *opts)
{
	const struct vmstore_rec_flush *rec;
	struct section flushes;
	size_t i;
	int ret;

	opts = opts ? opts : &plain;
	ret = section_read(store, VMSTORE_DUMP_FLUSHES, sizeof(*rec), &flushes);
	if (ret)
		return ret;
	print_title(to, opts, "flush requests", flushes.nr);
	for (i = 0, rec = flushes.recs; i < flushes.nr; i++, rec++) {
		if (!opts->space || rec->space == opts->space)
			print_flush(to, rec);
	}
	free(flushes.recs);
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
			violation->object);
		break;
	default:
		fprintf(to, "%s %llu", vms_object_name(violation->kind),
			violation->object);
	}
	if (violation->space)
		fprintf(to, " of space %llu", violation->space);
}

static void print_violation(FILE *to, const struct vmstore_violation *violation,
			    bool color)
{
	fprintf(to, "%sviolated:%s %s%.16s%s, ", out_on(color, OUT_RED),
		out_on(color, OUT_PLAIN), out_on(color, OUT_BOLD),
		violation->clause, out_on(color, OUT_PLAIN));
	print_object(to, violation);
	fprintf(to, ": expected %#llx, found %#llx\n          %.96s\n",
		violation->expected, violation->found,
		violation->text);
}

static void print_clause(FILE *to, const struct vmstore_clause *clause,
			 bool color)
{
	fprintf(to, "%-10.16s %12llu %12llu  ", clause->id,
		clause->evaluated, clause->not_vacuous);
	fprintf(to, "%s%8llu%s  %.88s\n",
		out_on(color && clause->violated, OUT_RED),
		clause->violated,
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
		fprintf(to, "%llu violations in all\n", report->total);
}

static json_object *json_violation(const struct vmstore_violation *violation)
{
	json_object *object = json_object_new_object();

	out_json_chars(object, "clause", violation->clause,
		       sizeof(violation->clause));
	out_json_text(object, "kind", vms_object_name(violation->kind));
	out_json_addr(object, "object", violation->object);
	out_json_count(object, "space", violation->space);
	out_json_addr(object, "expected", violation->expected);
	out_json_addr(object, "found", violation->found);
	out_json_chars(object, "text", violation->text,
		       sizeof(violation->text));
	return object;
}

static json_object *json_clause(const struct vmstore_clause *clause)
{
	json_object *object = json_object_new_object();

	out_json_chars(object, "id", clause->id, sizeof(clause->id));
	out_json_count(object, "evaluated", clause->evaluated);
	out_json_count(object, "not_vacuous", clause->not_vacuous);
	out_json_count(object, "violated", clause->violated);
	out_json_chars(object, "text", clause->text, sizeof(clause->text));
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

	return usage < ARRAY_SIZE(names) ? names[usage] : "?";
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

static json_object *json_flush(const void *rec)
{
	const struct vmstore_rec_flush *flush = rec;
	json_object *object = json_object_new_object();

	out_json_count(object, "space", flush->space);
	out_json_count(object, "cursor", flush->cursor);
	out_json_text(object, "state", flush_state(flush->state));
	out_json_bool(object, "all", flush->all);
	if (!flush->all) {
		out_json_addr(object, "start", flush->start);
		out_json_addr(object, "end", flush->end);
	}
	if (flush->state == VMSTORE_FLUSH_SENT)
		out_json_addr(object, "cpus", flush->cpus);
	return object;
}

static json_object *json_segment(const void *rec)
{
	const struct vmstore_rec_segment *segment = rec;
	json_object *object = json_object_new_object();

	out_json_count(object, "id", segment->id);
	out_json_addr(object, "start", segment->start);
	out_json_addr(object, "end", segment->end);
	return object;
}

static json_object *json_unique(const void *rec)
{
	const struct vmstore_rec_unique *unique = rec;
	json_object *object = json_object_new_object();

	out_json_count(object, "id", unique->id);
	out_json_addr(object, "paddr", unique->paddr);
	return object;
}

static json_object *json_area(const void *rec)
{
	const struct vmstore_rec_kvirt *area = rec;
	json_object *object = json_object_new_object();

	out_json_count(object, "id", area->id);
	out_json_addr(object, "start", area->start);
	out_json_addr(object, "end", area->end);
	out_json_count(object, "pins", area->pins);
	return object;
}

static json_object *json_list(const void *rec)
{
	const struct vmstore_rec_list *list = rec;
	json_object *object = json_object_new_object();

	out_json_count(object, "id", list->id);
	out_json_count(object, "tag", list->tag);
	out_json_count(object, "nr", list->nr);
	out_json_count(object, "index", list->index);
	if (list->index < list->nr)
		out_json_addr(object, "paddr", list->paddr);
	out_json_bool(object, "cursor", list->cursor);
	if (list->cursor)
		out_json_count(object, "at", list->at);
	return object;
}

static json_object *json_io(const void *rec)
{
	const struct vmstore_rec_io *io = rec;
	json_object *object = json_object_new_object();

	out_json_count(object, "id", io->id);
	out_json_count(object, "space", io->space);
	out_json_bool(object, "writer", io->writer);
	out_json_addr(object, "vaddr", io->vaddr);
	out_json_addr(object, "len", io->len);
	out_json_addr(object, "cursor", io->cursor);
	out_json_addr(object, "end", io->end);
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
	{ "segments", VMSTORE_DUMP_SEGMENTS, sizeof(struct vmstore_rec_segment),
	  json_segment },
	{ "uniques", VMSTORE_DUMP_UNIQUES, sizeof(struct vmstore_rec_unique),
	  json_unique },
	{ "lists", VMSTORE_DUMP_LISTS, sizeof(struct vmstore_rec_list), json_list },
	{ "areas", VMSTORE_DUMP_KVIRTS, sizeof(struct vmstore_rec_kvirt), json_area },
	{ "ios", VMSTORE_DUMP_IOS, sizeof(struct vmstore_rec_io), json_io },
	{ "gathered", VMSTORE_DUMP_TLB, sizeof(struct vmstore_rec_gathered),
	  json_gathered },
	{ "flushes", VMSTORE_DUMP_FLUSHES, sizeof(struct vmstore_rec_flush),
	  json_flush },
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
	struct json_ctx ctx;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(json_sections); i++, section++) {
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
