/* SPDX-License-Identifier: GPL-2.0-only */
/* Sorted arrays: the sets and maps of the oracle. */
#ifndef ORC_VEC_H
#define ORC_VEC_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

/**
 * struct orc_vec - elements in ascending order of their first member, a __u64 key
 * @data: the elements
 * @nr: how many
 * @room: allocated
 * @size: of an element, bytes
 *
 * A pointer to an element is good until an element is added or removed.
 */
struct orc_vec {
	char *data;
	__u32 nr;
	__u32 room;
	__u32 size;
};

/* orc_at - element @i, below nr */
static inline void *orc_at(const struct orc_vec *v, __u32 i)
{
	return v->data + (size_t)i * v->size;
}

#define orc_for_each(e, v)						\
	for ((e) = (void *)(v)->data; (char *)(e) < (v)->data + (size_t)(v)->nr * (v)->size; \
	     (e)++)

void orc_vec_init(struct orc_vec *v, __u32 size);
void orc_vec_free(struct orc_vec *v);
void orc_vec_copy(struct orc_vec *to, const struct orc_vec *from);
__u32 orc_lower(const struct orc_vec *v, __u64 key);
void *orc_find(const struct orc_vec *v, __u64 key);
void *orc_add(struct orc_vec *v, __u64 key);
void orc_del(struct orc_vec *v, void *e);

#endif /* ORC_VEC_H */
