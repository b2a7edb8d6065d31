// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl: reading scripts
 */
#include <ctype.h>
#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "lex.h"
#include "script.h"
#include "text.h"

static struct script *script_of(const struct line *line)
{
	return (struct script *)((char *)line->source - offsetof(struct script, source));
}

/* --- names ----------------------------------------------------------------- */

/* A name and the last statement that gave it; the text is that statement's. */
struct script_name {
	const char *name;
	size_t stmt;
};

static int compare_names(const void *a, const void *b)
{
	const struct script_name *na = a, *nb = b;

	return strcmp(na->name, nb->name);
}

static int define_name(struct script *script, const char *name, size_t stmt)
{
	struct script_name *new = malloc(sizeof(*new)), **node;

	if (!new)
		return -ENOMEM;
	new->name = name;
	new->stmt = stmt;
	node = tsearch(new, &script->names, compare_names);
	if (node && *node != new) {
		(*node)->stmt = stmt;
		free(new);
	} else if (!node) {
		free(new);
		return -ENOMEM;
	}
	return 0;
}

/* --- values ---------------------------------------------------------------- */

static const char *kind_name(enum vms_kind kind)
{
	switch (kind) {
	case VMS_KIND_FRAME:
		return "a frame";
	case VMS_KIND_SPACE:
		return "a space";
	case VMS_KIND_CURSOR:
		return "a cursor";
	case VMS_KIND_IO:
		return "a reader or writer";
	case VMS_KIND_SEGMENT:
		return "a segment";
	case VMS_KIND_UNIQUE:
		return "an exclusive handle";
	case VMS_KIND_KVIRT:
		return "a kernel area";
	case VMS_KIND_LIST:
		return "a frame list";
	case VMS_KIND_PROP:
		return "a property";
	case VMS_KIND_DATA:
		return "bytes";
	default:
		return "a number";
	}
}

/* Neither an id nor anything that is no number */
static bool is_number(enum vms_kind kind)
{
	return !vms_kind_is_id(kind) && kind != VMS_KIND_PROP && kind != VMS_KIND_DATA;
}

/* The last statement of this name; a name may be given again. */
static const struct script_statement *find_name(const struct script *script,
						const char *name)
{
	const struct script_name *found, key = { .name = name };
	void *node;

	node = tfind(&key, &script->names, compare_names);
	if (!node)
		return NULL;
	found = *(struct script_name **)node;
	return &script->stmts[found->stmt];
}

static void unknown_name(struct line *line, const struct token *token,
			 unsigned int skip, const char *name)
{
	const struct script *script = script_of(line);
	struct nearest nearest;
	size_t i;

	nearest_start(&nearest, name);
	for (i = 0; i < script->nr; i++) {
		if (script->stmts[i].name)
			nearest_try(&nearest, script->stmts[i].name);
	}
	unknown_word(line, token, skip, strlen(name), "nothing above is called",
		     &nearest);
}

/* A part of a value: where it stands, and what it must be. */
struct part {
	const struct token *token;
	unsigned int skip;
	unsigned int len;
	const struct vms_field *field;	/* of the argument or outcome */
};

static struct span part_span(const struct part *part)
{
	return span(part->token->column + part->skip, part->len);
}

static bool parse_out_field(struct line *line, const struct part *part,
			    const struct script_statement *def, size_t dot,
			    struct script_ref *ref)
{
	const char *word = part->token->text + part->skip + dot + 1;
	const struct vms_field *field;
	struct nearest nearest;
	char *name;

	name = strndup(word, part->len - dot - 1);
	if (!name)
		return false;
	ref->field = vms_op_out(def->desc, name);
	nearest_start(&nearest, name);
	if (!ref->field) {
		vms_for_each_out(field, def->desc)
			nearest_try(&nearest, field->name);
		unknown_word(line, part->token, part->skip + dot + 1,
			     part->len - dot - 1, "the outcome has no field",
			     &nearest);
	}
	free(name);
	return ref->field;
}

static bool kinds_fit(struct line *line, const struct part *part,
		      enum vms_kind have)
{
	enum vms_kind want = part->field->kind;

	if (have == want)
		return true;
	if (is_number(want) && is_number(have))
		return true;
	mistake(line, part_span(part), "%s must be %s, and '%.*s' is %s",
		part->field->name, kind_name(want), (int)part->len,
		part->token->text + part->skip, kind_name(have));
	return false;
}

static bool parse_ref(struct line *line, const struct part *part,
		      struct script_value *value)
{
	const char *word = part->token->text + part->skip;
	const struct script_statement *def;
	size_t len = name_len(word);
	struct script_ref ref = { 0 };
	char *name;

	name = strndup(word, len);
	if (!name)
		return false;
	def = find_name(script_of(line), name);
	if (!def)
		unknown_name(line, part->token, part->skip, name);
	free(name);
	if (!def)
		return false;

	ref.stmt = def - script_of(line)->stmts;
	if (word[len] == '.' && len < part->len) {
		if (!parse_out_field(line, part, def, len, &ref))
			return false;
	} else if (len != part->len) {
		mistake(line, part_span(part), "this is not a value");
		return false;
	} else if (def->desc->makes == VMS_KIND_NONE) {
		mistake(line, part_span(part), "%s makes no id; write %s.FIELD",
			def->desc->name, def->name);
		return false;
	}
	/* Where an address is wanted, an area is its first one. */
	if (!ref.field && part->field->kind == VMS_KIND_VA &&
	    def->desc->makes == VMS_KIND_KVIRT)
		ref.field = vms_op_out(def->desc, "start");
	if (!kinds_fit(line, part, ref.field ? ref.field->kind :
					       def->desc->makes))
		return false;
	if (value->nr_refs == SCRIPT_MAX_REFS) {
		mistake(line, part_span(part), "too many names in one value");
		return false;
	}
	value->refs[value->nr_refs++] = ref;
	return true;
}

static bool parse_number(struct line *line, const struct part *part,
			 struct script_value *value)
{
	char *text = strndup(part->token->text + part->skip, part->len);
	__u64 number = 0;
	int ret;

	if (!text)
		return false;
	ret = vms_value_parse(part->field->kind, text, &number);
	if (ret == -ERANGE)
		mistake(line, part_span(part), "'%s' is too large", text);
	else if (ret && part->field->kind == VMS_KIND_PROP)
		mistake(line, part_span(part),
			"'%s' is not a property; letters of rwxuadgs12, then perhaps ,uc or ,wt",
			text);
	else if (ret)
		mistake(line, part_span(part), "'%s' is not a number", text);
	else
		value->constant += number;
	free(text);
	return !ret;
}

static bool parse_part(struct line *line, const struct part *part,
		       struct script_value *value)
{
	const char *word = part->token->text + part->skip;

	if (!part->len) {
		mistake(line, span(part->token->column + part->skip, 1),
			"a value is missing");
		return false;
	}
	/* A property and fault names are words, but not names; p.prop is one. */
	if (part->field->kind == VMS_KIND_PROP && !memchr(word, '.', part->len))
		return parse_number(line, part, value);
	if (part->field->kind == VMS_KIND_FAULT)
		return parse_number(line, part, value);
	if (name_len(word))
		return parse_ref(line, part, value);
	return parse_number(line, part, value);
}

/* The value behind skip characters of a token. */
static bool parse_value(struct line *line, const struct token *token,
			unsigned int skip, const struct vms_field *field,
			struct script_value *value)
{
	struct part part = { .token = token, .field = field };
	bool sum = field->kind != VMS_KIND_PROP &&
		   field->kind != VMS_KIND_FAULT && !vms_kind_is_id(field->kind);

	memset(value, 0, sizeof(*value));
	for (;;) {
		part.skip = skip;
		part.len = sum ? strcspn(token->text + skip, "+") :
				 strlen(token->text + skip);
		if (!parse_part(line, &part, value))
			return false;
		skip += part.len;
		if (!token->text[skip])
			return true;
		skip++;
	}
}

/* The bytes behind skip characters of a token. */
static bool parse_data(struct line *line, const struct token *token,
		       unsigned int skip, struct script_data *data)
{
	const char *text = token->text + skip;
	int ret = *text ? vms_data_parse(text, &data->bytes, &data->len) : -EINVAL;

	if (ret == -EINVAL)
		mistake(line, span(token->column + skip, strlen(text)),
			"data is \"text\" in quotes, or pairs of hexadecimal digits");
	return !ret;
}

static bool add_frame(struct script_statement *stmt, const struct script_value *value)
{
	struct script_value *frames;

	frames = reallocarray(stmt->frames, stmt->nr_frames + 1, sizeof(*frames));
	if (!frames)
		return false;
	frames[stmt->nr_frames++] = *value;
	stmt->frames = frames;
	return true;
}

/* The handles behind skip characters of a token, with commas between them. */
static bool parse_frames(struct line *line, const struct token *token,
			 unsigned int skip, const struct vms_field *field,
			 struct script_statement *stmt)
{
	static const struct vms_field frame = {
		.name = "each of the frames", .kind = VMS_KIND_FRAME,
		.size = sizeof(__u64),
	};
	struct part part = { .token = token, .field = &frame, .skip = skip };
	struct script_value value;

	while (strcmp(token->text + skip, "-")) {
		memset(&value, 0, sizeof(value));
		part.len = strcspn(token->text + part.skip, ",");
		if (!parse_part(line, &part, &value) || !add_frame(stmt, &value))
			return false;
		part.skip += part.len;
		if (!token->text[part.skip])
			break;
		part.skip++;
	}
	stmt->data.len = stmt->nr_frames * sizeof(__u64);
	stmt->data.bytes = calloc(stmt->nr_frames + 1, sizeof(__u64));
	vms_frames_set_nr(&stmt->op, field, stmt->nr_frames);
	return stmt->data.bytes;
}

/* --- operations ------------------------------------------------------------ */

static bool store_arg(struct line *line, const struct token *token,
		      struct script_statement *stmt,
		      const struct script_arg *arg)
{
	if (arg->value.nr_refs) {
		stmt->args[stmt->nr_args++] = *arg;
		return true;
	}
	if (!vms_field_set(&stmt->op, arg->field, arg->value.constant))
		return true;
	mistake(line, whole(token), "the value is too large for %s",
		arg->field->name);
	return false;
}

static void unknown_arg(struct line *line, const struct token *token,
			unsigned int len, const struct vms_op_desc *desc)
{
	const struct vms_field *field;
	struct nearest nearest;
	char what[64];
	char *name;

	name = strndup(token->text, len);
	if (!name)
		return;
	nearest_start(&nearest, name);
	vms_for_each_arg(field, desc)
		nearest_try(&nearest, field->name);
	snprintf(what, sizeof(what), "%s has no argument", desc->name);
	unknown_word(line, token, 0, len, what, &nearest);
	free(name);
}

static bool parse_arg(struct line *line, const struct token *token,
		      struct script_statement *stmt, __u64 *seen)
{
	size_t len = strcspn(token->text, "=");
	const struct vms_field *field = NULL;
	struct script_arg arg = { 0 };

	vms_for_each_arg(field, stmt->desc) {
		if (!strncmp(field->name, token->text, len) &&
		    !field->name[len])
			break;
	}
	if (field == stmt->desc->args + VMS_MAX_ARGS ||
	    field->kind == VMS_KIND_NONE) {
		unknown_arg(line, token, len, stmt->desc);
		return false;
	}
	if (*seen & 1ULL << (field - stmt->desc->args)) {
		mistake(line, whole(token), "%s is given twice", field->name);
		return false;
	}
	*seen |= 1ULL << (field - stmt->desc->args);
	if (field->kind == VMS_KIND_DATA) {
		if (!parse_data(line, token, len + 1, &stmt->data))
			return false;
		stmt->op.arg.io_data.len = stmt->data.len;
		return true;
	}
	if (field->kind == VMS_KIND_FRAMES)
		return parse_frames(line, token, len + 1, field, stmt);
	arg.field = field;
	return parse_value(line, token, len + 1, field, &arg.value) &&
	       store_arg(line, token, stmt, &arg);
}

static void unknown_flag(struct line *line, const struct token *token,
			 const struct vms_op_desc *desc)
{
	const struct vms_field *field;
	struct nearest nearest;
	unsigned int bit;

	nearest_start(&nearest, token->text);
	vms_for_each_arg(field, desc) {
		if (!strcmp(field->name, token->text)) {
			mistake(line, whole(token), "write %s=VALUE, without spaces",
				field->name);
			return;
		}
	}
	for (bit = 1; bit <= 0x8000; bit <<= 1) {
		if (desc->flags & bit)
			nearest_try(&nearest, vms_flag_name(bit));
	}
	unknown_word(line, token, 0, strlen(token->text),
		     "neither a flag nor arg=value:", &nearest);
}

static bool parse_flag(struct line *line, const struct token *token,
		       struct script_statement *stmt)
{
	__u16 flag = vms_flag_parse(token->text);

	if (!flag) {
		unknown_flag(line, token, stmt->desc);
		return false;
	}
	/* A flag this operation does not know is for the module to refuse. */
	stmt->op.flags |= flag;
	return true;
}

static bool parse_cpu(struct line *line, struct script_statement *stmt)
{
	const struct token *token = take(line);
	__u64 cpu;

	if (!token) {
		mistake(line, end_of(line), "a CPU number is missing");
		return false;
	}
	if (vms_number_parse(token->text, &cpu) || cpu > 0xffffffff) {
		mistake(line, whole(token), "'%s' is not a CPU number",
			token->text);
		return false;
	}
	stmt->op.cpu = cpu;
	return true;
}

static bool args_complete(struct line *line, const struct token *word,
			  const struct script_statement *stmt, __u64 seen)
{
	const struct vms_field *field;

	vms_for_each_arg(field, stmt->desc) {
		if (field->optional ||
		    (seen & 1ULL << (field - stmt->desc->args)))
			continue;
		mistake(line, whole(word), "%s needs %s=", stmt->desc->name,
			field->name);
		return false;
	}
	return true;
}

/* --- expectations ---------------------------------------------------------- */

static bool parse_outcome_word(struct line *line, const struct token *token,
			       struct script_statement *stmt)
{
	int err = vms_errno_parse(token->text);
	struct nearest nearest;
	const char *name;
	int i;

	if (!strcmp(token->text, "any")) {
		stmt->outcome = SCRIPT_ANY;
		return true;
	}
	if (err <= 0) {
		stmt->outcome = err ? SCRIPT_FAIL : SCRIPT_OK;
		stmt->err = err;
		return true;
	}
	nearest_start(&nearest, token->text);
	nearest_try(&nearest, "ok");
	nearest_try(&nearest, "any");
	for (i = 1; i < 256; i++) {
		name = vms_errno_name(i);
		if (name)
			nearest_try(&nearest, name);
	}
	unknown_word(line, token, 0, strlen(token->text), "no such outcome:",
		     &nearest);
	return false;
}

static void unknown_out(struct line *line, const struct token *token,
			const char *name, const struct vms_op_desc *desc)
{
	const struct vms_field *field;
	struct nearest nearest;

	nearest_start(&nearest, name);
	vms_for_each_out(field, desc)
		nearest_try(&nearest, field->name);
	unknown_word(line, token, 0, strlen(name), "the outcome has no field",
		     &nearest);
}

static const struct vms_field *out_field(struct line *line,
					 const struct token *token, size_t len,
					 const struct vms_op_desc *desc)
{
	const struct vms_field *field;
	char *name;

	name = strndup(token->text, len);
	if (!name)
		return NULL;
	field = vms_op_out(desc, name);
	if (!field)
		unknown_out(line, token, name, desc);
	free(name);
	return field;
}

static bool parse_out(struct line *line, const struct token *token,
		      struct script_statement *stmt)
{
	size_t len = strcspn(token->text, "!=");
	struct script_arg arg = { 0 };
	struct script_arg *outs;
	size_t at;

	arg.unequal = token->text[len] == '!';
	if (arg.unequal && token->text[len + 1] != '=') {
		mistake(line, whole(token), "write field!=value");
		return false;
	}
	arg.field = out_field(line, token, len, stmt->desc);
	if (!arg.field)
		return false;
	at = len + 1 + arg.unequal;
	if (arg.field->kind == VMS_KIND_DATA ?
	    !parse_data(line, token, at, &arg.data) :
	    !parse_value(line, token, at, arg.field, &arg.value))
		return false;

	outs = reallocarray(stmt->outs, stmt->nr_outs + 1, sizeof(*outs));
	if (!outs) {
		free(arg.data.bytes);
		return false;
	}
	outs[stmt->nr_outs++] = arg;
	stmt->outs = outs;
	return true;
}

static bool check_outs(struct line *line, const struct token *token,
		       const struct script_statement *stmt)
{
	unsigned int i;

	for (i = 0; stmt->outcome == SCRIPT_FAIL && i < stmt->nr_outs; i++) {
		if (stmt->outs[i].field->on_error)
			continue;
		mistake(line, whole(token), "an operation that fails has no %s",
			stmt->outs[i].field->name);
		return false;
	}
	return true;
}

static bool parse_expectation(struct line *line, struct script_statement *stmt)
{
	const struct token *arrow = take(line), *token = take(line);

	stmt->expects = true;
	if (!token) {
		mistake(line, end_of(line),
			"an outcome is missing: ok, an errno, or field=value");
		return false;
	}
	if (!strchr(token->text, '=')) {
		if (!parse_outcome_word(line, token, stmt))
			return false;
		token = take(line);
	}
	for (; token; token = take(line)) {
		if (!strchr(token->text, '=')) {
			mistake(line, whole(token), "write field=value here");
			return false;
		}
		if (!parse_out(line, token, stmt))
			return false;
	}
	return check_outs(line, arrow, stmt);
}

static bool parse_op(struct line *line, const struct token *word,
		     struct script_statement *stmt)
{
	const struct token *token;
	__u64 seen = 0;
	bool good;

	vms_op_init(&stmt->op, stmt->desc);
	while ((token = peek(line))) {
		if (is_word(token, "->"))
			break;
		take(line);
		if (is_word(token, "@cpu"))
			good = parse_cpu(line, stmt);
		else if (strchr(token->text, '='))
			good = parse_arg(line, token, stmt, &seen);
		else
			good = parse_flag(line, token, stmt);
		if (!good)
			return false;
	}
	if (!args_complete(line, word, stmt, seen))
		return false;
	return !peek(line) || parse_expectation(line, stmt);
}

/* --- setup ----------------------------------------------------------------- */

struct choice {
	const char *name;
	__u32 value;
};

static const struct choice machines[] = {
	{ "default", VMSTORE_MACHINE_DEFAULT },
	{ "live", VMSTORE_MACHINE_LIVE },
	{ "soft", VMSTORE_MACHINE_SOFT },
	{ NULL, 0 },
};

static const struct choice check_modes[] = {
	{ "off", VMSTORE_CHECK_OFF },
	{ "full", VMSTORE_CHECK_FULL },
	{ "step", VMSTORE_CHECK_STEP },
	{ NULL, 0 },
};

#define SETUP_ARG(n, m, c) {						\
	.name = (n), .choices = (c),					\
	.offset = offsetof(struct vmstore_setup, m),			\
	.size = sizeof(((struct vmstore_setup *)NULL)->m),		\
}

static const struct setup_arg {
	const char *name;
	size_t offset;
	size_t size;
	const struct choice *choices;	/* NULL = a number */
} setup_args[] = {
	SETUP_ARG("region", region_size, NULL),
	SETUP_ARG("mmio", mmio_size, NULL),
	SETUP_ARG("machine", machine, machines),
	SETUP_ARG("cpus", nr_cpus, NULL),
	SETUP_ARG("check", check_mode, check_modes),
	SETUP_ARG("seed", seed, NULL),
	{ .name = NULL },
};

static bool parse_choice(struct line *line, const struct token *token,
			 size_t skip, const struct choice *choices,
			 __u64 *value)
{
	const char *word = token->text + skip;
	struct nearest nearest;

	nearest_start(&nearest, word);
	for (; choices->name; choices++) {
		if (!strcmp(choices->name, word)) {
			*value = choices->value;
			return true;
		}
		nearest_try(&nearest, choices->name);
	}
	unknown_word(line, token, skip, strlen(word), "no such choice:", &nearest);
	return false;
}

static const struct setup_arg *find_setup_arg(struct line *line,
					      const struct token *token,
					      size_t len)
{
	const struct setup_arg *arg;
	struct nearest nearest;
	char *name;

	for (arg = setup_args; arg->name; arg++) {
		if (!strncmp(arg->name, token->text, len) && !arg->name[len])
			return arg;
	}
	name = strndup(token->text, len);
	if (!name)
		return NULL;
	nearest_start(&nearest, name);
	for (arg = setup_args; arg->name; arg++)
		nearest_try(&nearest, arg->name);
	unknown_word(line, token, 0, len, "setup has no argument", &nearest);
	free(name);
	return NULL;
}

static bool parse_setup_arg(struct line *line, const struct token *token,
			    struct vmstore_setup *setup)
{
	size_t len = strcspn(token->text, "=");
	const struct setup_arg *arg;
	__u64 value;

	if (!token->text[len]) {
		mistake(line, whole(token), "write arg=value here");
		return false;
	}
	arg = find_setup_arg(line, token, len);
	if (!arg)
		return false;
	if (arg->choices) {
		if (!parse_choice(line, token, len + 1, arg->choices, &value))
			return false;
	} else if (vms_number_parse(token->text + len + 1, &value) ||
		   (arg->size < 8 && value >> 32)) {
		mistake(line, span(token->column + len + 1,
				   strlen(token->text + len + 1)),
			"'%s' is not a number that fits",
			token->text + len + 1);
		return false;
	}
	memcpy((char *)setup + arg->offset, &value, arg->size);
	return true;
}

static bool parse_setup(struct line *line, const struct token *word,
			struct script_statement *stmt)
{
	const struct token *token;

	if (script_of(line)->nr) {
		mistake(line, whole(word), "setup must be the first statement");
		return false;
	}
	while ((token = take(line))) {
		if (is_word(token, "->")) {
			token = take(line);
			if (token)
				return parse_outcome_word(line, token, stmt);
			mistake(line, end_of(line),
				"an outcome is missing: ok or an errno");
			return false;
		}
		if (!parse_setup_arg(line, token, &stmt->setup))
			return false;
	}
	return true;
}

static bool parse_check(struct line *line)
{
	const struct token *token = take(line);

	if (!token)
		return true;
	mistake(line, whole(token), "check takes no arguments");
	return false;
}

/* --- statements ------------------------------------------------------------ */

static void unknown_op(struct line *line, const struct token *token)
{
	struct nearest nearest;
	__u16 i;

	nearest_start(&nearest, token->text);
	nearest_try(&nearest, "setup");
	nearest_try(&nearest, "check");
	for (i = 1; i < __VMSTORE_OP_MAX; i++)
		nearest_try(&nearest, vms_op_desc(i)->name);
	unknown_word(line, token, 0, strlen(token->text), "no operation is called",
		     &nearest);
}

/* "name =", when the line starts so. */
static bool parse_name(struct line *line, struct script_statement *stmt)
{
	const struct token *first = peek(line);
	size_t len = name_len(first->text);

	if (line->nr_tokens < 2 || strcmp(line->tokens[1].text, "=")) {
		if (!strchr(first->text, '='))
			return true;
		mistake(line, whole(first), "write spaces around '=' to name an outcome");
		return false;
	}
	if (!len || first->text[len]) {
		mistake(line, whole(first), "'%s' cannot be a name", first->text);
		return false;
	}
	line->at = 2;
	if (!peek(line)) {
		mistake(line, end_of(line), "an operation is missing");
		return false;
	}
	stmt->name = strdup(first->text);
	return stmt->name;
}

static bool parse_statement(struct line *line, struct script_statement *stmt)
{
	const struct token *word;

	if (!parse_name(line, stmt))
		return false;
	word = take(line);
	stmt->desc = vms_op_by_name(word->text);
	if (stmt->desc)
		return parse_op(line, word, stmt);
	if (stmt->name && (is_word(word, "setup") || is_word(word, "check"))) {
		mistake(line, whole(word), "%s has no outcome to name", word->text);
		return false;
	}
	if (is_word(word, "setup")) {
		stmt->kind = SCRIPT_SETUP;
		return parse_setup(line, word, stmt);
	}
	if (is_word(word, "check")) {
		stmt->kind = SCRIPT_CHECK;
		return parse_check(line);
	}
	unknown_op(line, word);
	return false;
}

/* How much of a statement comes before what is expected */
static size_t said(const struct line *line)
{
	const struct token *first = line->tokens, *last = first;
	const struct token *end = first + line->nr_tokens;

	while (last + 1 < end && !is_word(last + 1, "->"))
		last++;
	return last->column + strlen(last->text) - first->column;
}

#define LICENSE	"SPDX-"

/*
 * A line that says nothing. Who reads comments does not mean the license, nor an empty
 * beginning.
 */
static int add_comment(struct script *script, const char *text)
{
	const char *before = script->comment ? script->comment : "";
	char *comment;

	text += strspn(text, " \t");
	if (*text == '#')
		text += 1 + (text[1] == ' ');
	if (!strncmp(text, LICENSE, strlen(LICENSE)))
		return 0;
	if (!*text && !*before && !script->nr)
		return 0;
	if (asprintf(&comment, "%s%s\n", before, text) < 0)
		return -ENOMEM;
	free(script->comment);
	script->comment = comment;
	return 0;
}

static void free_statement(struct script_statement *stmt)
{
	while (stmt->nr_outs)
		free(stmt->outs[--stmt->nr_outs].data.bytes);
	free(stmt->outs);
	free(stmt->data.bytes);
	free(stmt->frames);
	free(stmt->comment);
	free(stmt->text);
	free(stmt->name);
}

static int append(struct script *script, const struct script_statement *stmt)
{
	size_t room = script->room ? 2 * script->room : 64;
	struct script_statement *stmts;

	if (script->nr == script->room) {
		stmts = reallocarray(script->stmts, room, sizeof(*stmts));
		if (!stmts)
			return -ENOMEM;
		script->stmts = stmts;
		script->room = room;
	}
	if (stmt->name && define_name(script, stmt->name, script->nr))
		return -ENOMEM;
	script->stmts[script->nr++] = *stmt;
	return 0;
}

/*
 * A wrong line that names an operation still defines the name: what refers to it
 * is not wrong as well.
 */
static bool worth_keeping(const struct script_statement *stmt)
{
	return stmt->name && stmt->desc;
}

static int parse_line(void *ctx, const char *text, unsigned int number)
{
	struct script *script = ctx;
	struct script_statement stmt = { .line = number };
	struct line line = {
		.source = &script->source, .number = number, .text = text,
	};
	bool good;
	int ret = 0;

	good = line_split(&line);
	if (good && line.nr_tokens) {
		stmt.text = strdup(text + line.tokens[0].column);
		stmt.said = said(&line);
		stmt.comment = script->comment;
		script->comment = NULL;
		good = stmt.text && parse_statement(&line, &stmt);
	} else if (good) {
		return add_comment(script, text);
	}
	line_free(&line);

	if (good || (line.failed && worth_keeping(&stmt)))
		ret = append(script, &stmt);
	if (ret || (!good && !worth_keeping(&stmt)))
		free_statement(&stmt);
	/* No message and no success: memory was short. */
	return good || line.failed ? ret : -ENOMEM;
}

int script_parse(struct script *script, FILE *from)
{
	return source_read(&script->source, from, parse_line, script);
}

void script_init(struct script *script, const char *path, FILE *err,
		 bool color)
{
	memset(script, 0, sizeof(*script));
	script->source.path = path;
	script->source.err = err;
	script->source.color = color;
}

void script_free(struct script *script)
{
	tdestroy(script->names, free);
	script->names = NULL;
	while (script->nr)
		free_statement(&script->stmts[--script->nr]);
	free(script->stmts);
	free(script->comment);
	script->stmts = NULL;
	script->comment = NULL;
	script->room = 0;
}

int script_load(struct script *script, const char *path)
{
	bool standard = !strcmp(path, "-");
	FILE *from = standard ? stdin : fopen(path, "r");
	int ret;

	script_init(script, standard ? "<stdin>" : path, stderr,
		    ctl.color_err);
	if (!from) {
		ctl_error("cannot open %s: %s", path, strerror(errno));
		return CTL_INPUT;
	}
	ret = script_parse(script, from);
	if (!standard)
		fclose(from);
	if (!ret)
		return CTL_OK;
	if (ret == -EINVAL) {
		fprintf(stderr, "%s: %u error%s, nothing was run\n",
			script->source.path, script->source.errors,
			script->source.errors == 1 ? "" : "s");
		return CTL_DATA;
	}
	ctl_error("cannot read %s: %s", path, strerror(-ret));
	return ret == -ENOMEM ? CTL_SYSTEM : CTL_INPUT;
}
