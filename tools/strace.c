// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of strace -f, line by line.
 *
 * A line is
 *
 *	[PID] [TIME] CALL(ARGUMENTS) = RESULT [ERROR (text)] [<duration>]
 *	[PID] [TIME] CALL(ARGUMENTS <unfinished ...>
 *	[PID] [TIME] <... CALL resumed>REST OF ARGUMENTS) = RESULT
 *	[PID] [TIME] +++ exited with 0 +++, +++ killed by SIGKILL +++
 *	[PID] [TIME] +++ superseded by execve in pid 123 +++
 *	[PID] [TIME] --- SIGCHLD {...} ---
 *	strace: Process 123 attached
 *
 * PID is "123" with -o and "[pid 123]" without.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "strace.h"

#define UNFINISHED	"<unfinished ...>"
#define RESUMED		" resumed>"

/* A call that began on one line and has not ended yet. */
struct st_pending {
	int pid;
	unsigned int line;
	char *text;
};

struct st_reader {
	struct st_log *log;
	struct st_pending *pending;
	size_t nr_pending;
	size_t room_pending;
	char *held;		/* a line that a note of strace cut in two */
};

static void *st_grow(void *array, size_t nr, size_t *room, size_t size)
{
	size_t want = *room ? *room * 2 : 64;

	if (nr < *room)
		return array;
	array = reallocarray(array, want, size);
	if (array)
		*room = want;
	return array;
}

int st_add_bad(struct st_log *log, unsigned int line, const char *why)
{
	struct st_bad *bad;
	size_t i;

	bad = st_grow(log->bad, log->nr_bad, &log->room_bad, sizeof(*bad));
	if (!bad)
		return -ENOMEM;
	log->bad = bad;
	for (i = log->nr_bad; i && bad[i - 1].line > line; i--)
		bad[i] = bad[i - 1];
	bad[i].line = line;
	bad[i].why = why;
	log->nr_bad++;
	return 0;
}

static struct st_event *st_add_event(struct st_log *log, enum st_kind kind,
				     int pid, unsigned int line)
{
	struct st_event *event;

	event = st_grow(log->events, log->nr_events, &log->room_events,
			sizeof(*event));
	if (!event)
		return NULL;
	log->events = event;
	event += log->nr_events++;
	memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->pid = pid;
	event->line = line;
	event->first = line;
	return event;
}

static const char *st_skip_space(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/* A process number with something behind it that ends a word. */
static const char *st_pid(const char *s, int *pid)
{
	char *end;
	long value;

	if (!isdigit((unsigned char)*s))
		return NULL;
	errno = 0;
	value = strtol(s, &end, 10);
	if (errno || value <= 0 || value > INT_MAX)
		return NULL;
	*pid = value;
	return end;
}

/* "[pid   12] " or "12 "; nothing at all is process 0. */
static const char *st_column(const char *s, int *pid)
{
	const char *end;

	*pid = 0;
	s = st_skip_space(s);
	if (!strncmp(s, "[pid", 4)) {
		end = st_pid(st_skip_space(s + 4), pid);
		return end && *end == ']' ? st_skip_space(end + 1) : NULL;
	}
	end = st_pid(s, pid);
	if (end && (*end == ' ' || *end == '\t'))
		return st_skip_space(end);
	*pid = 0;
	return s;
}

/* strace -t, -tt, -ttt and -r put a time there. */
static const char *st_skip_time(const char *s)
{
	size_t n = strspn(s, "0123456789:.");

	if (!n || (s[n] != ' ' && s[n] != '\t'))
		return s;
	return st_skip_space(s + n);
}

/*
 * The end of an argument: the comma or the parenthesis behind it. Comments are
 * blanked on the way. NULL when the line ends first.
 */
static char *st_arg_end(char *s)
{
	int depth = 0;

	for (; *s; s++) {
		if (*s == '"') {
			for (s++; *s && *s != '"'; s++)
				if (*s == '\\' && s[1])
					s++;
			if (!*s)
				return NULL;
		} else if (s[0] == '/' && s[1] == '*') {
			char *end = strstr(s + 2, "*/");

			if (!end)
				return NULL;
			memset(s, ' ', end + 2 - s);
			s = end + 1;
		} else if (strchr("([{", *s)) {
			depth++;
		} else if (depth && strchr(")]}", *s)) {
			depth--;
		} else if (!depth && (*s == ',' || *s == ')')) {
			return s;
		} else if (!depth && strchr("]}", *s)) {
			return NULL;
		}
	}
	return NULL;
}

static char *st_trim(char *s)
{
	char *end;

	while (*s == ' ' || *s == '\t')
		s++;
	end = s + strlen(s);
	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	return s;
}

/* Splits the arguments; returns what is behind them, NULL if they do not end. */
static char *st_args(struct st_event *event, char *s)
{
	char *end, last;

	if (*st_skip_space(s) == ')')
		return (char *)st_skip_space(s) + 1;
	do {
		end = st_arg_end(s);
		if (!end)
			return NULL;
		last = *end;
		*end = '\0';
		if (event->nr_args < ST_MAX_ARGS)
			event->args[event->nr_args++] = st_trim(s);
		s = end + 1;
	} while (last == ',');
	return s;
}

/* "= 0", "= 0x7f00", "= -1 ENOENT (...)", "= ?" */
static const char *st_result(struct st_event *event, const char *s)
{
	char *end;

	s = st_skip_space(s);
	if (*s != '=')
		return "a call without a result";
	s = st_skip_space(s + 1);
	if (*s == '?') {
		event->no_result = true;
		return NULL;
	}
	errno = 0;
	if (*s == '-') {
		strtoll(s, &end, 10);
		event->failed = true;
	} else {
		event->ret = strtoull(s, &end, 0);
	}
	if (end == s || errno || !(*end == '\0' || isspace((unsigned char)*end) ||
				   *end == '<'))
		return "a result that is no number";
	return NULL;
}

static size_t st_name_len(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/*
 * Takes over @text, a whole call. The end of a process may cut the arguments:
 * "wait4(-1,  <unfinished ...>) = ?" is whole.
 */
static int st_call(struct st_log *log, int pid, unsigned int first,
		   unsigned int line, char *text)
{
	size_t n = st_name_len(text);
	struct st_event event = { .kind = ST_CALL, .pid = pid };
	struct st_event *add;
	const char *why;
	char *rest;

	event.text = text;
	event.name = text;
	event.line = line;
	event.first = first;
	text[n] = '\0';
	rest = st_args(&event, text + n + 1);
	why = rest ? st_result(&event, rest) : "arguments without an end";
	if (why) {
		free(text);
		return st_add_bad(log, line, why);
	}
	add = st_add_event(log, ST_CALL, pid, line);
	if (!add) {
		free(text);
		return -ENOMEM;
	}
	*add = event;
	log->calls++;
	return 0;
}

static struct st_pending *st_find_pending(struct st_reader *r, int pid)
{
	size_t i;

	for (i = 0; i < r->nr_pending; i++)
		if (r->pending[i].pid == pid)
			return &r->pending[i];
	return NULL;
}

static void st_drop_pending(struct st_reader *r, struct st_pending *p)
{
	free(p->text);
	*p = r->pending[--r->nr_pending];
}

/* The log learns the number of the process that had no column so far. */
static void st_name_first(struct st_log *log, int pid)
{
	size_t i;

	for (i = 0; i < log->nr_events; i++)
		if (!log->events[i].pid)
			log->events[i].pid = pid;
}

/* A process makes one call at a time: one that is unfinished will stay so. */
static int st_give_up(struct st_reader *r, int pid, unsigned int line)
{
	struct st_pending *p = st_find_pending(r, pid);

	if (!p)
		return 0;
	st_drop_pending(r, p);
	r->log->unfinished++;
	return st_add_bad(r->log, line, "a call begins before the last one ended");
}

/* "mmap(NULL, 4096 <unfinished ...>"; @cut is where the mark begins. */
static int st_begin(struct st_reader *r, int pid, unsigned int line,
		    const char *s, const char *cut)
{
	struct st_log *log = r->log;
	struct st_pending *p;
	struct st_event *event;
	char *rest, *text;

	p = st_grow(r->pending, r->nr_pending, &r->room_pending, sizeof(*p));
	if (!p)
		return -ENOMEM;
	r->pending = p;
	p += r->nr_pending;
	p->pid = pid;
	p->line = line;
	p->text = strndup(s, cut - s);
	if (!p->text)
		return -ENOMEM;
	r->nr_pending++;

	/* Whole arguments only: close the list so that it can be split. */
	event = st_add_event(log, ST_BEGIN, pid, line);
	if (!event || asprintf(&text, "%s)", p->text) < 0)
		return -ENOMEM;
	event->text = text;
	event->name = text;
	rest = text + st_name_len(text);
	*rest = '\0';
	if (!st_args(event, rest + 1))
		event->nr_args = 0;
	return 0;
}

/* "<... mmap resumed>, PROT_READ) = 0"; @s is behind "<... ". */
static int st_resume(struct st_reader *r, int pid, unsigned int line,
		     const char *s)
{
	size_t n = st_name_len(s);
	struct st_pending *p = st_find_pending(r, pid);
	unsigned int first;
	char *text;
	int err;

	/* The column went away with the other processes. */
	if (!p && !pid && r->nr_pending == 1) {
		p = r->pending;
		pid = p->pid;
	}
	if (strncmp(s + n, RESUMED, strlen(RESUMED)))
		return st_add_bad(r->log, line, "no call and no event");
	if (!p && pid) {
		p = st_find_pending(r, 0);
		if (p)
			st_name_first(r->log, pid);
	}
	if (!p || st_name_len(p->text) != n || strncmp(p->text, s, n))
		return st_add_bad(r->log, line,
				  "the end of a call that never began");
	if (asprintf(&text, "%s%s", p->text, s + n + strlen(RESUMED)) < 0)
		return -ENOMEM;
	first = p->line;
	st_drop_pending(r, p);
	err = st_call(r->log, pid, first, line, text);
	if (!err)
		r->log->joined++;
	return err;
}

/* "+++ exited with 0 +++" */
static int st_ended(struct st_reader *r, int pid, unsigned int line,
		    const char *s)
{
	static const char superseded[] = "superseded by execve in pid ";
	struct st_pending *p = st_find_pending(r, pid);
	struct st_event *event;
	int by = 0;

	if (!strncmp(s, superseded, strlen(superseded))) {
		if (!st_pid(s + strlen(superseded), &by))
			return st_add_bad(r->log, line, "no process number");
	} else if (strncmp(s, "exited with ", 12) &&
		   strncmp(s, "killed by ", 10)) {
		return st_add_bad(r->log, line, "no call and no event");
	}
	if (p) {
		st_drop_pending(r, p);
		r->log->unfinished++;
	}
	event = st_add_event(r->log, by ? ST_SUPERSEDED : ST_GONE, pid, line);
	if (!event)
		return -ENOMEM;
	event->by = by;
	/* The thread's execve comes back under the number of its process. */
	p = by ? st_find_pending(r, by) : NULL;
	if (p)
		p->pid = pid;
	return 0;
}

static int st_body(struct st_reader *r, int pid, unsigned int line,
		   const char *s)
{
	static const char *const marks[] = { UNFINISHED, "<detached ...>" };
	size_t n = st_name_len(s), len = strlen(s), i, m;
	const char *cut;
	char *text;
	int err;

	if (!strncmp(s, "--- ", 4) && len > 7 && !strcmp(s + len - 4, " ---")) {
		r->log->signals++;
		return 0;
	}
	if (!strncmp(s, "+++ ", 4) && len > 7 && !strcmp(s + len - 4, " +++"))
		return st_ended(r, pid, line, s + 4);
	if (!strncmp(s, "<... ", 5))
		return st_resume(r, pid, line, s + 5);
	if (!n || s[n] != '(')
		return st_add_bad(r->log, line, "no call and no event");
	err = st_give_up(r, pid, line);
	if (err)
		return err;
	for (i = 0; i < 2; i++) {
		m = strlen(marks[i]);
		if (len > m && !strcmp(s + len - m, marks[i]))
			return st_begin(r, pid, line, s, s + len - m);
	}
	cut = strstr(s, "<pid changed to ");
	if (cut && strchr(cut, '\0')[-1] == '>')
		return st_begin(r, pid, line, s, cut);
	text = strdup(s);
	if (!text)
		return -ENOMEM;
	return st_call(r->log, pid, line, line, text);
}

/*
 * Without -o the log is the error output, and strace's own notes may cut a line:
 * "clone(..., flags=SIGCHLDstrace: Process 12 attached". Returns what was before
 * the note, or NULL when there is none.
 */
static char *st_cut_note(char *s)
{
	char *note = strstr(s, "strace: Process ");
	size_t n;
	int pid;

	if (!note)
		return NULL;
	n = strlen(note);
	if (!st_pid(note + strlen("strace: Process "), &pid) || n < 9 ||
	    (strcmp(note + n - 9, " attached") &&
	     strcmp(note + n - 9, " detached")))
		return NULL;
	*note = '\0';
	return s;
}

static int st_line(struct st_reader *r, unsigned int line, char *s)
{
	const char *body;
	char *whole = NULL;
	int pid, err;

	if (st_cut_note(s)) {
		r->log->notes++;
		if (!*st_skip_space(s))
			return 0;
		free(r->held);
		r->held = strdup(s);
		return r->held ? 0 : -ENOMEM;
	}
	if (!strncmp(s, "strace: ", 8)) {
		r->log->notes++;
		return 0;
	}
	if (r->held) {
		if (asprintf(&whole, "%s%s", r->held, s) < 0)
			return -ENOMEM;
		free(r->held);
		r->held = NULL;
		s = whole;
	}
	body = st_column(s, &pid);
	if (!body)
		err = st_add_bad(r->log, line, "no process number");
	else if (*body)
		err = st_body(r, pid, line, st_skip_time(body));
	else
		err = pid ? st_add_bad(r->log, line, "no call and no event") : 0;
	free(whole);
	return err;
}

int st_read(struct st_log *log, FILE *from)
{
	struct st_reader r = { .log = log };
	char *buf = NULL;
	size_t room = 0;
	ssize_t len;
	int err = 0;

	memset(log, 0, sizeof(*log));
	errno = 0;
	while (!err && (len = getline(&buf, &room, from)) >= 0) {
		log->lines++;
		while (len && (buf[len - 1] == '\n' || buf[len - 1] == '\r'))
			buf[--len] = '\0';
		if (strlen(buf) != (size_t)len)
			err = st_add_bad(log, log->lines, "a NUL byte");
		else
			err = st_line(&r, log->lines, buf);
	}
	if (!err && ferror(from))
		err = errno ? -errno : -EIO;
	if (!err && r.held)
		err = st_add_bad(log, log->lines, "arguments without an end");
	log->unfinished += r.nr_pending;
	while (r.nr_pending)
		st_drop_pending(&r, r.pending);
	free(r.pending);
	free(r.held);
	free(buf);
	if (err)
		st_free(log);
	return err;
}

void st_free(struct st_log *log)
{
	size_t i;

	for (i = 0; i < log->nr_events; i++)
		free(log->events[i].text);
	free(log->events);
	free(log->bad);
	memset(log, 0, sizeof(*log));
}

/* Skips "name=" in front of an argument. */
static const char *st_value(const char *arg)
{
	size_t n = st_name_len(arg);

	return n && arg[n] == '=' && !isdigit((unsigned char)*arg) ?
	       arg + n + 1 : arg;
}

bool st_number(const char *arg, __u64 *value)
{
	char *end;

	arg = st_value(arg);
	if (!strcmp(arg, "NULL")) {
		*value = 0;
		return true;
	}
	if (!isdigit((unsigned char)*arg))
		return false;
	errno = 0;
	*value = strtoull(arg, &end, 0);
	return !errno && end != arg && !*end;
}

static bool st_one_bit(const char *word, size_t len,
		       const struct st_bit *table, __u64 *value)
{
	char *end;

	if (isdigit((unsigned char)*word)) {
		*value |= strtoull(word, &end, 0);
		return end == word + len;
	}
	for (; table->name; table++)
		if (strlen(table->name) == len && !strncmp(table->name, word, len))
			*value |= table->bit;
	return len == st_name_len(word) && len;
}

bool st_bits(const char *arg, const struct st_bit *table, __u64 *value)
{
	const char *member;
	size_t len;

	*value = 0;
	if (*arg == '{') {
		member = strstr(arg, "flags=");
		if (!member)
			return false;
		arg = member;
	}
	for (arg = st_value(arg);; arg++) {
		/* MAP_HUGETLB's size is "21<<MAP_HUGE_SHIFT". */
		len = strcspn(arg, "|,} ");
		if (!memmem(arg, len, "<<", 2) &&
		    !st_one_bit(arg, len, table, value))
			return false;
		arg += len;
		if (*arg != '|')
			return true;
	}
}
