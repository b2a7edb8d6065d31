// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl: output for people and for machines
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "out.h"

#define PROGRESS_FIRST_MS	1000
#define PROGRESS_EVERY_MS	200

/* --- people ---------------------------------------------------------------- */

const char *out_size_text(__u64 size, char *buf)
{
	static const char units[] = { 'T', 'G', 'M', 'k' };
	unsigned int i, shift;

	for (i = 0; size && i < sizeof(units); i++) {
		shift = 10 * (sizeof(units) - i);
		if (!(size & ((1ULL << shift) - 1))) {
			sprintf(buf, "%llu%c", size >> shift, units[i]);
			return buf;
		}
	}
	sprintf(buf, "%#llx", size);
	return buf;
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void out_progress_start(struct out_progress *progress, const char *what,
			__u64 total)
{
	memset(progress, 0, sizeof(*progress));
	progress->what = what;
	progress->total = total;
	progress->active = isatty(STDERR_FILENO);
	progress->started = now_ms();
}

void out_progress_at(struct out_progress *progress, __u64 done)
{
	long long now;

	if (!progress->active)
		return;
	now = now_ms();
	if (now - progress->started < PROGRESS_FIRST_MS ||
	    now - progress->shown < PROGRESS_EVERY_MS)
		return;

	progress->shown = now;
	progress->drawn = true;
	if (progress->total)
		fprintf(stderr, "\r\033[K%llu of %llu %s, %llu%%", done,
			progress->total, progress->what,
			done * 100 / progress->total);
	else
		fprintf(stderr, "\r\033[K%llu %s", done, progress->what);
	fflush(stderr);
}

void out_progress_end(struct out_progress *progress)
{
	if (progress->drawn)
		fputs("\r\033[K", stderr);
	progress->drawn = false;
}

/* --- machines -------------------------------------------------------------- */

json_object *out_json_hex(__u64 value)
{
	char buf[24];

	sprintf(buf, "0x%llx", value);
	return json_object_new_string(buf);
}

void out_json_append(json_object *array, const char *text)
{
	json_object_array_add(array, json_object_new_string(text));
}

void out_json_chars(json_object *object, const char *key, const char *chars,
		    size_t size)
{
	int len = strnlen(chars, size);

	json_object_object_add(object, key,
			       json_object_new_string_len(chars, len));
}

static json_object *json_text_of(enum vms_kind kind, __u64 value)
{
	json_object *object;
	size_t len;
	char *text;
	FILE *to;

	to = open_memstream(&text, &len);
	if (!to)
		return NULL;
	vms_value_print(to, kind, value);
	fclose(to);
	object = json_object_new_string(text);
	free(text);
	return object;
}

json_object *out_json_value(enum vms_kind kind, __u64 value)
{
	switch (kind) {
	case VMS_KIND_FRAME:
	case VMS_KIND_SPACE:
	case VMS_KIND_CURSOR:
	case VMS_KIND_SEGMENT:
	case VMS_KIND_UNIQUE:
	case VMS_KIND_IO:
	case VMS_KIND_KVIRT:
	case VMS_KIND_LIST:
	case VMS_KIND_COUNT:
		return json_object_new_uint64(value);
	case VMS_KIND_BOOL:
		return json_object_new_boolean(value != 0);
	case VMS_KIND_PADDR:
	case VMS_KIND_VA:
	case VMS_KIND_LEN:
	case VMS_KIND_VALUE:
		return out_json_hex(value);
	default:
		return json_text_of(kind, value);
	}
}

static json_object *json_hex_digits(const unsigned char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * len + 1);
	json_object *object;
	size_t i;

	if (!text)
		return NULL;
	for (i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	object = json_object_new_string_len(text, 2 * len);
	free(text);
	return object;
}

static json_object *json_frames(const unsigned char *data, __u32 nr)
{
	json_object *array = json_object_new_array();
	__u64 id;
	__u32 i;

	for (i = 0; i < nr; i++) {
		memcpy(&id, data + i * sizeof(id), sizeof(id));
		json_object_array_add(array, json_object_new_uint64(id));
	}
	return array;
}

static void json_add_field(json_object *object, const struct vmstore_op *op,
			   const struct vms_field *field,
			   const unsigned char *data, size_t len)
{
	json_object *value;

	if (field->kind == VMS_KIND_FRAMES)
		value = data ? json_frames(data, vms_frames_nr(op, field)) : NULL;
	else if (field->kind != VMS_KIND_DATA)
		value = out_json_value(field->kind, vms_field_get(op, field));
	else
		value = data || !len ? json_hex_digits(data, len) : NULL;
	json_object_object_add(object, field->name, value);
}

static json_object *json_args(const struct vmstore_op *op,
			      const struct vms_op_desc *desc, const void *data)
{
	json_object *args = json_object_new_object();
	const struct vms_field *field;

	vms_for_each_arg(field, desc)
		json_add_field(args, op, field, data, op->arg.io_data.len);
	return args;
}

static json_object *json_outs(const struct vmstore_op *op,
			      const struct vms_op_desc *desc, const void *data)
{
	json_object *outs = json_object_new_object();
	const struct vms_field *field;

	vms_for_each_out(field, desc) {
		if (!op->out_errno || field->on_error)
			json_add_field(outs, op, field, data, op->out.io.done);
	}
	return outs;
}

static json_object *json_flags(__u16 flags)
{
	json_object *array = json_object_new_array();
	unsigned int bit;

	for (bit = 1; bit <= 0x8000; bit <<= 1) {
		if ((flags & bit) && vms_flag_name(bit))
			out_json_append(array, vms_flag_name(bit));
	}
	return array;
}

json_object *out_json_op(const struct vmstore_op *op, const void *data)
{
	const struct vms_op_desc *desc = vms_op_desc(op->opcode);
	const char *name = vms_errno_name(op->out_errno);
	json_object *object = json_object_new_object();

	out_json_count(object, "opcode", op->opcode);
	if (desc) {
		out_json_text(object, "op", desc->name);
		json_object_object_add(object, "args", json_args(op, desc, data));
	}
	json_object_object_add(object, "flags", json_flags(op->flags));
	out_json_count(object, "cpu", op->cpu);
	json_object_object_add(object, "errno",
			       json_object_new_int(-op->out_errno));
	out_json_text(object, "outcome", name ? name : "?");
	if (desc)
		json_object_object_add(object, "out", json_outs(op, desc, data));
	return object;
}

void out_json_print(json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_SPACED |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}
