// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl: the word that was probably meant
 */
#include <string.h>

#include "text.h"

#define MAX_WORD	40

void nearest_start(struct nearest *nearest, const char *word)
{
	size_t len = strlen(word);

	nearest->word = word;
	nearest->best = NULL;
	/* Words that differ by more than this are other words. */
	nearest->distance = (len < 4 ? 1 : len / 3) + 1;
}

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Insertions, deletions, replacements and swaps of neighbours. */
static unsigned int edits(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned int d[MAX_WORD + 1][MAX_WORD + 1];
	size_t i, j;

	for (i = 0; i <= la; i++)
		d[i][0] = i;
	for (j = 0; j <= lb; j++)
		d[0][j] = j;
	for (i = 1; i <= la; i++) {
		for (j = 1; j <= lb; j++) {
			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
				       d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[la][lb];
}

void nearest_try(struct nearest *nearest, const char *word)
{
	size_t la = strlen(nearest->word), lb = strlen(word);
	unsigned int distance;

	if (la > MAX_WORD || lb > MAX_WORD)
		return;
	distance = edits(nearest->word, la, word, lb);
	if (distance < nearest->distance) {
		nearest->distance = distance;
		nearest->best = word;
	}
}
