// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the litmus language and of the explorer. Prints TAP.
 *
 *	litmus DIR	the suite whose verdicts depend on each rule of the model
 */
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "litmus_explore.h"

static unsigned int nr_tests, nr_failed;

static void result(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++nr_tests, name);
	nr_failed += !good;
}

static int parse_text(struct litmus *test, const char *text, char **messages)
{
	FILE *from = fmemopen((char *)text, strlen(text), "r"), *err;
	size_t len;
	int ret;

	err = open_memstream(messages, &len);
	if (!from || !err)
		exit(1);
	ret = litmus_parse(test, "test", from, err, false);
	fclose(from);
	fclose(err);
	return ret;
}

/* --- the language ------------------------------------------------------------ */

#define HEAD	"litmus test\ndoc a test\nframe a b\npage x\nmap x a rwu\n"

static const struct {
	const char *text;
	const char *message;	/* part of it */
} mistakes[] = {
	{ HEAD "cpu 0\nlaod x -> r\nallowed r=a\n",
	  "test:7:1: error: no operation is called 'laod'; did you mean 'load'?" },
	{ HEAD "cpu 0\nload y -> r\n", "test:7:6: error: no page is called 'y'" },
	{ HEAD "cpu 0\nload x\n", "test:7:7: error: the result needs a name: -> NAME" },
	{ HEAD "cpu 0\nload x -> r\nload x -> r\n", "'r' has a result already" },
	{ HEAD "cpu 0\nmap x c rwu\n", "no frame is called 'c'" },
	{ HEAD "cpu 0\nmap x b wq\n", "'wq' is no property of a mapping, like rwu" },
	{ HEAD "cpu 0\nprotect x w\n", "'w' is no property of a mapping, like rwu" },
	{ HEAD "cpu 0\nclear x w\n", "only a and d can be cleared" },
	{ HEAD "cpu 1\n", "test:6:5: error: this is CPU 0" },
	{ HEAD "cpu 0 T\n", "no space is called 'T'" },
	{ HEAD "cpu 0\nload x -> r b\n", "test:7:13: error: this is too much" },
	{ HEAD "cpu 0\nload x -> r\nallowed r=q\n", "'q' is neither a number nor a frame" },
	{ HEAD "cpu 0\nload x -> r\nallowed s=a\n", "no result is called 's'" },
	{ HEAD "cpu 0\nload x -> r\nallowed r\n", "this is no NAME=VALUE" },
	{ HEAD "cpu 0\nload x -> r\n", "there is no verdict" },
	{ HEAD "cpu 0\nbarrier\nload x -> r\ncpu 1\nallowed r=a\n",
	  "each CPU must come to as many barriers" },
	{ HEAD "cpu 0\nunmap x\ncpu 1\nunmap x\n", "CPU 0 changes that table; only one can" },
	{ HEAD "cpu 0\nissue all\n", "the CPU has changed nothing in that space" },
	{ HEAD "cpu 0\ndirty x -> d\n", "only possible below 'final'" },
	{ HEAD "load x -> r\n", "only possible below 'cpu N'" },
	{ HEAD "map x b rwu\n", "mapped twice" },
	{ HEAD "page a\n", "'a' is the name of something else" },
	{ HEAD "page absent\n", "'absent' is not a name" },
	{ HEAD "frame c=0xf00d\n", "each frame needs a word of its own" },
	{ HEAD "space S T\n", "must come before what is in a space" },
	{ HEAD "needs pcs\n", "no machine models 'pcs'; did you mean 'psc'?" },
	{ HEAD "area k = b rw\ncpu 0\nload k+1 -> r\n", "'k' is one page" },
	{ HEAD "area k = b rw\ncpu 0\nunmap k defer\n", "not possible with such a page" },
	{ HEAD "area k = b rw\ncpu 0\nflush k\n", "not possible with such a page" },
	{ HEAD "cpu 0\nload x+2 -> r\n", "only +1 is possible" },
	{ HEAD "cpu 0\nreuse a\nmap x a rwu\nmap x a rwu\n",
	  "a frame is claimed again once, and then mapped once" },
	{ "doc a test\n", "the test has no name" },
	{ "litmus test\n", "nothing says what is tested" },
	{ "litmus test\ndoc a test\n", "no CPU does anything" },
};

static void test_mistakes(void)
{
	static struct litmus test;
	char *messages;
	bool good = true;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		ret = parse_text(&test, mistakes[i].text, &messages);
		if (!ret || !strstr(messages, mistakes[i].message)) {
			printf("# wanted: %s\n# got: %s\n", mistakes[i].message, messages);
			good = false;
		}
		free(messages);
	}
	result(good, "each mistake has its message");
}

/* --- the explorer: tests small enough to know the answer --------------------- */

static const struct {
	const char *name;
	const char *text;
	const char *outcomes;	/* all there are, sorted; S marks the stale ones */
} known[] = {
	{ "one load has one outcome",
	  "cpu 0\nload x -> r\n", "r=a" },
	{ "stale before the flush, none after",
	  "cpu 0\nremap x b rwu defer\nload x -> r\nflush x\nload x -> s\n",
	  "r=a s=b S|r=b s=b" },
	{ "a dispatch asks and does not wait",
	  "cpu 0\nremap x b rwu\nload x -> r\nsync\nload x -> s\n",
	  "r=a s=b S|r=b s=b" },
	{ "also another CPU",
	  "cpu 0\nremap x b rwu\nbarrier\ncpu 1\nbarrier\nload x -> r\n", "r=a S|r=b" },
	{ "a sync waits for it",
	  "cpu 0\nremap x b rwu\nsync\nbarrier\ncpu 1\nbarrier\nload x -> r\n", "r=b" },
	{ "invlpg is local",
	  "cpu 0\nremap x b rwu defer\ninvlpg x\nload x -> r\nbarrier\n"
	  "cpu 1\nbarrier\nload x -> s\n", "r=b s=a S|r=b s=b" },
	{ "an order of loads",
	  "cpu 0\nremap x b rwu defer\ncpu 1\nload x -> r\nload x -> s\n",
	  "r=a s=a|r=a s=b|r=b s=b" },
	{ "absence is not kept",
	  "cpu 0\nload x+1 -> r\nmap x+1 b rwu\nload x+1 -> s\n", "r=absent s=b" },
	{ "a refused store drops the translation",
	  "cpu 0\nload x -> r\nprotect x ru\nstore x 1 -> s\n", "r=a s=denied" },
	{ "a dirty one permits stale stores",
	  "cpu 0\nstore x 1\nprotect x ru\nstore x 1 -> s\n", "s=denied|s=ok S" },
	{ "a load sets accessed, a store dirty",
	  "cpu 0\nload x -> r\nfinal\naccessed x -> p\ndirty x -> q\n", "r=a p=1 q=0" },
	{ "nobody needs to load for accessed",
	  "cpu 0\ndispatch\nfinal\naccessed x -> p\n", "p=0|p=1" },
	{ "an inactive space keeps nothing",
	  "cpu 0\nload x -> r\nactivate none\nremap x b rwu defer\nactivate S\nload x -> s\n",
	  "r=a s=b" },
	{ "a frame that is mapped is busy",
	  "cpu 0\nreuse a -> r\nunmap x\nreuse b -> s\n", "r=busy s=ok" },
	{ "a rendezvous has no way around",
	  "cpu 0\nstore x 1\nbarrier\ncpu 1\nload x -> r\nbarrier\nload x -> s\n",
	  "r=1 s=1|r=a s=1" },
};

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *outcomes_text(const struct litmus *test, const struct litmus_reachable *found)
{
	char *lines[LITMUS_MAX_OUTCOMES], *text;
	size_t len;
	FILE *to;
	int i;

	for (i = 0; i < found->nr; i++) {
		to = open_memstream(&lines[i], &len);
		litmus_print(test, &found->outcomes[i], to);
		fputs(found->stale[i] ? " S" : "", to);
		fclose(to);
	}
	qsort(lines, found->nr, sizeof(*lines), compare_texts);
	to = open_memstream(&text, &len);
	for (i = 0; i < found->nr; i++) {
		fprintf(to, "%s%s", i ? "|" : "", lines[i]);
		free(lines[i]);
	}
	fclose(to);
	return text;
}

static void test_known(size_t i)
{
	static struct litmus_reachable found;
	static struct litmus test;
	char text[512], *messages, *got;
	int ret;

	/* There must be a verdict; whether it is right is not asked */
	snprintf(text, sizeof(text), "%s%sallowed %c=0\n", HEAD, known[i].text,
		 *known[i].outcomes);
	ret = parse_text(&test, text, &messages);
	if (ret)
		printf("# %s\n", messages);
	got = litmus_explore(&test, 0, &found) ? strdup("too large") :
	      outcomes_text(&test, &found);
	if (strcmp(got, known[i].outcomes))
		printf("# wanted %s\n# got    %s\n", known[i].outcomes, got);
	result(!strcmp(got, known[i].outcomes), known[i].name);
	free(messages);
	free(got);
}

/* A verdict that is wrong is noticed, in each of the three ways */
static void test_differs(void)
{
	static const char *const verdicts[] = {
		"allowed r=a\nallowed r=b\nallowed r=absent\n",
		"allowed r=a\nforbidden r=b\n",
		"allowed r=a\n",
	};
	static struct litmus_reachable found;
	static struct litmus test;
	char text[256], *messages;
	bool good = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verdicts); i++) {
		snprintf(text, sizeof(text), "%s%s%s", HEAD,
			 "cpu 0\nremap x b rwu defer\nload x -> r\n", verdicts[i]);
		good &= !parse_text(&test, text, &messages) &&
			!litmus_explore(&test, 0, &found) &&
			litmus_compare(&test, &found, NULL);
		free(messages);
	}
	result(good, "a wrong verdict is noticed");
}

/* --- the suite --------------------------------------------------------------- */

struct suite {
	struct litmus *tests;
	size_t nr;
};

static void read_suite(struct suite *suite, const char *dir)
{
	char pattern[PATH_MAX];
	glob_t files;
	FILE *from;
	size_t i;

	snprintf(pattern, sizeof(pattern), "%s/*.litmus", dir);
	if (glob(pattern, 0, NULL, &files))
		return;
	suite->tests = calloc(files.gl_pathc, sizeof(*suite->tests));
	for (i = 0; suite->tests && i < files.gl_pathc; i++) {
		from = fopen(files.gl_pathv[i], "r");
		/* Their paths stay until the end */
		if (from && !litmus_parse(&suite->tests[suite->nr], files.gl_pathv[i], from,
					  stdout, false))
			suite->nr++;
		else
			result(false, files.gl_pathv[i]);
		if (from)
			fclose(from);
	}
}

/* Tests whose verdicts are others in a model without @rules; the first one */
static size_t count_changed(const struct suite *suite, unsigned int rules, const char **first)
{
	static struct litmus_reachable found;
	size_t nr = 0, i;

	for (i = 0; i < suite->nr; i++) {
		if (!litmus_explore(&suite->tests[i], rules, &found) &&
		    !litmus_compare(&suite->tests[i], &found, rules ? NULL : stdout))
			continue;
		if (!nr++)
			*first = suite->tests[i].name;
	}
	return nr;
}

static void test_suite(const struct suite *suite)
{
	const char *first = "";
	char name[160];
	size_t nr;
	int i;

	printf("# %zu tests\n", suite->nr);
	result(suite->nr >= 60, "the suite has its tests");
	result(!count_changed(suite, 0, &first), "their verdicts are the model's");
	for (i = 0; i < LITMUS_NR_RULES; i++) {
		nr = count_changed(suite, 1u << i, &first);
		snprintf(name, sizeof(name), "rule %s: %s", litmus_rule_name(i),
			 litmus_rule_text(i));
		if (nr)
			printf("# without it %zu tests have other verdicts, %s first\n", nr, first);
		result(nr, name);
	}
}

int main(int argc, char **argv)
{
	struct suite suite = { 0 };
	size_t i;

	test_mistakes();
	for (i = 0; i < ARRAY_SIZE(known); i++)
		test_known(i);
	test_differs();
	if (argc > 1) {
		read_suite(&suite, argv[1]);
		test_suite(&suite);
	}
	printf("1..%u\n", nr_tests);
	return nr_failed != 0;
}
