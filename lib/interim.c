#include <stdlib.h>
#include <string.h>

#include "interim.h"

void
rtta_interim_clear(struct rtta_interim *interim)
{
	for (size_t i = 0; i < interim->count; i++)
		free(interim->texts[i].text);
	interim->count = interim->reach_count = 0;
}

static struct rtta_interim_reach *
reach_of(struct rtta_interim *interim, const struct rtta_record *record)
{
	struct rtta_interim_reach *reach;

	for (size_t i = 0; i < interim->reach_count; i++) {
		reach = &interim->reaches[i];
		if (reach->run == record->span.run && reach->channel == record->channel)
			return reach;
	}
	/* Only the newest runs matter: the oldest place goes. */
	if (interim->reach_count == RTTA_INTERIM_MAX) {
		memmove(interim->reaches, interim->reaches + 1,
		    (RTTA_INTERIM_MAX - 1) * sizeof(*reach));
		interim->reach_count--;
	}
	reach = &interim->reaches[interim->reach_count++];
	*reach = (struct rtta_interim_reach){ .run = record->span.run, .channel = record->channel };
	return reach;
}

bool
rtta_interim_fresh(struct rtta_interim *interim, const struct rtta_record *record)
{
	return record->foreign || record->backfill ||
	    record->span.first >= reach_of(interim, record)->last;
}

/* The place of its lane, run and channel, else a free one, or NULL. */
static struct rtta_interim_text *
place_of(struct rtta_interim *interim, const struct rtta_record *record)
{
	struct rtta_interim_text *vacant = NULL;

	for (size_t i = 0; i < interim->count; i++) {
		struct rtta_interim_text *place = &interim->texts[i];

		if (place->text == NULL)
			vacant = place;
		else if (place->backfill == record->backfill &&
		    place->span.run == record->span.run && place->channel == record->channel)
			return place;
	}
	if (vacant != NULL || interim->count == RTTA_INTERIM_MAX)
		return vacant;
	vacant = &interim->texts[interim->count++];
	vacant->text = NULL;
	return vacant;
}

bool
rtta_interim_put(struct rtta_interim *interim, const struct rtta_record *record, void *text)
{
	struct rtta_interim_text *place = place_of(interim, record);

	if (place == NULL) {
		free(text);
		return false;
	}
	free(place->text);
	*place = (struct rtta_interim_text){ .text = text, .span = record->span,
	    .backfill = record->backfill, .channel = record->channel,
	    .version = ++interim->version };
	return true;
}

void
rtta_interim_final(struct rtta_interim *interim, const struct rtta_record *record)
{
	struct rtta_interim_reach *reach;

	if (record->foreign)
		return;
	/* Text that comes late from below says nothing about the live edge. */
	reach = reach_of(interim, record);
	if (!record->backfill && record->span.last > reach->last)
		reach->last = record->span.last;
	for (size_t i = 0; i < interim->count; i++) {
		struct rtta_interim_text *place = &interim->texts[i];

		if (place->text == NULL || place->span.run != record->span.run ||
		    place->channel != record->channel || place->span.first >= record->span.last ||
		    place->span.last <= record->span.first)
			continue;
		free(place->text);
		place->text = NULL;
	}
}

const struct rtta_interim_text *
rtta_interim_after(const struct rtta_interim *interim, uint64_t version)
{
	const struct rtta_interim_text *found = NULL;

	if (interim->version <= version)
		return NULL;
	for (size_t i = 0; i < interim->count; i++) {
		const struct rtta_interim_text *place = &interim->texts[i];

		if (place->text != NULL && place->version > version &&
		    (found == NULL || place->version < found->version))
			found = place;
	}
	return found;
}
