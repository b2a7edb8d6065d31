/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Deliberately wrong effects, to see that the checker notices them.
 *
 * Each is one place in the code that does something else than it should. They exist in
 * builds with the KUnit suites only, where one variable chooses at most one of them; the
 * suite vmstore-wrong tries them all, and docs/wrong_effects.md shows who noticed. In any
 * other build VMS_WRONG() is the constant false, and no code is left of them.
 */
#ifndef VMS_WRONG_H
#define VMS_WRONG_H

#include <linux/compiler.h>
#include <linux/types.h>

#define VMS_WRONG_EFFECTS(X)						\
	/* slots */							\
	X(RC_BORN_TWICE, "a new frame starts with two references")	\
	X(RC_NOT_TAKEN, "one more handle takes no reference")		\
	X(RC_TAKEN_TWICE, "one more handle takes two references")	\
	X(RC_NOT_DROPPED, "a drop leaves the count as it is")		\
	X(RC_DROPPED_TWICE, "a drop takes two references away")		\
	X(USAGE_WRONG, "a new frame has usage Kernel")			\
	X(TYPE_NOT_SET, "a new frame has no type")			\
	X(STORAGE_NOT_SET, "a new frame has no storage")		\
	X(TYPE_KEPT, "a freed frame keeps its type")			\
	X(STORAGE_KEPT, "a freed frame keeps its storage")		\
	X(LIST_LEFT, "a freed frame is in a list")			\
	X(BIRTH_KEPT, "a claimed slot has the birth of its last owner")	\
	/* handles */							\
	X(HANDLE_FORGOTTEN, "a reference gets no handle")		\
	X(HANDLE_KEPT, "a mapped frame keeps its handle")		\
	X(HANDLE_OTHER_FRAME, "the handle of a query names the next frame") \
	X(HANDLES_MISCOUNTED, "a dropped handle is still counted")	\
	/* segments */							\
	X(SEGMENT_LONG, "a new segment covers the page behind it")	\
	X(SEGMENT_EMPTY, "a segment of one page covers none")		\
	X(SEGMENT_KEPT, "a dropped segment keeps its last page")	\
	X(SEGMENT_NOT_TAKEN, "a cloned segment takes no reference of its last page") \
	X(SEGMENT_OVERLAP, "the parts of a split overlap")		\
	X(SEGMENT_NEXT_KEPT, "a page taken out stays in its segment")	\
	/* exclusive handles */						\
	X(UNIQUE_SHARED, "a new exclusive frame is a shared one")	\
	X(UNIQUE_KEPT, "an exclusive handle that is made a shared one stays") \
	X(UNIQUE_NOT_FREED, "a dropped exclusive handle leaves its frame") \
	/* readers and writers */					\
	X(IO_NOT_HELD, "a kernel reader does not hold its last frame")	\
	X(IO_HELD_ON, "a dropped kernel reader still holds its first frame") \
	X(IO_NO_VIEW, "a kernel writer has no view")			\
	X(IO_USER_VIEW, "a reader of a space has a view")		\
	X(IO_PAST_END, "a reader skips past its end")			\
	X(IO_ADMITTED, "a writer enters the record though it overlaps")	\
	/* leaves */							\
	X(PATH_NOT_COUNTED, "a new leaf is not counted in P")		\
	X(PATH_COUNTED_TWICE, "a new leaf is counted twice in P")	\
	X(PATH_KEPT, "a removed leaf stays in P")			\
	X(LEAF_OTHER_FRAME, "a leaf maps the frame behind its own")	\
	X(LEAF_DOUBLED, "a leaf is written at the next index, too")	\
	X(LEAF_UNDEFINED_BIT, "a leaf has a bit that is not defined")	\
	X(LEAF_CACHE_BITS, "a leaf has a cache policy that is none")	\
	X(LEAF_NOT_PRESENT, "a leaf is not present")			\
	X(LEAF_NOT_CLEARED, "an unmapped entry stays")			\
	X(PROTECT_OTHER_FRAME, "a new property moves the leaf to the next frame") \
	X(LEAF_OTHER_INDEX, "a leaf is written at the wrong index")	\
	X(DIRTY_LOST, "the dirty bit of a removed leaf is lost")	\
	/* nodes */							\
	X(NODE_LEVEL, "a new node has the level of its parent")		\
	X(NODE_NO_PATH, "a linked node has no path")			\
	X(NODE_NOT_COUNTED, "an entry is not counted in nr_children")	\
	X(TABLE_BIT, "a table entry has NX set")			\
	X(NODE_LEAKED, "a node that was cut off is in no gather")	\
	X(NODE_FREED_EARLY, "a node that was cut off is freed at once")	\
	X(NODE_REF_KEPT, "a released node is not freed")		\
	X(NODE_LEAVES_KEPT, "a released node keeps its leaves' references") \
	X(STRAY_NOT_SET, "a node that was cut off is not stray")	\
	X(CUT_PATH_KEPT, "a node that was cut off keeps its path")	\
	X(CUT_OWNER_KEPT, "a node that was cut off keeps its owner")	\
	/* gathers */							\
	X(GATHER_LOST, "an unmapped frame is in no gather")		\
	X(GATHER_TWICE, "an unmapped frame is gathered twice")		\
	X(FREED_EARLY, "an unmapped frame is freed at once")		\
	X(FREED_OTHER, "the frame behind the unmapped one is released")	\
	X(GATHER_NOT_LEFT, "a closed cursor takes its gather with it")	\
	X(GATHER_OTHER_LIFE, "a gather remembers another birth of a frame") \
	X(RELEASED_EARLY, "an unmapped frame is released before it is flushed") \
	/* flush requests */						\
	X(ISSUE_HANDLE_KEPT, "a frame given to a flush queue keeps its handle") \
	X(ISSUE_FRAME_LOST, "a frame given to a flush queue is not held by it") \
	X(DEFER_IGNORED, "what is to be left pending is dispatched")	\
	/* the TLB model */						\
	X(ISSUE_FORGOTTEN, "what is unmapped is in no flush request")	\
	X(CHANGE_FORGOTTEN, "what is protected is not known as stale")	\
	X(CHANGE_TAKEN_OUT, "a flush request stands for all that is stale") \
	X(SENT_FORGOTTEN, "what is dispatched is not known as stale")	\
	X(MAPPING_KEPT, "a dispatch leaves what it flushes cached")	\
	X(MAPPING_LEFT, "what a dropped space had cached stays")	\
	X(MAPPING_ADMITTED, "what meets a cached translation is cached, too") \
	/* cursors */							\
	X(OWNER_KEPT, "a closed cursor still owns its nodes")		\
	X(CHILD_NOT_OWNED, "an opened cursor does not own a node below")\
	X(NEW_NODE_NOT_OWNED, "a node made for a map is not owned")	\
	X(POS_NOT_POPPED, "a cursor leaves a table and keeps its level")\
	X(POS_PATH_KEPT, "a cursor leaves a table and keeps its path")	\
	X(POS_PAST_END, "a cursor moves out of the user half")		\
	X(POS_BEFORE_START, "a jump ends before the range")		\
	X(POS_MISALIGNED, "a jump ends within a page")			\
	/* spaces */							\
	X(ROOT_OTHER, "the machine walks another root than the model")	\
	X(ROOT_WITHOUT_KERNEL, "a new root has no kernel half")		\
	X(ROOT_KEPT, "a dropped space keeps its root")			\
	/* kernel areas */						\
	X(AREA_NO_GUARD, "an area has no guard page")			\
	X(AREA_SHIFTED, "an area begins a page behind its addresses")	\
	X(AREA_MISALIGNED, "an area ends within a page")		\
	X(AREA_TOO_HIGH, "an area ends above the addresses of areas")	\
	X(AREA_UNMARKED, "a tracked leaf is not marked as such")	\
	X(AREA_MARKED, "an untracked leaf is marked as tracked")	\
	X(AREA_RAM, "device memory begins a frame early")		\
	X(AREA_LEAF_KEPT, "a dropped area leaves its last page mapped")	\
	X(AREA_PIN_LOST, "a reader of an area does not pin it")		\
	X(AREA_PIN_KEPT, "a dropped reader keeps its pin")		\
	X(AREA_PIN_IGNORED, "a pinned area can be changed")		\
	X(SPLIT_NO_PATH, "the table of a split page has no path")	\
	/* lists */							\
	X(LINK_NO_TAG, "a frame put into a list does not carry its tag") \
	X(LINK_NO_TYPE, "a frame put into a list has no link")		\
	X(LINK_NEXT_LOST, "a new link is not the next of the one before") \
	X(LINK_PREV_LOST, "a new link is not the one before the next")	\
	X(LINK_OTHER_PREV, "a link is not the one before that behind a taken one") \
	X(LINK_KEPT, "a frame taken out of a list keeps its neighbours") \
	X(LINK_TAG_KEPT, "a frame taken out of a list keeps its tag")	\
	X(LIST_TAG_AGAIN, "a list gets the tag of another one")		\
	X(LIST_NO_TAG, "a list gets no tag for its first frame")	\
	X(LIST_LAST_LOST, "a dropped list forgets its last frame")	\
	X(LIST_UNIQUE_KEPT, "a frame put into a list keeps its handle")	\
	X(LIST_CURSOR_PAST, "a list's cursor moves on from past the end") \
	X(LIST_CURSOR_STAYS, "a list's cursor counts and stays where it is") \
	X(LIST_CURSOR_KEPT, "a list without a cursor keeps its place")	\
	/* what nobody declared */					\
	X(UNDECLARED, "an operation that only looks touches a slot")

#define VMS_WRONG_ENUM(name, text)	VMS_WRONG_##name,

enum vms_wrong {
	VMS_WRONG_NONE,
	VMS_WRONG_EFFECTS(VMS_WRONG_ENUM)
	VMS_NR_WRONG,
};

#ifdef CONFIG_VMSTORE_KUNIT_TEST
extern enum vms_wrong vms_wrong;
#define VMS_WRONG(name)	unlikely(READ_ONCE(vms_wrong) == VMS_WRONG_##name)
#define VMS_WRONG_ANY()	unlikely(READ_ONCE(vms_wrong))
#else
#define VMS_WRONG(name)	false
#define VMS_WRONG_ANY()	false
#endif

#endif /* VMS_WRONG_H */
