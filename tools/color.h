/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmstorectl: colours
 */
#ifndef VMSTORECTL_COLOR_H
#define VMSTORECTL_COLOR_H

#include <stdbool.h>
#include <stdio.h>

enum out_color {
	OUT_BOLD,
	OUT_RED,
	OUT_GREEN,
	OUT_YELLOW,
	OUT_BLUE,
	OUT_CYAN,
	OUT_DIM,
	OUT_PLAIN,
};

/**
 * out_on() - escape sequence that starts a colour
 * @color: colours wanted; without it the answer is ""
 * @which: the colour
 *
 * Return: the sequence.
 */
const char *out_on(bool color, enum out_color which);

/**
 * out_is_color() - whether a stream takes colours
 * @to: the stream
 *
 * Return: true for a terminal, unless NO_COLOR is set or TERM is dumb.
 */
bool out_is_color(FILE *to);

#endif /* VMSTORECTL_COLOR_H */
