// SPDX-License-Identifier: GPL-2.0-only
/* Sorted arrays. Who has no memory for them aborts: these are tests. */

#include <stdlib.h>
#include <string.h>

#include "vec.h"

void orc_vec_init(struct orc_vec *v, __u32 size)
{
	*v = (struct orc_vec) { .size = size };
}

void orc_vec_free(struct orc_vec *v)
{
	free(v->data);
	v->data = NULL;
	v->nr = 0;
	v->room = 0;
}

static void orc_vec_grow(struct orc_vec *v, __u32 room)
{
	v->data = realloc(v->data, (size_t)room * v->size);
	if (!v->data)
		abort();
	v->room = room;
}

/* orc_vec_copy - @to is initialised over; what it had is not freed */
void orc_vec_copy(struct orc_vec *to, const struct orc_vec *from)
{
	orc_vec_init(to, from->size);
	if (!from->nr)
		return;
	orc_vec_grow(to, from->nr);
	memcpy(to->data, from->data, (size_t)from->nr * from->size);
	to->nr = from->nr;
}

static __u64 orc_key(const struct orc_vec *v, __u32 i)
{
	__u64 key;

	memcpy(&key, orc_at(v, i), sizeof(key));
	return key;
}

/* orc_lower - index of the first element whose key is not below @key */
__u32 orc_lower(const struct orc_vec *v, __u64 key)
{
	__u32 lo = 0, hi = v->nr;

	/* Mostly the newest */
	if (hi && orc_key(v, hi - 1) < key)
		return hi;
	while (lo < hi) {
		__u32 mid = lo + (hi - lo) / 2;

		if (orc_key(v, mid) < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* orc_find - the first element of this key, or NULL */
void *orc_find(const struct orc_vec *v, __u64 key)
{
	__u32 i = orc_lower(v, key);

	return i < v->nr && orc_key(v, i) == key ? orc_at(v, i) : NULL;
}

/* orc_add - a new element of this key, otherwise zero, before any other of the key */
void *orc_add(struct orc_vec *v, __u64 key)
{
	__u32 i = orc_lower(v, key);

	if (v->nr == v->room)
		orc_vec_grow(v, v->room ? 2 * v->room : 8);
	memmove(v->data + (size_t)(i + 1) * v->size, orc_at(v, i),
		(size_t)(v->nr - i) * v->size);
	v->nr++;
	memset(orc_at(v, i), 0, v->size);
	memcpy(orc_at(v, i), &key, sizeof(key));
	return orc_at(v, i);
}

/* orc_del - remove element @e */
void orc_del(struct orc_vec *v, void *e)
{
	size_t rest = v->data + (size_t)v->nr * v->size - ((char *)e + v->size);

	memmove(e, (char *)e + v->size, rest);
	v->nr--;
}
