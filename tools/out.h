/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmstorectl: output for people and for machines
 */
#ifndef VMSTORECTL_OUT_H
#define VMSTORECTL_OUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "color.h"
#include "libvmstore.h"

/* --- people ---------------------------------------------------------------- */

/**
 * out_size_text() - "16M", "0x1234" when it is no whole number of a unit
 * @size: bytes
 * @buf: at least 24 characters
 *
 * Return: @buf.
 */
const char *out_size_text(__u64 size, char *buf);

/**
 * struct out_progress - a line on stderr, when that is a terminal, after a second
 * @what: "operations"
 * @total: of these; 0 = unknown
 * @started: when, monotonic, milliseconds
 * @shown: when it was last drawn
 * @active: stderr is a terminal
 * @drawn: there is a line to wipe
 */
struct out_progress {
	const char *what;
	__u64 total;
	long long started;
	long long shown;
	bool active;
	bool drawn;
};

/**
 * out_progress_start() - begin
 * @progress: the line
 * @what: plural noun
 * @total: how many there will be; 0 = unknown
 */
void out_progress_start(struct out_progress *progress, const char *what,
			__u64 total);

/**
 * out_progress_at() - so many are done; cheap enough to be called often
 * @progress: the line
 * @done: how many
 */
void out_progress_at(struct out_progress *progress, __u64 done);

/**
 * out_progress_end() - wipe the line; also before printing anything else
 * @progress: the line
 */
void out_progress_end(struct out_progress *progress);

/* --- machines -------------------------------------------------------------- */

/*
 * Addresses, data and sizes that may exceed 2^53 are strings of hex digits;
 * counts and ids are numbers; properties are text as in scripts.
 */

json_object *out_json_hex(__u64 value);
json_object *out_json_value(enum vms_kind kind, __u64 value);

/**
 * out_json_append() - a string as the last element of an array
 * @array: the array
 * @text: the string
 */
void out_json_append(json_object *array, const char *text);

/**
 * out_json_chars() - a member from characters that may lack a NUL
 * @object: the object
 * @key: of the member
 * @chars: the characters
 * @size: at most so many
 */
void out_json_chars(json_object *object, const char *key, const char *chars,
		    size_t size);

/**
 * out_json_op() - an executed operation: op, args, flags, cpu, errno, out
 * @op: the operation
 * @data: as for vms_op_print(); in hexadecimal digits, null where it is NULL
 *
 * Return: a new object.
 */
json_object *out_json_op(const struct vmstore_op *op, const void *data);

/**
 * out_json_print() - print an object to stdout and release it
 * @object: the object
 */
void out_json_print(json_object *object);

#define out_json_count(object, key, value)				\
	json_object_object_add(object, key, json_object_new_uint64(value))

#define out_json_text(object, key, text)				\
	json_object_object_add(object, key, json_object_new_string(text))

#define out_json_bool(object, key, value)				\
	json_object_object_add(object, key, json_object_new_boolean(value))

#define out_json_addr(object, key, value)				\
	json_object_object_add(object, key, out_json_hex(value))

#endif /* VMSTORECTL_OUT_H */
