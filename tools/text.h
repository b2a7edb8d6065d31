/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmstorectl: the word that was probably meant
 */
#ifndef VMSTORECTL_TEXT_H
#define VMSTORECTL_TEXT_H

/**
 * struct nearest - a search for the word nearest to another
 * @word: as written
 * @best: nearest so far, NULL when none is near enough
 * @distance: edits from @word to @best
 */
struct nearest {
	const char *word;
	const char *best;
	unsigned int distance;
};

/**
 * nearest_start() - begin
 * @nearest: the search
 * @word: as written
 */
void nearest_start(struct nearest *nearest, const char *word);

/**
 * nearest_try() - look at a word
 * @nearest: the search
 * @word: a right one, which must outlive the search
 */
void nearest_try(struct nearest *nearest, const char *word);

#endif /* VMSTORECTL_TEXT_H */
