#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "lease.h"
#include "log.h"
#include "mem.h"
#include "notify.h"
#include "random.h"
#include "state.h"

#define KEY "route"

enum {
	LOCK_MS = 200,          /* between two tries */
	ASK_MS = 1000,
	ABSENT_MS = 2000,       /* nobody listens: gone, and not between two connections */
	SILENT_MS = 10000,      /* stopped, or cut off */
	ASLEEP_MS = 5000,       /* since the last turn: less than SILENT_MS */
	MESSAGES = 64,
	OWNER_BYTES = 17,
	PLACE_BYTES = 96,
	SUBJECT_BYTES = 32
};

struct rtta_lease {
	struct rtta_bus *bus;
	struct rtta_state *state;
	struct rtta_port *port;
	enum rtta_lease_standing standing;
	char id[OWNER_BYTES];
	char *dir;
	int dir_fd;                 /* -1: it cannot be opened */
	bool locked, said;          /* that we wait */
	char place[PLACE_BYTES];    /* "": not ours alone */
	uint64_t write;             /* of the key, 0: none is on its way */
	uint64_t above;             /* the revision that it replaces */
	uint64_t epoch;
	int64_t turn_ms;            /* the last one */
	bool wrote;                 /* in this turn: the state has something to send */

	char holder[OWNER_BYTES];   /* who is asked whether he lives */
	int64_t ask_ms;             /* the next time */
	int64_t heard_ms;           /* he answered, or was first asked */
	int64_t absent_ms;          /* nobody listens since, 0: somebody does */
};

/* --- the directory --- */

static int
open_dir(const char *dir)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd = open(dir, flags);

	if (fd < 0 && errno == ENOENT && mkdir(dir, 0700) == 0)
		fd = open(dir, flags);
	if (fd < 0)
		rtta_log_debug("%s: %s: it is not locked", dir, strerror(errno));
	return fd;
}

/* The same kernel's same directory: a lock on it is seen by all who use it. */
static void
name_place(struct rtta_lease *lease)
{
	char boot[40] = "";
	struct stat st;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read(fd, boot, 36) == 36 && fstat(lease->dir_fd, &st) == 0)
		snprintf(lease->place, sizeof(lease->place), "%s/%jx/%jx", boot,
		    (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	close(fd);
}

/* Ready is who waits, too: a service manager need not worry. */
static void
say_waiting(struct rtta_lease *lease, const char *verb, const char *what)
{
	if (lease->said)
		return;
	lease->said = true;
	rtta_log_warn("another rtta-route %s %s: waiting", verb, what);
	rtta_notify("READY=1\nSTATUS=waiting for another rtta-route");
}

/* 1: nobody else uses it, or nobody can tell. */
static int
lock_dir(struct rtta_lease *lease)
{
	if (lease->dir_fd < 0 || lease->locked)
		return 1;
	if (flock(lease->dir_fd, LOCK_EX | LOCK_NB) == 0) {
		lease->locked = true;
		name_place(lease);
		return 1;
	}
	if (errno != EWOULDBLOCK)
		return 1;
	say_waiting(lease, "uses", lease->dir);
	return 0;
}

/* --- the key --- */

struct rtta_lease *
rtta_lease_new(struct rtta_bus *bus, struct rtta_state *state, const char *dir)
{
	struct rtta_lease *lease = rtta_xcalloc(1, sizeof(*lease));

	snprintf(lease->id, sizeof(lease->id), "%016" PRIx64, rtta_random());
	lease->bus = bus;
	lease->state = state;
	lease->port = rtta_port_open(bus, MESSAGES);
	lease->dir = rtta_xstrdup(dir);
	lease->dir_fd = open_dir(dir);
	lease->epoch = rtta_bus_epoch(bus);
	return lease;
}

void
rtta_lease_free(struct rtta_lease *lease)
{
	if (lease == NULL)
		return;
	rtta_port_close(lease->port);
	if (lease->dir_fd >= 0)
		close(lease->dir_fd);
	free(lease->dir);
	free(lease);
}

/* What somebody else writes there may be anything. */
static void
read_field(jv object, const char *key, char *text, size_t bytes)
{
	jv value = jv_object_get(jv_copy(object), jv_string(key));

	snprintf(text, bytes, "%s",
	    jv_get_kind(value) == JV_KIND_STRING ? jv_string_value(value) : "");
	jv_free(value);
}

struct holder {
	char id[OWNER_BYTES], place[PLACE_BYTES];
	uint64_t revision;
};

/* Whom the copy names; holder->id is "" when it names nobody. */
static void
find_holder(const struct rtta_lease *lease, struct holder *holder)
{
	jv value = rtta_state_get(lease->state, KEY, &holder->revision);

	holder->id[0] = holder->place[0] = '\0';
	if (jv_get_kind(value) == JV_KIND_OBJECT) {
		read_field(value, "id", holder->id, sizeof(holder->id));
		read_field(value, "place", holder->place, sizeof(holder->place));
	}
	jv_free(value);
}

static void
claim(struct rtta_lease *lease, uint64_t revision)
{
	lease->write = rtta_state_put(lease->state, KEY,
	    JV_OBJECT(jv_string("id"), jv_string(lease->id),
	    jv_string("instance"), jv_string(rtta_bus_instance(lease->bus)),
	    jv_string("place"), jv_string(lease->place),
	    jv_string("since_us"), jv_number((double)(rtta_clock_real_ns() / 1000))),
	    revision);
	lease->above = revision;
	lease->wrote = true;
}

static char *
subject_of(char subject[SUBJECT_BYTES], const char *id)
{
	snprintf(subject, SUBJECT_BYTES, "rtta.lease.%s", id);
	return subject;
}

bool
rtta_lease_result(struct rtta_lease *lease, const struct rtta_state_result *result)
{
	char subject[SUBJECT_BYTES];
	struct rtta_err err = {0};

	if (lease->write == 0 || result->number != lease->write)
		return false;
	lease->write = 0;
	if (result->outcome != RTTA_STATE_STORED)
		return true;
	if (lease->standing == RTTA_LEASE_WAITING &&
	    rtta_port_subscribe(lease->port, subject_of(subject, lease->id), &err) < 0)
		rtta_log_warn("%s", err.text);
	if (lease->said && lease->standing == RTTA_LEASE_WAITING) {
		rtta_log_info("the other rtta-route has gone: going on");
		rtta_notify("STATUS=");
	}
	lease->standing = RTTA_LEASE_HELD;
	return true;
}

/* --- waiting for another's --- */

static void
begin_asking(struct rtta_lease *lease, const struct holder *holder, int64_t now_ms)
{
	lease->ask_ms = lease->heard_ms = now_ms;
	lease->absent_ms = 0;
	strcpy(lease->holder, holder->id);
}

/* An answer, or the server's that nobody listens. */
static void
take_answers(struct rtta_lease *lease, int64_t now_ms)
{
	natsMsg *msg;

	while ((msg = rtta_port_take(lease->port)) != NULL) {
		if (natsMsg_GetDataLength(msg) == 0) {
			if (lease->absent_ms == 0)
				lease->absent_ms = now_ms;
		} else {
			say_waiting(lease, "has", "this room");
			lease->heard_ms = now_ms;
			lease->absent_ms = 0;
		}
		natsMsg_Destroy(msg);
	}
}

static int
wait_for_holder(struct rtta_lease *lease, const struct holder *holder, int64_t now_ms)
{
	char subject[SUBJECT_BYTES], reply[RTTA_MSG_REPLY_BYTES];

	if (strcmp(lease->holder, holder->id) != 0 || !rtta_bus_connected(lease->bus) ||
	    lease->epoch != rtta_bus_epoch(lease->bus))
		begin_asking(lease, holder, now_ms);
	lease->epoch = rtta_bus_epoch(lease->bus);
	take_answers(lease, now_ms);
	if ((lease->absent_ms != 0 && now_ms - lease->absent_ms >= ABSENT_MS) ||
	    now_ms - lease->heard_ms >= SILENT_MS) {
		claim(lease, holder->revision);
		return -1;
	}
	if (now_ms >= lease->ask_ms) {
		snprintf(reply, sizeof(reply), "%sa", rtta_port_inbox(lease->port));
		rtta_bus_send(lease->bus, subject_of(subject, lease->holder), reply, "", 0);
		lease->ask_ms = now_ms + ASK_MS;
	}
	return (int)(lease->ask_ms - now_ms);
}

static int
wait_for_turn(struct rtta_lease *lease, int64_t now_ms)
{
	struct holder holder;

	if (!lock_dir(lease))
		return LOCK_MS;
	if (!rtta_state_loaded(lease->state) || lease->write != 0)
		return -1;
	find_holder(lease, &holder);
	if (holder.id[0] != '\0' &&
	    (lease->place[0] == '\0' || strcmp(holder.place, lease->place) != 0))
		return wait_for_holder(lease, &holder, now_ms);
	claim(lease, holder.revision);
	return -1;
}

/* --- holding it --- */

static void
answer_asks(struct rtta_lease *lease)
{
	natsMsg *msg;

	while ((msg = rtta_port_take(lease->port)) != NULL) {
		if (natsMsg_GetReply(msg) != NULL)
			rtta_bus_send(lease->bus, natsMsg_GetReply(msg), NULL, "here", 4);
		natsMsg_Destroy(msg);
	}
}

/* The copy may be older than our write. */
static bool
is_replaced(const struct rtta_lease *lease, const struct holder *holder)
{
	return strcmp(holder->id, lease->id) != 0 && holder->revision > lease->above;
}

static void
keep(struct rtta_lease *lease, int64_t now_ms)
{
	struct holder holder;

	answer_asks(lease);
	find_holder(lease, &holder);
	if (is_replaced(lease, &holder) || now_ms - lease->turn_ms > ASLEEP_MS ||
	    lease->epoch != rtta_bus_epoch(lease->bus))
		lease->standing = RTTA_LEASE_UNSURE;
	lease->epoch = rtta_bus_epoch(lease->bus);
	if (lease->standing != RTTA_LEASE_UNSURE || lease->write != 0)
		return;
	if (is_replaced(lease, &holder) && holder.id[0] != '\0')
		lease->standing = RTTA_LEASE_LOST;
	else
		claim(lease, holder.revision);  /* stored: it was ours, and is */
}

int
rtta_lease_tick(struct rtta_lease *lease, int64_t now_ms)
{
	int wait_ms = -1;

	lease->wrote = false;
	switch (lease->standing) {
	case RTTA_LEASE_WAITING:
		wait_ms = wait_for_turn(lease, now_ms);
		break;
	case RTTA_LEASE_HELD:
	case RTTA_LEASE_UNSURE:
		keep(lease, now_ms);
		break;
	case RTTA_LEASE_LOST:
		break;
	}
	lease->turn_ms = now_ms;
	return lease->wrote ? 0 : wait_ms;
}

enum rtta_lease_standing
rtta_lease_standing(const struct rtta_lease *lease)
{
	return lease->standing;
}

bool
rtta_lease_is_taken(const struct rtta_lease *lease)
{
	return lease->standing == RTTA_LEASE_WAITING && lease->said;
}
