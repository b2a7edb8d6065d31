/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every flush, interrupt, wait, barrier and quarantine of the module, and a switch that
 * leaves it out.
 *
 * As with wrong.h one variable chooses at most one of them, in builds with the KUnit suites
 * only; elsewhere VMS_OMIT() is the constant false. The suite vmstore-kill leaves each out
 * and wants the simulated machine to show it, vmstore-kill-live does the same with those of
 * the live machine; docs/kill_table.md is what they print. A barrier that is left out becomes
 * the worst order that its absence allows.
 *
 * What another CPU does at the worst moment is a function the suite sets: it is called at
 * VMS_MEANWHILE(), whether anything is left out or not.
 */
#ifndef VMS_OMIT_H
#define VMS_OMIT_H

#include <linux/compiler.h>
#include <linux/types.h>

#define VMS_OMIT_SITES(X)							\
	/* the sets of CPUs, around a load of a root */				\
	X(ACTIVE_SET, "a CPU does not enter the set of the space it activates")	\
	X(ACTIVE_BARRIER, "it loads the root, then enters the set")		\
	X(ACTIVE_LEAVES, "it leaves the old set, then loads the new root")	\
	X(LOADED_SET, "a CPU in a window is not in the set of its root")	\
	X(LOADED_BARRIER, "it walks, then enters the set")			\
	X(LOADED_LEAVES, "it leaves the set, then accesses")			\
	X(LOAD_FLUSH, "a load of a root does not flush its tag")		\
	X(FORGET_ROOT, "what is cached of a root that is torn down stays")	\
	/* requests: issue and queue */						\
	X(MAP_ISSUE, "no flush of a page that is mapped over")			\
	X(UNMAP_ISSUE, "no flush of a page that is unmapped")			\
	X(CUT_ISSUE, "no flush of the span of a table that is cut off")		\
	X(SPLIT_ISSUE, "no flush of a large page that is split")		\
	X(PROTECT_ISSUE, "no flush of a page of an area that is protected")	\
	X(FLUSH_ISSUE, "CURSOR_FLUSH issues nothing")				\
	X(OP_ISSUE, "TLB_ISSUE issues nothing")					\
	X(OP_ISSUE_WITH, "TLB_ISSUE_WITH issues nothing")			\
	X(FLUSH_COLLAPSE, "the request that does not fit into a queue is lost")	\
	X(FLUSH_GLOBAL, "everything is not what is global in the kernel half")	\
	/* dispatch */								\
	X(FINISH_DISPATCH, "an operation does not dispatch at its end")		\
	X(ROOM_DISPATCH, "a full gather is emptied and not dispatched")		\
	X(SPLIT_DISPATCH, "a split does not dispatch before its pieces change")	\
	X(FLUSH_DISPATCH, "CURSOR_FLUSH does not dispatch")			\
	X(OP_DISPATCH, "TLB_DISPATCH does not dispatch")			\
	X(DROP_DISPATCH, "a cursor is closed and what is pending not dispatched") \
	X(REAP_DISPATCH, "REAP does not dispatch what is pending")		\
	X(DISPATCH_BARRIER, "the sets are read before the entries are written")	\
	X(DISPATCH_ACTIVE, "CPUs on which the space is active are not asked")	\
	X(DISPATCH_LOADED, "CPUs in a window are not asked")			\
	X(DISPATCH_KERNEL, "for the kernel half not every CPU is asked")	\
	X(DISPATCH_MERGE, "the requests do not reach the queue of the CPU")	\
	X(DISPATCH_KICK, "no interrupt is sent")				\
	/* the answer */							\
	X(ANSWER_FLUSH, "a CPU answers and does not flush")			\
	X(ANSWER_ORDER, "it answers, then flushes")				\
	X(ANSWER_ACQUIRE, "no acquire where an answer is read")			\
	X(LOCAL_FLUSH, "TLB_FLUSH_LOCAL does not flush")			\
	/* waiting */								\
	X(SYNC_WAIT, "sync does not wait")					\
	X(SPLIT_SYNC, "a split does not wait before its pieces change")		\
	X(FLUSH_SYNC, "CURSOR_FLUSH does not wait")				\
	X(OP_SYNC, "TLB_SYNC does not wait")					\
	X(REAP_SYNC, "REAP does not wait for the flushes")			\
	X(AREA_MAP_SYNC, "a large page of an area is used before a table is flushed") \
	X(AREA_UNMAP_SYNC, "addresses of an area are used again before they are flushed") \
	X(AREA_PROTECT_SYNC, "a protected area is used before it is flushed")	\
	/* quarantine */							\
	X(GATHER_KEEP, "what is removed is released at once")			\
	X(RELEASE_PENDING, "a gather is released while requests are pending")	\
	X(RELEASE_FLUSHED, "a gather is released before it is flushed")		\
	X(RELEASE_READERS, "a node is released while readers may be in it")	\
	X(REAP_READERS, "REAP does not wait for readers")

/* Those of the live machine */
#define VMS_OMIT_LIVE_SITES(X)							\
	/* the sets of CPUs */							\
	X(RESIDENT_SET, "a CPU does not enter the set of the space that is resident") \
	X(RESIDENT_LEAVES, "it leaves the old set, then ends the window")	\
	X(RESIDENT_END, "a root that is resident no more may still be loaded")	\
	X(WINDOW_SET, "a CPU in a window is not in the set of its root")	\
	X(WINDOW_BARRIER, "it accesses, then enters the set")			\
	X(WINDOW_LEAVES, "it leaves the set, then accesses")			\
	/* interrupts and flushes */						\
	X(IPI_SEND, "the CPU that asks answers for the other")			\
	X(IPI_ORDER, "a CPU answers, then is ready for the next IPI")		\
	X(IPI_ANSWER, "it counts as through, then flushes")			\
	X(IPI_WAIT, "nobody waits for CPUs that were sent an IPI")		\
	X(INVLPG, "INVLPG is not executed")					\
	X(CR3_RELOAD, "CR3 is not loaded again to flush everything")

#define VMS_OMIT_ENUM(name, text)	VMS_OMIT_##name,

enum vms_omit {
	VMS_OMIT_NONE,
	VMS_OMIT_SITES(VMS_OMIT_ENUM)
	VMS_NR_OMIT_SOFT,
	VMS_OMIT_LIVE_SITES(VMS_OMIT_ENUM)
	VMS_NR_OMIT,
};

/* Where another CPU may come between */
enum vms_moment {
	VMS_AT_SWITCH,		/* a root is about to be loaded; in the wrong order, just was */
	VMS_AT_ACCESS,		/* in a simulated window, between walk and access */
	VMS_AT_WINDOW,		/* in a live window, after an access */
	VMS_AT_ENTRY,		/* an entry is about to be written */
};

#ifdef CONFIG_VMSTORE_KUNIT_TEST
extern enum vms_omit vms_omit;
extern void (*vms_meanwhile)(enum vms_moment at);
#define VMS_OMIT(name)	unlikely(READ_ONCE(vms_omit) == VMS_OMIT_##name)
#define VMS_OMIT_ANY()	unlikely(READ_ONCE(vms_omit))
/* Without the site @var is what it was before */
#define VMS_OMIT_USE(name, var, before)			\
do {							\
	if (VMS_OMIT(name))				\
		(var) = (before);			\
} while (0)
#define VMS_MEANWHILE(at)				\
do {							\
	if (unlikely(READ_ONCE(vms_meanwhile)))		\
		vms_meanwhile(VMS_AT_##at);		\
} while (0)
#else
#define VMS_OMIT(name)	false
#define VMS_OMIT_ANY()	false
#define VMS_OMIT_USE(name, var, before)	do { } while (0)
#define VMS_MEANWHILE(at)	do { } while (0)
#endif

#endif /* VMS_OMIT_H */
