/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmstorectl: lines of words, and what is wrong with them
 *
 * What the readers of scripts and of litmus tests share. A '#' starts a comment.
 */
#ifndef VMSTORECTL_LEX_H
#define VMSTORECTL_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "compiler.h"
#include "text.h"

#define LEX_MAX_TOKENS	40

/**
 * struct source - a text that is read
 * @path: for messages
 * @errors: mistakes found
 * @err: where messages go
 * @color: use colours there
 */
struct source {
	const char *path;
	unsigned int errors;
	FILE *err;
	bool color;
};

/**
 * struct token - a word
 * @text: NUL terminated copy
 * @column: where it begins, from 0, in bytes
 */
struct token {
	char *text;
	unsigned int column;
};

/**
 * struct line - the line being read
 * @source: what it is a line of
 * @number: from 1
 * @text: the line
 * @tokens: its words
 * @nr_tokens: how many of these
 * @at: next one
 * @failed: a mistake was found; one a line is enough
 */
struct line {
	struct source *source;
	unsigned int number;
	const char *text;
	struct token tokens[LEX_MAX_TOKENS];
	unsigned int nr_tokens;
	unsigned int at;
	bool failed;
};

/**
 * struct span - the part of a line that a message speaks of
 * @column: where it begins
 * @len: bytes
 */
struct span {
	unsigned int column;
	unsigned int len;
};

struct span span(unsigned int column, unsigned int len);
struct span whole(const struct token *token);
struct span end_of(const struct line *line);

/**
 * mistake() - say what is wrong, with the place, the line and a caret
 * @line: the line; only its first mistake is shown
 * @at: the part of it
 * @fmt: as printf(), without a newline
 */
void __printf(3, 4) mistake(struct line *line, struct span at, const char *fmt, ...);

/**
 * unknown_word() - a mistake: "WHAT 'x'", with the nearest right word where there is one
 * @line: the line
 * @token: the word is in
 * @skip: bytes of it before the word
 * @len: bytes of the word
 * @what: "no operation"
 * @nearest: a search that is over
 */
void unknown_word(struct line *line, const struct token *token, unsigned int skip,
		  unsigned int len, const char *what, const struct nearest *nearest);

/**
 * line_split() - find the words of a line
 * @line: its source, number and text are set
 *
 * Return: true; false after a mistake, or without one when memory is exhausted.
 */
bool line_split(struct line *line);

/**
 * line_free() - release the words
 * @line: the line
 */
void line_free(struct line *line);

const struct token *peek(const struct line *line);
const struct token *take(struct line *line);
bool is_word(const struct token *token, const char *word);

/**
 * name_len() - how much of a text is a name
 * @text: the text
 *
 * Names are like those of C; a number or an operator is none.
 *
 * Return: bytes.
 */
size_t name_len(const char *text);

/**
 * source_read() - go through the lines of a text
 * @source: the text
 * @from: where it is read from
 * @parse: called for each line without its end, until it returns other than 0
 * @ctx: passed on
 *
 * Return: what the last call returned, -EIO, -ENOMEM, or -EINVAL after a mistake.
 */
int source_read(struct source *source, FILE *from,
		int (*parse)(void *ctx, const char *text, unsigned int number), void *ctx);

#endif /* VMSTORECTL_LEX_H */
