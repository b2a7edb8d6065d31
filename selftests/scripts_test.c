// SPDX-License-Identifier: GPL-2.0-only
/* The examples that come with vmstorectl run as they are. */
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

static int run(const char *tool, const char *script)
{
	pid_t pid = fork();
	int status, null;

	if (!pid) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		execl(tool, "vmstorectl", "run", script, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(examples)
{
	const char *reason = vt_skip_reason(VMSTORE_MACHINE_DEFAULT);
	char self[PATH_MAX / 2] = {}, tool[PATH_MAX];
	glob_t scripts = {};
	size_t i;

	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_LT(0, readlink("/proc/self/exe", self, sizeof(self) - 1));
	*strrchr(self, '/') = 0;
	if (!find(self, tool, sizeof(tool), &scripts))
		SKIP(return, "vmstorectl and its examples are not beside this program");
	for (i = 0; i < scripts.gl_pathc; i++)
		EXPECT_EQ(0, run(tool, scripts.gl_pathv[i]))
			TH_LOG("%s", scripts.gl_pathv[i]);
	globfree(&scripts);
}

TEST_HARNESS_MAIN
