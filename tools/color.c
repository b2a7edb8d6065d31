// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl: colours
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "color.h"

const char *out_on(bool color, enum out_color which)
{
	static const char *const sequences[] = {
		[OUT_BOLD] = "\033[1m",
		[OUT_RED] = "\033[31m",
		[OUT_GREEN] = "\033[32m",
		[OUT_YELLOW] = "\033[33m",
		[OUT_BLUE] = "\033[34m",
		[OUT_CYAN] = "\033[36m",
		[OUT_DIM] = "\033[2m",
		[OUT_PLAIN] = "\033[0m",
	};

	return color ? sequences[which] : "";
}

bool out_is_color(FILE *to)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no_color && *no_color)
		return false;
	if (!term || !strcmp(term, "dumb"))
		return false;
	return isatty(fileno(to));
}
