// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLB litmus tests: reading them
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "litmus.h"

/* A frame's word, unless the test says another; no number that tests write themselves. */
#define FIRST_POISON	0xf00dull

struct parser {
	struct litmus *test;
	struct litmus_program *program;	/* what operations are appended to */
	bool final;			/* that is litmus.final */
};

/* --- words ----------------------------------------------------------------- */

static const struct {
	const char *name;
	__u32 cap;
} caps[] = {
	{ "keeps", VMSTORE_CAP_KEEPS },
	{ "remote", VMSTORE_CAP_REMOTE },
	{ "global", VMSTORE_CAP_GLOBAL },
	{ "tagged", VMSTORE_CAP_TAGGED },
	{ "psc", VMSTORE_CAP_PSC },
};

static const char *const verdicts[] = {
	[LITMUS_ALLOWED] = "allowed",
	[LITMUS_REQUIRED] = "required",
	[LITMUS_FORBIDDEN] = "forbidden",
};

static const char *const results[LITMUS_FIRST_VALUE] = {
	[LITMUS_UNSET] = "-",
	[LITMUS_ABSENT] = "absent",
	[LITMUS_DENIED] = "denied",
	[LITMUS_OK] = "ok",
	[LITMUS_BUSY] = "busy",
	[LITMUS_STRANGE] = "?",
};

/*
 * Operands, in order: p a place, a a place or "all", f a frame, b a property, d some of
 * the letters a and d, v a value, s a space or "none", D perhaps "defer", r a register,
 * R perhaps a register.
 */
static const struct op_word {
	const char *name;
	enum litmus_code code;
	const char *operands;
	bool final;
} op_words[] = {
	{ "load", LITMUS_LOAD, "pr", false },
	{ "store", LITMUS_STORE, "pvR", false },
	{ "map", LITMUS_MAP, "pfbD", false },
	{ "remap", LITMUS_MAP, "pfbD", false },
	{ "unmap", LITMUS_UNMAP, "pD", false },
	{ "unmap-table", LITMUS_UNMAP_TABLE, "pD", false },
	{ "protect", LITMUS_PROTECT, "pb", false },
	{ "clear", LITMUS_CLEAR, "pd", false },
	{ "invlpg", LITMUS_INVLPG, "a", false },
	{ "issue", LITMUS_ISSUE, "a", false },
	{ "dispatch", LITMUS_DISPATCH, "", false },
	{ "sync", LITMUS_SYNC, "", false },
	{ "flush", LITMUS_FLUSH, "a", false },
	{ "reap", LITMUS_REAP, "", false },
	{ "reuse", LITMUS_REUSE, "fR", false },
	{ "merge", LITMUS_MERGE, "pb", false },
	{ "activate", LITMUS_ACTIVATE, "s", false },
	{ "barrier", LITMUS_BARRIER, "", false },
	{ "accessed", LITMUS_ACCESSED, "pr", true },
	{ "dirty", LITMUS_DIRTY, "pr", true },
	{ "writable", LITMUS_WRITABLE, "pr", true },
	{ "executable", LITMUS_EXECUTABLE, "pr", true },
	{ "value", LITMUS_VALUE, "fr", true },
};

const char *litmus_verdict_name(enum litmus_verdict verdict)
{
	return verdicts[verdict];
}

const char *litmus_cap_name(__u32 cap)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(caps); i++)
		if (caps[i].cap == cap)
			return caps[i].name;
	return NULL;
}

/* --- names ----------------------------------------------------------------- */

static int find(const char (*names)[LITMUS_NAME], int nr, const char *name)
{
	int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

static int find_frame(const struct litmus *test, const char *name)
{
	int i;

	for (i = 0; i < test->nr_frames; i++)
		if (!strcmp(test->frames[i].name, name))
			return i;
	return -1;
}

static int find_area(const struct litmus *test, const char *name)
{
	int i;

	for (i = 0; i < test->nr_slots; i++)
		if (test->slots[i].kind != LITMUS_USER && !strcmp(test->slots[i].name, name))
			return i;
	return -1;
}

static bool is_used(const struct litmus *test, const char *name)
{
	return find(test->spaces, test->nr_spaces, name) >= 0 ||
	       find(test->pages, test->nr_pages, name) >= 0 ||
	       find_frame(test, name) >= 0 || find_area(test, name) >= 0;
}

/* A new name of something, there being @nr of at most @max */
static bool take_name(struct line *line, const struct litmus *test, const struct token *token,
		      int nr, int max, char *to)
{
	size_t len = strlen(token->text), i;

	for (i = 0; i < ARRAY_SIZE(results); i++)
		if (!strcmp(token->text, results[i]))
			len = 0;
	if (!len || name_len(token->text) != len || !strcmp(token->text, "none") ||
	    !strcmp(token->text, "all"))
		mistake(line, whole(token), "'%s' is not a name", token->text);
	else if (len >= LITMUS_NAME)
		mistake(line, whole(token), "a name has at most %d characters", LITMUS_NAME - 1);
	else if (is_used(test, token->text))
		mistake(line, whole(token), "'%s' is the name of something else", token->text);
	else if (nr == max)
		mistake(line, whole(token), "too many of these; at most %d", max);
	else
		strcpy(to, token->text);
	return !line->failed;
}

/* --- values ---------------------------------------------------------------- */

static int value_index(struct litmus *test, __u64 value)
{
	int i;

	for (i = 0; i < test->nr_values; i++)
		if (test->values[i] == value)
			return i;
	if (i == LITMUS_MAX_VALUES)
		return -1;
	test->values[test->nr_values++] = value;
	return i;
}

static int parse_value(struct line *line, struct litmus *test, const struct token *token,
		       const char *text)
{
	struct span at = span(token->column + (text - token->text), strlen(text));
	int i = find_frame(test, text);
	__u64 value;

	if (i >= 0)
		return test->frames[i].value;
	if (vms_number_parse(text, &value)) {
		mistake(line, at, "'%s' is neither a number nor a frame", text);
		return -1;
	}
	i = value_index(test, value);
	if (i < 0)
		mistake(line, at, "too many values; at most %d", LITMUS_MAX_VALUES);
	return i;
}

/* --- operands -------------------------------------------------------------- */

static const struct token *want(struct line *line, const char *what)
{
	const struct token *token = take(line);

	if (!token)
		mistake(line, end_of(line), "%s is missing here", what);
	return token;
}

static int parse_space(struct line *line, const struct litmus *test, const struct token *token,
		       const char *name, size_t len)
{
	struct nearest nearest;
	int i = find(test->spaces, test->nr_spaces, name);

	if (i >= 0)
		return i;
	nearest_start(&nearest, name);
	for (i = 0; i < test->nr_spaces; i++)
		nearest_try(&nearest, test->spaces[i]);
	unknown_word(line, token, 0, len, "no space is called", &nearest);
	return -1;
}

static int parse_frame(struct line *line, const struct litmus *test)
{
	const struct token *token = want(line, "a frame");
	struct nearest nearest;
	int i;

	if (!token)
		return -1;
	i = find_frame(test, token->text);
	if (i >= 0)
		return i;
	nearest_start(&nearest, token->text);
	for (i = 0; i < test->nr_frames; i++)
		nearest_try(&nearest, test->frames[i].name);
	unknown_word(line, token, 0, strlen(token->text), "no frame is called", &nearest);
	return -1;
}

/* The leaf table of a user address in a space */
static int user_slot(struct line *line, struct litmus *test, const struct token *token,
		     int space, int page)
{
	struct litmus_slot *slot;
	int i;

	for (i = 0; i < test->nr_slots; i++) {
		slot = &test->slots[i];
		if (slot->kind == LITMUS_USER && slot->space == space && slot->page == page)
			return i;
	}
	if (i == LITMUS_MAX_SLOTS) {
		mistake(line, whole(token), "too many tables; at most %d", LITMUS_MAX_SLOTS);
		return -1;
	}
	test->slots[i] = (struct litmus_slot){ .space = space, .page = page };
	return test->nr_slots++;
}

static int parse_slot(struct line *line, struct litmus *test, const struct token *token,
		      int space, const char *name)
{
	struct nearest nearest;
	int i = find(test->pages, test->nr_pages, name);

	if (i >= 0)
		return user_slot(line, test, token, space, i);
	i = find_area(test, name);
	if (i >= 0)
		return i;
	nearest_start(&nearest, name);
	for (i = 0; i < test->nr_pages; i++)
		nearest_try(&nearest, test->pages[i]);
	for (i = 0; i < test->nr_slots; i++)
		nearest_try(&nearest, test->slots[i].name);
	unknown_word(line, token, strstr(token->text, name) - token->text, strlen(name),
		     "no page is called", &nearest);
	return -1;
}

/* [SPACE:]PAGE[+N] */
static bool parse_place(struct line *line, struct litmus *test, const struct token *token,
			struct litmus_place *place)
{
	char text[3 * LITMUS_NAME], *name = text, *colon, *plus;
	int space = 0;

	if (strlen(token->text) >= sizeof(text)) {
		mistake(line, whole(token), "this is not a page");
		return false;
	}
	strcpy(text, token->text);
	colon = strchr(text, ':');
	if (colon) {
		*colon = '\0';
		name = colon + 1;
		space = parse_space(line, test, token, text, colon - text);
		if (space < 0)
			return false;
	}
	plus = strchr(name, '+');
	if (plus)
		*plus = '\0';
	place->idx = plus && !strcmp(plus + 1, "1");
	if (plus && !place->idx) {
		mistake(line, whole(token), "only +1 is possible");
		return false;
	}
	place->slot = parse_slot(line, test, token, space, name);
	if (place->slot < 0)
		return false;
	if (place->idx && test->slots[place->slot].kind == LITMUS_AREA) {
		mistake(line, whole(token), "'%s' is one page", name);
		return false;
	}
	return true;
}

static bool parse_prop(struct line *line, struct vmstore_prop *prop)
{
	const struct token *token = want(line, "a property");

	if (!token)
		return false;
	if (vms_prop_parse(token->text, prop) || !(prop->flags & VMSTORE_PROP_R)) {
		mistake(line, whole(token), "'%s' is no property of a mapping, like rwu",
			token->text);
		return false;
	}
	return true;
}

static bool parse_bits(struct line *line, struct vmstore_prop *prop)
{
	const struct token *token = want(line, "which bits");
	const char *c;

	memset(prop, 0, sizeof(*prop));
	if (!token)
		return false;
	for (c = token->text; *c; c++) {
		if (*c == 'a')
			prop->flags |= VMSTORE_PROP_ACCESSED;
		else if (*c == 'd')
			prop->flags |= VMSTORE_PROP_DIRTY;
		else
			mistake(line, whole(token), "only a and d can be cleared");
	}
	return !line->failed;
}

static bool parse_all(struct line *line, struct litmus *test, struct litmus_op *op)
{
	const struct token *token = want(line, "a page, or 'all',");

	if (!token)
		return false;
	op->all = is_word(token, "all");
	if (!op->all)
		return parse_place(line, test, token, &op->place);
	token = take(line);
	op->space = 0;
	if (token)
		op->space = parse_space(line, test, token, token->text, strlen(token->text));
	return op->space >= 0;
}

static int parse_activated(struct line *line, const struct litmus *test)
{
	const struct token *token = want(line, "a space or 'none'");

	if (!token || is_word(token, "none"))
		return -1;
	return parse_space(line, test, token, token->text, strlen(token->text));
}

static bool parse_reg(struct line *line, struct litmus *test, struct litmus_op *op)
{
	const struct token *token;

	if (!is_word(peek(line), "->")) {
		mistake(line, end_of(line), "the result needs a name: -> NAME");
		return false;
	}
	take(line);
	token = want(line, "a name");
	if (!token)
		return false;
	if (find(test->regs, test->nr_regs, token->text) >= 0) {
		mistake(line, whole(token), "'%s' has a result already", token->text);
		return false;
	}
	if (!take_name(line, test, token, test->nr_regs, LITMUS_MAX_REGS,
		       test->regs[test->nr_regs]))
		return false;
	op->reg = test->nr_regs++;
	return true;
}

static bool parse_operand(struct line *line, struct litmus *test, char kind,
			  struct litmus_op *op)
{
	const struct token *token;

	switch (kind) {
	case 'p':
		token = want(line, "a page");
		return token && parse_place(line, test, token, &op->place);
	case 'a':
		return parse_all(line, test, op);
	case 'f':
		op->frame = parse_frame(line, test);
		return op->frame >= 0;
	case 'b':
		return parse_prop(line, &op->prop);
	case 'd':
		return parse_bits(line, &op->prop);
	case 'v':
		token = want(line, "a value");
		op->value = token ? parse_value(line, test, token, token->text) : -1;
		return op->value >= 0;
	case 's':
		op->space = parse_activated(line, test);
		return !line->failed;
	case 'D':
		op->defer = is_word(peek(line), "defer");
		if (op->defer)
			take(line);
		return true;
	case 'R':
		return !peek(line) || parse_reg(line, test, op);
	default:
		return parse_reg(line, test, op);
	}
}

/* --- operations ------------------------------------------------------------ */

bool litmus_is_kernel(const struct litmus *test, struct litmus_place place)
{
	return test->slots[place.slot].kind != LITMUS_USER;
}

static bool has_place(enum litmus_code code)
{
	switch (code) {
	case LITMUS_DISPATCH:
	case LITMUS_SYNC:
	case LITMUS_REAP:
	case LITMUS_REUSE:
	case LITMUS_ACTIVATE:
	case LITMUS_BARRIER:
	case LITMUS_VALUE:
		return false;
	default:
		return true;
	}
}

/* Which operations go through a cursor of their CPU */
static bool needs_cursor(enum litmus_code code)
{
	switch (code) {
	case LITMUS_MAP:
	case LITMUS_UNMAP:
	case LITMUS_UNMAP_TABLE:
	case LITMUS_PROTECT:
	case LITMUS_CLEAR:
	case LITMUS_ISSUE:
	case LITMUS_FLUSH:
	case LITMUS_MERGE:
		return true;
	default:
		return false;
	}
}

/* Areas are changed by whole operations, which flush and wait */
static bool fits_place(struct line *line, const struct litmus *test, const struct litmus_op *op)
{
	enum litmus_slot_kind kind;
	bool ok;

	if (op->all || !has_place(op->code))
		return true;
	kind = test->slots[op->place.slot].kind;
	switch (op->code) {
	case LITMUS_LOAD:
	case LITMUS_STORE:
	case LITMUS_ACCESSED:
	case LITMUS_DIRTY:
	case LITMUS_WRITABLE:
	case LITMUS_EXECUTABLE:
		return true;
	case LITMUS_UNMAP:
	case LITMUS_PROTECT:
		ok = kind == LITMUS_USER || !op->defer;
		break;
	case LITMUS_MERGE:
		ok = kind == LITMUS_HUGE;
		break;
	default:
		ok = kind == LITMUS_USER;
		break;
	}
	if (!ok)
		mistake(line, whole(&line->tokens[0]), "not possible with such a page");
	return ok;
}

static int cpu_of(const struct parser *p)
{
	return p->program - p->test->cpus;
}

/* The cursor of a CPU for a slot; -1 when there are too many */
static int get_cursor(struct litmus *test, int cpu, int slot)
{
	int i;

	for (i = 0; i < test->nr_cursors; i++)
		if (test->cursors[i].cpu == cpu && test->cursors[i].slot == slot)
			return i;
	if (i == LITMUS_MAX_CURSORS)
		return -1;
	test->cursors[i] = (struct litmus_cursor){ .cpu = cpu, .slot = slot };
	return test->nr_cursors++;
}

/* What a flush of everything is issued through: any cursor of that space */
static int cursor_of_space(const struct litmus *test, int cpu, int space)
{
	const struct litmus_slot *slot;
	int i;

	for (i = 0; i < test->nr_cursors; i++) {
		slot = &test->slots[test->cursors[i].slot];
		if (test->cursors[i].cpu == cpu && slot->kind == LITMUS_USER &&
		    slot->space == space)
			return i;
	}
	return -1;
}

static bool choose_cursor(struct line *line, struct parser *p, struct litmus_op *op)
{
	struct litmus *test = p->test;
	int i;

	if (!needs_cursor(op->code))
		return true;
	if (op->all)
		op->cursor = cursor_of_space(test, cpu_of(p), op->space);
	else
		op->cursor = get_cursor(test, cpu_of(p), op->place.slot);
	if (op->cursor < 0) {
		mistake(line, whole(&line->tokens[0]), op->all ?
			"the CPU has changed nothing in that space" :
			"too many pages are changed");
		return false;
	}
	test->cursors[op->cursor].wide |= op->code == LITMUS_UNMAP_TABLE;
	for (i = 0; i < test->nr_cursors; i++) {
		if (i == op->cursor || test->cursors[i].slot != test->cursors[op->cursor].slot ||
		    litmus_is_kernel(test, op->place))
			continue;
		mistake(line, whole(&line->tokens[0]),
			"CPU %d changes that table; only one can", test->cursors[i].cpu);
		return false;
	}
	return true;
}

static const struct op_word *find_op(struct line *line, const struct token *token)
{
	struct nearest nearest;
	size_t i;

	nearest_start(&nearest, token->text);
	for (i = 0; i < ARRAY_SIZE(op_words); i++) {
		if (!strcmp(op_words[i].name, token->text))
			return &op_words[i];
		nearest_try(&nearest, op_words[i].name);
	}
	unknown_word(line, token, 0, strlen(token->text), "no operation is called", &nearest);
	return NULL;
}

static bool parse_op(struct line *line, struct parser *p)
{
	struct litmus_op op = { .reg = -1, .space = -1, .cursor = -1, .line = line->number };
	const struct token *token = take(line);
	const struct op_word *word = find_op(line, token);
	const char *kind;

	if (!word)
		return false;
	if (!p->program || word->final != p->final) {
		mistake(line, whole(token), word->final ? "only possible below 'final'" :
			"only possible below 'cpu N'");
		return false;
	}
	if (p->program->nr == LITMUS_MAX_OPS) {
		mistake(line, whole(token), "too many operations; at most %d", LITMUS_MAX_OPS);
		return false;
	}
	op.code = word->code;
	for (kind = word->operands; *kind; kind++)
		if (!parse_operand(line, p->test, *kind, &op))
			return false;
	if (!fits_place(line, p->test, &op) || !choose_cursor(line, p, &op))
		return false;
	p->program->ops[p->program->nr++] = op;
	return true;
}

/* --- declarations ---------------------------------------------------------- */

static bool parse_name(struct line *line, struct parser *p)
{
	const struct token *token = want(line, "a name");

	if (!token)
		return false;
	if (strlen(token->text) >= LITMUS_NAME) {
		mistake(line, whole(token), "a name has at most %d characters", LITMUS_NAME - 1);
		return false;
	}
	strcpy(p->test->name, token->text);
	return true;
}

static bool parse_doc(struct line *line, struct parser *p)
{
	const struct token *token = want(line, "a line that says what is tested");
	const char *text;

	if (!token)
		return false;
	text = line->text + token->column;
	if (strlen(text) >= sizeof(p->test->doc)) {
		mistake(line, span(token->column, strlen(text)), "at most %zu characters",
			sizeof(p->test->doc) - 1);
		return false;
	}
	strcpy(p->test->doc, text);
	line->at = line->nr_tokens;
	return true;
}

static bool parse_needs(struct line *line, struct parser *p)
{
	const struct token *token;
	struct nearest nearest;
	size_t i;

	while ((token = take(line))) {
		nearest_start(&nearest, token->text);
		for (i = 0; i < ARRAY_SIZE(caps); i++) {
			nearest_try(&nearest, caps[i].name);
			if (!strcmp(caps[i].name, token->text))
				break;
		}
		if (i == ARRAY_SIZE(caps)) {
			unknown_word(line, token, 0, strlen(token->text),
				     "no machine models", &nearest);
			return false;
		}
		p->test->needs |= caps[i].cap;
	}
	return true;
}

static bool parse_spaces(struct line *line, struct parser *p)
{
	struct litmus *test = p->test;
	const struct token *token;

	if (test->nr_slots || test->nr_cpus) {
		mistake(line, whole(&line->tokens[0]), "must come before what is in a space");
		return false;
	}
	/* The one that is there without being named */
	test->nr_spaces = 0;
	while ((token = take(line))) {
		if (!take_name(line, test, token, test->nr_spaces, LITMUS_MAX_SPACES,
			       test->spaces[test->nr_spaces]))
			return false;
		test->nr_spaces++;
	}
	return true;
}

/* a or a=0x10; take_name() wants the name alone */
static bool parse_one_frame(struct line *line, struct litmus *test, const struct token *token)
{
	struct litmus_frame *frame = &test->frames[test->nr_frames];
	char *equal = strchr(token->text, '=');
	__u64 value = FIRST_POISON + ((__u64)test->nr_frames << 16);
	int i;

	if (equal)
		*equal = '\0';
	if (!take_name(line, test, token, test->nr_frames, LITMUS_MAX_FRAMES, frame->name))
		return false;
	if (equal && vms_number_parse(equal + 1, &value)) {
		mistake(line, whole(token), "'%s' is no number", equal + 1);
		return false;
	}
	for (i = 0; i < test->nr_frames; i++) {
		if (test->values[test->frames[i].value] == value) {
			mistake(line, whole(token), "each frame needs a word of its own");
			return false;
		}
	}
	frame->value = value_index(test, value);
	if (frame->value < 0)
		mistake(line, whole(token), "too many values; at most %d", LITMUS_MAX_VALUES);
	frame->numeric = equal;
	test->nr_frames++;
	return !line->failed;
}

static bool parse_frames(struct line *line, struct parser *p)
{
	const struct token *token;

	while ((token = take(line)))
		if (!parse_one_frame(line, p->test, token))
			return false;
	return true;
}

static bool parse_pages(struct line *line, struct parser *p)
{
	struct litmus *test = p->test;
	const struct token *token;

	while ((token = take(line))) {
		if (!take_name(line, test, token, test->nr_pages, LITMUS_MAX_PAGES,
			       test->pages[test->nr_pages]))
			return false;
		test->nr_pages++;
	}
	return true;
}

static bool add_mapping(struct line *line, struct litmus *test, struct litmus_place place,
			int frame, struct vmstore_prop prop)
{
	int i;

	for (i = 0; i < test->nr_mappings; i++) {
		if (test->mappings[i].place.slot == place.slot &&
		    test->mappings[i].place.idx == place.idx) {
			mistake(line, whole(&line->tokens[1]), "mapped twice");
			return false;
		}
	}
	test->mappings[test->nr_mappings++] = (struct litmus_mapping){ place, frame, prop };
	return true;
}

static bool parse_area(struct line *line, struct parser *p)
{
	struct litmus *test = p->test;
	bool huge = is_word(&line->tokens[0], "huge");
	struct litmus_slot *slot = &test->slots[test->nr_slots];
	const struct token *token = want(line, "a name");
	struct vmstore_prop prop;
	int frame[LITMUS_SLOT_PAGES], i;

	if (!token || !take_name(line, test, token, test->nr_slots, LITMUS_MAX_SLOTS, slot->name))
		return false;
	slot->kind = huge ? LITMUS_HUGE : LITMUS_AREA;
	token = take(line);
	if (!is_word(token, "=")) {
		mistake(line, token ? whole(token) : end_of(line), "'=' is missing here");
		return false;
	}
	for (i = 0; i <= huge; i++) {
		frame[i] = parse_frame(line, test);
		if (frame[i] < 0)
			return false;
	}
	if (!parse_prop(line, &prop))
		return false;
	for (i = 0; i <= huge; i++)
		if (!add_mapping(line, test, (struct litmus_place){ test->nr_slots, i },
				 frame[i], prop))
			return false;
	test->nr_slots++;
	return true;
}

static bool parse_mapping(struct line *line, struct parser *p)
{
	const struct token *token = want(line, "a page");
	struct litmus_place place;
	struct vmstore_prop prop;
	int frame;

	if (!token || !parse_place(line, p->test, token, &place))
		return false;
	if (litmus_is_kernel(p->test, place)) {
		mistake(line, whole(token), "'%s' is mapped already", token->text);
		return false;
	}
	frame = parse_frame(line, p->test);
	return frame >= 0 && parse_prop(line, &prop) &&
	       add_mapping(line, p->test, place, frame, prop);
}

static bool parse_cpu(struct line *line, struct parser *p)
{
	const struct token *token = want(line, "a number");
	struct litmus *test = p->test;
	__u64 nr;

	if (!token)
		return false;
	if (vms_number_parse(token->text, &nr) || (int)nr != test->nr_cpus) {
		mistake(line, whole(token), "this is CPU %d", test->nr_cpus);
		return false;
	}
	if (test->nr_cpus == LITMUS_MAX_CPUS) {
		mistake(line, whole(token), "too many CPUs; at most %d", LITMUS_MAX_CPUS);
		return false;
	}
	p->program = &test->cpus[test->nr_cpus++];
	p->program->line = line->number;
	p->final = false;
	if (peek(line))
		p->program->space = parse_activated(line, test);
	return !line->failed;
}

static bool parse_final(struct line *line, struct parser *p)
{
	p->program = &p->test->final;
	p->program->line = line->number;
	p->final = true;
	return true;
}

static int parse_result(struct line *line, struct litmus *test, const struct token *token,
			const char *text)
{
	int i;

	for (i = LITMUS_ABSENT; i < LITMUS_STRANGE; i++)
		if (!strcmp(results[i], text))
			return i;
	i = parse_value(line, test, token, text);
	return i < 0 ? -1 : LITMUS_FIRST_VALUE + i;
}

static bool parse_atom(struct line *line, struct litmus *test, const struct token *token,
		       struct litmus_outcome *when)
{
	char *equal = strchr(token->text, '=');
	struct nearest nearest;
	int reg, value;

	if (!equal) {
		mistake(line, whole(token), "this is no NAME=VALUE");
		return false;
	}
	*equal = '\0';
	reg = find(test->regs, test->nr_regs, token->text);
	if (reg < 0) {
		nearest_start(&nearest, token->text);
		for (reg = 0; reg < test->nr_regs; reg++)
			nearest_try(&nearest, test->regs[reg]);
		unknown_word(line, token, 0, strlen(token->text), "no result is called",
			     &nearest);
		return false;
	}
	value = parse_result(line, test, token, equal + 1);
	if (value < 0)
		return false;
	when->reg[reg] = value;
	return true;
}

static bool parse_verdict(struct line *line, struct parser *p)
{
	struct litmus *test = p->test;
	struct litmus_cond *cond = &test->conds[test->nr_conds];
	const struct token *token;

	if (test->nr_conds == LITMUS_MAX_CONDS) {
		mistake(line, whole(&line->tokens[0]), "too many verdicts; at most %d",
			LITMUS_MAX_CONDS);
		return false;
	}
	memset(cond, 0, sizeof(*cond));
	cond->line = line->number;
	while (!is_word(&line->tokens[0], verdicts[cond->verdict]))
		cond->verdict++;
	if (!peek(line)) {
		mistake(line, end_of(line), "NAME=VALUE is missing here");
		return false;
	}
	while ((token = take(line)))
		if (!parse_atom(line, test, token, &cond->when))
			return false;
	test->nr_conds++;
	return true;
}

static const struct {
	const char *name;
	bool (*parse)(struct line *line, struct parser *p);
} statements[] = {
	{ "litmus", parse_name },
	{ "doc", parse_doc },
	{ "needs", parse_needs },
	{ "space", parse_spaces },
	{ "frame", parse_frames },
	{ "page", parse_pages },
	{ "area", parse_area },
	{ "huge", parse_area },
	{ "cpu", parse_cpu },
	{ "final", parse_final },
	{ "allowed", parse_verdict },
	{ "required", parse_verdict },
	{ "forbidden", parse_verdict },
};

static bool parse_statement(struct line *line, struct parser *p)
{
	const struct token *token = peek(line);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statements); i++) {
		if (!is_word(token, statements[i].name))
			continue;
		take(line);
		return statements[i].parse(line, p);
	}
	/* Before the first CPU it is about the beginning */
	if (is_word(token, "map") && !p->program) {
		take(line);
		return parse_mapping(line, p);
	}
	return parse_op(line, p);
}

static int parse_line(void *ctx, const char *text, unsigned int number)
{
	struct parser *p = ctx;
	struct line line = { .source = &p->test->source, .number = number, .text = text };
	bool good = line_split(&line);

	if (good && line.nr_tokens) {
		good = parse_statement(&line, p);
		if (good && peek(&line))
			mistake(&line, whole(peek(&line)), "this is too much");
	}
	good &= !line.failed;
	line_free(&line);
	return good || line.failed ? 0 : -ENOMEM;
}

/* --- the whole ------------------------------------------------------------- */

static void complain(struct litmus *test, unsigned int number, const char *what)
{
	struct source *source = &test->source;

	source->errors++;
	fprintf(source->err, "%s:%u: error: %s\n", source->path, number, what);
}

static int barriers(const struct litmus_program *program)
{
	int nr = 0, i;

	for (i = 0; i < program->nr; i++)
		nr += program->ops[i].code == LITMUS_BARRIER;
	return nr;
}

/* Where a frame is mapped, before and from the operation on that claims it again */
static void check_reuse(struct litmus *test, int cpu, int at)
{
	const struct litmus_op *reuse = &test->cpus[cpu].ops[at], *op;
	int c, i, later = 0, other = 0;

	for (c = 0; c < test->nr_cpus; c++) {
		for (i = 0; i < test->cpus[c].nr; i++) {
			op = &test->cpus[c].ops[i];
			if (op == reuse || op->frame != reuse->frame ||
			    (op->code != LITMUS_MAP && op->code != LITMUS_REUSE))
				continue;
			if (c == cpu && i > at && op->code == LITMUS_MAP)
				later++;
			else
				other++;
		}
	}
	if (later > 1 || other)
		complain(test, reuse->line, "a frame is claimed again once, and then mapped once");
}

static void check_cpus(struct litmus *test)
{
	int c, i;

	for (c = 0; c < test->nr_cpus; c++) {
		if (barriers(&test->cpus[c]) != barriers(&test->cpus[0]))
			complain(test, test->cpus[c].line,
				 "each CPU must come to as many barriers");
		for (i = 0; i < test->cpus[c].nr; i++)
			if (test->cpus[c].ops[i].code == LITMUS_REUSE)
				check_reuse(test, c, i);
	}
}

static void check_test(struct litmus *test)
{
	if (!*test->name)
		complain(test, 1, "the test has no name");
	if (!*test->doc)
		complain(test, 1, "nothing says what is tested: doc TEXT");
	if (!test->nr_cpus)
		complain(test, 1, "no CPU does anything");
	if (!test->nr_conds)
		complain(test, 1, "there is no verdict");
	check_cpus(test);
}

int litmus_parse(struct litmus *test, const char *path, FILE *from, FILE *err, bool color)
{
	struct parser p = { .test = test };
	int ret;

	memset(test, 0, sizeof(*test));
	test->source = (struct source){ .path = path, .err = err, .color = color };
	/* What final operations answer */
	test->values[test->nr_values++] = 0;
	test->values[test->nr_values++] = 1;
	strcpy(test->spaces[test->nr_spaces++], "S");
	ret = source_read(&test->source, from, parse_line, &p);
	if (!ret)
		check_test(test);
	return !ret && test->source.errors ? -EINVAL : ret;
}

int litmus_active(const struct litmus *test, int cpu, int op)
{
	const struct litmus_program *program = &test->cpus[cpu];
	int space = program->space, i;

	for (i = 0; i < op; i++)
		if (program->ops[i].code == LITMUS_ACTIVATE)
			space = program->ops[i].space;
	return space;
}

bool litmus_matches(const struct litmus *test, const struct litmus_outcome *cond,
		    const struct litmus_outcome *outcome)
{
	int i;

	for (i = 0; i < test->nr_regs; i++)
		if (cond->reg[i] != LITMUS_UNSET && cond->reg[i] != outcome->reg[i])
			return false;
	return true;
}

static void print_result(const struct litmus *test, unsigned char result, FILE *to)
{
	int i;

	if (result < LITMUS_FIRST_VALUE) {
		fputs(results[result], to);
		return;
	}
	for (i = 0; i < test->nr_frames; i++) {
		if (!test->frames[i].numeric &&
		    test->frames[i].value == result - LITMUS_FIRST_VALUE) {
			fputs(test->frames[i].name, to);
			return;
		}
	}
	fprintf(to, test->values[result - LITMUS_FIRST_VALUE] < 10 ? "%llu" : "0x%llx",
		(unsigned long long)test->values[result - LITMUS_FIRST_VALUE]);
}

void litmus_print(const struct litmus *test, const struct litmus_outcome *outcome, FILE *to)
{
	const char *gap = "";
	int i;

	for (i = 0; i < test->nr_regs; i++) {
		if (outcome->reg[i] == LITMUS_UNSET)
			continue;
		fprintf(to, "%s%s=", gap, test->regs[i]);
		print_result(test, outcome->reg[i], to);
		gap = " ";
	}
}
