// SPDX-License-Identifier: GPL-2.0-only
/*
 * libvmstore: the table of operations, and everything between data and text
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "compiler.h"
#include "libvmstore.h"

/* --- the table ------------------------------------------------------------- */

#define FIELD(n, k, member)						\
	.name = (n), .kind = VMS_KIND_##k,				\
	.offset = offsetof(struct vmstore_op, member),			\
	.size = sizeof(((struct vmstore_op *)NULL)->member)

#define ARG(n, k, member)	{ FIELD(n, k, arg.member) }
#define OPT(n, k, member, p)						\
	{ FIELD(n, k, arg.member), .optional = true, .preset = (p) }
#define FRAMES(n, s)							\
	{ FIELD(n, FRAMES, arg.s.frames),				\
	  .count = offsetof(struct vmstore_op, arg.s.count) }
#define OUT(n, k, member)	{ FIELD(n, k, out.member) }
#define ERR(n, k, member)	{ FIELD(n, k, out.member), .on_error = true }
#define DATA_OUT(n, member)	{ FIELD(n, DATA, arg.member) }
#define VAR(n, k, member)	{ FIELD(n, k, out.member), .varies = true }
#define LEAF(n, k, member)	{ FIELD(n, k, out.member), .of_leaf = true }
#define ARGS(...)		{ __VA_ARGS__ }
#define OUTS(...)		{ __VA_ARGS__ }

static const struct vms_op_desc table[__VMSTORE_OP_MAX] = {
#define ROW(op, n, m, f, a, o, h)					\
	[VMSTORE_OP_##op] = {						\
		.name = (n), .help = (h), .args = a, .outs = o,		\
		.opcode = VMSTORE_OP_##op, .flags = (f),		\
		.makes = VMS_KIND_##m,					\
	},
#include "optable.def"
#undef ROW
};

/*
 * Every opcode from 1 to __VMSTORE_OP_MAX - 1 has a row: their number is right, and
 * two rows for one opcode are two enumerators of one name.
 */
enum {
	ROW_NONE,
#define ROW(op, ...)	ROW_##op,
#include "optable.def"
#undef ROW
	NR_ROWS,
};

static_assert(!(NR_ROWS - __VMSTORE_OP_MAX),
	      "an opcode of linux/vmstore.h has no row in optable.def");

const struct vms_op_desc *vms_op_desc(__u16 opcode)
{
	if (!opcode || opcode >= ARRAY_SIZE(table))
		return NULL;
	return &table[opcode];
}

const struct vms_op_desc *vms_op_by_name(const char *name)
{
	__u16 i;

	for (i = 1; i < ARRAY_SIZE(table); i++) {
		if (!strcmp(table[i].name, name))
			return &table[i];
	}
	return NULL;
}

const struct vms_field *vms_op_arg(const struct vms_op_desc *desc,
				   const char *name)
{
	const struct vms_field *field;

	vms_for_each_arg(field, desc) {
		if (!strcmp(field->name, name))
			return field;
	}
	return NULL;
}

const struct vms_field *vms_op_out(const struct vms_op_desc *desc,
				   const char *name)
{
	const struct vms_field *field;

	vms_for_each_out(field, desc) {
		if (!strcmp(field->name, name))
			return field;
	}
	return NULL;
}

void vms_op_init(struct vmstore_op *op, const struct vms_op_desc *desc)
{
	const struct vms_field *field;

	memset(op, 0, sizeof(*op));
	op->opcode = desc->opcode;
	vms_for_each_arg(field, desc)
		vms_field_set(op, field, field->preset);
}

/* --- names ----------------------------------------------------------------- */

struct name {
	unsigned int value;
	const char *name;
};

static const struct name flag_names[] = {
	{ VMSTORE_OPF_WAIT, "wait" },
	{ VMSTORE_OPF_WRITE, "write" },
	{ VMSTORE_OPF_PEEK, "peek" },
	{ VMSTORE_OPF_CACHE, "cache" },
	{ VMSTORE_OPF_ALL, "all" },
	{ VMSTORE_OPF_DEFER, "defer" },
	{ VMSTORE_OPF_RESIDENT, "resident" },
};

static const struct name fault_names[] = {
	{ VMSTORE_FAULT_TAKEN, "taken" },
	{ VMSTORE_FAULT_PRESENT, "present" },
	{ VMSTORE_FAULT_WRITE, "write" },
	{ VMSTORE_FAULT_USER, "user" },
	{ VMSTORE_FAULT_RSVD, "rsvd" },
};

static const struct name object_names[] = {
	{ VMSTORE_OBJ_STORE, "store" },
	{ VMSTORE_OBJ_SLOT, "slot" },
	{ VMSTORE_OBJ_FRAME, "frame" },
	{ VMSTORE_OBJ_SPACE, "space" },
	{ VMSTORE_OBJ_CURSOR, "cursor" },
	{ VMSTORE_OBJ_NODE, "node" },
	{ VMSTORE_OBJ_LEAF, "leaf" },
	{ VMSTORE_OBJ_GATHER, "gather" },
	{ VMSTORE_OBJ_SEGMENT, "segment" },
	{ VMSTORE_OBJ_UNIQUE, "exclusive handle" },
	{ VMSTORE_OBJ_IO, "reader or writer" },
	{ VMSTORE_OBJ_KVIRT, "kernel area" },
	{ VMSTORE_OBJ_LIST, "frame list" },
};

static const char *name_of(const struct name *names, size_t nr,
			   unsigned int value)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (names[i].value == value)
			return names[i].name;
	}
	return NULL;
}

static const struct name *by_name(const struct name *names, size_t nr,
				  const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (strlen(names[i].name) == len &&
		    !strncmp(names[i].name, text, len))
			return &names[i];
	}
	return NULL;
}

__u16 vms_flag_parse(const char *name)
{
	const struct name *flag;

	flag = by_name(flag_names, ARRAY_SIZE(flag_names), name, strlen(name));
	return flag ? flag->value : 0;
}

const char *vms_flag_name(__u16 flag)
{
	return name_of(flag_names, ARRAY_SIZE(flag_names), flag);
}

const char *vms_object_name(__u32 kind)
{
	const char *name;

	name = name_of(object_names, ARRAY_SIZE(object_names), kind);
	return name ? name : "?";
}

/* --- errors ---------------------------------------------------------------- */

struct error {
	int err;
	const char *name;
	const char *op;		/* what it means for an operation */
};

#define ERROR(err, op)	{ err, #err, op }

/* The errno table of linux/vmstore.h, for people. */
static const struct error errors[] = {
	ERROR(EINVAL,
	      "bad or misaligned argument, wrong kind of object, or a bad property"),
	ERROR(ENOMEM,
	      "the region or kernel memory is exhausted; set up a larger region or reap"),
	ERROR(EFAULT, "the access took a page fault"),
	ERROR(EACCES,
	      "address outside what the object allows, or a misaligned virtual range"),
	ERROR(ERANGE, "physical address at or above the end of the region"),
	ERROR(EBUSY,
	      "in use: a frame, an object still referenced or active, an owned range"),
	ERROR(EAGAIN, "the slot is being constructed or torn down; try again"),
	ERROR(ENOENT, "the frame is not in use, or no such id"),
	ERROR(EOVERFLOW, "a reference count is saturated"),
	ERROR(EINTR, "interrupted by a signal"),
	ERROR(ENOSPC, "a limit of the store was reached"),
	ERROR(EIO,
	      "the store is frozen by a violation of the invariant; see check"),
	ERROR(ECANCELED, "not executed: an earlier operation of the batch failed"),
	ERROR(EOPNOTSUPP, "unknown opcode or flag; module and tool differ in age"),
	ERROR(E2BIG, "too long"),
	ERROR(EPERM, "not permitted; root is needed"),
	ERROR(EBADF, "the store is closed"),
	ERROR(ENOTTY, "this is not a vmstore device"),
	ERROR(ENODEV, "no device"),
	ERROR(ENXIO, "no device"),
	ERROR(EMFILE, "too many open files; each store is one"),
	ERROR(ENFILE, "too many open files in the system"),
};

struct call_error {
	enum vms_call call;
	int err;
	const char *text;
};

#define NO_MODULE \
	"the module is not loaded; try: sudo insmod vmstore.ko"
#define NEED_ROOT \
	"root (CAP_SYS_ADMIN) is needed; try sudo"
#define OLD_MODULE \
	"the loaded module is of another age than this tool; rebuild and reload it"

/* Where a call means something else by an errno than an operation does. */
static const struct call_error call_errors[] = {
	{ VMS_CALL_OPEN, ENOENT, NO_MODULE },
	{ VMS_CALL_OPEN, ENODEV, NO_MODULE },
	{ VMS_CALL_OPEN, ENXIO, NO_MODULE },
	{ VMS_CALL_OPEN, EACCES, NEED_ROOT },
	{ VMS_CALL_OPEN, EPERM, NEED_ROOT },
	{ VMS_CALL_OPEN, EBADF, VMS_FD_VARIABLE " is not the number of an open file" },
	{ VMS_CALL_OPEN, ENOMEM, "kernel memory is exhausted" },
	{ VMS_CALL_OPEN, ENOSPC,
	  "the module's limit of stores is reached; close one" },
	{ VMS_CALL_OPEN, EBUSY, "the module does not take another store now" },
	{ VMS_CALL_INFO, EINVAL, OLD_MODULE },
	{ VMS_CALL_INFO, E2BIG, OLD_MODULE },
	{ VMS_CALL_SETUP, EBUSY,
	  "the store is made already; setup must come first, and once" },
	{ VMS_CALL_SETUP, EINVAL,
	  "region must be a multiple of 4M, mmio one of 4k; cpus is for machine=soft" },
	{ VMS_CALL_SETUP, ENOMEM,
	  "not enough memory for this region; ask for a smaller one" },
	{ VMS_CALL_SETUP, ENOSPC,
	  "above a limit of the module; see its parameters and vmstorectl info" },
	{ VMS_CALL_SETUP, EOPNOTSUPP,
	  "this machine does not exist here; see vmstorectl info" },
	{ VMS_CALL_SETUP, E2BIG, OLD_MODULE },
	{ VMS_CALL_RUN, EINVAL, "the module refused the batch as a whole" },
	{ VMS_CALL_RUN, E2BIG,
	  "the batch is longer than the module takes, or the module is older than this tool" },
	{ VMS_CALL_RUN, EFAULT, "bad pointer to the operations" },
	{ VMS_CALL_RUN, ENOMEM, "memory is exhausted" },
	{ VMS_CALL_CHECK, EINVAL, OLD_MODULE },
	{ VMS_CALL_CHECK, EFAULT, "bad pointer to the report" },
	{ VMS_CALL_CHECK, ENOMEM, "memory is exhausted" },
	{ VMS_CALL_DUMP, EINVAL, OLD_MODULE },
	{ VMS_CALL_DUMP, EFAULT, "bad pointer to the records" },
	{ VMS_CALL_DUMP, ENOMEM, "memory is exhausted" },
	{ VMS_CALL_DUMP, EAGAIN, "other threads changed the store all the time" },
};

static const struct error *find_error(int err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].err == abs(err))
			return &errors[i];
	}
	return NULL;
}

const char *vms_strerror(enum vms_call call, int err)
{
	const struct error *error = find_error(err);
	size_t i;

	if (!err)
		return "ok";
	for (i = 0; i < ARRAY_SIZE(call_errors); i++) {
		if (call_errors[i].call == call &&
		    call_errors[i].err == abs(err))
			return call_errors[i].text;
	}
	return error ? error->op : strerror(abs(err));
}

const char *vms_errno_name(int err)
{
	const struct error *error = find_error(err);

	if (!err)
		return "ok";
	return error ? error->name : NULL;
}

int vms_errno_parse(const char *name)
{
	size_t i;

	if (!strcasecmp(name, "ok"))
		return 0;
	if (*name == '-')
		name++;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (!strcasecmp(errors[i].name, name))
			return -errors[i].err;
	}
	return 1;
}

/* --- properties ------------------------------------------------------------ */

/* The letters of a property, in the order they are written. */
static const struct prop_letter {
	char letter;
	__u8 flags;
	__u8 priv;
	bool column;		/* has a column even when it is clear */
} letters[] = {
	{ 'r', VMSTORE_PROP_R, 0, true },
	{ 'w', VMSTORE_PROP_W, 0, true },
	{ 'x', VMSTORE_PROP_X, 0, true },
	{ 'u', 0, VMSTORE_PRIV_USER, true },
	{ 'a', VMSTORE_PROP_ACCESSED, 0, true },
	{ 'd', VMSTORE_PROP_DIRTY, 0, true },
	{ 'g', 0, VMSTORE_PRIV_GLOBAL, true },
	{ 's', 0, VMSTORE_PRIV_SHARED, false },
	{ '1', VMSTORE_PROP_AVAIL1, 0, false },
	{ '2', VMSTORE_PROP_AVAIL2, 0, false },
};

static const char *const cache_names[] = {
	[VMSTORE_CACHE_WB] = "wb",
	[VMSTORE_CACHE_WT] = "wt",
	[VMSTORE_CACHE_UC] = "uc",
	[VMSTORE_CACHE_WC] = "wc",
	[VMSTORE_CACHE_WP] = "wp",
};

struct vmstore_prop vms_prop(__u8 flags, __u8 priv)
{
	struct vmstore_prop prop = { .flags = flags, .priv = priv };

	return prop;
}

static int cache_parse(const char *text, __u8 *cache)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cache_names); i++) {
		if (!strcasecmp(cache_names[i], text)) {
			*cache = i;
			return 0;
		}
	}
	return -EINVAL;
}

static const struct prop_letter *letter_of(char c)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(letters); i++) {
		if (letters[i].letter == tolower((unsigned char)c))
			return &letters[i];
	}
	return NULL;
}

int vms_prop_parse(const char *text, struct vmstore_prop *prop)
{
	const struct prop_letter *letter;

	memset(prop, 0, sizeof(*prop));
	if (!*text)
		return -EINVAL;
	for (; *text && *text != ','; text++) {
		if (*text == '-')
			continue;
		letter = letter_of(*text);
		if (!letter)
			return -EINVAL;
		prop->flags |= letter->flags;
		prop->priv |= letter->priv;
	}
	return *text ? cache_parse(text + 1, &prop->cache) : 0;
}

static const char *prop_format(struct vmstore_prop prop, char *buf,
			       bool columns)
{
	char *to = buf;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(letters); i++) {
		if ((prop.flags & letters[i].flags) ||
		    (prop.priv & letters[i].priv))
			*to++ = letters[i].letter;
		else if (columns && letters[i].column)
			*to++ = '-';
	}
	if (to == buf)
		*to++ = '-';
	*to = '\0';
	if (prop.cache >= ARRAY_SIZE(cache_names))
		snprintf(to, VMS_PROP_TEXT - (to - buf), ",?");
	else if (prop.cache)
		snprintf(to, VMS_PROP_TEXT - (to - buf), ",%s",
			 cache_names[prop.cache]);
	return buf;
}

const char *vms_prop_text(struct vmstore_prop prop, char *buf)
{
	return prop_format(prop, buf, false);
}

const char *vms_prop_columns(struct vmstore_prop prop, char *buf)
{
	return prop_format(prop, buf, true);
}

/* --- fields ---------------------------------------------------------------- */

__u64 vms_field_get(const struct vmstore_op *op, const struct vms_field *field)
{
	__u64 value = 0;

	memcpy(&value, (const char *)op + field->offset, field->size);
	return value;
}

int vms_field_set(struct vmstore_op *op, const struct vms_field *field,
		  __u64 value)
{
	if (field->size < sizeof(value) && value >> (8 * field->size))
		return -ERANGE;
	memcpy((char *)op + field->offset, &value, field->size);
	return 0;
}

__u32 vms_frames_nr(const struct vmstore_op *op, const struct vms_field *field)
{
	__u32 nr;

	memcpy(&nr, (const char *)op + field->count, sizeof(nr));
	return nr;
}

void vms_frames_set_nr(struct vmstore_op *op, const struct vms_field *field,
		       __u32 nr)
{
	memcpy((char *)op + field->count, &nr, sizeof(nr));
}

static int suffix_shift(const char *suffix)
{
	static const char units[] = "kMGT";
	const char *unit;

	if (!*suffix)
		return 0;
	unit = strchr(units, *suffix == 'K' ? 'k' : *suffix);
	if (!unit || suffix[1])
		return -1;
	return 10 * (unit - units + 1);
}

int vms_number_parse(const char *text, __u64 *value)
{
	unsigned long long number;
	int shift, base = 10;
	char *end;

	/* strtoull() takes signs, spaces and octal: we do not. */
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		if (!isxdigit((unsigned char)text[2]))
			return -EINVAL;
		base = 16;
	}
	errno = 0;
	number = strtoull(text, &end, base);
	shift = suffix_shift(end);
	if (shift < 0)
		return -EINVAL;
	if (errno || (shift && number >> (64 - shift)))
		return -ERANGE;
	*value = number << shift;
	return 0;
}

static int fault_parse(const char *text, __u64 *value)
{
	const struct name *name;
	size_t len;

	*value = 0;
	for (;;) {
		len = strcspn(text, "+");
		name = by_name(fault_names, ARRAY_SIZE(fault_names), text, len);
		if (!name)
			return -EINVAL;
		*value |= name->value;
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

static void fault_print(FILE *to, __u64 value)
{
	const char *sep = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fault_names); i++) {
		if (!(value & fault_names[i].value))
			continue;
		fprintf(to, "%s%s", sep, fault_names[i].name);
		value &= ~(__u64)fault_names[i].value;
		sep = "+";
	}
	if (value || !*sep)
		fprintf(to, "%s%#llx", sep, value);
}

static struct vmstore_prop value_to_prop(__u64 value)
{
	struct vmstore_prop prop;

	memcpy(&prop, &value, sizeof(prop));
	return prop;
}

int vms_value_parse(enum vms_kind kind, const char *text, __u64 *value)
{
	struct vmstore_prop prop;
	int ret;

	if (kind == VMS_KIND_PROP) {
		ret = vms_prop_parse(text, &prop);
		*value = 0;
		memcpy(value, &prop, sizeof(prop));
		return ret;
	}
	if (kind == VMS_KIND_FAULT && isalpha((unsigned char)*text))
		return fault_parse(text, value);
	return vms_number_parse(text, value);
}

bool vms_kind_is_id(enum vms_kind kind)
{
	return kind == VMS_KIND_FRAME || kind == VMS_KIND_SPACE ||
	       kind == VMS_KIND_CURSOR || kind == VMS_KIND_SEGMENT ||
	       kind == VMS_KIND_UNIQUE || kind == VMS_KIND_IO ||
	       kind == VMS_KIND_KVIRT || kind == VMS_KIND_LIST;
}

void vms_value_print(FILE *to, enum vms_kind kind, __u64 value)
{
	char buf[VMS_PROP_TEXT];

	switch (kind) {
	case VMS_KIND_PROP:
		fputs(vms_prop_text(value_to_prop(value), buf), to);
		break;
	case VMS_KIND_FAULT:
		fault_print(to, value);
		break;
	case VMS_KIND_PADDR:
	case VMS_KIND_VA:
	case VMS_KIND_LEN:
	case VMS_KIND_VALUE:
		fprintf(to, "%#llx", value);
		break;
	default:
		if (vms_kind_is_id(kind) && (value & VMSTORE_REF_FLAG))
			fprintf(to, "#%llu%s",
				value & ~(VMSTORE_REF_FLAG | VMSTORE_REF_SECOND_FLAG),
				value & VMSTORE_REF_SECOND_FLAG ? ".second" : "");
		else
			fprintf(to, "%llu", value);
	}
}

/* --- data ------------------------------------------------------------------ */

/* Letters behind a backslash, and what they stand for. */
static const struct {
	char letter;
	char byte;
} escapes[] = {
	{ 'n', '\n' }, { 't', '\t' }, { 'r', '\r' }, { '0', '\0' },
	{ '\\', '\\' }, { '"', '"' },
};

static int hex_byte(const char *text, unsigned char *byte)
{
	char digits[3] = { text[0], text[0] ? text[1] : '\0' };

	if (!isxdigit((unsigned char)digits[0]) ||
	    !isxdigit((unsigned char)digits[1]))
		return -EINVAL;
	*byte = strtoul(digits, NULL, 16);
	return 0;
}

/* One byte of a quoted text; how many characters it takes, or -EINVAL. */
static int quoted_byte(const char *text, unsigned char *byte)
{
	size_t i;

	*byte = *text;
	if (*text != '\\')
		return 1;
	if (text[1] == 'x')
		return hex_byte(text + 2, byte) ? -EINVAL : 4;
	for (i = 0; i < ARRAY_SIZE(escapes); i++) {
		if (escapes[i].letter == text[1]) {
			*byte = escapes[i].byte;
			return 2;
		}
	}
	return -EINVAL;
}

int vms_data_parse(const char *text, unsigned char **bytes, size_t *len)
{
	bool quoted = *text == '"';
	unsigned char *to;
	int taken = 2;

	*bytes = NULL;
	*len = 0;
	to = malloc(strlen(text) + 1);
	if (!to)
		return -ENOMEM;
	for (text += quoted; *text && !(quoted && *text == '"'); text += taken) {
		if (quoted)
			taken = quoted_byte(text, to + *len);
		else if (hex_byte(text, to + *len))
			taken = -EINVAL;
		if (taken < 0)
			break;
		++*len;
	}
	if (taken < 0 || (quoted && strcmp(text, "\""))) {
		free(to);
		*len = 0;
		return -EINVAL;
	}
	*bytes = to;
	return 0;
}

static bool is_text(const unsigned char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (!isprint(bytes[i]) && !strchr("\n\t\r", bytes[i]))
			return false;
		if (!bytes[i])		/* which strchr() finds everywhere */
			return false;
	}
	return true;
}

static void quoted_print(FILE *to, unsigned char byte)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(escapes); i++) {
		if (escapes[i].byte == (char)byte) {
			fprintf(to, "\\%c", escapes[i].letter);
			return;
		}
	}
	fputc(byte, to);
}

void vms_data_print(FILE *to, const unsigned char *bytes, size_t len)
{
	size_t shown = len < VMS_DATA_TEXT ? len : VMS_DATA_TEXT, i;
	bool text = is_text(bytes, shown);

	if (text)
		fputc('"', to);
	for (i = 0; i < shown; i++) {
		if (text)
			quoted_print(to, bytes[i]);
		else
			fprintf(to, "%02x", bytes[i]);
	}
	if (text)
		fputc('"', to);
	if (shown < len)
		fputs("...", to);
}

/* --- operations ------------------------------------------------------------ */

static void print_frames(FILE *to, const unsigned char *data, __u32 nr)
{
	__u64 id;
	__u32 i;

	for (i = 0; i < nr; i++) {
		memcpy(&id, data + i * sizeof(id), sizeof(id));
		if (i)
			fputc(',', to);
		vms_value_print(to, VMS_KIND_FRAME, id);
	}
	if (!nr)
		fputc('-', to);
}

static void print_field(FILE *to, const struct vmstore_op *op,
			const struct vms_field *field, const void *data,
			__u64 data_len)
{
	fprintf(to, " %s=", field->name);
	if (field->kind == VMS_KIND_FRAMES && (data || !vms_frames_nr(op, field)))
		print_frames(to, data, vms_frames_nr(op, field));
	else if (field->kind == VMS_KIND_FRAMES)
		fputc('?', to);
	else if (field->kind != VMS_KIND_DATA)
		vms_value_print(to, field->kind, vms_field_get(op, field));
	else if (data || !data_len)
		vms_data_print(to, data, data_len);
	else
		fputc('?', to);
}

static void print_flags(FILE *to, __u16 flags)
{
	unsigned int bit;
	const char *name;

	for (bit = 1; flags; bit <<= 1) {
		if (!(flags & bit))
			continue;
		flags &= ~bit;
		name = vms_flag_name(bit);
		if (name)
			fprintf(to, " %s", name);
		else
			fprintf(to, " flag%#x", bit);
	}
}

void vms_op_print(FILE *to, const struct vmstore_op *op, const void *data)
{
	const struct vms_op_desc *desc = vms_op_desc(op->opcode);
	const struct vms_field *field;

	if (!desc) {
		fprintf(to, "opcode-%u", op->opcode);
		return;
	}
	fputs(desc->name, to);
	vms_for_each_arg(field, desc) {
		if (!field->optional ||
		    vms_field_get(op, field) != field->preset)
			print_field(to, op, field, data, op->arg.io_data.len);
	}
	print_flags(to, op->flags);
	if (op->cpu)
		fprintf(to, " @cpu %u", op->cpu);
}

void vms_outcome_print(FILE *to, const struct vmstore_op *op, const void *data)
{
	const struct vms_op_desc *desc = vms_op_desc(op->opcode);
	const char *name = vms_errno_name(op->out_errno);
	const struct vms_field *field;

	if (name)
		fputs(name, to);
	else
		fprintf(to, "errno-%d", abs(op->out_errno));
	if (!desc)
		return;
	vms_for_each_out(field, desc) {
		if (field->on_error ? vms_field_get(op, field) != 0 :
				      !op->out_errno)
			print_field(to, op, field, data, op->out.io.done);
	}
}
