// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl tlb: run a script, then print what is cached, and what of it is stale
 */
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "ctl.h"
#include "exec.h"
#include "out.h"
#include "show.h"
#include "story.h"

struct tlb_options {
	const char *path;
	bool keep_going;
	bool all;
};

static const struct argp_option options[] = {
	{ "all", 'a', NULL, 0, "List all that is cached, not only what is stale", 0 },
	{ "keep-going", 'k', NULL, 0, "Go on behind an unexpected outcome", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static const char doc[] =
	"Run a script in a new store, then print the flushes that are still owed, and for\n"
	"each CPU and space how many translations and tables are cached and how many of\n"
	"them are stale: the page tables say something else by now. Stale ones are listed.\n"
	"\vA range is 'changed' where nobody has asked for a flush yet, 'pending' in the\n"
	"queue of a cursor, and 'sent' until every CPU asked has flushed. 'model' is what\n"
	"the model considers cached, one set for all CPUs, in check modes full and step.\n"
	"What a CPU holds only the soft machine can tell; 'idle' is what it has left of a\n"
	"root that is not loaded, and flushes before it is used again.\n"
	"\n"
	"Example:\n"
	"  vmstorectl tlb examples/stale.vms\n"
	"  vmstorectl tlb --json examples/stale.vms | jq '.cached[] | select(.stale)'";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct tlb_options *opts = state->input;

	switch (key) {
	case 'a':
		opts->all = true;
		return 0;
	case 'k':
		opts->keep_going = true;
		return 0;
	case ARGP_KEY_ARG:
		if (opts->path)
			argp_error(state, "only one FILE");
		opts->path = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- what there is ----------------------------------------------------------- */

/* A section in memory. */
struct recs {
	void *rec;
	size_t nr;
};

struct tlb {
	struct recs flushes;		/* struct vmstore_rec_flush */
	struct recs cached;		/* struct vmstore_rec_cached */
	struct recs leaves;		/* struct vmstore_rec_leaves, sorted */
	struct recs nodes;		/* struct vmstore_rec_node, sorted */
};

static int compare(__u64 a, __u64 b)
{
	return a < b ? -1 : a > b;
}

static int compare_leaves(const void *a, const void *b)
{
	const struct vmstore_rec_leaves *la = a, *lb = b;
	int ret = compare(la->space, lb->space);

	return ret ? ret : compare(la->va, lb->va);
}

static int compare_nodes(const void *a, const void *b)
{
	const struct vmstore_rec_node *na = a, *nb = b;
	int ret = compare(na->space, nb->space);

	if (!ret)
		ret = compare(na->va, nb->va);
	return ret ? ret : compare(na->level, nb->level);
}

/* By who has it, the model first, then by space and address. */
static int compare_cached(const void *a, const void *b)
{
	const struct vmstore_rec_cached *ca = a, *cb = b;
	int ret = compare((__u32)(ca->cpu + 1), (__u32)(cb->cpu + 1));

	if (!ret)
		ret = compare(ca->space, cb->space);
	if (!ret)
		ret = compare(ca->va, cb->va);
	return ret ? ret : compare(ca->level, cb->level);
}

static int recs_read(struct vms_store *store, __u32 section, __u32 rec_size,
		     int (*order)(const void *a, const void *b), struct recs *recs)
{
	int ret = vms_dump_read(store, section, rec_size, &recs->rec, &recs->nr, NULL);

	if (!ret && order && recs->nr)
		qsort(recs->rec, recs->nr, rec_size, order);
	return ret;
}

static void tlb_free(struct tlb *tlb)
{
	free(tlb->flushes.rec);
	free(tlb->cached.rec);
	free(tlb->leaves.rec);
	free(tlb->nodes.rec);
}

static int tlb_read(struct vms_store *store, struct tlb *tlb)
{
	int ret;

	memset(tlb, 0, sizeof(*tlb));
	ret = recs_read(store, VMSTORE_DUMP_FLUSHES, sizeof(struct vmstore_rec_flush), NULL,
			&tlb->flushes);
	if (!ret)
		ret = recs_read(store, VMSTORE_DUMP_CACHED, sizeof(struct vmstore_rec_cached),
				compare_cached, &tlb->cached);
	if (!ret)
		ret = recs_read(store, VMSTORE_DUMP_LEAVES, sizeof(struct vmstore_rec_leaves),
				compare_leaves, &tlb->leaves);
	if (!ret)
		ret = recs_read(store, VMSTORE_DUMP_NODES, sizeof(struct vmstore_rec_node),
				compare_nodes, &tlb->nodes);
	if (ret)
		tlb_free(tlb);
	return ret;
}

/* --- what is stale ------------------------------------------------------------ */

#define LEVEL_SIZE(level)	(VMSTORE_PAGE_SIZE << (9 * ((level) - 1)))

static __u64 cached_end(const struct vmstore_rec_cached *c)
{
	return c->va + LEVEL_SIZE(c->level);
}

/* Leaves with one property, and the addresses they are at. */
static int compare_to_leaves(const void *key, const void *elem)
{
	const struct vmstore_rec_cached *c = key;
	const struct vmstore_rec_leaves *leaves = elem;
	int ret = compare(c->space, leaves->space);

	if (ret)
		return ret;
	if (c->va < leaves->va)
		return -1;
	return c->va >= leaves->va + leaves->nr * LEVEL_SIZE(leaves->level);
}

static bool same_prop(struct vmstore_prop a, struct vmstore_prop b)
{
	const __u8 hardware = VMSTORE_PROP_ACCESSED | VMSTORE_PROP_DIRTY;

	return !((a.flags ^ b.flags) & ~hardware) && a.priv == b.priv && a.cache == b.cache;
}

/* Of a translation: what the page tables say instead, or NULL. */
static const char *stale_leaf(const struct tlb *tlb, const struct vmstore_rec_cached *c)
{
	const struct vmstore_rec_leaves *leaves = NULL;

	if (tlb->leaves.nr)
		leaves = bsearch(c, tlb->leaves.rec, tlb->leaves.nr, sizeof(*leaves),
				 compare_to_leaves);
	if (!leaves)
		return "nothing is mapped";
	if (leaves->paddr + (c->va - leaves->va) != c->paddr || leaves->level != c->level)
		return "another frame";
	return same_prop(leaves->prop, c->prop) ? NULL : "another property";
}

/* Of the way to a table, which is a level below. */
static const char *stale_table(const struct tlb *tlb, const struct vmstore_rec_cached *c)
{
	const struct vmstore_rec_node key = {
		.space = c->space, .va = c->va, .level = c->level - 1,
	};
	const struct vmstore_rec_node *node = NULL;

	/* The tables of the linear window, and the way to the kernel half, never change */
	if (c->paddr == ~0ULL || (!c->space && c->level == VMSTORE_NR_LEVELS))
		return NULL;
	if (tlb->nodes.nr)
		node = bsearch(&key, tlb->nodes.rec, tlb->nodes.nr, sizeof(*node),
			       compare_nodes);
	if (!node)
		return "no table";
	return node->paddr == c->paddr ? NULL : "another table";
}

/* What nobody uses any more cannot mislead anybody. */
static const char *stale(const struct tlb *tlb, const struct vmstore_rec_cached *c)
{
	if (c->flags & VMSTORE_CACHED_IDLE)
		return NULL;
	return c->flags & VMSTORE_CACHED_TABLE ? stale_table(tlb, c) : stale_leaf(tlb, c);
}

/* --- people -------------------------------------------------------------------- */

static void print_title(const char *title)
{
	printf("%s%s%s\n", out_on(ctl.color, OUT_BOLD), title, out_on(ctl.color, OUT_PLAIN));
}

/* A column of @width, and the blanks behind it. */
static void print_number(int width, __u64 n)
{
	char buf[24] = "-";

	if (n)
		snprintf(buf, sizeof(buf), "%llu", n);
	printf("%-*s  ", width, buf);
}

static void print_space(__u64 space)
{
	if (space)
		print_number(8, space);
	else
		printf("%-8s  ", "kernel");
}

static void print_holder(const struct vmstore_rec_cached *c)
{
	char buf[24] = "model";

	if (c->cpu != VMSTORE_CPU_MODEL)
		snprintf(buf, sizeof(buf), "cpu %u", c->cpu);
	printf("  %-8s  ", buf);
	print_space(c->space);
}

static void print_cpus(__u64 cpus)
{
	const char *before = "cpu ";
	unsigned int cpu;

	for (cpu = 0; cpus; cpu++, cpus >>= 1) {
		if (cpus & 1) {
			printf("%s%u", before, cpu);
			before = ", ";
		}
	}
}

static const char *state_name(__u32 state)
{
	static const char *const names[] = {
		[VMSTORE_FLUSH_CHANGED] = "changed",
		[VMSTORE_FLUSH_PENDING] = "pending",
		[VMSTORE_FLUSH_SENT] = "sent",
	};

	return state < ARRAY_SIZE(names) && names[state] ? names[state] : "?";
}

static void print_flush(const struct vmstore_rec_flush *f)
{
	char range[48] = "everything";

	fputs("  ", stdout);
	print_space(f->space);
	print_number(8, f->cursor);
	printf("%-8s  ", state_name(f->state));
	if (!f->all)
		snprintf(range, sizeof(range), "%016llx-%016llx", f->start, f->end);
	if (f->cpus) {
		printf("%-33s  ", range);
		print_cpus(f->cpus);
		putchar('\n');
	} else {
		puts(range);
	}
}

static void print_flushes(const struct tlb *tlb)
{
	const struct vmstore_rec_flush *f = tlb->flushes.rec;
	size_t i;

	print_title("flushes owed");
	if (!tlb->flushes.nr) {
		puts("  none");
		return;
	}
	printf("  %-8s  %-8s  %-8s  %-33s  %s\n", "space", "cursor", "state", "range",
	       "by");
	for (i = 0; i < tlb->flushes.nr; i++)
		print_flush(&f[i]);
}

/* What one holder has of one space. */
struct held {
	size_t translations, tables, stale, idle;
};

static void held_count(const struct tlb *tlb, const struct vmstore_rec_cached *c,
		       struct held *held)
{
	if (c->flags & VMSTORE_CACHED_TABLE)
		held->tables++;
	else
		held->translations++;
	held->idle += !!(c->flags & VMSTORE_CACHED_IDLE);
	held->stale += !!stale(tlb, c);
}

static void print_held(const struct vmstore_rec_cached *c, const struct held *held)
{
	print_holder(c);
	print_number(12, held->translations);
	print_number(6, held->tables);
	print_number(4, held->idle);
	printf("%s%zu%s\n", out_on(ctl.color && held->stale, OUT_YELLOW), held->stale,
	       out_on(ctl.color && held->stale, OUT_PLAIN));
}

static void print_cached(const struct tlb *tlb)
{
	const struct vmstore_rec_cached *c = tlb->cached.rec;
	struct held held = { 0 };
	size_t i;

	print_title("cached");
	if (!tlb->cached.nr) {
		puts("  nothing");
		return;
	}
	printf("  %-8s  %-8s  %-12s  %-6s  %-4s  %s\n", "by", "space", "translations",
	       "tables", "idle", "stale");
	for (i = 0; i < tlb->cached.nr; i++) {
		held_count(tlb, &c[i], &held);
		if (i + 1 < tlb->cached.nr && c[i].cpu == c[i + 1].cpu &&
		    c[i].space == c[i + 1].space)
			continue;
		print_held(&c[i], &held);
		held = (struct held) { 0 };
	}
}

static void print_entry(const struct vmstore_rec_cached *c, const char *why)
{
	char buf[VMS_PROP_TEXT];

	print_holder(c);
	printf("%016llx-%016llx  ", c->va, cached_end(c));
	if (c->flags & VMSTORE_CACHED_TABLE)
		printf("%-7s  -> L%u ", "table", c->level - 1);
	else
		printf("%-7s  -> ", vms_prop_columns(c->prop, buf));
	if (c->paddr == ~0ULL)
		fputs("window", stdout);
	else
		printf("%llx", c->paddr);
	if (c->flags & VMSTORE_CACHED_GLOBAL)
		fputs("  global", stdout);
	if (c->flags & VMSTORE_CACHED_IDLE)
		fputs("  idle", stdout);
	if (why)
		printf("  %sstale: %s%s", out_on(ctl.color, OUT_YELLOW), why,
		       out_on(ctl.color, OUT_PLAIN));
	putchar('\n');
}

static void print_entries(const struct tlb *tlb, bool all)
{
	const struct vmstore_rec_cached *c = tlb->cached.rec;
	size_t i, nr = 0;

	print_title(all ? "all of it" : "stale");
	for (i = 0; i < tlb->cached.nr; i++) {
		const char *why = stale(tlb, &c[i]);

		if (!all && !why)
			continue;
		print_entry(&c[i], why);
		nr++;
	}
	if (!nr)
		puts("  nothing");
}

static void print_text(const struct tlb *tlb, const struct tlb_options *opts)
{
	print_flushes(tlb);
	putchar('\n');
	print_cached(tlb);
	putchar('\n');
	print_entries(tlb, opts->all);
}

/* --- machines ------------------------------------------------------------------ */

static json_object *json_flush(const struct vmstore_rec_flush *f)
{
	json_object *object = json_object_new_object();

	out_json_count(object, "space", f->space);
	out_json_count(object, "cursor", f->cursor);
	out_json_text(object, "state", state_name(f->state));
	out_json_bool(object, "all", f->all);
	if (!f->all) {
		out_json_addr(object, "start", f->start);
		out_json_addr(object, "end", f->end);
	}
	out_json_addr(object, "cpus", f->cpus);
	return object;
}

static json_object *json_cached(const struct tlb *tlb, const struct vmstore_rec_cached *c)
{
	json_object *object = json_object_new_object();
	bool table = c->flags & VMSTORE_CACHED_TABLE;
	const char *why = stale(tlb, c);
	char buf[VMS_PROP_TEXT];

	json_object_object_add(object, "cpu", c->cpu == VMSTORE_CPU_MODEL ? NULL :
				json_object_new_uint64(c->cpu));
	out_json_count(object, "space", c->space);
	out_json_addr(object, "va", c->va);
	out_json_count(object, "level", c->level);
	out_json_bool(object, "table", table);
	if (c->paddr != ~0ULL)
		out_json_addr(object, "paddr", c->paddr);
	if (!table)
		out_json_text(object, "prop", vms_prop_text(c->prop, buf));
	out_json_bool(object, "global", c->flags & VMSTORE_CACHED_GLOBAL);
	out_json_bool(object, "idle", c->flags & VMSTORE_CACHED_IDLE);
	json_object_object_add(object, "stale", why ? json_object_new_string(why) : NULL);
	return object;
}

static void print_json(struct vms_store *store, const struct tlb *tlb, json_object *failures,
		       bool violated)
{
	const struct vmstore_rec_flush *f = tlb->flushes.rec;
	const struct vmstore_rec_cached *c = tlb->cached.rec;
	json_object *object = json_object_new_object();
	json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < tlb->flushes.nr; i++)
		json_object_array_add(array, json_flush(&f[i]));
	json_object_object_add(object, "flushes", array);
	array = json_object_new_array();
	for (i = 0; i < tlb->cached.nr; i++)
		json_object_array_add(array, json_cached(tlb, &c[i]));
	json_object_object_add(object, "cached", array);
	json_object_object_add(object, "failures", json_object_get(failures));
	if (violated)
		json_object_object_add(object, "story", story_json(store));
	out_json_print(object);
}

int cmd_tlb(int argc, char **argv)
{
	const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "[FILE|-]",
		.doc = doc, .children = CTL_COMMON_CHILDREN,
	};
	struct tlb_options opts = { 0 };
	struct vms_store store;
	json_object *failures;
	struct tlb tlb;
	int status, ret;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	status = ctl_open(&store);
	if (status)
		return status;
	failures = ctl.json ? json_object_new_array() : NULL;
	status = exec_file(&store, opts.path, opts.keep_going, failures);
	if (status < CTL_USAGE) {
		ret = tlb_read(&store, &tlb);
		if (ret) {
			status = ctl_call_error(VMS_CALL_DUMP, "cannot read the TLB", ret);
		} else if (ctl.json) {
			print_json(&store, &tlb, failures, status == CTL_VIOLATED);
			tlb_free(&tlb);
		} else {
			print_text(&tlb, &opts);
			tlb_free(&tlb);
		}
	}
	json_object_put(failures);
	return ctl_exit(&store, status);
}
