// SPDX-License-Identifier: GPL-2.0-only
/* The examples that come with vmstorectl run as they are, and as they were recorded. */
#include <glob.h>

#include "vmstore_test.h"

/* vmstorectl and the examples lie beside this program, or where the tree has them */
static const char *const places[][2] = {
	{ "vmstorectl", "*.vms" },
	{ "vmstorectl", "examples/*.vms" },
	{ "../tools/vmstorectl", "../tools/examples/*.vms" },
};

static bool find(const char *dir, char *tool, size_t len, glob_t *scripts)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		char pattern[PATH_MAX];

		snprintf(tool, len, "%s/%s", dir, places[i][0]);
		snprintf(pattern, sizeof(pattern), "%s/%s", dir, places[i][1]);
		if (!access(tool, X_OK) && !glob(pattern, 0, NULL, scripts))
			return true;
	}
	return false;
}

/* With what it prints in @to */
static int start_to(const char *to, char *const argv[])
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int start(char *const argv[])
{
	return start_to("/dev/null", argv);
}

static int run(char *tool, char *script)
{
	return start((char *[]) { tool, "run", script, NULL });
}

static int record(char *tool, char *to, char *script)
{
	return start((char *[]) { tool, "record", to, "--", tool, "run", script, NULL });
}

FIXTURE(scripts) {
	char tool[PATH_MAX];
	glob_t examples;
	char first[32];
	char second[32];
};

FIXTURE_SETUP(scripts)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_DEFAULT);
	char self_path[PATH_MAX / 2] = {};

	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_LT(0, readlink("/proc/self/exe", self_path, sizeof(self_path) - 1));
	*strrchr(self_path, '/') = 0;
	if (!find(self_path, self->tool, sizeof(self->tool), &self->examples))
		SKIP(return, "vmstorectl and its examples are not beside this program");
	snprintf(self->first, sizeof(self->first), "/tmp/first-%d.vms", getpid());
	snprintf(self->second, sizeof(self->second), "/tmp/second-%d.vms", getpid());
}

FIXTURE_TEARDOWN(scripts)
{
	globfree(&self->examples);
	unlink(self->first);
	unlink(self->second);
}

TEST_F(scripts, examples)
{
	size_t i;

	for (i = 0; i < self->examples.gl_pathc; i++)
		EXPECT_EQ(0, run(self->tool, self->examples.gl_pathv[i]))
			TH_LOG("%s", self->examples.gl_pathv[i]);
}

/* Lines of a recording that are operations; -1 when it differs from another one */
static int compare(const char *path, const char *other)
{
	FILE *a = fopen(path, "r"), *b = fopen(other, "r");
	char one[1024], two[1024];
	int nr = a && b ? 0 : -1;

	while (nr >= 0 && fgets(one, sizeof(one), a)) {
		if (!fgets(two, sizeof(two), b) || strcmp(one, two)) {
			fprintf(stderr, "# first:  %s# second: %s", one, two);
			nr = -1;
		} else {
			nr += *one != '#' && strncmp(one, "setup ", 6);
		}
	}
	if (nr >= 0 && fgets(two, sizeof(two), b))
		nr = -1;
	if (a)
		fclose(a);
	if (b)
		fclose(b);
	return nr;
}

/*
 * A recording is a script that ends as the recorded one did, in each of the outcomes
 * that are its expectations; and what is recorded of it is what was recorded first.
 */
TEST_F(scripts, recorded)
{
	size_t i;

	for (i = 0; i < self->examples.gl_pathc; i++) {
		char *example = self->examples.gl_pathv[i];

		EXPECT_EQ(0, record(self->tool, self->first, example)) TH_LOG("%s", example);
		EXPECT_EQ(0, run(self->tool, self->first)) TH_LOG("%s", example);
		EXPECT_EQ(0, record(self->tool, self->second, self->first))
			TH_LOG("%s", example);
		EXPECT_LT(5, compare(self->first, self->second)) TH_LOG("%s", example);
	}
}

/* Is there a line with both? */
static bool has_line(const char *path, const char *one, const char *other)
{
	FILE *file = fopen(path, "r");
	bool found = false;
	char line[1024];

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, one) && strstr(line, other);
	if (file)
		fclose(file);
	return found;
}

/* What is stale at the end of an example; what CPUs hold is left to chance */
TEST_F(scripts, tlb)
{
	char *example = NULL;
	size_t i;

	for (i = 0; i < self->examples.gl_pathc; i++)
		if (strstr(self->examples.gl_pathv[i], "/stale.vms"))
			example = self->examples.gl_pathv[i];
	ASSERT_NE(NULL, example);
	EXPECT_EQ(0, start_to(self->first, (char *[]) { self->tool, "tlb", example, NULL }));
	EXPECT_TRUE(has_line(self->first, " changed ", "0000000000200000-0000000000201000"));
	EXPECT_TRUE(has_line(self->first, " pending ", "0000000000201000-0000000000202000"));
	EXPECT_TRUE(has_line(self->first, " model ", "stale: another property"));
	EXPECT_TRUE(has_line(self->first, " model ", "stale: nothing is mapped"));
}

TEST_HARNESS_MAIN
