#include <stddef.h>
#include <string.h>

#include "reason.h"

static const char *const texts[RTTA_REASONS] = {
	[RTTA_REASON_OVERRUN] = "samples lost by the sound card",
	[RTTA_REASON_CEILING] = "not taken in time",
	[RTTA_REASON_UNPLUGGED] = "microphone unplugged",
	[RTTA_REASON_NO_CAPTURE] = "nothing was recorded",
	[RTTA_REASON_KILLED] = "rtta-route was killed",
	[RTTA_REASON_OFF_RECORD] = "off the record",
	[RTTA_REASON_PREROLL] = "no longer in the pre-roll buffer",
	[RTTA_REASON_EXPIRED] = "expired unheard",
	[RTTA_REASON_ENGINE] = "engine gave up",
	[RTTA_REASON_REFUSED] = "refused by the bus",
	[RTTA_REASON_STORE] = "the text could not be stored",
	[RTTA_REASON_LOST] = "lost",
	[RTTA_REASON_OTHER] = "other",
};

const char *
rtta_reason_text(enum rtta_reason reason)
{
	return texts[reason];
}

enum rtta_reason
rtta_reason_find(const char *text)
{
	for (int i = 0; text != NULL && i < RTTA_REASON_OTHER; i++)
		if (strcmp(text, texts[i]) == 0)
			return (enum rtta_reason)i;
	return RTTA_REASON_OTHER;
}
