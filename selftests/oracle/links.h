/* SPDX-License-Identifier: GPL-2.0-only */
/* Which operation of a log made what another one names. */
#ifndef ORC_LINKS_H
#define ORC_LINKS_H

#include "lockstep.h"

#define LINKS_MAX	3	/* arguments that can name something */

enum link_what { LINK_ID, LINK_SECOND, LINK_PADDR, LINK_KVIRT };

/**
 * struct link - where a value comes from
 * @maker: index of the operation plus 1; 0 = from nowhere, a number
 * @what: of its outcome
 * @add: offset from the frame, LINK_PADDR, or from the start of the area, LINK_KVIRT
 */
struct link {
	__u32 maker;
	enum link_what what;
	__u64 add;
};

/**
 * struct op_links - of one operation
 * @arg: of its first words
 * @ids: of the handles it points at, see links_takes_frames()
 * @nr_ids: how many
 */
struct op_links {
	struct link arg[LINKS_MAX];
	struct link *ids;
	__u32 nr_ids;
};

struct links {
	size_t nr;
	struct op_links op[];
};

/* What an argument names */
enum arg_what {
	ARG_NUMBER,
	ARG_FRAME,
	ARG_SPACE,
	ARG_CURSOR,
	ARG_SEGMENT,
	ARG_UNIQUE,
	ARG_IO,
	ARG_LIST,
	ARG_KVIRT,
	ARG_PADDR,
	ARG_LINEAR,	/* an address, of the linear window or an area perhaps */
};

enum arg_what links_arg(__u16 opcode, unsigned int k);
enum arg_what links_makes(__u16 opcode);
bool links_takes_frames(__u16 opcode);
struct links *links_find(const struct log *log);
void links_free(struct links *links);

/* links_point - let the pointer among the arguments, if there is one, lead to @data */
void links_point(struct vmstore_op *op, void *data);

#endif /* ORC_LINKS_H */
