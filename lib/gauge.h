/*
 * gauge - how full TEXT_STREAM is, said before its oldest text goes.
 *
 * At its ceiling a stream of text drops what is oldest, silently.  This asks
 * now and then how much it holds, and logs when it is nearly full, and when
 * it is.  Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_GAUGE_H
#define RTTA_GAUGE_H

struct rtta_bus;
struct rtta_gauge;

enum rtta_gauge_level {
	RTTA_GAUGE_ROOM,
	RTTA_GAUGE_NEARLY,  /* four fifths */
	RTTA_GAUGE_FULL     /* all but one in a hundred: the next may not fit */
};

/* max_bytes of 0 or less: no ceiling. */
enum rtta_gauge_level rtta_gauge_level_of(double bytes, double max_bytes);

/* "room", "nearly full", "full". */
const char *rtta_gauge_level_name(enum rtta_gauge_level level);

struct rtta_gauge *rtta_gauge_new(struct rtta_bus *bus);
void rtta_gauge_free(struct rtta_gauge *gauge);

/* Returns ms until it wants to be called. */
int rtta_gauge_tick(struct rtta_gauge *gauge);

/* As it was when last heard of. */
enum rtta_gauge_level rtta_gauge_level(const struct rtta_gauge *gauge);

#endif
