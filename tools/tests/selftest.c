// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of libvmstore's texts and of the script parser. Prints TAP.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "out.h"
#include "script.h"
#include "text.h"

struct ctl_options ctl;		/* script.c's, of vmstorectl.c */

void ctl_error(const char *fmt, ...)
{
	(void)fmt;
}

static unsigned int nr_tests, nr_failed, failed_here;

#define check(cond)							\
	do {								\
		if (!(cond)) {						\
			failed_here++;					\
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
		}							\
	} while (0)

static void run_test(const char *name, void (*test)(void))
{
	failed_here = 0;
	test();
	printf("%sok %u - %s\n", failed_here ? "not " : "", ++nr_tests, name);
	nr_failed += failed_here != 0;
}

/* --- texts ----------------------------------------------------------------- */

static void test_numbers(void)
{
	static const char *const wrong[] = {
		"", "-1", "+1", " 1", "1 ", "0x", "0xg", "k", "1kk", "1q", "x",
	};
	static const char *const large[] = {
		"18446744073709551616", "0x10000000000000000", "16777216T",
	};
	__u64 value;
	size_t i;

	check(!vms_number_parse("0", &value) && value == 0);
	check(!vms_number_parse("010", &value) && value == 10);
	check(!vms_number_parse("0x10", &value) && value == 16);
	check(!vms_number_parse("4k", &value) && value == 4096);
	check(!vms_number_parse("4K", &value) && value == 4096);
	check(!vms_number_parse("0x2M", &value) && value == 2u << 20);
	check(!vms_number_parse("3G", &value) && value == 3ULL << 30);
	check(!vms_number_parse("1T", &value) && value == 1ULL << 40);
	check(!vms_number_parse("18446744073709551615", &value) && !~value);
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		check(vms_number_parse(wrong[i], &value) == -EINVAL);
	for (i = 0; i < ARRAY_SIZE(large); i++)
		check(vms_number_parse(large[i], &value) == -ERANGE);
}

static void check_prop(unsigned int flags, unsigned int priv,
		       unsigned int cache)
{
	struct vmstore_prop prop = {
		.flags = flags, .priv = priv, .cache = cache,
	};
	char text[VMS_PROP_TEXT], columns[VMS_PROP_TEXT];
	struct vmstore_prop back;

	check(!vms_prop_parse(vms_prop_text(prop, text), &back));
	check(!memcmp(&back, &prop, sizeof(prop)));
	check(!vms_prop_parse(vms_prop_columns(prop, columns), &back));
	check(!memcmp(&back, &prop, sizeof(prop)));
}

static void test_properties(void)
{
	static const __u8 privs[] = {
		0, VMSTORE_PRIV_USER, VMSTORE_PRIV_GLOBAL,
		VMSTORE_PRIV_USER | VMSTORE_PRIV_GLOBAL | VMSTORE_PRIV_SHARED,
	};
	char buf[VMS_PROP_TEXT];
	struct vmstore_prop prop;
	unsigned int flags, i, cache;

	for (flags = 0; flags < 256; flags++) {
		for (i = 0; !(flags & 0x20) && i < sizeof(privs); i++) {
			for (cache = 0; cache <= VMSTORE_CACHE_WP; cache++)
				check_prop(flags, privs[i], cache);
		}
	}
	check(!strcmp(vms_prop_columns(vms_prop(3, 1), buf), "rw-u---"));
	check(!strcmp(vms_prop_text(vms_prop(3, 1), buf), "rwu"));
	check(!strcmp(vms_prop_text(vms_prop(0, 0), buf), "-"));
	check(!vms_prop_parse("UWR", &prop) && prop.flags == 3 &&
	      prop.priv == 1);
	check(vms_prop_parse("", &prop) == -EINVAL);
	check(vms_prop_parse("rq", &prop) == -EINVAL);
	check(vms_prop_parse("r,", &prop) == -EINVAL);
	check(vms_prop_parse("r,xx", &prop) == -EINVAL);
}

static void test_errnos(void)
{
	int call, err, known = 0;

	for (err = 1; err < 134; err++) {
		const char *name = vms_errno_name(-err);

		if (!name)
			continue;
		known++;
		check(vms_errno_parse(name) == -err);
		for (call = VMS_CALL_OPEN; call <= VMS_CALL_OP; call++)
			check(*vms_strerror(call, -err));
	}
	check(known >= 14);
	check(vms_errno_parse("-ebusy") == -EBUSY);
	check(vms_errno_parse("ok") == 0);
	check(vms_errno_parse("EWHAT") == 1);
	check(!strcmp(vms_errno_name(0), "ok"));
	check(strstr(vms_strerror(VMS_CALL_OPEN, -ENOENT), "insmod"));
	check(strstr(vms_strerror(VMS_CALL_OPEN, -EACCES), "root"));
	check(*vms_strerror(VMS_CALL_OP, -ESTALE));
}

static void test_faults(void)
{
	__u64 value;

	check(!vms_value_parse(VMS_KIND_FAULT, "taken+user", &value) &&
	      value == (VMSTORE_FAULT_TAKEN | VMSTORE_FAULT_USER));
	check(!vms_value_parse(VMS_KIND_FAULT, "0x8001", &value) &&
	      value == (VMSTORE_FAULT_TAKEN | VMSTORE_FAULT_PRESENT));
	check(vms_value_parse(VMS_KIND_FAULT, "taken+", &value) == -EINVAL);
	check(vms_value_parse(VMS_KIND_FAULT, "take", &value) == -EINVAL);
}

static void test_nearest(void)
{
	struct nearest nearest;

	nearest_start(&nearest, "cusror-map");
	nearest_try(&nearest, "cursor-open");
	nearest_try(&nearest, "cursor-map");
	nearest_try(&nearest, "frame-alloc");
	check(nearest.best && !strcmp(nearest.best, "cursor-map"));

	nearest_start(&nearest, "banana");
	nearest_try(&nearest, "cursor-map");
	check(!nearest.best);

	nearest_start(&nearest, "");
	nearest_try(&nearest, "cursor-map");
	check(!nearest.best);
}

/* --- the table ------------------------------------------------------------- */

static void check_field(const struct vms_field *field, size_t start,
			size_t size)
{
	check(field->offset >= start);
	check(field->offset + field->size <= start + size);
	check(field->size == 1 || field->size == 4 || field->size == 8);
	check(field->kind != VMS_KIND_PROP ||
	      field->size == sizeof(struct vmstore_prop));
	check(strlen(field->name));
}

static void test_table(void)
{
	const struct vms_op_desc *desc;
	const struct vms_field *field;
	struct vmstore_op op;
	__u16 i;

	check(!vms_op_desc(0));
	check(!vms_op_desc(__VMSTORE_OP_MAX));
	for (i = 1; i < __VMSTORE_OP_MAX; i++) {
		desc = vms_op_desc(i);
		check(desc && desc->opcode == i);
		check(vms_op_by_name(desc->name) == desc);
		vms_for_each_arg(field, desc) {
			check_field(field, offsetof(struct vmstore_op, arg),
				    sizeof(op.arg));
			check(vms_op_arg(desc, field->name) == field);
		}
		vms_for_each_out(field, desc) {
			/* Data lies where an argument says */
			if (field->kind == VMS_KIND_DATA)
				check_field(field, offsetof(struct vmstore_op, arg.io_data.buf),
					    sizeof(op.arg.io_data.buf));
			else
				check_field(field, offsetof(struct vmstore_op, out),
					    sizeof(op.out));
			check(vms_op_out(desc, field->name) == field);
		}
		check(desc->makes == VMS_KIND_NONE || vms_op_out(desc, "id"));
	}
	check(!vms_op_by_name("frame"));
}

/* Each argument holds what is written into it, and nothing beside it. */
static void test_fields(void)
{
	const struct vms_op_desc *desc;
	const struct vms_field *field, *other;
	struct vmstore_op op;
	__u64 ones;
	__u16 i;

	for (i = 1; i < __VMSTORE_OP_MAX; i++) {
		desc = vms_op_desc(i);
		vms_for_each_arg(field, desc) {
			memset(&op, 0, sizeof(op));
			ones = field->size < 8 ? (1ULL << 8 * field->size) - 1 :
						 ~0ULL;
			check(!vms_field_set(&op, field, ones));
			check(vms_field_get(&op, field) == ones);
			vms_for_each_arg(other, desc)
				check(other == field ||
				      !vms_field_get(&op, other));
			check(field->size == 8 ||
			      vms_field_set(&op, field, ones + 1) == -ERANGE);
		}
	}
}

static char *op_text(const struct vmstore_op *op, const void *data)
{
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	vms_op_print(to, op, data);
	fclose(to);
	return text;
}

static int parse_text(struct script *script, const char *text, char **messages)
{
	size_t len;
	FILE *from = fmemopen((void *)text, strlen(text), "r");
	FILE *err = open_memstream(messages, &len);
	int ret;

	script_init(script, "t", err, false);
	ret = script_parse(script, from);
	fclose(from);
	fclose(err);
	return ret;
}

/* What vms_op_print() writes, the parser reads back as the same operation. */
static void test_round_trip(void)
{
	const struct vms_op_desc *desc;
	const struct vms_field *field;
	static const unsigned char data[] = "a \"b\" # -> \\ c\n";
	static const __u64 frames[] = { 0x12, 0x300000000000000d };
	struct script script;
	struct vmstore_op op;
	char *text, *messages;
	__u64 n = 3;
	__u16 i;

	for (i = 1; i < __VMSTORE_OP_MAX; i++) {
		desc = vms_op_desc(i);
		vms_op_init(&op, desc);
		op.flags = desc->flags;
		op.cpu = i % 3;
		vms_for_each_arg(field, desc) {
			if (field->kind == VMS_KIND_DATA)
				op.arg.io_data.len = sizeof(data) - 1;
			else if (field->kind == VMS_KIND_FRAMES)
				vms_frames_set_nr(&op, field, 2);
			else
				vms_field_set(&op, field, field->kind == VMS_KIND_PROP ? 7 : n);
			n += 4;
		}
		text = op_text(&op, vms_op_arg(desc, "frames") ? (void *)frames : data);
		check(!parse_text(&script, text, &messages));
		check(!*messages);
		check(script.nr == 1 &&
		      !memcmp(&script.stmts[0].op, &op, sizeof(op)));
		if (script.nr == 1 && script.stmts[0].nr_frames)
			check(script.stmts[0].frames[0].constant == frames[0] &&
			      script.stmts[0].frames[1].constant == frames[1]);
		else if (script.nr == 1 && script.stmts[0].data.len)
			check(script.stmts[0].data.len == sizeof(data) - 1 &&
			      !memcmp(script.stmts[0].data.bytes, data, sizeof(data) - 1));
		script_free(&script);
		free(messages);
		free(text);
	}
}

static void check_data(const char *text, const char *want, size_t len)
{
	unsigned char *bytes = NULL;
	size_t got = 0;

	check(!vms_data_parse(text, &bytes, &got));
	check(got == len && !memcmp(bytes, want, len));
	free(bytes);
}

static void test_data(void)
{
	static const char *const bad[] = {
		"\"", "\"a", "\"a\"b", "a", "0", "0x12", "12g0", "\"\\q\"", "\"\\x1\"",
		"\"\\", "a\"b\"", "12 34",
	};
	unsigned char *bytes;
	size_t i, len;
	char *text;
	FILE *to;

	check_data("\"\"", "", 0);
	check_data("\"a b\"", "a b", 3);
	check_data("\"\\n\\t\\r\\0\\\\\\\"\\x7f\"", "\n\t\r\0\\\"\x7f", 7);
	check_data("00fFa0", "\0\xff\xa0", 3);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		check(vms_data_parse(bad[i], &bytes, &len) == -EINVAL);
		check(!bytes && !len);
	}
	/* What cannot be read as text is digits, and what is long is cut */
	to = open_memstream(&text, &len);
	vms_data_print(to, (const unsigned char *)"\0a", 2);
	fclose(to);
	check(!strcmp(text, "0061"));
	free(text);
	bytes = calloc(1, VMS_DATA_TEXT + 1);
	to = open_memstream(&text, &len);
	vms_data_print(to, bytes, VMS_DATA_TEXT + 1);
	fclose(to);
	check(len == 2 * VMS_DATA_TEXT + 3 && !strcmp(text + len - 3, "..."));
	free(text);
	free(bytes);
}

/* --- batches --------------------------------------------------------------- */

static void test_batch(void)
{
	struct vms_batch batch = VMS_BATCH_INIT;
	size_t i, frame, cursor;

	batch.cpu = 2;
	for (i = 0; i < 100; i++)
		check(vms_batch_frame_alloc(&batch) == i);
	frame = vms_batch_frame_alloc(&batch);
	cursor = vms_batch_cursor_open_mut(&batch, 1, 0x1000, 0x2000,
					   VMSTORE_OPF_WAIT);
	i = vms_batch_map(&batch, VMSTORE_REF(cursor), VMSTORE_REF(frame),
			  vms_prop(VMSTORE_PROP_R, VMSTORE_PRIV_USER));
	check(i == 102 && batch.nr == 103 && !batch.error);
	check(batch.ops[i].opcode == VMSTORE_OP_CURSOR_MAP);
	check(batch.ops[i].cpu == 2);
	check(batch.ops[i].arg.map.cursor == VMSTORE_REF(101));
	check(batch.ops[i].arg.map.frame == VMSTORE_REF(100));
	check(batch.ops[cursor].flags == VMSTORE_OPF_WAIT);
	check(batch.ops[cursor].arg.open.end == 0x2000);
	vms_batch_clear(&batch);
	check(!batch.nr && batch.room);
	vms_batch_free(&batch);
	check(!batch.ops);
}

/* What a builder makes is what a script says. */
static void check_built(const struct vmstore_op *op, const void *data, const char *want)
{
	char *text = op_text(op, data);

	check(!strcmp(text, want));
	free(text);
}

static void test_area_builders(void)
{
	const struct vmstore_prop rw = vms_prop(VMSTORE_PROP_R | VMSTORE_PROP_W, 0);
	const __u64 frames[] = { 7, VMSTORE_REF(0) };
	struct vms_batch batch = VMS_BATCH_INIT;
	size_t area;

	vms_batch_frame_alloc(&batch);
	area = vms_batch_kvirt_map_frames(&batch, 0x4000, 0x1000, frames, 2, rw);
	vms_batch_kvirt_map_untracked(&batch, 0x200000, 0, 0x400000, 0x600000, rw);
	vms_batch_kvirt_query(&batch, VMSTORE_REF(area), VMSTORE_KVIRT_BASE, VMSTORE_OPF_PEEK);
	vms_batch_kvirt_unmap_range(&batch, VMSTORE_REF(area), 0x1000, 0x2000);
	vms_batch_kvirt_protect_range(&batch, VMSTORE_REF(area), 0x1000, 0x2000, rw,
				      vms_prop(VMSTORE_PROP_X, 0), VMSTORE_OPF_CACHE);
	vms_batch_kvirt_drop(&batch, VMSTORE_REF(area));
	check(area == 1 && batch.nr == 7 && !batch.error);
	check(batch.ops[area].arg.kvirt_frames.frames == (uintptr_t)frames);
	check_built(&batch.ops[1], frames,
		    "kvirt-map-frames size=0x4000 frames=7,#0 offset=0x1000 prop=rw");
	check_built(&batch.ops[2], NULL,
		    "kvirt-map-untracked size=0x200000 start=0x400000 end=0x600000 prop=rw");
	check_built(&batch.ops[3], NULL, "kvirt-query area=#1 va=0xffff804000000000 peek");
	check_built(&batch.ops[4], NULL, "kvirt-unmap-range area=#1 offset=0x1000 len=0x2000");
	check_built(&batch.ops[5], NULL,
		    "kvirt-protect-range area=#1 offset=0x1000 len=0x2000 prop=rw mask=x cache");
	check_built(&batch.ops[6], NULL, "kvirt-drop area=#1");
	vms_batch_free(&batch);
}

static void test_tlb_builders(void)
{
	struct vms_batch batch = VMS_BATCH_INIT;

	vms_batch_tlb_issue(&batch, 3, 0x1000, 0x2000);
	vms_batch_tlb_issue(&batch, 3, 0, 0);
	vms_batch_tlb_issue_with(&batch, 3, 7, 0x1000, 0x1000);
	vms_batch_tlb_issue_with(&batch, 3, 8, 0, 0);
	vms_batch_tlb_dispatch(&batch, 3);
	vms_batch_tlb_sync(&batch, 3);
	batch.cpu = 1;
	vms_batch_tlb_flush_local(&batch, 2, 0x1000, 0x1000);
	vms_batch_tlb_flush_local(&batch, 2, 0, 0);
	batch.cpu = 0;
	vms_batch_unmap(&batch, 3, 0x1000);
	check(batch.nr == 9 && !batch.error);
	batch.ops[8].flags = VMSTORE_OPF_DEFER;
	check_built(&batch.ops[0], NULL, "tlb-issue cursor=3 va=0x1000 len=0x2000");
	check_built(&batch.ops[1], NULL, "tlb-issue cursor=3 all");
	check_built(&batch.ops[2], NULL, "tlb-issue-with cursor=3 frame=7 va=0x1000 len=0x1000");
	check_built(&batch.ops[3], NULL, "tlb-issue-with cursor=3 frame=8 all");
	check_built(&batch.ops[4], NULL, "tlb-dispatch cursor=3");
	check_built(&batch.ops[5], NULL, "tlb-sync cursor=3");
	check_built(&batch.ops[6], NULL,
		    "tlb-flush-local space=2 va=0x1000 len=0x1000 @cpu 1");
	check_built(&batch.ops[7], NULL, "tlb-flush-local space=2 all @cpu 1");
	check_built(&batch.ops[8], NULL, "cursor-unmap cursor=3 len=0x1000 defer");
	vms_batch_free(&batch);
}

static void test_list_builders(void)
{
	struct vms_batch batch = VMS_BATCH_INIT;
	size_t list = vms_batch_list_new(&batch);

	vms_batch_list_push_back(&batch, VMSTORE_REF(list), 7);
	vms_batch_list_push_front(&batch, VMSTORE_REF(list), 8);
	vms_batch_list_insert_at(&batch, VMSTORE_REF(list), 9, 1);
	vms_batch_list_contains(&batch, VMSTORE_REF(list), 0x400000);
	vms_batch_list_take_at(&batch, VMSTORE_REF(list), 2);
	vms_batch_list_cursor_at(&batch, VMSTORE_REF(list), 0x401000);
	vms_batch_list_cursor_insert_before(&batch, VMSTORE_REF(list), VMSTORE_REF(5));
	vms_batch_list_move_next(&batch, VMSTORE_REF(list));
	vms_batch_list_cursor_drop(&batch, VMSTORE_REF(list));
	vms_batch_list_drop(&batch, VMSTORE_REF(list));
	check(list == 0 && batch.nr == 11 && !batch.error);
	check_built(&batch.ops[0], NULL, "list-new");
	check_built(&batch.ops[1], NULL, "list-push-back list=#0 unique=7");
	check_built(&batch.ops[2], NULL, "list-push-front list=#0 unique=8");
	check_built(&batch.ops[3], NULL, "list-insert-at list=#0 unique=9 n=1");
	check_built(&batch.ops[4], NULL, "list-contains list=#0 paddr=0x400000");
	check_built(&batch.ops[5], NULL, "list-take-at list=#0 n=2");
	check_built(&batch.ops[6], NULL, "list-cursor-at list=#0 paddr=0x401000");
	check_built(&batch.ops[7], NULL, "list-cursor-insert-before list=#0 unique=#5");
	check_built(&batch.ops[8], NULL, "list-move-next list=#0");
	check_built(&batch.ops[9], NULL, "list-cursor-drop list=#0");
	check_built(&batch.ops[10], NULL, "list-drop list=#0");
	vms_batch_free(&batch);
}

static void test_closed_store(void)
{
	struct vms_store store;
	struct vms_batch batch = VMS_BATCH_INIT;
	struct vmstore_info info;
	struct vms_counts counts;

	check(vms_open(&store, "/nonexistent/vmstore") == -ENOENT);
	check(store.fd == -1);
	check(vms_info(&store, &info) == -EBADF);
	check(vms_batch_run(&store, &batch, 0, &counts) == -EBADF);
	check(!counts.ran && !counts.failed);
	check(!vms_open(&store, "/dev/null"));
	check(vms_info(&store, &info) == -ENOTTY);
	vms_close(&store);
	vms_close(&store);
}

/* --- scripts --------------------------------------------------------------- */

static void test_statement(void)
{
	const struct script_statement *stmt;
	struct script script;
	char *messages;

	check(!parse_text(&script,
			  "# nothing\n\n"
			  "setup region=16M machine=soft check=full cpus=2 mmio=64k\n"
			  "s = space-new # a comment\n"
			  "\tc = cursor-open-mut space=s start=0x400000 end=4M+8k wait @cpu 3 -> EBUSY\n"
			  "cursor-find-next cursor=7 len=2M -> found!=0 va=4M",
			  &messages));
	check(script.nr == 4 && !*messages);
	stmt = script.stmts;
	check(stmt[0].kind == SCRIPT_SETUP && stmt[0].line == 3);
	check(stmt[0].setup.region_size == 16 << 20);
	check(stmt[0].setup.machine == VMSTORE_MACHINE_SOFT);
	check(stmt[0].setup.check_mode == VMSTORE_CHECK_FULL);
	check(stmt[0].setup.nr_cpus == 2 && stmt[0].setup.mmio_size == 65536);
	check(!strcmp(stmt[1].name, "s") && stmt[1].outcome == SCRIPT_OK);
	check(stmt[2].nr_args == 1 && stmt[2].args[0].value.refs[0].stmt == 1);
	check(stmt[2].op.arg.open.end == (4 << 20) + 8192);
	check(stmt[2].op.flags == VMSTORE_OPF_WAIT && stmt[2].op.cpu == 3);
	check(stmt[2].outcome == SCRIPT_FAIL && stmt[2].err == -EBUSY);
	check(stmt[3].nr_outs == 2 && stmt[3].outs[0].unequal &&
	      !stmt[3].outs[1].unequal);
	check(stmt[3].outs[1].value.constant == 4 << 20);
	script_free(&script);
	free(messages);
}

/* A name that is given twice stands for the last statement before its use. */
static void test_names(void)
{
	struct script script;
	char *messages;

	check(!parse_text(&script,
			  "f = frame-alloc\n"
			  "frame-drop frame=f\n"
			  "f = frame-alloc\n"
			  "frame-from-in-use paddr=f.paddr+4k\n",
			  &messages));
	check(script.stmts[1].args[0].value.refs[0].stmt == 0);
	check(script.stmts[3].args[0].value.refs[0].stmt == 2);
	check(script.stmts[3].args[0].value.constant == 4096);
	check(!strcmp(script.stmts[3].args[0].value.refs[0].field->name,
		      "paddr"));
	script_free(&script);
	free(messages);
}

/* An area is an id, and where an address is wanted its first one. */
static void test_areas(void)
{
	const struct script_statement *stmt;
	struct script script;
	char *messages;

	check(!parse_text(&script,
			  "f = frame-alloc\n"
			  "k = kvirt-map-frames size=16k frames=f,7 offset=4k prop=rw\n"
			  "access space=1 va=k+8k -> value=f.paddr\n"
			  "kvirt-query area=k va=k.end -> start=k+4k\n"
			  "kreader-new va=k len=k.leaves+1\n",
			  &messages));
	check(!*messages);
	stmt = script.stmts;
	check(stmt[1].op.arg.kvirt_frames.count == 2 && stmt[1].nr_frames == 2);
	check(stmt[1].op.arg.kvirt_frames.area_size == 16384);
	check(stmt[1].op.arg.kvirt_frames.map_offset == 4096);
	check(stmt[2].args[0].value.refs[0].stmt == 1);
	check(!strcmp(stmt[2].args[0].value.refs[0].field->name, "start"));
	check(stmt[2].args[0].value.constant == 8192);
	check(!stmt[3].args[0].value.refs[0].field);
	check(!strcmp(stmt[3].args[1].value.refs[0].field->name, "end"));
	check(stmt[3].outs[0].value.constant == 4096);
	check(stmt[4].nr_args == 2);
	script_free(&script);
	free(messages);
}

/* A wrong line, the position of its mistake, and words of the message. */
static const struct mistake {
	const char *text;
	const char *place;
	const char *words;
} mistakes[] = {
	{ "cursor-mop cursor=1", "t:1:1:", "did you mean 'cursor-map'?" },
	{ "banana", "t:1:1:", "no operation is called 'banana'" },
	{ "frame-drop", "t:1:1:", "needs frame=" },
	{ "frame-drop fram=1", "t:1:12:", "did you mean 'frame'?" },
	{ "frame-drop frame=", "t:1:18:", "a value is missing" },
	{ "frame-drop frame=1 frame=2", "t:1:20:", "given twice" },
	{ "frame-drop frame = 1", "t:1:12:", "frame=VALUE, without spaces" },
	{ "frame-drop frame=x", "t:1:18:", "nothing above is called 'x'" },
	{ "frame-drop frame=1x", "t:1:18:", "'1x' is not a number" },
	{ "frame-from-unused paddr=99999999999999999999", "t:1:25:",
	  "too large" },
	{ "frame-from-unused paddr=4k+", "t:1:28:", "a value is missing" },
	{ "frame-from-unused paddr=4k+z", "t:1:28:", "nothing above" },
	{ "f = frame-alloc\nspace-drop space=f", "t:2:18:",
	  "space must be a space, and 'f' is a frame" },
	{ "f = frame-alloc\nframe-drop frame=g", "t:2:18:",
	  "did you mean 'f'?" },
	{ "f = frame-alloc\nframe-from-unused paddr=f.padr", "t:2:27:",
	  "did you mean 'paddr'?" },
	{ "r = reap\nframe-drop frame=r", "t:2:18:", "makes no id" },
	{ "access space=1 va=4k wrte", "t:1:22:", "did you mean 'write'?" },
	{ "access space=1 va=4k width=0x100000000", "t:1:22:", "too large" },
	{ "cursor-map cursor=1 frame=1 prop=rwq", "t:1:34:",
	  "not a property" },
	{ "frame-alloc @cpu", "t:1:17:", "CPU number is missing" },
	{ "frame-alloc @cpu x", "t:1:18:", "not a CPU number" },
	{ "frame-alloc ->", "t:1:15:", "outcome is missing" },
	{ "frame-alloc -> EBUSSY", "t:1:16:", "did you mean 'EBUSY'?" },
	{ "frame-alloc -> okay", "t:1:16:", "no such outcome" },
	{ "frame-alloc -> pddr=1", "t:1:16:", "did you mean 'paddr'?" },
	{ "frame-alloc -> ok paddr", "t:1:19:", "field=value" },
	{ "frame-alloc -> EBUSY paddr=0", "t:1:13:", "has no paddr" },
	{ "1f = frame-alloc", "t:1:1:", "cannot be a name" },
	{ "f=frame-alloc", "t:1:1:", "spaces around '='" },
	{ "f =", "t:1:4:", "an operation is missing" },
	{ "f = check", "t:1:5:", "no outcome to name" },
	{ "check now", "t:1:7:", "no arguments" },
	{ "frame-alloc\nsetup", "t:2:1:", "must be the first" },
	{ "setup regoin=4M", "t:1:7:", "did you mean 'region'?" },
	{ "setup machine=sfot", "t:1:15:", "did you mean 'soft'?" },
	{ "setup cpus=1T", "t:1:12:", "not a number that fits" },
	{ "setup fast", "t:1:7:", "arg=value" },
	{ "w = kwriter-new va=0 len=8\nwriter-write-val writer=w data=\"a",
	  "t:2:32:", "in quotes" },
	{ "w = kwriter-new va=0 len=8\nwriter-write-val writer=w data=abc",
	  "t:2:32:", "hexadecimal" },
	{ "w = kwriter-new va=0 len=8\nwriter-write-val writer=w data=",
	  "t:2:32:", "in quotes" },
	{ "r = kreader-new va=0 len=8\nreader-read-val reader=r len=1 -> data=x",
	  "t:2:40:", "in quotes" },
	{ "r = kreader-new va=0 len=8\nframe-drop frame=r",
	  "t:2:18:", "reader or writer" },
	{ "r = kreader-new va=0 len=8\nv = reader-read-val reader=r len=1\n"
	  "frame-from-unused paddr=v.data",
	  "t:3:25:", "bytes" },
	{ "k = kvirt-map-frames size=4k frames=- prop=r\nkvirt-drop area=1\nframe-drop frame=k",
	  "t:3:18:", "'k' is a kernel area" },
	{ "k = kvirt-map-frames size=4k frames=- prop=r\nframe-from-unused paddr=k",
	  "t:2:25:", "paddr must be a number, and 'k' is a kernel area" },
	{ "k = kvirt-map-frames size=4k frames=- prop=r\nkvirt-query area=k+4k va=k",
	  "t:2:18:", "not a value" },
	{ "s = space-new\naccess space=s va=s+4k", "t:2:19:",
	  "va must be a number, and 's' is a space" },
	{ "kvirt-map-frames size=4k frames=1 prop=r ofset=4k", "t:1:42:",
	  "did you mean 'offset'?" },
};

static void check_mistake(const struct mistake *mistake)
{
	struct script script;
	char *messages;

	if (parse_text(&script, mistake->text, &messages) != -EINVAL ||
	    script.source.errors != 1 || !strstr(messages, mistake->place) ||
	    !strstr(messages, mistake->words)) {
		failed_here++;
		printf("# of '%s': wanted %s %s, got %s\n", mistake->text,
		       mistake->place, mistake->words, messages);
	}
	script_free(&script);
	free(messages);
}

static void test_mistakes(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++)
		check_mistake(&mistakes[i]);
}

static void test_caret(void)
{
	struct script script;
	char *messages;

	check(parse_text(&script, "\tframe-drop fram=1", &messages) == -EINVAL);
	check(!strcmp(messages,
		      "t:1:13: error: frame-drop has no argument 'fram'; did you mean 'frame'?\n"
		      "    1 | \tframe-drop fram=1\n"
		      "      | \t           ^~~~\n"));
	script_free(&script);
	free(messages);
}

/* A mistake in the line that names something is not one in lines that use it. */
static void test_one_mistake(void)
{
	struct script script;
	char *messages;

	check(parse_text(&script,
			 "f = frame-alloc bogus\nframe-drop frame=f\n",
			 &messages) == -EINVAL);
	check(script.source.errors == 1);
	script_free(&script);
	free(messages);
}

int main(void)
{
	static const struct {
		const char *name;
		void (*test)(void);
	} tests[] = {
		{ "numbers", test_numbers },
		{ "properties", test_properties },
		{ "errnos", test_errnos },
		{ "fault names", test_faults },
		{ "nearest word", test_nearest },
		{ "the table of operations", test_table },
		{ "fields", test_fields },
		{ "operations as text and back", test_round_trip },
		{ "data as text and back", test_data },
		{ "batches", test_batch },
		{ "builders of areas", test_area_builders },
		{ "builders of frame lists", test_list_builders },
		{ "builders of flush requests", test_tlb_builders },
		{ "a store that is not there", test_closed_store },
		{ "statements", test_statement },
		{ "names", test_names },
		{ "kernel areas", test_areas },
		{ "mistakes", test_mistakes },
		{ "the caret", test_caret },
		{ "one mistake, one message", test_one_mistake },
	};
	size_t i, nr = ARRAY_SIZE(tests);

	printf("TAP version 13\n1..%zu\n", nr);
	for (i = 0; i < nr; i++)
		run_test(tests[i].name, tests[i].test);
	return nr_failed != 0;
}
