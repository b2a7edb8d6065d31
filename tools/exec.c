// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl: running scripts
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "exec.h"
#include "out.h"
#include "show.h"
#include "story.h"

#define VISIBLE_BATCH	4096	/* for people who watch */

/* --- values ---------------------------------------------------------------- */

/* What a name stands for; false when its operation did not succeed. */
static bool ref_value(const struct script *script, const struct script_ref *ref,
		      __u64 *value)
{
	const struct script_statement *def = &script->stmts[ref->stmt];

	if (def->state != SCRIPT_DONE ||
	    (def->op.out_errno && !(ref->field && ref->field->on_error)))
		return false;
	*value = ref->field ? vms_field_get(&def->op, ref->field) :
			      def->op.out.id;
	return true;
}

/* NULL, or the statement whose outcome is missing. */
static const struct script_statement *
eval(const struct script *script, const struct script_value *sum, __u64 *value)
{
	unsigned int i;
	__u64 term;

	*value = sum->constant;
	for (i = 0; i < sum->nr_refs; i++) {
		if (!ref_value(script, &sum->refs[i], &term))
			return &script->stmts[sum->refs[i].stmt];
		*value += term;
	}
	return NULL;
}

/* --- unexpected outcomes --------------------------------------------------- */

static char *text_of_op(const struct script_statement *stmt)
{
	char *text = NULL;
	size_t len;
	FILE *to;

	to = open_memstream(&text, &len);
	if (!to)
		return NULL;
	vms_op_print(to, &stmt->op, stmt->data.bytes);
	if (fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}

static void print_unexpected(const struct exec *exec,
			     const struct script_statement *stmt,
			     const char *expected, const char *found)
{
	char *op = stmt->state == SCRIPT_DONE && stmt->desc ?
		   text_of_op(stmt) : NULL;

	fflush(stdout);
	fprintf(stderr, "%s%s:%u:%s %serror:%s unexpected outcome\n%5u | %s\n",
		out_on(ctl.color_err, OUT_BOLD), exec->script->source.path, stmt->line,
		out_on(ctl.color_err, OUT_PLAIN), out_on(ctl.color_err, OUT_RED),
		out_on(ctl.color_err, OUT_PLAIN), stmt->line, stmt->text);
	if (op)
		fprintf(stderr, "      | ran       %s\n", op);
	fprintf(stderr, "      | expected  %s\n      | found     %s\n",
		expected, found);
	free(op);
}

static void json_unexpected(const struct exec *exec,
			    const struct script_statement *stmt,
			    const char *expected, const char *found)
{
	json_object *object = json_object_new_object();

	out_json_text(object, "file", exec->script->source.path);
	out_json_count(object, "line", stmt->line);
	out_json_text(object, "text", stmt->text);
	out_json_text(object, "expected", expected);
	out_json_text(object, "found", found);
	if (stmt->state == SCRIPT_DONE && stmt->desc)
		json_object_object_add(object, "ran",
				       out_json_op(&stmt->op, stmt->data.bytes));
	json_object_array_add(exec->failures, object);
}

/* Takes found over; it is NULL when memory was short. */
static void unexpected(struct exec *exec, const struct script_statement *stmt,
		       const char *expected, char *found)
{
	const char *text = found ? found : "?";

	exec->unexpected++;
	out_progress_end(&exec->progress);
	if (exec->failures)
		json_unexpected(exec, stmt, expected, text);
	else
		print_unexpected(exec, stmt, expected, text);
	free(found);
}

static __printf(1, 2) char *format(const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	return len < 0 ? NULL : text;
}

/* "EBUSY: in use ..." */
static char *outcome_text(enum vms_call call, int err)
{
	const char *name = vms_errno_name(err);

	if (!err)
		return strdup("ok");
	return format("%s: %s", name ? name : "?", vms_strerror(call, err));
}

/* --- judging --------------------------------------------------------------- */

static const char *expected_word(const struct script_statement *stmt)
{
	const char *name = vms_errno_name(stmt->err);

	return stmt->outcome == SCRIPT_ANY ? "any" : name ? name : "?";
}

static char *field_text(const struct script_arg *out, __u64 value,
			bool unequal)
{
	char *text = NULL;
	size_t len;
	FILE *to;

	to = open_memstream(&text, &len);
	if (!to)
		return NULL;
	fprintf(to, "%s%s=", out->field->name, unequal ? "!" : "");
	vms_value_print(to, out->field->kind, value);
	if (fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}

static char *data_text(const struct script_arg *out, const unsigned char *bytes,
		       size_t bytes_len, bool unequal)
{
	char *text = NULL;
	size_t len;
	FILE *to;

	to = open_memstream(&text, &len);
	if (!to)
		return NULL;
	fprintf(to, "%s%s=", out->field->name, unequal ? "!" : "");
	vms_data_print(to, bytes, bytes_len);
	if (fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}

/* What an outcome has in a field */
static char *found_text(const struct script_statement *stmt, const struct script_arg *out)
{
	if (out->field->kind == VMS_KIND_DATA)
		return data_text(out, stmt->data.bytes, stmt->op.out.io.done, false);
	return field_text(out, vms_field_get(&stmt->op, out->field), false);
}

static bool judge_data(struct exec *exec, const struct script_statement *stmt,
		       const struct script_arg *out)
{
	size_t len = stmt->op.out.io.done;
	bool equal = len == out->data.len &&
		     (!len || !memcmp(stmt->data.bytes, out->data.bytes, len));
	char *expected;

	if (equal != out->unequal)
		return true;
	expected = data_text(out, out->data.bytes, out->data.len, out->unequal);
	unexpected(exec, stmt, expected ? expected : "?", found_text(stmt, out));
	free(expected);
	return false;
}

static bool judge_field(struct exec *exec, const struct script_statement *stmt,
			const struct script_arg *out)
{
	const struct script_statement *missing;
	__u64 want, have;
	char *expected;

	if (out->field->kind == VMS_KIND_DATA)
		return judge_data(exec, stmt, out);
	missing = eval(exec->script, &out->value, &want);
	if (missing) {
		unexpected(exec, stmt, "a value to compare with",
			   format("%s of line %u did not succeed",
				  missing->name, missing->line));
		return false;
	}
	have = vms_field_get(&stmt->op, out->field);
	if (out->unequal ? have != want : have == want)
		return true;
	expected = field_text(out, want, out->unequal);
	unexpected(exec, stmt, expected ? expected : "?", found_text(stmt, out));
	free(expected);
	return false;
}

static bool judge(struct exec *exec, const struct script_statement *stmt)
{
	int err = stmt->op.out_errno;
	unsigned int i;

	if (stmt->outcome != SCRIPT_ANY && err != stmt->err) {
		unexpected(exec, stmt, expected_word(stmt),
			   outcome_text(VMS_CALL_OP, err));
		return false;
	}
	for (i = 0; i < stmt->nr_outs; i++) {
		if (err && !stmt->outs[i].field->on_error)
			continue;
		if (!judge_field(exec, stmt, &stmt->outs[i]))
			return false;
	}
	return true;
}

/* --- steps ----------------------------------------------------------------- */

/* The statement, as it was run or as it is written */
static void echo_statement(const struct exec *exec, const struct script_statement *stmt)
{
	if (exec->echo == EXEC_TELL) {
		printf("%s    %s%.*s%s", stmt->comment ? stmt->comment : "",
		       out_on(ctl.color, OUT_DIM), (int)stmt->said, stmt->text,
		       out_on(ctl.color, OUT_PLAIN));
		return;
	}
	printf("%s%5u%s  ", out_on(ctl.color, OUT_DIM), stmt->line,
	       out_on(ctl.color, OUT_PLAIN));
	if (!stmt->desc) {
		printf("%.*s", (int)stmt->said, stmt->text);
		return;
	}
	if (stmt->name)
		printf("%s = ", stmt->name);
	vms_op_print(stdout, &stmt->op, stmt->data.bytes);
}

/* Of the outcome what somebody expects */
static void tell_outcome(const struct script_statement *stmt)
{
	const char *name = vms_errno_name(stmt->op.out_errno);
	const struct script_arg *out;
	char *text;

	fputs(name ? name : "?", stdout);
	for (out = stmt->outs; out < stmt->outs + stmt->nr_outs; out++) {
		if (stmt->op.out_errno && !out->field->on_error)
			continue;
		text = found_text(stmt, out);
		printf(" %s", text ? text : "?");
		free(text);
	}
}

static void echo_text(const struct exec *exec, const struct script_statement *stmt)
{
	echo_statement(exec, stmt);
	printf(" -> %s", out_on(ctl.color, stmt->op.out_errno ? OUT_YELLOW : OUT_GREEN));
	if (exec->echo == EXEC_TELL && stmt->expects)
		tell_outcome(stmt);
	else
		vms_outcome_print(stdout, &stmt->op, stmt->data.bytes);
	printf("%s\n", out_on(ctl.color, OUT_PLAIN));
}

/* One that is no operation */
static void echo_other(const struct exec *exec, const struct script_statement *stmt,
		       const char *outcome)
{
	if (exec->steps || exec->echo == EXEC_SILENT)
		return;
	echo_statement(exec, stmt);
	printf(" -> %s\n", outcome ? outcome : "?");
}

static void echo(const struct exec *exec, const struct script_statement *stmt)
{
	json_object *object;

	if (exec->echo == EXEC_SILENT)
		return;
	if (!exec->steps) {
		echo_text(exec, stmt);
		return;
	}
	object = out_json_op(&stmt->op, stmt->data.bytes);
	out_json_count(object, "line", stmt->line);
	if (stmt->name)
		out_json_text(object, "name", stmt->name);
	json_object_array_add(exec->steps, object);
}

/* --- batches --------------------------------------------------------------- */

/* Statements [first, first + batch.nr) as a batch. */
struct chunk {
	struct vms_batch batch;
	size_t first;
	size_t max;
};

/* What an argument is; false when what it refers to is not there. */
static bool resolve(const struct exec *exec, const struct chunk *chunk,
		    const struct script_value *arg, __u64 *value)
{
	const struct script_ref *ref = arg->refs;

	if (!arg->nr_refs || ref->field || ref->stmt < chunk->first ||
	    ref->stmt >= chunk->first + chunk->batch.nr)
		return !eval(exec->script, arg, value);
	*value = VMSTORE_REF(ref->stmt - chunk->first);
	return true;
}

static void set_frame(struct script_statement *stmt, unsigned int i, __u64 id)
{
	memcpy(stmt->data.bytes + i * sizeof(id), &id, sizeof(id));
}

/* The pointer among the arguments, or NULL. */
static const struct vms_field *data_field(const struct vms_op_desc *desc)
{
	const struct vms_field *field;

	vms_for_each_arg(field, desc) {
		if (field->kind == VMS_KIND_DATA || field->kind == VMS_KIND_FRAMES)
			return field;
	}
	vms_for_each_out(field, desc) {
		if (field->kind == VMS_KIND_DATA)
			return field;
	}
	return NULL;
}

/*
 * Point at what the operation reads, or at room for what it writes. Of more than the
 * module moves there is none: it refuses the operation.
 */
static bool add_data(struct chunk *chunk, struct script_statement *stmt,
		     struct vmstore_op *op)
{
	const struct vms_field *field = data_field(stmt->desc);
	struct script_data *data = &stmt->data;

	if (!field)
		return true;
	if (field->kind == VMS_KIND_DATA && !data->bytes && op->arg.io_data.len &&
	    op->arg.io_data.len <= VMSTORE_MAX_DATA) {
		data->len = op->arg.io_data.len;
		data->bytes = calloc(1, data->len);
		if (!data->bytes) {
			chunk->batch.error = -ENOMEM;
			return false;
		}
	}
	vms_field_set(op, field, (uintptr_t)data->bytes);
	return true;
}

static bool add_to_chunk(const struct exec *exec, struct chunk *chunk,
			 struct script_statement *stmt)
{
	struct vmstore_op op = stmt->op;
	unsigned int i;
	__u64 value;

	for (i = 0; i < stmt->nr_args; i++) {
		if (!resolve(exec, chunk, &stmt->args[i].value, &value) ||
		    vms_field_set(&op, stmt->args[i].field, value))
			return false;
	}
	for (i = 0; i < stmt->nr_frames; i++) {
		if (!resolve(exec, chunk, &stmt->frames[i], &value))
			return false;
		set_frame(stmt, i, value);
	}
	if (!add_data(chunk, stmt, &op))
		return false;
	vms_batch_append(&chunk->batch, &op);
	return !chunk->batch.error;
}

/* Nothing may run behind it before its outcome was looked at. */
static bool ends_chunk(const struct script_statement *stmt)
{
	return stmt->outcome != SCRIPT_OK || stmt->nr_outs;
}

static void fill_chunk(const struct exec *exec, struct chunk *chunk)
{
	const struct script *script = exec->script;
	struct script_statement *stmt;

	vms_batch_clear(&chunk->batch);
	while (chunk->batch.nr < chunk->max &&
	       chunk->first + chunk->batch.nr < script->nr) {
		stmt = &script->stmts[chunk->first + chunk->batch.nr];
		if (stmt->kind != SCRIPT_OP ||
		    !add_to_chunk(exec, chunk, stmt) || ends_chunk(stmt))
			break;
	}
}

/* Ids in place of VMSTORE_REF: what the operation really was. */
static void settle_args(const struct exec *exec, struct script_statement *stmt)
{
	unsigned int i;
	__u64 value;

	for (i = 0; i < stmt->nr_args; i++) {
		if (!eval(exec->script, &stmt->args[i].value, &value))
			vms_field_set(&stmt->op, stmt->args[i].field, value);
	}
	for (i = 0; i < stmt->nr_frames; i++) {
		if (!eval(exec->script, &stmt->frames[i], &value))
			set_frame(stmt, i, value);
	}
}

static bool settle(struct exec *exec, struct script_statement *stmt,
		   const struct vmstore_op *op)
{
	stmt->op = *op;
	stmt->state = SCRIPT_DONE;
	settle_args(exec, stmt);
	exec->ran++;
	echo(exec, stmt);
	return judge(exec, stmt) || exec->keep_going;
}

static int skip(struct exec *exec, struct script_statement *stmt)
{
	const struct script_statement *missing = NULL;
	unsigned int i;
	__u64 value;

	for (i = 0; i < stmt->nr_args && !missing; i++)
		missing = eval(exec->script, &stmt->args[i].value, &value);
	for (i = 0; i < stmt->nr_frames && !missing; i++)
		missing = eval(exec->script, &stmt->frames[i], &value);
	stmt->state = SCRIPT_SKIPPED;
	if (missing)
		unexpected(exec, stmt, "to be run",
			   format("not run: '%s' of line %u did not succeed",
				  missing->name, missing->line));
	else
		unexpected(exec, stmt, "to be run",
			   strdup("not run: a value does not fit"));
	return exec->keep_going ? CTL_OK : CTL_FAILED;
}

/* Run what the chunk holds; chunk->first moves behind what was executed. */
static int run_chunk(struct exec *exec, struct chunk *chunk)
{
	struct vms_counts counts;
	__u32 i;
	int ret;

	if (chunk->batch.error)
		return CTL_SYSTEM;
	if (!chunk->batch.nr)
		return skip(exec, &exec->script->stmts[chunk->first++]);

	ret = vms_batch_run(exec->store, &chunk->batch, 0, &counts);
	if (ret && ret != -EINTR)
		return ctl_call_error(VMS_CALL_RUN, "cannot run operations",
				      ret);
	if (!ret && !counts.ran) {
		ctl_error("the module ran nothing of a batch");
		return CTL_DEVICE;
	}
	for (i = 0; i < counts.ran; i++) {
		if (!settle(exec, &exec->script->stmts[chunk->first + i],
			    &chunk->batch.ops[i]))
			return CTL_FAILED;
	}
	chunk->first += counts.ran;
	return CTL_OK;
}

/* --- setup and check ------------------------------------------------------- */

static int run_setup(struct exec *exec, struct script_statement *stmt)
{
	int err;

	if (stmt->setup.machine == VMSTORE_MACHINE_DEFAULT)
		stmt->setup.machine = exec->machine;
	err = vms_setup(exec->store, &stmt->setup);
	stmt->state = SCRIPT_DONE;
	echo_other(exec, stmt, vms_errno_name(err));
	if (stmt->outcome == SCRIPT_ANY || err == stmt->err)
		return CTL_OK;
	unexpected(exec, stmt, expected_word(stmt),
		   outcome_text(VMS_CALL_SETUP, err));
	return exec->keep_going ? CTL_OK : CTL_FAILED;
}

static int show_violations(struct vms_store *store, const struct vms_report *report)
{
	const struct show_opts opts = { .color = ctl.color_err };
	int ret;

	fflush(stdout);
	if (ctl.json)
		return CTL_OK;
	vms_print_report(report, stderr, &opts, false);
	ret = story_print(store, stderr);
	return ret ? ctl_call_error(VMS_CALL_DUMP, "cannot read the story", ret) : CTL_OK;
}

/* Whether the invariant holds; what does not is printed. */
static int check_store(struct exec *exec)
{
	struct vms_report report;
	int ret;

	ret = vms_check(exec->store, &report);
	if (ret)
		return ctl_call_error(VMS_CALL_CHECK, "cannot check", ret);
	if (report.total) {
		exec->violated = true;
		ret = show_violations(exec->store, &report);
	}
	vms_report_free(&report);
	return ret;
}

static int run_check(struct exec *exec, struct script_statement *stmt)
{
	int ret = check_store(exec);

	stmt->state = SCRIPT_DONE;
	if (ret)
		return ret;
	exec->checks++;
	echo_other(exec, stmt, exec->violated ? "violated" : "ok");
	if (!exec->violated)
		return CTL_OK;
	unexpected(exec, stmt, "the invariant holds",
		   strdup("it is violated"));
	return CTL_VIOLATED;
}

/* --- the script ------------------------------------------------------------ */

static int run_next(struct exec *exec, struct chunk *chunk)
{
	struct script_statement *stmt = &exec->script->stmts[chunk->first];

	switch (stmt->kind) {
	case SCRIPT_SETUP:
		chunk->first++;
		return run_setup(exec, stmt);
	case SCRIPT_CHECK:
		chunk->first++;
		return run_check(exec, stmt);
	default:
		fill_chunk(exec, chunk);
		return run_chunk(exec, chunk);
	}
}

/* A store may be frozen by an operation that itself looked right. */
static int look_for_freeze(struct exec *exec, int status)
{
	struct vmstore_info info;
	int ret;

	ret = vms_info(exec->store, &info);
	if (ret)
		return ctl_call_error(VMS_CALL_INFO, "cannot read the state",
				      ret);
	if (!info.out_frozen || exec->violated)
		return status;
	ret = check_store(exec);
	if (ret)
		return ret;
	exec->violated = true;
	return status;
}

/* What setup does in a script that has one. */
static int choose_machine(const struct exec *exec)
{
	const struct vmstore_setup setup = { .machine = exec->machine };
	int ret;

	if (!exec->machine ||
	    (exec->script->nr && exec->script->stmts[0].kind == SCRIPT_SETUP))
		return CTL_OK;
	ret = vms_setup(exec->store, &setup);
	return ret ? ctl_call_error(VMS_CALL_SETUP, "cannot make a store",
				    ret) : CTL_OK;
}

int exec_script(struct exec *exec)
{
	struct chunk chunk = { .batch = VMS_BATCH_INIT };
	int status = choose_machine(exec);

	out_progress_start(&exec->progress, "statements", exec->script->nr);
	exec->progress.active &= exec->echo == EXEC_SILENT;
	chunk.max = exec->progress.active ? VISIBLE_BATCH : VMSTORE_MAX_BATCH;
	while (status == CTL_OK && chunk.first < exec->script->nr) {
		out_progress_at(&exec->progress, chunk.first);
		status = run_next(exec, &chunk);
	}
	out_progress_end(&exec->progress);
	vms_batch_free(&chunk.batch);
	if (exec->echo == EXEC_TELL && !exec->steps && chunk.first == exec->script->nr &&
	    exec->script->comment)
		fputs(exec->script->comment, stdout);

	if (status == CTL_OK || status == CTL_FAILED)
		status = look_for_freeze(exec, status);
	if (exec->violated && status < CTL_USAGE)
		return CTL_VIOLATED;
	return status == CTL_OK && exec->unexpected ? CTL_FAILED : status;
}

/* CHECK and DUMP need a store that exists. */
static int make_store(struct vms_store *store)
{
	struct vmstore_setup setup = { 0 };
	int ret = vms_setup(store, &setup);

	if (!ret || ret == -EBUSY)
		return CTL_OK;
	return ctl_call_error(VMS_CALL_SETUP, "cannot make a store", ret);
}

int exec_file(struct vms_store *store, const char *path, bool keep_going,
	      json_object *failures)
{
	struct script script;
	struct exec exec = {
		.store = store,
		.script = &script,
		.keep_going = keep_going,
		.failures = failures,
	};
	int status;

	if (!path)
		return make_store(store);
	status = script_load(&script, path);
	if (status == CTL_OK)
		status = exec_script(&exec);
	script_free(&script);
	if (status < CTL_USAGE && make_store(store))
		return CTL_DEVICE;
	return status;
}
