// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl: lines of words, and what is wrong with them
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "color.h"
#include "lex.h"

#define MAX_ERRORS	20

/* --- messages -------------------------------------------------------------- */

struct span span(unsigned int column, unsigned int len)
{
	return (struct span){ .column = column, .len = len };
}

struct span whole(const struct token *token)
{
	return span(token->column, strlen(token->text));
}

static void print_caret(FILE *to, const char *text, struct span at)
{
	unsigned int i;

	fputs("      | ", to);
	for (i = 0; i < at.column && text[i]; i++)
		fputc(text[i] == '\t' ? '\t' : ' ', to);
	fputc('^', to);
	for (i = 1; i < at.len; i++)
		fputc('~', to);
	fputc('\n', to);
}

void mistake(struct line *line, struct span at, const char *fmt, ...)
{
	struct source *source = line->source;
	FILE *to = source->err;
	va_list args;

	if (line->failed)
		return;
	line->failed = true;
	if (++source->errors > MAX_ERRORS)
		return;

	fprintf(to, "%s%s:%u:%u:%s %serror:%s ", out_on(source->color, OUT_BOLD),
		source->path, line->number, at.column + 1,
		out_on(source->color, OUT_PLAIN),
		out_on(source->color, OUT_RED),
		out_on(source->color, OUT_PLAIN));
	va_start(args, fmt);
	vfprintf(to, fmt, args);
	va_end(args);
	fprintf(to, "\n%5u | %s\n", line->number, line->text);
	print_caret(to, line->text, at);
	if (source->errors == MAX_ERRORS)
		fprintf(to, "%s: too many errors; more are not shown\n",
			source->path);
}

struct span end_of(const struct line *line)
{
	const struct token *last = &line->tokens[line->nr_tokens - 1];

	return span(last->column + strlen(last->text), 1);
}

void unknown_word(struct line *line, const struct token *token, unsigned int skip,
		  unsigned int len, const char *what, const struct nearest *nearest)
{
	const char *word = token->text + skip;
	unsigned int column = token->column + skip;

	if (nearest->best)
		mistake(line, span(column, len), "%s '%.*s'; did you mean '%s'?",
			what, (int)len, word, nearest->best);
	else
		mistake(line, span(column, len), "%s '%.*s'", what, (int)len, word);
}

/* --- tokens ---------------------------------------------------------------- */

/* A text in quotes, with them; where the second one is missing, the rest */
static size_t quoted_len(const char *text)
{
	size_t len;

	for (len = 1; text[len] && text[len] != '"'; len++) {
		if (text[len] == '\\' && text[len + 1])
			len++;
	}
	return text[len] ? len + 1 : len;
}

/*
 * A token ends at a space or a comment that is not in quotes. "->" and a lone '='
 * are tokens.
 */
static size_t token_len(const char *text)
{
	size_t len = 0;

	if (!strncmp(text, "->", 2))
		return 2;
	while (text[len] && !isspace((unsigned char)text[len])) {
		if (len && (text[len] == '#' || !strncmp(text + len, "->", 2)))
			break;
		len += text[len] == '"' ? quoted_len(text + len) : 1;
	}
	return len;
}

bool line_split(struct line *line)
{
	const char *at = line->text;
	struct token *token;
	size_t len;

	for (;;) {
		while (isspace((unsigned char)*at))
			at++;
		if (!*at || *at == '#')
			return true;
		len = token_len(at);
		if (line->nr_tokens == LEX_MAX_TOKENS) {
			mistake(line, span(at - line->text, len), "too many words");
			return false;
		}
		token = &line->tokens[line->nr_tokens];
		token->column = at - line->text;
		token->text = strndup(at, len);
		if (!token->text)
			return false;
		line->nr_tokens++;
		at += len;
	}
}

void line_free(struct line *line)
{
	while (line->nr_tokens)
		free(line->tokens[--line->nr_tokens].text);
}

const struct token *peek(const struct line *line)
{
	return line->at < line->nr_tokens ? &line->tokens[line->at] : NULL;
}

const struct token *take(struct line *line)
{
	const struct token *token = peek(line);

	if (token)
		line->at++;
	return token;
}

bool is_word(const struct token *token, const char *word)
{
	return token && !strcmp(token->text, word);
}

size_t name_len(const char *text)
{
	size_t len;

	if (!isalpha((unsigned char)*text) && *text != '_')
		return 0;
	for (len = 1; isalnum((unsigned char)text[len]) || text[len] == '_';)
		len++;
	return len;
}

/* --- texts ----------------------------------------------------------------- */

static int binary_line(struct source *source, unsigned int number)
{
	source->errors++;
	fprintf(source->err, "%s:%u: error: a NUL byte; this is not a text\n",
		source->path, number);
	return -EINVAL;
}

int source_read(struct source *source, FILE *from,
		int (*parse)(void *ctx, const char *text, unsigned int number), void *ctx)
{
	unsigned int number = 0;
	char *text = NULL;
	size_t room = 0;
	ssize_t len;
	int ret = 0;

	while (!ret && (len = getline(&text, &room, from)) >= 0) {
		number++;
		if (strlen(text) != (size_t)len) {
			ret = binary_line(source, number);
			break;
		}
		while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
			text[--len] = '\0';
		ret = parse(ctx, text, number);
	}
	free(text);
	if (!ret && ferror(from))
		ret = -EIO;
	return !ret && source->errors ? -EINVAL : ret;
}
