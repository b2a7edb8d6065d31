// SPDX-License-Identifier: GPL-2.0-only
/*
 * A log as a script of vmstorectl. The words come from the tool's own table; how values
 * are written is here once more, so that a script needs nothing but that table.
 */

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "links.h"
#include "shrink.h"

/* --- the words ----------------------------------------------------------------------- */

#define WORDS_MAX_ARGS	5

struct word_arg {
	const char *name;
	const char *kind;
	__u16 offset;	/* in struct vmstore_op */
	__u8 size;
};

struct word {
	const char *name;
	const char *makes;
	__u16 flags;
	struct word_arg args[WORDS_MAX_ARGS];
};

#define ARG(n, k, member) \
	{ n, #k, offsetof(struct vmstore_op, arg.member), \
	  sizeof(((struct vmstore_op *)NULL)->arg.member) }
#define OPT(n, k, member, ...)	ARG(n, k, member)
#define FRAMES(n, s)	ARG(n, FRAMES, s.frames)
#define ARGS(...)	{ __VA_ARGS__ }
#define ROW(op, n, m, f, a, ...) \
	[VMSTORE_OP_##op] = { .name = n, .makes = #m, .flags = (f), .args = a },

static const struct word words[__VMSTORE_OP_MAX] = {
#include "optable.def"
};

static const struct {
	__u16 flag;
	const char *name;
} flag_words[] = {
	{ VMSTORE_OPF_WAIT, "wait" },
	{ VMSTORE_OPF_WRITE, "write" },
	{ VMSTORE_OPF_PEEK, "peek" },
	{ VMSTORE_OPF_CACHE, "cache" },
	{ VMSTORE_OPF_ALL, "all" },
	{ VMSTORE_OPF_DEFER, "defer" },
};

/* --- values -------------------------------------------------------------------------- */

static void print_prop(FILE *to, __u64 value)
{
	static const char flags[] = "rwxad?12";	/* by bit; 0x20 has no letter */
	static const char *const caches[] = { "wb", "wt", "uc", "wc", "wp" };
	struct vmstore_prop prop;
	unsigned int i;

	memcpy(&prop, &value, sizeof(prop));
	if (!prop.flags && !prop.priv)
		fputc('-', to);
	for (i = 0; i < 8; i++)
		if (prop.flags & 1 << i)
			fputc(flags[i], to);
	if (prop.priv & VMSTORE_PRIV_USER)
		fputc('u', to);
	if (prop.priv & VMSTORE_PRIV_GLOBAL)
		fputc('g', to);
	if (prop.priv & VMSTORE_PRIV_SHARED)
		fputc('s', to);
	if (prop.cache < ARRAY_SIZE(caches) && prop.cache)
		fprintf(to, ",%s", caches[prop.cache]);
}

/* A name says what the operation makes, and which one of the script it is */
static void print_name(FILE *to, const struct log *log, __u32 maker)
{
	const char *makes = words[log->ops[maker - 1].op.opcode].makes;

	fprintf(to, "%c%u", makes ? tolower(makes[0]) : 'x', maker);
}

static void print_link(FILE *to, const struct log *log, const struct link *link)
{
	print_name(to, log, link->maker);
	if (link->what == LINK_SECOND)
		fputs(".second", to);
	if (link->what == LINK_PADDR)
		fputs(".paddr", to);
	/* Also at the start: the area alone is its id */
	if (link->add || link->what == LINK_KVIRT)
		fprintf(to, "+%#llx", link->add);
}

/* Handles are names, where an operation of the script made them */
static void print_frames(FILE *to, const struct log *log, const struct logged *entry,
			 const struct op_links *links)
{
	__u32 k;

	if (!links->nr_ids)
		fputc('-', to);
	for (k = 0; k < links->nr_ids; k++) {
		if (k)
			fputc(',', to);
		if (links->ids[k].maker)
			print_link(to, log, &links->ids[k]);
		else
			fprintf(to, "%llu", ((const __u64 *)entry->data)[k]);
	}
}

static void print_bytes(FILE *to, const struct logged *entry)
{
	__u32 i;

	if (!entry->len)
		fputs("\"\"", to);
	for (i = 0; i < entry->len; i++)
		fprintf(to, "%02x", entry->data[i]);
}

static void print_number(FILE *to, const struct vmstore_op *op, const struct word_arg *arg)
{
	__u64 value = 0;

	memcpy(&value, (const char *)op + arg->offset, arg->size);
	if (!strcmp(arg->kind, "PROP"))
		print_prop(to, value);
	else if (!strcmp(arg->kind, "COUNT") || value < 10)
		fprintf(to, "%llu", value);
	else
		fprintf(to, "%#llx", value);
}

static void print_arg(FILE *to, const struct log *log, const struct logged *entry,
		      const struct op_links *links, const struct word_arg *arg)
{
	size_t k = (arg->offset - offsetof(struct vmstore_op, arg)) / sizeof(__u64);
	__u16 opcode = entry->op.opcode;

	fprintf(to, " %s=", arg->name);
	if (links_takes_frames(opcode) && k == 1)
		print_frames(to, log, entry, links);
	else if (opcode == VMSTORE_OP_WRITER_WRITE_VAL &&
		 arg->offset == offsetof(struct vmstore_op, arg.io_data.buf))
		print_bytes(to, entry);
	else if (k < LINKS_MAX && links->arg[k].maker)
		print_link(to, log, &links->arg[k]);
	else
		print_number(to, &entry->op, arg);
}

/* --- operations ---------------------------------------------------------------------- */

static bool is_linked(const struct links *links, __u32 maker)
{
	size_t i;
	__u32 k;

	for (i = 0; i < links->nr; i++) {
		for (k = 0; k < LINKS_MAX; k++)
			if (links->op[i].arg[k].maker == maker)
				return true;
		for (k = 0; k < links->op[i].nr_ids; k++)
			if (links->op[i].ids[k].maker == maker)
				return true;
	}
	return false;
}

static void print_flags(FILE *to, __u16 flags)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flag_words); i++)
		if (flags & flag_words[i].flag)
			fprintf(to, " %s", flag_words[i].name);
}

static void print_op(FILE *to, const struct log *log, const struct links *links, size_t i)
{
	const struct logged *entry = &log->ops[i];
	const struct vmstore_op *op = &entry->op;
	const struct word *word = op->opcode < __VMSTORE_OP_MAX ? &words[op->opcode] : NULL;
	size_t k;

	if (!word || !word->name) {
		fprintf(to, "# opcode %u, which has no word\n", op->opcode);
		return;
	}
	if (is_linked(links, i + 1)) {
		print_name(to, log, i + 1);
		fputs(" = ", to);
	}
	fputs(word->name, to);
	for (k = 0; k < WORDS_MAX_ARGS && word->args[k].name; k++)
		print_arg(to, log, entry, &links->op[i], &word->args[k]);
	print_flags(to, op->flags & word->flags);
	if (op->cpu)
		fprintf(to, " @cpu %u", op->cpu);
	if (op->out_errno)
		fprintf(to, " -> %s", strerrorname_np(-op->out_errno) ?: "any");
	fputc('\n', to);
}

static void print_setup(FILE *to, const struct vmstore_setup *setup)
{
	static const char *const machines[] = { NULL, "live", "soft" };
	static const char *const modes[] = { "off", "full", "step" };

	fprintf(to, "setup region=%#llx", setup->region_size);
	if (setup->mmio_size)
		fprintf(to, " mmio=%#llx", setup->mmio_size);
	if (setup->machine)
		fprintf(to, " machine=%s", machines[setup->machine]);
	if (setup->nr_cpus)
		fprintf(to, " cpus=%u", setup->nr_cpus);
	fprintf(to, " check=%s\n", modes[setup->check_mode]);
}

void script_print(const struct log *log, FILE *to, const char *prefix)
{
	struct links *links = links_find(log);
	size_t i;

	fputs(prefix, to);
	print_setup(to, &log->setup);
	for (i = 0; i < log->nr; i++) {
		fputs(prefix, to);
		print_op(to, log, links, i);
	}
	links_free(links);
}
